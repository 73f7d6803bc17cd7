"""
SCRAM-SHA-256-PLUS: a login that is bound to its TLS connection (RFC 5802,
RFC 7677, RFC 9266). The client's TLS is openssl s_client, which tells the
exporter's value.
"""
import re
import subprocess

import pytest

import sasl
import tls
from pop3 import PATIENCE, message

BOUND = "p=tls-exporter,,"


class Client:
    """s_client with a server of ours; speaks lines once TLS is there."""

    def __init__(self, host, *options, tls_options=()):
        # its server is on the other side of a Unix socket
        self.session = host.start(*options, "--tls=implicit",
                                  *tls.install(host), transport="tcp")
        theirs = self.session.reader
        port = relay_port(self.session, theirs)
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}",
             "-nocommands", "-keymatexport", "EXPORTER-Channel-Binding",
             "-keymatexportlen", "32", *tls_options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.exporter = None
        for line in self.process.stdout:
            found = re.search(rb"Keying material: ([0-9A-F]{64})", line)
            if found:
                self.exporter = bytes.fromhex(found[1].decode())
            if line.startswith(b"+OK"):
                break

    def reply(self, command):
        self.process.stdin.write(command.encode() + b"\r\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            if re.match(rb"\+|-ERR", line) or not line:
                return line.decode().strip()

    # what sasl.Scram asks of a session

    def ok(self, command, pattern="+OK..."):
        line = self.reply(command)
        assert line.startswith(pattern.rstrip(".")), line
        return line

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\r\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)
        self.session.kill()


def relay_port(session, theirs):
    """A port whose first connection is joined to the session's socket."""
    import socket
    import threading
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def join():
        ours = listener.accept()[0]
        listener.close()
        threading.Thread(target=pump, args=(ours, theirs), daemon=True).start()
        pump(theirs, ours)
        ours.close()

    port = listener.getsockname()[1]
    threading.Thread(target=join, daemon=True).start()
    return port


@pytest.fixture
def secrets(host):
    host.write(message(1))
    return sasl.set_secret(host, "thomas", "tanstaaf")


@pytest.fixture
def client(host, secrets):
    made = Client(host, secrets)
    yield made
    made.close()


def test_the_login_is_bound_to_the_connection(client):
    scram = sasl.Scram("thomas", "tanstaaf", gs2=BOUND,
                       binding=client.exporter)
    scram.challenge(client, "SCRAM-SHA-256-PLUS")
    line = client.ok(scram.final(), "+ ...")
    assert sasl.unb64(line[2:]).decode() == scram.signature()
    assert client.reply("").startswith("+OK thomas has 1 message")
    client.session.host.transcript.append(client.session.log())
    assert "method=SCRAM-SHA-256-PLUS tls=TLSv1.3" in client.session.log()


def test_another_connections_binding_is_refused(client):
    scram = sasl.Scram("thomas", "tanstaaf", gs2=BOUND, binding=b"x" * 32)
    scram.challenge(client, "SCRAM-SHA-256-PLUS")
    assert client.reply(scram.final()).startswith("-ERR [AUTH]")


def test_who_was_talked_out_of_binding_is_refused(client):
    """The flag y: a client that would have bound, but was not offered it."""
    scram = sasl.Scram("thomas", "tanstaaf", gs2="y,,")
    assert client.reply("AUTH SCRAM-SHA-256 " + scram.first()) == \
        "-ERR AUTH: Channel binding is offered here; somebody told you " \
        "otherwise"
    assert re.search(r"user=thomas method=SCRAM-SHA-256 tls=\S+ .*: login failed: "
                     "the client was told that no channel binding is offered$",
                     client.session.log(), re.M)


def test_who_insists_on_being_talked_out_of_it_has_three_tries(client):
    first = sasl.Scram("thomas", "tanstaaf", gs2="y,,").first()
    for _ in range(3):
        assert client.reply(f"AUTH SCRAM-SHA-256 {first}").startswith("-ERR")
    client.session.status()
    assert client.session.log().count("login failed: ") == 3


def test_without_binding_it_works_as_well(client):
    sasl.Scram("thomas", "tanstaaf").login(client)
    assert "thomas has 1 message" in client.reply("NOOP")


@pytest.mark.parametrize("gs2", ["p=tls-unique,,", "p=tls-server-end-point,,",
                                 "n,,", "y,,"])
def test_other_bindings_are_refused(client, gs2):
    scram = sasl.Scram("thomas", "tanstaaf", gs2=gs2, binding=client.exporter)
    assert client.reply("AUTH SCRAM-SHA-256-PLUS " +
                        scram.first()).startswith("-ERR")


def test_plus_is_offered_over_tls_only(host, secrets):
    def mechanisms(session):
        session.ok("CAPA")
        return re.search(rb"SASL ([^\r]*)", session.hear_text())[1].split()

    with host.connect(secrets, *tls.install(host)) as s:
        assert b"SCRAM-SHA-256-PLUS" not in mechanisms(s)
        s.ok("STLS")
        s.secure(tls.client())
        assert mechanisms(s)[0] == b"SCRAM-SHA-256-PLUS"
        scram = sasl.Scram("thomas", "tanstaaf", gs2=BOUND, binding=b"x" * 32)
    with host.connect(secrets) as s:
        s.err("AUTH SCRAM-SHA-256-PLUS " + scram.first())
