"""AUTH: mechanisms, their forms, and who comes in by them."""
import re
import shutil
import subprocess
import time

import pytest
import sasl
from pop3 import message
from sasl import Scram, b64, plain, unb64
from test_clients import port  # noqa: F401, a fixture

REFUSED = "-ERR [AUTH] ..."


def mechanisms(session):
    """What CAPA says, and AUTH without an argument, which must agree."""
    session.ok("CAPA")
    lines = session.hear_text().decode().splitlines()
    found = [line.split()[1:] for line in lines if line.split()[0] == "SASL"]
    session.ok("AUTH")
    listed = session.hear_text().decode().split()
    assert found == ([listed] if listed else [])
    return listed


# ---- what is offered

def test_passwords_only_where_nothing_else_is_set_up(host):
    with host.connect() as s:
        assert mechanisms(s) == ["PLAIN", "LOGIN"]


def test_scram_is_offered_where_there_are_secrets(host):
    secrets = sasl.set_secret(host, "thomas", "pencil")
    with host.connect(secrets) as s:
        assert mechanisms(s) == ["SCRAM-SHA-256", "PLAIN", "LOGIN"]


def test_tokens_are_offered_where_their_service_is_configured(host):
    sasl.allow_tokens(host, thomas="ya29.token")
    with host.connect() as s:
        assert mechanisms(s) == ["OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"]


@pytest.mark.parametrize("mechanism", [
    "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "OAUTHBEARER", "XOAUTH2",
    "CRAM-MD5", "PLAI", "PLAINS", "-", "x" * 200])
def test_what_is_not_offered_does_not_work(host, mechanism):
    with host.connect() as s:
        s.err(f"AUTH {mechanism}")
        s.err(f"AUTH {mechanism} {b64('n,,n=thomas,r=abc')}")
        s.ok("QUIT")


def test_auth_is_over_after_the_login(host):
    with host.login() as s:
        s.err("AUTH PLAIN " + plain("thomas", "secret"))
        s.err("AUTH")
        s.ok("STAT")
        s.ok("CAPA")
        # RFC 2449 section 5: what is announced before the login stays so
        assert b"SASL PLAIN LOGIN\r\n" in s.hear_text()


# ---- PLAIN (RFC 4616)

@pytest.mark.parametrize("authzid", ["", "thomas"])
@pytest.mark.parametrize("keyword", ["AUTH PLAIN", "auth plain", "Auth Plain"])
def test_plain_with_an_initial_response(host, authzid, keyword):
    host.write(message(1))
    with host.connect() as s:
        s.ok(f"{keyword} {plain('thomas', 'secret', authzid)}",
             "+OK thomas has 1 message...")
        s.ok("QUIT")


def test_plain_after_an_empty_challenge(host):
    with host.connect() as s:
        s.ok("AUTH PLAIN", "+ ")
        s.ok(plain("thomas", "secret"), "+OK thomas has ...")


def test_plain_pipelined(host):
    """The line behind AUTH is the response, what follows is a command."""
    host.write(message(1))
    with host.connect() as s:
        s.write(f"AUTH PLAIN\r\n{plain('thomas', 'secret')}\r\n"
                "STAT\r\nQUIT\r\n".encode())
        s.expect("+ ")
        s.expect("+OK thomas has 1 ...")
        s.expect("+OK 1 ...")
        s.expect("+OK ...")
        s.closed()


def test_a_password_with_blanks_and_letters(host):
    host.account("thomas", "pass word, with \u00fcml\u00e4uts ")
    with host.connect() as s:
        s.ok("AUTH PLAIN " + plain("thomas", host.accounts["thomas"]))


@pytest.mark.parametrize("user, password", [
    ("thomas", "wrong"), ("nobody-here", "secret"), ("..", "secret"),
    ("root/x", "secret"), ("thomas", "secret "), ("THOMAS", "secret")])
def test_plain_refused(host, user, password):
    with host.connect() as s:
        start = time.monotonic()
        s.err("AUTH PLAIN " + plain(user, password), REFUSED)
        assert time.monotonic() - start > 2.4
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))


def test_nobody_acts_for_another_user(host):
    host.account("anna", "secret")
    with host.connect() as s:
        s.err("AUTH PLAIN " + plain("thomas", "secret", "anna"), REFUSED)
        s.err("AUTH PLAIN " + plain("thomas", "secret", "root"), REFUSED)
        s.ok("AUTH PLAIN " + plain("anna", "secret"))


@pytest.mark.parametrize("response", [
    b"", b"\0", b"\0\0", b"\0thomas", b"\0thomas\0", b"\0\0secret",
    b"thomas\0secret", b"\0thomas\0secret\0", b"\0thomas\0sec\0ret",
    b"\0" + b"u" * 256 + b"\0secret", b"\0thomas\0" + b"p" * 1024,
    b"x" * 12000])
def test_malformed_plain(host, response):
    with host.connect() as s:
        s.ok("AUTH PLAIN", "+ ")
        s.err(b64(response))
        s.err("AUTH PLAIN " + (b64(response) or "="))
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))


def test_names_and_passwords_up_to_the_limits(host):
    host.account("u" * 255, "p" * 1023)
    with host.connect() as s:
        s.ok("AUTH PLAIN " + plain("u" * 255, "p" * 1023))


@pytest.mark.parametrize("text", [
    "====", "=", "A", "AA", "AAA", "AA=A", "AHRob21hcwBzZWNyZXQ",
    "AHRob21hcwBzZWNyZXR=", "AHRob21hcwBzZWNyZXQ==", "AHRob21hcwBz ZWNyZXQ=",
    " AHRob21hcwBzZWNyZXQ=", "AHRob21hcwBzZWNyZXQ= ", "AHRob21hcwBzZWNyZXQ=\t",
    "AHRob21hcwBzZWNyZX-=", "\xff", "**", "* ", "AHRob21hcwBzZWNyZXQ=\0"])
def test_base64_is_strict(host, text):
    with host.connect() as s:
        s.ok("AUTH PLAIN", "+ ")
        s.err(text.encode("latin-1"))
        # there are blanks before it, or the empty one
        if text != "=" and text[0] != " ":
            s.err(b"AUTH PLAIN " + text.encode("latin-1"))
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))


def test_a_blank_at_the_end_is_no_initial_response(host):
    with host.connect() as s:
        s.ok("AUTH PLAIN ", "+ ")
        s.ok(plain("thomas", "secret"))


def test_cancelling(host):
    """Wherever something is asked for; a client's * is no response."""
    sasl.allow_tokens(host, thomas="token")
    secrets = sasl.set_secret(host, "thomas", "secret")
    with host.connect(secrets) as s:
        for mechanism in mechanisms(s) * 2:
            s.ok(f"AUTH {mechanism}", "+ ...")
            s.err("*", "-ERR AUTH: Cancelled")
            s.err(f"AUTH {mechanism} *", "-ERR AUTH: ...")
        s.ok("AUTH LOGIN " + b64("thomas"), "+ ...")
        s.err("*", "-ERR AUTH: Cancelled")
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))


# mechanism: what it is asked for first, and what the empty response gets
ALL = {"SCRAM-SHA-256": ("", "-ERR AUTH: ..."),
       "OAUTHBEARER": ("", "-ERR AUTH: ..."),
       "XOAUTH2": ("", "-ERR AUTH: ..."),
       "PLAIN": ("", "-ERR AUTH: ..."),
       "LOGIN": ("Username:", "-ERR AUTH: The name is missing...")}


@pytest.mark.parametrize("mechanism", ALL)
@pytest.mark.parametrize("spelling", [str.upper, str.lower, str.title])
def test_each_mechanism_with_and_without_an_initial_response(
        host, mechanism, spelling):
    """RFC 5034 section 4: both mean the same, and = is the empty one."""
    sasl.allow_tokens(host, thomas="token")
    secrets = sasl.set_secret(host, "thomas", "secret")
    question, refusal = ALL[mechanism]
    auth = "AUTH " + spelling(mechanism)

    def first():
        return {"SCRAM-SHA-256": scram.first(), "LOGIN": b64("thomas"),
                "OAUTHBEARER": sasl.bearer("thomas", "token"),
                "XOAUTH2": sasl.xoauth2("thomas", "token"),
                "PLAIN": plain("thomas", "secret")}[mechanism]

    for initial in True, False:
        scram = Scram("thomas", "secret")
        with host.connect(secrets) as s:
            if initial:
                s.err(auth + " =", refusal)
                s.send(f"{auth} {first()}")
            else:
                s.ok(auth, "+ " + b64(question))
                s.err("", refusal)
                s.ok(auth, "+ " + b64(question))
                s.send(first())
            if mechanism == "LOGIN":
                s.expect("+ " + b64("Password:"))
                s.send(b64("secret"))
            elif mechanism == "SCRAM-SHA-256":
                scram.challenged(unb64(s.expect("+ ...")[2:]).decode())
                s.ok(scram.final(), "+ ...")
                s.send("")
            s.expect("+OK thomas has ...")


def test_three_failures_by_whatever_means(host):
    secrets = sasl.set_secret(host, "thomas", "pencil", "--apop")
    with host.connect(secrets) as s:
        s.err("AUTH PLAIN " + plain("thomas", "wrong"), REFUSED)
        s.err("APOP thomas " + "0" * 32, REFUSED)
        scram = Scram("thomas", "wrong")
        scram.challenge(s)
        s.err(scram.final(), REFUSED)
        s.closed()


def test_auth_forgets_user(host):
    with host.connect() as s:
        s.ok("USER thomas")
        s.ok("AUTH PLAIN", "+ ")
        s.err("*")
        s.err("PASS secret")


# ---- LOGIN

def test_login_mechanism(host):
    with host.connect() as s:
        s.ok("AUTH LOGIN", "+ " + b64("Username:"))
        s.ok(b64("thomas"), "+ " + b64("Password:"))
        s.ok(b64("secret"), "+OK thomas has ...")


def test_login_mechanism_refused(host):
    with host.connect() as s:
        s.ok("AUTH LOGIN", "+ ...")
        s.ok(b64("thomas"), "+ ...")
        s.err(b64("wrong"), REFUSED)
        for name in "", b64("a\0b"), b64("u" * 256):
            s.ok("AUTH LOGIN", "+ ...")
            s.err(name)
        s.ok("AUTH LOGIN", "+ ...")
        s.ok(b64("thomas"), "+ ...")
        s.err("")
        for name in "=", b64("a\0b"), b64("u" * 256):
            s.err("AUTH LOGIN " + name)
        s.ok("AUTH LOGIN " + b64("thomas"), "+ ...")
        s.err("")
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))


# ---- lines

def test_long_lines_are_for_responses_only(host):
    with host.connect() as s:
        s.err("NOOP " + "x" * 300, "-ERR Line too long")
        s.err("AUTHX " + "x" * 300, "-ERR Line too long")
        # the longest line there is, and one octet more
        s.err("AUTH PLAIN " + "A" * (18432 - 2 - 11), "-ERR AUTH: ...")
        s.err("AUTH PLAIN " + "A" * (18432 - 1 - 11), "-ERR Line too long")
        s.ok("AUTH PLAIN", "+ ")
        s.err("A" * 18428, "-ERR AUTH: ...")
        s.ok("AUTH PLAIN", "+ ")
        s.err("A" * 20000, "-ERR Line too long")
        # the exchange is over with it
        s.err(plain("thomas", "secret"), "-ERR Unknown command")
        s.err("A" * 300, "-ERR Line too long")
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))
        s.err("AUTH " + "x" * 300, "-ERR Line too long")


def test_the_connection_is_lost_in_an_exchange(host):
    with host.connect() as s:
        s.ok("AUTH LOGIN", "+ ...")
        s.hang_up()
        assert s.status() == 0


def test_a_client_falls_silent_in_an_exchange(host):
    with host.connect("--idle-timeout=3") as s:
        s.ok("AUTH LOGIN", "+ ...")
        s.closed()
        assert s.status() == 0


# ---- SCRAM

@pytest.fixture
def secrets(host):
    return sasl.set_secret(host, "thomas", "pencil")


def test_scram(host, secrets):
    host.write(message(1))
    with host.connect(secrets) as s:
        Scram("thomas", "pencil").login(s)
        s.expect("+OK thomas has 1 message...")
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.read() == b""


def test_scram_without_initial_response_and_pipelined(host, secrets):
    scram = Scram("thomas", "pencil", gs2="y,a=thomas,")
    with host.connect(secrets) as s:
        s.ok("AUTH SCRAM-SHA-256", "+ ")
        line = s.ok(scram.first(), "+ ...")
        scram.challenged(unb64(line[2:]).decode())
        s.write(f"{scram.final()}\r\n\r\nSTAT\r\n".encode())
        s.expect("+ " + b64(scram.signature()))
        s.expect("+OK thomas has 0 ...")
        s.expect("+OK 0 0")


def test_scram_asks_for_another_proof_each_time(host, secrets):
    one, two = Scram("thomas", "pencil"), Scram("thomas", "pencil")
    with host.connect(secrets) as s:
        one.challenge(s)
        s.err("*")
        two.challenge(s)
        assert one.server_first != two.server_first
        assert (one.salt, one.iterations) == (two.salt, two.iterations)
        s.err(one.final(), REFUSED)


@pytest.mark.parametrize("other", [
    {"c": "eSws"}, {"c": "biwsAAAA"}, {"c": "biw"}, {"c": ""},
    {"r": "fyko+d2lbbFgONRv"}, {"r": "x"}, {"p": b64(bytes(32))}],
    ids=str)
def test_scram_refuses_a_wrong_end(host, secrets, other):
    scram = Scram("thomas", "pencil")
    with host.connect(secrets) as s:
        scram.challenge(s)
        s.err(scram.final(**other), REFUSED)
        scram.login(s)
        s.expect("+OK thomas ...")


def test_scram_refuses_a_longer_nonce(host, secrets):
    scram = Scram("thomas", "pencil")
    with host.connect(secrets) as s:
        scram.challenge(s)
        s.err(scram.final(r=scram.both + "x"), REFUSED)


@pytest.mark.parametrize("first", [
    "", "n,,", "n,,n=,r=abc", "p=tls-exporter,,n=thomas,r=abc",
    "p=tls-unique,,n=thomas,r=abc", "n,,n=thomas", "n,,n=thomas,r=",
    "n,,m=x,n=thomas,r=abc", "n,,n=tho=mas,r=abc", "n,,n=thomas,r=a\0",
    "n,,n=thomas,r=" + "n" * 256, "x" * 12000])
def test_scram_refuses_a_wrong_beginning(host, secrets, first):
    with host.connect(secrets) as s:
        s.err("AUTH SCRAM-SHA-256 " + (b64(first) or "="), "-ERR AUTH: ...")
        Scram("thomas", "pencil").login(s)
        s.expect("+OK thomas ...")


@pytest.mark.parametrize("final", ["", "c=biws", "c=biws,r=abc,p=AAAA", "\0"])
def test_scram_refuses_a_final_that_is_none(host, secrets, final):
    scram = Scram("thomas", "pencil")
    with host.connect(secrets) as s:
        scram.challenge(s)
        s.err(b64(final), "-ERR AUTH: ...")
        scram.login(s)
        s.expect("+OK thomas ...")


def test_scram_for_another_user(host, secrets):
    with host.connect(secrets) as s:
        scram = Scram("thomas", "pencil", gs2="n,a=anna,")
        s.err("AUTH SCRAM-SHA-256 " + scram.first(), REFUSED)


def test_users_without_a_secret_look_like_others(host, secrets):
    """A challenge, the same salt each time, and the same end as late."""
    salts, times = {}, []
    host.account("anna", "secret")  # PAM's, but not in the secrets file
    for user in "thomas", "anna", "nobody-here", "a/b":
        for _ in range(2):
            scram = Scram(user, "wrong")
            with host.connect(secrets) as s:
                scram.challenge(s)
                start = time.monotonic()
                s.err(scram.final(), REFUSED)
                times.append(time.monotonic() - start)
            salts.setdefault(user, set()).add((scram.salt, scram.iterations))
    assert all(len(found) == 1 for found in salts.values())
    assert len(set.union(*salts.values())) == 4
    assert len({i for found in salts.values() for _, i in found}) == 1
    assert len({len(s) for found in salts.values() for s, _ in found}) == 1
    assert min(times) > 2.4, times


def test_challenges_are_not_to_be_had_without_end(host, secrets):
    with host.connect(secrets) as s:
        for _ in range(3):
            Scram("thomas", "pencil").challenge(s)
            s.err("*", "-ERR AUTH: Cancelled")
        s.err("AUTH SCRAM-SHA-256 " + Scram("thomas", "pencil").first(),
              REFUSED)
        s.closed()


def test_a_client_that_does_not_like_the_server(host, secrets):
    data = host.write(message(1))
    for last in "*", "AAAA", "x":
        scram = Scram("thomas", "pencil")
        with host.connect(secrets) as s:
            scram.challenge(s)
            s.ok(scram.final(), "+ ...")
            s.err(last)
            s.closed()
            assert s.status() == 0
            assert len(s.log().splitlines()) == 1
    assert host.read() == data


def test_accounts_decide_after_scram(host, secrets):
    """The secret is right, but PAM's account phase says no."""
    host.accounts.clear()
    host.account("anna", "secret")
    scram = Scram("thomas", "pencil")
    with host.connect(secrets) as s:
        scram.challenge(s)
        s.err(scram.final(), "-ERR [AUTH] This account may not log in.")
        assert re.search("method=SCRAM-SHA-256 .*: login failed", s.log())


# ---- tokens (RFC 7628)

MECHANISMS = {"OAUTHBEARER": sasl.bearer, "XOAUTH2": sasl.xoauth2}


@pytest.fixture(params=MECHANISMS)
def oauth(host, request):
    sasl.allow_tokens(host, thomas="ya29.Tok-en_~+/=")
    return request.param


def test_a_token(host, oauth):
    host.write(message(1))
    with host.connect() as s:
        s.ok(f"AUTH {oauth} {MECHANISMS[oauth]('thomas', 'ya29.Tok-en_~+/=')}",
             "+OK thomas has 1 message...")
        s.ok("QUIT")
        assert re.search(f"method={oauth} .*: logged in", s.log())


def accept_token(host, user, token):
    """Of a token PAM's pam_exec passes on the first 500 octets."""
    script = host.put(f"{host.pam}/check", f"""#!/bin/sh
[ "$PAM_USER" = {user} ] && [ "$(tr -d '\\0' | head -c 500)" = {token[:500]} ]
""".encode(), 0o755)
    host.put(f"{host.pam}/pop3d-oauth", f"""
auth [success=1 default=ignore] pam_exec.so expose_authtok quiet {script}
auth requisite pam_deny.so
auth required pam_permit.so
account required pam_permit.so
session required pam_permit.so
""".encode())


def token_of(octets):
    return "".join(f"{n:x}." for n in range(octets))[:octets]


@pytest.mark.parametrize("user, octets", [
    ("thomas", 6000), ("thomas", 12288), ("u" * 255, 12288)],
    ids=["6000", "12288", "12288 for a long name"])
def test_a_token_of_many_octets(host, oauth, user, octets):
    token = token_of(octets)
    accept_token(host, user, token)
    response = MECHANISMS[oauth](user, token)
    with host.connect() as s:
        s.ok(f"AUTH {oauth} {response}", "+OK ... has 0 messages ...")
    with host.connect() as s:
        s.ok(f"AUTH {oauth}", "+ ")
        s.ok(response, "+OK ... has 0 messages ...")
    with host.connect() as s:
        wrong = MECHANISMS[oauth](user, "x" + token[:-1])
        s.ok(f"AUTH {oauth} {wrong}", "+ ...")
        s.err("AQ==", REFUSED)


@pytest.mark.parametrize("octets, reply", [
    (12289, "-ERR AUTH: The token is too long"),
    (14000, "-ERR Line too long"), (100_000, "-ERR Line too long")])
def test_a_token_that_is_too_long_is_logged(host, oauth, octets, reply):
    response = MECHANISMS[oauth]("thomas", token_of(octets))
    for lines in [f"AUTH {oauth} {response}"], [f"AUTH {oauth}", response]:
        with host.connect() as s:
            if len(lines) > 1:
                s.ok(lines[0], "+ ")
            s.err(lines[-1], reply)
            s.err("AUTH PLAIN " + plain("thomas", "wrong"), REFUSED)
            s.ok("QUIT")
            s.status()
            assert "no login: AUTH was given more than is taken: a token " \
                "may have 12288 octets" in s.log()


def test_other_lines_that_are_too_long_are_not_told_of(host, oauth):
    with host.connect() as s:
        s.err("USER " + "x" * 20000, "-ERR Line too long")
        s.ok("QUIT")
        s.status()
        assert "no login: quit" in s.log()


@pytest.mark.parametrize("user, token", [
    ("thomas", "wrong"), ("thomas", "secret"), ("nobody-here", "x"),
    ("thomas", "")])
def test_a_wrong_token(host, oauth, user, token):
    """First an error to read, then the client's dummy, then -ERR."""
    with host.connect() as s:
        start = time.monotonic()
        line = s.ok(f"AUTH {oauth} {MECHANISMS[oauth](user, token)}", "+ ...")
        assert time.monotonic() - start > 2.4
        error = unb64(line[2:]).decode()
        assert error.startswith('{"status":"') and error.endswith('"}')
        s.err("AQ==" if oauth == "OAUTHBEARER" else "", REFUSED)
        # a token is no password
        s.err("AUTH PLAIN " + plain("thomas", "ya29.Tok-en_~+/="), REFUSED)
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))


def test_three_wrong_tokens(host, oauth):
    response = MECHANISMS[oauth]("thomas", "wrong")
    with host.connect() as s:
        for answer in "AQ==", "*":
            s.ok(f"AUTH {oauth} {response}", "+ ...")
            s.err(answer)
        s.ok(f"AUTH {oauth} {response}", "+ ...")
        s.err("*")
        s.closed()
        assert s.log().count("login failed") == 3


@pytest.mark.parametrize("response", [
    "", "n,a=thomas,", "n,a=thomas,\1", "n,a=thomas,\1auth=Bearer x",
    "n,a=thomas,\1auth=Bearer x\1", "n,a=thomas,\1auth=Bearer x\1\1\1",
    "n,,\1auth=Bearer x\1\1", "n,a=thomas,\1auth=Basic x\1\1",
    "n,a=thomas,\1auth=Bearer x y\1\1", "n,a=thomas,\1auth=Bearer =x\1\1",
    "p=tls-exporter,a=thomas,\1auth=Bearer x\1\1", "n,a=tho\0mas,\1auth=\1\1",
    "user=thomas", "user=thomas\1", "user=thomas\1auth=Bearer x\1",
    "user=\1auth=Bearer x\1\1", "user=thomas\1auth=Bearer \x7f\1\1",
    "user=thomas\1auth=Bearer x\1\1z", "auth=Bearer x\1\1",
    "user=" + "u" * 256 + "\1auth=Bearer x\1\1"])
def test_malformed_tokens(host, oauth, response):
    with host.connect() as s:
        s.err(f"AUTH {oauth} {b64(response) or '='}", "-ERR AUTH: ...")
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))


# ---- the log

def test_the_log_says_how_a_user_came_in(host, secrets):
    with host.login(secrets) as s:
        s.ok("QUIT")
        s.status()
        assert s.log().count("user=thomas method=PASS ") == 2
    with host.connect(secrets) as s:
        s.ok("AUTH PLAIN " + plain("thomas", "secret"))
        assert re.search("user=thomas method=PLAIN .*: logged in", s.log())
    with host.connect(secrets) as s:
        Scram("thomas", "pencil").login(s)
        s.expect("+OK ...")
        assert re.search("user=thomas method=SCRAM-SHA-256 .*: logged in",
                         s.log())


def test_secrets_are_not_logged(host, secrets):
    sasl.allow_tokens(host, thomas="s3cr3t-token")
    with host.connect(secrets) as s:
        s.err("AUTH PLAIN " + plain("thomas", "s3cr3t"), REFUSED)
        s.err("AUTH PLAIN " + plain("thomas", "s3cr3t", "s3cr3t-authzid"))
        s.ok("AUTH XOAUTH2 " + sasl.xoauth2("thomas", "s3cr3t-wrong"), "+ ...")
        s.err("")
        s.ok("AUTH XOAUTH2 " + sasl.xoauth2("thomas", "s3cr3t-token"))
        s.ok("QUIT")
        s.status()
        assert "s3cr3t" not in s.log()
        assert b64("s3cr3t")[:-4] not in s.log()


# ---- clients

def mpop(host, port, auth, password, out):  # noqa: F811
    if shutil.which("mpop") is None:
        pytest.skip("mpop is missing")
    return host.popen(
        ["mpop", "--host=127.0.0.1", f"--port={port}", f"--auth={auth}",
         "--user=thomas", f"--passwordeval=echo {password}", "--tls=off",
         "--keep=off", f"--delivery=mbox,{out}",
         f"--uidls-file={out}.uidls"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture
def options(secrets):
    """For the fixture port: what its pop3d is started with."""
    return [secrets]


@pytest.mark.parametrize("auth, password", [
    ("scram-sha-256", "pencil"), ("plain", "secret"), ("login", "secret")])
def test_mpop_fetches(host, options, port, auth, password):  # noqa: F811
    host.write(message(1), message(2))
    out = host.directory("fetched") + "/mbox"
    client = mpop(host, port, auth, password, out)
    said = client.communicate(timeout=30)[0].decode()
    assert client.returncode == 0, said
    with open(out) as f:
        text = f.read()
    assert "Subject: message 1" in text and "Subject: message 2" in text
    assert host.read() == b""


def test_mpop_is_refused_with_a_wrong_secret(host, options, port):  # noqa: F811
    data = host.write(message(1))
    out = host.directory("fetched") + "/mbox"
    client = mpop(host, port, "scram-sha-256", "wrong", out)
    said = client.communicate(timeout=30)[0].decode()
    assert client.returncode != 0
    assert "authentication failed" in said
    assert host.read() == data
