"""
A user who has a shell, and wants more than what is his: his mailbox, his
state directory and his processes against the monitor and against others.
"""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from host import SPOOL, STATE, entries, until

OTHERS = b"of another user\n"


def own(path, name="thomas"):
    shutil.chown(path, name, name)


@pytest.fixture
def victim(tmp_path_factory):
    """A file that is not thomas's, and that nothing may change."""
    path = pathlib.Path("/srv/victim")
    path.write_bytes(OTHERS)
    path.chmod(0o644)
    yield path
    assert path.read_bytes() == OTHERS
    assert path.stat().st_uid == 0 and path.stat().st_mode & 0o777 == 0o644


def state_dir(host):
    """thomas's own, as a first session leaves it."""
    host.login().quit()
    host.end_of_session()
    return STATE / "thomas"


def session_is_served(host):
    client = host.login()
    count = client.stat()[0]
    client.dele(1)
    client.quit()
    host.end_of_session()
    return count


@pytest.mark.parametrize("name", ["index", "index.tmp", "journal.tmp",
                                  "rescue.tmp"])
@pytest.mark.parametrize("kind", ["symlink", "fifo", "directory"])
def test_nothing_in_the_state_directory_leads_elsewhere(host, victim, name,
                                                        kind):
    directory = state_dir(host)
    (directory / "index").unlink()  # it is written again
    path = directory / name
    if kind == "symlink":
        path.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    if kind != "symlink":
        own(path)
    if (name, kind) == ("journal.tmp", "directory"):
        # it could be anything but an unfinished journal: that is for a human
        assert host.refusal().startswith("-ERR [SYS/TEMP]")
    else:
        assert host.login().stat()[0] == 3


@pytest.mark.parametrize("kind", ["symlink", "fifo", "directory"])
def test_session_lock_that_is_no_file_is_refused(host, victim, kind):
    path = state_dir(host) / "lock"
    path.unlink()
    if kind == "symlink":
        path.symlink_to(victim)
    elif kind == "fifo":
        os.mkfifo(path)
        own(path)
    else:
        path.mkdir()
        own(path)
    assert host.refusal().startswith("-ERR [SYS/")


@pytest.mark.parametrize("name", ["journal", "index"])
def test_file_of_terabytes_costs_neither_memory_nor_time(host, name):
    path = state_dir(host) / name
    with open(path, "ab") as f:
        f.truncate(4 << 40)
    own(path)
    path.chmod(0o600)
    assert session_is_served(host) == 3
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3)


def test_state_directory_is_not_a_link(host):
    """Only root may make one there; it is not followed all the same."""
    directory = state_dir(host)
    elsewhere = pathlib.Path("/home/thomas/elsewhere")
    directory.rename(elsewhere)
    directory.symlink_to(elsewhere)
    assert host.refusal().startswith("-ERR [SYS/")


@pytest.mark.parametrize("name", ["journal", "uidvalidity", "x"])
def test_state_directory_of_another_user_is_not_used(host, name):
    host.user("carla")
    directory = state_dir(host)
    (directory / name).write_bytes(b"carla's")
    shutil.chown(directory, "carla", "carla")
    assert host.refusal().startswith("-ERR [SYS/")
    assert directory.owner() == "carla"
    assert (directory / name).read_bytes() == b"carla's"


def test_caches_of_another_user_are_not_used(host):
    host.user("carla")
    directory = state_dir(host)
    index = directory / "index"
    index.write_bytes(b"carla's")
    shutil.chown(directory, "carla", "carla")
    assert session_is_served(host) == 3
    assert directory.owner() == "thomas"
    assert not index.exists() or index.read_bytes() != b"carla's"


def test_user_cannot_replace_the_state_directory(host):
    state_dir(host)
    for command in (f"rm -r {STATE}/thomas", f"mv {STATE}/thomas /tmp/x",
                    f"mkdir {STATE}/carla", f"touch {STATE}/x",
                    f"ls {STATE}"):
        run = subprocess.run(["runuser", "-u", "thomas", "--", "sh", "-c",
                              command], stderr=subprocess.DEVNULL)
        assert run.returncode != 0, command


@pytest.mark.parametrize("place", ["/home/thomas", "/srv"])
def test_no_lock_is_made_in_the_spool_by_way_of_a_link(host, place):
    """Group mail may write there, and the monitor borrows it for the lock."""
    os.chmod("/srv", 0o1777)
    shutil.chown(SPOOL, "root", "mail")
    SPOOL.chmod(0o2775)
    host.options(f"--mailbox={place}/mail/thomas", "--lock-timeout=1")
    link = pathlib.Path(place, "mail")
    link.symlink_to(SPOOL)
    os.chown(link, 1000, 1000, follow_symlinks=False)
    before = sorted(os.listdir(SPOOL))
    assert host.refusal().startswith("-ERR [SYS/PERM]")
    assert sorted(os.listdir(SPOOL)) == before


def test_mailbox_with_a_second_link_is_refused(host):
    """The other one could be a file that somebody else trusts."""
    os.link(SPOOL / "thomas", "/srv/second")
    assert host.refusal().startswith("-ERR [SYS/PERM]")


def pids_of(name):
    found = subprocess.run(["pgrep", "-u", name, "pop3d"], text=True,
                           stdout=subprocess.PIPE)
    return [int(pid) for pid in found.stdout.split()]


def as_user(command):
    return subprocess.run(["runuser", "-u", "thomas", "--", "sh", "-c",
                           command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)


def test_user_cannot_look_into_his_process(host):
    client = host.login()
    [pid] = pids_of("thomas")
    for what in ("mem", "environ", "fd/0", "maps", "stack"):
        run = as_user(f"head -c 1 /proc/{pid}/{what}")
        assert run.returncode != 0, what
    client.quit()


def test_monitor_outlives_the_users_process(host):
    """The user may kill what runs as the user. Nothing is left behind."""
    shutil.chown(SPOOL, "root", "mail")
    SPOOL.chmod(0o2775)
    client = host.login()
    client.dele(1)
    [pid] = pids_of("thomas")
    assert as_user(f"kill -KILL {pid}").returncode == 0
    until(lambda: not host.units(), "the end of the session")
    assert "died" in host.end_of_session()["MESSAGE"]
    assert (SPOOL / "thomas").read_bytes() == entries(1, 2, 3)
    assert not (SPOOL / "thomas.lock").exists()
    assert host.login().stat()[0] == 3


def test_user_cannot_signal_the_monitor(host):
    client = host.login()
    [pid] = pids_of("thomas")
    monitor = os.stat(f"/proc/{pid}") and next(
        int(line.split()[1]) for line in open(f"/proc/{pid}/status")
        if line.startswith("PPid"))
    for name in (signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP):
        assert as_user(f"kill -{int(name)} {monitor}").returncode != 0
    assert client.stat()[0] == 3
    client.quit()
