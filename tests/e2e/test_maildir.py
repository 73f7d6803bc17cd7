"""The Maildir store: a file a message, in directories that nobody locks."""
import contextlib
import os
import re
import socket
import subprocess
import time

import pop3
import pytest
from pop3 import AS_ROOT, UID
from test_full_disk import on_a_small_disk

STORES = ("maildir",)
TEXT = b"Subject: a message\n\nIts text.\n"


def wire(data):
    """What RETR must send of a file with this content."""
    text = re.sub(rb"(?<!\r)\n", rb"\r\n", data)
    if data and not data.endswith(b"\n"):
        text += b"\n" if data.endswith(b"\r") else b"\r\n"
    return text


def names(host, place):
    return sorted(os.listdir(os.path.join(host.mailbox, place)))


def state(host, name):
    return os.path.join(host.state, "thomas", name)


def set_flags(path, flags, place="cur"):
    """As an IMAP server does: another name, in cur/."""
    top = os.path.dirname(os.path.dirname(path))
    name = os.path.basename(path).partition(":")[0] + ":2," + flags
    new = os.path.join(top, place, name)
    os.rename(path, new)
    return new


def quit_after(host, *commands):
    with host.login() as s:
        for command in commands:
            s.ok(command)
        s.ok("QUIT")


def subjects(host):
    with host.login() as s:
        texts = [s.retr(n) for n in range(1, s.stat()[0] + 1)]
        s.ok("QUIT")
    return [re.search(rb"Subject: ([^\r]*)", text)[1].decode()
            for text in texts]


def deliver(host, subject, name, place="new"):
    return host.deliver(f"Subject: {subject}\n\n{subject}\n".encode(), name,
                        place)


# ---- order and octets

def test_messages_come_in_the_order_of_their_delivery(host):
    deliver(host, "4", "1700000009.M1P1.host")
    deliver(host, "1", "999.1.host", "cur")
    deliver(host, "3", "1700000005.M900P2.host:2,S", "cur")
    deliver(host, "2", "1700000005.M1P7.host")
    deliver(host, "6", "1700000010.2_0.host")
    deliver(host, "5", "1700000010.1_0.host")
    assert subjects(host) == list("123456")
    for path in host.files():
        set_flags(path, "RS")
    assert subjects(host) == list("123456")


def test_a_name_without_a_time_counts_from_its_files(host):
    os.utime(deliver(host, "2", "some-name"), (0, 1700000005))
    deliver(host, "1", "1700000004.M1P1.host")
    deliver(host, "3", "1700000006.M1P1.host")
    with host.login() as s:
        assert b"Subject: 2" in s.retr(2)


@pytest.mark.parametrize("data", [
    b"", b"\n", b"\r\n", b"\r", b"a", b"a\r", b"a\n", b"a: b\n\n.\n..\n.x\n",
    b"a: b\r\n\r\nCRLF\r\n", b"a: b\n\nmixed\r\nand\nlone\rCR\r", b"\0\n\0\0",
    b"\xff\xfe: 8 bit\n\n\x80\n", b"x" * 300000, b"y\n" * 200000,
    b"z\r\n" * 131072, b"a" * (128 * 1024 - 1) + b"\r\n",
    b"a" * (128 * 1024) + b"\n", b"From here on\n\n>From there\nFrom x\n"],
    ids=pop3.name)
def test_octets_are_exact(host, data):
    host.deliver(data)
    for _ in range(2):
        with host.login() as s:
            assert s.list() == {1: len(wire(data))}
            assert s.retr(1) == wire(data)
            s.ok("QUIT")


def test_sizes_in_names_are_not_believed(host):
    host.deliver(TEXT, "1700000000.M1P1.host,S=7,W=9")
    host.deliver(TEXT, "1700000001.M1P1.host,S=99999999,W=99999999:2,S", "cur")
    with host.login() as s:
        assert s.list() == {1: len(wire(TEXT)), 2: len(wire(TEXT))}
        assert s.retr(1) == s.retr(2) == wire(TEXT)


# ---- the index

def test_what_the_index_knows_is_not_read_again(host):
    path = host.deliver(TEXT)
    time.sleep(0.03)
    quit_after(host)
    os.chmod(set_flags(path, "S"), 0)
    with host.login() as s:
        assert s.list() == {1: len(wire(TEXT))}
        s.err("RETR 1")


def test_the_index_is_not_believed_for_another_content(host):
    path = host.deliver(b"a: b\n\n1\n2\n3\n")
    time.sleep(0.03)
    quit_after(host)
    before = os.stat(path)
    with open(path, "r+b") as f:
        f.write(b"a: b\n\n12345\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    now = os.stat(path)
    assert (now.st_ino, now.st_size, now.st_mtime_ns) == \
        (before.st_ino, before.st_size, before.st_mtime_ns)
    with host.login() as s:
        assert s.list() == {1: len(b"a: b\r\n\r\n12345\r\n")}
        s.ok("QUIT")


@pytest.mark.parametrize("damage", ["lost", "empty", "cut", "garbage", "bit",
                                    "fifo", "directory", "link"])
def test_an_index_that_is_no_good_changes_nothing(host, damage):
    for n in range(5):
        host.deliver(TEXT * (n + 1))
    time.sleep(0.03)
    before = host.wires()
    index = state(host, "index.maildir")
    with open(index, "rb") as f:
        data = f.read()
    os.unlink(index)
    if damage == "fifo":
        os.mkfifo(index)
        os.chown(index, UID, -1)
    elif damage == "directory":
        os.mkdir(index)
    elif damage == "link":
        os.symlink(host.files()[0], index)
    elif damage != "lost":
        host.put(index, {"empty": b"", "cut": data[:-1],
                         "garbage": b"\xa5" * len(data),
                         "bit": data[:70] + bytes([data[70] ^ 1]) + data[71:]
                         }[damage])
    assert host.wires() == before
    with open(host.files()[0], "rb") as f:
        assert f.read() == TEXT


# ---- ids

def test_an_id_is_the_unique_name_where_it_can_be(host):
    good = ["1700000000.M1P1.host", "1700000001.M1P1.host,S=30",
            "1700000002." + "x" * 59]
    bad = ["1700000003." + "x" * 60, "1700000004.a b", "1700000005.\xe4",
           "1700000006.a\nb", "1" * 32, "1700000007.\x7f"]
    for name in good + bad:
        host.deliver(TEXT, name)
    _, ids = host.wires()
    assert set(good) <= set(ids)
    assert len(set(ids)) == len(good + bad)
    for one in set(ids) - set(good):
        assert re.fullmatch("[0-9a-f]{32}", one)
        assert one not in bad


def test_an_id_stays_with_flags_and_in_cur(host):
    for name in ("1700000000.M1P1.host", "1700000001.a b", "x" * 100):
        os.utime(host.deliver(TEXT, name), (0, 1700000002))
    before = host.wires()
    for path in host.files():
        set_flags(path, "FS")
    assert host.wires() == before
    os.unlink(state(host, "index.maildir"))
    assert host.wires() == before


def test_two_files_with_one_unique_name_have_two_ids(host):
    first = deliver(host, "first", "1700000000.M1P1.host")
    os.utime(first, (0, 1700000000))
    quit_after(host)
    second = deliver(host, "second", "1700000000.M1P1.host:2,S", "cur")
    os.utime(second, (0, 1600000000))
    with host.login() as s:
        texts = {s.uidl()[n]: s.retr(n) for n in (1, 2)}
        s.ok("QUIT")
    assert len(texts) == 2
    assert b"first" in texts["1700000000.M1P1.host"]
    # the other must not take it over: a client would not fetch it
    with host.login() as s:
        n = next(n for n, uidl in s.uidl().items()
                 if uidl == "1700000000.M1P1.host")
        s.ok(f"DELE {n}")
        s.ok("QUIT")
    texts, ids = host.wires()
    assert b"second" in texts[0] and len(texts) == 1
    assert ids != ["1700000000.M1P1.host"]


def test_uidl_hash_is_made_from_the_name(host):
    path = host.deliver(TEXT)
    _, ids = host.wires("--uidl=hash")
    assert re.fullmatch("[0-9a-f]{32}", ids[0])
    set_flags(host.files()[0], "S")
    assert host.wires("--uidl=hash")[1] == ids
    assert host.wires()[1] == [os.path.basename(path)]


# ---- what others do meanwhile

def test_a_message_that_is_renamed_is_found_again(host):
    for n in range(20):
        deliver(host, str(n), f"{1700000000 + n}.M1P1.host")
    with host.login() as s:
        for flags in "S", "RS", "FRS":
            for path in host.files():
                set_flags(path, flags)
            for n in (1, 7, 20):
                assert b"Subject: %d\r" % (n - 1) in s.retr(n)
        for path in host.files():
            set_flags(path, "S", "new")
        s.ok("DELE 3")
        for path in host.files():
            set_flags(path, "")
        s.ok("DELE 4")
        s.ok("QUIT")
    assert len(host.files()) == 18
    assert not any(name.startswith(("1700000002.", "1700000003."))
                   for name in names(host, "cur"))


def test_a_message_that_was_removed_is_gone(host):
    for n in range(3):
        deliver(host, str(n), f"{1700000000 + n}.M1P1.host")
    with host.login() as s:
        os.unlink(host.files()[1])
        s.err("RETR 2", "-ERR No such message...")
        s.err("TOP 2 0", "-ERR No such message...")
        s.ok("DELE 2")
        assert b"Subject: 2" in s.retr(3)
        s.ok("QUIT")
    assert len(host.files()) == 2


@pytest.mark.parametrize("how", ["written", "replaced", "longer"])
def test_another_content_is_not_served_and_not_removed(host, how):
    keep = deliver(host, "keep", "1700000000.M1P1.host")
    path = deliver(host, "old", "1700000001.M1P1.host")
    deliver(host, "also", "1700000002.M1P1.host")
    with host.login() as s:
        s.ok("DELE 3")
        if how == "replaced":
            os.unlink(path)
            deliver(host, "new", "1700000001.M1P1.host")
        else:
            time.sleep(0.03)
            with open(path, "r+b" if how == "written" else "ab") as f:
                f.write(b"Subject: new")
        s.err("RETR 2", "-ERR No such message...")
        s.ok("DELE 2")
        s.ok("QUIT")
    assert os.path.exists(keep)
    assert os.path.exists(path)
    assert len(host.files()) == 2


def test_a_file_that_shrinks_while_it_is_sent_breaks_the_reply_off(host):
    path = host.deliver(b"a: b\n\n" + b"0123456789\n" * 2000000)
    with host.login() as s:
        s.send("RETR 1")
        s.expect("+OK ...")
        os.truncate(path, 1000)
        rest = s.exchange(b"", half_close=True)
        assert not rest.endswith(b"\r\n.\r\n")


def test_a_message_that_is_removed_while_it_is_sent_arrives_whole(host):
    data = b"a: b\n\n" + b"0123456789\n" * 2000000
    path = host.deliver(data)
    with host.login() as s:
        s.send("RETR 1")
        s.expect("+OK ...")
        os.unlink(path)
        assert s.hear_text() == wire(data)
        s.ok("QUIT")


def test_mail_that_arrives_in_a_session_waits_for_the_next(host):
    deliver(host, "1", "1700000001.M1P1.host")
    with host.login() as s:
        deliver(host, "0", "1700000000.M1P1.host")
        assert s.stat()[0] == 1
        s.ok("DELE 1")
        s.ok("QUIT")
    assert subjects(host) == ["0"]


# ---- from new/ to cur/

def test_what_was_retrieved_and_stays_goes_to_cur_without_a_flag(host):
    for n in range(4):
        deliver(host, str(n), f"170000000{n}.M1P1.host")
    deliver(host, "4", "1700000004.M1P1.host:2,FS", "cur")
    with host.login() as s:
        s.retr(1)
        s.text("TOP 2 0")
        s.retr(3)
        s.retr(5)
        s.ok("DELE 3")
        assert len(names(host, "new")) == 4
        s.ok("QUIT")
    assert names(host, "cur") == ["1700000000.M1P1.host:2,",
                                  "1700000004.M1P1.host:2,FS"]
    assert names(host, "new") == ["1700000001.M1P1.host",
                                  "1700000003.M1P1.host"]


def test_nothing_moves_without_quit(host):
    deliver(host, "0", "1700000000.M1P1.host")
    with host.login() as s:
        s.retr(1)
    assert names(host, "new") == ["1700000000.M1P1.host"]


def test_a_move_to_cur_never_takes_another_files_place(host):
    deliver(host, "new", "1700000000.M1P1.host")
    deliver(host, "cur", "1700000000.M1P1.host:2,", "cur")
    with host.login() as s:
        assert s.retr(1) and s.retr(2)
        s.ok("QUIT")
    assert len(host.files()) == 2
    assert sorted(subjects(host)) == ["cur", "new"]


# ---- what is no message

def make_link(path):
    os.symlink("/etc/passwd", path)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)


def make_secret(path):
    with open(path, "wb") as f:
        f.write(TEXT)
    os.chmod(path, 0)
    os.chown(path, UID, -1)


def make_foreign(path):
    with open(path, "wb") as f:
        f.write(TEXT)
    os.chmod(path, 0o644)


@pytest.mark.parametrize("make", [
    make_link, os.mkfifo, os.mkdir, make_socket, make_secret,
    pytest.param(make_foreign, marks=pytest.mark.skipif(
        not AS_ROOT, reason="only root can give files away"))])
@pytest.mark.parametrize("place", ["cur", "new"])
def test_what_is_no_file_of_the_users_is_not_served(host, place, make):
    deliver(host, "1", "1700000001.M1P1.host")
    strange = os.path.join(host.mailbox, place, "1700000000.strange")
    make(strange)
    with host.login() as s:
        assert s.stat()[0] == 1
        s.ok("DELE 1")
        s.ok("QUIT")
        if make is not os.mkdir:
            assert f"not served: {place}/1700000000.strange" in s.log()
    assert os.path.lexists(strange)


def test_tmp_subfolders_and_hidden_files_are_not_served(host):
    host.deliver(TEXT, "1600000000.old", "tmp")
    host.deliver(TEXT, ".hidden")
    for place in "", "cur", "new", "tmp":
        os.mkdir(os.path.join(host.mailbox, ".Sent", place))
    host.deliver(TEXT, "1700000000.M1P1.host:2,S", ".Sent/cur")
    old = os.path.join(host.mailbox, "tmp", "1600000000.old")
    os.utime(old, (0, 0))
    with host.login() as s:
        assert s.stat() == (0, 0)
        s.ok("QUIT")
    assert os.path.exists(old)


def test_a_newline_in_a_name_writes_no_line_of_the_log(host):
    os.symlink("x", os.path.join(host.mailbox, "new", "1\npop3d[1]: \x1b[2J"))
    with host.login() as s:
        s.ok("QUIT")
        assert "\npop3d[1]:" not in s.log() and "\x1b" not in s.log()


def test_messages_that_share_a_file_go_one_by_one(host):
    path = deliver(host, "0", "1700000000.M1P1.host")
    os.link(path, os.path.join(host.mailbox, "cur", "1700000001.M1P1.host:2,"))
    os.mkdir(os.path.join(host.mailbox, ".Sent"))
    elsewhere = os.path.join(host.mailbox, ".Sent", "a")
    os.link(path, elsewhere)
    with host.login() as s:
        assert s.stat()[0] == 2
        s.ok("DELE 1")
        s.ok("QUIT")
    assert [os.path.basename(p) for p in host.files()] == \
        ["1700000001.M1P1.host:2,"]
    assert os.path.exists(elsewhere)


@pytest.mark.parametrize("place", ["cur", "new"])
def test_two_names_of_one_message_are_one_message(host, place):
    """A mail reader that links and unlinks was cut between the two."""
    path = deliver(host, "0", "1700000000.M1P1.host:2,", "cur")
    os.link(path, os.path.join(host.mailbox, place,
                               "1700000000.M1P1.host:2,S"))
    with host.login() as s:
        assert s.uidl() == {1: "1700000000.M1P1.host"}
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.files() == []


# ---- the Maildir itself

def without_slash(host):
    host.command = lambda *options: [
        arg.rstrip("/") if arg.startswith("--mailbox=") else arg
        for arg in pop3.MaildirHost.command(host, *options)]


def test_a_directory_with_cur_new_tmp_needs_no_slash(host):
    without_slash(host)
    deliver(host, "0", "1700000000.M1P1.host")
    quit_after(host, "DELE 1")
    assert host.files() == []


def test_a_directory_without_them_is_no_mbox(host):
    without_slash(host)
    os.rmdir(os.path.join(host.mailbox, "tmp"))
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/PERM]...")


def test_a_maildir_that_is_not_there_is_empty(host):
    for place in "cur", "new", "tmp", "":
        os.rmdir(os.path.join(host.mailbox, place))
    quit_after(host)
    assert not os.path.exists(host.mailbox)


@pytest.mark.parametrize("missing", ["cur", "new"])
def test_a_maildir_that_is_half_made_is_served(host, missing):
    os.rmdir(os.path.join(host.mailbox, missing))
    deliver(host, "0", "1700000000.M1P1.host",
            "new" if missing == "cur" else "cur")
    assert subjects(host) == ["0"]
    quit_after(host, "DELE 1")
    assert subjects_left(host) == 0


def subjects_left(host):
    return sum(len(files) for _, _, files in os.walk(host.mailbox))


def test_a_directory_that_is_no_maildir_is_refused(host):
    for place in "cur", "new":
        os.rmdir(os.path.join(host.mailbox, place))
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/PERM]...")
        assert "it is no Maildir" in s.log()


@pytest.mark.parametrize("what", ["", "cur", "new"])
def test_a_symbolic_link_for_a_directory_is_refused(host, what):
    path = os.path.join(host.mailbox, what).rstrip("/")
    os.rename(path, path + ".away")
    os.symlink(path + ".away", path)
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/PERM]...")
        assert "symbolic link" in s.log()


@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
@pytest.mark.parametrize("what", ["", "cur", "new"])
def test_another_users_maildir_is_refused(host, what):
    os.chown(os.path.join(host.mailbox, what), 0, -1)
    os.chmod(os.path.join(host.mailbox, what), 0o777)
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/PERM]...")
        assert "belongs to another user" in s.log()


def test_nothing_goes_from_a_directory_that_may_not_be_written(host):
    for n in range(3):
        deliver(host, str(n), f"170000000{n}.M1P1.host")
    new = os.path.join(host.mailbox, "new")
    os.chmod(new, 0o500)
    with host.login() as s:
        s.ok("DELE 1")
        s.ok("DELE 3")
        s.err("QUIT", "-ERR [SYS/PERM] 2 messages not removed.")
    os.chmod(new, 0o700)
    assert not os.path.exists(state(host, "journal.maildir"))
    assert subjects(host) == ["0", "1", "2"]


# ---- quota, LAST, recovery, check

def test_maildirsize_is_kept_right(host):
    size = host.put(os.path.join(host.mailbox, "maildirsize"),
                    b"100000S,100C\n200 4\n")
    host.deliver(TEXT, "1700000000.M1P1.host,S=100")
    host.deliver(TEXT, "1700000001.M1P1.host")
    host.deliver(TEXT, "1700000002.M1P1.host:2,ST", "cur")
    host.deliver(TEXT)
    quit_after(host, "DELE 1", "DELE 2", "DELE 3")
    with open(size, "rb") as f:
        assert f.read() == b"100000S,100C\n200 4\n-%d -2\n" % (
            100 + len(TEXT))


def test_a_maildirsize_that_is_a_link_is_left_alone(host):
    victim = host.put(os.path.join(host.top, "victim"), b"keep\n")
    os.symlink(victim, os.path.join(host.mailbox, "maildirsize"))
    host.deliver(TEXT)
    quit_after(host, "DELE 1")
    with open(victim, "rb") as f:
        assert f.read() == b"keep\n"
    assert host.files() == []


def test_no_maildirsize_is_made(host):
    host.deliver(TEXT)
    quit_after(host, "DELE 1")
    assert sorted(os.listdir(host.mailbox)) == ["cur", "new", "tmp"]


def test_last_stays_with_its_message(host):
    for n in range(4):
        deliver(host, str(n), f"170000000{n}.M1P1.host")
    quit_after(host, "DELE 1")
    with host.login() as s:
        s.retr(2)
        s.ok("QUIT")
    with host.login() as s:
        s.ok("LAST", "+OK 2")
        s.ok("DELE 1")
        s.ok("QUIT")
    with host.login() as s:
        s.ok("LAST", "+OK 1")
        s.ok("DELE 1")
        s.ok("QUIT")
    with host.login() as s:
        s.ok("LAST", "+OK 0")


def test_a_damaged_journal_removes_nothing(host):
    deliver(host, "0", "1700000000.M1P1.host")
    quit_after(host)
    host.put(state(host, "journal.maildir"), b"pop3djm\0" + b"x" * 100)
    with host.login() as s:
        assert s.stat()[0] == 1
        s.ok("QUIT")
        assert "damaged" in s.log()
    assert not os.path.exists(state(host, "journal.maildir"))


def test_check_says_how_many_messages_there_are(host):
    for n in range(3):
        host.deliver(TEXT)
    os.symlink("x", os.path.join(host.mailbox, "new", "1.strange"))
    account = subprocess.run(["id", "-nu", str(UID)], text=True, check=True,
                             stdout=subprocess.PIPE).stdout.strip()
    os.rename(host.mailbox, os.path.join(host.mail, account))
    argv = host.command("--min-uid=1", "--check", account)
    _, out, _ = host.run(*argv[1:])
    assert f"Maildir {host.mail}/{account}/: 3 messages in " \
        f"{3 * len(TEXT)} bytes" in out
    assert "1 things in cur/ and new/ are no messages" in out


def test_both_stores_of_a_user_keep_their_state_apart(host):
    """A host that goes over from one to the other."""
    deliver(host, "0", "1700000000.M1P1.host")
    quit_after(host)
    os.rename(host.mailbox, host.mailbox + ".away")
    without_slash(host)
    host.put(host.mailbox, pop3.message(7))
    with host.login() as s:
        assert b"message 7" in s.retr(1)
        s.ok("QUIT")
    os.unlink(host.mailbox)
    with contextlib.suppress(FileNotFoundError):
        os.rename(host.mailbox + ".away", host.mailbox)
    assert subjects(host) == ["0"]


# ---- the ids of other servers

UIDLIST = b"""\
3 V1795850746 N9 G5294d736fa810a6b407d000083ecc375
1 W17 :1700000000.M1P1.host,S=14
2 W17 Gabcdef0123 :1700000001.M1P1.host
3 W17 PUID3-99 :1700000002.M1P1.host:2,S
5 :1700000003.x y
7 W17 :1700000009.M1P1.gone
x W17 :1700000004.M1P1.host
6 W17 1700000004.M1P1.host
"""


def four_messages(host):
    for n, name in enumerate(["1700000000.M1P1.host,S=14",
                              "1700000001.M1P1.host", "1700000002.M1P1.host",
                              "1700000003.x y", "1700000004.M1P1.host"]):
        deliver(host, str(n), name)


@pytest.mark.parametrize("kind, ids", [
    ("dovecot", ["000000016b0a81fa", "000000026b0a81fa", "UID3-99",
                 "000000056b0a81fa"]),
    ("dovecot:%08Xv%08Xu", ["6b0a81fa00000001", "6b0a81fa00000002", "UID3-99",
                            "6b0a81fa00000005"]),
    ("dovecot:%v.%u", ["1795850746.1", "1795850746.2", "UID3-99",
                       "1795850746.5"]),
    ("dovecot:UID%u-%v", ["UID1-1795850746", "UID2-1795850746", "UID3-99",
                          "UID5-1795850746"]),
    ("dovecot:%u", ["1", "2", "UID3-99", "5"]),
    ("dovecot:%f", ["1700000000.M1P1.host,S=14", "1700000001.M1P1.host",
                    "UID3-99", None]),
    ("dovecot:%g", ["1700000000.M1P1.host,S=14", "abcdef0123", "UID3-99",
                    None]),
    ("dovecot:%Mf", ["6f2b299f777aec466064f73bf62b7127",
                     "eb6321585bfba6c4a564dcacae365d5c", "UID3-99",
                     "3f9a"])],
    ids=lambda value: value if isinstance(value, str) else "")
def test_dovecots_ids(host, kind, ids):
    four_messages(host)
    host.put(os.path.join(host.mailbox, "dovecot-uidlist"), UIDLIST)
    for _ in range(2):
        _, found = host.wires(f"--uidl={kind}")
        for ours, theirs in zip(found, ids):
            if theirs is None:
                assert re.fullmatch("[0-9a-f]{32}", ours)
            elif theirs != "3f9a":
                assert ours == theirs
        assert found[4] == "1700000004.M1P1.host"
        for path in host.files():
            set_flags(path, "S")


def test_couriers_ids(host):
    four_messages(host)
    host.put(os.path.join(host.mailbox, "courierpop3dsizelist"),
             b"/3 5 1795850712\n"
             b"1700000000.M1P1.host,S=14:2,S 17 1:1795850712:0\n"
             b"1700000001.M1P1.host:2, 17 2:1795850712:0\n"
             b"1700000002.M1P1.host 43 3\n"
             b"1700000003.x y:2, 17 4:1795850712\n"
             b"1700000004.M1P1.host:2, 17 x\n")
    assert host.wires("--uidl=courier")[1] == [
        "UID1-1795850712", "UID2-1795850712", "UID3", "UID4-1795850712",
        "1700000004.M1P1.host"]


@pytest.mark.parametrize("kind", ["qmail", "dovecot", "courier", "qpopper"])
def test_without_another_servers_list_the_id_is_the_name(host, kind):
    deliver(host, "0", "1700000000.M1P1.host")
    assert host.wires(f"--uidl={kind}")[1] == ["1700000000.M1P1.host"]


def test_an_id_that_was_told_stays_when_dovecot_numbers_the_message(host):
    four_messages(host)
    before = host.wires("--uidl=dovecot")
    host.put(os.path.join(host.mailbox, "dovecot-uidlist"), UIDLIST)
    assert host.wires("--uidl=dovecot") == before


def test_no_two_messages_have_the_same_id(host):
    for n in range(6):
        deliver(host, str(n), f"170000000{n}.host")
    host.put(os.path.join(host.mailbox, "dovecot-uidlist"),
             b"3 V9 N9 Gx\n1 Psame :1700000000.host\n"
             b"2 Psame :1700000001.host\n"
             b"3 P1700000004.host :1700000002.host\n"
             b"4 P1700000003.host :1700000003.host\n"
             b"5 Pa\tb :1700000005.host\n")
    assert host.wires("--uidl=dovecot")[1] == [
        "same", "1700000001.host", "1700000002.host", "1700000003.host",
        "1700000004.host", "1700000005.host"]


@pytest.mark.parametrize("data", [
    b"", b"3 V5\n", b"\n\n\n", b"3 V0 N1\n1 :a\n", b"\0" * 300000,
    b"3 V7 N1\n" + b"1 W" + b"9" * 300000 + b" :1700000000.host\n",
    b"3 V7 N1\n1 P" + b"x" * 100 + b" :1700000000.host",
    b"3 V7 N1\n99999999999 :1700000000.host\n", b"3 V7 N1\n1 :\n1 \n1\n :x\n",
    b"1 7 2\n1 1700000000.host\n"], ids=pop3.name)
def test_a_list_that_is_none_changes_nothing(host, data):
    deliver(host, "0", "1700000000.host")
    for kind, name in (("dovecot", "dovecot-uidlist"),
                       ("courier", "courierpop3dsizelist")):
        host.put(os.path.join(host.mailbox, name), data)
        assert host.wires(f"--uidl={kind}")[1] == ["1700000000.host"]


def test_a_list_that_is_a_link_or_a_fifo_is_refused(host):
    path = os.path.join(host.mailbox, "dovecot-uidlist")
    for make in (lambda: os.symlink("/etc/passwd", path),
                 lambda: os.mkfifo(path)):
        make()
        deliver(host, "0", "1700000000.host")
        with host.connect("--uidl=dovecot") as s:
            s.ok("USER thomas")
            s.err("PASS secret", "-ERR [SYS/PERM]...")
        os.unlink(path)


@pytest.mark.parametrize("kind", ["dovecot:", "dovecot:%", "dovecot:%x",
                                  "dovecot:%u:%v", "dovecot:a b",
                                  "dovecot:%08", "courier:%u"])
def test_a_format_that_makes_no_sense_is_refused(host, kind):
    status, _, err = host.run(f"--uidl={kind}")
    assert status == 64 and "--uidl" in err


# ---- no room

@pytest.mark.parametrize("size, journal", [("1m", True), ("16k", True),
                                           ("4k", False)])
@pytest.mark.parametrize("all_of_them", [True, False])
def test_a_full_disk_does_not_keep_mail_from_going(host, size, journal,
                                                   all_of_them):
    """In 16k the journal takes the index's place; in 4k is none for either."""
    for n in range(100):
        deliver(host, str(n), f"{1700000000 + n}.M1P1.mail.example.org")
    time.sleep(0.03)
    on_a_small_disk(host, size)
    with host.login() as s:
        for n in range(1, 101, 1 if all_of_them else 2):
            s.ok(f"DELE {n}")
        s.ok("QUIT")
        assert ("no room for a journal" in s.log()) == (not journal)
    left = [int(os.path.basename(path)[:10]) for path in host.files()]
    assert left == [] if all_of_them else \
        left == list(range(1700000001, 1700000100, 2))
