"""--list on a host with real users."""
import subprocess

import pytest

from host import POP3D, SPOOL, STATE, entries, message


def listing(host, name="thomas", *options):
    return [line.split("\t") for line in host.run(
        POP3D, *options, f"--list={name}").splitlines()]


def test_the_messages_of_a_user(host):
    client = host.login()
    uidls = [line.split()[1].decode() for line in client.uidl()[1]]
    lines = listing(host)  # beside the session
    assert [line[2] for line in lines] == uidls
    assert [line[5] for line in lines] == [f"message {n}" for n in (1, 2, 3)]
    client.dele(1)
    client.quit()
    assert len(listing(host)) == 2


def test_who_never_logged_in_has_no_state_afterwards(host):
    before = (SPOOL / "thomas").stat()
    assert len(listing(host)) == 3
    assert not (STATE / "thomas").exists()
    after = (SPOOL / "thomas").stat()
    assert (after.st_mtime_ns, after.st_atime_ns) == (
        before.st_mtime_ns, before.st_atime_ns)


def test_the_mail_is_read_as_its_owner(host):
    """Root could read this one; its owner's sessions cannot."""
    (SPOOL / "thomas").chmod(0)
    run = subprocess.run([POP3D, "--list=thomas"], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (run.returncode, run.stdout) == (66, "")
    assert "/var/mail/thomas" in run.stderr


@pytest.mark.parametrize("name", ["root", "daemon", "nobody-of-that-name"])
def test_who_cannot_log_in_has_no_list(host, name):
    run = subprocess.run([POP3D, f"--list={name}"], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (run.returncode, run.stdout) == (67, "")
    assert f"--check {name}" in run.stderr


def test_virtual_users(installed):
    installed.run("useradd", "--system", "--create-home", "vmail")
    installed.run("install", "-d", "-o", "vmail", "/srv/mail/example.org")
    path = "/srv/mail/example.org/anna"
    with open(path, "wb") as f:
        f.write(entries(1))
    installed.run("chown", "vmail", path)
    [line] = listing(installed, "anna@example.org", "--virtual-user=vmail",
                     "--mailbox=/srv/mail/%d/%n")
    assert int(line[1]) == sum(len(text) + 2 for text in message(1)[1])
