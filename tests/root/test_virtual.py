"""--virtual-user: accounts that PAM knows and the host does not."""
import os
import pathlib
import re
import subprocess

import pytest

from host import PASSWORD, Process, STATE, entries, message, until

MAIL = pathlib.Path("/srv/mail")
DB = "/etc/pop3d-users"


def userdb(accounts):
    """pam_userdb of libpam-modules; db_load is in db-util, dbm in Perl."""
    data = "".join(f"{name}\n{word}\n" for name, word in accounts.items())
    subprocess.run(["perl", "-MDB_File", "-e", f"""
        tie my %db, 'DB_File', '{DB}.db', O_RDWR | O_CREAT, 0600, $DB_HASH
            or die $!;
        while (my $name = <STDIN>) {{
            my $word = <STDIN>; chomp($name, $word); $db{{$name}} = $word; }}
    """], input=data, text=True, check=True)
    return f"pam_userdb.so db={DB}"


def hashed(word):
    """As crypt(3) does it, for which Python has no module any more."""
    return subprocess.run(["openssl", "passwd", "-6", word], text=True,
                          check=True, stdout=subprocess.PIPE).stdout.strip()


def pwdfile(accounts):
    """pam_pwdfile of libpam-pwdfile."""
    if not list(pathlib.Path("/lib").glob("*/security/pam_pwdfile.so")):
        pytest.skip("libpam-pwdfile is not installed")
    pathlib.Path(DB).write_text("".join(
        f"{name}:{hashed(word)}\n" for name, word in accounts.items()))
    return f"pam_pwdfile.so pwdfile={DB}"


ACCOUNTS = {"anna@example.org": PASSWORD, "anna@example.net": "another",
            "root": PASSWORD, "../thomas": PASSWORD}


@pytest.fixture(params=[userdb, pwdfile])
def virtual(request, host):
    module = request.param(ACCOUNTS)
    pathlib.Path("/etc/pam.d/pop3d").write_text(
        f"auth required {module}\naccount required pam_permit.so\n"
        "session required pam_permit.so\npassword required pam_deny.so\n")
    host.run("useradd", "--system", "--home-dir", MAIL, "--create-home",
             "vmail")
    for domain, n in ("example.org", 1), ("example.net", 2):
        path = MAIL / domain / "anna"
        path.parent.mkdir()
        path.write_bytes(entries(n, 3))
        subprocess.run(["chown", "-R", "vmail:vmail", MAIL], check=True)
        path.chmod(0o600)
    host.options("--virtual-user=vmail", "--mailbox=/srv/mail/%%d/%%n")
    return host


def test_each_gets_its_own_mail(virtual):
    for name, n in ("anna@example.org", 1), ("anna@example.net", 2):
        client = virtual.login(name, ACCOUNTS[name])
        assert client.retr(1)[1] == message(n)[1]
        client.dele(2)
        client.quit()
    assert (MAIL / "example.org/anna").read_bytes() == entries(1)
    assert (MAIL / "example.net/anna").read_bytes() == entries(2)
    assert sorted(os.listdir(STATE)) == ["anna@example.net",
                                         "anna@example.org"]
    assert {(STATE / name).owner() for name in os.listdir(STATE)} == {"vmail"}


def test_session_has_the_virtual_users_uid_only(virtual):
    client = virtual.login("anna@example.org")
    uid = int(virtual.run("id", "-u", "vmail"))
    monitor = Process(virtual.show(virtual.unit(), "MainPID"))
    until(lambda: any(child.uids == {uid} for child in monitor.children()),
          "the mailbox process")
    for child in monitor.children():
        if child.uids == {uid}:
            assert child.gids == {int(virtual.run("id", "-g", "vmail"))}
    client.quit()
    assert virtual.end_of_session()["POP3_USER"] == "anna@example.org"


def test_wrong_names_and_passwords(virtual):
    # right for PAM, but there is no domain in the name, or a path
    for name in "root", "../thomas":
        assert virtual.refusal(name).startswith("-ERR [AUTH]")
    assert virtual.refusal("anna@example.net").startswith("-ERR [AUTH]")
    assert not STATE.exists() or os.listdir(STATE) == []


def test_two_sessions_of_one_name(virtual):
    client = virtual.login("anna@example.org")
    assert "IN-USE" in virtual.refusal("anna@example.org")
    other = virtual.login("anna@example.net", "another")
    other.quit()
    client.quit()


def check(*options):
    return subprocess.run(["/usr/local/sbin/pop3d", *options, "--check"],
                          text=True, stdout=subprocess.PIPE).stdout


def test_check_and_recover(virtual):
    client = virtual.login("anna@example.org")
    client.quit()
    virtual.end_of_session()
    options = ["--virtual-user=vmail", "--mailbox=/srv/mail/%d/%n"]
    out = virtual.run("/usr/local/sbin/pop3d", *options, "--check",
                      "anna@example.org")
    assert "/srv/mail/example.org/anna: 2 messages" in out
    out = check(*options)
    assert re.search("^ok +spool /srv/mail:", out, re.M), out
    out = check("--virtual-user=nobody-of-that-name", options[1])
    assert re.search("^error .*: there is no such user", out, re.M), out
    run = subprocess.run(["/usr/local/sbin/pop3d", *options, "--recover",
                          "--log=stderr"], stderr=subprocess.PIPE)
    assert (run.returncode, run.stderr) == (0, b"")
