"""
A module of PAM that does not come back. It has three minutes for an answer, one
for the end of a session, and ten seconds where there is nothing to be ended; 2,
3 and 2 seconds in the pop3d that these tests run.
"""
import contextlib
import os
import re
import shutil
import signal
import time

import pytest
from pop3 import PATIENCE, hasty_binary, members, message, wait_until

ANSWER, CLOSE, NOTHING_TO_CLOSE = 2, 3, 2  # seconds
FAILURE = 2.5  # what each failed login takes at least, an answer's time too
LATE = 15  # a busy host's
NO_ANSWER = "PAM's process gives no answer"
KILLED = "PAM's process does not end: it is killed"


class Hanging:
    """A module's program, which waits for the test to let it go on."""

    def __init__(self, host):
        self.host = host
        self.top = host.directory("module")
        self.fifo = os.path.join(self.top, "fifo")
        os.mkfifo(self.fifo)
        os.chmod(self.fifo, 0o666)
        self.script = host.put(
            os.path.join(self.top, "hang"),
            f"#!/bin/sh\necho $PAM_TYPE >>{self.top}/began\n"
            f"read line <{self.fifo}\n"
            f"echo $PAM_TYPE >>{self.top}/ended\n".encode(), 0o755)

    def at(self, kind, type_):
        """In the stack of this kind, when asked for what is of this type."""
        path = os.path.join(self.host.pam, "pop3d")
        with open(path) as f:
            text = f.read()
        self.host.put(path, re.sub(
            rf"^({kind} .*)$", rf"\1\n{kind} optional pam_exec.so quiet "
            rf"type={type_} {self.script}", text, flags=re.M).encode())

    def lines(self, what):
        with contextlib.suppress(FileNotFoundError), \
                open(os.path.join(self.top, what)) as f:
            return f.read().split()
        return []

    def wait(self, type_):
        wait_until(lambda: type_ in self.lines("began"))

    def go_on(self):
        fd = os.open(self.fifo, os.O_WRONLY)
        os.write(fd, b"\n")
        os.close(fd)


@pytest.fixture
def hanging(host):
    if hasty_binary() is None:
        pytest.fail("pop3d-hasty is missing: make unit-tests")
    shutil.copy(hasty_binary(), host.pop3d)
    host.write(message(1))
    made = Hanging(host)
    yield made
    # what was killed has left its program behind
    fd = os.open(made.fifo, os.O_RDWR | os.O_NONBLOCK)
    os.write(fd, 10 * b"\n")
    wait_until(lambda: not any(map(members, (
        s.process for s in host.sessions if s.process.poll() is None))))
    os.close(fd)


@contextlib.contextmanager
def taking(least, most):
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    assert 0.8 * least <= took <= most + LATE, took


def end(session):
    """The monitor's; its program may be there still."""
    session.process.wait(PATIENCE)


def test_no_answer_is_a_login_that_cannot_be_checked_now(host, hanging):
    hanging.at("auth", "auth")
    session = host.connect()
    with taking(FAILURE, FAILURE):
        session.ok("USER thomas")
        session.err("PASS secret", "-ERR [SYS/TEMP]...")
    assert host.log().count(NO_ANSWER.encode()) == 1
    # it is not asked again
    session.ok("USER thomas")
    session.err("PASS secret", "-ERR [SYS/TEMP]...")
    with taking(0, NOTHING_TO_CLOSE):
        session.hang_up()
        end(session)
    assert KILLED.encode() in host.log()
    assert hanging.lines("began") == ["auth"]


def test_a_slow_answer_is_an_answer(host, hanging):
    hanging.at("auth", "auth")
    with host.connect() as session:
        session.ok("USER thomas")
        session.write(b"PASS secret\r\n")
        hanging.wait("auth")
        time.sleep(0.3)
        hanging.go_on()
        session.expect("+OK thomas has 1 message (...")
        session.ok("QUIT")
    assert NO_ANSWER.encode() not in host.log()


def test_a_session_that_does_not_open(host, hanging):
    hanging.at("session", "open_session")
    session = host.connect()
    with taking(FAILURE, FAILURE):
        session.ok("USER thomas")
        session.err("PASS secret", "-ERR [SYS/TEMP]...")
    with taking(CLOSE, CLOSE):
        session.ok("QUIT")
        end(session)
    assert KILLED.encode() in host.log()


def test_a_session_that_does_not_close(host, hanging):
    """The client does not wait for it, and its mail is gone."""
    hanging.at("session", "close_session")
    session = host.login()
    session.ok("DELE 1")
    with taking(0, 0):
        session.ok("QUIT", "+OK ...signing off.")
    hanging.wait("close_session")
    assert host.read() == b""
    with host.login() as other:  # the maildrop is free
        other.hang_up()
        hanging.wait("close_session")
    with taking(0, CLOSE):
        end(session)
    assert KILLED.encode() in host.log()


def test_a_session_that_closes_late(host, hanging):
    hanging.at("session", "close_session")
    session = host.login()
    session.ok("QUIT")
    hanging.wait("close_session")
    time.sleep(1)
    assert session.process.poll() is None
    hanging.go_on()
    end(session)
    assert hanging.lines("ended") == ["close_session"]
    assert KILLED.encode() not in host.log()


@pytest.mark.parametrize("kind, type_, seconds", [
    ("auth", "auth", FAILURE + NOTHING_TO_CLOSE),
    ("session", "open_session", FAILURE + CLOSE)])
def test_sigterm_while_a_module_hangs(host, hanging, kind, type_, seconds):
    """Nobody waits for the answer any more."""
    hanging.at(kind, type_)
    session = host.connect()
    session.ok("USER thomas")
    session.write(b"PASS secret\r\n")
    hanging.wait(type_)
    with taking(0, seconds):
        os.kill(session.process.pid, signal.SIGTERM)
        end(session)
    assert NO_ANSWER.encode() not in host.log()
    assert KILLED.encode() in host.log()


def test_sigterm_while_a_session_closes(host, hanging):
    """A module has its time at the end, also then."""
    hanging.at("session", "close_session")
    session = host.login()
    session.write(b"QUIT\r\n")
    hanging.wait("close_session")
    os.killpg(session.process.pid, signal.SIGTERM)
    time.sleep(0.5)
    assert session.process.poll() is None
    with taking(0, CLOSE):
        end(session)


def test_a_module_that_ends_its_process(host, hanging):
    host.put(hanging.script, b"#!/bin/sh\nkill -KILL $PPID\n", 0o755)
    hanging.at("auth", "auth")
    session = host.connect()
    with taking(FAILURE, FAILURE):
        session.ok("USER thomas")
        session.err("PASS secret", "-ERR [SYS/TEMP]...")
    session.ok("QUIT")
    end(session)
    log = host.log()
    assert NO_ANSWER.encode() in log
    assert b"PAM's process died of signal 9" in log
