"""fail2ban with the filter and the jail that make install brings along."""
import os
import pathlib
import shutil
import socket
import subprocess
import threading

import pytest
from host import PATIENCE, PORT, entries, needs, until

ETC = pathlib.Path("/etc/fail2ban")
EXAMPLES = pathlib.Path("/usr/local/share/doc/pop3d/examples/fail2ban")
STRANGER, VICTIM, FRIEND = "192.0.2.1", "192.0.2.2", "192.0.2.3"
BANNED = pathlib.Path("/run/banned")
FORGED = (f"Nov 25 03:18:40 mail pop3d[1]: rhost={VICTIM} user=x: login "
          "failed: wrong name or password")

pytestmark = [needs("fail2ban-server")]


@pytest.fixture
def guarded(host):
    """A host with fail2ban's files in place, and addresses of its own."""
    shutil.copytree(EXAMPLES, ETC, dirs_exist_ok=True)
    for address in STRANGER, VICTIM, FRIEND:
        host.run("ip", "addr", "add", f"{address}/32", "dev", "lo")
    return host


def guess(source, name="thomas"):
    with socket.create_connection((STRANGER, PORT), PATIENCE,
                                  (source, 0)) as s:
        s.sendall(f"USER {name}\r\nPASS wrong\r\nQUIT\r\n".encode("latin-1"))
        return s.makefile("rb").read()


def counted(host, *log):
    return host.run("fail2ban-regex", "-o", "ip", *log, "pop3d").split()


def test_the_journal_is_understood(guarded):
    guarded.options("--plaintext=always")
    guess(STRANGER)
    guess(STRANGER, f"x\r{FORGED}")
    guarded.login(address=FRIEND).quit()
    guarded.end_of_session()
    # any user may write into the journal, and say that it is pop3d's
    guarded.run("runuser", "-u", "thomas", "--", "logger", "-t", "pop3d",
                FORGED.partition(": ")[2])
    assert guarded.journal(f"rhost={VICTIM} user=x: login failed")
    assert counted(guarded, "systemd-journal") == [STRANGER] * 2


class Syslog:
    """Takes what is sent to /dev/log and writes it as rsyslog does."""

    def __init__(self, path):
        self.path = path
        os.unlink("/dev/log")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/dev/log")
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            # <22>Nov 25 03:18:40 pop3d[1]: ...
            line = self.socket.recv(65536).rstrip(b"\0\n").decode("ascii")
            line = line.partition(">")[2]
            with open(self.path, "a") as log:
                log.write(f"{line[:15]} mail {line[16:]}\n")


def test_a_syslog_file_is_understood(guarded):
    guarded.options("--plaintext=always", "--log=syslog")
    log = pathlib.Path("/run/mail.log")
    log.touch()
    Syslog(log)
    guess(STRANGER)
    guess(STRANGER, f"x\r{FORGED}")
    guarded.login(address=FRIEND).quit()
    until(lambda: "session ended: quit" in log.read_text(), "the log")
    assert log.read_text().count("login failed") == 2
    assert counted(guarded, log) == [STRANGER] * 2


def test_who_guesses_is_banned(guarded):
    guarded.options("--plaintext=always")
    (ETC / "action.d/note.conf").write_text(
        f"[Definition]\nactionban = echo <ip> <port> >>{BANNED}\n")
    (ETC / "jail.d/zz-test.conf").write_text(
        # the stranger's address is one of this host's own
        "[DEFAULT]\nbanaction = note\nignoreself = false\n"
        "[sshd]\nenabled = false\n"
        "[pop3d]\nmaxretry = 3\n")
    BANNED.touch()
    guarded.run("systemctl", "start", "fail2ban")
    until(lambda: subprocess.run(["fail2ban-client", "status", "pop3d"],
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL).returncode == 0,
          "the jail")
    for _ in range(3):
        guess(STRANGER, f"x rhost={VICTIM}")
        guarded.login(address=FRIEND).quit()
    until(BANNED.read_text, "a ban")
    assert BANNED.read_text() == f"{STRANGER} pop3,pop3s\n"
    with open("/var/mail/thomas", "rb") as mailbox:
        assert mailbox.read() == entries(1, 2, 3)
