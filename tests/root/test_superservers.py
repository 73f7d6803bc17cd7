"""The same session without systemd's sockets."""
import os
import pathlib
import poplib
import shutil
import ssl
import subprocess
import sys

import pytest
from host import (LOCALHOST, PASSWORD, PATIENCE, POP3D, PORT, SPOOL, TOP,
                  entries, message, needs, until)

sys.path.append(str(TOP / "tests/e2e"))
import tls  # noqa: E402

UNPACKED = TOP / "build/inetd/usr"  # by bootstrap
INETD = shutil.which("inetd") or str(UNPACKED / "sbin/inetd")
EXAMPLES = pathlib.Path("/usr/local/share/doc/pop3d/examples")


def listening(port=PORT):
    """Whether anything listens on the port, without connecting to it."""
    for table in "/proc/net/tcp", "/proc/net/tcp6":
        for line in open(table).readlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A" and int(local.split(":")[1], 16) == port:
                return True
    return False


def play(host, *argv):
    """Fetches and deletes as thomas while argv serves."""
    host.user("thomas")
    with subprocess.Popen(argv) as server:
        try:
            until(listening, f"{argv[0]} listens")
            client = host.login()
            assert [client.retr(n)[1] for n in (1, 2, 3)] == [
                message(n)[1] for n in (1, 2, 3)]
            client.dele(2)
            client.quit()
            assert (SPOOL / "thomas").read_bytes() == entries(1, 3)
            end = host.end_of_session()
            assert end["POP3_RHOST"] == LOCALHOST
            assert end["POP3_RETRIEVED"] == "3"
        finally:
            server.kill()


@needs("xinetd")
def test_xinetd(installed):
    shutil.copy(EXAMPLES / "pop3d.xinetd", "/etc/xinetd.d/pop3d")
    play(installed, "xinetd", "-dontfork", "-f", "/etc/xinetd.conf")


@pytest.mark.skipif(not os.path.exists(INETD),
                    reason="openbsd-inetd is neither installed nor unpacked")
def test_inetd(installed, monkeypatch):
    conf = pathlib.Path("/run/inetd.conf")
    conf.write_text(f"110 stream tcp nowait root {POP3D} pop3d\n")
    monkeypatch.setenv("LD_LIBRARY_PATH",
                       ":".join(map(str, UNPACKED.glob("lib/*"))))
    play(installed, INETD, "-i", str(conf))


@needs("tcpserver")
def test_tcpserver(installed):
    play(installed, "tcpserver", "-HR", "-l0", LOCALHOST, str(PORT), POP3D)


STUNNEL = f"""\
foreground = yes
pid =
[pop3s]
accept = {LOCALHOST}:995
cert = /run/tls.pem
exec = {POP3D}
execArgs = pop3d --tls=off
"""


@needs("stunnel4")
def test_stunnel(installed):
    pathlib.Path("/run/tls.pem").write_bytes(b"".join(tls.certificate()))
    conf = pathlib.Path("/run/stunnel.conf")
    conf.write_text(STUNNEL)
    installed.user("thomas")
    with subprocess.Popen(["stunnel4", conf]) as server:
        try:
            until(lambda: listening(995), "stunnel listens")
            client = poplib.POP3_SSL(LOCALHOST, 995, timeout=PATIENCE,
                                     context=ssl._create_unverified_context())
            assert "STLS" not in client.capa()
            client.user("thomas")
            client.pass_(PASSWORD)
            assert client.retr(2)[1] == message(2)[1]
            client.quit()
            assert installed.end_of_session()["POP3_RHOST"] == LOCALHOST
        finally:
            server.kill()


def test_pipe_with_a_users_own_rights(installed):
    """As ssh starts it, and fetchmail's plugin with ssh."""
    mailbox = installed.user("thomas")
    run = subprocess.run(
        ["runuser", "-u", "thomas", "--", POP3D, "--locks=fcntl,flock"],
        input=f"USER thomas\nPASS {PASSWORD}\nDELE 1\nRETR 2\nQUIT\n",
        stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=True)
    assert "\n".join(message(2)[1][i].decode() for i in (0, 1)) in run.stdout
    assert mailbox.read_bytes() == entries(2, 3)
