"""
Other servers serve a mailbox, then pop3d with --uidl=KIND: the ids stay.
`make check-migration` gets the servers, unpacked below build/peers.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import pytest

from host import LOCALHOST, PASSWORD, PATIENCE, POP3D, TOP, until

sys.path.append(str(TOP / "tests/e2e"))
from migrated import HEADERS, mailbox  # noqa: E402

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


def popa3d():
    return inetd("/usr/sbin/popa3d")


def solid():
    return inetd("/usr/sbin/solid-pop3d")


def mailutils():
    return inetd("/usr/sbin/pop3d", "--inetd")


DOVECOT = """\
protocols = pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = mbox:~/mail:INBOX=/var/mail/%u
mail_privileged_group = mail
service pop3-login {
  inet_listener pop3 {
    port = 2110
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


def dovecot():
    conf = pathlib.Path("/etc/dovecot/dovecot.conf")
    if not pathlib.Path("/run/dovecot/master.pid").exists():
        conf.write_text(DOVECOT)
        subprocess.run(["/usr/sbin/dovecot", "-c", conf], check=True)

    def connect():
        try:
            return socket.create_connection((LOCALHOST, 2110), PATIENCE)
        except ConnectionRefusedError:
            return None

    return Client(until(connect, "Dovecot"))


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
    server = globals()[name]
    client = server()
    old = client.uidl()
    client.quit()
    assert len(old) == len(HEADERS)
    client = server()
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
    client = server()
    kept = client.uidl()
    client.quit()
    assert kept == old[1:]
