"""What a session tells about the messages, and what it deletes."""
import os
import re

import pytest
import reference
from pop3 import entry, locked, message

STORES = ("mbox", "maildir")

KNOWN_CAPABILITIES = {
    "TOP", "UIDL", "USER", "SASL", "RESP-CODES", "AUTH-RESP-CODE",
    "PIPELINING", "STLS", "EXPIRE", "LOGIN-DELAY", "UTF8", "LANG",
    "IMPLEMENTATION"}


def octets(*entries):
    return sum(len(m.wire) for m in reference.split(b"".join(entries)))


# ---- listings


def test_a_session_as_the_classic_servers_play_it(host):
    one, two, three = message(1), message(2, "a\nb\nc\n"), message(3)
    host.write(one, two, three)
    with host.login() as s:
        s.play(f"""
            C: STAT
            S: +OK 3 {octets(one, two, three)}
            C: LIST
            S: +OK 3 messages ({octets(one, two, three)} octets)
            S: 1 {octets(one)}
            S: 2 {octets(two)}
            S: 3 {octets(three)}
            S: .
            C: LIST 2
            S: +OK 2 {octets(two)}
            C: TOP 2 1
            S: +OK ...
            S: From: sender@example.org
            S: Subject: message 2
            S: ...
            S: a
            S: .
            C: RETR 2
            S: +OK {octets(two)} octets
            S: From: sender@example.org
            S: Subject: message 2
            S: ...
            S: a
            S: b
            S: c
            S: .
            C: DELE 1
            S: +OK Message 1 has been deleted.
            C: RSET
            S: +OK Maildrop has 3 messages ({octets(one, two, three)} octets)
            C: NOOP
            S: +OK...
            C: QUIT
            S: +OK Pop server at ... signing off.
            S: (closed)
            """)


def test_an_empty_maildrop_has_empty_lists(host):
    with host.login() as s:
        s.play("""
            C: STAT
            S: +OK 0 0
            C: LIST
            S: +OK 0 messages (0 octets)
            S: .
            C: UIDL
            S: +OK...
            S: .
            C: LIST 1
            S: -ERR ...
            C: UIDL 1
            S: -ERR ...
            C: RETR 1
            S: -ERR ...
            C: TOP 1 0
            S: -ERR ...
            C: DELE 1
            S: -ERR ...
            C: LAST
            S: +OK 0
            C: RSET
            S: +OK Maildrop has 0 messages (0 octets)
            C: QUIT
            S: +OK ...
            """)


def test_a_deleted_message_is_neither_counted_nor_listed_nor_sent(host):
    one, two, three = message(1), message(2), message(3, "longer\n" * 5)
    host.write(one, two, three)
    with host.login() as s:
        all_ids = s.uidl()
        s.play(f"""
            C: DELE 2
            S: +OK Message 2 has been deleted.
            C: STAT
            S: +OK 2 {octets(one, three)}
            C: LIST
            S: +OK 2 messages ({octets(one, three)} octets)
            S: 1 {octets(one)}
            S: 3 {octets(three)}
            S: .
            C: LIST 2
            S: -ERR ...
            C: UIDL 2
            S: -ERR ...
            C: RETR 2
            S: -ERR ...
            C: TOP 2 0
            S: -ERR ...
            C: DELE 2
            S: -ERR ...
            C: LIST 3
            S: +OK 3 {octets(three)}
            """)
        assert s.uidl() == {n: all_ids[n] for n in (1, 3)}
        s.ok("RSET")
        assert s.uidl() == all_ids
        assert s.retr(2) is not None


def test_list_and_uidl_of_one_agree_with_those_of_all(host):
    host.write(*map(message, range(1, 30)))
    with host.login() as s:
        for n, size in s.list().items():
            s.ok(f"LIST {n}", f"+OK {n} {size}")
        for n, uid in s.uidl().items():
            s.ok(f"UIDL {n}", f"+OK {n} {uid}")


def test_list_is_what_retr_sends(host):
    host.write(*(message(n, "x\n" * n * n) for n in range(1, 20)))
    with host.login() as s:
        sizes = s.list()
        assert s.stat() == (len(sizes), sum(sizes.values()))
        for n, size in sizes.items():
            assert len(s.retr(n)) == size


# ---- TOP


def test_top_0_sends_the_header_and_the_empty_line(host):
    host.write(message(1))
    with host.login() as s:
        assert s.text("TOP 1 0") == (b"From: sender@example.org\r\n"
                                     b"Subject: message 1\r\n\r\n")


@pytest.mark.parametrize("body", [
    "1\n2\n3\n", "\n\n\n", ".\n..\nx\n", "no newline", "\n1\n\n\n2\n", "",
    "x" * 300_000 + "\n2\n", "1\r\n2\n\r\n3\r\n", "\0\n\0\n"])
def test_top_sends_as_many_lines_as_asked(host, body):
    host.write(entry("A: b\nC: d\n\n" + body)[:-1])
    with host.login() as s:
        whole = s.retr(1)
        for count in (0, 1, 2, 3, 4, 5, 100):
            assert s.text(f"TOP 1 {count}") == reference.top(whole, count)


def test_top_with_a_huge_count_sends_all(host):
    host.write(message(1, "line\n" * 100))
    with host.login() as s:
        whole = s.retr(1)
        for count in ("4294967295", "4294967296", "4294967297", "2147483648",
                      "9223372036854775807"):
            assert s.text(f"TOP 1 {count}") == whole


def test_top_of_a_message_without_a_body_sends_its_header(host):
    host.write(entry("A: b\nC: d\n"))
    with host.login() as s:
        assert s.text("TOP 1 0") == b"A: b\r\nC: d\r\n"
        assert s.text("TOP 1 5") == b"A: b\r\nC: d\r\n"


def test_top_of_a_message_without_a_header(host):
    host.write(entry("\nbody\nmore\n"))
    with host.login() as s:
        assert s.text("TOP 1 0") == b"\r\n"
        assert s.text("TOP 1 1") == b"\r\nbody\r\n"


def test_top_stuffs_dots(host):
    host.write(message(1, ".\n.\n"))
    with host.login() as s:
        s.play("""
            C: TOP 1 1
            S: +OK...
            S: From: sender@example.org
            S: Subject: message 1
            S: ...
            S: ..
            S: .
            C: NOOP
            S: +OK...
            """)


# ---- DELE, RSET, QUIT


@pytest.mark.parametrize("numbers", [
    [1], [5], [3], [2, 3, 4], [1, 3, 5], [2, 4], [1, 2, 3, 4], [2, 3, 4, 5],
    [1, 2, 3, 4, 5], [5, 1, 3]])
def test_quit_removes_the_deleted_and_only_them(host, numbers):
    data = host.write(*(message(n, f"line {n}\n" * n * 50)
                        for n in range(1, 6)))
    before = os.stat(host.mailbox)
    with host.login() as s:
        for n in numbers:
            s.ok(f"DELE {n}", f"+OK Message {n} has been deleted.")
        s.ok("QUIT", "+OK Pop server at ... signing off.")
        s.closed()
    assert host.read() == reference.without(data, numbers)
    after = os.stat(host.mailbox)
    assert (before.st_ino, before.st_mode, before.st_uid, before.st_gid) == \
        (after.st_ino, after.st_mode, after.st_uid, after.st_gid)


def test_only_quit_removes(host):
    data = host.write(message(1), message(2))
    with host.login() as s:
        s.ok("DELE 1")
        assert host.read() == data
        s.ok("RETR 2")
        s.hear_text()
        assert host.read() == data
        s.ok("QUIT")
    assert host.read() == message(2)


def test_rset_takes_every_deletion_back(host):
    data = host.write(message(1), message(2), message(3))
    with host.login() as s:
        s.play(f"""
            C: DELE 1
            S: +OK Message 1 has been deleted.
            C: DELE 3
            S: +OK Message 3 has been deleted.
            C: RSET
            S: +OK Maildrop has 3 messages ({octets(data)} octets)
            C: STAT
            S: +OK 3 {octets(data)}
            C: DELE 3
            S: +OK Message 3 has been deleted.
            C: RSET
            S: +OK Maildrop has 3 messages ({octets(data)} octets)
            C: QUIT
            S: +OK ...
            """)
    assert host.read() == data


def test_the_next_session_has_the_numbers_moved_up(host):
    host.write(*map(message, range(1, 6)))
    texts, uids = host.wires()
    with host.login() as s:
        s.ok("DELE 2")
        s.ok("DELE 4")
        s.ok("QUIT")
    assert host.wires() == ([texts[n] for n in (0, 2, 4)],
                            [uids[n] for n in (0, 2, 4)])


def test_a_session_that_deletes_nothing_writes_nothing(host):
    host.write(message(1), message(2))
    before = os.stat(host.mailbox)
    host.wires()
    after = os.stat(host.mailbox)
    assert (before.st_mtime_ns, before.st_ctime_ns, before.st_size) == \
        (after.st_mtime_ns, after.st_ctime_ns, after.st_size)


def test_ten_thousand_deletions_pipelined(host):
    data = host.write(*map(message, range(1, 10_001)))
    with host.start() as s:
        out = s.exchange(b"USER thomas\r\nPASS secret\r\n" + b"".join(
            b"DELE %d\r\n" % n for n in range(1, 10_001, 2)) + b"QUIT\r\n")
        assert out.endswith(b"signing off.\r\n")
        assert out.count(b"has been deleted") == 5000
    assert host.read() == reference.without(data, range(1, 10_001, 2))


# ---- LAST


def test_last_is_the_highest_number_retrieved_or_deleted(host):
    host.write(*map(message, range(1, 6)))
    with host.login() as s:
        s.ok("LAST", "+OK 0")
        s.retr(2)
        s.ok("LAST", "+OK 2")
        s.retr(1)
        s.ok("LAST", "+OK 2")
        s.ok("DELE 4")
        s.ok("LAST", "+OK 4")
        s.err("RETR 9")
        s.err("RETR 4")
        s.ok("LAST", "+OK 4")


@pytest.mark.store("mbox")
def test_last_does_not_pass_a_message_that_could_not_be_sent(host):
    host.write(*map(message, range(1, 4)))
    with host.login("--lock-timeout=1") as s:
        with locked(host.mailbox, "fcntl"):
            s.err("RETR 3", "-ERR [SYS/TEMP] ...")
        s.ok("LAST", "+OK 0")
        s.retr(1)
        host.replace(message(1) + message(2))
        s.err("RETR 3", "-ERR No such message...")
        s.ok("LAST", "+OK 1")
        s.ok("QUIT")
    with host.login() as s:
        s.ok("LAST", "+OK 1")
        s.ok("QUIT")


def test_last_is_remembered_and_rset_sets_it_back_to_that(host):
    host.write(*map(message, range(1, 6)))
    with host.login() as s:
        s.retr(2)
        s.ok("QUIT")
    with host.login() as s:
        s.ok("LAST", "+OK 2")
        s.retr(4)
        s.ok("LAST", "+OK 4")
        s.ok("RSET")
        s.ok("LAST", "+OK 2")
        s.retr(1)
        s.ok("LAST", "+OK 2")
        s.ok("QUIT")
    with host.login() as s:
        s.ok("LAST", "+OK 2")


def test_last_moves_with_the_messages(host):
    host.write(*map(message, range(1, 6)))
    with host.login() as s:
        s.retr(3)
        s.ok("DELE 1")
        s.ok("QUIT")
    with host.login() as s:
        s.ok("LAST", "+OK 2")
        s.ok("DELE 2")
        s.ok("DELE 1")
        s.ok("QUIT")
    with host.login() as s:
        s.ok("LAST", "+OK 0")


def test_last_is_never_more_than_there_are_messages(host):
    host.write(*map(message, range(1, 6)))
    with host.login() as s:
        s.retr(5)
        s.ok("QUIT")
    host.write(message(9))
    with host.login() as s:
        assert s.reply("LAST") in ("+OK 0", "+OK 1")


# ---- CAPA


def capabilities(s):
    s.ok("CAPA")
    return s.hear_text().decode().splitlines()


def test_capa_lists_what_works(host):
    with host.connect() as s:
        before = capabilities(s)
        s.ok("USER thomas")
        s.ok("PASS secret")
        after = capabilities(s)
    for lines in before, after:
        tags = [line.split()[0] for line in lines]
        assert len(set(tags)) == len(tags)
        assert set(tags) <= KNOWN_CAPABILITIES
        assert {"TOP", "UIDL", "USER", "RESP-CODES", "AUTH-RESP-CODE",
                "PIPELINING"} <= set(lines)
        assert "EXPIRE NEVER" in lines
        assert all(re.fullmatch(r"[!-~]+( [!-~]+)*", line) for line in lines)
    # RFC 2449 section 5: what is announced before login is so after it
    assert {line.split()[0] for line in before} <= \
        {line.split()[0] for line in after}


def test_capa_does_not_tell_strangers_the_implementation(host):
    with host.connect() as s:
        assert not any("IMPLEMENTATION" in line for line in capabilities(s))
    with host.login() as s:
        assert any(re.fullmatch(r"IMPLEMENTATION .*\S", line)
                   for line in capabilities(s))


def test_capa_does_not_announce_tls_without_a_certificate(host):
    with host.connect() as s:
        assert "STLS" not in capabilities(s)
        s.err("STLS")
