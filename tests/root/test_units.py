"""The units: what systemd makes of them."""
import socket

from host import LOCALHOST, PATIENCE, PORT, entries, message, until

FROM_ONE_ADDRESS = 20


def test_systemd_finds_no_fault(installed):
    out = installed.run("systemd-analyze", "verify", "pop3d.socket",
                        "pop3d@0.service", "pop3d-recover.service")
    assert out == ""


def test_connections_from_one_address_are_limited(host):
    def connect():
        s = socket.create_connection((LOCALHOST, PORT), PATIENCE)
        return s, s.makefile("rb").readline()

    taken = [connect() for _ in range(FROM_ONE_ADDRESS)]
    assert all(line.startswith(b"+OK") for _, line in taken)
    refused, line = connect()
    assert line == b""
    refused.close()
    taken.pop()[0].close()
    until(lambda: len(host.units()) < FROM_ONE_ADDRESS, "a free place")
    one_more, line = connect()
    assert line.startswith(b"+OK")
    for s, _ in [*taken, (one_more, line)]:
        s.close()


def test_stopping_a_session_deletes_nothing(host):
    client = host.login()
    client.dele(1)
    host.run("systemctl", "stop", host.unit())
    assert client.file.readline().startswith(b"-ERR [SYS/TEMP]")
    with open("/var/mail/thomas", "rb") as mailbox:
        assert mailbox.read() == entries(1, 2, 3)


def test_stopping_the_socket_leaves_sessions_alone(host):
    client = host.login()
    host.run("systemctl", "stop", "pop3d.socket")
    assert client.retr(1)[1] == message(1)[1]
    client.quit()


def test_recover_is_skipped_where_there_is_nothing(host):
    host.run("systemctl", "start", "pop3d-recover.service")
    assert host.show("pop3d-recover.service", "ConditionResult") == "no"


def test_recover_has_nothing_to_do_after_orderly_sessions(host):
    client = host.login()
    client.dele(2)
    client.quit()
    host.run("systemctl", "start", "pop3d-recover.service")
    assert host.show("pop3d-recover.service", "ConditionResult") == "yes"
    assert host.show("pop3d-recover.service", "Result") == "success"
    with open("/var/mail/thomas", "rb") as mailbox:
        assert mailbox.read() == entries(1, 3)
