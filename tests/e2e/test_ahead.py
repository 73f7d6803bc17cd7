"""
The next message is made ready while the client reads the one before it: no
client may see a difference.
"""
import os
import random
import re
import time

import pytest
from pop3 import lockable, locked, message

STORES = ("mbox", "maildir")
PAUSE = 0.05  # seconds in which the next message gets ready
SIZES = (0, 1, 80, 3000, 5000, 70_000, 120_000, 131_000, 140_000, 400_000)


def body(rng, size):
    """Lines of all lengths, many with dots and some that end in CRLF."""
    text = ""
    while len(text) < size:
        text += rng.choice(("", ".", "..", ".x", "a" * rng.randrange(300))) + \
            rng.choice(("\n", "\n", "\r\n"))
    return text or "\n"


def hear(session, command):
    """The whole reply to this command."""
    first = session.hear()
    several = command in ("LIST", "UIDL") or command[:4] in ("RETR", "TOP ")
    return first, session.hear_text() \
        if several and first.startswith(b"+OK") else b""


def replies(session, commands, wait):
    """To each, asked when the one before was answered, or all at once."""
    if not wait:
        session.write("".join(c + "\r\n" for c in commands).encode())
        return [hear(session, c) for c in commands]
    heard = []
    for command in commands:
        session.send(command)
        heard.append(hear(session, command))
    return heard


def any_commands(rng, count):
    """In order, as most clients ask, and in disorder."""
    commands, n = [], 1
    for _ in range(40):
        n = rng.choice((n, n + 1, n + 1, n + 1, rng.randrange(1, count + 2)))
        commands.append(rng.choice((f"RETR {n}",) * 6 + (
            f"DELE {n}", f"TOP {n} 3", f"TOP {n} 9999", "UIDL", "LIST", "STAT",
            "LAST", "RSET", "NOOP")))
    return commands


@pytest.mark.parametrize("cpus", ["one", "all"])
@pytest.mark.parametrize("seed", range(6))
def test_any_order_is_answered_as_without(host, seed, cpus):
    rng = random.Random(seed)
    count = rng.randrange(3, 9)
    host.write(*[message(n, body(rng, rng.choice(SIZES)))
                 for n in range(1, count + 1)])
    commands = any_commands(rng, count)
    cpu = min(os.sched_getaffinity(0))
    prefix = ["taskset", "-c", str(cpu)] if cpus == "one" else []
    plain = host.command
    host.command = lambda *options: prefix + plain(*options)
    heard, told = [], []
    for wait in (False, True):
        with host.login() as s:
            heard.append(replies(s, commands, wait))
            s.ok("RSET")
            s.ok("QUIT")
        told.append(re.search(r"retrieved=.* (?=seconds)", s.log())[0])
    assert heard[0] == heard[1]
    assert told[0] == told[1]


def three(host):
    host.write(*[message(n, f"body {n}\n" * 50) for n in (1, 2, 3)])
    time.sleep(PAUSE)


@pytest.mark.store("mbox")
@pytest.mark.parametrize("kind", ["flock", "fcntl"])
def test_a_lock_is_not_waited_for(host, kind):
    three(host)
    with host.login() as s:
        s.retr(1)
        time.sleep(PAUSE)
        assert lockable(host.mailbox)
        with locked(host.mailbox, kind):
            # it was ready before, and the file is the same
            assert b"body 2" in s.retr(2)
            time.sleep(PAUSE)
            s.ok("NOOP")
            s.ok("STAT")
        assert "lock" not in s.log()
        assert lockable(host.mailbox)
        assert b"body 3" in s.retr(3)
        s.ok("QUIT")


def test_what_was_made_ready_and_not_asked_for_was_not_retrieved(host):
    three(host)
    with host.login() as s:
        size = len(s.retr(1))
        time.sleep(PAUSE)
        s.ok("LAST", "+OK 1")
        s.ok("DELE 2")
        s.ok("RSET")
        s.ok("QUIT")
    assert "retrieved=1 " in s.log() and f"octets={size} " in s.log()


@pytest.mark.store("maildir")
def test_what_was_made_ready_and_not_asked_for_stays_new(host):
    three(host)
    with host.login() as s:
        s.retr(1)
        time.sleep(PAUSE)
        s.ok("DELE 2")
        s.ok("RSET")
        s.retr(3)
        s.ok("QUIT")
    assert len(os.listdir(host.mailbox + "/new")) == 1
    assert len(os.listdir(host.mailbox + "/cur")) == 2


@pytest.mark.store("mbox")
@pytest.mark.parametrize("how", ["rewrite", "replace"])
def test_a_changed_mailbox_is_looked_at_again(host, how):
    three(host)
    with host.login() as s:
        s.retr(1)
        time.sleep(PAUSE)
        getattr(host, how)(message(1, "body 1\n" * 50) +
                           message(3, "body 3\n" * 50))
        s.err("RETR 2")
        assert b"body 3" in s.retr(3)
        s.ok("QUIT")


@pytest.mark.store("mbox")
def test_the_same_size_and_time_is_not_the_same_mailbox(host):
    three(host)
    with host.login() as s:
        s.retr(1)
        time.sleep(PAUSE)
        before = os.stat(host.mailbox)
        host.rewrite(host.read().replace(b"body 2", b"BODY 2"))
        os.utime(host.mailbox, ns=(before.st_atime_ns, before.st_mtime_ns))
        s.err("RETR 2")
        s.ok("QUIT")


@pytest.mark.store("maildir")
def test_a_changed_maildir_is_looked_at_again(host):
    three(host)
    first, second, third = host.files()
    with host.login() as s:
        s.retr(1)
        time.sleep(PAUSE)
        cur = os.path.join(host.mailbox, "cur", os.path.basename(second))
        os.rename(second, cur + ":2,S")
        assert b"body 2" in s.retr(2)
        time.sleep(PAUSE)
        os.unlink(third)
        s.err("RETR 3")
        s.ok("QUIT")
    assert os.path.basename(first) in host.files()[0]


def test_new_mail_does_not_matter(host):
    three(host)
    with host.login() as s:
        s.retr(1)
        for n in (2, 3):
            time.sleep(PAUSE)
            host.append(message(3 + n))
            assert b"body %d" % n in s.retr(n)
        s.ok("QUIT")
