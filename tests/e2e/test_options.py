"""The command line, and exit statuses."""
import os
import re
import shutil
import subprocess

import pytest
from pop3 import message

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPTIONS = ["--mailbox", "--state-dir", "--locks", "--lock-timeout",
           "--pam-service", "--pam-confdir", "--uidl", "--idle-timeout",
           "--min-uid", "--log", "--help", "--version"]


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_every_option_on_stdout(host, option):
    status, out, err = host.run(option)
    assert (status, err) == (0, "")
    for name in OPTIONS:
        assert name in out


def told_by(document):
    with open(os.path.join(TOP, document), encoding="utf-8") as f:
        text = f.read()
    if document == "README.md":
        text = text[text.index("| option |"):]
        text = text[:text.index("\n\n")]
        return set(re.findall(r"--[a-z][a-z-]+", text))
    lines = re.findall(r"^\.It Fl .*$", text.replace("\\\n", " "), re.M)
    return {"-" + name for name in
            re.findall(r"Fl (-[a-z][a-z-]+)", "\n".join(lines))}


@pytest.mark.parametrize("document", ["README.md", "pop3d.8"])
def test_documents_have_the_options_that_help_has(host, document):
    told = set(re.findall(r"^ +(?:-\w, )?(--[a-z][a-z-]+)", host.run("--help")[1],
                          re.M))
    assert len(told) > 20
    assert told_by(document) == told


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(host, option):
    status, out, err = host.run(option)
    assert (status, err) == (0, "")
    assert out.startswith("pop3d ") and out.count("\n") == 1
    assert any(c.isdigit() for c in out)


WRONG = ["--nonsense", "-x", "operand", "--mailbox", "--idle-timeout=",
         "--idle-timeout=abc", "--idle-timeout=-1", "--idle-timeout=+1",
         "--idle-timeout= 1", "--idle-timeout=1s", "--idle-timeout=0x10",
         "--idle-timeout=99999999999999999999", "--lock-timeout=abc",
         "--lock-timeout=-1", "--min-uid=abc", "--min-uid=-1",
         "--min-uid=99999999999", "--locks=flock,nonsense", "--locks=",
         "--locks=,", "--locks=flock,", "--uidl=nonsense", "--uidl=",
         "--log=nonsense", "--log=", "--help=yes", "--mailbox=", "--mailbox=%",
         "--mailbox=/mail/%x", "--mailbox=/mail/%", "--locks=flock,flock",
         "--locks=fcntl,,flock", "--tls=third", "--plaintext=third",
         "--proxy-protocol=nonsense", "--pam-service=a/b", "--max-sessions=0",
         "--max-per-source=abc", "--idle-exit=86401", "--uidl=dovecot:%x",
         "--apop", "--mailbox=mail/%u", "--mailbox=%u", "--mailbox=./%u",
         "--mailbox=%%h/mbox", "--json", "--list", "--list=", "--who=yes"]


@pytest.mark.parametrize("option", WRONG)
def test_a_wrong_command_line_exits_64_and_says_why(host, option):
    status, out, err = host.run(option)
    assert status == 64
    assert out == ""
    assert err.startswith("pop3d:") and len(err) > len("pop3d: \n")


def test_no_option_takes_an_empty_value(host):
    options = re.findall(r"(--[a-z-]+)=", host.run("--help")[1])
    assert len(options) > 15
    for option in options:
        status, out, err = host.run(option + "=")
        assert (status, out) == (64, ""), option
        assert err.startswith("pop3d: ") and len(err) > len("pop3d: \n")


@pytest.mark.parametrize("tasks", [("--check", "--recover"),
                                   ("--recover", "--set-secret=thomas")])
def test_two_tasks_at_once_are_refused(host, tasks):
    status, out, err = host.run(*tasks)
    assert (status, out) == (64, "")
    assert tasks[1].partition("=")[0] in err


def test_short_options(host):
    host.write(message(1))
    argv = [host.pop3d, "-m", host.mail + "/%u", "-s", host.state,
            "--pam-confdir", host.pam, "--log", "stderr"]
    host.command = lambda: argv
    with host.login() as s:
        s.ok("STAT", "+OK 1 ...")
        s.ok("QUIT")


def test_relative_state_directory(host):
    host.write(message(1))
    top = host.directory("5%u%%")
    argv = [a for a in host.command("--state-dir=%state")
            if a != f"--state-dir={host.state}"]
    host.command = lambda: ["sh", "-c", 'cd "$0" && exec "$@"', top, *argv]
    with host.login() as s:
        s.ok("STAT", "+OK 1 ...")
        s.ok("QUIT")
    assert os.listdir(f"{top}/%state") == ["thomas"]


GONE = "/nonexistent/file"


@pytest.mark.parametrize("options, says", [
    (["--virtual-user=root", "--mailbox=/mail/%u"],
     "--virtual-user=root: mail cannot belong to uid 0"),
    (["--virtual-user=no-such-user", "--mailbox=/mail/%u"],
     "--virtual-user=no-such-user: there is no such user"),
    ([f"--tls-cert={GONE}"], f"--tls-cert={GONE}: No such file"),
    ([f"--tls-key={GONE}"], f"--tls-key={GONE}: No such file"),
    ([*2 * ["--tls-cert=/dev/null"], "--tls-key=/dev/null",
      f"--tls-key={GONE}"], f"--tls-key={GONE}: No such file"),
    (["--state-dir=/dev/null"], "--state-dir=/dev/null: /dev/null: Not a"),
    (["--state-dir=/dev/null/x"], "--state-dir=/dev/null/x: /dev/null/x: Not"),
])
def test_options_that_cannot_work_here(host, options, says):
    """The session is refused, the client and the log are told, and --check."""
    with host.start(*options) as s:
        s.expect("-ERR [SYS/PERM] The server is not set up.")
        s.closed()
        assert s.status() == 78
        assert s.log().count(says) == 1
    with host.start(*options, "--tls=implicit") as s:
        s.closed()
        assert s.status() == 78
    status, out, _ = host.run(*host.command(*options, "--check")[1:])
    assert status == 2
    assert out.count(f"error    {says}") == 1


def test_files_that_are_not_needed_may_be_missing(host):
    host.write(message(1))
    with host.login("--tls=off", f"--tls-cert={GONE}") as s:
        s.ok("QUIT")
    status, _, err = host.run(*host.command(f"--tls-cert={GONE}",
                                            "--recover")[1:])
    assert (status, err) == (0, "")


def test_check_writes_to_one_stream_in_order(host):
    """What libraries and the log say is beside the finding that it is about."""
    secrets = host.put(f"{host.top}/secrets", b"", mode=0o644)
    status, out, err = host.run(*host.command(f"--secrets={secrets}",
                                              "--check")[1:])
    assert (status, err) == (2, "")
    lines = out.splitlines()
    [finding] = [n for n, line in enumerate(lines)
                 if line.startswith(f"error    secrets {secrets}")]
    assert "pop3d[" in lines[finding - 1] and secrets in lines[finding - 1]
    assert all("pop3d[" not in line for line in lines[:finding - 1])


def test_the_state_directory_comes_from_the_environment(host):
    host.write(message(1))
    plain = host.command
    host.command = lambda: [a for a in plain() if "state-dir" not in a]
    for name, below in (("STATE_DIRECTORY", ""), ("XDG_STATE_HOME", "/pop3d")):
        top = host.directory(name)
        with host.login(env={name: top}) as s:
            s.ok("QUIT")
        assert os.listdir(top + below) == ["thomas"]
    with host.login(env={"HOME": host.directory("home")}) as s:
        s.ok("QUIT")
    assert os.listdir(host.top + "/home/.local/state/pop3d") == ["thomas"]


def test_the_state_directory_is_private_and_per_user(host):
    host.write(message(1))
    host.account("anna", "hers")
    for user in "thomas", "anna":
        with host.login(user=user) as s:
            s.ok("QUIT")
    assert sorted(os.listdir(host.state)) == ["anna", "thomas"]
    for user in "thomas", "anna":
        stat = os.stat(os.path.join(host.state, user))
        assert stat.st_mode & 0o7777 == 0o700


def test_a_short_idle_timeout_is_warned_of(host):
    with host.login("--idle-timeout=599") as s:
        s.ok("QUIT")
    assert b"RFC 1939" in host.log()


def test_600_seconds_are_not(host):
    with host.login("--idle-timeout=600") as s:
        s.ok("QUIT")
    assert b"RFC 1939" not in host.log()


def test_no_connection_at_all(host):
    process = host.popen(host.command(), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert process.wait(20) == 0  # a client that leaves at once


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_descriptors_are_no_connection(host, closed):
    process = host.popen(["sh", "-c", f'exec "$@" {closed}', "sh",
                          *host.command()], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert process.wait(20) == 69


def test_standard_error_may_be_closed(host):
    data = host.write(message(1))
    plain = host.command
    host.command = lambda: ["sh", "-c", 'exec "$@" 2>&-', "sh", *plain()]
    with host.login() as s:
        # what pop3d opens must not become descriptor 2, where it logs to
        s.retr(1)
        s.ok("QUIT")
    assert host.read() == data


def test_root_without_the_user_pop3d_exits_78(host):
    """Root of a namespace of its own, where there is no user pop3d."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is missing")
    if subprocess.run(["getent", "passwd", "pop3d"],
                      stdout=subprocess.DEVNULL).returncode == 0:
        pytest.skip("this host has the user")
    unshare = ["unshare", "--map-root-user"]
    probe = host.popen([*unshare, "true"], stderr=subprocess.DEVNULL)
    if probe.wait(20) != 0:
        pytest.skip("no user namespaces here")
    plain = host.command
    host.command = lambda: [*unshare, *plain()]
    with host.start() as s:
        s.expect("-ERR [SYS/PERM] ...")
        s.closed()
        assert s.status() == 78
        assert "pop3d" in s.log()
