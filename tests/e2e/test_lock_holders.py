"""Who has a mailbox's lock: in the log, and by --check."""
import contextlib
import os
import subprocess
import sys
import time

import pytest
from pop3 import PATIENCE, message, wait_until

HOLD = """
import fcntl, struct, sys
f = open(sys.argv[1], "r+b")
kind = sys.argv[2]
whole = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
if kind == "flock":
    fcntl.flock(f, fcntl.LOCK_EX)
else:
    fcntl.fcntl(f, fcntl.F_OFD_SETLK if kind == "open" else fcntl.F_SETLK, whole)
print(flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holder(host, kind):
    """Another program that has a lock of the kernel's; its pid."""
    process = host.popen([sys.executable, "-c", HOLD, host.mailbox, kind],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout.readline() == b"\n"
        yield process.pid
        process.stdin.close()


def program_of(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as f:
        return f.read().strip()


def in_use(host, *options):
    """What the log says of a login that finds the mailbox locked."""
    with host.connect("--lock-timeout=0", *options) as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [IN-USE] ...")
        # the monitor's line, which does not wait for the client's
        wait_until(lambda: "holds its lock" in s.log())
        [line] = [line for line in s.log().splitlines() if "holds its" in line]
        return line


def check(host, *options):
    process = host.popen(host.command("--check", "thomas", *options), text=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    out = process.communicate(timeout=PATIENCE)[0]
    return [line for line in out.splitlines() if "locks: " in line]


def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def put_dotlock(host, text, seconds=0):
    path = host.put(host.mailbox + ".lock", text, 0o644)
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


@pytest.mark.parametrize("kind, name", [("flock", "flock"),
                                        ("fcntl", "fcntl lock")])
def test_lock_of_the_kernels(host, kind, name):
    host.write(message(1))
    with holder(host, kind) as pid:
        says = f"{name} of process {pid} ({program_of(pid)})"
        assert in_use(host).endswith(f"mailbox {host.mailbox}: another "
                                     f"program holds its lock: {says}")
        [line] = check(host)
        assert line.startswith("warning") and line.endswith(": " + says)
    [line] = check(host)
    assert line.startswith("ok")


def test_lock_that_many_processes_may_have(host):
    host.write(message(1))
    with holder(host, "open"):
        says = "fcntl lock of a process that is not known"
        assert in_use(host).endswith(says)
        assert check(host)[0].endswith(says)


def test_dotlock(host):
    host.write(message(1))
    put_dotlock(host, b"%d\n" % os.getpid(), 40)
    line = in_use(host)
    says = f"dotlock of process {os.getpid()} ({program_of(os.getpid())}), "
    assert says in line and 40 <= int(line.split()[-3]) < 100
    assert says in check(host)[0]


def test_dotlock_that_does_not_say_whose_it_is(host):
    host.write(message(1))
    for text in b"", b"somebody\n", b"0\n":
        put_dotlock(host, text)
        assert "dotlock of a process that is not known, " in in_use(host)
        assert "dotlock of a process that is not known, " in check(host)[0]


def test_dotlock_that_cannot_be_read(host):
    host.write(message(1))
    os.chmod(put_dotlock(host, b"%d\n" % os.getpid()), 0)
    assert "dotlock of a process that is not known, " in in_use(host)


@pytest.mark.parametrize("pid, age, says", [
    (True, 7, "process {}, which is gone"),
    (False, 1000, "does not say by whom")])
def test_stale_dotlock_that_is_taken_over(host, pid, age, says):
    host.write(message(1))
    dead = dead_pid()
    put_dotlock(host, b"%d\n" % dead if pid else b"", age)
    with host.login() as s:
        s.ok("QUIT")
        [line] = [line for line in s.log().splitlines() if "taken over" in line]
    assert "dotlock thomas.lock: taken over: it was made " in line
    assert says.format(dead) in line


def state_of(directory):
    """All but the times of access."""
    found = {name: os.lstat(os.path.join(directory, name))
             for name in (".", *os.listdir(directory))}
    return {name: (st.st_ino, st.st_mode, st.st_nlink, st.st_size,
                   st.st_mtime_ns, st.st_ctime_ns)
            for name, st in found.items()}


@pytest.mark.parametrize("text", [None, b"", b"1\n", b"dead"])
def test_check_changes_nothing(host, text):
    host.write(message(1))
    if text is not None:
        put_dotlock(host, b"%d\n" % dead_pid() if text == b"dead" else text,
                    1000)
    before = state_of(host.mail), state_of(host.state)
    [line] = check(host)
    assert (state_of(host.mail), state_of(host.state)) == before
    verdict, says = {None: ("ok", "all of them can be had"),
                     b"": ("warning", "the next session takes it over"),
                     b"dead": ("warning", "the next session takes it over"),
                     b"1\n": ("warning", "of process 1 (")}[text]
    assert line.startswith(verdict) and says in line


def test_dotlock_is_nothing_to_who_does_not_use_it(host):
    host.write(message(1))
    put_dotlock(host, b"1\n")
    assert check(host, "--locks=fcntl,flock")[0].startswith("ok")


def test_directory_without_room_for_a_dotlock(host):
    host.write(message(1))
    os.chmod(host.mail, 0o555)
    try:
        [line] = check(host)
        [other] = check(host, "--locks=fcntl")
    finally:
        os.chmod(host.mail, 0o755)
    assert line.startswith("error") and "cannot be made" in line
    assert other.startswith("ok")
