"""pop3d.service: pop3d accepts, under a real systemd (Accept=no)."""
import socket
import subprocess

import pytest
from host import LOCALHOST, PATIENCE, POP3D, PORT, entries, unit_of, until


@pytest.fixture
def busy(installed):
    """A host whose pop3d.service accepts the connections."""
    installed.user("thomas")
    installed.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    installed.run("systemctl", "start", "pop3d.socket")
    return installed


def limit(host, *options):
    host.drop_in("[Service]\nExecStart=\n"
                 f"ExecStart=/usr/local/sbin/pop3d {' '.join(options)}\n",
                 "pop3d.service")


def greeting(address=LOCALHOST, source=None):
    s = socket.create_connection((address, PORT), PATIENCE, source)
    return s, s.makefile("rb").readline()


def state(host):
    return host.show("pop3d.service", "ActiveState")


def test_sessions_of_one_service(busy):
    clients = [busy.login(), busy.connect(), busy.connect()]
    assert busy.units() == []
    clients[0].dele(2)
    for client in clients:
        client.quit()
    with open("/var/mail/thomas", "rb") as mailbox:
        assert mailbox.read() == entries(1, 3)
    end = busy.end_of_session()
    assert (end["POP3_RHOST"], end["POP3_USER"]) == (LOCALHOST, "thomas")
    assert end["POP3_DELETED"] == "1"
    assert unit_of(end) in ("pop3d.service", None)


def test_it_ends_when_idle_and_starts_again(busy):
    limit(busy, "--idle-exit=1")
    for _ in range(2):
        busy.login().quit()
        until(lambda: state(busy) == "inactive", "the end")
        assert busy.show("pop3d.service", "Result") == "success"
    assert busy.show("pop3d.socket", "ActiveState") == "active"


def test_an_ipv6_network_counts_as_one_source(busy):
    limit(busy, "--max-per-source=2")
    for address in "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1":
        busy.run("ip", "addr", "add", f"{address}/64", "dev", "lo", "nodad")
    open_ones = [greeting("::1", (f"2001:db8::{n}", 0)) for n in (1, 2)]
    refused, line = greeting("::1", ("2001:db8::1", 0))
    assert line.startswith(b"-ERR [SYS/TEMP] Too many sessions")
    other, line = greeting("::1", ("2001:db8:0:1::1", 0))
    assert line.startswith(b"+OK")
    assert busy.journal("1 connection refused")[0]["POP3_RHOST"] == (
        "2001:db8::1")
    for s in [s for s, _ in open_ones] + [refused, other]:
        s.close()


def test_stopping_it_deletes_nothing(busy):
    client = busy.login()
    client.dele(1)
    busy.run("systemctl", "stop", "pop3d.service")
    assert client.file.readline().startswith(b"-ERR [SYS/TEMP]")
    with open("/var/mail/thomas", "rb") as mailbox:
        assert mailbox.read() == entries(1, 2, 3)
    # the socket is systemd's: whoever comes next starts it again
    busy.login().quit()


def test_the_unit_leaves_sessions_their_sandbox(busy):
    busy.login().quit()
    check = subprocess.run([POP3D, "--check"], text=True,
                           stdout=subprocess.PIPE).stdout
    without = busy.journal("no Landlock")
    assert ("warning  Landlock" in check) == bool(without), without


def refused():
    try:
        greeting()[0].close()
    except ConnectionRefusedError:
        return True
    return False


def test_restarting_the_socket_opens_the_port_again(busy):
    client = busy.login()
    client.dele(1)
    busy.run("systemctl", "restart", "pop3d.socket")
    assert busy.show("pop3d.socket", "ActiveState") == "active"
    assert client.file.readline().startswith(b"-ERR [SYS/TEMP]")
    client = busy.login()
    assert client.stat()[0] == 3
    client.quit()


def test_stopping_the_socket_closes_the_port(busy):
    busy.login().quit()
    busy.run("systemctl", "stop", "pop3d.socket")
    assert refused()
    assert state(busy) == "inactive"
