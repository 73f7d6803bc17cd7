"""--who: the sessions that are open, however they were started."""
import json
import os
import pathlib
import pwd
import signal
import shutil
import subprocess
import sys
import time

import pytest

from host import (LOCALHOST, PASSWORD, POP3D, TOP, Process, needs, until)
from test_superservers import EXAMPLES, listening
from test_tls import login, put_certificate, ETC, PORT, POP3S

sys.path.append(str(TOP / "tests/e2e"))


def who(host):
    return sorted(json.loads(host.run(POP3D, "--who", "--json")),
                  key=lambda one: one["since"])


def table(host):
    return host.run(POP3D, "--who").splitlines()


def test_a_session_from_its_greeting_to_its_end(host):
    assert who(host) == []
    assert table(host) == ["There is no session."]
    client = host.connect()
    [one] = who(host)
    assert (one["state"], one["user"], one["tls"]) == ("login", None, None)
    client.user("thomas")
    client.pass_(PASSWORD)
    client.retr(1)
    client.retr(2)
    client.dele(1)
    [one] = who(host)
    assert one["user"] == "thomas" and one["address"] == LOCALHOST
    assert (one["port"], one["state"]) == ("110", "transaction")
    assert (one["retrieved"], one["deleted"]) == (2, 1)
    assert one["unit"] == host.unit()
    assert str(one["pid"]) == host.show(host.unit(), "MainPID")
    assert one["session"] == host.journal("logged in")[0]["POP3_SESSION"]
    client.rset()
    assert who(host)[0]["deleted"] == 0
    client.quit()
    until(lambda: who(host) == [], "the end")


def test_who_tried_last(host):
    client = host.connect()
    client.user("thomas")
    with pytest.raises(Exception, match="AUTH"):
        client.pass_("wrong")
    [one] = who(host)
    assert (one["user"], one["state"]) == ("thomas", "login")
    client.close()


def test_idle_and_since(host):
    began = time.time()
    client = host.login()
    until(lambda: who(host)[0]["idle"] >= 2, "two idle seconds")
    client.noop()
    [one] = who(host)
    assert one["idle"] < 2
    since = time.mktime(time.strptime(one["since"][:19], "%Y-%m-%dT%H:%M:%S"))
    assert began - 2 <= since <= time.time()
    client.quit()


@pytest.mark.parametrize("port", [POP3S, PORT])
def test_over_tls(host, port):
    put_certificate(ETC)
    host.run("systemctl", "enable", "--now", "pop3ds.socket")
    client = login(port)
    [one] = who(host)
    assert one["tls"].startswith("TLSv1.3/")
    assert one["port"] == ("995" if port == POP3S else "110/STLS")
    assert one["unit"].startswith("pop3ds@" if port == POP3S else "pop3d@")
    client.quit()


def test_accept_no(installed):
    installed.user("thomas")
    installed.user("anna")
    installed.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    installed.run("systemctl", "start", "pop3d.socket")
    clients = [installed.login(name) for name in ("thomas", "anna")]
    clients.append(installed.connect())
    found = who(installed)
    assert sorted(str(one["user"]) for one in found) == [
        "None", "anna", "thomas"]
    assert {one["unit"] for one in found} == {"pop3d.service"}
    assert len({one["pid"] for one in found}) == 3
    for client in clients:
        client.quit()
    until(lambda: who(installed) == [], "the end")


@needs("xinetd")
def test_a_super_server(installed):
    installed.user("thomas")
    shutil.copy(EXAMPLES / "pop3d.xinetd", "/etc/xinetd.d/pop3d")
    with subprocess.Popen(["xinetd", "-dontfork", "-f",
                           "/etc/xinetd.conf"]) as server:
        until(listening, "xinetd listens")
        client = installed.login()
        [one] = who(installed)
        assert (one["user"], one["address"]) == ("thomas", LOCALHOST)
        assert not (one["unit"] or "").startswith("pop3d")
        client.quit()
        server.kill()


def test_the_table_says_the_same_and_how_to_end_one(host):
    host.user("anna")
    clients = [host.login("anna"), host.login("thomas")]
    clients[1].dele(1)
    lines = table(host)
    assert len(lines) == 5 and lines[3] == ""
    names = lines[0].split()
    rows = [dict(zip(names, line.split())) for line in lines[1:3]]
    rows = {row["USER"]: row for row in rows}
    assert set(rows) == {"anna", "thomas"}
    assert rows["thomas"]["DELETED"] == "1" and rows["anna"]["DELETED"] == "0"
    assert rows["anna"]["TLS"] == "-" and rows["anna"]["ADDRESS"] == LOCALHOST
    assert {row["UNIT"] for row in rows.values()} == set(host.units())
    # as it says
    assert lines[4].endswith("kill PID")
    host.run("kill", rows["thomas"]["PID"])
    until(lambda: len(host.units()) == 1, "the end of that session")
    [end] = host.journal("session ended")
    assert end["POP3_REASON"] == "terminated" and end["POP3_DELETED"] == "0"
    assert [one["user"] for one in who(host)] == ["anna"]
    clients[0].quit()


def test_what_a_killed_session_has_shown_is_gone(host):
    client = host.login()
    os.kill(who(host)[0]["pid"], signal.SIGKILL)
    until(lambda: who(host) == [], "the end")
    client.close()


def test_strange_names_in_both_forms(host):
    client = host.connect()
    client.user('a"\\\x1b[31mb')
    with pytest.raises(Exception, match="AUTH"):
        client.pass_("wrong")
    [one] = who(host)
    assert one["user"] == 'a"\\\x1b[31mb'
    assert r'a"\x5c\x1b[31mb' in table(host)[1]
    client.close()


FORGER = """
import os, sys
fd = os.memfd_create("pop3d-session")
os.write(fd, open(sys.argv[1], "rb").read())
print(flush=True)
sys.stdin.read()
"""


def test_a_user_cannot_show_a_session(host):
    client = host.login()
    [one] = who(host)
    monitor = Process(one["pid"])
    [fd] = [fd for fd, what in monitor.descriptors.items()
            if what.startswith("/memfd:pop3d-session")]
    shown = pathlib.Path("/run/shown")
    shown.write_bytes(open(f"/proc/{one['pid']}/fd/{fd}", "rb").read())
    shown.chmod(0o644)
    client.quit()
    until(lambda: who(host) == [], "the end")
    with subprocess.Popen([sys.executable, "-c", FORGER, shown],
                          user=pwd.getpwnam("thomas").pw_uid,
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as forger:
        forger.stdout.readline()
        assert who(host) == []
        forger.communicate()


def test_only_root_sees_who_is_connected(host):
    client = host.login()
    run = subprocess.run(["runuser", "-u", "thomas", "--", POP3D, "--who"],
                         text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    assert (run.returncode, run.stdout) == (77, "")
    assert "only root" in run.stderr
    client.quit()
