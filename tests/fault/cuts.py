"""Sessions that are cut at a system call, and what must be left of the mail."""
import os
import shutil
import time

from pop3 import message

COUNT = 6
# more than one block of the commit's reads and writes
TEXT = "a line of text that fills the message\n" * 5500
ENTRIES = [message(n, f"{n}\n{TEXT}") for n in range(1, COUNT + 1)]
PATTERNS = {
    "first": [1],
    "every-other": [1, 3, 5],
    "all-but-the-last": [1, 2, 3, 4, 5],
    "middle-run": [3, 4],
    "last-two": [5, 6],
    "all": [1, 2, 3, 4, 5, 6],
    "first-in-steps": [1],
    "every-other-in-steps": [1, 3, 5],
}
ARRIVED = message(7)


class Cuts:
    """One mailbox, one set of messages to delete, cut again and again."""

    def __init__(self, host, cutter, numbers, room=None):
        self.host = host
        self.room = room
        self.numbers = numbers
        self.out = host.directory("out")
        self.report = os.path.join(self.out, "report")
        self.arrived = host.put(os.path.join(self.out, "arrived"), ARRIVED)
        self.cutter = cutter
        self.plain = host.command
        self.old = b"".join(ENTRIES)
        self.new = b"".join(e for n, e in enumerate(ENTRIES, 1)
                            if n not in numbers)
        self.state = os.path.join(host.state, "thomas")

    def argv(self, trigger, at, action, hook, command):
        room = ["env", f"CUT_ROOM={self.room}"] if self.room else []
        return [*room, self.cutter, self.report, trigger, str(at), action, hook,
                "--", *command]

    def calls(self):
        """
        [number, six arguments, result if it came back] of each call. No cut
        makes a process call what its filter does not know.
        """
        with open(self.report) as f:
            lines = [line.split() for line in f if line.strip()]
        assert "SIGSYS" not in [words[0] for words in lines]
        return [list(map(int, words)) for words in lines]

    def fresh(self):
        shutil.rmtree(self.host.mail)
        shutil.rmtree(self.host.state)
        self.host.directory("mail")
        self.host.directory("state")
        self.host.write(self.old)
        # older than the clock's grain: else what pop3d calls depends on time
        time.sleep(0.03)

    def append_hook(self):
        return f"cat {self.arrived} >>{self.host.mailbox}"

    def session(self, at, action, hook=""):
        """
        Deletes and quits; the calls between QUIT and the end are what is cut.
        Returns the last reply, None if there was none, and whether there was
        such a call.
        """
        self.fresh()
        return self.quit_session(at, action, hook)

    def quit_session(self, at, action, hook=""):
        self.host.command = lambda *options: self.argv(
            "read:6", at, action, hook, self.plain(*options))
        with self.host.login() as s:
            for n in self.numbers:
                s.ok(f"DELE {n}")
            s.send("QUIT")
            line = s.hear()
            s.hang_up()
            s.status()
        self.host.command = self.plain
        return line, at < len(self.calls())

    def recover(self, at=0, action="none"):
        """--recover; the calls of the process that does it can be cut."""
        argv = self.argv("child:1", at, action, "",
                         self.plain("--recover"))
        process = self.host.popen(argv)
        return process.wait(20), at < len(self.calls())

    def login(self):
        with self.host.login() as s:
            count = s.stat()[0]
            s.ok("QUIT")
        return count

    def has_journal(self):
        return os.path.exists(os.path.join(self.state, "journal"))

    def fingerprint(self):
        """Tells whether two cuts have left the same."""
        files = {}
        for name in os.listdir(self.state):
            with open(os.path.join(self.state, name), "rb") as f:
                files[name] = f.read()
        files.pop("lock", None)
        return hash((self.host.read(), tuple(sorted(files.items()))))

    # ---- what must hold

    def mailbox(self, arrived=b""):
        """Which mailbox it is; its bytes would fill the screen."""
        data = self.host.read()
        if data == self.old + arrived:
            return "old"
        return "new" if data == self.new + arrived else \
            f"neither the old nor the new mailbox, but {len(data)} octets"

    def is_settled(self, arrived=b""):
        """The mailbox is old or new, and nothing is left to be done."""
        mailbox = self.mailbox(arrived)
        assert mailbox in ("old", "new")
        left = [name for name in os.listdir(self.state)
                if name.startswith(("journal", "rescue"))]
        assert left == []
        return mailbox == "new"

    def no_lock_is_left(self):
        assert "thomas.lock" not in os.listdir(self.host.mail)


class Snapshot:
    """The mail and the state at one moment, to come back to."""

    def __init__(self, cuts):
        self.cuts = cuts
        self.copy = os.path.join(cuts.out, "snapshot")
        shutil.rmtree(self.copy, ignore_errors=True)
        os.mkdir(self.copy)
        for place in (cuts.host.mail, cuts.host.state):
            clone(place, os.path.join(self.copy, os.path.basename(place)))

    def restore(self):
        for place in (self.cuts.host.mail, self.cuts.host.state):
            shutil.rmtree(place)
            clone(os.path.join(self.copy, os.path.basename(place)), place)


def clone(source, target):
    """Like copytree, and with the owners."""
    shutil.copytree(source, target)
    for here, _, files in os.walk(source):
        there = os.path.join(target, os.path.relpath(here, source))
        for name in [".", *files]:
            st = os.stat(os.path.join(here, name))
            os.chown(os.path.join(there, name), st.st_uid, st.st_gid)
