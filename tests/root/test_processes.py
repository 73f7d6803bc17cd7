"""Who runs with which rights, as the kernel sees it."""
import os
import platform
import pwd
import ssl

import pytest

from host import Process, until

# Of root's, in the order of their numbers: see sandbox/privilege.c.
MONITORS = {"chown": 0, "dac_override": 1, "fowner": 3, "kill": 5, "setgid": 6,
            "setuid": 7, "setpcap": 8, "net_bind_service": 10,
            "sys_chroot": 18, "sys_nice": 23, "sys_resource": 24,
            "audit_write": 29, "audit_control": 30}
MONITOR_SET = sum(1 << number for number in MONITORS.values())
CERTIFICATE = """openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj
/CN=localhost -keyout /etc/pop3d/tls.key -out /etc/pop3d/tls.crt""".split()
NULL = "/dev/null"
FILTERED = platform.machine() in ("x86_64", "aarch64")


def session(host):
    return Process(host.show(host.unit(), "MainPID"))


def kinds(process):
    """What its descriptors are, in the order of their numbers."""
    return [kind for _, kind in sorted(process.descriptors.items())]


def assert_is_monitor(process):
    assert process.uids == {0}
    # what the host has of them
    there = MONITOR_SET & Process("self").bounding
    assert process.bounding == there
    assert process.capabilities == {there, 0}
    assert process.status["NoNewPrivs"] == ["1"]


def assert_confined(process, name, root="/"):
    user = pwd.getpwnam(name)
    assert process.uids == {user.pw_uid}
    assert process.gids == {user.pw_gid}
    assert process.capabilities == {0}
    assert process.bounding == 0
    assert process.root == root
    assert process.status["NoNewPrivs"] == ["1"]
    assert process.limit("processes") == 0
    assert process.limit("core file size") == 0
    assert process.limit("open files") <= 32
    if FILTERED and "Seccomp" in process.status:
        assert process.status["Seccomp"] == ["2"]


def test_strangers_talk_to_a_process_without_rights(host):
    client = host.connect()
    monitor = session(host)
    assert_is_monitor(monitor)
    [greeter] = monitor.children()
    assert_confined(greeter, "pop3d", root="/run/pop3d/empty")
    # the connection, twice, and the boundary
    assert kinds(greeter) == ["socket", "socket", NULL, "socket"]
    client.quit()


def mailbox_of(monitor):
    [mailbox] = until(lambda: [child for child in monitor.children()
                               if child.uids != {pwd.getpwnam("pop3d").pw_uid}],
                      "the mailbox process")
    return mailbox


def test_mailbox_process_is_the_user(host):
    client = host.login()
    monitor = session(host)
    assert_is_monitor(monitor)
    mailbox = mailbox_of(monitor)
    assert_confined(mailbox, "thomas")
    lock = "/var/lib/pop3d/thomas/lock"
    # the connection, twice; standard error; the log, and the boundary
    assert sorted(mailbox.descriptors.values()) == sorted(
        5 * ["socket"] + ["/var/mail/thomas", "/var/lib/pop3d/thomas", lock])
    assert kinds(mailbox)[:3] == ["socket", "socket", "socket"]
    client.quit()


def test_monitor_holds_the_connection_the_log_and_a_boundary(host):
    client = host.connect()
    # the connection, twice; standard error; the log, and the boundary;
    # modules of PAM may open a log of their own at the login
    assert kinds(session(host)) == 5 * ["socket"]
    client.quit()


def test_what_was_left_open_reaches_no_process(host):
    host.options("--tls=off", before=["/bin/sh", "-c",
                                      "'exec 7</etc/shadow; exec \"$@\"'",
                                      "sh"])
    client = host.connect()
    monitor = session(host)
    for process in [monitor, *monitor.children()]:
        assert set(kinds(process)) <= {"socket", NULL}
    client.quit()


def test_tls_relay_has_the_key_and_no_rights(host):
    os.makedirs("/etc/pop3d", exist_ok=True)
    host.run(*CERTIFICATE)
    client = host.connect()
    context = ssl.create_default_context(cafile="/etc/pop3d/tls.crt")
    context.check_hostname = False
    client.stls(context)
    monitor = session(host)
    relay, greeter = sorted(monitor.children(),
                            key=lambda process: len(process.descriptors),
                            reverse=True)
    for process in relay, greeter:
        assert_confined(process, "pop3d", root="/run/pop3d/empty")
    # the encrypted connection, twice; the plain side; its line to the monitor
    assert kinds(relay) == ["socket", "socket", NULL, "socket", "socket"]
    # the plain side and the boundary: the encrypted connection is gone
    assert kinds(greeter) == [NULL, "socket", "socket"]
    for process in monitor, greeter:
        assert not process.sockets() & relay.sockets()
    client.quit()


def test_no_process_dumps_its_memory(host):
    client = host.connect()
    monitor = session(host)
    [greeter] = monitor.children()
    # files of a process that may be dumped belong to its user
    assert os.stat(f"/proc/{greeter.pid}/environ").st_uid == 0
    assert monitor.limit("core file size") == 0
    client.quit()


@pytest.mark.parametrize("ending", ["quit", "close"])
def test_nothing_is_left_after(host, ending):
    getattr(host.login(), ending)()
    until(lambda: not host.units(), "the end of the session's unit")
    assert host.show("pop3d.socket", "NConnections") == "0"
