"""No room, or no right to write: an error, and the mail as it was."""
import os
import resource
import shutil
import subprocess

import pytest
from pop3 import message

# log lines must fit below it, the mailbox must not
LIMIT = 64 * 1024


def limited():
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


@pytest.fixture
def data(host):
    return host.write(*(message(n, f"line {n}\n" * 5000) for n in range(1, 9)))


@pytest.mark.parametrize("numbers", [[1], [1, 3, 5], [7], [2, 8]], ids=str)
def test_a_file_size_limit_leaves_the_mail_as_it_was(host, data, numbers):
    with host.login(preexec_fn=limited) as s:
        for n in numbers:
            s.ok(f"DELE {n}")
        s.err("QUIT", "-ERR [SYS/...] ...not removed...")
        s.closed()
    assert host.read() == data
    with host.login() as s:
        s.ok("STAT", "+OK 8 ...")
        s.ok("QUIT")
    assert host.read() == data


@pytest.mark.parametrize("numbers", [[8], list(range(1, 9))], ids=str)
def test_what_only_shortens_the_mailbox_needs_no_room(host, data, numbers):
    with host.login(preexec_fn=limited) as s:
        for n in numbers:
            s.ok(f"DELE {n}")
        s.ok("QUIT")
    assert len(host.read()) < len(data)


def on_a_small_disk(host, size):
    """pop3d's command with a real, small file system for its state."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is missing")
    script = (f"mount -t tmpfs -o size={size},mode=0755 tmpfs {host.state} && "
              'exec unshare --map-user=1000 --map-group=1000 -- "$@"')
    argv = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    probe = host.popen([*argv, "true"])
    if probe.wait(20) != 0:
        pytest.skip("no user namespaces here")
    plain = host.command
    host.command = lambda *options: [*argv, *plain(*options)]


@pytest.mark.parametrize("size", ["128k", "32k", "16k"])
@pytest.mark.parametrize("numbers", [[1], [1, 3, 5]], ids=str)
def test_a_full_disk_takes_steps(host, data, numbers, size):
    """Too small for a whole journal, and, with 16k, for any but the index's."""
    on_a_small_disk(host, size)
    left = [message(n, f"line {n}\n" * 5000) for n in range(1, 9)
            if n not in numbers]
    with host.login() as s:
        for n in numbers:
            s.ok(f"DELE {n}")
        s.ok("QUIT")
    assert host.read() == b"".join(left)
    need = len(host.read())
    log = host.log().decode()
    assert f"{host.state}/thomas: no room for a journal of " in log
    assert "(No space left on device); with " in log
    assert need < int(log.split("a journal of ")[1].split()[0]) < 2 * need


def test_too_little_room_for_any_step_is_told(host):
    """One octet to go and megabytes behind it: too many steps."""
    big = message(2, "x\n").rstrip(b"\n") + b"y" * 20_000_000 + b"\n\n"
    data = host.write(message(1, "short\n"), big)
    on_a_small_disk(host, "12k")
    with host.login() as s:
        s.ok("DELE 1")
        s.err("QUIT", "-ERR [SYS/...] ...not removed...")
        s.closed()
    assert host.read() == data
    log = host.log().decode()
    assert f"{host.state}/thomas: no room for the journal " \
        "(No space left on device): 20" in log
    assert " to do it in steps, and " in log


def checked(host, *more):
    process = host.popen(host.command("--check", *more), text=True,
                         stdout=subprocess.PIPE)
    return process.communicate(timeout=20)[0]


@pytest.mark.parametrize("size, verdict, says", [
    ("128k", "warning", "cannot take as much as the mailbox, "),
    ("1m", "ok", "can take as much as the mailbox, "),
])
def test_check_of_a_user_tells_whether_there_is_room(host, data, size, verdict,
                                                     says):
    on_a_small_disk(host, size)
    out = checked(host, "thomas")
    line = next(line for line in out.splitlines()
                if "room for a deletion" in line)
    assert line.split()[0] == verdict
    assert f"{says}{len(data)} bytes" in line
    assert ("No space left on device" in line) == (verdict == "warning")


def test_check_compares_the_room_with_the_largest_mailbox(host):
    with open(host.mailbox, "wb") as big:
        big.truncate(3 << 20)
    on_a_small_disk(host, "2m")
    assert "2 MB free, less than the largest mailbox, " \
        f"{host.mailbox}, has (3 MB)" in checked(host)


def test_a_disk_without_any_room_still_lets_one_read(host, data):
    on_a_small_disk(host, "8k")
    with host.login() as s:
        s.ok("STAT", "+OK 8 ...")
        assert s.retr(8) is not None
        s.ok("QUIT")
    assert host.read() == data


def test_a_state_directory_that_may_not_be_written(host, data):
    os.chmod(host.state, 0o555)
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/...] ...")
    assert host.read() == data
    assert b"state" in host.log()


def test_a_state_directory_that_is_a_file(host, data):
    os.rmdir(host.state)
    host.put(host.state, b"")
    with host.start() as s:
        s.expect("-ERR [SYS/PERM] The server is not set up.")
    assert host.read() == data


def test_a_users_state_directory_that_is_a_link(host, data):
    other = host.directory("other")
    os.symlink(other, os.path.join(host.state, "thomas"))
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/...] ...")
    assert os.listdir(other) == []


def test_state_that_became_unwritable_in_the_session(host, data):
    with host.login() as s:
        s.ok("DELE 1")
        os.chmod(os.path.join(host.state, "thomas"), 0o500)
        s.err("QUIT", "-ERR [SYS/...] ...not removed...")
    assert host.read() == data


def test_state_that_vanished_in_the_session(host, data):
    with host.login() as s:
        s.ok("DELE 1")
        shutil.rmtree(os.path.join(host.state, "thomas"))
        line = s.reply("QUIT")
    if line.startswith("+OK"):
        assert host.read() == data[data.index(message(2)[:60]):]
    else:
        assert host.read() == data


@pytest.mark.parametrize("junk", [b"", b"\0" * 100, b"junk" * 5000])
def test_damaged_state_files_do_no_harm(host, data, junk):
    texts, uids = host.wires()
    own = os.path.join(host.state, "thomas")
    for name in os.listdir(own):
        if name != "lock":
            host.put(os.path.join(own, name), junk)
    assert host.wires() == (texts, uids)
    assert host.read() == data


@pytest.mark.parametrize("junk", [b"", b"\0" * 5000, b"junk" * 5000])
def test_a_journal_that_is_none_does_no_harm(host, data, junk):
    host.wires()
    for name in "journal", "journal.tmp":
        host.put(os.path.join(host.state, "thomas", name), junk)
    with host.login() as s:
        s.ok("STAT", "+OK 8 ...")
        s.ok("QUIT")
    assert host.read() == data
