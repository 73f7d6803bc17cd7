"""What a mailbox may be, and what is refused."""
import os
import subprocess

import pytest
import reference
from pop3 import AS_ROOT, entry, message

NOTE = reference.NOTE.decode()
INTERNAL = entry(
    "Date: Wed, 2 Dec 1992 05:53:22 +0000\n"
    "From: Mail System Internal Data <MAILER-DAEMON@example.org>\n"
    f"Subject: {NOTE}\n"
    "X-IMAP: 0723314802 0000000003\nStatus: RO\n\n"
    "This text is part of the internal format of your mail folder.\n",
    sender="MAILER-DAEMON")


def refused(host, *options, code="SYS/PERM"):
    """The login fails through no fault of the client, and the log says why."""
    with host.connect(*options) as s:
        s.ok("USER thomas")
        s.err("PASS secret", f"-ERR [{code}] ...")
        s.ok("QUIT", "...")
    assert host.mailbox.encode() in host.log() or b"mailbox" in host.log()


def test_a_missing_mailbox_is_empty_and_stays_missing(host):
    with host.login() as s:
        s.ok("STAT", "+OK 0 0")
        s.ok("QUIT")
        assert s.status() == 0
    assert os.listdir(host.mail) == []


@pytest.mark.parametrize("end", ["", "/"], ids=["mbox", "Maildir"])
def test_a_missing_mailbox_is_told_to_the_log(host, end):
    """Mail may go to another place than the one that is served."""
    nobody = f"{host.mail}/%u.none{end}"
    with host.login(f"--mailbox={nobody}") as s:
        s.ok("QUIT")
    assert (f"logged in, 0 messages, 0 octets; there is no mailbox "
            f"{host.mail}/thomas.none{end}\n") in s.log()


def test_a_mailbox_in_a_missing_directory_is_not_taken_for_served(host):
    with host.connect(f"--mailbox={host.top}/nowhere/%u") as s:
        s.ok("USER thomas")
        line = s.reply("PASS secret")
        assert line.startswith(("+OK thomas has 0 messages", "-ERR [SYS/"))
    assert not os.path.exists(host.top + "/nowhere")


def test_mail_that_arrives_in_a_missing_mailbox_survives_quit(host):
    with host.login() as s:
        s.ok("STAT", "+OK 0 0")
        host.write(message(1))
        s.err("RETR 1")
        s.ok("QUIT")
    assert host.read() == message(1)


def test_an_empty_mailbox(host):
    host.write(b"")
    with host.login() as s:
        s.ok("STAT", "+OK 0 0")
        s.ok("QUIT")
    assert host.read() == b""


@pytest.mark.parametrize("data", [
    b"\n", b"x", b"\0", b"This is a letter.\n",
    b"From here on\n\n" + message(1),
    b"\n" + message(1), b">" + message(1), b"\xef\xbb\xbf" + message(1),
    b"\0" * 100_000 + message(1), b"x" * 1_000_000])
def test_what_is_not_an_mbox_is_refused_and_left_alone(host, data):
    host.write(data)
    refused(host)
    assert host.read() == data


def test_a_symbolic_link_is_refused(host):
    other = host.put(os.path.join(host.top, "other"), message(1))
    os.symlink(other, host.mailbox)
    refused(host)
    assert os.path.islink(host.mailbox)
    with open(other, "rb") as f:
        assert f.read() == message(1)


def test_a_dangling_symbolic_link_is_refused(host):
    os.symlink(os.path.join(host.top, "nowhere"), host.mailbox)
    refused(host)
    assert not os.path.exists(host.mailbox)


def test_a_fifo_is_refused_at_once(host):
    os.mkfifo(host.mailbox)
    os.chown(host.mailbox, os.stat(host.mail).st_uid, -1)
    refused(host)


def test_a_directory_is_refused(host):
    host.directory("mail/thomas")
    refused(host)


def test_a_device_is_refused(host):
    refused(host, "--mailbox=/dev/zero")


def test_a_file_with_two_names_is_refused(host):
    host.write(message(1))
    os.link(host.mailbox, os.path.join(host.top, "other"))
    refused(host)
    assert host.read() == message(1)


@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
def test_another_users_file_is_refused(host):
    host.write(message(1))
    os.chmod(host.mailbox, 0o666)
    os.chown(host.mailbox, 1, 1)
    refused(host)
    assert host.read() == message(1)


def test_an_unreadable_mailbox_is_refused(host):
    host.write(message(1))
    os.chmod(host.mailbox, 0)
    refused(host, code="SYS/...")


def test_a_mailbox_that_may_only_be_read_can_be_read(host):
    data = host.write(message(1), message(2))
    os.chmod(host.mailbox, 0o400)
    with host.login() as s:
        assert s.retr(2) is not None
        s.ok("QUIT")
    assert host.read() == data


def test_deletions_from_a_mailbox_that_may_only_be_read_fail_aloud(host):
    data = host.write(message(1), message(2))
    os.chmod(host.mailbox, 0o400)
    with host.login() as s:
        s.ok("DELE 1")
        s.err("QUIT", "-ERR [SYS/...] ...not removed...")
        s.closed()
    assert host.read() == data


def test_percent_signs_in_the_template(host):
    host.put(os.path.join(host.directory("mail/100%u"), "thomas"), message(1))
    with host.login(f"--mailbox={host.mail}/100%%u/%u") as s:
        assert s.stat()[0] == 1


def test_a_template_with_the_home_directory(host):
    # a name that passwd does not know has the home of who runs pop3d
    home = host.directory("home")
    host.put(os.path.join(home, "Mailbox"), message(1))
    with host.login("--mailbox=%h/Mailbox", env={"HOME": home}) as s:
        assert s.stat()[0] == 1
        s.ok("QUIT")


# ---- c-client's folder-internal data


def test_internal_data_is_not_shown(host):
    host.write(INTERNAL, message(1), message(2))
    with host.login() as s:
        s.ok("STAT", "+OK 2 ...")
        assert b"message 1" in s.retr(1)
        assert b"message 2" in s.retr(2)
        assert s.retr(3) is None
        assert len(s.uidl()) == 2


def test_internal_data_alone_is_an_empty_maildrop(host):
    host.write(INTERNAL)
    with host.login() as s:
        s.ok("STAT", "+OK 0 0")
        s.ok("QUIT")
    assert host.read() == INTERNAL


def test_internal_data_is_never_removed(host):
    host.write(INTERNAL, message(1), message(2))
    with host.login() as s:
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.read() == INTERNAL + message(2)
    with host.login() as s:
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.read() == INTERNAL


def test_internal_data_that_comes_to_be_the_first_message(host):
    """With an index and without the same messages are there."""
    host.write(message(1), INTERNAL, message(3))
    with host.login() as s:
        s.ok("STAT", "+OK 3 ...")
        s.ok("DELE 1")
        s.ok("QUIT")
    with_index = host.wires()
    host.state = host.directory("afresh")
    assert host.wires() == with_index
    assert len(with_index[0]) == 1


def test_a_large_internal_message_is_hidden_too(host):
    big = INTERNAL[:-1] + b"more of it\n" * 50_000 + b"\n"
    host.write(big, message(1))
    with host.login() as s:
        s.ok("STAT", "+OK 1 ...")
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.read() == big


def test_a_mailbox_under_a_path_of_a_file(host):
    host.write(message(1))
    refused(host, f"--mailbox={host.mailbox}/%u", code="SYS/...")
    assert host.read() == message(1)


def test_pop3d_takes_no_part_in_the_umask_of_its_parent(host):
    host.write(message(1))
    with host.login(umask=0) as s:
        s.retr(1)
        s.ok("QUIT")
    for directory, names, files in os.walk(host.state):
        for name in names + files:
            mode = os.stat(os.path.join(directory, name)).st_mode
            assert mode & 0o077 == 0, (directory, name, oct(mode))


def test_nothing_is_left_beside_the_mailbox(host):
    host.write(message(1), message(2))
    with host.login() as s:
        assert os.listdir(host.mail) == ["thomas"]
        s.retr(1)
        s.ok("DELE 1")
        assert os.listdir(host.mail) == ["thomas"]
        s.ok("QUIT")
    assert os.listdir(host.mail) == ["thomas"]


def test_mail_time_stamps_keep_their_sense(host):
    """You have new mail: mtime later than atime. Deleting makes none new."""
    host.write(message(1), message(2))
    stat = os.stat(host.mailbox)
    os.utime(host.mailbox, (stat.st_mtime + 1, stat.st_mtime))
    with host.login() as s:
        s.retr(1)
        s.ok("DELE 1")
        s.ok("QUIT")
    stat = os.stat(host.mailbox)
    assert stat.st_mtime <= stat.st_atime
    os.utime(host.mailbox, (stat.st_mtime - 1000, stat.st_mtime))
    host.append(message(3))
    os.utime(host.mailbox, (stat.st_mtime - 1000, stat.st_mtime))
    with host.login() as s:
        s.ok("DELE 1")
        s.ok("QUIT")
    stat = os.stat(host.mailbox)
    assert stat.st_mtime > stat.st_atime


def test_procmails_mail_is_read(host):
    """A mailbox as a real delivery agent writes it."""
    try:
        for n in range(3):
            subprocess.run(
                ["procmail", "-f", "a@example.org", "-m", "DEFAULT=" + host.mailbox, "/dev/null"],
                input=f"From: a@example.org\nSubject: {n}\n\nFrom here on\n"
                "\nFrom there on\n.\n".encode(), check=True, cwd=host.top)
    except FileNotFoundError:
        pytest.skip("procmail is missing")
    os.chown(host.mailbox, os.stat(host.mail).st_uid, -1)
    texts, _ = host.wires()
    assert len(texts) == 3
    assert all(b"Subject: %d\r\n" % n in text for n, text in enumerate(texts))
