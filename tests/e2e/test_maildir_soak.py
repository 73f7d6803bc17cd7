"""
A Maildir that is shared live: deliveries, Dovecot's IMAP and mutt, where they
are there, a reader of our own that renames all the time, and POP3 sessions of
which some are killed. Every message is there exactly once, or somebody has
removed it who may.

POP3D_SOAK_SECONDS says for how long; 10 if it does not.
"""
import contextlib
import imaplib
import os
import pty
import random
import re
import shlex
import shutil
import subprocess
import threading
import time

import maildir_peers
import pytest
from pop3 import kill_group

STORES = ("maildir",)
SECONDS = float(os.environ.get("POP3D_SOAK_SECONDS", "10"))
CROWD = 150  # messages at which the deliverer takes a break


class Ledger:
    """Who has done what to which message."""

    def __init__(self):
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.delivered = {}
        self.expunged = set()  # or about to be, by a mail reader
        self.deleted = set()  # DELE and QUIT were sent by a POP3 client
        self.confirmed = set()  # and +OK was heard
        self.sessions = self.kills = self.flags = self.mutts = 0
        self.errors = []

    def actor(self, function, *args):
        def run():
            try:
                while not self.stop.is_set():
                    function(*args)
            except BaseException as error:  # a thread has nobody to tell
                self.errors.append(f"{function.__name__}: {error!r}")
                self.stop.set()
        return threading.Thread(target=run)


def text_of(n):
    chance = random.Random(n)
    lines = [b"x" * chance.randrange(80) for _ in range(chance.randrange(200))]
    return b"From: a@example.org\nSubject: soak %d\n\n%s\nend of %d\n" % (
        n, b"\n".join(lines), n)


def number_in(text):
    return int(re.search(rb"^Subject: soak (\d+)\r?$", text, re.M)[1])


def whole(text):
    assert text.replace(b"\r\n", b"\n") == text_of(number_in(text))


def deliver(host, ledger):
    if len(host.files()) > CROWD:
        time.sleep(0.01)
        return
    n = len(ledger.delivered) + 1
    ledger.delivered[n] = True
    made = host.put(os.path.join(host.mailbox, "tmp", f"soak.{n}"), text_of(n))
    os.rename(made, os.path.join(host.mailbox, "new",
                                 f"{1700000000 + n // 5}.M{n}P1.host"))
    time.sleep(random.random() * 0.005)


def fetch(host, ledger, kill):
    """A POP3 client; one that is killed, it and the server, or not at all."""
    chance = random.random
    with host.login() as s:
        ids, marked = {}, []
        for n in range(1, s.stat()[0] + 1):
            if chance() < 0.5:
                continue
            text = s.retr(n)
            if text is None:
                continue
            whole(text)
            ids[n] = number_in(text)
            if chance() < 0.4:
                s.ok(f"DELE {n}")
                marked.append(ids[n])
        assert len(set(ids.values())) == len(ids)
        with ledger.lock:
            ledger.deleted.update(marked)
            ledger.sessions += 1
        s.send("QUIT")
        if kill:
            time.sleep(chance() * 0.01)
            kill_group(s.process)
            ledger.kills += 1
            s.hang_up()
            return
        line = s.hear()
        assert line.startswith(b"+OK"), line
        with ledger.lock:
            ledger.confirmed.update(marked)


def fetch_some(host, ledger):
    # one after another: there is one session a maildrop
    fetch(host, ledger, random.random() < 0.4)
    host.transcript.clear()


def rename_some(host, ledger):
    """What an IMAP server does for a flag, and for an expunge."""
    files = host.files()
    if not files:
        return
    path = random.choice(files)
    unique = os.path.basename(path).partition(":")[0]
    with contextlib.suppress(FileNotFoundError):
        if random.random() < 0.05:
            with open(path, "rb") as f:
                n = number_in(f.read())
            ledger.expunged.add(n)
            os.unlink(path)
        else:
            flags = random.choice(["", "S", "RS", "FS", "F"])
            os.rename(path, os.path.join(host.mailbox, "cur",
                                         f"{unique}:2,{flags}"))
        ledger.flags += 1
    time.sleep(0.003)


# ---- Dovecot

def imap_session(host, ledger, command):
    with imaplib.IMAP4_stream(command) as imap:
        imap.select("INBOX")
        for _ in range(10):
            numbers = imap.search(None, "ALL")[1][0].split()
            if not numbers or ledger.stop.is_set():
                break
            some = random.choice(numbers)
            if random.random() < 0.2:
                data = imap.fetch(some, "(BODY.PEEK[])")[1]
                if not isinstance(data[0], tuple):
                    continue  # it is gone
                whole(data[0][1])
                ledger.expunged.add(number_in(data[0][1]))
                imap.store(some, "+FLAGS", "\\Deleted")
                imap.expunge()
            else:
                imap.store(some, random.choice(["+FLAGS", "-FLAGS"]),
                           random.choice(["\\Seen", "\\Flagged"]))
            ledger.flags += 1


# ---- mutt

def mutt_session(host, ledger):
    """Opens the Maildir, flags all that it sees, writes that and leaves."""
    argv = [*maildir_peers.DROP, "mutt", "-n", "-F", "/dev/null", "-f", host.mailbox, "-e",
            "set mark_old=yes check_new=no quit=yes move=no; "
            "push <tag-pattern>~A<enter><tag-prefix><toggle-new>"
            "<sync-mailbox><exit>"]
    master, slave = pty.openpty()
    process = subprocess.Popen(
        argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        cwd=host.top, env={"HOME": host.top, "TERM": "vt100", "LC_ALL": "C",
                           "PATH": os.environ["PATH"], "MAIL": "/dev/null"})
    os.close(slave)
    deadline = time.monotonic() + 5
    os.set_blocking(master, False)
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError, OSError):
            os.read(master, 65536)
        time.sleep(0.01)
    ledger.mutts += process.poll() == 0
    with contextlib.suppress(ProcessLookupError):
        kill_group(process)
    os.close(master)


# ---- all together

@pytest.mark.limit(SECONDS * 3 + 300)
def test_every_message_is_there_once_or_was_removed(host):
    ledger = Ledger()
    actors = [ledger.actor(deliver, host, ledger),
              ledger.actor(fetch_some, host, ledger),
              ledger.actor(rename_some, host, ledger)]
    imap = maildir_peers.dovecot(host, "imap")
    if imap is not None:
        actors.append(ledger.actor(imap_session, host, ledger,
                                   shlex.join(maildir_peers.DROP + imap)))
    if shutil.which("mutt"):
        actors.append(ledger.actor(mutt_session, host, ledger))
    for actor in actors:
        actor.start()
    ledger.stop.wait(SECONDS)
    ledger.stop.set()
    for actor in actors:
        actor.join()
    assert ledger.errors == []
    # what was cut is finished here
    fetch(host, ledger, False)
    left = []
    for path in host.files():
        with open(path, "rb") as f:
            text = f.read()
        whole(text)
        left.append(number_in(text))
    assert len(set(left)) == len(left), "a message is there twice"
    lost = set(ledger.delivered) - set(left) - ledger.deleted - ledger.expunged
    assert lost == set(), "messages that nobody removed are gone"
    assert ledger.confirmed & set(left) == set(), "+OK, but not removed"
    assert ledger.sessions > 3 and ledger.flags > 10
    print(f"{len(ledger.delivered)} delivered, {ledger.sessions} sessions, "
          f"{ledger.kills} killed, {len(ledger.confirmed)} removed, "
          f"{len(ledger.expunged)} expunged, {ledger.flags} flags, "
          f"{ledger.mutts} mutts")
