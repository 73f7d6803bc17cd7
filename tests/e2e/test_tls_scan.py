"""What sslscan has to say of port 995."""
import shutil
import socket
import subprocess
from xml.etree import ElementTree

import pytest

import tls
from pop3 import wait_until


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(not shutil.which("sslscan"),
                    reason="sslscan is not installed")
@pytest.mark.skipif(not shutil.which("systemd-socket-activate"),
                    reason="systemd-socket-activate is not installed")
def test_sslscan_finds_nothing_weak(host):
    port = free_port()
    listener = host.popen(
        ["systemd-socket-activate", "--accept", "--inetd",
         f"--listen=127.0.0.1:{port}", *host.command("--tls=implicit"),
         *tls.install(host), *tls.install(host, "ec", "tls2")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    host.others.append(listener)
    wait_until(lambda: listens(port))
    report = subprocess.run(["sslscan", "--xml=-", f"127.0.0.1:{port}"],
                            stdout=subprocess.PIPE, check=True, timeout=110)
    found = ElementTree.fromstring(report.stdout).find("ssltest")
    enabled = {(p.get("type"), p.get("version"))
               for p in found.iter("protocol") if p.get("enabled") == "1"}
    assert enabled == {("tls", "1.2"), ("tls", "1.3")}
    assert {h.get("vulnerable") for h in found.iter("heartbleed")} == {"0"}
    assert {r.get("supported") for r in found.iter("renegotiation")} == {"0"}
    ciphers = list(found.iter("cipher"))
    assert ciphers and all(c.get("strength") in ("strong", "acceptable")
                           for c in ciphers), report.stdout.decode()
    first = next(c for c in ciphers if c.get("status") == "preferred"
                 and c.get("sslversion") == "TLSv1.2")
    assert first.get("cipher").startswith("ECDHE-")
