"""--set-secret as root, who has a user database to ask."""
import subprocess

import pytest
from host import POP3D


def set_secret(name, *options):
    run = subprocess.run([POP3D, f"--set-secret={name}", *options],
                         input="tanstaaf\n", text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    assert run.returncode == 0
    return run.stdout


def test_nobody_is_surprised_by_a_user_who_can_log_in(host):
    assert set_secret("thomas") == ""


@pytest.mark.parametrize("name, says", [
    ("thomsa", "there is no such user on this host"),
    ("Thomas", "there is no such user on this host"),
    ("root", "uid may not log in"), ("daemon", "uid may not log in")])
def test_a_user_who_cannot_log_in_is_named(host, name, says):
    said = set_secret(name)
    assert said.startswith(f"pop3d: {name}: ") and says in said
    assert f"{name}\t" in host.run(POP3D, "--list-secrets")
    assert "tanstaaf" not in host.run(POP3D, "--list-secrets")


def test_options_that_make_them_users(host):
    assert set_secret("daemon", "--min-uid=1") == ""
    assert set_secret("Thomas", "--fold-names") == ""
    assert set_secret("anna@example.org", "--virtual-user=thomas",
                      "--mailbox=/srv/%d/%n") == ""
