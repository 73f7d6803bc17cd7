"""APOP (RFC 1939 section 7)."""
import hashlib
import re
import shutil
import subprocess
import time

import pytest
import sasl
from pop3 import message
from test_clients import port  # noqa: F401, a fixture

REFUSED = "-ERR [AUTH] ..."
TIMESTAMP = r"\+OK .*(<\d+\.\d+\.[A-Za-z0-9+/]+@[^<>@ ]+>)"


@pytest.fixture
def secrets(host):
    return sasl.set_secret(host, "thomas", "tanstaaf", "--apop")


@pytest.fixture
def options(secrets):
    return [secrets]


def greeted(host, *options):
    """A session and the timestamp of its greeting."""
    session = host.start(*options)
    found = re.fullmatch(TIMESTAMP, session.expect("+OK ..."))
    assert found
    return session, found[1]


def digest(stamp, secret):
    return hashlib.md5((stamp + secret).encode()).hexdigest()


def test_the_digest_is_the_standards():
    """RFC 1939's example, so that the tests here and the server agree on it"""
    assert digest("<1896.697170952@dbc.mtview.ca.us>", "tanstaaf") == \
        "c4c9334bac560ecc979e58001b3e22fb"


def test_apop(host, secrets):
    host.write(message(1), message(2))
    s, stamp = greeted(host, secrets)
    with s:
        s.ok(f"APOP thomas {digest(stamp, 'tanstaaf')}",
             "+OK thomas has 2 messages...")
        s.ok("DELE 1")
        s.ok("QUIT")
        assert re.search("user=thomas method=APOP .*: logged in", s.log())
    assert host.read() == message(2)


def test_timestamps_differ(host, secrets):
    stamps = []
    for _ in range(3):
        s, stamp = greeted(host, secrets)
        with s:
            s.ok("QUIT")
        stamps.append(stamp)
    assert len(set(stamps)) == 3
    # the part that nobody can guess
    assert len({s.split(".")[2].split("@")[0] for s in stamps}) == 3


def test_a_digest_is_of_one_connection(host, secrets):
    s, stamp = greeted(host, secrets)
    with s:
        right = digest(stamp, "tanstaaf")
        s.ok(f"APOP thomas {right}")
        s.ok("QUIT")
    s, stamp = greeted(host, secrets)
    with s:
        s.err(f"APOP thomas {right}", REFUSED)
        s.ok(f"apop thomas {digest(stamp, 'tanstaaf')}")


def test_no_apop_for_those_without_a_plain_secret(host, secrets):
    sasl.set_secret(host, "anna", "tanstaaf")
    s, stamp = greeted(host, secrets)
    with s:
        s.err(f"APOP anna {digest(stamp, 'tanstaaf')}", REFUSED)
        s.err(f"APOP anna {digest(stamp, '')}", REFUSED)


@pytest.mark.parametrize("setup", ["no file", "no plain secret"])
def test_apop_is_not_offered_where_nobody_has_it(host, setup):
    host.directory("etc")
    options = [f"--secrets={sasl.secrets_file(host)}"]
    if setup == "no plain secret":
        sasl.set_secret(host, "thomas", "tanstaaf")
    with host.start(*options) as s:
        assert "<" not in s.expect("+OK ...")
        s.err("APOP thomas " + digest("", "tanstaaf"))
        s.err("APOP thomas " + digest("", ""))
        s.ok("USER thomas")
        s.ok("PASS secret")


def test_refusals_look_alike(host, secrets):
    host.account("anna", "secret")
    seen, times = set(), []
    for user in "thomas", "anna", "nobody-here", "a/b":
        s, stamp = greeted(host, secrets)
        with s:
            start = time.monotonic()
            seen.add(s.err(f"APOP {user} {digest(stamp, 'wrong')}", REFUSED))
            times.append(time.monotonic() - start)
            assert s.log().count("login failed: wrong name or password") == 1
    assert len(seen) == 1
    assert min(times) > 2.4, times


@pytest.mark.parametrize("arguments", [
    "", " thomas", " thomas ", " {right}", "  {right}", " thomas {upper}", " thomas {short}", " thomas {right}0",
    " thomas 0x{short}", " " + "u" * 210 + " {right}"])
def test_syntax(host, secrets, arguments):
    s, stamp = greeted(host, secrets)
    right = digest(stamp, "tanstaaf")
    upper = right.upper() if right.upper() != right else right[:-1] + "A"
    with s:
        s.err("APOP" + arguments.format(right=right, upper=upper,
                                        short=right[:30]))
        # that name is long, but it could be one
        assert ("login failed" in s.log()) == (len(arguments) > 200)
        s.ok(f"APOP thomas {right}")


def test_a_name_with_blanks(host):
    host.account("anna lisa", "secret")
    secrets = sasl.set_secret(host, "anna lisa", " with blanks ", "--apop")
    s, stamp = greeted(host, secrets)
    with s:
        s.ok(f"APOP anna lisa {digest(stamp, ' with blanks ')}")


def test_three_tries(host, secrets):
    s, stamp = greeted(host, secrets)
    with s:
        for _ in range(3):
            s.err("APOP thomas " + "0" * 32, REFUSED)
        s.closed()


def test_accounts_decide_after_apop(host, secrets):
    host.accounts.clear()
    host.account("anna", "secret")
    s, stamp = greeted(host, secrets)
    with s:
        s.err(f"APOP thomas {digest(stamp, 'tanstaaf')}",
              "-ERR [AUTH] This account may not log in.")


def test_apop_is_over_after_the_login(host, secrets):
    s, stamp = greeted(host, secrets)
    with s:
        s.ok("USER thomas")
        s.ok("PASS secret")
        s.err(f"APOP thomas {digest(stamp, 'tanstaaf')}")


def test_poplib(host, options, port):  # noqa: F811
    import poplib
    host.write(message(1))
    pop = poplib.POP3("127.0.0.1", port, timeout=20)
    pop.apop("thomas", "tanstaaf")
    assert pop.stat()[0] == 1
    pop.quit()


@pytest.mark.parametrize("word, status", [("tanstaaf", 0), ("wrong", 3)])
def test_fetchmail(host, options, port, word, status):  # noqa: F811
    if shutil.which("fetchmail") is None:
        pytest.skip("fetchmail is missing")
    data = host.write(message(1), message(2))
    home = host.directory("fetchmail")
    config = host.put(f"{home}/fetchmailrc", f"""
poll 127.0.0.1 service {port} protocol APOP
user "thomas" password "{word}" sslproto "" mda "cat >>{home}/mbox"
""".encode())
    client = host.popen(
        ["fetchmail", "--fetchmailrc", config, "--pidfile", f"{home}/pid",
         "--idfile", f"{home}/ids"],
        env={"FETCHMAILHOME": home, "LOGNAME": "thomas"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    said = client.communicate(timeout=30)[0].decode()
    assert client.returncode == status, said
    if status == 0:
        with open(f"{home}/mbox") as f:
            text = f.read()
        assert "Subject: message 1" in text and "Subject: message 2" in text
        assert host.read() == b""
    else:
        assert host.read() == data
