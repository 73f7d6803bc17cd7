"""The same session without systemd's sockets."""
import os
import pathlib
import shutil
import subprocess

import pytest
from host import (LOCALHOST, POP3D, PORT, SPOOL, TOP, entries, message, needs,
                  until)

UNPACKED = TOP / "build/inetd/usr"  # by bootstrap
INETD = shutil.which("inetd") or str(UNPACKED / "sbin/inetd")
EXAMPLES = pathlib.Path("/usr/local/share/doc/pop3d/examples")


def listening():
    """Whether anything listens on the port, without connecting to it."""
    for table in "/proc/net/tcp", "/proc/net/tcp6":
        for line in open(table).readlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if state == "0A" and int(local.split(":")[1], 16) == PORT:
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
