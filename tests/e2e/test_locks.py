"""Mailbox locks: others' are waited for, ours are short."""
import os
import subprocess
import time

import pytest
from pop3 import UID, lockable, locked, message, wait_until

KINDS = ["fcntl", "flock", "dotlock"]
SHORT = "--lock-timeout=1"


@pytest.fixture
def data(host):
    return host.write(message(1), message(2))


def dotlock(host, text, age=0, mode=0o644):
    name = host.put(host.mailbox + ".lock", text.encode(), mode)
    os.utime(name, (time.time() - age,) * 2)
    return name


def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_held_at_login_is_in_use(host, data, kind):
    with locked(host.mailbox, kind):
        began = time.monotonic()
        with host.connect(SHORT) as s:
            s.ok("USER thomas")
            s.err("PASS secret", "-ERR [IN-USE] ...")
        assert time.monotonic() - began > 0.9
        if kind == "dotlock":
            assert os.path.exists(host.mailbox + ".lock")
    with host.login(SHORT) as s:
        s.ok("STAT", "+OK 2 ...")


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_held_at_quit_is_a_temporary_failure(host, data, kind):
    with host.login(SHORT) as s:
        s.ok("DELE 1")
        with locked(host.mailbox, kind):
            s.err("QUIT", "-ERR [SYS/TEMP] ...not removed...")
            s.closed()
            s.status()
            if kind == "dotlock":
                assert os.path.exists(host.mailbox + ".lock")
    assert host.read() == data
    assert lockable(host.mailbox)


@pytest.mark.parametrize("kind", KINDS)
def test_quit_without_deletions_waits_for_nobody(host, data, kind):
    with host.login() as s:
        with locked(host.mailbox, kind):
            began = time.monotonic()
            s.ok("QUIT")
            assert time.monotonic() - began < 25  # of 30


@pytest.mark.parametrize("kind", KINDS)
def test_a_lock_that_is_given_back_is_waited_for(host, data, kind):
    with host.connect("--lock-timeout=20") as s:
        with locked(host.mailbox, kind):
            s.ok("USER thomas")
            s.send("PASS secret")
        s.expect("+OK ...")
        with locked(host.mailbox, kind):
            s.ok("DELE 1")
            s.send("QUIT")
        s.expect("+OK ...")
    assert host.read() == message(2)


@pytest.mark.parametrize("kind", ["fcntl", "flock"])
def test_a_locked_mailbox_is_not_read(host, data, kind):
    with host.login(SHORT) as s:
        with locked(host.mailbox, kind):
            s.err("RETR 1", "-ERR [...] ...")
            s.ok("STAT", "+OK 2 ...")
        assert s.retr(1) is not None


def test_a_dotlock_does_not_keep_from_reading(host, data):
    with host.login(SHORT) as s:
        with locked(host.mailbox, "dotlock"):
            assert s.retr(1) is not None
            assert s.text("TOP 1 0") is not None


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_kinds_that_were_asked_for_matter(host, data, kind):
    others = ",".join(k for k in KINDS if k != kind)
    with locked(host.mailbox, kind):
        with host.login(SHORT, f"--locks={others}") as s:
            s.ok("DELE 1")
            s.ok("QUIT")
    assert host.read() == message(2)


@pytest.mark.parametrize("order", [
    "dotlock,fcntl,flock", "flock,fcntl,dotlock", "fcntl,dotlock,flock",
    "fcntl", "flock", "dotlock"])
def test_any_order_of_locks(host, data, order):
    with host.login(SHORT, f"--locks={order}") as s:
        assert s.retr(1) is not None
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.read() == message(2)
    assert lockable(host.mailbox)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_held_while_a_lock_is_waited_for(host, data, kind):
    """Else two programs that take them in another order would wait for ever."""
    with host.connect("--lock-timeout=60") as s:
        with locked(host.mailbox, kind):
            s.ok("USER thomas")
            s.send("PASS secret")
            for other in KINDS:
                if other != kind:
                    wait_until(lambda: try_lock(host.mailbox, other))
        s.expect("+OK ...")


def try_lock(path, kind):
    if kind == "dotlock":
        try:
            os.close(os.open(path + ".lock", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        os.unlink(path + ".lock")
        return True
    program = ("import fcntl,sys\nf=open(sys.argv[1],'r+b')\n"
               "try: fcntl.%s(f,fcntl.LOCK_EX|fcntl.LOCK_NB)\n"
               "except OSError: sys.exit(1)"
               % ("lockf" if kind == "fcntl" else "flock"))
    return subprocess.run(["/usr/bin/python3", "-c", program, path]
                          ).returncode == 0


def test_no_lock_is_held_while_the_client_thinks(host, data):
    with host.login() as s:
        assert lockable(host.mailbox)
        s.retr(1)
        assert lockable(host.mailbox)
        s.ok("DELE 1")
        assert lockable(host.mailbox)
        s.ok("UIDL 2")
        assert lockable(host.mailbox)
        s.ok("QUIT")
        s.closed()
        s.status()
        assert lockable(host.mailbox)


def test_no_lock_is_held_while_a_client_reads_slowly(host):
    host.write(message(1, "text\n" * 4_000_000), message(2))
    with host.login() as s:
        s.ok("RETR 1")
        for _ in range(5):
            s.fill()
            # while the next pieces are read, it is not, for a moment
            wait_until(lambda: lockable(host.mailbox))
        host.append(message(3))
        assert len(s.hear_text()) > 4_000_000 * 5


# ---- dotlocks that nobody holds any more


def test_a_dotlock_of_a_dead_process_is_taken_over(host, data):
    dotlock(host, f"{dead_pid()}\n")
    with host.login(SHORT) as s:
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.read() == message(2)
    assert lockable(host.mailbox)


def test_a_dotlock_that_became_stale_in_the_session(host, data):
    with host.login(SHORT) as s:
        s.ok("DELE 1")
        dotlock(host, f"{dead_pid()}\n")
        s.ok("QUIT")
    assert host.read() == message(2)


@pytest.mark.parametrize("text", ["", "0\n", "here be dragons\n", "0"])
def test_an_old_dotlock_without_a_pid_is_taken_over(host, data, text):
    dotlock(host, text, age=600)
    with host.login(SHORT) as s:
        s.ok("STAT", "+OK 2 ...")


@pytest.mark.parametrize("text, age", [
    ("", 0), ("", 200), ("0\n", 0), ("here be dragons\n", 0), ("1\n", 0),
    ("1\n", 600), ("{mine}\n", 0), ("   {mine}", 0), ("{mine}\n", 600),
    ("-1\n", 0)])
def test_other_dotlocks_are_respected(host, data, text, age):
    name = dotlock(host, text.format(mine=os.getpid()), age)
    before = os.stat(name)
    with host.connect(SHORT) as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [IN-USE] ...")
    after = os.stat(name)
    assert (before.st_ino, before.st_mtime_ns) == \
        (after.st_ino, after.st_mtime_ns)
    assert sorted(os.listdir(host.mail)) == ["thomas", "thomas.lock"]


def test_a_dotlock_that_is_a_symbolic_link_is_not_followed(host, data):
    precious = host.put(os.path.join(host.top, "precious"), b"0\n")
    os.utime(precious, (0, 0))
    os.symlink(precious, host.mailbox + ".lock")
    with host.connect(SHORT) as s:
        s.ok("USER thomas")
        assert s.reply("PASS secret") is not None
        s.ok("QUIT", "...")
    with open(precious, "rb") as f:
        assert f.read() == b"0\n"


def test_no_file_is_left_in_the_spool_after_waiting_in_vain(host, data):
    with locked(host.mailbox, "dotlock"):
        with host.connect(SHORT) as s:
            s.ok("USER thomas")
            s.err("PASS secret")
        assert sorted(os.listdir(host.mail)) == ["thomas", "thomas.lock"]
    assert os.listdir(host.mail) == ["thomas"]


def test_a_spool_where_no_dotlock_can_be_made(host, data):
    os.chmod(host.mail, 0o555)
    try:
        with host.connect(SHORT) as s:
            s.ok("USER thomas")
            line = s.reply("PASS secret")
            assert line.startswith("-ERR [")
            assert "[AUTH]" not in line and "[IN-USE]" not in line
        with host.login(SHORT, "--locks=fcntl,flock") as s:
            s.ok("DELE 1")
            s.ok("QUIT")
    finally:
        os.chmod(host.mail, 0o755)
    assert host.read() == message(2)


def test_a_dotlock_names_the_process_that_holds_it(host):
    """Caught while pop3d waits for another kind of lock... or never seen."""
    host.write(message(1))
    seen = set()
    with locked(host.mailbox, "flock"):
        with host.connect("--lock-timeout=3",
                          "--locks=dotlock,flock") as s:
            s.ok("USER thomas")
            s.send("PASS secret")
            until = time.monotonic() + 2
            while time.monotonic() < until:
                try:
                    with open(host.mailbox + ".lock") as f:
                        text = f.read().strip()
                    seen.add(text)
                except FileNotFoundError:
                    continue
            s.expect("-ERR [IN-USE] ...")
    for text in seen:
        assert text.isdigit(), seen
    assert lockable(host.mailbox)


def test_deliverers_get_in_while_sessions_come_and_go(host):
    """Appends under fcntl and dotlock; nothing is lost, nothing is twice."""
    program = """
import fcntl, os, sys, time
path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for n in range(first, first + count):
    while True:
        try:
            os.close(os.open(path + ".lock", os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            time.sleep(0.001)
    with open(path, "ab") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        f.write(b"From a Wed Dec  2 05:53:22 1992\\nSubject: n\\n\\n"
                b"mail %d\\n\\n" % n)
    os.unlink(path + ".lock")
    time.sleep(0.002)
"""
    host.write(b"")
    total = 150
    deliverers = [host.popen(["/usr/bin/python3", "-c", program, host.mailbox,
                              str(first), str(total)])
                  for first in (0, total)]
    host.others += deliverers
    got = []
    running = True
    while running:
        running = any(d.poll() is None for d in deliverers)
        with host.login() as s:
            for n in s.list():
                if (text := s.retr(n)) is not None:
                    got.append(text.split()[-1])
                    s.ok(f"DELE {n}")
            s.ok("QUIT")
    assert [d.wait() for d in deliverers] == [0, 0]
    assert host.read() == b""
    assert sorted(map(int, got)) == list(range(2 * total))
    assert UID == os.stat(host.mailbox).st_uid
