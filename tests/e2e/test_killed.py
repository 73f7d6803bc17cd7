"""What the log says of a session that was killed, and who says it."""
import os
import re
import signal
import socket

import pytest
from pop3 import kill_group, members, message, wait_until

STORES = ("mbox", "maildir")
ID = re.compile(r" session=([0-9a-f]{12}): ")


@pytest.fixture
def mail(host):
    return host.write(message(1), message(2))


def mailbox_process(session):
    """It is the one that logs the login."""
    return int(re.search(r"pop3d\[(\d+)\]: .*: logged in", session.log())[1])


def kill_all(session):
    """As the kernel does when memory is short, or systemctl kill -s KILL."""
    kill_group(session.process)
    wait_until(lambda: members(session.process) == [])
    session.hang_up()


def test_a_mailbox_process_that_died_tells_no_numbers(host, mail):
    with host.login() as s:
        s.retr(1)
        os.kill(mailbox_process(s), signal.SIGKILL)
        s.closed()
        s.status()
        [end] = [line for line in s.log().splitlines()
                 if "session ended: the mailbox process died" in line]
    assert not re.search("retrieved|deleted|left|octets", end)
    assert re.search(r"; seconds=[\d.]+$", end)


def test_a_monitor_that_was_killed_is_missed_by_the_mailbox_process(host, mail):
    s = host.login()
    s.retr(1)
    s.ok("DELE 1")
    s.process.kill()
    wait_until(lambda: "session ended" in s.log())
    [end] = [line for line in s.log().splitlines() if "session ended" in line]
    assert "session ended: its monitor died; retrieved=1 deleted=0 left=2" in end
    assert host.read() == mail
    s.hang_up()


def test_the_next_session_tells_of_one_that_was_killed(host, mail):
    s = host.login()
    killed, pid = ID.search(s.log())[1], mailbox_process(s)
    kill_all(s)
    assert "ended" not in s.log()
    for lines in 1, 0:
        with host.login() as s:
            s.ok("QUIT")
            s.status()
            found = [line for line in s.log().splitlines()
                     if "had no end" in line]
        assert len(found) == lines
        if found:
            assert ID.search(found[0])[1] == killed
            assert f"process {pid} on {socket.gethostname()}" in found[0]
            assert "method=" not in found[0]


@pytest.mark.parametrize("end", ["QUIT", "hang up", "SIGTERM", "autologout"])
def test_a_session_with_an_end_is_told_of_once(host, mail, end):
    with host.login(*["--idle-timeout=1"] * (end == "autologout")) as s:
        if end == "QUIT":
            s.ok("QUIT")
        elif end == "hang up":
            s.hang_up()
        elif end == "SIGTERM":
            s.process.terminate()
            s.expect("-ERR ...")
        s.status()
    with host.login() as s:
        s.ok("QUIT")
        s.status()
        assert len(s.log().splitlines()) == 2


def test_who_finds_the_maildrop_in_use_is_told_in_the_log_by_whom(host, mail):
    with host.login("--plaintext=always", transport="pipes",
                    env={"REMOTE_ADDR": "192.0.2.7"}) as s:
        with host.connect() as late:
            late.ok("USER thomas")
            late.err("PASS secret", "-ERR [IN-USE] ...")
            late.ok("QUIT")
            late.status()
            [line] = [line for line in late.log().splitlines()
                      if "another session has it" in line]
        assert f"session={ID.search(s.log())[1]} rhost=192.0.2.7 since " in line
        assert f"process {mailbox_process(s)} on " in line
        assert ID.search(line)[1] != ID.search(s.log())[1]
        s.ok("QUIT")
