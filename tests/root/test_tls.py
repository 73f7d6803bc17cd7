"""TLS as it is installed: port 995, STLS on 110, and who holds the key."""
import os
import pathlib
import poplib
import re
import socket
import subprocess
import sys

import pytest

from host import (LOCALHOST, PASSWORD, PATIENCE, POP3D, PORT, Process,
                  entries, message, until)

sys.path.append(str(pathlib.Path(__file__).parent.parent / "e2e"))
import tls  # noqa: E402
from holders import memory  # noqa: E402

POP3S = 995
ETC = pathlib.Path("/etc/pop3d")


def put_certificate(directory):
    directory.mkdir(exist_ok=True)
    for name, pem in zip(("tls.crt", "tls.key"), tls.certificate()):
        (directory / name).write_bytes(pem)
    (directory / "tls.key").chmod(0o600)


@pytest.fixture
def secure(host):
    """A host that serves both ports, with a certificate."""
    put_certificate(ETC)
    host.run("systemctl", "enable", "--now", "pop3ds.socket")
    return host


def connect(port=POP3S):
    if port == POP3S:
        return poplib.POP3_SSL(LOCALHOST, POP3S, timeout=PATIENCE,
                               context=context())
    client = poplib.POP3(LOCALHOST, PORT, timeout=PATIENCE)
    client.stls(context())
    return client


def context():
    made = tls.client()
    made.check_hostname = False  # it is an address
    return made


def login(port=POP3S):
    client = connect(port)
    client.user("thomas")
    client.pass_(PASSWORD)
    return client


@pytest.mark.parametrize("port", [POP3S, PORT])
def test_fetch_and_delete(secure, port):
    client = login(port)
    assert client.retr(1)[1] == message(1)[1]
    client.dele(1)
    client.quit()
    assert pathlib.Path("/var/mail/thomas").read_bytes() == entries(2, 3)
    entry = secure.end_of_session()
    assert entry["POP3_DELETED"] == "1"
    assert re.fullmatch(r"TLSv1\.3/\w+", entry["POP3_TLS"])
    assert entry["POP3_PORT"] == ("995" if port == POP3S else "110/STLS")


@pytest.mark.parametrize("port", [POP3S, PORT])
def test_with_accept_no(secure, port):
    for unit in "pop3d.socket", "pop3ds.socket":
        secure.drop_in("[Socket]\nAccept=no\n", unit)
        secure.run("systemctl", "restart", unit)
    login(port).quit()
    secure.end_of_session()


def test_key_as_a_credential(host):
    """The key is where only root may read; pop3d gets it from systemd."""
    unit = pathlib.Path("/run/systemd/system/probe.service")
    unit.parent.mkdir(exist_ok=True)
    unit.write_text("[Service]\nType=oneshot\n"
                    "LoadCredential=a:/etc/passwd\n"
                    "ExecStart=test -s ${CREDENTIALS_DIRECTORY}/a\n")
    if subprocess.run(["systemctl", "start", "probe"]).returncode != 0:
        pytest.skip("systemd gives services no credentials here")
    keys = pathlib.Path("/root/keys")
    put_certificate(keys)
    host.drop_in("[Service]\n" + "".join(
        f"LoadCredential=tls.{end}:{keys}/tls.{end}\n"
        for end in ("crt", "key")), "pop3ds@.service")
    host.run("systemctl", "enable", "--now", "pop3ds.socket")
    login().quit()
    host.end_of_session()


def test_port_995_without_a_certificate_is_an_error(host):
    says = "no TLS: put a certificate into"

    def verdict():
        run = subprocess.run([POP3D, "--check"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True)
        [line] = [line for line in run.stdout.splitlines() if says in line]
        return line.split()[0]

    assert verdict() == "warning"
    host.run("systemctl", "enable", "pop3ds.socket")
    assert verdict() == "error"
    host.run("systemctl", "disable", "pop3ds.socket")
    host.run("systemctl", "start", "pop3ds.socket")
    assert verdict() == "error"


def test_sessions_are_resumed(secure):
    once = context()
    session = None
    for again in False, True:
        with wrapped(once, session) as s:
            lines = s.makefile("rb")
            lines.readline()
            assert s.session_reused == again
            s.sendall(b"QUIT\r\n")
            lines.readline()
            session = s.session
    key = os.stat("/run/pop3d/ticket-key")
    assert (key.st_uid, key.st_mode & 0o7777) == (0, 0o600)


def capabilities():
    with socket.create_connection((LOCALHOST, PORT), PATIENCE) as s:
        s.sendall(b"CAPA\r\nQUIT\r\n")
        return s.makefile("rb").read().split(b"\r\n")


def test_a_key_that_does_not_fit(secure):
    """Nothing is offered on 110, 995 is closed, and the journal says why."""
    assert b"STLS" in capabilities()
    known = os.stat("/run/pop3d/tls-fit")
    assert (known.st_uid, known.st_mode & 0o7777) == (0, 0o600)
    assert b"STLS" in capabilities()
    assert os.stat("/run/pop3d/tls-fit").st_ino == known.st_ino
    (ETC / "tls.key").write_bytes(tls.certificate("ec")[1])
    assert b"STLS" not in capabilities()
    with socket.create_connection((LOCALHOST, POP3S), PATIENCE) as s:
        assert s.recv(1) == b""
    lines = until(lambda: (found := secure.journal("TLS: /etc/pop3d/tls.key"))
                  and len(found) == 2 and found, "both lines")
    assert {line["PRIORITY"] for line in lines} == {"3"}
    put_certificate(ETC)
    assert b"STLS" in capabilities()
    login(PORT).quit()


def wrapped(once, session):
    return once.wrap_socket(
        socket.create_connection((LOCALHOST, POP3S), PATIENCE),
        session=session)


# ---- the relay's process

def private_parts():
    """The key's two primes, as bytes: whoever knows one has the key."""
    text = subprocess.run(["openssl", "rsa", "-noout", "-text"],
                          input=tls.certificate()[1], check=True,
                          stdout=subprocess.PIPE).stdout.decode()
    numbers = re.findall(r"prime\d:\n((?:\s+[0-9a-f:]+\n)+)", text)
    assert len(numbers) == 2
    primes = [bytes.fromhex(re.sub(r"[\s:]", "", n)).lstrip(b"\0")
              for n in numbers]
    # OpenSSL keeps a number's least significant word first
    return primes + [prime[::-1] for prime in primes]


@pytest.mark.parametrize("port", [POP3S, PORT])
def test_the_key_is_in_the_relay_only(secure, port):
    client = login(port)
    main = Process(secure.show(
        until(lambda: sessions(secure), "the session")[0], "MainPID"))
    processes = [main, *main.children()]
    # PAM's, the relay, the mailbox process
    assert len(processes) == 4
    with_key = [p for p in processes
                if any(part in memory(p.pid) for part in private_parts())]
    [relay] = with_key
    assert relay.pid != main.pid
    assert relay.root == "/run/pop3d/empty"
    assert 0 not in relay.uids and relay.capabilities == {0}
    client.quit()


def sessions(host):
    return host.run("systemctl", "list-units", "--plain", "--no-legend",
                    "--full", "pop3d@*.service",
                    "pop3ds@*.service").split()[:1]
