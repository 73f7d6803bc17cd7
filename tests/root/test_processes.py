"""Who runs with which rights, as the kernel sees it."""
import os
import platform
import pwd
import ssl

import pytest

from host import Process, until

# Of root's, in the order of their numbers: see sandbox/privilege.c.
MONITORS = {"chown": 0, "dac_override": 1, "kill": 5, "setgid": 6, "setuid": 7,
            "setpcap": 8, "sys_chroot": 18}
PAMS = MONITORS | {"fowner": 3, "net_bind_service": 10, "sys_nice": 23,
                   "sys_resource": 24, "audit_write": 29, "audit_control": 30}


def as_mask(capabilities):
    return sum(1 << number for number in capabilities.values())


CERTIFICATE = """openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj
/CN=localhost -keyout /etc/pop3d/tls.key -out /etc/pop3d/tls.crt""".split()
NULL = "/dev/null"
LIVE = "/memfd:pop3d-session (deleted)"  # what --who reads
FILTERED = platform.machine() in ("x86_64", "aarch64")


def session(host):
    return Process(host.show(host.unit(), "MainPID"))


def kinds(process):
    """What its descriptors are, in the order of their numbers."""
    return [kind for _, kind in sorted(process.descriptors.items())]


def assert_is_root(process, capabilities):
    assert process.uids == {0}
    # what the host has of them
    there = as_mask(capabilities) & Process("self").bounding
    assert process.bounding == there
    assert process.capabilities == {there, 0}
    assert process.status["NoNewPrivs"] == ["1"]


def assert_is_monitor(process):
    there = as_mask(MONITORS) & Process("self").bounding
    until(lambda: Process(process.pid).bounding == there,
          "PAM's process and the end of the rights that it needs")
    assert_is_root(Process(process.pid), MONITORS)


def authenticator_of(monitor):
    """PAM's process: root, but not the monitor."""
    [pam] = until(lambda: [child for child in monitor.children()
                           if child.uids == {0}], "PAM's process")
    return pam


def strangers_of(monitor):
    """The processes that run as user pop3d."""
    user = pwd.getpwnam("pop3d").pw_uid
    return until(lambda: [child for child in monitor.children()
                          if child.uids == {user}], "the greeter")


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
    [greeter] = strangers_of(monitor)
    assert_confined(greeter, "pop3d", root="/run/pop3d/empty")
    # the connection, twice, and the boundary
    assert kinds(greeter) == ["socket", "socket", NULL, "socket"]
    client.quit()


def mailbox_of(monitor):
    others = {0, pwd.getpwnam("pop3d").pw_uid}
    [mailbox] = until(lambda: [child for child in monitor.children()
                               if not child.uids & others],
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
    monitor = session(host)
    authenticator_of(monitor)
    assert_is_monitor(monitor)
    # the connection, twice; standard error; the log; what --who reads; the
    # boundary, and the same to PAM's process
    found = kinds(monitor)
    assert found.pop(4) == LIVE
    assert found == 6 * ["socket"]
    client.quit()


def test_pam_has_a_process_of_its_own(host):
    client = host.connect()
    monitor = session(host)
    pam = authenticator_of(monitor)
    assert_is_root(pam, PAMS)
    # its line to the monitor, standard error, the log: no connection
    assert kinds(pam) == [NULL, NULL, "socket", "socket", "socket"]
    [greeter] = strangers_of(monitor)
    assert not pam.sockets() & greeter.sockets()
    client.quit()
    until(lambda: not os.path.exists(f"/proc/{pam.pid}"), "its end")


def test_what_was_left_open_reaches_no_process(host):
    host.options("--tls=off", before=["/bin/sh", "-c",
                                      "'exec 7</etc/shadow; exec \"$@\"'",
                                      "sh"])
    client = host.connect()
    monitor = session(host)
    for process in [monitor, *monitor.children()]:
        assert set(kinds(process)) <= {"socket", NULL, LIVE}
    client.quit()


def test_tls_relay_has_the_key_and_no_rights(host):
    os.makedirs("/etc/pop3d", exist_ok=True)
    host.run(*CERTIFICATE)
    client = host.connect()
    context = ssl.create_default_context(cafile="/etc/pop3d/tls.crt")
    context.check_hostname = False
    client.stls(context)
    monitor = session(host)
    relay, greeter = sorted(strangers_of(monitor),
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
    [greeter] = strangers_of(monitor)
    # files of a process that may be dumped belong to its user
    assert os.stat(f"/proc/{greeter.pid}/environ").st_uid == 0
    assert monitor.limit("core file size") == 0
    client.quit()


@pytest.mark.parametrize("ending", ["quit", "close"])
def test_nothing_is_left_after(host, ending):
    getattr(host.login(), ending)()
    until(lambda: not host.units(), "the end of the session's unit")
    assert host.show("pop3d.socket", "NConnections") == "0"
