"""Large mailboxes: whole, byte for byte, in little memory."""
import hashlib

import pytest
import reference
from pop3 import has_asan, members, message

LIMIT = 32 * 1024  # kB, all processes together


@pytest.fixture(autouse=True)
def no_asan(host):
    if has_asan():
        pytest.skip("a sanitizer takes memory of its own")


def peaks(session):
    """VmHWM of each process of a session, in kB."""
    found = {}
    for pid in members(session.process):
        with open(f"/proc/{pid}/status") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    found[pid] = int(line.split()[1])
    assert found
    return found


def peak(*measured):
    """The sum over all processes that there ever were."""
    highest = {}
    for one in measured:
        for pid, size in one.items():
            highest[pid] = max(size, highest.get(pid, 0))
    return sum(highest.values())


@pytest.mark.slow
def test_200_000_messages(host):
    count = 200_000
    data = host.write(*(message(n) for n in range(1, count + 1)))
    sizes = [len(m.wire) for m in reference.split(data)]
    with host.connect() as s:
        before = peaks(s)
        s.ok("USER thomas")
        s.ok("PASS secret", f"+OK thomas has {count} messages...")
        s.ok("LIST")
        want = b"".join(b"%d %d\r\n" % row for row in enumerate(sizes, 1))
        assert s.hear_text() == want
        s.ok("UIDL")
        uidl = s.hear_text().split()
        assert len(set(uidl[1::2])) == count
        for n in (1, 100_000, count):
            assert s.retr(n).endswith(b"This is message %d.\r\n" % n)
        batch = b"".join(b"DELE %d\r\n" % n for n in range(1, count, 2))
        s.write(batch[:8192])
        for _ in range(batch[:8192].count(b"\r\n")):
            s.hear()
        assert peak(before, peaks(s)) < LIMIT
        s.ok("RSET") if batch[:8192].endswith(b"\n") else s.hang_up()


@pytest.mark.slow
def test_200_000_messages_half_of_them_deleted(host):
    count = 200_000
    entries = [message(n) for n in range(1, count + 1)]
    host.write(*entries)
    with host.start() as s:
        out = s.exchange(b"USER thomas\r\nPASS secret\r\n" + b"".join(
            b"DELE %d\r\n" % n for n in range(1, count, 2)) + b"QUIT\r\n")
        assert out.endswith(b"signing off.\r\n")
    assert host.read() == b"".join(entries[1::2])


@pytest.mark.slow
def test_a_mailbox_of_300_megabytes(host):
    """A line of 100 MB, a body of 100 MB, a hundred of 1 MB."""
    lines = b"0123456789" * 7 + b"\n"
    big = [message(1, "x" * 100_000_000 + "\n"),
           message(2, (lines * (100_000_000 // len(lines))).decode())]
    small = [message(n, (lines * (1_000_000 // len(lines))).decode())
             for n in range(3, 103)]
    host.write(*big, *small)
    want = [hashlib.sha256(e.split(b"\n", 1)[1][:-1].replace(b"\n", b"\r\n"))
            .digest() for e in big + small]
    del big
    with host.connect() as s:
        before = peaks(s)
        s.ok("USER thomas")
        s.ok("PASS secret", "+OK thomas has 102 messages...")
        for n, digest in enumerate(want, 1):
            assert hashlib.sha256(s.retr(n)).digest() == digest
        measured = peaks(s)
        s.ok("DELE 1")
        s.ok("DELE 2")
        s.ok("QUIT")
        assert peak(before, measured) < LIMIT
    assert host.read() == b"".join(small)


@pytest.mark.slow
def test_memory_does_not_grow_with_what_the_client_sends(host):
    host.write(message(1))
    with host.login() as s:
        small = peak(peaks(s))
        for _ in range(20):
            s.write(b"x" * 1_000_000)
        s.write(b"\r\n")
        s.expect("-ERR ...")
        assert peak(peaks(s)) - small < 1024


@pytest.mark.slow
def test_an_endless_header_is_bounded_too(host):
    host.write(message(1, headers="X: " + "y" * 50_000_000 + "\n"),
               message(2, headers="A: b\n" * 5_000_000),
               message(3, headers="Subject: x\n" + " folded\n" * 2_000_000))
    with host.login() as s:
        assert s.stat()[0] == 3
        s.uidl()
        for n in 1, 2, 3:
            assert s.text(f"TOP {n} 0") is not None
        assert peak(peaks(s)) < LIMIT
