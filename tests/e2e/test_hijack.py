"""
An attacker's code in the greeter, the mailbox process, the TLS relay and the
reader of PROXY headers, as an ordinary user's: see tests/hijack.
"""
import os
import pathlib
import re
import shutil
import sys
import time

import pytest
import tls
from pop3 import has_asan, message

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hijack"))
import attacks  # noqa: E402


def options(host, role):
    if role == "relay":
        return ["--tls=implicit", *tls.install(host)], "socketpair"
    if role == "proxy":
        return ["--proxy-protocol=127.0.0.0/8"], "tcp"
    return [], "socketpair"


def hijack(host):
    attacks.require()
    shutil.copy(attacks.BINARY, host.pop3d)
    host.hijacked = True


@pytest.mark.skipif(has_asan(), reason="has a program of its own")
@pytest.mark.parametrize("role", attacks.ROLES)
def test_hijacked_process_gets_nowhere(host, role, capsys):
    hijack(host)
    host.write(message(1))
    arguments, transport = options(host, role)
    outcomes = {}
    for name in attacks.expected(role):
        with host.start(*arguments, transport=transport) as s:
            said = s.exchange(attacks.script(role, name, "secret"))
            s.status()
            outcomes[name] = attacks.outcome(said, s.log())
    attacks.report(capsys, role, outcomes)
    assert not os.path.exists("/tmp/hijacked")
    assert host.read() == message(1)


@pytest.mark.skipif(has_asan(), reason="has a program of its own")
@pytest.mark.parametrize("role", attacks.ROLES)
def test_log_names_the_process_and_its_system_call(host, role):
    hijack(host)
    host.write(message(1))
    arguments, transport = options(host, role)
    with host.start(*arguments, transport=transport) as s:
        s.exchange(attacks.script(role, "chroot", "secret"))
        s.status()
        assert re.search(attacks.NAMES[role] + r" made a system call that it "
                         r"has no use for: chroot \(\d+\)$", s.log(), re.M)


@pytest.mark.skipif(has_asan(), reason="has a program of its own")
@pytest.mark.parametrize("name", ["ask-for-ever", "stay-silent"])
def test_hijacked_greeter_does_not_outlast_sigterm(host, name):
    hijack(host)
    with host.start() as s:
        s.send(attacks.script("greeter", name, "secret"))
        s.expect("began")
        began = time.monotonic()
        s.process.terminate()
        s.status()
        # two seconds to end, of the eight that it has without the signal
        assert time.monotonic() - began < 5


@pytest.mark.skipif(has_asan(), reason="has a program of its own")
def test_guesses_of_a_hijacked_greeter_are_slow(host):
    """It makes four: three are answered, after two and a half seconds each."""
    hijack(host)
    began = time.monotonic()
    with host.start() as s:
        s.exchange(attacks.script("greeter", "fourth-login", "secret"))
        s.status()
        assert s.log().count("login failed") >= 3
    assert time.monotonic() - began > 7
