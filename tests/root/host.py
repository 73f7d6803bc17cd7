"""A copy of this host, as in-host-copy makes it, with pop3d installed."""
import contextlib
import json
import os
import pathlib
import poplib
import shutil
import signal
import socket
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 30  # seconds until what does not happen is a failure
PASSWORD = "open sesame"
PORT = 110
LOCALHOST = "127.0.0.1"
POP3D = "/usr/local/sbin/pop3d"
SPOOL = pathlib.Path("/var/mail")
STATE = pathlib.Path("/var/lib/pop3d")

# the ends of the MESSAGE_IDs
LOGIN, LOGIN_FAILED, RECOVERED, SETUP = "001", "002", "006", "008"
REMOVED = "010"


COPY = pathlib.Path("/run/in-host-copy")


def is_copy():
    return (COPY / "made").exists()


def was_reset():
    """Whether the test has begun anew because of reset()."""
    return (COPY / "was-reset").exists()


def reset():
    """
    Kills all processes of this copy at once, this one too. It boots again with
    the files as they are, and the test begins anew.
    """
    (COPY / "was-reset").touch()
    (COPY / "again").touch()
    os.sync()
    subprocess.run(["systemctl", "--force", "--force", "reboot"])
    signal.pause()


def until(condition, what):
    """Waits until condition() is true, and returns what it returned."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.02)
    return value


def needs(program):
    return pytest.mark.skipif(not shutil.which(program),
                              reason=f"{program} is not installed")


def ended_by_their_filters():
    """What the journal says of processes that a seccomp filter has ended."""
    log = subprocess.run(["journalctl", "--boot", "-p", "crit", "-o", "cat"],
                         text=True, stdout=subprocess.PIPE).stdout
    return [line for line in log.splitlines()
            if "made a system call that it has no use for" in line]


def message(n, body=None):
    """Message n as it lies in an mbox, and as a list of lines that RETR sends.
    """
    text = (f"From: sender@example.org\nSubject: message {n}\n\n"
            f"{body or f'This is message {n}.'}\n")
    return (f"From sender@example.org Wed Dec  2 05:53:{n % 60:02} 1992\n"
            f"{text}\n").encode(), text.encode().splitlines()


def entries(*numbers):
    return b"".join(message(n)[0] for n in numbers)


def unit_of(entry):
    """None where its process had ended when journald came to ask for it."""
    return entry.get("_SYSTEMD_UNIT")


class Host:
    def __init__(self):
        assert is_copy(), "this is no copy of the host"
        if was_reset():
            return
        self.run("make", "-C", TOP, "-o", "pop3d", "install")
        if "POP3D" in os.environ:
            shutil.copy(os.environ["POP3D"], POP3D)

    def run(self, *argv, **more):
        run = subprocess.run([str(a) for a in argv], text=True,
                             timeout=PATIENCE, stdout=subprocess.PIPE,
                             **{"stderr": subprocess.PIPE, **more})
        assert run.returncode == 0, f"{argv}: {run.stdout}{run.stderr}"
        return run.stdout

    # ---- users and their mail

    def user(self, name, *options, password=PASSWORD):
        self.run("useradd", "--create-home", *options, name)
        self.run("chpasswd", input=f"{name}:{password}\n")
        return self.deliver(name)

    def deliver(self, name, data=None):
        """The mailbox as a delivery agent of Debian makes it."""
        path = SPOOL / name
        path.write_bytes(entries(1, 2, 3) if data is None else data)
        shutil.chown(path, name, "mail")
        path.chmod(0o660)
        return path

    # ---- sessions

    def connect(self, address=LOCALHOST):
        return poplib.POP3(address, PORT, timeout=PATIENCE)

    def login(self, name="thomas", password=PASSWORD, address=LOCALHOST):
        client = self.connect(address)
        client.user(name)
        client.pass_(password)
        return client

    def refusal(self, name="thomas", password=PASSWORD):
        """How pop3d says no to a login."""
        client = self.connect()
        try:
            client.user(name)
            client.pass_(password)
        except poplib.error_proto as error:
            return error.args[0].decode()
        finally:
            client.close()
        raise AssertionError(f"{name} could log in")

    def greeting(self):
        """The first line, whatever it is, and what follows until the end."""
        with socket.create_connection((LOCALHOST, PORT), PATIENCE) as s:
            return s.makefile("rb").readline().decode()

    # ---- systemd

    def units(self):
        """The units of all sessions."""
        lines = self.run("systemctl", "list-units", "--plain", "--no-legend",
                         "--full", "pop3d@*.service").splitlines()
        return [line.split()[0] for line in lines]

    def unit(self):
        """The unit of the only session."""
        [unit] = self.units()
        return unit

    def show(self, unit, name):
        """A property; of a unit that is listed and starts, the process."""
        def ask():
            return self.run("systemctl", "show", "--value", "-p", name,
                            unit).strip()
        if name != "MainPID":
            return ask()
        return until(lambda: ask().removeprefix("0"), "the unit's process")

    def drop_in(self, text, unit="pop3d@.service"):
        directory = pathlib.Path(f"/etc/systemd/system/{unit}.d")
        directory.mkdir(exist_ok=True)
        (directory / "test.conf").write_text(text)
        self.run("systemctl", "daemon-reload")

    def options(self, *options, before=()):
        self.drop_in("[Service]\nExecStart=\nExecStart="
                     + " ".join([*before, POP3D, *options]) + "\n")

    def end_of_session(self):
        """The journal's fields about the session that has just ended."""
        return until(lambda: self.journal("session ended"), "the summary")[-1]

    def journal(self, text="", event=""):
        """
        pop3d's entries with this text in their message, and for an event those
        with its number at the end of their MESSAGE_ID.
        """
        self.run("journalctl", "--sync")
        found = map(json.loads, self.run(
            "journalctl", "-o", "json", "-t", "pop3d", "--all").splitlines())
        return [entry for entry in found if text in entry["MESSAGE"]
                and entry.get("MESSAGE_ID", "").endswith(event)]


def living(pids):
    """What /proc tells of these, but for those that have just ended."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            found.append(Process(pid))
    return found


class Process:
    """What /proc tells of a process."""

    def __init__(self, pid):
        self.pid = pid
        self.status = {}
        for line in open(f"/proc/{pid}/status"):
            name, _, value = line.partition(":")
            self.status[name] = value.split()

    @property
    def uids(self):
        return {int(uid) for uid in self.status["Uid"]}

    @property
    def gids(self):
        return {int(gid) for gid in self.status["Gid"]
                + self.status["Groups"]}

    @property
    def root(self):
        return os.readlink(f"/proc/{self.pid}/root")

    @property
    def capabilities(self):
        return {int(self.status[name][0], 16)
                for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")}

    @property
    def bounding(self):
        return int(self.status["CapBnd"][0], 16)

    @property
    def descriptors(self):
        """{number: path, or what else it is}"""
        directory = f"/proc/{self.pid}/fd"
        return {int(fd): os.readlink(f"{directory}/{fd}").partition(":[")[0]
                for fd in os.listdir(directory)}

    def sockets(self):
        """The sockets themselves, to be compared with another process's."""
        directory = f"/proc/{self.pid}/fd"
        found = {os.readlink(f"{directory}/{fd}")
                 for fd in os.listdir(directory)}
        return {what for what in found if what.startswith("socket:")}

    def limit(self, name):
        """The hard limit; None for none."""
        for line in open(f"/proc/{self.pid}/limits"):
            if line.lower().startswith(f"max {name}"):
                value = line[26:].split()[1]
                return None if value == "unlimited" else int(value)
        raise KeyError(name)

    def children(self):
        path = f"/proc/{self.pid}/task/{self.pid}/children"
        return living(open(path).read().split())
