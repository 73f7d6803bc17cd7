"""--mailbox's %n and %d, and what --virtual-user asks of a template."""
import os

import pytest
from pop3 import message


def login(host, name, template, *more):
    """(the reply to PASS, STAT's messages or None)"""
    host.account(name, "secret")
    with host.connect(f"--mailbox={host.mail}/{template}", *more) as s:
        s.ok(f"USER {name}")
        s.send("PASS secret")
        reply = s.hear().decode()
        if not reply.startswith("+OK"):
            return reply, None
        count = s.stat()[0]
        s.ok("QUIT")
        return reply, count


@pytest.mark.parametrize("name, template, path", [
    ("anna@example.org", "%u", "anna@example.org"),
    ("anna@example.org", "%d/%n", "example.org/anna"),
    ("a@b@example.org", "%d/%n", "example.org/a@b"),
    ("anna@example.org", "%n", "anna"),
    ("anna", "%n", "anna"),
    (".anna@example.org", "%d/%n", "example.org/.anna"),
    ("...@...", "%d/%n", ".../..."),
    ("%d@example.org", "%d/%n", "example.org/%d"),
    ("anna@example.org", "%%d/%n", "%d/anna"),
])
def test_parts_of_a_name(host, name, template, path):
    full = os.path.join(host.mail, path)
    if "/" in path:
        host.directory(os.path.dirname(f"mail/{path}"))
    host.put(full, message(1))
    assert login(host, name, template)[1] == 1
    assert os.listdir(host.state) == [name]


@pytest.mark.parametrize("name", [
    "anna", "anna@", "@example.org", "anna@..", "anna@.", "..@example.org",
    ".@example.org"])
def test_names_that_do_not_make_a_path(host, name):
    host.put(f"{host.mail}/anna", message(1))
    reply, _ = login(host, name, "%d/%n")
    assert reply.startswith("-ERR [AUTH]")
    assert os.listdir(host.state) == []


@pytest.mark.parametrize("template, works", [
    ("%u", True), ("%d/%n", True), ("%n@%d", True), ("%n", False),
    ("%d", False), ("%h/mbox", False), ("%%u", False), ("mbox", False),
    ("%d/x/%n-%d", True), ("%n/mbox.%d", True), ("%n@%d.mbox", True),
    # a-b@c and a@b-c
    ("%n-%d", False), ("%d%n", False), ("%n.%d", False),
    ("%%n@%d.%n", False), ("%n.%d/%d%n", False)])
def test_virtual_users_have_a_mailbox_each(host, template, works):
    status, _, err = host.run("--virtual-user=nobody", "--check", "anna@b",
                              f"--mailbox=/nonexistent/{template}",
                              f"--state-dir={host.state}")
    assert (status == 64) == (not works)
    assert ("--virtual-user needs" in err) == (not works)


def test_unknown_virtual_user_is_the_administrators_fault(host):
    host.put(f"{host.mail}/anna", message(1))
    reply, _ = login(host, "anna", "%u", "--virtual-user=no-such-user")
    assert reply.startswith("-ERR [SYS/PERM]")
    assert b"--virtual-user=no-such-user" in host.log()


@pytest.mark.parametrize("name, template", [
    ("thomas.lock", "%u"), ("a@b.lock", "%n/%d"), (".lock", "%u")])
def test_mailbox_in_the_place_of_a_dotlock(host, name, template):
    """It would be broken as a stale lock of the mailbox whose lock it is."""
    host.directory("mail/a")
    reply, _ = login(host, name, template)
    assert reply.startswith("-ERR [AUTH]")
    assert f"another mailbox's dotlock: {host.mail}/".encode() in host.log()
    assert os.listdir(host.state) == []


def test_user_whose_mailbox_would_be_a_dotlock_is_told_to_who_checks(host):
    status, out, _ = host.run("--check", "thomas.lock",
                              f"--mailbox={host.mail}/%u")
    assert status == 2
    assert "account thomas.lock: its mailbox would be a dotlock" in out


@pytest.mark.parametrize("template", ["/%x", "/%u.lock", "%h/.lock"])
def test_templates_that_are_none(host, template):
    assert host.run(f"--mailbox={template}")[0] == 64
