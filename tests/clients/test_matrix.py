"""
Each client over each kind of connection: it fetches all mail and gets every
byte of it, a second run fetches nothing, new mail only is fetched next, and
what it deletes is gone.
"""
import os
import pathlib
import re
import socket

import pytest
import reference
import sasl
from certificate import make_certificate
from clients import ALL, Mpop, mpop_binds
from pop3 import message, wait_until
from thunderbird import Thunderbird, picture

ONLY_QUICK = "ALL_CLIENTS" not in os.environ
PICTURE = pathlib.Path(__file__).parent.parent.parent / "build/thunderbird.png"


def mails():
    return [message(1, ".\n..\n.x\nFrom here on\n"),
            message(2, "".join(f"line {n}\n" for n in range(3000))),
            message(3, "8-bit: \u00e4\u00f6\u00fc\n\n\n"),
            message(4, "a long line " * 60 + "\n")]


def texts(entries):
    return [m.wire.replace(b"\r\n", b"\n")
            for m in reference.split(b"".join(entries))]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


def knows_tls(host):
    return "--tls=" in host.run("--help")[1]


def options(host, security, certificate):
    if not knows_tls(host):
        if security != "plain":
            pytest.skip("this pop3d has no TLS")
        return []
    for name in "ca.crt", "crt", "key":
        host.put(f"{host.top}/{name}", (certificate / name).read_bytes())
    mode = {"plain": "off", "stls": "starttls", "tls": "implicit"}[security]
    return [f"--tls={mode}", f"--tls-cert={host.top}/crt",
            f"--tls-key={host.top}/key"]


class Server:
    """pop3d behind a listening socket."""

    def __init__(self, host, *more):
        host.logs += 1
        self.log = pathlib.Path(host.top, f"log.{host.logs}")
        self.seen = 0
        while not self.listens(host, *more):
            pass  # another program was quicker to take the port

    def listens(self, host, *more):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        with self.log.open("wb") as log:
            process = host.popen(
                ["systemd-socket-activate", f"--listen=127.0.0.1:{self.port}",
                 "--accept", "--inetd", *host.command(*more)],
                stderr=log)
        host.others.append(process)
        wait_until(lambda: process.poll() is not None
                   or "Listening on" in self.log.read_text())
        return process.poll() is None

    def octets(self):
        """What RETR and TOP have sent in all sessions since the last call."""
        def ended():
            text = self.log.read_text()
            return text.count(": logged in, ") == text.count("session ended: ")
        wait_until(ended)
        total = sum(map(int, re.findall(r" octets=(\d+)",
                                        self.log.read_text())))
        new, self.seen = total - self.seen, total
        return new


def skip_without(kind):
    if ONLY_QUICK and not kind.quick:
        pytest.skip("make check-clients runs it")
    if kind.missing():
        pytest.skip(kind.missing())


@pytest.mark.parametrize("security", ["plain", "stls", "tls"])
@pytest.mark.parametrize("kind", [*ALL, Thunderbird], ids=lambda kind: kind.__name__)
def test_client(host, certificate, kind, security):
    if security not in kind.securities:
        pytest.skip("the client cannot")
    skip_without(kind)
    entries = mails()
    host.write(*entries)
    server = Server(host, *options(host, security, certificate))
    client = kind(host.directory("client"), server.port, security,
                  f"{host.top}/ca.crt")
    assert client.fetch(delete=False) == texts(entries)
    assert server.octets() == sum(
        len(m.wire) for m in reference.split(b"".join(entries)))
    assert host.read() == b"".join(entries)
    if kind.remembers:
        assert client.fetch(delete=False) == []
        assert server.octets() == 0
        host.append(message(5))
        assert client.fetch(delete=False) == texts([message(5)])
        host.append(message(6))
        assert client.fetch(delete=True) == texts([message(6)])
    else:
        assert client.fetch(delete=True) == texts(entries)
    # some programs delete only what they fetch in the same run
    assert host.read() in (b"", b"".join([*entries, message(5)]))


def test_thunderbirds_window_shows_the_inbox(host):
    skip_without(Thunderbird)
    host.write(*mails())
    client = Thunderbird(host.directory("client"), Server(host).port, "plain",
                         None)
    PICTURE.parent.mkdir(exist_ok=True)
    with client.running() as display:
        wait_until(lambda: "message 4" in picture(display, PICTURE))


@pytest.mark.parametrize("security", ["plain", "stls", "tls"])
@pytest.mark.parametrize("auth", ["plain", "login", "scram-sha-256", "apop",
                                  "oauthbearer", "xoauth2"])
def test_ways_to_log_in(host, certificate, auth, security):
    """By mpop, which knows all of them."""
    skip_without(Mpop)
    host.write(message(1))
    sasl.allow_tokens(host, thomas="secret")
    server = Server(host, sasl.set_secret(host, "thomas", "secret", "--apop"),
                    *options(host, security, certificate))
    client = Mpop(host.directory("client"), server.port, security,
                  f"{host.top}/ca.crt")
    if auth.startswith("scram") and security != "plain" and mpop_binds():
        auth += "-plus"
    client.auth = auth
    assert client.fetch(delete=True) == texts([message(1)])
    method = auth.upper()
    assert re.search(rf"method={method}( tls=\S+)? port=.*: logged in",
                     server.log.read_text())
