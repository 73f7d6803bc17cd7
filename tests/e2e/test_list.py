"""--list USER: what a client would be told, and nothing is changed by it."""
import os
import re
import shutil
import subprocess

import pytest
from pop3 import MaildirHost, locked, message

STORES = ("mbox", "maildir")


def mail(n, sender="sender@example.org", date="Wed, 2 Dec 1992 05:53:00 +0000"):
    return message(n, headers=f"Date: {date}\n").replace(
        b"From: sender@example.org", b"From: " + sender.encode())


def listing(host, *options, user="thomas"):
    argv = host.command(f"--list={user}", *options)[1:]
    status, out, err = host.run(*argv)
    return status, [line.split("\t") for line in out.splitlines()], err


def everything(host):
    """What a look must leave as it is: names, contents, and all times but the
    one of reading."""
    found = {}
    for top in host.mail, host.state:
        for path, _, files in os.walk(top):
            for name in [path] + [os.path.join(path, f) for f in files]:
                st = os.lstat(name)
                found[name] = (st.st_mtime_ns, st.st_ctime_ns, st.st_size)
    return found


def test_a_line_for_each_message(host):
    host.write(mail(1), mail(2, "Anna <anna@example.org>"), message(3))
    with host.login() as s:
        uidl, sizes = s.uidl(), s.list()
        s.ok("QUIT")
    status, lines, err = listing(host)
    assert (status, err) == (0, "")
    date = "Wed, 2 Dec 1992 05:53:00 +0000"
    assert lines == [
        ["1", str(sizes[1]), uidl[1], "sender@example.org", date, "message 1"],
        ["2", str(sizes[2]), uidl[2], "Anna <anna@example.org>", date,
         "message 2"],
        ["3", str(sizes[3]), uidl[3], "sender@example.org", "", "message 3"]]


@pytest.mark.parametrize("known", [False, True])
def test_nothing_changes(host, known):
    host.write(mail(1), mail(2))
    if known:
        with host.login() as s:
            s.ok("QUIT")
    before = everything(host)
    assert listing(host)[0] == 0
    assert everything(host) == before
    assert known or not os.path.exists(f"{host.state}/thomas")


@pytest.mark.store("mbox")
def test_nothing_changes_where_another_servers_ids_are_to_be_kept(host):
    host.write(message(1, headers="X-IMAPbase: 7 3\nX-UID: 3\n"))
    os.makedirs(f"{host.state}/thomas")
    os.chown(f"{host.state}/thomas", os.stat(host.mailbox).st_uid, -1)
    before = everything(host)
    status, lines, _ = listing(host, "--uidl=uw")
    assert (status, everything(host)) == (0, before)
    with host.login("--uidl=uw") as s:
        assert s.uidl() == {1: lines[0][2]}
        s.ok("QUIT")


def test_a_session_goes_on_meanwhile(host):
    host.write(mail(1), mail(2))
    with host.login() as s:
        s.ok("DELE 1")
        status, lines, _ = listing(host)
        assert status == 0 and len(lines) == 2
        s.ok("QUIT")
    assert len(listing(host)[1]) == 1


def test_no_mailbox_is_an_empty_list(host):
    assert listing(host) == (0, [], "")


def test_ids_are_those_that_were_told(host):
    """X-UIDL came later: the index says that the hash was told before."""
    host.write(mail(1))
    with host.login("--uidl=hash") as s:
        told = s.uidl()
        s.ok("QUIT")
    assert listing(host, "--uidl=hash")[1][0][2] == told[1]


def test_what_strangers_write_is_escaped(host):
    host.write(message(1, headers="Date: a\tb\x1b[2J\n\\c\n").replace(
        b"message 1", b"\xc3\xa4 \x9b31m\r\n folded"))
    status, [line], _ = listing(host)
    assert status == 0 and len(line) == 6
    assert line[4] == r"a\x09b\x1b[2J"
    assert line[5] == r"\xc3\xa4 \x9b31m folded"


@pytest.mark.store("mbox")
def test_a_lock_of_another_program_is_waited_for(host):
    host.write(mail(1))
    with locked(host.mailbox, "fcntl"):
        status, lines, err = listing(host, "--lock-timeout=0")
    assert (status, lines) == (75, [])
    assert "holds its lock" in err


@pytest.mark.store("mbox")
def test_what_is_no_mailbox_is_said(host):
    host.write(b"This is no mbox.\n")
    status, lines, err = listing(host)
    assert (status, lines) == (66, []) and host.mailbox in err


def test_an_interrupted_removal_is_not_finished_by_a_look(host):
    host.write(mail(1))
    with host.login() as s:
        s.ok("QUIT")
    name = "journal.maildir" if isinstance(host, MaildirHost) else "journal"
    host.put(f"{host.state}/thomas/{name}", b"")
    before = everything(host)
    status, lines, err = listing(host)
    assert (status, lines) == (75, []) and "interrupted" in err
    assert everything(host) == before


def test_where_it_cannot_be_printed(host):
    host.write(mail(1))
    argv = host.command("--list=thomas")
    process = host.popen(["sh", "-c", 'exec "$@" >/dev/full', "sh", *argv])
    assert process.wait(20) == 74


def test_the_listing_may_write_nothing_and_start_nothing(host):
    """Its walls are a session's, without the rights to write."""
    if shutil.which("strace") is None:
        pytest.skip("strace is missing")
    host.write(mail(1))
    with host.login() as s:
        s.ok("QUIT")
    trace = host.directory("traces") + "/trace"
    process = host.popen(["strace", "-f", "-o", trace, *host.command(
        "--list=thomas")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    err = process.communicate(timeout=20)[1]
    if process.returncode != 0 and b"ptrace" in err:
        pytest.skip("strace cannot be used here")
    assert process.returncode == 0, err
    with open(trace) as f:
        made = f.read()
    after = made[made.index("PR_SET_SECCOMP"):]
    assert not re.search(r"O_CREAT|unlink|rename|ftruncate|O_TRUNC|pwrite",
                         after)
