"""
Programs that append mail to a mailbox: real delivery agents, Python's mailbox
module, and one small appender for each kind of lock. All run as the owner of
the mailbox.

As a program (deliverers.py KIND MAILBOX) it is one of the last two: takes a
message in base64 a line, and says `ok` when it has been delivered.
"""
import base64
import contextlib
import fcntl
import mailbox
import os
import re
import shutil
import subprocess
import sys
import time

AGENTS = ("procmail", "maildrop")
APPENDERS = ("fcntl", "flock", "dotlock")
ALL = AGENTS + ("mailbox",) + APPENDERS

# the one in root's PATH may be out of reach for the mailbox's owner
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or sys.executable

PATIENCE = 60  # seconds until a delivery counts as stuck


def missing(kind):
    """Why this kind cannot be tried here, or None."""
    if kind in AGENTS and shutil.which(kind) is None:
        return f"{kind} is not installed"
    if kind == "maildrop" and maildrop_version() >= 4:
        return ("maildrop 4 puts an empty line before its message, which "
                "lengthens the one that was the last")
    return None


def maildrop_version():
    told = subprocess.run(["maildrop", "-v"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True).stdout
    return int(re.search(r"maildrop (\d+)\.", told)[1])


# An agent looks for a lock once a second; others, who look all the time, take
# it in between.
AGENT_PATIENCE = 4 * PATIENCE


class Agent:
    """A program that is started for each message, with the text on stdin."""

    def __init__(self, host, kind):
        self.host = host
        # both wait long before they look again for a lock that they met
        if kind == "procmail":
            self.argv = ["procmail", "-f", "sender@example.org", "LOCKSLEEP=1",
                         f"DEFAULT={host.mailbox}", f"ORGMAIL={host.mailbox}",
                         "/dev/null"]
        else:
            rule = host.put(os.path.join(host.top, "maildroprc"),
                            f'LOCKSLEEP=1\nto "{host.mailbox}"\n'.encode())
            self.argv = ["maildrop", rule]

    def deliver(self, text):
        process = self.host.popen(self.argv, stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE)
        try:
            error = process.communicate(text, timeout=AGENT_PATIENCE)[1]
        finally:
            process.kill()
        assert process.returncode == 0, (self.argv, error)

    def close(self):
        pass


class Worker:
    """This file as a program: started once, so that only delivery counts."""

    def __init__(self, host, kind):
        with open(__file__, encoding="utf-8") as f:
            program = f.read()
        self.process = host.popen(
            [PYTHON, "-c", program, kind, host.mailbox],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        host.others.append(self.process)
        assert self.process.stdout.readline() == b"ready\n"

    def deliver(self, text):
        self.process.stdin.write(base64.b64encode(text) + b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"ok\n"

    def close(self):
        self.process.communicate()


def start(host, kind):
    return (Agent if kind in AGENTS else Worker)(host, kind)


# ---- as a program

def add_by_module(path, text):
    while True:
        box = mailbox.mbox(path, create=False)
        try:
            box.lock()
        except mailbox.ExternalClashError:
            box.close()
            time.sleep(0.005)
            continue
        box.add(text)
        box.close()
        return


@contextlib.contextmanager
def dotlock(path):
    while True:
        try:
            fd = os.open(path + ".lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL,
                         0o644)
            break
        except FileExistsError:
            time.sleep(0.002)
    os.write(fd, b"%d\n" % os.getpid())
    os.close(fd)
    yield
    os.unlink(path + ".lock")


def append(path, text, kind):
    entry = b"From sender@example.org " + time.asctime().encode() + b"\n"
    entry += text + b"\n"
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    with dotlock(path) if kind == "dotlock" else contextlib.nullcontext():
        if kind != "dotlock":
            lock = fcntl.lockf if kind == "fcntl" else fcntl.flock
            lock(fd, fcntl.LOCK_EX)
        # in two pieces: whoever ignores the lock finds half a message
        half = len(entry) // 2
        for piece in (entry[:half], entry[half:]):
            assert os.write(fd, piece) == len(piece)
        os.close(fd)


def main():
    kind, path = sys.argv[1:]
    print("ready", flush=True)
    for line in sys.stdin:
        text = base64.b64decode(line)
        if kind == "mailbox":
            add_by_module(path, text)
        else:
            append(path, text, kind)
        print("ok", flush=True)


if __name__ == "__main__":
    main()
