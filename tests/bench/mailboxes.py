"""Mailboxes to measure with: the same ones in every run."""
import base64
import random

POOL_LINES = 20_000


def pool():
    """Lines of text and of base64, as mail has them."""
    chance = random.Random(1939)
    lines = []
    for n in range(POOL_LINES):
        if n % 400 < 300:
            line = base64.b64encode(chance.randbytes(57))
        else:
            line = b" ".join(b"word%d" % chance.randrange(1000)
                             for _ in range(chance.randrange(11)))
        lines.append(line + b"\n")
    return lines


def header(n):
    return (b"From sender%d@example.org Wed Dec  2 05:53:22 1992\n"
            b"Return-Path: <sender%d@example.org>\n"
            b"Received: from mail.example.org (mail.example.org [192.0.2.1])\n"
            b"\tby mx.example.net (Postfix) with ESMTPS id %032x\n"
            b"\tfor <thomas@example.net>; Wed,  2 Dec 1992 05:53:22 +0000\n"
            b"Date: Wed, 2 Dec 1992 05:53:22 +0000\n"
            b"From: Sender %d <sender%d@example.org>\n"
            b"To: thomas@example.net\n"
            b"Subject: message number %d\n"
            b"Message-ID: <%d.%d@example.org>\n"
            b"MIME-Version: 1.0\n"
            b"Content-Type: text/plain; charset=us-ascii\n"
            b"\n" % (n, n, n * 0x9e3779b97f4a7c15, n, n, n, n, n * 7919))


def entries(count, size):
    """count messages of about size bytes each, as they lie in an mbox."""
    lines = pool()
    average = sum(map(len, lines)) / len(lines)
    for n in range(count):
        top = header(n)
        wanted = max(1, int((size - len(top)) / average))
        body = []
        start = n * 613 % POOL_LINES
        while wanted > 0:
            part = lines[start:start + wanted]
            body += part
            wanted -= len(part)
            start = 0
        yield top + b"".join(body) + b"\n"


def write(path, count, size):
    """Makes the mailbox where it is not there already."""
    with open(path, "wb", buffering=1 << 22) as f:
        for entry in entries(count, size):
            f.write(entry)
