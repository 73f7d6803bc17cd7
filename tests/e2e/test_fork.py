"""
What crosses a fork, against the list in sandbox/environment.h: each line of it
has its check here, and each process that others talk to is looked at.
"""
import os
import pathlib
import re

import pytest
import tls
from holders import memory
from pop3 import has_asan, has_coverage, members, message, wait_until
from test_sandbox import (Process, all_children, assert_confined, children,
                          kinds, PAMS)

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look at "
                       "processes that keep others from it"),
    pytest.mark.skipif(has_coverage(), reason="built without a sandbox")]

CANARY = "a-canary-in-the-environment-9182736455"
EVERYBODYS = {"TZ": "UTC"}
MONITORS = {"SYSTEMD_NSS_DYNAMIC_BYPASS": "1"}
PAMS_OWN = {"KRB5_CONFIG": "/etc/krb5.conf", "LANG": "C"}
OTHERS = {"AWS_SECRET_ACCESS_KEY": CANARY, "TZDIR": CANARY + "-2",
          "XTZ": CANARY + "-3", "LISTEN_FDNAMES": CANARY + "-4"}
ENVIRONMENT = {"FIRST": CANARY + "-0", **EVERYBODYS, **MONITORS, **PAMS_OWN,
               **OTHERS}

HUP_TERM = 1 << 0 | 1 << 14  # SIGHUP, SIGTERM
PIPE_XFSZ = 1 << 12 | 1 << 24


# ---- what the kernel says of a process

def environment(process):
    """All that is left where the kernel had put it."""
    with open(f"/proc/{process.pid}/environ", "rb") as f:
        left = [text for text in f.read().split(b"\0") if text]
    return dict(text.decode().split("=", 1) for text in left)


# ---- the ways in

def greeter(host):
    return host.connect(env=ENVIRONMENT)


def relay(host):
    return tls.stls(host, env=ENVIRONMENT)


def mailbox(host):
    host.write(message(1))
    session = host.login(env=ENVIRONMENT)
    wait_until(lambda: any(host.mailbox in kinds(process)
                           for process in children(session)))
    return session


def proxy_reader(host):
    session = host.start("--proxy-protocol=127.0.0.0/8", transport="tcp",
                         env=ENVIRONMENT)
    wait_until(lambda: len(members(session.process)) == 2)
    return session


WAYS = [greeter, relay, mailbox, proxy_reader]


def confined(session, way):
    """Once all have entered their sandbox."""
    def found():
        all_of_them = [Process(pid) for pid in members(session.process)
                       if pid != session.process.pid]
        return [process for process in all_of_them
                if kinds(process) != PAMS]

    if way is not proxy_reader:
        all_children(session)
    wait_until(lambda: found() and all(
        process.limits()[0] == "0" for process in found()))
    return found()


# ---- each line of the list

def check_descriptors(session, process):
    allowed = {"socket", "/dev/null"}
    if is_mailbox(session, process):
        state = os.path.join(session.host.state, "thomas")
        allowed |= {session.host.mailbox, state, os.path.join(state, "lock")}
    assert set(kinds(process)) <= allowed


def check_memory(session, process):
    """tests/e2e/test_held.py and tests/root/test_memory.py look for more."""
    if not has_asan():
        assert CANARY.encode() not in memory(process.pid)


def check_environment(session, process):
    assert environment(process) == EVERYBODYS


def check_identity(session, process):
    assert_confined(process)
    assert process.Uid.split() == process.Gid.split() == \
        4 * [str(os.stat(session.host.top + "/mail").st_uid)]
    assert process.Groups == ""


def check_limits(session, process):
    processes, files, core = process.limits()
    assert (processes, core) == ("0", "0") and int(files) <= 32


def check_signals(session, process):
    # none is blocked while it waits
    assert int(process.SigBlk, 16) in (0, HUP_TERM)
    # whoever started all this may ignore others
    with open("/proc/self/status") as f:
        ours = int(re.search(r"^SigIgn:\s*(\w+)$", f.read(), re.M)[1], 16)
    assert int(process.SigIgn, 16) == PIPE_XFSZ | ours
    assert int(process.SigCgt, 16) & HUP_TERM == HUP_TERM


def check_umask(session, process):
    assert int(process.Umask, 8) == 0o077


def check_directory(session, process):
    """The empty root needs root: tests/root/test_processes.py."""
    if is_mailbox(session, process):
        assert os.readlink(f"/proc/{process.pid}/cwd") == \
            os.path.join(session.host.state, "thomas")


def check_timers(session, process):
    with open(f"/proc/{process.pid}/timers") as timers:
        assert timers.read() == ""


def is_mailbox(session, process):
    return session.host.mailbox in kinds(process)


CHECKS = {
    "descriptors": check_descriptors,
    "memory": check_memory,
    "environment": check_environment,
    "uid, groups,": check_identity,  # capabilities
    "limits": check_limits,
    "signal mask": check_signals,
    "umask": check_umask,
    "directory": check_directory,
    "timers": check_timers,
}


def test_each_line_of_the_list_has_its_check():
    text = (TOP / "sandbox" / "environment.h").read_text()
    rows = re.findall(r"^ \*     (\w+(?:,? \w+)*,?) {2,}", text, re.M)
    # a name may go on in the next row
    assert [row for row in rows if row != "capabilities"] == list(CHECKS)


def test_manual_has_the_variables_that_are_kept():
    code = (TOP / "sandbox" / "environment.c").read_text()
    kept = re.findall(r'^\t{ "(\w+=?)", [A-Z]+ },', code, re.M)
    assert len(kept) > 10
    manual = (TOP / "pop3d.8").read_text().replace("\\\n", "")
    section = manual[manual.index(".Sh ENVIRONMENT"):
                     manual.index(".Sh FILES")]
    named = {name for line in re.findall(r"^\.It Ev (.*)$", section, re.M)
             for name in line.replace(",", " ").split()}
    # options.c copies what it reads, before anything is removed
    assert named - {"STATE_DIRECTORY", "XDG_STATE_HOME"} == \
        {name[:-1] if name[-1] == "=" else name + "*" for name in kept} \
        - {"LISTEN_*"} | {"LISTEN_FDS", "LISTEN_PID"}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_crosses_a_fork(host, way):
    with way(host) as session:
        there = confined(session, way)
        assert len(there) == (2 if way is relay else 1)
        for process in there:
            for check in CHECKS.values():
                check(session, process)
        session.hang_up()


@pytest.mark.parametrize("way", [greeter, mailbox], ids=lambda way: way.__name__)
def test_monitor_and_pams_process_keep_what_they_use(host, way):
    with way(host) as session:
        [pam] = [process for process in all_children(session)
                 if kinds(process) == PAMS]
        monitor = Process(session.process.pid)
        own = {"HOME": host.top}
        wait_until(lambda: environment(monitor).keys() != environment(
            pam).keys())
        assert environment(monitor) == {**EVERYBODYS, **MONITORS, **own}
        assert environment(pam) == {
            **EVERYBODYS, **MONITORS, **own, **PAMS_OWN,
            "PATH": os.environ["PATH"], "LC_ALL": "C",
            "LISTEN_FDNAMES": OTHERS["LISTEN_FDNAMES"]}
