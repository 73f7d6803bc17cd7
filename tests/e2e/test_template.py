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
    ("anna@example.org", "%1u/%u", "a/anna@example.org"),
    ("anna@example.org", "%d/%1n/%1.1n/%n", "example.org/a/n/anna"),
    ("anna@example.org", "%3d/%4.2n/%n", "exa/anna"),
    ("a@example.org", "%d/%1n/%1.1n/%n", "example.org/a/a"),
    ("anna@example.org", "%2Mu/%u", "77/anna@example.org"),
    ("anna@example.org", "%2Mn/%2.2Mn/%n", "a7/0f/anna"),
    ("anna@example.org", "%1Md/%32Mn",
     "1/a70f9e38ff015afaa9ab0aacabee2e13"),
    ("anna@example.org", "%%1u/%n", "%1u/anna"),
])
def test_parts_of_a_name(host, name, template, path):
    full = os.path.join(host.mail, path)
    for n in range(path.count("/")):
        host.directory("mail/" + "/".join(path.split("/")[:n + 1]))
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
    ("%%n@%d.%n", False), ("%n.%d/%d%n", False),
    ("%1u/%u", True), ("%2Mu/%1.1Mu/%u", True), ("%1d/%d/%1n/%n", True),
    ("%2u%u", True), ("%2n%u/%d", False), ("%1n%n/%d", False),
    ("%1u", False), ("%32Mu", False), ("%d/%2n", False), ("%1n@%d", False)])
def test_virtual_users_have_a_mailbox_each(host, template, works):
    status, _, err = host.run("--virtual-user=nobody", "--check", "anna@b",
                              f"--mailbox=/nonexistent/{template}",
                              f"--state-dir={host.state}")
    assert (status == 64) == (not works)
    assert ("--virtual-user needs" in err) == (not works)


def test_unknown_virtual_user_is_the_administrators_fault(host):
    with host.start("--virtual-user=no-such-user") as s:
        s.expect("-ERR [SYS/PERM] ...")
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


@pytest.mark.parametrize("name, template", [
    (".anna@example.org", "%1u/%u"), ("..anna@example.org", "%2n/%n"),
    ("a.anna@example.org", "%1.1n/%n"), ("a..b@example.org", "%2.1u/%u"),
    ("anna@.org", "%1d/%n")])
def test_a_piece_of_a_name_is_no_step_in_the_path(host, name, template):
    reply, _ = login(host, name, template)
    assert reply.startswith("-ERR [AUTH]")
    assert os.listdir(host.state) == []


@pytest.mark.parametrize("template", [
    "/%x", "/%u.lock", "%h/.lock", "/%0u", "/%1.u", "/%1h", "/%1%", "/%Mu",
    "/%1.2.3u", "/%.1u", "/%100u", "/%1", "/%1M", "/%-1u",
    "/%99999999999999999999u"])
def test_templates_that_are_none(host, template):
    assert host.run(f"--mailbox={template}")[0] == 64
