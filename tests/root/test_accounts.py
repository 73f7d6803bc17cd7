"""Who may log in, as pam_unix and Debian's PAM configuration decide it."""
import os
import pathlib
import subprocess
import time

import pytest

from host import (LOGIN_FAILED, PASSWORD, POP3D, SETUP, SPOOL, STATE, Process,
                  entries, message, until)
from test_processes import authenticator_of, mailbox_of

PAM = pathlib.Path("/etc/pam.d/pop3d")


WRONG = "-ERR [AUTH] Wrong name or password."


def reason(host):
    """Why the last login failed, as the log has it."""
    host.run("journalctl", "--sync")
    return host.journal(event=LOGIN_FAILED)[-1]["MESSAGE"].partition(
        "login failed: ")[2]


def test_expired_account_is_refused(host):
    host.run("chage", "-E", "0", "thomas")
    assert host.refusal() == "-ERR [AUTH] This account may not log in."
    assert reason(host).startswith("the account may not log in (PAM: ")
    assert "Your account has expired; please contact" in reason(host)
    assert host.refusal(password="wrong") == WRONG


def expire_by_age(host):
    host.run("chage", "-d", "2000-01-01", "-M", "10", "thomas")


def expire_at_once(host):
    host.run("passwd", "-e", "thomas")


@pytest.mark.parametrize("expire", [expire_by_age, expire_at_once])
def test_expired_password_is_told_to_who_knows_it(host, expire):
    expire(host)
    assert host.refusal().startswith(
        "-ERR [AUTH] Your password has expired; ")
    assert reason(host).startswith("the password has expired (PAM: ")
    assert host.refusal(password="wrong") == WRONG
    assert reason(host) == ("wrong name or password (PAM: Authentication "
                            "failure)")


def test_locked_account_is_refused(host):
    host.run("passwd", "-l", "thomas")
    assert host.refusal() == WRONG


def test_words_of_a_module_are_in_the_log(host):
    """Debian's stack turns each refusal into the same status."""
    pathlib.Path("/run/nologin").write_text("The disks are being moved\n")
    PAM.write_text(PAM.read_text() + "account requisite pam_nologin.so\n")
    assert host.refusal() == "-ERR [AUTH] This account may not log in."
    assert reason(host).endswith(": The disks are being moved)")


def test_account_without_password_is_refused(host):
    host.run("passwd", "-d", "thomas")
    for word in "x", PASSWORD:
        assert host.refusal(password=word).startswith("-ERR [AUTH]")


def test_root_is_refused_as_a_wrong_password_is(host):
    host.run("chpasswd", input=f"root:{PASSWORD}\n")
    assert host.refusal("root") == host.refusal("thomas", "wrong")


def test_system_user_is_refused_as_a_wrong_password_is(host):
    host.user("robot", "--system")
    assert host.refusal("robot") == host.refusal("thomas", "wrong")


def test_min_uid_admits_a_system_user(host):
    host.user("robot", "--system")
    host.options("--min-uid=100")
    host.login("robot").quit()


def test_unknown_user_is_told_the_same_in_the_same_time(host):
    answers = []
    for name in "thomas", "nobody-of-that-name", "root":
        begin = time.monotonic()
        text = host.refusal(name, "wrong")
        answers.append((text, time.monotonic() - begin))
    texts, times = zip(*answers)
    assert len(set(texts)) == 1, texts
    # a fixed time after the question, long after all has been found out
    assert min(times) > 2.4, times


# Stands in for a user database that ignores case, as Active Directory does.
FOLDING = r"""
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <pwd.h>
#include <stdio.h>

struct passwd *
getpwnam(const char *name)
{
	struct passwd *(*real)(const char *) = dlsym(RTLD_NEXT, "getpwnam");
	char folded[256];

	snprintf(folded, sizeof(folded), "%s", name);
	for (char *s = folded; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
	return real(folded);
}
"""


def test_other_spelling_of_a_name_is_the_same_user(host):
    library = "/usr/local/lib/folding.so"
    host.run("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library,
             input=FOLDING)
    PAM.write_text("".join(f"{kind} required pam_permit.so\n"
                           for kind in ("auth", "account", "session")))
    host.drop_in(f"[Service]\nEnvironment=LD_PRELOAD={library}\n")
    client = host.login("Thomas")
    assert client.stat()[0] == 3
    assert "IN-USE" in host.refusal("thomas")
    assert "IN-USE" in host.refusal("THOMAS")
    client.dele(1)
    client.quit()
    assert host.end_of_session()["POP3_USER"] == "thomas"
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3)
    assert os.listdir(STATE) == ["thomas"]
    # what another spelling left is not taken for done
    (STATE / "Thomas").mkdir()
    (STATE / "Thomas/journal").touch()
    run = subprocess.run([POP3D, "--recover", "--log=stderr"], text=True,
                         stderr=subprocess.PIPE, env={"LD_PRELOAD": library})
    assert run.returncode == 75
    assert "user=Thomas: an interrupted commit is left" in run.stderr


def test_fold_names(host):
    assert host.refusal("Thomas") == WRONG
    host.options("--fold-names")
    client = host.login("Thomas")
    assert client.stat()[0] == 3
    assert "IN-USE" in host.refusal("thomas")
    client.quit()
    assert host.end_of_session()["POP3_USER"] == "thomas"
    assert os.listdir(STATE) == ["thomas"]


def test_missing_user_pop3d_is_the_hosts_fault(host):
    host.run("userdel", "pop3d")
    assert host.greeting().startswith("-ERR [SYS/PERM]")
    [entry] = host.journal(event=SETUP)
    assert "pop3d" in entry["MESSAGE"] and int(entry["PRIORITY"]) <= 3


def test_broken_pam_file_is_the_hosts_fault(host):
    PAM.write_text("auth required pam_no_such_module.so\n")
    assert host.refusal().startswith("-ERR [SYS/PERM]")


def test_pam_session_is_opened_and_closed_for_the_client(host):
    script = pathlib.Path("/usr/local/bin/note")
    script.write_text('#!/bin/sh\necho "$PAM_TYPE $PAM_USER $PAM_RHOST '
                      '$PAM_TTY $PAM_SERVICE" >>/run/noted\n')
    script.chmod(0o755)
    PAM.write_text(PAM.read_text() + f"session required pam_exec.so {script}\n")
    client = host.login()
    said = "thomas 127.0.0.1 pop3d pop3d"
    noted = pathlib.Path("/run/noted")
    assert noted.read_text() == f"open_session {said}\n"
    client.quit()
    # The line about the session's end comes before PAM's.
    until(lambda: "close" in noted.read_text(), "PAM's session is closed")
    assert noted.read_text() == (f"open_session {said}\n"
                                 f"close_session {said}\n")


def test_refused_pam_session_is_no_login(host):
    PAM.write_text(PAM.read_text() + "session required pam_deny.so\n")
    assert host.refusal().startswith("-ERR [SYS/")


# ---- what PAM's session modules make of the process

LIMITS = """
thomas hard fsize 12345
thomas hard cpu 7
thomas hard nofile 24
thomas hard data unlimited
thomas - priority 7
"""


def niceness(process):
    with open(f"/proc/{process.pid}/stat") as f:
        return int(f.read().rpartition(")")[2].split()[16])


def test_limits_and_niceness_reach_the_mailbox_process(host):
    host.drop_in("[Service]\nNice=0\n")
    pathlib.Path("/etc/security/limits.conf").write_text(LIMITS)
    with PAM.open("a") as service:
        service.write("session required pam_limits.so\n")
    client = host.login()
    monitor = Process(host.show(host.unit(), "MainPID"))
    pam, mailbox = authenticator_of(monitor), mailbox_of(monitor)
    until(lambda: mailbox.limit("processes") == 0, "its sandbox")
    for process in pam, mailbox:
        assert process.limit("file size") == 12345 * 1024
        assert process.limit("cpu time") == 7 * 60
        assert process.limit("open files") == 24
        assert niceness(process) == 7
    # its own, and what it has not been given
    assert mailbox.limit("processes") == mailbox.limit("core file size") == 0
    assert mailbox.limit("data size") == monitor.limit("data size")
    assert niceness(monitor) == 0
    assert monitor.limit("open files") > 24
    assert client.retr(1)[1] == message(1)[1]
    client.dele(1)
    client.quit()
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3)


def test_a_module_raises_no_limit(host):
    host.drop_in("[Service]\nLimitFSIZE=100M\nNice=3\n")
    pathlib.Path("/etc/security/limits.conf").write_text(
        "thomas - fsize unlimited\nthomas - priority -5\n")
    with PAM.open("a") as service:
        service.write("session required pam_limits.so\n")
    client = host.login()
    monitor = Process(host.show(host.unit(), "MainPID"))
    mailbox = mailbox_of(monitor)
    until(lambda: mailbox.limit("processes") == 0, "its sandbox")
    assert mailbox.limit("file size") == 100 << 20
    assert niceness(mailbox) == 3
    client.quit()


def login_uid(process):
    with open(f"/proc/{process.pid}/loginuid") as f:
        return int(f.read())


def test_login_uid_reaches_the_mailbox_process(host):
    """What the kernel's audit calls it, where it has that."""
    if not os.path.exists("/proc/self/loginuid"):
        pytest.skip("a kernel without audit")
    with PAM.open("a") as service:
        service.write("session required pam_loginuid.so\n")
    client = host.login()
    monitor = Process(host.show(host.unit(), "MainPID"))
    pam, mailbox = authenticator_of(monitor), mailbox_of(monitor)
    until(lambda: mailbox.limit("processes") == 0, "its sandbox")
    [uid] = mailbox.uids
    assert login_uid(pam) == login_uid(mailbox) == uid
    assert login_uid(monitor) != uid
    client.quit()
