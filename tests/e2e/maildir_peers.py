"""
Other servers of Maildirs, as their own login processes would start them: from
packages unpacked below build/peers, or installed.
"""
import os
import pathlib
import socket

from pop3 import AS_ROOT, PATIENCE, UID

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PLACES = TOP / "build/peers/root", pathlib.Path("/")


# before a command that is not run by host.popen()
DROP = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"] \
    if AS_ROOT else []


def find(program):
    """The root below which it is; None if it is nowhere."""
    return next((top for top in PLACES if (top / program).exists()), None)


def with_libraries(host, top, *argv, **environment):
    libraries = ":".join(f"{top}/usr/lib{more}" for more in (
        "", "/dovecot", "/x86_64-linux-gnu"))
    environment.update(HOME=host.top, LD_LIBRARY_PATH=libraries)
    return ["env", *(f"{k}={v}" for k, v in environment.items()), *argv]


def dovecot(host, protocol, *settings):
    """A command that serves the host's Maildir; None where it is missing."""
    top = find(f"usr/lib/dovecot/{protocol}")
    if top is None:
        return None
    conf = os.path.join(host.top, "dovecot.conf")
    host.put(conf, "\n".join([
        f"mail_location = maildir:{host.mailbox}", f"mail_uid = {UID}",
        f"mail_gid = {UID}", "first_valid_uid = 1", "log_path = /dev/null",
        "ssl = no", f"base_dir = {host.top}/dovecot",
        f"state_dir = {host.top}/dovecot",
        f"mail_plugin_dir = {top}/usr/lib/dovecot/modules",
        "default_internal_user = nobody", "default_login_user = nogroup",
        *settings, ""]).encode(), mode=0o644)
    return with_libraries(host, top, f"{top}/usr/bin/doveconf", "-c", conf, "-m",
                   protocol, "-e", f"{top}/usr/lib/dovecot/{protocol}",
                   USER="nobody")


def courier(host):
    top = find("usr/lib/courier/courier/courierpop3d")
    if top is None:
        return None
    return with_libraries(host, top, f"{top}/usr/lib/courier/courier/courierpop3d",
                   host.mailbox, AUTHENTICATED="nobody", MAILDIR=host.mailbox)


def uidl(host, command):
    """The ids that a POP3 server tells who has logged its user in."""
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE)
    process = host.popen(command, stdin=theirs, stdout=theirs)
    theirs.close()
    with ours, ours.makefile("rb") as replies:
        ours.sendall(b"UIDL\r\n")
        while (line := replies.readline().split()) != [b"."]:
            assert line, "hangs up"
            if line[0].startswith(b"+OK"):
                found = []
            else:
                found.append(b" ".join(line[1:]).decode())
        ours.sendall(b"QUIT\r\n")
        replies.read()
    process.wait(PATIENCE)
    return found
