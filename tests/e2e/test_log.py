"""What the log says, and what nobody can make it say."""
import re

import pytest
from pop3 import locked, message

STORES = ("mbox", "maildir")


def log_lines(session):
    session.status()
    return session.log().splitlines()


def test_a_session_logs_a_login_and_its_end(host):
    mail = [message(n, "text\n" * 7 * n) for n in (1, 2, 3)]
    host.write(*mail)
    with host.login() as s:
        sent = len(s.retr(1)) + len(s.retr(3))
        s.ok("DELE 2")
        s.ok("QUIT")
        lines = log_lines(s)
    assert len(lines) == 2
    login, end = lines
    assert "thomas" in login and "logged in" in login
    assert "thomas" in end and "quit" in end.lower()
    numbers = re.findall(r"\d+", end)
    # retrieved, deleted, left, octets
    for number in 2, 1, str(sent):
        assert str(number) in numbers, end


def test_a_session_that_did_not_commit_counts_no_deletions(host):
    host.write(message(1), message(2))
    with host.login() as s:
        s.ok("DELE 1")
        s.hang_up()
        end = log_lines(s)[-1]
    assert "thomas" in end and "quit" not in end.lower()
    assert re.search(r"\b0 deleted|deleted[^0-9]{0,3}0\b", end), end


@pytest.mark.store("mbox")
def test_only_whole_messages_count_as_retrieved(host):
    host.write(message(1), message(2, "text\n" * 1_000_000))
    with host.login("--lock-timeout=1") as s:
        with locked(host.mailbox, "fcntl"):
            s.err("RETR 1")
        s.ok("RETR 2")
        s.hang_up()
        end = log_lines(s)[-1]
    assert "retrieved=0 " in end, end


def test_a_failed_login_is_logged_once(host):
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS wrong")
        s.ok("QUIT")
        lines = log_lines(s)
    assert len([line for line in lines if "thomas" in line]) == 1


def test_reasons_differ(host):
    host.write(message(1))
    ends = {}
    with host.login() as s:
        s.ok("QUIT")
        ends["quit"] = log_lines(s)[-1]
    with host.login() as s:
        s.hang_up()
        ends["left"] = log_lines(s)[-1]
    with host.login("--idle-timeout=3") as s:
        s.closed()
        ends["idle"] = log_lines(s)[-1]
    with host.login() as s:
        s.process.terminate()
        ends["signal"] = log_lines(s)[-1]
    plain = {re.sub(r"\d+(\.\d+)?", "N", line) for line in ends.values()}
    assert len(plain) == 4, ends


@pytest.mark.parametrize("transport", ["tcp", "listen-fds"])
def test_the_address_is_logged(host, transport):
    host.write(message(1))
    with host.login(transport=transport) as s:
        s.ok("QUIT")
        for line in log_lines(s):
            assert "127.0.0.1" in line


@pytest.mark.parametrize("name", ["REMOTE_ADDR", "REMOTE_HOST", "TCPREMOTEIP"])
def test_the_address_comes_from_the_environment_over_a_pipe(host, name):
    host.write(message(1))
    with host.login("--plaintext=always", transport="pipes",
                    env={name: "192.0.2.7"}) as s:
        s.ok("QUIT")
        for line in log_lines(s):
            assert "192.0.2.7" in line


def test_a_socket_is_believed_more_than_the_environment(host):
    with host.login(transport="tcp", env={"REMOTE_ADDR": "192.0.2.7"}) as s:
        s.ok("QUIT")
        assert "192.0.2.7" not in s.log()


def only_printable(log):
    assert re.fullmatch(rb"[ -~\n]*", log), log


def test_what_strangers_send_is_escaped(host):
    names = [b"a\rforged: line", b"\x1b[31mred", b"bell\x07", b"\xff\xfe\xc3",
             b"del\x7f", b"%s%n%s%n%999999d", b"x" * 248, b"nul\0nul"]
    sessions = []
    for name in names:
        s = host.connect("--plaintext=always",
                         env={"REMOTE_HOST": "evil\nforged: line\x1b[31m"},
                         transport="pipes")
        if s.reply(b"USER " + name).startswith("+OK"):
            s.send(b"PASS wrong\x1b\r\xff")
            sessions.append(s)
        else:
            s.send(name)
    for s in sessions:
        s.expect("-ERR ...")
        s.ok("QUIT")
        s.status()
    log = host.log()
    only_printable(log)
    assert not re.search(rb"^forged", log, re.M)


def test_unknown_commands_do_not_fill_the_log(host):
    with host.connect() as s:
        for _ in range(10):
            s.err(b"\x1b[31m\xff evil")
        s.closed()
        assert len(log_lines(s)) <= 2
    only_printable(host.log())


@pytest.mark.store("mbox")
def test_passwords_are_never_logged(host):
    host.account("thomas", "swordfish")
    host.write(message(1))
    with locked(host.mailbox, "fcntl"):
        with host.connect("--lock-timeout=0") as s:
            s.ok("USER thomas")
            s.err("PASS swordfish")
    with host.login() as one, host.connect() as two:
        two.ok("USER thomas")
        two.err("PASS swordfish", "-ERR [IN-USE] ...")
        two.err("PASS swordfish")
        two.err("swordfish")
        one.ok("QUIT")
        one.status()
        two.ok("QUIT")
        two.status()
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS Xswordfish", "-ERR [AUTH] ...")
        s.ok("QUIT")
    assert b"swordfish" not in host.log()


@pytest.mark.store("mbox")
def test_a_line_for_each_refused_mailbox(host):
    host.write(b"This is not an mbox.\n")
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret")
        s.ok("QUIT", "...")
        s.status()
        about = [line for line in s.log().splitlines() if host.mailbox in line]
    assert len(about) == 1


def test_nothing_of_the_log_reaches_the_client(host):
    """Descriptor 2 may be the connection, as under inetd."""
    host.write(b"This is not an mbox.\n")
    import socket
    ours, theirs = socket.socketpair()
    process = host.popen(host.command("--idle-timeout=5"), stdin=theirs,
                         stdout=theirs, stderr=theirs)
    host.others.append(process)
    theirs.close()
    ours.sendall(b"USER thomas\r\nPASS secret\r\nQUIT\r\n")
    ours.settimeout(20)
    out = b""
    while more := ours.recv(65536):
        out += more
    for line in out.splitlines():
        assert line.startswith((b"+OK", b"-ERR")), line
