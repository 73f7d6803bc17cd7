"""What an ordinary user's processes may still do, as the kernel sees it."""
import os
import platform

import pytest
import tls
from pop3 import has_asan, has_coverage, members, message, wait_until

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look at "
                       "processes that keep others from it"),
    pytest.mark.skipif(has_coverage(), reason="built without a sandbox")]


class Process:
    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/status") as f:
            self.status = dict(line.rstrip("\n").split(":\t", 1) for line in f)

    def __getattr__(self, name):
        return self.status[name].strip()

    def descriptors(self):
        directory = f"/proc/{self.pid}/fd"
        return {int(fd): os.readlink(f"{directory}/{fd}")
                for fd in os.listdir(directory)}

    def limits(self):
        """The hard limits of processes, descriptors, and core files."""
        with open(f"/proc/{self.pid}/limits") as f:
            lines = f.read().splitlines()
        return [line[26:].split()[1] for name in
                ("Max processes", "Max open files", "Max core file size")
                for line in lines if line.startswith(name)]


# PAM's process: its line to the monitor, and nothing of the connection.
PAMS = ["/dev/null", "/dev/null", "socket"]


def all_children(session):
    """With PAM's, which is there a moment after the greeting."""
    found = []

    def is_complete():
        try:
            found[:] = [Process(pid) for pid in members(session.process)
                        if pid != session.process.pid]
            return [kinds(process) for process in found].count(PAMS) == 1
        except OSError:
            return False  # one has just ended

    wait_until(is_complete)
    return found


def children(session):
    """Those that are confined."""
    return [process for process in all_children(session)
            if kinds(process) != PAMS]


def assert_confined(process):
    for name in "CapEff", "CapPrm", "CapInh", "CapAmb":
        assert int(getattr(process, name), 16) == 0
    assert process.NoNewPrivs == "1"
    processes, files, core = process.limits()
    assert (processes, core) == ("0", "0") and int(files) <= 32
    if "Seccomp" in process.status and not has_asan() and \
            platform.machine() in ("x86_64", "aarch64"):
        assert process.Seccomp == "2"


def kinds(process):
    """Without standard error, which is the log."""
    return sorted(what.partition(":[")[0] for fd, what in
                  process.descriptors().items() if fd != 2)


def test_greeter(host):
    with host.connect() as s:
        [greeter] = children(s)
        assert_confined(greeter)
        assert kinds(greeter) == 3 * ["socket"]
        if not has_asan():
            assert greeter.descriptors()[2] == "/dev/null"


def test_mailbox_process(host):
    host.write(message(1))
    with host.login() as s:
        wait_until(lambda: len(children(s)) == 1)
        [mailbox] = children(s)
        assert_confined(mailbox)
        state = os.path.join(host.state, "thomas")
        assert kinds(mailbox) == sorted(
            [host.mailbox, state, os.path.join(state, "lock")]
            + 3 * ["socket"])
        assert mailbox.descriptors()[2] == s.logfile


def test_tls_relay(host):
    with tls.stls(host) as s:
        relay, greeter = sorted(children(s), key=lambda p: -len(kinds(p)))
        for process in relay, greeter:
            assert_confined(process)
        # the connection, twice, the plain side, the line to the monitor
        assert len(kinds(relay)) == 4 and set(kinds(relay)) == {"socket"}
        # the plain side, the boundary
        assert kinds(greeter) == 2 * ["socket"]
        connection = relay.descriptors()[0]
        holders = [process for process in
                   [Process(s.process.pid), *children(s)]
                   if connection in process.descriptors().values()]
        assert [process.pid for process in holders] == [relay.pid]


def test_descriptors_of_whoever_started_it_are_closed(host):
    with open("/etc/passwd") as left, open("/etc/group") as also:
        with host.connect(pass_fds=[left.fileno(), also.fileno()]) as s:
            for process in [Process(s.process.pid), *all_children(s)]:
                assert set(kinds(process)) <= {
                    "socket", "/dev/null",
                    "/memfd:pop3d-session (deleted)"}  # what --who reads


def test_mailbox_process_reaches_no_file_but_its_own(host):
    """A mailbox in a directory beside it is another matter: see hijack."""
    host.write(message(1), message(2))
    with host.login() as s:
        # what it needs works: index, journal, dotlock, a mailbox in its place
        s.ok("DELE 1")
        host.replace(message(1) + message(2) + message(3))
        s.ok("RETR 2")
        s.hear_text()
        s.ok("QUIT")
    assert host.read() == message(2) + message(3)
