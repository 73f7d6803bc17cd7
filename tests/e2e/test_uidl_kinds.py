"""
--uidl=KIND: the ids of other servers. Those of popa3d and solid-pop3d are what
Debian's popa3d 1.0.3 and solid-pop3d 0.15 told for the same mailbox;
tests/root/test_migration.py runs the servers themselves.
"""
import hashlib
import os

import pytest
from migrated import mailbox
from pop3 import message

TOLD = {
    "popa3d": ["df701309c952d7cb", "9ba58244f61477e9", "c88fb81712cddc53",
               "c98c324a0fb4f949", "d98c1dd404b2008f", "d99a74381d0892e5",
               "06551d5d2487749d", None],
    "solid": ["81d72f9cb323a380e7e8b93ebc5b5e2e",
              "338ce33e44dc251d82f8624cc8ece207",
              "d41d8cd98f00b204e9800998ecf8427e",
              "db42951fd6c7fc1addf13367c4f696d8", None,
              "7d7ae100dc52c76221eb2fcfd9fe1881",
              "7cce102b5ed2a58b4709fdd94bddb078", None],
}


def ids(host, kind):
    return host.wires(f"--uidl={kind}")[1]


@pytest.mark.parametrize("kind", TOLD)
def test_as_told_by_the_real_server(host, kind):
    host.write(mailbox())
    told, hashes = ids(host, kind), ids(host, "hash")
    # a second message with the same id gets the hash
    assert told == [theirs or ours for theirs, ours in
                    zip(TOLD[kind], hashes)]


@pytest.mark.parametrize("kind", [*TOLD, "qpopper", "qpopper-hex"])
def test_ids_do_not_change_when_others_go_and_come(host, kind):
    entries = [b"From " + part for part in mailbox().split(b"From a@")[1:]]
    entries = [e.replace(b"From ", b"From a@", 1) for e in entries]
    host.write(*entries)
    before = ids(host, kind)
    host.write(*entries[1:])
    assert ids(host, kind)[:5] == before[1:6]
    host.append(message(99))
    assert ids(host, kind)[:5] == before[1:6]
    assert len(ids(host, kind)) == len(entries)


def base80(digest):
    """How Qpopper 4 writes an MD5."""
    text = ""
    for i in range(0, 16, 4):
        value = 0
        for byte in digest[i:i + 4]:
            value = value * 16 + byte
        for _ in range(5):
            text += chr(0x21 + value % 80).replace(".", "~")
            value //= 80
    return text


def qpopper(entry, old):
    """Reckoned after Qpopper 4's source, pop_dropcopy.c."""
    from_line, rest = entry.split(b"\n", 1)
    from_line += b"\n"
    digest = hashlib.md5(from_line)
    for line in rest.split(b"\n\n")[0].split(b"\n"):
        if line.lower().startswith((b"received:", b"date:", b"message-id:",
                                    b"subject:")):
            digest.update((line + b"\n")[:1023])
    if old:
        return digest.hexdigest()
    digest.update(from_line)
    return base80(digest.digest())


@pytest.mark.parametrize("kind", ["qpopper", "qpopper-hex"])
def test_hashes_of_qpopper(host, kind):
    data = host.write(mailbox())
    starts = [i for i in range(len(data))
              if data.startswith(b"From a@", i)] + [len(data)]
    assert ids(host, kind) == [
        qpopper(data[a:b], kind == "qpopper-hex")
        for a, b in zip(starts, starts[1:])]


@pytest.mark.parametrize("value, counts", [
    ("0123456789", False), ("0123456789a", True), ("x" * 32, True),
    ("x" * 33, False), ("'!\"#$%&()*+", True), ("0123456 789ab", False)])
def test_x_uidl_fields_that_qpopper_takes(host, value, counts):
    host.write(message(1, headers=f"X-UIDL: {value}\n"))
    assert (ids(host, "qpopper") == [value]) == counts


def test_x_uidl_fields_that_mailutils_takes(host):
    host.write(message(1, headers="X-UIDL: a\nX-UIDL: b\n"),
               message(2, headers=f"x-uidl:\t{'c' * 70}\n"), message(3))
    assert ids(host, "mailutils") == ["a", "c" * 70,
                                      *ids(host, "hash")[2:]]


def imap(*fields, base="X-IMAPbase: 1700000000 0000000010\n"):
    """A mailbox with these X-UID fields, as Dovecot leaves it."""
    return b"".join(
        message(n, headers=(base if n == 1 else "") + field)
        for n, field in enumerate(fields, 1))


def uid(n):
    return f"X-UID: {n}            \n"


def both(host):
    return ids(host, "dovecot"), ids(host, "uw")


def told(*uids, validity=1700000000):
    return ([f"{n:08x}{validity:08x}" for n in uids],
            [f"{validity:08x}{n:08x}" for n in uids])


def test_uids_in_the_mailbox(host):
    host.write(imap(uid(1), uid(3), uid(10)))
    assert both(host) == told(1, 3, 10)


INTERNAL = """\
From MAILER-DAEMON Mon Nov 16 10:00:00 2026
Date: 16 Nov 2026 10:00:00 +0100
From: Mail System Internal Data <MAILER-DAEMON@mail>
Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA
Message-ID: <1@mail>
X-IMAP: 1700000000 0000000010
Status: RO

This text is part of the internal format of your mail folder.

"""


def test_uids_with_an_internal_message(host):
    host.write(INTERNAL.encode(), imap(uid(4), uid(5), base=""))
    assert both(host) == told(4, 5)


@pytest.mark.parametrize("wrong", [
    uid(2), uid(3), uid(11), uid(0), uid(1 << 32), "X-UID: 4x\n", "X-UID:\n",
    "X-UID: -4\n", ""])
def test_uids_that_no_server_has_given_out(host, wrong):
    host.write(imap(uid(3), wrong, uid(5)))
    hashes = ids(host, "hash")
    for kind, [first, last] in zip(("dovecot", "uw"), told(3, 5)):
        assert ids(host, kind) == [first, hashes[1], last]


def test_no_uidvalidity_means_hashes(host):
    host.write(imap(uid(1), uid(2), base=""))
    assert ids(host, "dovecot") == ids(host, "uw") == ids(host, "hash")


def test_uidvalidity_outlives_the_message_that_bears_it(host):
    host.write(imap(uid(1), uid(2), uid(7)))
    with host.login("--uidl=dovecot") as s:
        s.ok("DELE 1")
        s.ok("QUIT")
    assert b"X-IMAPbase" not in host.read()
    os.unlink(f"{host.state}/thomas/index")
    assert both(host) == told(2, 7)


def test_uids_survive_the_index(host):
    host.write(imap(uid(1), uid(2)))
    assert both(host) == told(1, 2)
    # a sender's own X-UID does not pass for an old message's
    host.append(message(8, headers=uid(2)) + message(9, headers=uid(11)))
    for kind, theirs in zip(("dovecot", "uw"), told(1, 2)):
        assert ids(host, kind) == theirs + ids(host, "hash")[2:]


def test_newer_uidvalidity_wins(host):
    host.write(imap(uid(1), uid(2)))
    ids(host, "dovecot")
    host.write(imap(uid(1), base="X-IMAPbase: 1800000000 9\n"))
    assert both(host) == told(1, validity=1800000000)


def test_uidvalidity_that_cannot_be_kept_is_no_login(host):
    host.write(imap(uid(1)))
    ids(host, "hash")
    os.mkdir(f"{host.state}/thomas/uidvalidity.tmp")
    with host.connect("--uidl=dovecot") as s:
        s.ok("USER thomas")
        s.err("PASS secret")
    host.write(imap(uid(1)))
    os.rmdir(f"{host.state}/thomas/uidvalidity.tmp")
    assert ids(host, "dovecot") == told(1)[0]


def test_unknown_kind(host):
    status, _, err = host.run("--uidl=cyrus")
    assert status == 64 and "--uidl" in err
