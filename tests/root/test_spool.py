"""The mail spool as Debian sets it up: root:mail, 2775."""
import ctypes
import os
import pathlib
import select
import shutil
import struct
import subprocess
import sys

import pytest
from host import (POP3D, Process, RECOVERED, SPOOL, STATE, entries, needs,
                  until)

IN_CREATE, IN_DELETE = 0x100, 0x200


class Watch:
    """Names that come and go in a directory."""

    def __init__(self, directory):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        wd = libc.inotify_add_watch(self.fd, os.fsencode(directory),
                                    IN_CREATE | IN_DELETE)
        assert self.fd >= 0 and wd >= 0, os.strerror(ctypes.get_errno())

    def events(self):
        """All since the last call, as ("+" or "-", name)."""
        found = []
        while select.select([self.fd], [], [], 0)[0]:
            data = os.read(self.fd, 65536)
            while data:
                _, mask, _, length = struct.unpack_from("iIII", data)
                name = data[16:16 + length].rstrip(b"\0").decode()
                found.append(("+" if mask & IN_CREATE else "-", name))
                data = data[16 + length:]
        return found


def locks():
    return [path.name for path in SPOOL.glob("*") if path.name != "thomas"
            and "thomas" in path.name or "lock" in path.name.lower()]


def prepare(host):
    shutil.chown(SPOOL, "root", "mail")
    SPOOL.chmod(0o2775)
    return host.deliver("thomas")


def test_mailbox_keeps_owner_and_mode(host):
    path = prepare(host)
    before = path.stat()
    client = host.login()
    client.dele(1)
    client.quit()
    after = path.stat()
    for name in "st_ino", "st_mode", "st_uid", "st_gid":
        assert getattr(after, name) == getattr(before, name), name
    assert path.read_bytes() == entries(2, 3)


def test_dotlock_is_made_with_group_mail_alone(host):
    prepare(host)
    host.drop_in("[Service]\nSupplementaryGroups=adm\n")
    client = host.login()
    monitor = Process(host.show(host.unit(), "MainPID"))
    assert monitor.status["Groups"] == []
    client.dele(1)
    client.quit()
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3)


def test_dotlock_is_made_where_the_user_may_not(host):
    prepare(host)
    denied = subprocess.run(["runuser", "-u", "thomas", "--", "touch",
                             SPOOL / "thomas.lock"],
                            stderr=subprocess.DEVNULL)
    assert denied.returncode != 0
    watch = Watch(SPOOL)
    client = host.login()
    assert ("+", "thomas.lock") in watch.events()
    assert not (SPOOL / "thomas.lock").exists()
    client.dele(1)
    client.quit()
    host.end_of_session()
    events = watch.events()
    assert ("+", "thomas.lock") in events
    assert events[-1][0] == "-"
    assert locks() == []


def test_login_waits_for_another_programs_dotlock(host):
    prepare(host)
    lock = SPOOL / "thomas.lock"
    lock.write_text(str(os.getpid()))
    client = host.connect()
    client.user("thomas")
    client.sock.sendall(b"PASS open sesame\r\n")
    assert not select.select([client.sock], [], [], 2)[0]
    lock.unlink()
    assert client.file.readline().startswith(b"+OK")
    client.quit()


def test_login_gives_up_on_another_programs_dotlock(host):
    prepare(host)
    host.options("--lock-timeout=1")
    lock = SPOOL / "thomas.lock"
    lock.write_text(str(os.getpid()))
    assert host.refusal().startswith("-ERR [IN-USE]")
    assert lock.read_text() == str(os.getpid())


def test_dotlock_of_a_dead_process_is_no_obstacle(host):
    prepare(host)
    dead = subprocess.Popen(["true"])
    dead.wait()
    (SPOOL / "thomas.lock").write_text(str(dead.pid))
    host.login().quit()
    host.end_of_session()
    assert locks() == []


def test_delivery_goes_on_during_a_session(host):
    path = prepare(host)
    client = host.login()
    client.retr(1)
    with open(path, "ab") as mailbox:
        mailbox.write(entries(4))
    client.dele(2)
    client.quit()
    assert path.read_bytes() == entries(1, 3, 4)


def test_mailbox_in_the_home_directory(host):
    host.options("--mailbox=%%h/Mailbox")
    path = pathlib.Path("/home/thomas/Mailbox")
    path.write_bytes(entries(5, 6))
    shutil.chown(path, "thomas", "thomas")
    path.chmod(0o600)
    client = host.login()
    assert client.stat()[0] == 2
    client.dele(1)
    client.quit()
    assert path.read_bytes() == entries(6)


def test_spool_below_a_directory_where_others_make_files(host):
    """A directory of root's they cannot replace there."""
    os.chmod("/srv", 0o1777)
    spool = pathlib.Path("/srv/mail")
    spool.mkdir()
    shutil.chown(spool, "root", "mail")
    spool.chmod(0o2775)
    path = shutil.move(prepare(host), spool / "thomas")
    host.options("--mailbox=/srv/mail/%%u")
    client = host.login()
    client.dele(1)
    client.quit()
    assert path.read_bytes() == entries(2, 3)


HOLD = "import fcntl, sys; f = open('/var/mail/thomas', 'r+b'); " \
    "fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"


@pytest.mark.parametrize("accept", ["yes", "no"])
def test_log_says_who_holds_a_lock(installed, accept):
    """Although neither the user nor the mailbox process could look."""
    installed.user("thomas")
    prepare(installed)
    if accept == "no":
        installed.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    installed.drop_in("[Service]\nExecStart=\n"
                      f"ExecStart={POP3D} --lock-timeout=0\n",
                      "pop3d@.service" if accept == "yes" else "pop3d.service")
    installed.run("systemctl", "restart", "pop3d.socket")
    with subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        comm = pathlib.Path(f"/proc/{other.pid}/comm").read_text().strip()
        assert "[IN-USE]" in installed.refusal()
        [entry] = until(lambda: installed.journal("holds its lock"), "the line")
        other.stdin.close()
    says = f"fcntl lock of process {other.pid} ({comm})"
    assert entry["MESSAGE"].endswith(says)
    assert entry["POP3_USER"] == "thomas"


def test_log_says_who_holds_a_dotlock_that_the_monitor_was_to_make(host):
    prepare(host)
    host.options("--lock-timeout=0")
    (SPOOL / "thomas.lock").write_text("1\n")
    assert "[IN-USE]" in host.refusal()
    [entry] = until(lambda: host.journal("holds its lock"), "the line")
    says = "dotlock of process 1 (systemd), "
    assert says in entry["MESSAGE"]
    out = subprocess.run([POP3D, "--check", "thomas"], text=True,
                         stdout=subprocess.PIPE).stdout
    assert says in out


def interrupt_commit(host):
    """A session whose commit is killed each time it wants to truncate."""
    prepare(host)
    host.options(before=["/usr/bin/strace", "-f", "-o/run/trace",
                         "-einject=ftruncate:signal=KILL"])
    client = host.login()
    client.dele(1)
    client.sock.sendall(b"QUIT\r\n")
    client.file.read()
    until(lambda: not host.units(), "the end of the session")
    assert (STATE / "thomas" / "journal").exists()
    assert (SPOOL / "thomas").read_bytes() != entries(2, 3)


@needs("strace")
def test_interrupted_commit_is_finished_before_mail_is_delivered(host):
    interrupt_commit(host)
    postfix = pathlib.Path("/etc/systemd/system/postfix.service")
    postfix.write_text("[Service]\nType=oneshot\nExecStart=/bin/sh -c "
                       "'cat /run/new >>/var/mail/thomas'\n")
    pathlib.Path("/run/new").write_bytes(entries(4))
    # a target that wants both, as multi-user.target does at boot
    pathlib.Path("/etc/systemd/system/test.target").write_text(
        "[Unit]\nWants=postfix.service pop3d-recover.service\n"
        "After=postfix.service pop3d-recover.service\n")
    host.run("systemctl", "start", "test.target")
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3, 4)
    assert not (STATE / "thomas" / "journal").exists()
    ended = host.show("pop3d-recover.service",
                      "InactiveEnterTimestampMonotonic")
    began = host.show("postfix.service", "InactiveExitTimestampMonotonic")
    assert 0 < int(ended) <= int(began)
    assert host.journal(event=RECOVERED)


@needs("strace")
def test_recovery_says_who_is_in_its_way(host):
    interrupt_commit(host)
    lock = SPOOL / "thomas.lock"
    lock.write_text("1\n")  # of a process that lives
    run = subprocess.run([POP3D, "--recover", "--lock-timeout=1",
                          "--log=stderr"], text=True, stderr=subprocess.PIPE)
    assert run.returncode == 75
    assert "another program holds its lock: dotlock of process 1 (" in run.stderr
    assert "denied" not in run.stderr
    lock.unlink()
    assert subprocess.run([POP3D, "--recover"]).returncode == 0
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3)


@needs("strace")
def test_interrupted_commit_is_finished_by_the_next_login(host):
    interrupt_commit(host)
    shutil.rmtree("/etc/systemd/system/pop3d@.service.d")
    host.run("systemctl", "daemon-reload")
    client = host.login()
    assert client.stat()[0] == 2
    client.quit()
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3)
    assert not (STATE / "thomas" / "journal").exists()


@needs("strace")
def test_commit_that_fails_is_tried_again_by_another_process(host):
    """
    Each process fails twice here; the next session finds all well. Once the
    journal is there it is decided that the message goes.
    """
    prepare(host)
    host.options(before=["/usr/bin/strace", "-f", "-o/run/trace",
                         "-einject=ftruncate:error=EIO:when=1..2"])
    client = host.login()
    client.dele(1)
    client.sock.sendall(b"QUIT\r\n")
    assert client.file.readline().startswith(b"+OK ")
    assert "deleted=1 left=2" in host.end_of_session()["MESSAGE"]
    assert host.journal("left for the next try")
    shutil.rmtree("/etc/systemd/system/pop3d@.service.d")
    host.run("systemctl", "daemon-reload")
    client = host.login()
    assert client.stat()[0] == 2
    client.quit()
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3)
