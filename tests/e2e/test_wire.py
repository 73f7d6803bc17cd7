"""
Nasty mailboxes: what RETR, TOP and LIST make of them is what the reference
reader says, to the byte.
"""
import random
import re

import pytest
import reference
from pop3 import entry, message

FROM = b"From a@example.org Wed Dec  2 05:53:22 1992\n"
FROM_CRLF = FROM[:-1] + b"\r\n"
HEADER = b"Subject: nasty\n\n"


def compare(host, data):
    """One session that asks everything about a mailbox."""
    host.write(data)
    want = reference.split(data)
    tops = [0, 1, 3]
    session = [b"USER thomas", b"PASS secret", b"STAT", b"LIST"]
    for n in range(1, len(want) + 1):
        session.append(b"RETR %d" % n)
        session += [b"TOP %d %d" % (n, k) for k in tops]
    session.append(b"QUIT\r\n")
    with host.start() as s:
        out = s.exchange(b"\r\n".join(session))
        assert s.status() == 0
    sizes = [len(m.wire) for m in want]
    begin = b"+OK %d %d\r\n+OK %d messages" % (len(want), sum(sizes), len(want))
    at = out.find(b"+OK %d %d\r\n" % (len(want), sum(sizes)))
    assert at >= 0, (begin, out[:500])
    out = out[out.index(b"\r\n", at) + 2:]
    out = out[out.index(b"\r\n") + 2:]  # LIST's first line
    listing = b"".join(b"%d %d\r\n" % row for row in enumerate(sizes, 1))
    assert out.startswith(listing + b".\r\n"), (listing, out[:500])
    out = out[len(listing) + 3:]

    def take(text, first):
        nonlocal out
        assert re.match(first, out), (first, out[:100])
        out = out[out.index(b"\r\n") + 2:]
        wire = reference.stuffed(text)
        if not out.startswith(wire):
            at = next(i for i, (a, b) in enumerate(zip(wire, out)) if a != b) \
                if wire[:len(out)] != out[:len(wire)] else min(len(wire),
                                                               len(out))
            raise AssertionError(
                f"byte {at} of {len(wire)}: expected "
                f"{wire[max(0, at - 60):at + 60]!r}, got "
                f"{out[max(0, at - 60):at + 60]!r}; mailbox {data[:2000]!r}")
        out = out[len(wire):]

    for m in want:
        take(m.wire, rb"\+OK %d octets\r\n" % len(m.wire))
        for k in tops:
            take(reference.top(m.wire, k), rb"\+OK")
    assert out.startswith(b"+OK Pop server at ")
    assert host.read() == data


NASTY = {
    "crlf mailbox": (FROM + HEADER + b"one\ntwo\n\n" + FROM + HEADER +
                     b"three\n\n").replace(b"\n", b"\r\n"),
    "one crlf message among others": FROM + HEADER + b"one\n\n" + (
        FROM + HEADER + b"two\n\n").replace(b"\n", b"\r\n") + FROM + HEADER,
    "mixed line ends": FROM + b"A: b\r\nC: d\n\r\none\r\ntwo\nthree\r\n\n",
    "nuls": FROM + HEADER + b"\0\n\0\0x\0\n\0" + b"\n\n" + FROM + b"\0\n",
    "nul line before a From_ line": FROM + HEADER + b"\0\n" + FROM + b"x\n",
    "8-bit": FROM + HEADER + bytes(range(128, 256)) + b"\n\n",
    "all bytes": FROM + HEADER + bytes(range(256)) * 300 + b"\n\n",
    "lone crs": FROM + HEADER + b"a\rb\r\rc\n\r\rd\n\n",
    "cr cr lf": FROM + HEADER + b"a\r\r\n\r\r\nb\n\n" + FROM + HEADER,
    "cr cr lf before a From_ line": FROM + HEADER + b"a\n\r\r\n" + FROM +
    b"b\n",
    "no newline at the end": FROM + HEADER + b"one\n\n" + FROM + HEADER +
    b"two",
    "a cr at the end": FROM + HEADER + b"two\r",
    "a dot at the end": FROM + HEADER + b"two\n.",
    "a dot and cr at the end": FROM + HEADER + b"two\n.\r",
    "10 MB line": FROM + HEADER + b"x" * 10_000_000 + b"\n\n" + FROM + b"y\n",
    "10 MB line in the header": FROM + b"A: " + b"x" * 10_000_000 + b"\n\nb\n",
    "10 MB without any newline": FROM + b"x" * 10_000_000,
    "10 MB of dots": FROM + HEADER + b"." * 10_000_000 + b"\n\n",
    "only dots": FROM + b".\n..\n...\n\n.\n.\n..\n",
    "dots with crlf": FROM_CRLF + b".\r\n.\r\n\r\n.\r\n..\r\n",
    "a dot-line of each kind": FROM + HEADER +
    b".\r.\n.\0\n. \n.\r\r\n..\r\n\n",
    "From_ line without an empty line": FROM + HEADER + b"one\n" + FROM +
    b"still one\n\n" + FROM + b"two\n",
    "From_ line behind the From_ line": FROM + FROM + FROM + b"\n" + FROM,
    "quoted From_ lines are kept": FROM + HEADER +
    b"\n>From a b\n>>From c\n\n" + b">" + FROM + b"\n" + FROM + HEADER,
    "empty message": FROM + b"\n" + FROM + HEADER + b"x\n\n",
    "only empty messages": (FROM + b"\n") * 5,
    "only From_ lines": FROM,
    "a From_ line without newline": FROM[:-1],
    "From_ line without newline at the end": FROM + b"x\n\n" + FROM[:-1],
    "header only": FROM + b"A: b\n\n" + FROM + b"A: b\n",
    "no header": FROM + b"\nbody\n\n" + FROM + b"\n\n",
    "a header that never ends": FROM + b"word\nword\n word\n:\n: \n\n",
    "many empty lines at the end": FROM + HEADER + b"x" + b"\n" * 5000,
    "many empty lines between": FROM + HEADER + b"x" + b"\n" * 5000 + FROM +
    HEADER + b"\r\n" * 5000 + FROM + b"\n",
    "many short lines": FROM + HEADER + b"a\n" * 300_000,
    "folder-internal data that is not first": message(1) + entry(
        b"X-IMAP: 1 2\nSubject: " + reference.NOTE + b"\n\nx\n"),
    "internal data's subject without X-IMAP": entry(
        b"Subject: " + reference.NOTE + b"\n\nx\n") + message(1),
    "X-IMAP without internal data's subject": entry(
        b"X-IMAP: 1 2\nSubject: hello\n\nx\n") + message(1),
    "internal data's fields in the body": entry(
        b"From: a\n\nX-IMAP: 1 2\nSubject: " + reference.NOTE + b"\n"),
}


@pytest.mark.parametrize("name", NASTY)
def test_nasty(host, name):
    compare(host, NASTY[name])


@pytest.mark.parametrize("size", [512, 4096, 8192, 16384, 32768, 65536,
                                  131072, 262144])
def test_what_matters_may_lie_across_any_buffers_end(host, size):
    """Ends of lines, dots and From_ lines slide over a power of two."""
    tail = b"\r\n.x\r\n\n" + FROM + b"two: 2\n\n.\r\n\n" + FROM_CRLF + b"3\r\n"
    for shift in range(-len(tail) - 2, 3):
        start = FROM + HEADER
        compare(host, start + b"y" * (size + shift - len(start)) + tail)


DATES = ["Wed Dec  2 05:53 1992", "Wed Dec  2 05:53:22 1992",
         "Wed Dec 12 05:53:22 1992", "Wed Dec 02 05:53:22 1992",
         "Wed Dec  2 05:53 PST 1992", "Wed Dec  2 05:53:22 PST 1992",
         "Wed Dec  2 05:53:22 CEST 1992",
         "Wed Dec  2 05:53 1992 PST", "Wed Dec  2 05:53:22 1992 CEST",
         "Wed Dec  2 05:53:22 -0700 1992", "Wed Dec  2 05:53 1992 -0700",
         "Wed Dec  2 05:53:22 1992 +0100", "Thu Feb 29 23:59:60 2024"]
SENDERS = ["a@example.org", "MAILER-DAEMON", "-", "Joe User <joe@example.org>",
           "\"joe user\"@example.org", "a!b!c", "Wed Dec  2 1992", "b\u00e4r",
           "From", "x" * 500]


@pytest.mark.parametrize("date", DATES)
def test_dates_that_begin_a_message(host, date):
    data = b"".join(entry("Subject: x\n\nbody\n", sender, date)
                    for sender in SENDERS)
    assert len(reference.split(data)) == len(SENDERS)
    compare(host, data)


LOOKALIKES = [
    b"From here on it is text", b"From ", b"From", b"From: a@example.org",
    b"from a@example.org Wed Dec  2 05:53:22 1992",
    b"FROM a@example.org Wed Dec  2 05:53:22 1992",
    b" From a@example.org Wed Dec  2 05:53:22 1992",
    b">From a@example.org Wed Dec  2 05:53:22 1992",
    b"From\ta@example.org Wed Dec  2 05:53:22 1992",
    b"Froma@example.org Wed Dec  2 05:53:22 1992",
    b"From a@example.org", b"From a@example.org 1992",
    b"From a@example.org Wed Dec  2 1992",
    b"From a@example.org Dec  2 05:53:22 1992",
    b"From a@example.org Wed  2 05:53:22 1992",
    b"From a@example.org Wed Dec 05:53:22 1992",
    b"From a@example.org Wed Dec  2 05:53:22",
    b"From a@example.org Wed Dec  2 05.53.22 1992",
    b"From a@example.org Wod Dec  2 05:53:22 1992",
    b"From a@example.org Wed Dez  2 05:53:22 1992",
    b"From a@example.org Wed, 02 Dec 1992 05:53:22 +0000",
    b"From a@example.org 1992-12-02 05:53:22",
    b"From 2 to 5 on Wednesday, Dec 2",
    b"From a@example.org Wed Dec  2 05:53:22 1992 it was 5 years",
    b"From \0\0\0", b"From a@example.org Wed Dec  2 05:53:22\0 1992",
]


@pytest.mark.parametrize("line", LOOKALIKES)
def test_what_only_looks_like_a_from_line_is_text(host, line):
    assert not reference.is_from_line(line + b"\n")
    compare(host, FROM + HEADER + b"x\n\n" + line + b"\n\n" + FROM + b"y: 1\n")


# ---- generated mailboxes

PIECES = [b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b"\r", b".", b"..", b".\n",
          b".\r\n", b"\n.\n", b"\0", b"\xe4", b"x", b"some text", b"\n\n\n\n",
          b"From ", b"From here on\n", b">From x\n", FROM, FROM_CRLF,
          b"\n" + FROM, b"\r\n" + FROM_CRLF, b"\n" + FROM_CRLF,
          b"\n\n" + FROM, FROM[:-1], b"Subject: x\n", b"Status: RO\n",
          b"X-UIDL: abc\n", b"X-IMAP: 1 2\n", b" folded\n", b":\n",
          b"A: b\n\n", b"long " * 300, b"\r\r\n", b"\t\n", b" \n",
          b"Content-Length: 5\n", b"Content-Length: 99999\n"]


def random_mailbox(rng):
    data = rng.choice([FROM, FROM, FROM_CRLF])
    pieces = rng.choices(PIECES, k=rng.choice([1, 5, 20, 100, 300]))
    return data + b"".join(
        bytes(rng.choices(b"\n\r.F\0 x", k=rng.randrange(9)))
        if rng.random() < 0.1 else piece for piece in pieces)


@pytest.mark.parametrize("seed", range(16))
def test_random_mailboxes_are_read_as_the_reference_reads_them(host, seed):
    rng = random.Random(seed)
    for _ in range(20):
        compare(host, random_mailbox(rng))


@pytest.mark.parametrize("seed", range(8))
def test_random_deletions_leave_the_others_as_they_were(host, seed):
    rng = random.Random(1000 + seed)
    for _ in range(12):
        data = host.write(random_mailbox(rng), message(1), message(2),
                          random_mailbox(rng))
        while True:
            count = len(reference.split(data))
            gone = sorted(rng.sample(range(1, count + 1),
                                     rng.randrange(0, count + 1)))
            with host.start() as s:
                out = s.exchange(b"USER thomas\r\nPASS secret\r\n" + b"".join(
                    b"DELE %d\r\n" % n for n in gone) + b"QUIT\r\n")
                assert out.count(b"has been deleted") == len(gone)
                assert b"-ERR" not in out
            data = reference.without(data, gone)
            assert host.read() == data
            if not gone:
                break
