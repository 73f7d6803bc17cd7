"""
Clients that waste a server's time and memory. Those that have not logged in
get 60 seconds for a line and three minutes in all, 2 and 4 seconds in the pop3d
that these tests run; test_login_time.py looks at the real one.
"""
import contextlib
import os
import re
import select
import shutil
import time

import pytest
import tls
from pop3 import has_asan, hasty_binary, lockable, members, message, name

LINE, LOGIN = 2, 4  # seconds
# By how much an end may come later, on a busy host. How much earlier, by our
# clock that pop3d's has been ahead of: half the time.
LATE = 20
GROWTH = 1024  # kB
NOT_A_WORD = b""
OVERDUE = b"-ERR The login took too long\r\n"


@pytest.fixture
def hasty(host):
    if hasty_binary() is None:
        pytest.fail("pop3d-hasty is missing: make unit-tests")
    shutil.copy(hasty_binary(), host.pop3d)
    return host


@pytest.fixture
def mail(host):
    """More than a connection takes that nobody reads."""
    return host.write(message(1, "text\n" * 1_000_000), message(2))


def memory(session):
    """What all processes of the session have ever taken together, in kB."""
    total = 0
    for pid in members(session.process):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as f:
            total += sum(int(line.split()[1]) for line in f
                         if line.startswith("VmHWM:"))
    return total


class Pouring:
    """
    Writes data again and again, all at once or `pause` seconds apart, and reads
    at most `read` octets each time, until the server has had enough of it.
    """

    def __init__(self, session, data, pause=0, read=1 << 20):
        self.last = b""  # what came at last
        self.session, self.pause, self.read = session, pause, read
        before = self.most = memory(session)
        began = time.monotonic()
        looked = began
        os.set_blocking(session.writer.fileno(), False)
        rest = b""
        while session.process.poll() is None:
            if time.monotonic() - looked > 0.3:
                self.most = max(self.most, memory(session))
                looked = time.monotonic()
            if pause or not rest:
                time.sleep(pause)  # this slowness is what is tested
                rest = data
            rest = self.write(rest)
            if not self.take():
                break
        self.seconds = time.monotonic() - began
        self.growth = self.most - before
        session.hang_up()
        session.status()

    def write(self, rest):
        try:
            return rest[os.write(self.session.writer.fileno(), rest):]
        except BlockingIOError:
            if not self.pause:
                select.select([], [self.session.writer], [], 0.1)
            return rest
        except (BrokenPipeError, ConnectionResetError):
            return rest  # the end; something may still have to be read

    def take(self):
        """False at the end."""
        reader = self.session.reader
        if not self.read or not select.select([reader], [], [], 0)[0]:
            return True
        try:
            data = os.read(reader.fileno(), self.read)
        except ConnectionResetError:
            return False
        self.last = (self.last + data)[-100:]
        return data != b""

    def ended(self, seconds, last=None):
        assert seconds / 2 < self.seconds < seconds + LATE
        assert self.growth < GROWTH or has_asan()
        if last is not None:
            assert self.last == last


def why(session):
    line = session.log().splitlines()[-1]
    assert re.search("rhost=- user=- port=pipe session=[0-9a-f]{12}: no login: ",
                     line)
    return line.partition("no login: ")[2]


# ---- before the login: silence


@pytest.mark.parametrize("timeout, seconds", [(600, LINE), (1, 1)])
@pytest.mark.parametrize("said", [b"", b"CAP", b"USER thomas\r\n"])
def test_who_is_silent_has_to_go_without_a_word(hasty, timeout, seconds, said):
    with hasty.connect(f"--idle-timeout={timeout}") as s:
        began = time.monotonic()
        s.write(said)
        if said.endswith(b"\n"):
            s.expect("+OK ...")
        s.closed()
        assert seconds / 2 < time.monotonic() - began < seconds + LATE
        assert s.status() == 0
        assert why(s) == "autologout"


def test_who_has_logged_in_has_all_the_time_there_is(hasty):
    hasty.write(message(1))
    with hasty.login() as s:
        time.sleep(LOGIN + 0.5)  # the time that passes is what is tested
        s.ok("DELE 1")
        s.ok("QUIT")
    assert hasty.read() == b""


# ---- before the login: noise


def test_half_a_line_is_as_good_as_silence(hasty):
    with hasty.connect() as s:
        Pouring(s, b"U", pause=0.2).ended(LINE, NOT_A_WORD)
        assert why(s) == "autologout"


def test_a_line_without_an_end(hasty):
    with hasty.connect() as s:
        Pouring(s, b"x" * 65536).ended(LINE, NOT_A_WORD)
        assert why(s) == "autologout"


def test_a_line_for_auth_without_an_end(hasty):
    with hasty.connect() as s:
        s.ok("AUTH PLAIN", "+ ...")
        Pouring(s, b"x" * 65536).ended(LINE, NOT_A_WORD)
        assert why(s) == "autologout"


def test_commands_without_a_login(hasty):
    with hasty.connect() as s:
        poured = Pouring(s, b"CAPA\r\nUSER thomas\r\nNOOP\r\nAUTH PLAIN !\r\n",
                         pause=0.2)
        poured.ended(LOGIN)
        assert poured.last.endswith(OVERDUE)
        assert why(s) == "it took too long"


@pytest.mark.parametrize("begin", [tls.stls, tls.implicit])
def test_commands_without_a_login_over_tls(hasty, begin):
    began = time.monotonic()
    with begin(hasty) as s:
        while (line := s.reply("NOOP")) is not None:
            if line == OVERDUE.decode().strip():
                break
            assert line.startswith("-ERR NOOP is not possible")
            time.sleep(0.2)  # this slowness is what is tested
        assert LOGIN / 2 < time.monotonic() - began < LOGIN + LATE
        s.closed()
        s.status()
        assert s.log().endswith("no login: it took too long\n")


@pytest.mark.parametrize("begin", [tls.stls, tls.implicit])
def test_half_a_line_over_tls(hasty, begin):
    with begin(hasty) as s:
        began = time.monotonic()
        s.write(b"NOO")
        s.closed()
        assert LINE / 2 < time.monotonic() - began < LINE + LATE
        s.status()
        assert s.log().endswith("no login: autologout\n")


def test_a_flood_of_commands(hasty):
    with hasty.connect() as s:
        Pouring(s, b"CAPA\r\nUSER thomas\r\n" * 1000).ended(LOGIN)
        assert why(s) == "it took too long"


@pytest.mark.parametrize("transport", ["socketpair", "tcp", "pipes"])
def test_a_flood_of_commands_whose_replies_nobody_reads(hasty, transport):
    with hasty.connect(transport=transport) as s:
        Pouring(s, b"CAPA\r\n" * 1000, read=0).ended(LINE)
        assert "no login: autologout" in s.log()


def test_replies_that_are_read_slowly(hasty):
    """There is progress all the time."""
    with hasty.connect() as s:
        Pouring(s, b"CAPA\r\n" * 5000, read=65536, pause=0.2).ended(LOGIN)
        assert why(s) == "it took too long"


def test_failed_logins_take_their_time_from_the_same(hasty):
    with hasty.connect() as s:
        for _ in range(2):
            s.ok("USER thomas")
            s.err("PASS wrong", "-ERR [AUTH] ...")
        s.expect(OVERDUE.decode().strip())
        s.closed()
        assert s.status() == 0
        assert s.log().count("login failed") == 2


def test_a_login_behind_replies_that_nobody_took_is_none(hasty):
    with hasty.connect() as s:
        s.write(b"CAPA\r\n" * 2500 + b"USER thomas\r\nPASS secret\r\n")
        assert s.status() == 0
        assert why(s) == "autologout"


# ---- no commands, before and after the login


@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize("line", [b"", b"\0", b"x" * 300, b"\x16\x04\x01\x02"],
                         ids=name)
def test_ten_lines_that_are_no_commands_are_enough(host, login, line):
    data = host.write(message(1))
    with host.login() if login else host.connect() as s:
        if login:
            s.ok("DELE 1")
        s.write((line + b"\r\n") * 10)
        for _ in range(10):
            s.expect("-ERR ...")
        s.closed()
        assert s.status() == 0
        assert "too many unknown commands" in s.log()
    assert host.read() == data


def test_long_lines_and_unknown_commands_are_counted_together(host):
    with host.login() as s:
        s.write(b"x\r\n" * 9 + b"NOOP\r\n" + b"x\r\n" * 8 + b"x" * 300)
        s.write(b"\r\n")
        for _ in range(9):
            s.expect("-ERR Unknown command")
        s.expect("+OK")
        for _ in range(8):
            s.expect("-ERR Unknown command")
        s.expect("-ERR Line too long")
        s.err("x", "-ERR Too many unknown commands")
        s.closed()


# ---- after the login


@pytest.mark.parametrize("data, pause", [(b"N", 0.2), (b"x" * 65536, 0)],
                         ids=name)
def test_a_line_without_an_end_after_the_login(host, mail, data, pause):
    with host.login("--idle-timeout=1") as s:
        s.ok("DELE 2")
        Pouring(s, data, pause).ended(1, NOT_A_WORD)
        assert "session ended: autologout" in s.log()
    assert host.read() == mail


@pytest.mark.parametrize("command", [b"NOOP", b"RETR 1", b"LIST", b"UIDL"])
@pytest.mark.parametrize("transport", ["socketpair", "tcp", "pipes"])
def test_a_flood_after_the_login_that_nobody_reads(host, mail, command,
                                                   transport):
    with host.login("--idle-timeout=1", transport=transport) as s:
        s.ok("DELE 2")
        Pouring(s, (command + b"\r\n") * 1000, read=0).ended(1)
        assert "session ended: autologout" in s.log()
    assert host.read() == mail
    assert lockable(host.mailbox)


def test_a_flood_of_noop_takes_no_memory(host, mail):
    with host.login() as s:
        before = memory(s)
        for _ in range(100):
            s.write(b"NOOP\r\n" * 2000)
            for _ in range(2000):
                s.expect("+OK")
        assert memory(s) - before < GROWTH or has_asan()
        s.ok("QUIT")
