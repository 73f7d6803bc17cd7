"""QUIT cut and failed at every system call between its reading and the end."""
import errno
import itertools
import os

import pytest
from cuts import ARRIVED, PATTERNS, Cuts, Snapshot

EVERY = pytest.mark.parametrize("pattern", PATTERNS)


@pytest.fixture
def cuts(host, cutter, pattern):
    # the journal of steps, with room for a part of a message
    room = 100000 if pattern.endswith("in-steps") else None
    return Cuts(host, cutter, PATTERNS[pattern], room)


def every(cuts):
    """Of many steps that are the same, every fourth of the cuts."""
    return itertools.count(0, 4 if cuts.room else 1)


@EVERY
def test_without_a_cut(cuts, pattern):
    line, _ = cuts.session(10 ** 6, "kill")
    assert line.startswith(b"+OK")
    assert cuts.is_settled()
    cuts.no_lock_is_left()
    assert (b"moved down in" in cuts.host.log()) == bool(cuts.room)


@EVERY
@pytest.mark.parametrize("arrived", [b"", ARRIVED], ids=["", "mail-arrives"])
def test_the_monitor_finishes_it(cuts, pattern, arrived, count_cuts):
    """The mailbox process dies, mail may arrive, then the monitor goes on."""
    done = 0
    for at in every(cuts):
        line, was_cut = cuts.session(at, "kill",
                                     cuts.append_hook() if arrived else "")
        if not was_cut:
            break
        count_cuts()
        settled = cuts.mailbox(arrived)
        assert settled in (("new",) if done else ("old", "new")), at
        done += settled == "new"
        # the next login finds nothing that would change it
        cuts.login()
        cuts.is_settled(arrived)
        cuts.no_lock_is_left()
        assert cuts.mailbox(arrived) == settled, at
    assert done > 0


@EVERY
def test_the_next_login_or_recover_finishes_it(cuts, pattern, count_cuts):
    """All processes die; nobody is left to go on by himself."""
    for at in every(cuts):
        _, was_cut = cuts.session(at, "kill-all")
        if not was_cut:
            break
        count_cuts()
        snapshot = Snapshot(cuts)
        for arrived, way in itertools.product((b"", ARRIVED), ("login", "")):
            snapshot.restore()
            cuts.host.append(arrived)
            if way == "login":
                count = cuts.login()
                is_new = cuts.is_settled(arrived)
                assert count == (6 - len(cuts.numbers) if is_new else 6) + \
                    (arrived != b"")
                cuts.no_lock_is_left()
            else:
                assert cuts.recover()[0] == 0, at
                assert cuts.mailbox(arrived) in ("old", "new"), at


@pytest.mark.parametrize("pattern", ["first", "first-in-steps"])
def test_a_mailbox_that_is_away_for_a_while(cuts, pattern, count_cuts):
    """Its file system is not mounted: half a commit is finished later."""
    mailbox = cuts.host.mailbox
    waited = 0
    for at in every(cuts):
        _, was_cut = cuts.session(at, "kill-all")
        if not was_cut:
            break
        count_cuts()
        waits = cuts.has_journal()
        waited += waits
        os.rename(mailbox, mailbox + ".away")
        assert cuts.login() == 0
        assert (cuts.recover()[0] != 0) == waits
        assert cuts.login() == 0
        os.rename(mailbox + ".away", mailbox)
        cuts.login()
        assert cuts.is_settled() or not waits
    assert waited > 0


@EVERY
@pytest.mark.parametrize("action", [
    str(errno.ENOSPC), str(errno.EIO), f"{errno.EIO}+", f"{errno.ENOSPC}+"],
    ids=["one-ENOSPC", "one-EIO", "EIO-from-then-on", "ENOSPC-from-then-on"])
def test_a_call_that_fails(cuts, pattern, action, count_cuts):
    for at in every(cuts):
        line, was_cut = cuts.session(at, action)
        if not was_cut:
            break
        count_cuts()
        mailbox = cuts.mailbox()
        assert mailbox in ("old", "new"), at
        if line is not None and line.startswith(b"+OK"):
            assert mailbox == "new", at
        if line is not None and line.startswith(b"-ERR"):
            assert mailbox == "old", (at, line)
        cuts.login()
        cuts.is_settled()
        assert cuts.mailbox() == mailbox, at
        cuts.no_lock_is_left()


@pytest.mark.parametrize("pattern", ["every-other", "last-two",
                                     "first-in-steps"])
def test_a_recovery_that_is_cut_is_done_again(cuts, pattern, count_cuts):
    """
    Each cut of QUIT that leaves a journal, and every tenth of --recover, for
    each of them other ones: between two changes it mostly looks.
    """
    seen = set()
    for at in every(cuts):
        _, was_cut = cuts.session(at, "kill-all")
        if not was_cut:
            break
        # what differs from cuts before in nothing is the same recovery
        snapshot = Snapshot(cuts)
        state = cuts.fingerprint()
        if state in seen or not cuts.has_journal():
            continue
        seen.add(state)
        for again in itertools.count(len(seen) % 10, 10):
            snapshot.restore()
            cuts.host.append(ARRIVED)
            if not cuts.recover(again, "kill-all")[1]:
                break
            count_cuts()
            assert cuts.recover()[0] == 0
            assert cuts.is_settled(ARRIVED), (at, again)
    assert len(seen) > 3
