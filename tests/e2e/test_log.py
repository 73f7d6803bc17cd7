"""What the log says, and what nobody can make it say."""
import base64
import os
import re
import socket

import pytest
import tls
from pop3 import locked, message

STORES = ("mbox", "maildir")
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


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


# ---- lines that link

LINK = r" port=(\S+) session=([0-9a-f]{12}): "


def links(session):
    """(port, id) of each line, as a set."""
    lines = log_lines(session)
    found = [re.search(LINK, line) for line in lines]
    assert lines and None not in found, lines
    return {link.groups() for link in found}


def test_all_lines_of_a_session_have_its_id_and_no_others(host):
    host.write(message(1))
    seen = []
    for _ in range(2):
        with host.connect() as s:
            s.ok("USER thomas")
            s.err("PASS wrong")
            s.ok("USER thomas")
            s.ok("PASS secret")
            s.ok("QUIT")
            assert len(log_lines(s)) == 3
            seen += links(s)
    assert len({id for _, id in seen}) == 2 == len(seen)


@pytest.mark.parametrize("begin, ending", [
    (tls.stls, "/STLS"), (tls.implicit, ""), (None, "")])
def test_the_port_tells_stls_from_implicit_tls_and_neither(host, begin, ending):
    with (begin or host.connect)(*[host] * bool(begin), transport="tcp") as s:
        port = str(s.reader.getpeername()[1])
        tls.log_in(s)
        s.ok("QUIT")
        lines = log_lines(s)
        assert {port for port, _ in links(s)} == {port + ending}
    assert all(bool(re.search(r" tls=TLSv", line)) == bool(begin)
               for line in lines)


def test_a_session_over_a_pipe_has_no_port(host):
    with host.login(transport="pipes") as s:
        s.ok("QUIT")
        assert {port for port, _ in links(s)} == {"pipe"}


def test_a_socket_in_a_directory_is_named_by_its_path(host):
    path = host.top + "/a b.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        ours = socket.socket(socket.AF_UNIX)
        ours.connect(path)
        theirs = listener.accept()[0]
    log = host.top + "/log of the socket"
    with ours, theirs, open(log, "wb") as err:
        process = host.popen(host.command(), stdin=theirs, stdout=theirs,
                             stderr=err)
        ours.sendall(b"QUIT\r\n")
        assert process.wait(20) == 0
    with open(log) as f:
        assert re.search(LINK, f.read())[1] == path.replace(" ", "\\x20")


def said(text):
    return base64.b64encode(text).decode()


@pytest.mark.parametrize("command", [
    "USER thomas", "AUTH PLAIN " + said(b"\0thomas\0secret"),
    "AUTH PLAIN " + said(b"admin\0thomas\0secret"),
    "AUTH LOGIN " + said(b"thomas"),
    "AUTH OAUTHBEARER " + said(b"n,a=thomas,\1auth=Bearer secret\1\1"),
    "AUTH XOAUTH2 " + said(b"user=thomas\1auth=Bearer secret\1\1")])
def test_who_was_refused_for_want_of_tls_is_named(host, command):
    with host.connect("--plaintext=never") as s:
        s.err(command, "-ERR [AUTH] ...")
        s.err("PASS secret", "-ERR [AUTH] ...")
        s.ok("QUIT")
        [line] = log_lines(s)
    assert "user=thomas " in line
    assert line.endswith(": no login: passwords are not taken without TLS")
    assert "secret" not in line


@pytest.mark.parametrize("command", [
    "PASS secret", "AUTH PLAIN", "AUTH PLAIN =", "AUTH LOGIN", "AUTH PLAIN x",
    "AUTH PLAIN " + said(b"thomas"), "AUTH XOAUTH2 " + said(b"name=thomas")])
def test_nobody_is_named_where_no_name_was_given(host, command):
    with host.connect("--plaintext=never") as s:
        s.err(command, "-ERR [AUTH] ...")
        s.ok("QUIT")
        [line] = log_lines(s)
    assert "user=- " in line and "without TLS" in line


def text(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


def test_the_manual_names_every_field_and_no_other():
    source = text("base/log.c")
    manual = text("pop3d.8")
    diagnostics = manual[manual.index(".Sh DIAGNOSTICS"):]
    written = set(re.findall(r"\bPOP3_[A-Z_]+", source))
    assert len(written) > 10
    assert set(re.findall(r"\bPOP3_[A-Z_]+", diagnostics)) == written


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
