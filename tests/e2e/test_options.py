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
         "--apop"]


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


def test_relative_paths_below_a_directory_with_percent_signs(host):
    """A directory's name is no template; %u's is one, below it."""
    top = host.directory("5%u%%")
    for path in "5thomas%", "5%u%%/mail", "5%u%%/%state":
        host.directory(path)
    host.put(f"{host.top}/5thomas%/thomas", message(1) + message(2))
    host.put(f"{top}/mail/thomas", message(1))
    argv = host.command("--mailbox=mail/%u", "--state-dir=%state")
    host.command = lambda: ["sh", "-c", 'cd "$0" && exec "$@"', top, *argv]
    with host.login() as s:
        s.ok("STAT", "+OK 1 ...")
        s.ok("QUIT")
    assert os.listdir(f"{top}/%state") == ["thomas"]


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
