"""pop3d --check as root on a host that serves POP3."""
import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from host import PASSWORD, POP3D, STATE, entries, needs

PAM = pathlib.Path("/etc/pam.d/pop3d")


def check(*argv):
    run = subprocess.run([POP3D, "--check", *argv], text=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return run.returncode, run.stdout


def line(out, text):
    [found] = [line for line in out.splitlines() if text in line]
    return found.split(None, 1)[0]


def test_host_that_serves(host):
    client = host.login()
    client.quit()
    host.end_of_session()
    status, out = check()
    for text in ("PAM service /etc/pam.d/pop3d", "user pop3d: uid",
                 "spool /var/mail", "state directory /var/lib/pop3d",
                 "pop3d.socket: enabled",
                 "pop3d-recover.service: started at boot",
                 "port 110: systemd listens for pop3d.socket"):
        assert line(out, text) == "ok", out
    assert status == (1 if "\nwarning" in out else 0), out


def test_nothing_enabled(installed):
    status, out = check()
    assert status == 1, out
    assert line(out, "pop3d.socket: not enabled") == "warning"
    assert line(out, "port 110: nobody listens") == "warning"


def test_port_995_alone(installed):
    """As RFC 8314 wants it: no word about 110, and recovery at boot."""
    installed.run("systemctl", "enable", "--now", "pop3d.socket",
                  "pop3ds.socket")
    installed.run("systemctl", "disable", "--now", "pop3d.socket")
    out = check()[1]
    assert "110" not in out and "pop3d.socket" not in out
    for text in ("pop3ds.socket: enabled",
                 "pop3d-recover.service: started at boot",
                 "port 995: systemd listens for pop3ds.socket"):
        assert line(out, text) == "ok", out
    assert "pop3d-recover.service" in installed.show("pop3ds.socket", "Wants")


def test_port_110_alone(host):
    out = check()[1]
    assert "995" not in out and "pop3ds.socket" not in out


def test_socket_that_is_enabled_but_not_started(installed):
    installed.run("systemctl", "enable", "pop3ds.socket")
    out = check()[1]
    assert line(out, "pop3ds.socket: enabled, but not started") == "warning"
    assert line(out, "port 995: nobody listens: ") == "warning"
    assert "110" not in out


@pytest.mark.parametrize("unit, verdict", [
    ("pop3d@.service", "error"), ("pop3d-recover.service", "warning")])
def test_masked_unit_is_to_be_unmasked(host, unit, verdict):
    host.run("systemctl", "mask", unit)
    out = check()[1]
    assert line(out, f"systemctl unmask {unit}") == verdict, out
    assert f"systemctl enable {unit}" not in out


def test_masked_sockets(installed):
    installed.run("systemctl", "mask", "pop3d.socket")
    out = check()[1]
    assert line(out, "systemctl unmask pop3d.socket") == "warning"
    assert "systemctl enable pop3d.socket" not in out
    # one that is not wanted because the other serves
    installed.run("systemctl", "enable", "--now", "pop3ds.socket")
    assert "pop3d.socket" not in check()[1]


def test_no_user_pop3d(installed):
    installed.run("userdel", "pop3d")
    status, out = check()
    assert status == 2
    assert line(out, "user pop3d: missing") == "error"


def test_empty_root_that_others_may_write(host):
    says = "/run/pop3d/empty: it, or /run/pop3d, is no directory"
    os.chmod("/run/pop3d", 0o777)
    status, out = check()
    assert (status, line(out, says)) == (2, "error")
    with socket.create_connection(("127.0.0.1", 110), 10) as s:
        assert s.makefile("rb").read().startswith(b"-ERR [SYS/TEMP] ")
    shutil.rmtree("/run/pop3d")
    assert says not in check()[1]
    host.login().quit()


def test_state_directory_that_users_cannot_pass_through(installed):
    os.mkdir("/srv/state", 0o700)
    option = "--state-dir=/srv/state"
    status, out = check(option)
    assert (status, line(out, "/srv/state: mode 0700")) == (2, "error"), out
    os.chmod("/srv/state", 0o711)
    assert line(check(option)[1], "state directory /srv/state") == "ok"


@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_mode_that_systemd_mends(host, mode):
    host.login().quit()
    os.chmod(STATE, mode)
    assert line(check()[1], "state directory /var/lib/pop3d: ") == "ok"
    host.login().quit()
    # nobody mends it of a directory that the unit does not name
    os.mkdir("/srv/state", mode)
    os.chmod("/srv/state", mode)
    assert line(check("--state-dir=/srv/state")[1],
                "state directory /srv/state: ") == "error"


STATE_REFUSED = ("-ERR [SYS/PERM] Your state directory on the server cannot "
                 "be used; tell the administrator.")


def test_state_directory_of_another_owner(host):
    host.login().quit()
    host.end_of_session()
    (STATE / "thomas/journal.damaged-1").touch()
    shutil.chown(STATE / "thomas", "daemon")
    uid = host.run("id", "-u", "thomas").strip()
    out = check()[1]
    assert line(out, f"{STATE}/thomas: it belongs to uid 1, not to uid {uid}, "
                "and journal.damaged-1 in it is not made again: thomas cannot "
                "log in: ") == "error"
    assert host.refusal() == STATE_REFUSED
    assert host.journal(f"{STATE}/thomas: it belongs to uid 1 and not to "
                        f"uid {uid}, and journal.damaged-1 in it"
                        )[0]["PRIORITY"] == "3"
    host.run("chown", "-R", uid, STATE / "thomas")
    host.login().quit()


def test_owner_that_systemd_mends(host):
    """It gives root the users' files too: their caches are made anew."""
    host.login().quit()
    host.end_of_session()
    uid = host.run("id", "-u", "thomas").strip()
    shutil.chown(STATE, "daemon")
    assert line(check()[1], f"state directory {STATE}: ") == "ok"
    host.login().quit()
    assert host.journal(f"{STATE}/thomas: it belonged to uid 0, and is made "
                        f"anew for uid {uid}")
    # nobody mends it of a directory that the unit does not name
    os.mkdir("/srv/state")
    shutil.chown("/srv/state", "daemon")
    assert line(check("--state-dir=/srv/state")[1],
                "state directory /srv/state: it belongs to uid 1") == "error"


def test_state_files_of_another_owner(host):
    host.login().quit()
    host.end_of_session()
    (STATE / "thomas/journal").write_bytes(b"")
    host.run("chown", "-R", "root", STATE / "thomas")
    out = check()[1]
    assert line(out, f"{STATE}/thomas: it belongs to uid 0, not to uid "
                ) == "error"
    assert host.refusal() == STATE_REFUSED
    assert host.journal(f"{STATE}/thomas: it belongs to uid 0 and not to uid ")
    host.run("chown", "thomas", STATE / "thomas")
    out = check()[1]
    assert line(out, f"{STATE}/thomas/lock: it belongs to uid 0") == "error"
    assert host.refusal() == STATE_REFUSED
    assert host.journal("state directory: lock: Permission denied")
    (STATE / "thomas/journal").unlink()
    host.run("chown", "-R", "thomas", STATE / "thomas")
    host.login().quit()


def test_full_file_system_of_the_state_directory(host):
    host.run("mount", "-t", "tmpfs", "-o", "size=64k,mode=711", "tmpfs", STATE)
    with open(STATE / ".filler", "wb", 0) as filler:
        with pytest.raises(OSError):
            while filler.write(bytes(4096)):
                pass
    assert line(check()[1], f"state directory {STATE}: its file system is full"
                ) == "error"
    assert host.refusal() == (
        "-ERR [SYS/TEMP] The disk of the server's state directory is full; "
        "tell the administrator.")
    assert host.journal("state directory: lock: No space left on device")


def test_full_file_system_that_takes_no_directory(host):
    host.run("mount", "-t", "tmpfs", "-o", "nr_inodes=50,mode=711", "tmpfs",
             STATE)
    with pytest.raises(OSError):
        for n in range(50):
            (STATE / f".{n}").touch()
    assert line(check()[1], f"state directory {STATE}: its file system is full"
                ) == "error"
    assert "disk of the server's state directory is full" in host.refusal()
    assert host.journal("state directory /var/lib/pop3d/thomas: No space left")
    assert host.journal("login failed: the state directory's file system is "
                        "full")


def test_state_directory_below_one_that_is_missing(host):
    says = "--state-dir=/srv/none/state: /srv/none/: No such file"
    status, out = check("--state-dir=/srv/none/state")
    assert (status, line(out, says)) == (2, "error"), out
    host.options("--state-dir=/srv/none/state")
    assert host.greeting() == "-ERR [SYS/PERM] The server is not set up.\r\n"
    assert host.journal(says)[0]["PRIORITY"] == "3"
    os.mkdir("/srv/none")
    host.login().quit()
    assert os.listdir("/srv/none/state") == ["thomas"]


def test_spool_without_a_place_for_dotlocks(host):
    os.chmod("/var/mail", 0o755)
    status, out = check()
    assert (status, line(out, "spool /var/mail")) == (2, "error")
    assert line(check("--locks=fcntl")[1], "spool /var/mail") == "ok"


def test_spool_where_everybody_renames(host):
    os.chmod("/var/mail", 0o777)
    assert line(check()[1], "spool /var/mail") == "error"
    os.chmod("/var/mail", 0o1777)
    assert line(check()[1], "spool /var/mail") == "warning"


def test_no_group_mail(host):
    host.run("groupmod", "--new-name", "post", "mail")
    assert line(check()[1], "groupadd --system mail, chgrp mail") == "error"


def test_mailboxes_in_directories_of_their_own(installed):
    os.mkdir("/srv/boxes")
    for template, verdict in (("%u/inbox", "ok"), ("%u", "error")):
        out = check(f"--mailbox=/srv/boxes/{template}")[1]
        assert line(out, "spool /srv/boxes") == verdict, out


def test_port_taken(host):
    host.run("systemctl", "stop", "pop3d.socket")
    with subprocess.Popen(
            ["/usr/bin/python3", "-c", "import socket, sys;"
             "s = socket.create_server(('', 110)); print(flush=True);"
             "sys.stdin.read()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as taker:
        taker.stdout.readline()
        status, out = check()
        taker.stdin.close()
    assert (status, line(out, "port 110: taken by python3")) == (2, "error")


def fake(path, text):
    path = pathlib.Path(path)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_locks_that_postfix_does_not_share(installed):
    fake("/usr/sbin/postconf", """case $2 in
        mailbox_command) echo;; mailbox_delivery_lock) echo flock;; esac""")
    assert line(check()[1], "locks of Postfix: flock;") == "ok"
    status, out = check("--locks=dotlock,fcntl")
    assert (status, line(out, "locks of Postfix: flock;")) == (2, "error")


def test_locks_that_exim_does_not_share(installed):
    fake("/usr/sbin/exim4", 'printf "%s\\n" no_use_fcntl_lock '
         'no_use_flock_lock use_lockfile')
    assert line(check()[1], "locks of Exim (transport mail_spool): dotlock;"
                ) == "ok"
    out = check("--locks=fcntl,flock")[1]
    assert line(out, "locks of Exim (transport mail_spool): dotlock;"
                ) == "error"


@needs("procmail")
def test_locks_of_procmail(installed):
    assert line(check()[1], "locks of procmail: dotlock fcntl;") == "ok"


def test_user(host):
    status, out = check("thomas")
    assert (status, line(out, "locks: all of them can be had")) == (0, "ok"), out
    assert line(out, "/var/mail/thomas: 3 messages") == "ok"
    assert not os.path.exists("/var/mail/thomas.lock")
    assert pathlib.Path("/var/mail/thomas").read_bytes() == entries(1, 2, 3)
    assert not (STATE / "thomas").exists()


def test_mailbox_that_another_program_has_locked(host):
    lock = pathlib.Path("/var/mail/thomas.lock")
    lock.write_text(f"{os.getpid()}\n")
    status, out = check("thomas")
    assert line(out, "another program holds one of them") == "warning", out
    assert lock.exists()


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o3777])
@pytest.mark.parametrize("group", ["mail", "root"])
def test_spool_that_all_may_write_is_no_held_lock(host, mode, group):
    shutil.chown("/var/mail", "root", group)
    os.chmod("/var/mail", mode)
    before = os.stat("/var/mail").st_mtime_ns
    status, out = check("thomas")
    assert line(out, "locks: all of them can be had") == "ok", out
    assert os.stat("/var/mail").st_mtime_ns == before
    client = host.login()
    client.dele(1)
    client.quit()
    assert host.end_of_session()["POP3_DELETED"] == "1"
    assert not host.journal("holds its lock")


def test_spool_where_nobody_makes_dotlocks(host):
    os.chmod("/var/mail", 0o755)
    status, out = check("thomas")
    assert (status, line(out, "thomas.lock cannot be made")) == (2, "error")
    assert line(check("thomas", "--locks=fcntl,flock")[1],
                "locks: all of them can be had") == "ok"


def facts(path):
    """All but when it was read."""
    st = path.stat()
    return (st.st_ino, st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns,
            st.st_ctime_ns)


def test_stale_dotlock_stays(host):
    lock = pathlib.Path("/var/mail/thomas.lock")
    lock.write_text("999999999\n")
    before = facts(lock)
    status, out = check("thomas")
    assert (status, line(out, "the next session takes it over")) == (
        1, "warning"), out
    assert facts(lock) == before
    host.login().quit()
    [entry] = host.journal("dotlock thomas.lock: taken over")
    assert "process 999999999, which is gone" in entry["MESSAGE"]


def test_users_who_may_not_log_in(host):
    for name, says in (("root", "uid 0 may not log in"),
                       ("daemon", "see --min-uid"),
                       ("nobody-of-that-name", "there is no such user")):
        status, out = check(name)
        assert (status, line(out, says)) == (2, "error"), out
    host.run("usermod", "--expiredate", "2001-01-01", "thomas")
    assert line(check("thomas")[1], "PAM says: ") == "error"


def mended(host, says):
    """The finding, and the command after its last colon, carried out."""
    status, out = check("thomas")
    [found] = [line for line in out.splitlines() if says in line]
    assert (status, found.split()[0]) == (2, "error"), out
    command = found.rpartition(": ")[2].partition(",")[0]
    host.run(*command.split(), input=f"{PASSWORD}\n{PASSWORD}\n")
    status, out = check("thomas")
    assert status == 0, out
    host.login().quit()


@pytest.mark.parametrize("spoil, says", [
    ("passwd -l thomas", "the password is locked"),
    ("passwd -d thomas", "it has no password"),
    ("usermod -p ! thomas", "no password was ever set"),
    ("usermod -p * thomas", "no password was ever set"),
    ("chage -E 2001-01-01 thomas", "it has expired"),
    ("passwd -e thomas", "has to be changed at the next login"),
    ("chage -d 2001-01-01 -M 10 thomas", "the password has expired")])
def test_account_that_a_command_mends(host, spoil, says):
    host.run(*spoil.split())
    assert host.refusal().startswith("-ERR [AUTH]")
    mended(host, says)


def test_shell_that_pam_shells_refuses(host):
    host.run("usermod", "--shell", "/usr/sbin/nologin", "thomas")
    assert check("thomas")[0] == 0
    host.login().quit()
    PAM.write_text("auth required pam_shells.so\n" + PAM.read_text())
    assert host.refusal().startswith("-ERR [AUTH]")
    mended(host, "pam_shells refuses its shell /usr/sbin/nologin")


def test_name_that_pam_does_not_know(host):
    PAM.write_text(PAM.read_text()
                   + "account required pam_debug.so acct=user_unknown\n")
    status, out = check("thomas")
    assert (status, line(out, "PAM does not know this name")) == (2, "error")


def test_password_that_is_not_the_only_way_in(host):
    """Another module's, or a secret: the locked one need not be missed."""
    host.run("passwd", "-l", "thomas")
    auth = PAM.read_text()
    PAM.write_text("auth sufficient pam_localuser.so\n" + auth)
    assert line(check("thomas")[1], "the password is locked") == "warning"
    PAM.write_text(auth)
    assert line(check("thomas")[1], "the password is locked") == "error"
    host.run(POP3D, "--set-secret=thomas", input="tanstaaf\n")
    assert line(check("thomas")[1], "the password is locked") == "warning"


def test_min_uid_that_would_do(host):
    host.user("robot", "--system")
    [found] = [line for line in check("robot")[1].splitlines()
               if "see --min-uid" in line]
    option = found.split("add ")[1].split()[0]
    assert check(option, "robot")[0] == 0


def test_mailbox_of_somebody_else(host):
    shutil.chown("/var/mail/thomas", "daemon")
    assert line(check("thomas")[1], "it belongs to uid 1: ") == "error"


def test_capitals_in_login_names(host):
    out = check()[1]
    assert line(out, "login names: all are in lower case: with") == "ok"
    assert line(check("--fold-names")[1], "capitals do not matter") == "ok"
    host.user("Anna", "--badname")
    assert line(check()[1], "login names: capitals matter") == "ok"
    status, out = check("--fold-names")
    assert (status, line(out, "1 have capitals, such as Anna")) == (2, "error")
