"""
Blanks around the arguments of a command mean nothing, however many and of
whatever kind: who pads is answered as who does not. But those of a password,
of a name's inside and of AUTH's response count.
"""
import pytest
import sasl
from pop3 import message, name
from sasl import b64, plain
from test_apop import digest, greeted

RUNS = [b" ", b"  ", b"   ", b"\t", b"\t\t", b" \t", b"\t ", b" \t \t "]

# a command as it is written down, one blank between its words
BEFORE = ["USER thomas", "USER two words", "CAPA", "AUTH", "STLS",
          "AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5",
          "APOP thomas", "APOP", "USER", "STAT", "NOOP", "RETR 1",
          "XYZZY", "XYZZY 1"]
AFTER = ["STAT", "LIST", "LIST 1", "LIST 3", "LIST x", "LIST 1 2", "UIDL",
         "UIDL 2", "UIDL 1 2", "RETR", "RETR 1", "RETR 1x", "RETR 1 2",
         "TOP 1 0", "TOP 2 1", "TOP 1", "TOP 1 0 0", "TOP 1 x", "DELE 1",
         "DELE", "DELE 1 2", "NOOP", "NOOP 1", "RSET", "RSET x", "LAST",
         "LAST 1", "CAPA", "CAPA 1", "STAT x", "QUIT x", "USER thomas",
         "AUTH", "XYZZY"]
LISTS = "CAPA", "AUTH", "LIST", "UIDL", "RETR", "TOP"


def padded(command, run):
    """Between all words, at the end, and both."""
    words = command.encode().split(b" ")
    inside = run.join(words) if command != "USER two words" else \
        words[0] + run + b" ".join(words[1:])
    yield from {inside, command.encode() + run, inside + run}


def answer(session, command):
    """All of it; a mechanism's question is cancelled."""
    first = session.reply(command)
    word = command.split(maxsplit=1)
    if first is None or not first.startswith("+"):
        return first
    if first.startswith("+ "):
        return first, session.reply("*")
    many = word[0].decode() in LISTS and (
        word[0] in (b"CAPA", b"RETR", b"TOP") or len(word) == 1)
    return first, session.hear_text() if many else None


def all_padded(command):
    return sorted({line for run in RUNS for line in padded(command, run)})


@pytest.mark.parametrize("command", BEFORE)
def test_before_the_login(host, command):
    with host.connect() as s:
        clean = answer(s, command.encode())
    with host.connect() as s:
        for line in all_padded(command):
            assert answer(s, line) == clean, line
            s.ok("USER thomas")  # else ten that are unknown would be the end


@pytest.mark.parametrize("command", AFTER)
def test_after_the_login(host, command):
    host.write(message(1), message(2))
    with host.login() as s:
        clean = answer(s, command.encode())
        for line in all_padded(command):
            s.ok("RSET")
            s.ok("STAT", "+OK 2 ...")
            assert answer(s, line) == clean, line


def test_quit_before_the_login(host):
    for line in all_padded("QUIT"):
        with host.connect() as s:
            s.ok(line, "+OK Pop server at ...")
            s.closed()


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_quit_with_a_blank_deletes(host, run):
    host.write(message(1), message(2))
    with host.login() as s:
        s.ok(b"DELE" + run + b"1" + run)
        s.ok(b"QUIT" + run)
        s.closed()
    assert host.read() == message(2)


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_a_padded_name_is_the_name(host, run):
    host.write(message(1))
    for line in b"USER" + run + b"thomas", b"USER thomas" + run, \
            b"USER" + run + b"thomas" + run:
        with host.connect() as s:
            s.ok(line, "+OK Password required for thomas.")
            s.ok("PASS secret", "+OK thomas has 1 message ...")


def test_a_name_keeps_the_blanks_inside(host):
    with host.connect() as s:
        for inside in "a b", "a  b", "a   b c":
            s.ok(f"USER  {inside} ", f"+OK Password required for {inside}.")
        s.ok("USER a\tb", "+OK Password required for a?b.")


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_nothing_but_blanks_is_no_argument(host, run):
    with host.connect() as s:
        for command in "USER", "APOP":
            assert s.err(command.encode() + run) == s.err(command)


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_a_line_does_not_begin_with_a_blank(host, run):
    with host.login() as s:
        s.err(run + b"STAT", "-ERR Unknown command")
        s.err(run, "-ERR Unknown command")


@pytest.fixture
def exact(host):
    """PAM takes what is in this file, to the octet."""
    right = f"{host.pam}/right"
    script = host.put(f"{host.pam}/check", f"""#!/bin/sh
tr -d '\\0' | cmp -s - {right}
""".encode(), 0o755)
    host.put(f"{host.pam}/pop3d", f"""
auth [success=1 default=ignore] pam_exec.so expose_authtok quiet {script}
auth requisite pam_deny.so
auth required pam_permit.so
account required pam_permit.so
session required pam_permit.so
""".encode())
    return right


@pytest.mark.parametrize("password", [
    b"secret ", b" secret", b"  secret", b"secret  ", b"\tsecret",
    b"secret\t", b" ", b"\t", b"se cret", b"se  cret", b" s e\tc "], ids=name)
def test_each_octet_of_a_password_counts(host, exact, password):
    for right in {password, password.strip(), password.replace(b" ", b"")}:
        host.put(exact, right)
        with host.connect() as s:
            s.ok("USER thomas")
            s.send(b"PASS " + password)
            s.expect("+OK ..." if right == password else "-ERR [AUTH] ...")


def test_the_blank_before_a_password_may_be_a_tab(host):
    with host.connect() as s:
        s.ok("USER thomas")
        s.ok("PASS\tsecret")


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_apop(host, run):
    secrets = sasl.set_secret(host, "thomas", "tanstaaf", "--apop")
    for before, between, end in (run, b" ", b""), (b" ", run, b""), \
            (b" ", b" ", run), (run, run, run):
        s, stamp = greeted(host, secrets)
        with s:
            s.ok(b"APOP" + before + b"thomas" + between +
                 digest(stamp, "tanstaaf").encode() + end)


def test_apop_of_a_name_with_blanks_inside(host):
    host.account("tom  as", "x")
    secrets = sasl.set_secret(host, "tom  as", "tanstaaf", "--apop")
    s, stamp = greeted(host, secrets)
    with s:
        s.err(f"APOP tom as {digest(stamp, 'tanstaaf')}", "-ERR [AUTH] ...")
        s.ok(f"APOP tom  as  {digest(stamp, 'tanstaaf')} ")


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_auth(host, run):
    """Blanks before an initial response are none of it, others are."""
    for mechanism in b"PLAIN", b"LOGIN":
        with host.connect() as s:
            s.ok(b"AUTH" + run + mechanism + run, "+ ...")
            s.err("*")
    response = plain("thomas", "secret").encode()
    with host.connect() as s:
        s.err(b"AUTH PLAIN " + response + run, "-ERR AUTH: ...")
        s.err(b"AUTH PLAIN " + response[:4] + run + response[4:],
              "-ERR AUTH: ...")
        s.err(b"AUTH PLAIN =" + run, "-ERR AUTH: ...")
        s.ok("AUTH PLAIN", "+ ")
        s.err(response + run, "-ERR AUTH: ...")
        s.ok("AUTH PLAIN", "+ ")
        s.err(b"*" + run, "-ERR AUTH: ...")
        s.ok(b"AUTH" + run + b"PLAIN" + run + response)
    with host.connect() as s:
        s.ok(b"AUTH" + run + b"LOGIN" + run + b64("thomas").encode(),
             "+ " + b64("Password:"))
        s.ok(b64("secret"))
