"""
What the code in hijack.c tries in each process, and what must become of it.
"""
import os
import platform
import sys

import pytest

BINARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                      "build", "hijack", "pop3d")

KERNEL = """open-passwd create-file make-directory make-link change-mode
inet-socket unix-socket packet-socket connect send-elsewhere pass-descriptor
signal-monitor signal-all fork clone3 exec dup-and-exec ptrace read-monitor
open-monitor pidfd mmap-exec mprotect-exec chroot setuid setgroups
block-refusal handle-refusal user-namespace open-by-handle io-uring bpf keyring
memfd raise-limits""".split()
# a copy of Debian for i386 runs under a kernel for amd64
if platform.machine() == "x86_64" and sys.maxsize > 2 ** 32:
    KERNEL += ["int80", "x32"]

KILLED = "killed: made a system call that it has no use for"
REFUSED = "failed: EACCES"
OUT_OF_TURN = "ended: out of its turn"
NO_REQUEST = "ended: sent what is no request"
TOO_MUCH = "ended: handed over more than there is room for"
OVERDUE = "ended: the greeter does not end"
NOT_TAKEN = "ended: does not take the answers to its requests"
UNTOLD = "ended: the relay has told nothing"
NO_HEADER = "ended: no PROXY header"
ENDED = "failed: ECONNRESET"

# As the log has them.
NAMES = {"greeter": "the greeter", "mailbox": "the mailbox process",
         "relay": "the TLS relay", "proxy": "the PROXY header's reader"}

# Landlock's part in the processes that have files to open, and what libraries
# may try without harm.
MAILBOX_REFUSED = ["open-passwd", "create-file", "open-monitor", "inet-socket",
                   "unix-socket", "packet-socket"]

OF_MONITOR = {
    "greeter": {
        "handover-before-login": OUT_OF_TURN,
        "handover-after-failure": OUT_OF_TURN,
        "handover-too-much": TOO_MUCH,
        "dotlock-request": OUT_OF_TURN,
        "summary": OUT_OF_TURN,
        "return": OUT_OF_TURN,
        "proof-without-start": OUT_OF_TURN,
        "replay-login": OUT_OF_TURN,
        "fourth-login": ENDED,
        "login-as-root": REFUSED,
        "login-as-directory": REFUSED,
        "wrong-size": NO_REQUEST,
        "too-much": NO_REQUEST,
        "unknown-type": NO_REQUEST,
        "type-0": NO_REQUEST,
        "ask-for-ever": OVERDUE,
        "stay-after-bye": OVERDUE,
        "stay-without-boundary": OVERDUE,
        "leave-tls-answers": NOT_TAKEN,
    },
    "mailbox": {
        "handover-before-login": OUT_OF_TURN,
        "login-request": OUT_OF_TURN,
        "proof-without-start": OUT_OF_TURN,
        "wrong-size": NO_REQUEST,
        "too-much": NO_REQUEST,
        "unknown-type": NO_REQUEST,
        "leave-dotlock-answers": NOT_TAKEN,
    },
    "relay": {
        "stay-silent": UNTOLD,
    },
    "proxy": {
        "stay-silent": NO_HEADER,
    },
}
ROLES = list(OF_MONITOR)


def expected(role):
    """{attack: outcome}"""
    outcomes = {name: KILLED for name in KERNEL}
    if role == "mailbox":
        outcomes.update((name, REFUSED) for name in MAILBOX_REFUSED)
    return outcomes | OF_MONITOR[role]


def script(role, attack, password):
    """What the attacker sends."""
    line = f"ATTACK {attack} {password}\r\n"
    if role == "mailbox":
        line = f"USER thomas\r\nPASS {password}\r\n" + line
    return line.encode()


def outcome(said, log):
    """In a word, from what the attacker saw and what the log says of it."""
    said = said.decode()
    begin = said.find("began\r\n")
    assert begin >= 0, f"the attack was not carried out: {said!r}, {log}"
    result = said[begin + len("began\r\n"):].strip()
    if result.startswith("did") or "+OK" in result:
        return f"SUCCEEDED: {result}"
    for text in (KILLED, OUT_OF_TURN, NO_REQUEST, TOO_MUCH, OVERDUE,
                 NOT_TAKEN, UNTOLD, NO_HEADER):
        if text.partition(": ")[2] in log:
            return text
    return result or "the process died"


def require():
    if not os.access(BINARY, os.X_OK):
        pytest.skip("build/hijack/pop3d is missing: make hijack")
    status = open("/proc/self/status").read()
    if "Seccomp:" not in status:
        pytest.skip("this kernel has no seccomp")


def report(capsys, role, outcomes):
    """Prints the list, and fails where an attack was not fended off so."""
    with capsys.disabled():
        print(f"\n{role}:")
        for name, what in outcomes.items():
            print(f"    {name:24}{what}")
    assert outcomes == expected(role)
