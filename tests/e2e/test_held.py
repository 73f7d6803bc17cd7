"""
What each process of an ordinary user's pop3d has in its memory. As root:
tests/root/test_memory.py.
"""
import os

import pytest
import sasl
import tls
from holders import PAMS, held, may_hold, of_secrets_file
from pop3 import has_asan, has_coverage, members, message, wait_until
from test_sandbox import PAMS as PAMS_DESCRIPTORS, Process, kinds

PASSWORD = "what-thomas-types-0192837465"
OTHERS = "what-bob-types-5463728190"
SECRET = "a-secret-that-is-no-password-0815"
MAIL = "what-only-bob-may-read-1234567890"
VARIABLE = "a-variable-of-somebody-else-5647382910"

needs_root = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look at "
                       "processes that keep others from it"),
    pytest.mark.skipif(has_asan() or has_coverage(),
                       reason="what a build for tests keeps is its own")]


def looked_at(test):
    for mark in needs_root:
        test = mark(test)
    return test


@pytest.fixture
def rich(host):
    host.account("bob", OTHERS)
    host.account("thomas", PASSWORD)
    host.write(message(1))
    host.put(os.path.join(host.mail, "bob"), message(1, MAIL + "\n"))
    host.secrets = sasl.set_secret(host, "thomas", SECRET, "--apop")
    return host


def canaries(host):
    return {
        "password": [PASSWORD.encode()],
        "others' hashes": [OTHERS.encode()],  # pam_matrix does not hash them
        "secrets file": of_secrets_file(sasl.secrets_file(host)),
        "TLS key": [tls.certificate()[1].splitlines()[3]],
        "another's mail": [MAIL.encode()],
        "other environment": [VARIABLE.encode()],
    }


def kind(host, monitor, process):
    there = kinds(process)
    if process.pid == monitor:
        return "monitor"
    if there == PAMS_DESCRIPTORS:
        return PAMS
    if any(host.state in what for what in there):
        return "mailbox process"
    # the connection, twice, the plain side, the line to the monitor
    return "relay" if there == 4 * ["socket"] else "greeter"


def look(host, session, wanted):
    """{kind: what it holds}, once the wanted ones are all there are."""
    there = {}

    def complete():
        there.clear()
        try:
            for pid in members(session.process):
                there[kind(host, session.process.pid, Process(pid))] = pid
        except OSError:
            return False  # one has just ended
        return there.keys() == wanted

    wait_until(complete)
    result = {name: held(pid, canaries(host)) for name, pid in there.items()}
    for name, secrets in result.items():
        assert secrets <= may_hold(name), (name, secrets)
    return result


def by_user(session):
    session.ok("USER thomas")
    session.ok(f"PASS {PASSWORD}")


def by_plain(session):
    session.ok(f"AUTH PLAIN {sasl.plain('thomas', PASSWORD)}")


def by_scram(session):
    sasl.Scram("thomas", SECRET).login(session)
    session.expect("+OK ...")


def after_a_failure(session):
    session.ok("USER bob")
    session.err("PASS wrong", "-ERR ...")
    by_user(session)


WAYS = [by_user, by_plain, by_scram, after_a_failure]


@looked_at
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_only_pams_process_has_what_pam_has_read(rich, way):
    bobs = rich.login(rich.secrets, user="bob")
    bobs.ok("RETR 1")
    bobs.hear_text()
    [of_bob] = [pid for pid in members(bobs.process)
                if "another's mail" in held(pid, canaries(rich))]
    assert of_bob != bobs.process.pid
    with rich.connect(rich.secrets, env={"SOMEBODYS": VARIABLE}) as session:
        way(session)
        result = look(rich, session, {"monitor", "mailbox process", PAMS})
        # what is looked for can be found
        if way is not by_scram:
            assert "others' hashes" in result[PAMS]
        session.ok("QUIT")


@looked_at
def test_secrets_are_found_while_they_are_needed(rich):
    with rich.connect(rich.secrets) as session:
        sasl.Scram("thomas", SECRET).challenge(session)
        result = look(rich, session, {"monitor", "greeter", PAMS})
        assert "secrets file" in result[PAMS]


@looked_at
def test_relay_and_second_greeter(rich):
    with rich.login(rich.secrets), \
            tls.stls(rich, rich.secrets, env={"SOMEBODYS": VARIABLE}) as s:
        s.ok("USER thomas")
        s.err(f"PASS {PASSWORD}", "-ERR [IN-USE] ...")
        look(rich, s, {"monitor", "greeter", "relay", PAMS})
