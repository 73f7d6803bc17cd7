"""
QUIT of a Maildir cut and failed at every system call between its reading and
the end: what was marked is removed, all of it or nothing; nothing else is, and
what was retrieved is in new/ or cur/, once.
"""
import errno
import itertools
import os
import shutil
import time

import pop3
import pytest
from cuts import clone

COUNT = 6
PATTERNS = {"first": [1], "every-other": [1, 3, 5],
            "all": [1, 2, 3, 4, 5, 6]}
TEXTS = {n: b"Subject: %d\n\nbody of %d\n" % (n, n)
         for n in range(1, COUNT + 2)}
EVERY = pytest.mark.parametrize("pattern", PATTERNS)


@pytest.fixture
def host():
    made = pop3.MaildirHost()
    yield made
    made.close()


class Cuts:
    def __init__(self, host, cutter, numbers):
        self.host = host
        self.numbers = numbers
        self.out = host.directory("out")
        self.report = os.path.join(self.out, "report")
        self.cutter = cutter
        self.plain = host.command
        self.state = os.path.join(host.state, "thomas")
        self.old = [TEXTS[n] for n in range(1, COUNT + 1)]
        self.new = [TEXTS[n] for n in range(1, COUNT + 1)
                    if n not in numbers]
        self.arrived = 0

    def argv(self, trigger, at, action, hook, command):
        return [self.cutter, self.report, trigger, str(at), action, hook,
                "--", *command]

    def was_cut(self, at):
        with open(self.report) as f:
            return at < len([line for line in f if line.strip()])

    def fresh(self):
        for path in self.host.files():
            os.unlink(path)
        shutil.rmtree(self.host.state)
        self.host.directory("state")
        for n in range(1, COUNT + 1):
            flags = ":2,S" if n % 2 == 0 else ""
            self.host.deliver(TEXTS[n], f"{1700000000 + n}.M1P1.host{flags}",
                              "cur" if flags else "new")
        # older than the clock's grain: else what pop3d calls depends on time
        time.sleep(0.03)

    def session(self, at, action, hook=""):
        """Retrieves some, deletes and quits; the calls from QUIT on are cut."""
        self.fresh()
        self.host.command = lambda *options: self.argv(
            "read:6", at, action, hook, self.plain(*options))
        with self.host.login() as s:
            s.retr(2)
            s.retr(5)
            for n in self.numbers:
                s.ok(f"DELE {n}")
            s.send("QUIT")
            line = s.hear()
            s.hang_up()
            s.status()
        self.host.command = self.plain
        return line, self.was_cut(at)

    def recover(self, at=0, action="none"):
        process = self.host.popen(self.argv(
            "child:1", at, action, "", self.plain("--recover")))
        return process.wait(20), self.was_cut(at)

    def login(self):
        with self.host.login() as s:
            texts = [s.retr(n).replace(b"\r\n", b"\n")
                     for n in range(1, s.stat()[0] + 1)]
        return texts

    def left(self):
        found = []
        for path in self.host.files():
            with open(path, "rb") as f:
                found.append(f.read())
        return sorted(found)

    def mailbox(self, arrived=()):
        """old, new, or in between: then a journal must wait."""
        left = self.left()
        assert len(set(left)) == len(left)
        if left == sorted(self.old + list(arrived)):
            return "old"
        if left == sorted(self.new + list(arrived)):
            return "new"
        assert set(self.new) <= set(left), left
        assert os.path.exists(os.path.join(self.state, "journal.maildir"))
        return "between"

    def is_settled(self, arrived=()):
        mailbox = self.mailbox(arrived)
        assert mailbox in ("old", "new")
        assert [name for name in os.listdir(self.state)
                if name == "journal.maildir"] == []
        return mailbox == "new"


class Snapshot:
    """The mail and the state at one moment; files keep their inodes."""

    def __init__(self, cuts):
        self.host = cuts.host
        self.copy = os.path.join(cuts.out, "snapshot")
        shutil.rmtree(self.copy, ignore_errors=True)
        os.mkdir(self.copy)
        clone(self.host.state, os.path.join(self.copy, "state"))
        self.files = [(os.path.join(self.copy, str(n)), path)
                      for n, path in enumerate(self.host.files())]
        for kept, path in self.files:
            os.link(path, kept)

    def restore(self):
        shutil.rmtree(self.host.state)
        clone(os.path.join(self.copy, "state"), self.host.state)
        for path in self.host.files():
            os.unlink(path)
        for kept, path in self.files:
            os.link(kept, path)


@pytest.fixture
def cuts(host, cutter, pattern):
    return Cuts(host, cutter, PATTERNS[pattern])


@EVERY
def test_without_a_cut(cuts, pattern):
    line, _ = cuts.session(10 ** 6, "kill")
    assert line.startswith(b"+OK")
    assert cuts.is_settled()


@EVERY
@pytest.mark.parametrize("arrives", [False, True], ids=["", "mail-arrives"])
def test_the_monitor_finishes_it(cuts, pattern, arrives, count_cuts):
    done = 0
    hook, arrived = "", ()
    if arrives:
        mail = cuts.host.put(os.path.join(cuts.out, "mail"), TEXTS[7])
        hook = f"cp -p {mail} {cuts.host.mailbox}/new/1700000099.M1P1.host"
        arrived = (TEXTS[7],)
    for at in itertools.count():
        line, was_cut = cuts.session(at, "kill", hook)
        if not was_cut:
            break
        count_cuts()
        is_new = cuts.is_settled(arrived)
        assert is_new or not done, at
        done += is_new
        assert cuts.login() == (cuts.new if is_new else cuts.old) + \
            list(arrived)
    assert done > 0


@EVERY
def test_the_next_login_or_recover_finishes_it(cuts, pattern, count_cuts):
    between = 0
    for at in itertools.count():
        line, was_cut = cuts.session(at, "kill-all")
        if not was_cut:
            break
        count_cuts()
        snapshot = Snapshot(cuts)
        seen = cuts.mailbox()
        between += seen == "between"
        assert not (line or b"").startswith(b"+OK") or seen == "new"
        journal = os.path.exists(os.path.join(cuts.state, "journal.maildir"))
        for way in "login", "recover":
            snapshot.restore()
            if way == "login":
                texts = cuts.login()
                assert texts in (cuts.old, cuts.new)
            else:
                assert cuts.recover()[0] == 0
            assert cuts.is_settled() == (seen == "new" or journal), (at, way)
    assert between > 0 or len(cuts.numbers) == 1


@EVERY
@pytest.mark.parametrize("action", [
    str(errno.ENOSPC), str(errno.EIO), f"{errno.EIO}+", f"{errno.ENOSPC}+",
    f"{errno.EDQUOT}+"],
    ids=["one-ENOSPC", "one-EIO", "EIO-from-then-on", "ENOSPC-from-then-on",
         "EDQUOT-from-then-on"])
def test_a_call_that_fails(cuts, pattern, action, count_cuts):
    for at in itertools.count():
        line, was_cut = cuts.session(at, action)
        if not was_cut:
            break
        count_cuts()
        cuts.login()
        is_new = cuts.is_settled()
        if line is not None and line.startswith(b"+OK"):
            assert is_new, at
        if line is not None and line.startswith(b"-ERR"):
            assert not is_new, (at, line)


@pytest.mark.parametrize("pattern", ["every-other"])
def test_a_recovery_that_is_cut_is_done_again(cuts, pattern, count_cuts):
    tried = 0
    for at in itertools.count():
        _, was_cut = cuts.session(at, "kill-all")
        if not was_cut:
            break
        if not os.path.exists(os.path.join(cuts.state, "journal.maildir")):
            continue
        tried += 1
        if tried % 3 != 1:
            continue
        snapshot = Snapshot(cuts)
        for again in itertools.count():
            snapshot.restore()
            if not cuts.recover(again, "kill-all")[1]:
                break
            count_cuts()
            assert cuts.recover()[0] == 0
            assert cuts.is_settled(), (at, again)
    assert tried > 3


@pytest.mark.parametrize("pattern", ["every-other"])
def test_an_imap_server_renames_before_each_call(cuts, pattern, count_cuts):
    """What is marked goes by whatever name; what is not stays."""
    script = os.path.join(cuts.out, "rename")
    with open(script, "w") as f:
        f.write(f"cd {cuts.host.mailbox}/cur; for f in *; do "
                'case $f in *:2,S) mv "$f" "${f%S}FS";; '
                '*:2,FS) mv "$f" "${f%FS}S";; esac; done\n'
                "cd ../new; for f in *; do [ -e \"$f\" ] && "
                'mv "$f" "../cur/$f:2,S"; done; true\n')
    for at in itertools.count():
        line, _ = cuts.session(at, "none", f"[ $CALL != {at} ] || sh {script}")
        if not cuts.was_cut(at):
            break
        count_cuts()
        assert line.startswith(b"+OK"), at
        assert cuts.is_settled(), at
