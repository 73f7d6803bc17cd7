"""
Each client over each kind of connection: it fetches all mail and gets every
byte of it, a second run fetches nothing, new mail only is fetched next, and
what it deletes is gone.
"""
import os
import shutil
import socket
import subprocess

import pytest
import reference
from clients import ALL
from pop3 import UID, message

ONLY_QUICK = "ALL_CLIENTS" not in os.environ


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
    directory = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", directory / "key", "-out", directory / "crt"],
        check=True, capture_output=True)
    for path in directory, directory / "key", directory / "crt":
        os.chown(path, UID, -1)
    os.chmod(directory.parent, 0o755)
    os.chmod(directory.parent.parent, 0o755)
    return directory


def knows_tls(host):
    return "--tls=" in host.run("--help")[1]


def options(host, security, certificate):
    if not knows_tls(host):
        if security != "plain":
            pytest.skip("this pop3d has no TLS")
        return []
    shutil.copy(certificate / "crt", f"{host.top}/crt")
    shutil.copy(certificate / "key", f"{host.top}/key")
    for name in "crt", "key":
        os.chown(f"{host.top}/{name}", UID, -1)
    mode = {"plain": "off", "stls": "starttls", "tls": "implicit"}[security]
    return [f"--tls={mode}", f"--tls-cert={host.top}/crt",
            f"--tls-key={host.top}/key"]


def serve(host, *more):
    """pop3d behind a listening socket; its port."""
    for _ in range(10):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            number = probe.getsockname()[1]
        process = host.popen(
            ["systemd-socket-activate", f"--listen=127.0.0.1:{number}",
             "--accept", "--inetd", *host.command(*more)],
            stderr=subprocess.PIPE)
        host.others.append(process)
        for line in process.stderr:
            if b"Listening on" in line:
                return number
    raise AssertionError("no port to listen on")


@pytest.mark.parametrize("security", ["plain", "stls", "tls"])
@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_client(host, certificate, kind, security):
    if security not in kind.securities:
        pytest.skip("the client cannot")
    if ONLY_QUICK and not kind.quick:
        pytest.skip("make check-clients runs it")
    if kind.missing():
        pytest.skip(kind.missing())
    entries = mails()
    host.write(*entries)
    port = serve(host, *options(host, security, certificate))
    client = kind(host.directory("client"), port, security,
                  f"{host.top}/crt")
    assert client.fetch(delete=False) == texts(entries)
    assert host.read() == b"".join(entries)
    if kind.remembers:
        assert client.fetch(delete=False) == []
        host.append(message(5))
        assert client.fetch(delete=False) == texts([message(5)])
        host.append(message(6))
        assert client.fetch(delete=True) == texts([message(6)])
    else:
        assert client.fetch(delete=True) == texts(entries)
    # some programs delete only what they fetch in the same run
    assert host.read() in (b"", b"".join([*entries, message(5)]))
