"""Maildirs, served by the installed units to users of several kinds."""
import os
import pathlib
import subprocess

import pytest
from test_virtual import ACCOUNTS, MAIL, userdb


@pytest.fixture
def maildirs(host):
    module = userdb(ACCOUNTS)
    pathlib.Path("/etc/pam.d/pop3d").write_text(
        f"auth required {module}\naccount required pam_permit.so\n"
        "session required pam_permit.so\npassword required pam_deny.so\n")
    host.run("useradd", "--system", "--home-dir", MAIL, "--create-home",
             "vmail")
    for domain in "example.org", "example.net":
        for place in "cur", "new", "tmp":
            (MAIL / domain / "a/anna" / place).mkdir(parents=True)
        for n in range(1, 4):
            (MAIL / domain / "a/anna/new" / f"170000000{n}.M1P1.host"
             ).write_text(f"Subject: {domain} {n}\n\nText.\n")
    subprocess.run(["chown", "-R", "vmail:vmail", MAIL], check=True)
    host.options("--virtual-user=vmail", "--mailbox=/srv/mail/%%d/%%1n/%%n/")
    return host


def test_each_virtual_user_has_a_maildir(maildirs):
    for domain in "example.org", "example.net":
        name = f"anna@{domain}"
        client = maildirs.login(name, ACCOUNTS[name])
        assert client.retr(1)[1][0].decode() == f"Subject: {domain} 1"
        client.dele(2)
        client.dele(3)
        client.quit()
        top = MAIL / domain / "a/anna"
        assert os.listdir(top / "cur") == ["1700000001.M1P1.host:2,"]
        assert os.listdir(top / "new") == []
