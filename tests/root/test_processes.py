"""Who runs with which rights, as the kernel sees it."""
import grp
import pwd

from host import Process, until


def session(host):
    return Process(host.show(host.unit(), "MainPID"))


def assert_confined(process, name):
    user = pwd.getpwnam(name)
    assert process.uids == {user.pw_uid}
    assert process.gids == {user.pw_gid}
    assert process.capabilities == {0}
    assert process.status["NoNewPrivs"] == ["1"]


def test_strangers_talk_to_a_process_without_rights(host):
    client = host.connect()
    monitor = session(host)
    assert monitor.uids == {0}
    [greeter] = monitor.children()
    assert_confined(greeter, "pop3d")
    assert greeter.root == "/run/pop3d/empty"
    client.quit()


def test_mailbox_process_is_the_user(host):
    client = host.login()
    monitor = session(host)
    assert monitor.uids == {0}
    [mailbox] = until(lambda: len(monitor.children()) == 1
                      and monitor.children(), "the greeter's end")
    assert_confined(mailbox, "thomas")
    assert grp.getgrnam("mail").gr_gid not in mailbox.gids
    client.quit()


def test_nothing_is_left_after_quit(host):
    host.login().quit()
    until(lambda: not host.units(), "the end of the session's unit")
    assert host.show("pop3d.socket", "NConnections") == "0"


def test_nothing_is_left_after_the_client_vanished(host):
    client = host.login()
    client.close()
    until(lambda: not host.units(), "the end of the session's unit")
