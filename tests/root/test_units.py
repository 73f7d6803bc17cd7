"""The units: what systemd makes of them."""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys

import pytest

from host import (LOCALHOST, PASSWORD, PATIENCE, POP3D, PORT, STATE, Process,
                  entries, message, needs, until)
from test_processes import mailbox_of

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hijack"))
import attacks  # noqa: E402

FROM_ONE_ADDRESS = 20


def test_systemd_finds_no_fault(installed):
    out = installed.run("systemd-analyze", "verify", "pop3d.socket",
                        "pop3d@0.service", "pop3d.service",
                        "pop3ds.socket", "pop3ds@0.service", "pop3ds.service",
                        "pop3d-recover.service", stderr=subprocess.STDOUT)
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


def test_connections_are_limited_in_all(host):
    host.drop_in("[Socket]\nMaxConnections=2\n", "pop3d.socket")
    host.run("systemctl", "restart", "pop3d.socket")

    def connect(source):
        s = socket.create_connection((LOCALHOST, PORT), PATIENCE, (source, 0))
        return s, s.makefile("rb").readline()

    taken = [connect(f"127.0.0.{n}") for n in (1, 2)]
    assert all(line.startswith(b"+OK") for _, line in taken)
    assert connect("127.0.0.3")[1] == b""
    taken.pop()[0].close()
    until(lambda: len(host.units()) < 2, "a free place")
    assert connect("127.0.0.3")[1].startswith(b"+OK")


def test_limits_are_the_same_however_it_is_started(installed):
    """Those of the units, of xinetd's file, of pop3d itself, of the manual."""
    installed.run("systemctl", "start", "pop3d.socket")
    found = {(installed.show("pop3d.socket", "MaxConnections"),
              installed.show("pop3d.socket", "MaxConnectionsPerSource"))}
    examples = "/usr/local/share/doc/pop3d/examples"
    for path, pattern in {
            f"{examples}/pop3d.xinetd":
            r"instances\s*= (\d+)\s+per_source\s*= (\d+)",
            "/usr/local/share/man/man8/pop3d.8":
            r"admits (\d+) sessions at once, (\d+) of them"}.items():
        found.add(re.search(pattern, open(path).read()).groups())
    usage = installed.run(POP3D, "--help")
    found.add(tuple(re.findall(r"--max-(?:sessions|per-source)=N .*\((\d+)\)",
                               usage)))
    assert found == {("500", str(FROM_ONE_ADDRESS))}
    # each session has a monitor, a greeter or what follows it, a TLS relay
    for unit in "pop3d.service", "pop3ds.service":
        assert installed.show(unit, "TasksMax") == "infinity"


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


def test_ipv6(host):
    client = host.login(address="::1")
    assert client.retr(1)[1] == message(1)[1]
    client.quit()
    assert host.end_of_session()["POP3_RHOST"] == "::1"


def test_connection_as_a_passed_descriptor(host):
    host.drop_in("[Service]\nStandardInput=null\nStandardOutput=journal\n")
    client = host.login()
    assert client.retr(1)[1] == message(1)[1]
    client.quit()
    assert host.end_of_session()["POP3_RHOST"] == LOCALHOST


def test_connection_by_a_unix_socket(host):
    host.drop_in("[Socket]\nListenStream=/run/pop3.sock\n", "pop3d.socket")
    host.run("systemctl", "restart", "pop3d.socket")
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(PATIENCE)
        s.connect("/run/pop3.sock")
        s.sendall(f"USER thomas\r\nPASS {PASSWORD}\r\nSTAT\r\nQUIT\r\n"
                  .encode())
        lines = s.makefile("rb").read().decode().splitlines()
    assert [line[:4] for line in lines] == ["+OK "] * 5
    assert lines[3].startswith("+OK 3 ")


def asks_process_1(host, setting):
    """Whether a login makes nss-systemd ask about dynamic users."""
    trace = pathlib.Path("/run/trace")
    trace.unlink(missing_ok=True)
    # strace has to read whom they connect to
    host.drop_in("[Service]\nCapabilityBoundingSet=CAP_SYS_PTRACE\n"
                 f"{setting}\nExecStart=\nExecStart="
                 f"/usr/bin/strace -f -I4 -o{trace} -econnect {POP3D}\n")
    host.login().quit()
    until(lambda: not host.units(), "the end of the session")
    return "io.systemd.DynamicUser" in trace.read_text()


@needs("strace")
def test_group_lookups_do_not_ask_process_1(host):
    if not asks_process_1(host,
                          "UnsetEnvironment=SYSTEMD_NSS_DYNAMIC_BYPASS"):
        pytest.skip("no module of this host makes nss-systemd ask")
    assert not asks_process_1(host, "")


@needs("strace")
def test_stopping_a_session_lets_it_remove_what_it_has_begun_to(host):
    # each fsync takes a while, and strace itself does not mind SIGTERM
    host.options(before=["/usr/bin/strace", "-f", "-I4", "-o/run/trace",
                         "-einject=fsync:delay_enter=500000"])
    client = host.login()
    client.dele(2)
    client.sock.sendall(b"QUIT\r\n")
    until(lambda: list(STATE.glob("thomas/journal*")), "the journal")
    host.run("systemctl", "stop", host.unit())
    assert client.file.readline().startswith(b"+OK")
    with open("/var/mail/thomas", "rb") as mailbox:
        assert mailbox.read() == entries(1, 3)
    assert not list(STATE.glob("thomas/journal*"))


def test_a_mailbox_process_that_does_not_end_is_killed(host):
    """An attacker's, which has SIGTERM blocked."""
    attacks.require()
    shutil.copy(attacks.BINARY, POP3D)
    host.drop_in("[Service]\nTimeoutStopSec=2\n")
    with socket.create_connection((LOCALHOST, PORT), PATIENCE) as s:
        s.sendall(attacks.script("mailbox", "stay-silent", PASSWORD))
        lines = s.makefile("rb")
        until(lambda: b"began" in lines.readline(), "the attack")
        mailbox = mailbox_of(Process(host.show(host.unit(), "MainPID")))
        host.run("systemctl", "stop", host.unit())
        assert not os.path.exists(f"/proc/{mailbox.pid}")
    assert host.run("journalctl", "-g", "SIGKILL", "-u", "pop3d@*")


def test_state_directory_that_is_made_at_the_first_login(host):
    """Each session passes through it with its user's rights."""
    host.options("--state-dir=/srv/state")
    host.login().quit()
    assert os.stat("/srv/state").st_mode & 0o7777 == 0o711
    assert os.stat("/srv/state/thomas").st_mode & 0o7777 == 0o700
    host.login().quit()


def test_recover_looks_into_the_state_directory_it_is_given(host):
    os.makedirs("/srv/mail/.pop3d/a-former-user")
    host.drop_in("[Service]\nExecStart=\nExecStart="
                 f"{POP3D} --state-dir=/srv/mail/.pop3d --recover\n",
                 "pop3d-recover.service")
    host.run("systemctl", "start", "pop3d-recover.service")
    assert host.journal("/srv/mail/.pop3d/a-former-user belongs to no user")


@pytest.mark.parametrize("sessions", [0, 1])
def test_recover_has_nothing_to_do_after_orderly_sessions(host, sessions):
    for _ in range(sessions):
        client = host.login()
        client.dele(2)
        client.quit()
    host.run("systemctl", "start", "pop3d-recover.service")
    assert host.show("pop3d-recover.service", "Result") == "success"
    with open("/var/mail/thomas", "rb") as mailbox:
        assert mailbox.read() == entries(*([1, 3] if sessions else [1, 2, 3]))


@pytest.mark.parametrize("unit, limit", [("pop3d.service", 3.0),
                                         ("pop3d-recover.service", 5.0),
                                         ("pop3d@0.service", 8.0)])
def test_systemd_finds_it_little_exposed(installed, unit, limit):
    """pop3d@ is started for each connection: see there what would be dear."""
    report = installed.run("systemd-analyze", "security", "--no-pager", unit)
    exposure = re.search(r"exposure level for \S+: ([\d.]+)", report)
    assert float(exposure[1]) < limit, report
