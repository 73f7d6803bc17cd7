"""Unique ids: how they look, how long they last, where they come from."""
import re
import time

import pytest
from pop3 import message

AUTO, HASH = "--uidl=auto", "--uidl=hash"


def ids(host, *options):
    return host.wires(*options)[1]


def with_id(n, value):
    return message(n, headers=f"X-UIDL: {value}\n")


def test_a_hash_is_32_hex_digits(host):
    host.write(message(1), message(2))
    for kind in AUTO, HASH:
        for uid in ids(host, kind):
            assert re.fullmatch("[0-9a-f]{32}", uid)


def test_auto_is_the_default_and_the_hash_where_there_is_no_x_uidl(host):
    host.write(message(1), with_id(2, "its-own"))
    assert ids(host) == ids(host, AUTO)
    assert ids(host, AUTO)[0] == ids(host, HASH)[0]
    assert ids(host, AUTO)[1] == "its-own"
    assert ids(host, HASH)[1] != "its-own"


def test_ids_stay_over_sessions_and_deletions_and_arrivals(host):
    host.write(*map(message, range(1, 8)))
    first = ids(host)
    assert len(set(first)) == 7
    assert ids(host) == first
    with host.login() as s:
        s.ok("DELE 2")
        s.ok("DELE 7")
        s.ok("QUIT")
    kept = [uid for n, uid in enumerate(first, 1) if n not in (2, 7)]
    assert ids(host) == kept
    host.append(message(8))
    assert ids(host)[:5] == kept
    assert ids(host)[5] not in first


def test_ids_do_not_need_the_state_directory(host):
    host.write(*map(message, range(1, 4)))
    first = ids(host)
    host.state = host.directory("state2")
    assert ids(host) == first


def test_ids_do_not_depend_on_what_was_in_the_mailbox_before(host):
    host.write(*map(message, range(1, 4)))
    first = ids(host)
    host.write(message(3), message(1))
    assert ids(host) == [first[2], first[0]]


def test_a_session_that_ends_without_quit_keeps_ids(host):
    host.write(message(1), message(2))
    with host.login() as s:
        first = s.uidl()
    with host.login() as s:
        assert s.uidl() == first


READERS = ["Status: RO\n", "X-Status: A\n", "X-Keywords: one two\n",
           "X-UID: 17\n", "X-IMAP: 1 2\n", "X-IMAPbase: 1 2\n",
           "Content-Length: 21\n", "Lines: 1\n", "status: O\n",
           "X-KEYWORDS: one\n two\n\tthree\n", "Status: R\nStatus: O\n"]


@pytest.mark.parametrize("header", READERS)
def test_what_mail_readers_change_does_not_change_an_id(host, header):
    plain = [message(1), message(2)]
    host.write(*plain)
    first = ids(host)
    host.write(message(1, headers=header), message(2))
    assert ids(host) == first
    # at the beginning of the header, too
    host.write(plain[0].replace(b"\n", b"\n" + header.encode(), 1), plain[1])
    assert ids(host) == first


def test_a_folded_line_goes_with_its_field(host):
    host.write(message(1))
    plain = ids(host)
    host.write(message(1, headers="Comment: Status\n folded\n"))
    one = ids(host)
    host.write(message(1, headers="Comment: Status\n folded otherwise\n"))
    two = ids(host)
    assert len({*plain, *one, *two}) == 3


@pytest.mark.parametrize("other", [
    message(1, "Another body.\n"), message(1, "this is message 1.\n"),
    message(1, "This is message 1.\n\n"), message(1, ""),
    message(1, headers="X: y\n"), message(1, headers="Statusx: RO\n"),
    message(1, headers="X-Status2: RO\n"), message(1).replace(b"From:", b"Grom:"),
    message(1, "Status: RO\nThis is message 1.\n")])
def test_any_other_difference_makes_another_id(host, other):
    host.write(message(1), other)
    one, two = ids(host)
    assert one != two


def test_a_status_line_in_the_body_counts(host):
    host.write(message(1, "Status: RO\n"), message(1, "Status: O\n"))
    one, two = ids(host)
    assert one != two


def test_a_missing_final_newline_makes_no_difference(host):
    host.write(message(1))
    full = ids(host)
    host.write(message(1)[:-1])
    assert ids(host) == full
    host.write(message(1)[:-2])
    assert ids(host) == full
    host.write(message(1), message(2))
    assert ids(host)[:1] == full


def test_ids_of_messages_of_any_size(host):
    """A change of one byte is seen wherever it lies."""
    size = 300_000
    body = bytearray(b"x" * size)
    host.write(message(1, body.decode()))
    seen = set(ids(host, HASH))
    places = [0, 1, 4095, 4096, 65535, 65536, 131071, 131072, 262144, size - 1]
    for at in places:
        body[at] = ord("y")
        host.write(message(1, body.decode()))
        seen.update(ids(host, HASH))
        body[at] = ord("x")
    assert len(seen) == len(places) + 1


# ---- copies


def test_identical_copies_have_distinct_ids(host):
    host.write(*[message(1)] * 5, message(2), *[message(2)] * 3)
    first = ids(host)
    assert len(set(first)) == 9
    assert all(re.fullmatch("[!-~]{1,70}", uid) for uid in first)
    assert ids(host) == first


def test_ids_of_copies_stay_when_others_are_deleted(host):
    host.write(message(1), *[message(2)] * 3, message(3))
    first = ids(host)
    with host.login() as s:
        s.ok("DELE 1")
        s.ok("DELE 5")
        s.ok("QUIT")
    assert ids(host) == first[1:4]
    with host.login() as s:
        s.ok("DELE 3")
        s.ok("QUIT")
    assert ids(host) == first[1:3]


def test_ids_of_copies_come_from_the_index_too(host):
    host.write(*[message(1)] * 3, message(2))
    time.sleep(0.1)  # so that the times prove that nothing changed
    first = ids(host)
    assert len(set(first)) == 4
    assert ids(host) == first
    with host.login() as s:
        s.ok("DELE 4")
        s.ok("QUIT")
    assert ids(host) == first[:3]


def test_ids_of_copies_stay_when_another_copy_arrives(host):
    host.write(*[message(1)] * 3)
    first = ids(host)
    host.append(message(1))
    assert ids(host)[:3] == first
    assert len(set(ids(host))) == 4


def test_a_thousand_copies(host):
    host.write(message(1) * 1000)
    with host.login() as s:
        assert len(set(s.uidl().values())) == 1000


# ---- X-UIDL


@pytest.mark.parametrize("value", [
    "a", "x" * 70, "!#$%&()*+,-./:;<=>?@[]^_`{|}~", "0", "65d35b6764e2fc80",
    "[AUTH]", "%s%n", "."])
def test_a_valid_x_uidl_is_used(host, value):
    host.write(message(1), with_id(2, value), message(3))
    assert ids(host)[1] == value


@pytest.mark.parametrize("value", [
    "", "x" * 71, "two words", "tab\tbed", "b\u00e4r", "del\x7f", "\x01",
    "x" * 5000, "nul\0"])
def test_another_x_uidl_is_not(host, value):
    host.write(message(1), with_id(2, value), message(3))
    assert ids(host) == ids(host, HASH)


def test_x_uidl_in_any_case_and_with_any_blanks(host):
    host.write(message(1, headers="x-uidl:abc\n"),
               message(2, headers="X-UIDL:   def\n"),
               message(3, headers="X-Uidl: ghi  \n"),
               message(4, headers="X-UIDL: jkl\r\n"))
    assert ids(host) == ["abc", "def", "ghi", "jkl"]


def test_x_uidl_in_the_body_is_text(host):
    host.write(message(1, "X-UIDL: abc\n"))
    assert ids(host) == ids(host, HASH)


def test_of_two_messages_with_one_x_uidl_the_first_has_it(host):
    host.write(with_id(1, "same"), with_id(2, "same"), message(3),
               with_id(4, "same"))
    got, hashes = ids(host), ids(host, HASH)
    assert got == ["same"] + hashes[1:]


def test_an_x_uidl_is_not_handed_on_when_its_message_is_deleted(host):
    """A client would take the second for the first, which it has."""
    host.write(with_id(1, "same"), with_id(2, "same"))
    with host.login() as s:
        first, second = s.uidl().values()
        assert first == "same"
        s.ok("DELE 1")
        s.ok("QUIT")
    assert ids(host) == [second]
    host.append(message(3))
    assert ids(host)[0] == second
    # nor when another program adds or repeats one
    host.append(with_id(4, "other"))
    third, fourth = ids(host)[1:]
    host.write(with_id(2, "same"), with_id(3, "new"), with_id(4, "other"))
    assert ids(host) == [second, third, fourth]
    assert fourth == "other"


def test_an_x_uidl_is_not_handed_on_by_a_rewriting_in_a_session(host):
    host.write(with_id(1, "same"), with_id(2, "same"), message(3))
    second = ids(host)[1]
    with host.login() as s:
        host.rewrite(with_id(2, "same") + message(3))
        s.ok("DELE 3")
        s.ok("QUIT")
    assert ids(host) == [second]


def test_x_uidl_does_not_count_in_the_hash(host):
    host.write(message(1), message(2))
    plain = ids(host, HASH)
    host.write(with_id(1, "abc"), with_id(2, "def"))
    assert ids(host, HASH) == plain


@pytest.mark.parametrize("thief_first", [False, True])
def test_an_x_uidl_that_is_anothers_hash_stays_unique(host, thief_first):
    host.write(message(1))
    stolen = ids(host, HASH)[0]
    two = [with_id(2, stolen), message(1)]
    host.write(*(two if thief_first else two[::-1]))
    assert len(set(ids(host))) == 2


def test_x_uidls_of_thieves_and_copies_stay_unique(host):
    host.write(*[message(1)] * 4)
    hashes = ids(host, HASH)
    host.write(*[message(1)] * 4, *(with_id(9, uid) for uid in hashes),
               *(with_id(8, uid) for uid in hashes))
    got = ids(host)
    assert len(set(got)) == 12
    assert ids(host) == got


def test_two_x_uidl_fields_in_a_message(host):
    host.write(message(1, headers="X-UIDL: one\nX-UIDL: two\n"))
    assert ids(host)[0] in ("one", "two", *ids(host, HASH))


def test_x_uidl_is_sent_with_the_message(host):
    host.write(with_id(1, "abc"))
    assert b"X-UIDL: abc\r\n" in host.wires()[0][0]
