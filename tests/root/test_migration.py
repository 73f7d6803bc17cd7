"""
Other servers serve a mailbox, then pop3d with --uidl=KIND: the ids stay, and
getmail and Thunderbird fetch nothing twice.
`make check-migration` gets the servers, unpacked below build/peers.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import pytest

from host import LOCALHOST, PASSWORD, PATIENCE, POP3D, PORT, TOP, until

for directory in "e2e", "clients":
    sys.path.append(str(TOP / "tests" / directory))
import clients  # noqa: E402
from migrated import HEADERS, mailbox  # noqa: E402
from thunderbird import Thunderbird  # noqa: E402

PEERS = TOP / "build/peers/root"

pytestmark = pytest.mark.skipif(not (PEERS / "../done").exists(),
                                reason="make check-migration gets the servers")


class Client:
    """Says what it is told to a server, and takes what comes."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.file = sock.makefile("rb")
        self.line()
        self.ask("USER thomas")
        self.ask(f"PASS {PASSWORD}")

    def line(self):
        line = self.file.readline().decode().rstrip("\r\n")
        assert line.startswith("+OK"), line
        return line

    def ask(self, command):
        self.sock.sendall(f"{command}\r\n".encode())
        return self.line()

    def uidl(self):
        self.ask("UIDL")
        found = []
        while (line := self.file.readline().rstrip()) != b".":
            number, uidl = line.decode("ascii").split(" ", 1)
            assert int(number) == len(found) + 1
            found.append(uidl)
        return found

    def quit(self):
        self.ask("QUIT")
        assert self.file.read() == b""
        self.sock.close()


def inetd(*argv):
    """A session with a server that inetd would start."""
    with socket.create_server((LOCALHOST, 0)) as listener:
        client = socket.create_connection(listener.getsockname(), PATIENCE)
        served = listener.accept()[0]
    with served:
        subprocess.Popen(argv, stdin=served, stdout=served,
                         stderr=subprocess.DEVNULL)
    return Client(client)


STARTED_BY_INETD = {
    "popa3d": ["/usr/sbin/popa3d"],
    "solid": ["/usr/sbin/solid-pop3d"],
    "mailutils": ["/usr/sbin/pop3d", "--inetd"],
}

DOVECOT = """\
protocols = pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = mbox:~/mail:INBOX=/var/mail/%u
mail_privileged_group = mail
service pop3-login {
  inet_listener pop3 {
    port = 110
  }
  inet_listener pop3s {
    port = 0
  }
}
passdb {
  driver = pam
}
userdb {
  driver = passwd
}
"""


DOVECOT_PID = pathlib.Path("/run/dovecot/master.pid")


def listening():
    try:
        return socket.create_connection((LOCALHOST, PORT), PATIENCE)
    except ConnectionRefusedError:
        return None


def start_dovecot():
    conf = pathlib.Path("/etc/dovecot/dovecot.conf")
    conf.write_text(DOVECOT)
    subprocess.run(["/usr/sbin/dovecot", "-c", conf], check=True)
    until(listening, "Dovecot").close()


def connect(name):
    """A session with the server of this name."""
    if name in STARTED_BY_INETD:
        return inetd(*STARTED_BY_INETD[name])
    if not DOVECOT_PID.exists():
        start_dovecot()
    return Client(listening())


@contextlib.contextmanager
def on_port_110(name):
    if name in STARTED_BY_INETD:
        with subprocess.Popen(
                ["systemd-socket-activate", "--accept", "--inetd", "--listen",
                 f"{LOCALHOST}:{PORT}", *STARTED_BY_INETD[name]],
                stderr=subprocess.PIPE) as server:
            try:
                assert b"Listening on" in server.stderr.readline()
                yield
            finally:
                server.kill()
    else:
        start_dovecot()
        yield
        subprocess.run(["/usr/sbin/dovecot", "stop"], check=True)
        until(lambda: not DOVECOT_PID.exists(), "Dovecot's end")


def pop3d(kind, *more):
    return inetd(POP3D, f"--uidl={kind}", "--log=stderr", *more)


@pytest.fixture
def peers(installed):
    """The host with the other servers' files, and thomas's mail."""
    subprocess.run(f"tar -C {PEERS} -c . | tar -C / -xp"
                   " --keep-directory-symlink && ldconfig",
                   shell=True, check=True)
    for user in "popa3d", "dovecot", "dovenull", "spop3d":
        subprocess.run(["useradd", "--system", user], check=False)
    for name in "popa3d", "spop3d":
        os.makedirs(f"/run/{name}", exist_ok=True)
        os.makedirs(f"/var/lib/{name}", exist_ok=True)
    for name in "pop3d", "solid-pop3d", "gnu-pop3d":
        if not os.path.exists(f"/etc/pam.d/{name}"):
            shutil.copy("/etc/pam.d/popa3d", f"/etc/pam.d/{name}")
    installed.user("thomas")
    installed.deliver("thomas", mailbox())
    return installed


def assert_same_but_for_copies(new, old):
    """Where the old server told an id twice, the first message keeps it."""
    assert len(set(new)) == len(new) == len(old)
    for n, (ours, theirs) in enumerate(zip(new, old)):
        assert (ours == theirs) == (theirs not in old[:n]), (new, old)


@pytest.mark.parametrize("name, kind", [
    ("popa3d", "popa3d"), ("solid", "solid"), ("dovecot", "dovecot"),
    ("mailutils", "mailutils"), ("mailutils", "auto")])
def test_ids_stay(peers, name, kind):
    client = connect(name)
    old = client.uidl()
    client.quit()
    assert len(old) == len(HEADERS)
    client = connect(name)
    assert client.uidl() == old
    client.quit()
    client = pop3d(kind)
    assert_same_but_for_copies(client.uidl(), old)
    # the first message takes the mailbox's UIDVALIDITY with it
    client.ask("DELE 1")
    client.quit()
    os.unlink("/var/lib/pop3d/thomas/index")
    client = pop3d(kind)
    assert_same_but_for_copies(client.uidl(), old[1:])
    client.quit()
    # and back, where no more than that one message was lost
    client = connect(name)
    kept = client.uidl()
    client.quit()
    assert kept == old[1:]


NEW_MAIL = b"""\
From a@example.org Mon Nov 16 11:00:00 2026
Message-ID: <11@example.org>
Date: Mon, 16 Nov 2026 11:00:00 +0100
Subject: new

New.

"""


def ordinary_mail():
    """Messages that all servers tell apart."""
    text = mailbox().split(b"From a@example.org")[1:-1]
    return [b"From a@example.org" + one for one in text
            if b"message-id: <" in one.lower()]


class Getmail(clients.Getmail):
    password = PASSWORD


class TheThunderbird(Thunderbird):
    password = PASSWORD


@pytest.mark.parametrize("kind", [Getmail, TheThunderbird],
                         ids=["getmail", "thunderbird"])
@pytest.mark.parametrize("name", ["popa3d", "solid", "dovecot", "mailutils"])
def test_clients_fetch_nothing_twice(peers, name, kind):
    if kind.missing():
        pytest.skip(kind.missing())
    home = pathlib.Path("/var/tmp/client")
    home.mkdir()
    client = kind(home, PORT, "plain", None)
    mail = ordinary_mail()
    peers.deliver("thomas", b"".join(mail))
    with on_port_110(name):
        assert len(client.fetch(delete=False)) == len(mail)
        assert client.fetch(delete=False) == []

    peers.options(f"--uidl={name}")
    peers.run("systemctl", "start", "pop3d.socket")
    assert client.fetch(delete=False) == []
    end = peers.end_of_session()
    assert (end["POP3_LEFT"], end["POP3_OCTETS"]) == (str(len(mail)), "0")
    with open("/var/mail/thomas", "ab") as f:
        f.write(NEW_MAIL)
    [new] = client.fetch(delete=False)
    assert new.endswith(b"\n\nNew.\n")

    # and back: the old server may tell new mail another id
    peers.run("systemctl", "stop", "pop3d.socket")
    with on_port_110(name):
        assert len(client.fetch(delete=False)) <= 1
        assert client.fetch(delete=False) == []
