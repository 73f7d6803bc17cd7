"""--log-deletions: a line for each message that is removed, and for no other."""
import os
import re

import pytest
from pop3 import locked, message

STORES = ("mbox", "maildir")
REMOVED = re.compile(r": removed: uidl=(\S+) size=(\d+) message-id=(\S+)$")


def removed(session):
    """(uidl, size, Message-ID) of each such line, once the session is over."""
    session.status()
    lines = [line for line in session.log().splitlines() if "removed" in line]
    found = [REMOVED.search(line) for line in lines]
    assert None not in found, lines
    return [(line[1], int(line[2]), line[3]) for line in found]


def with_id(n, value, name="Message-ID"):
    return message(n, headers=f"{name}: {value}\n")


def test_a_line_for_each_message_that_quit_removes(host):
    host.write(with_id(1, "<one@example.org>"), with_id(2, "<two@example.org>"),
               message(3), with_id(4, "<four@example.org>"))
    with host.login("--log-deletions") as s:
        uidl, sizes = s.uidl(), s.list()
        s.retr(2)
        for n in 1, 3, 4:
            s.ok(f"DELE {n}")
        s.ok("QUIT")
        assert removed(s) == [
            (uidl[1], sizes[1], "<one@example.org>"),
            (uidl[3], sizes[3], "-"),
            (uidl[4], sizes[4], "<four@example.org>")]


def test_no_lines_without_the_option(host):
    host.write(message(1))
    with host.login() as s:
        s.ok("DELE 1")
        s.ok("QUIT")
        assert removed(s) == []


@pytest.mark.parametrize("last", ["RSET", "hang up"])
def test_no_line_for_what_is_not_removed(host, last):
    host.write(message(1))
    with host.login("--log-deletions") as s:
        s.ok("DELE 1")
        if last == "RSET":
            s.ok("RSET")
            s.ok("QUIT")
        else:
            s.hang_up()
        assert removed(s) == []


@pytest.mark.store("mbox")
def test_no_line_where_the_commit_fails(host):
    host.write(message(1), message(2))
    with host.login("--log-deletions", "--lock-timeout=0") as s:
        s.ok("DELE 1")
        with locked(host.mailbox, "dotlock"):
            s.err("QUIT", "-ERR [SYS/TEMP] ...")
        s.status()
        assert not REMOVED.search(s.log())


def test_no_line_for_what_another_program_took_away(host):
    host.write(with_id(1, "<one@example.org>"), with_id(2, "<two@example.org>"),
               message(3))
    with host.login("--log-deletions") as s:
        s.ok("DELE 1")
        s.ok("DELE 2")
        host.write(with_id(2, "<two@example.org>"), message(3))
        s.reply("QUIT")
        s.status()
        found = [line[3] for line in map(REMOVED.search,
                                         s.log().splitlines()) if line]
    assert "<one@example.org>" not in found
    assert host.read().count(b"This is message 3.") == 1


@pytest.mark.parametrize("header, told", [
    ("Message-Id: <lower@case>", "<lower@case>"),
    ("MESSAGE-ID : <blank@before>", "<blank@before>"),
    ("Message-ID:\n <folded@line>", "<folded@line>"),
    ("Message-ID: <two words> x", r"<two\x20words>\x20x"),
    ("Message-ID: \x1b[31m<a>\x07", r"\x1b[31m<a>\x07"),
    ("Message-ID: back\\slash", r"back\x5cslash"),
    ("Message-ID:", "-"),
    ("Message-IDs: <other@field>", "-"),
    ("X-Message-ID: <other@field>", "-"),
    ("Subject: x\n\nMessage-ID: <in@body>", "-"),
    ("Message-ID: <first@one>\nMessage-ID: <second@one>", "<first@one>")])
def test_message_ids_as_strangers_write_them(host, header, told):
    host.write(message(1, headers=header + "\n"))
    with host.login("--log-deletions") as s:
        s.ok("DELE 1")
        s.ok("QUIT")
        assert [line[2] for line in removed(s)] == [told]


def test_a_message_id_is_bounded(host):
    host.write(with_id(1, "<" + "\x01" * 100_000 + ">"))
    with host.login("--log-deletions") as s:
        s.ok("DELE 1")
        s.ok("QUIT")
        [(_, _, told)] = removed(s)
    assert 100 < len(told) < 600


@pytest.mark.store("maildir")
def test_only_what_was_removed_of_a_commit_that_stops(host):
    """cur/ cannot be written: what is in new/ goes, the rest stays."""
    host.write(message(1), message(2))
    os.rename(f"{host.mailbox}/new/1700000001.M1P1.host",
              f"{host.mailbox}/cur/1700000001.M1P1.host:2,S")
    with host.login("--log-deletions") as s:
        uidl = s.uidl()
        s.ok("DELE 1")
        s.ok("DELE 2")
        os.chmod(f"{host.mailbox}/cur", 0o500)
        s.send("QUIT")
        reply = s.hear()
        s.status()
        os.chmod(f"{host.mailbox}/cur", 0o700)
        left = len(host.files())
        told = [line[1] for line in map(REMOVED.search,
                                        s.log().splitlines()) if line]
    assert left == 1
    # either the rest is to follow, and was promised, or it was not
    assert told == (list(uidl.values()) if reply.startswith(b"+OK")
                    else [uidl[1]])
