"""
An attacker's code in each process, as it runs when root starts pop3d: see
tests/hijack.
"""
import os
import pathlib
import shutil
import socket
import sys

import pytest

from host import (LOCALHOST, PASSWORD, PATIENCE, POP3D, PORT,
                  ended_by_their_filters, until)

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hijack"))
import attacks  # noqa: E402

CERTIFICATE = """openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj
/CN=localhost -keyout /etc/pop3d/tls.key -out /etc/pop3d/tls.crt""".split()
OPTIONS = {"relay": ["--tls=implicit"],
           "proxy": ["--proxy-protocol=127.0.0.0/8"]}


def attack(role, name):
    with socket.create_connection((LOCALHOST, PORT), PATIENCE) as s:
        s.sendall(attacks.script(role, name, PASSWORD))
        said = b""
        while more := s.recv(65536):
            said += more
    return said


@pytest.mark.parametrize("role", attacks.ROLES)
def test_hijacked_process_gets_nowhere(host, role, capsys):
    attacks.require()
    shutil.copy(attacks.BINARY, POP3D)
    if role == "relay":
        os.makedirs("/etc/pop3d", exist_ok=True)
        host.run(*CERTIFICATE)
    host.options(*OPTIONS.get(role, ["--tls=off"]))
    mail = pathlib.Path("/var/mail/thomas").read_bytes()
    outcomes = {}
    seen = 0
    for name in attacks.expected(role):
        said = attack(role, name)
        until(lambda: not host.units(), "the end of the session's unit")
        log = [entry["MESSAGE"] for entry in host.journal()]
        outcomes[name] = attacks.outcome(said, "\n".join(log[seen:]))
        seen = len(log)
    attacks.report(capsys, role, outcomes)
    assert not os.path.exists("/tmp/hijacked")
    assert pathlib.Path("/var/mail/thomas").read_bytes() == mail
    # what other tests look for, and must not find
    assert ended_by_their_filters() != []
