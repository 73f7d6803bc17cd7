"""The reference reader of mailboxes is right about what can be said by hand."""
import pytest
import reference

FROM = b"From a@example.org Wed Dec  2 05:53:22 1992\n"


def wires(data):
    return [m.wire for m in reference.split(data)]


def test_empty_mailbox_has_no_messages():
    assert wires(b"") == []


def test_the_one_empty_line_at_the_end_is_not_part_of_a_message():
    assert wires(FROM + b"A: b\n\nbody\n\n") == [b"A: b\r\n\r\nbody\r\n"]
    assert wires(FROM + b"A: b\n\nbody\n\n\n") == [b"A: b\r\n\r\nbody\r\n\r\n"]
    assert wires(FROM + b"A: b\n\nbody") == [b"A: b\r\n\r\nbody\r\n"]


def test_a_message_starts_after_an_empty_line_only():
    assert wires(FROM + b"one\n" + FROM + b"two\n\n" + FROM + b"three\n") == [
        b"one\r\n" + FROM[:-1] + b"\r\ntwo\r\n", b"three\r\n"]


def test_two_from_lines_with_an_empty_line_between_are_two_empty_messages():
    assert wires(FROM + b"\n" + FROM) == [b"", b""]


def test_crlf_stays_and_lone_cr_stays():
    data = FROM[:-1] + b"\r\nA: b\r\n\r\nx\ry\r\n\r\n" + FROM + b"\r\r\n\r"
    assert wires(data) == [b"A: b\r\n\r\nx\ry\r\n", b"\r\r\n\r\n"]


def test_what_does_not_begin_with_a_from_line_is_not_an_mbox():
    for data in b"\n" + FROM, b"From here on\n", b"x", b"\0":
        with pytest.raises(reference.NotAnMbox):
            reference.split(data)


def test_internal_data_is_hidden_at_the_beginning_only():
    note = FROM + b"Subject: " + reference.NOTE + b"\nX-IMAP: 1 2\n\nx\n\n"
    assert wires(note + FROM + b"A: b\n") == [b"A: b\r\n"]
    assert len(wires(FROM + b"A: b\n\n" + note)) == 2


def test_top_sends_the_header_and_some_lines():
    text = b"A: b\r\n\r\n1\r\n\r\n3\r\n"
    assert reference.top(text, 0) == b"A: b\r\n\r\n"
    assert reference.top(text, 2) == b"A: b\r\n\r\n1\r\n\r\n"
    assert reference.top(text, 9) == text
    assert reference.top(b"A: b\r\n", 0) == b"A: b\r\n"


def test_without_takes_out_whole_messages():
    one, two, three = (FROM + b"%d\n\n" % n for n in (1, 2, 3))
    assert reference.without(one + two + three, [1, 3]) == two


def test_stuffing_doubles_a_dot_at_the_beginning():
    assert reference.stuffed(b".\r\na.\r\n..\r\n") == \
        b"..\r\na.\r\n...\r\n.\r\n"
