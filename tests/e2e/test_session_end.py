"""How sessions end, one beside another, and that only QUIT deletes."""
import glob
import os
import signal
import socket
import time

import pytest
from pop3 import TRANSPORTS, locked, lockable, members, message, wait_until

BOTH_STORES = pytest.mark.store("mbox", "maildir")


sees_all = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look at "
                              "processes that keep others from it")


@pytest.fixture
def data(host):
    return host.write(message(1), message(2))


def gone(session):
    """No process of the session is left."""
    session.status()
    wait_until(lambda: not members(session.process))


@pytest.mark.parametrize("transport", TRANSPORTS)
@BOTH_STORES
def test_a_session_over(host, data, transport):
    with host.login(transport=transport) as s:
        assert b"message 2" in s.retr(2)
        s.ok("DELE 1")
        s.ok("QUIT")
        s.closed()
        assert s.status() == 0
        gone(s)
    assert host.read() == message(2)


@pytest.mark.parametrize("transport", TRANSPORTS)
@BOTH_STORES
def test_a_lost_connection_deletes_nothing(host, data, transport):
    with host.login(transport=transport) as s:
        s.ok("DELE 1")
        s.hang_up()
        assert s.status() == 0
        gone(s)
    assert host.read() == data


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_leaves_before_the_login(host, transport):
    with host.connect(transport=transport) as s:
        s.ok("USER thomas")
        s.hang_up()
        assert s.status() == 0
        gone(s)


def test_a_client_that_leaves_before_the_greeting(host):
    with host.start() as s:
        s.hang_up()
        assert s.status() == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_client_that_sent_all_and_only_listens(host, data, transport):
    with host.start(transport=transport) as s:
        out = s.exchange(b"USER thomas\r\nPASS secret\r\nRETR 2\r\nDELE 1\r\n"
                         b"QUIT\r\n", half_close=True)
        assert b"This is message 2." in out
        assert out.endswith(b"signing off.\r\n")
        assert s.status() == 0
    assert host.read() == message(2)


@pytest.mark.parametrize("transport", TRANSPORTS)
@BOTH_STORES
def test_end_of_input_without_quit_deletes_nothing(host, data, transport):
    with host.start(transport=transport) as s:
        out = s.exchange(b"USER thomas\r\nPASS secret\r\nDELE 1\r\n",
                         half_close=True)
        assert b"Message 1 has been deleted" in out
        assert s.status() == 0
    assert host.read() == data


@pytest.mark.parametrize("rest", [b"QUIT", b"QUIT\r", b"QUI", b"\r"])
def test_half_a_command_at_the_end_of_input_is_none(host, data, rest):
    with host.start() as s:
        out = s.exchange(b"USER thomas\r\nPASS secret\r\nDELE 1\r\n" + rest,
                         half_close=True)
        assert b"signing off" not in out
        assert s.status() == 0
    assert host.read() == data


def test_half_a_command_behind_a_login_is_none(host, data):
    with host.start() as s:
        out = s.exchange(b"USER thomas\r\nPASS secret", half_close=True)
        assert b"thomas has" not in out
        assert s.status() == 0


def test_a_client_that_leaves_in_the_middle_of_a_message(host):
    data = host.write(message(1, "text\n" * 2_000_000), message(2))
    with host.login() as s:
        s.ok("DELE 2")
        s.ok("RETR 1")
        s.fill()
        s.hang_up()
        assert s.status() == 0
        gone(s)
    assert host.read() == data
    assert lockable(host.mailbox)
    with host.login() as s:
        s.ok("STAT", "+OK 2 ...")


# ---- what was sent ahead by a client that heard nothing of it


@pytest.fixture
def big(host):
    """More than a connection takes that nobody reads."""
    return host.write(message(1, "text\n" * 1_000_000), message(2))


def test_what_is_behind_a_message_that_nobody_took_is_not_carried_out(
        host, big):
    with host.login("--idle-timeout=1") as s:
        s.write(b"RETR 1\r\nDELE 1\r\nDELE 2\r\nQUIT\r\n")
        assert s.status() == 0
        assert "session ended: autologout" in s.log()
    assert host.read() == big


def test_what_is_behind_a_message_that_broke_off_is_not_carried_out(host, big):
    with host.login() as s:
        s.write(b"RETR 1\r\nDELE 1\r\nDELE 2\r\nQUIT\r\n")
        s.fill()
        s.hang_up()
        assert s.status() == 0
        assert "session ended: client left" in s.log()
    assert host.read() == big


# ---- one at a time


@BOTH_STORES
def test_a_second_session_is_in_use(host, data):
    with host.login() as one:
        with host.connect() as two:
            two.ok("USER thomas")
            two.err("PASS secret", "-ERR [IN-USE] ...")
        one.ok("STAT", "+OK 2 ...")
        one.ok("DELE 1")
        one.ok("QUIT")
    assert host.read() == message(2)
    with host.login() as s:
        s.ok("STAT", "+OK 1 ...")


@BOTH_STORES
def test_a_login_works_once_the_other_session_is_gone(host, data):
    for end in ("QUIT", "hang up", "QUIT"):
        with host.login() as s:
            if end == "QUIT":
                s.ok("QUIT")
    with host.login() as s:
        s.process.send_signal(signal.SIGKILL)
        s.process.wait()
        while (line := s.hear()) is not None:
            assert line.startswith(b"-ERR")
    with host.login() as s:
        s.ok("STAT", "+OK 2 ...")


@pytest.mark.slow
@BOTH_STORES
def test_a_session_silent_for_30_seconds_is_taken_over(host, data):
    one = host.login()
    one.ok("DELE 1")
    began = time.monotonic()
    while True:
        with host.connect() as two:
            two.ok("USER thomas")
            line = two.reply("PASS secret")
            waited = time.monotonic() - began
            if line.startswith("+OK"):
                assert waited > 28
                two.ok("STAT", "+OK 2 ...")
                one.expect("-ERR [IN-USE] ...")
                one.closed()
                gone(one)
                assert host.read() == data
                two.ok("DELE 2")
                two.ok("QUIT")
                break
            assert line.startswith("-ERR [IN-USE]")
            assert waited < 60
        time.sleep(2)  # the time that passes is what is tested
    assert host.read() == message(1)


@pytest.mark.slow
def test_a_session_that_talks_is_not_taken_over(host, data):
    with host.login() as one:
        until = time.monotonic() + 35
        while time.monotonic() < until:
            one.ok("NOOP")
            time.sleep(5)  # the time that passes is what is tested
        with host.connect() as two:
            two.ok("USER thomas")
            two.err("PASS secret", "-ERR [IN-USE] ...")
        one.ok("QUIT")


@pytest.mark.slow
@BOTH_STORES
def test_what_was_sent_ahead_by_a_client_that_is_taken_over(host):
    data = host.write(message(1, "text\n" * 4_000_000), message(2))
    one = host.login()
    one.write(b"RETR 1\r\nDELE 1\r\nDELE 2\r\nQUIT\r\n")
    deadline = time.monotonic() + 45
    while True:
        with host.connect() as two:
            two.ok("USER thomas")
            if two.reply("PASS secret").startswith("+OK"):
                gone(one)
                break
            assert time.monotonic() < deadline
        time.sleep(2)  # the time that passes is what is tested
    assert host.read() == data


# ---- replies that nobody takes

@pytest.mark.slow
def test_a_client_that_does_not_read_for_a_while_after_its_quit(host):
    """What was sent before has left no room in the pipe for one reply more."""
    host.write(message(1, ("x" * 61 + "\n") * 1000), message(2))
    with host.login(transport="pipes") as s:
        s.write(b"DELE 2\r\nRETR 1\r\nQUIT\r\n")
        time.sleep(31)  # the time that passes is what is tested
        s.expect("+OK ...")
        s.expect("+OK ...")
        assert len(s.hear_text()) > 63_000
        s.expect("+OK ... signing off.")
        s.closed()
        assert s.status() == 0
        assert "session ended: quit; retrieved=1 deleted=1" in s.log()


AHEAD = b"RETR 1\r\nDELE 1\r\nQUIT\r\n"


@pytest.mark.parametrize("lines", [1, 1000, 20_000, 1_000_000])
@pytest.mark.parametrize("transport", ["socketpair", "pipes"])
@BOTH_STORES
def test_nothing_is_removed_behind_a_reply_that_cannot_be_sent(
        host, transport, lines):
    data = host.write(message(1, "text\n" * lines), message(2))
    with host.login(transport=transport) as s:
        if transport == "pipes":
            s.reader.close()
        else:
            s.reader.shutdown(socket.SHUT_RD)
        s.write(AHEAD)
        gone(s)
    assert host.read() == data
    assert "client left" in s.log()


def test_nothing_is_removed_behind_a_reply_that_is_not_taken_in_time(host):
    data = host.write(message(1, "text\n" * 4_000_000), message(2))
    with host.login("--idle-timeout=1") as s:
        s.write(AHEAD)
        gone(s)
    assert host.read() == data
    assert "autologout" in s.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@BOTH_STORES
def test_nothing_is_removed_behind_a_reply_that_a_signal_cut(host, number):
    data = host.write(message(1, "text\n" * 4_000_000), message(2))
    with host.login() as s:
        s.write(AHEAD)
        s.fill()
        s.process.send_signal(number)
        gone(s)
    assert host.read() == data


# ---- autologout


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_autologout_deletes_nothing_and_says_nothing(host, data, transport):
    with host.login("--idle-timeout=3", transport=transport) as s:
        s.ok("DELE 1")
        began = time.monotonic()
        s.closed()
        assert time.monotonic() - began > 2.9
        gone(s)
    assert host.read() == data


def test_autologout_before_login(host):
    with host.connect("--idle-timeout=3") as s:
        s.ok("USER thomas")
        s.closed()
        gone(s)


def test_a_command_sets_the_clock_back(host, data):
    with host.login("--idle-timeout=4") as s:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            s.ok("NOOP")
            time.sleep(0.5)  # the time that passes is what is tested
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.read() == message(2)


def test_a_client_that_does_not_read_is_logged_out_and_blocks_nobody(host):
    data = host.write(message(1, "text\n" * 4_000_000), message(2))
    with host.login("--idle-timeout=2") as s:
        s.ok("DELE 2")
        s.ok("RETR 1")
        s.fill()
        wait_until(lambda: lockable(host.mailbox))
        host.append(message(3))
        s.status()
        gone(s)
    assert host.read() == data + message(3)


def test_half_a_line_is_no_command_for_the_clock(host, data):
    with host.login("--idle-timeout=3") as s:
        s.write(b"NOO")
        s.closed()
        gone(s)


# ---- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("whole_group", [False, True])
@BOTH_STORES
def test_a_signal_ends_a_session_and_deletes_nothing(
        host, data, number, whole_group):
    with host.login() as s:
        s.ok("DELE 1")
        if whole_group:
            os.killpg(s.process.pid, number)
        else:
            s.process.send_signal(number)
        while (line := s.hear()) is not None:
            assert line.startswith(b"-ERR")
        gone(s)
    assert host.read() == data
    with host.login() as s:
        s.ok("STAT", "+OK 2 ...")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_the_login_ends_the_connection(host, number):
    with host.connect() as s:
        s.process.send_signal(number)
        while (line := s.hear()) is not None:
            assert line.startswith(b"-ERR")
        gone(s)


def test_a_signal_while_a_client_does_not_read(host):
    data = host.write(message(1, "text\n" * 4_000_000), message(2))
    with host.login() as s:
        s.ok("DELE 2")
        s.ok("RETR 1")
        s.fill()
        s.process.send_signal(signal.SIGTERM)
        gone(s)
    assert host.read() == data


def test_a_signal_while_waiting_for_a_lock(host, data):
    with locked(host.mailbox, "dotlock"), host.connect() as s:
        s.ok("USER thomas")
        s.send("PASS secret")
        while len(members(s.process)) < 2:
            os.sched_yield()
        s.process.send_signal(signal.SIGTERM)
        gone(s)
        assert os.path.exists(host.mailbox + ".lock")
    assert host.read() == data


def children_of(session, pams):
    """PAM's process, which has the connection not, or the others."""
    connection = os.readlink(f"/proc/{session.process.pid}/fd/0")

    def has_connection(pid):
        return any(os.readlink(fd) == connection
                   for fd in glob.glob(f"/proc/{pid}/fd/*"))

    return [pid for pid in members(session.process)
            if pid != session.process.pid and has_connection(pid) != pams]


@sees_all
@BOTH_STORES
def test_a_killed_mailbox_process_ends_the_session(host, data):
    with host.login() as s:
        s.ok("DELE 1")
        [victim] = children_of(s, pams=False)
        os.kill(victim, signal.SIGKILL)
        while s.hear() is not None:
            pass
        gone(s)
    assert host.read() == data
    with host.login() as s:
        s.ok("STAT", "+OK 2 ...")


@sees_all
def test_a_session_outlives_pams_process(host, data):
    with host.login() as s:
        s.ok("DELE 1")
        [victim] = children_of(s, pams=True)
        os.kill(victim, signal.SIGKILL)
        s.ok("QUIT")
    assert host.read() == message(2)


@sees_all
def test_without_pams_process_nobody_can_log_in(host, data):
    with host.connect() as s:
        wait_until(lambda: children_of(s, pams=True))
        [victim] = children_of(s, pams=True)
        os.kill(victim, signal.SIGKILL)
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/TEMP] ...")
        s.ok("QUIT")
    assert "PAM's process" in s.log()


@BOTH_STORES
def test_a_killed_monitor_takes_the_others_with_it(host, data):
    with host.login() as s:
        s.ok("DELE 1")
        s.process.kill()
        s.process.wait()
        while s.hear() is not None:
            pass
        gone(s)
    assert host.read() == data
    with host.connect() as s:
        s.process.kill()
        s.process.wait()
        while s.hear() is not None:
            pass
        gone(s)
