"""The secrets file: who writes it, and when it is not believed."""
import base64
import hashlib
import hmac
import os
import pty
import select
import subprocess
import threading

import pytest
import sasl
from pop3 import AS_ROOT, PATIENCE
from sasl import Scram, tool


@pytest.fixture
def file(host):
    host.directory("etc")
    return sasl.secrets_file(host)


def read(file):
    with open(file) as f:
        return f.read()


def line_of(file, user):
    found = [line for line in read(file).splitlines()
             if line.startswith(user + ":")]
    assert len(found) == 1
    return found[0].split(":", 5)


def check_keys(fields, password):
    iterations, salt, stored, server = (
        int(fields[1]), *map(base64.b64decode, fields[2:5]))
    assert iterations >= 4096 and len(salt) == 16
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.new(salted, b"Client Key", "sha256").digest()
    assert stored == hashlib.sha256(client).digest()
    assert server == hmac.new(salted, b"Server Key", "sha256").digest()


# ---- setting

def test_keys_without_the_password(host, file):
    assert tool(host, "--set-secret=thomas", stdin="pencil\n") == (0, "")
    fields = line_of(file, "thomas")
    check_keys(fields, "pencil")
    assert fields[5] == "" and "pencil" not in read(file)
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.dirname(file)) == ["secrets"]


def test_the_password_too_for_apop(host, file):
    assert tool(host, "--set-secret=thomas", "--apop",
                stdin="two: words ") == (0, "")
    fields = line_of(file, "thomas")
    check_keys(fields, "two: words ")
    assert fields[5] == "two: words "


def test_a_directory_is_made(host):
    host.directory("etc")
    file = os.path.join(host.top, "etc", "pop3d", "secrets")
    assert tool(host, "--set-secret=thomas", stdin="x\n", file=file) == (0, "")
    assert os.path.exists(file)


def test_other_lines_stay(host, file):
    tool(host, "--set-secret=anna", stdin="one\n")
    with open(file, "a") as f:
        f.write("# a comment\n\n#thomas:old\nthomasina:1:AAAA:x:y:z")
    before = read(file).splitlines()
    tool(host, "--set-secret=thomas", stdin="two\n")
    tool(host, "--set-secret=thomas", stdin="three\n")
    after = read(file).splitlines()
    assert after[:-1] == before
    check_keys(line_of(file, "thomas"), "three")
    assert tool(host, "--remove-secret=thomas") == (0, "")
    assert read(file).splitlines() == before


def test_salts_differ(host, file):
    lines = set()
    for user in "thomas", "anna", "thomas":
        tool(host, f"--set-secret={user}", stdin="same\n")
        lines.add(line_of(file, user)[2])
    assert len(lines) == 3


def test_removing_nobody(host, file):
    status, said = tool(host, "--remove-secret=thomas")
    assert status == 67 and "thomas" in said
    assert not os.path.exists(file)
    tool(host, "--set-secret=anna", stdin="x\n")
    before = read(file)
    assert tool(host, "--remove-secret=thomas")[0] == 67
    assert tool(host, "--remove-secret=ann")[0] == 67
    assert read(file) == before


@pytest.mark.parametrize("password", [
    "", "\n", "p\u00e4ss\n", "tab\there\n", "\x03\n", "cr\r\n", "p" * 1024,
    "\0pencil\n", "pen\0cil\n"],
    ids=ascii)
def test_passwords_that_clients_would_spell_differently(host, file, password):
    status, said = tool(host, "--set-secret=thomas", stdin=password)
    assert status == 65 and said.startswith("pop3d: password: ")
    assert not os.path.exists(file)


def test_the_longest_password(host, file):
    assert tool(host, "--set-secret=thomas", "--apop",
                stdin="p" * 1023 + "\n") == (0, "")
    assert line_of(file, "thomas")[5] == "p" * 1023


@pytest.mark.parametrize("user", ["", "a:b", "#a", "a/b", "..", "a\nb",
                                  "u" * 256])
def test_names_that_cannot_have_one(host, file, user):
    assert tool(host, "--set-secret", user, stdin="x\n")[0] == 64
    assert not os.path.exists(file)


def test_no_default_for_others_than_root(host):
    process = host.popen([host.pop3d, "--set-secret=thomas"],
                         stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert b"--secrets" in process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 64


def test_many_at_once(host, file):
    users = [f"user{n}" for n in range(12)]
    threads = [threading.Thread(target=tool, args=(
        host, f"--set-secret={user}"), kwargs={"stdin": user + "\n"})
        for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for user in users:
        check_keys(line_of(file, user), user)
    assert read(file).count("\n") == len(users) + 1


def test_what_an_interrupted_change_left(host, file):
    host.put(file + ".new", b"half a li")
    assert tool(host, "--set-secret=thomas", stdin="pencil\n") == (0, "")
    check_keys(line_of(file, "thomas"), "pencil")
    assert os.listdir(os.path.dirname(file)) == ["secrets"]


def on_terminal(host, *answers):
    """What is seen on a terminal, and the exit status."""
    ours, theirs = pty.openpty()
    process = host.popen(
        [host.pop3d, f"--secrets={sasl.secrets_file(host)}",
         "--set-secret=thomas"], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    host.others.append(process)
    seen, answers = b"", list(answers)
    while select.select([ours], [], [], PATIENCE)[0]:
        try:
            data = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        seen += data
        if data.endswith(b": ") and answers:
            os.write(ours, answers.pop(0).encode() + b"\n")
    os.close(ours)
    return process.wait(PATIENCE), seen.decode()


def test_twice_on_a_terminal_without_echo(host, file):
    status, seen = on_terminal(host, "pencil", "pencil")
    assert status == 0
    assert "pencil" not in seen and seen.count(": ") == 2
    check_keys(line_of(file, "thomas"), "pencil")


def test_not_the_same_twice(host, file):
    status, seen = on_terminal(host, "pencil", "pen")
    assert status == 65 and "not the same" in seen
    assert not os.path.exists(file)


def test_interrupted_at_the_prompt(host, file):
    status, _ = on_terminal(host, "\x03")
    assert status != 0
    status, _ = on_terminal(host, "\x03", "\x03")
    assert status == 65 and not os.path.exists(file)


# ---- believing

def spoil(host, file, how):
    if how == "readable":
        os.chmod(file, 0o640)
    elif how == "writable":
        os.chmod(file, 0o602)
    elif how == "symlink":
        os.rename(file, file + ".real")
        os.symlink(file + ".real", file)
    elif how == "two names":
        os.link(file, file + ".other")
    elif how == "fifo":
        os.unlink(file)
        os.mkfifo(file, 0o600)
        os.chown(file, *[os.stat(host.mail).st_uid, -1])
    elif how == "directory":
        os.unlink(file)
        os.mkdir(file)
    elif how == "unreadable":
        os.chmod(file, 0)
    elif how == "NUL":
        with open(file, "ab") as f:
            f.write(b"\0")
    elif how == "other owner":
        os.chown(file, 0, -1)


HOW = ["readable", "writable", "symlink", "two names", "fifo", "directory",
       "unreadable", "NUL",
       pytest.param("other owner", marks=pytest.mark.skipif(
           not AS_ROOT, reason="only root gives files away"))]


@pytest.mark.parametrize("how", HOW)
def test_a_file_that_is_not_believed(host, file, how):
    secrets = sasl.set_secret(host, "thomas", "pencil", "--apop")
    spoil(host, file, how)
    with host.start(secrets) as s:
        assert "<" not in s.expect("+OK ...")
        s.ok("CAPA")
        assert b"SASL PLAIN LOGIN\r\n" in s.hear_text()
        s.err("APOP thomas " + "0" * 32)
        s.err("AUTH SCRAM-SHA-256 " + Scram("thomas", "pencil").first())
        s.ok("USER thomas")
        s.ok("PASS secret")
        s.ok("QUIT")
        s.status()
        assert s.log().count(f"secrets {file}: ") == 1
    # nor is it changed
    names = os.listdir(os.path.dirname(file))
    assert tool(host, "--set-secret=anna", stdin="x\n")[0] == 78
    assert tool(host, "--remove-secret=thomas")[0] == 78
    assert sorted(os.listdir(os.path.dirname(file))) == sorted(names)


def test_no_file_is_no_fault(host, file):
    with host.start(f"--secrets={file}") as s:
        assert "<" not in s.expect("+OK ...")
        s.ok("QUIT")
        s.status()
        assert "secrets" not in s.log()


def test_a_file_that_changes_in_a_session(host, file):
    """What was offered at the greeting need not be there any more."""
    secrets = sasl.set_secret(host, "thomas", "pencil")
    with host.connect(secrets) as s:
        os.chmod(file, 0o644)
        s.err("AUTH SCRAM-SHA-256 " + Scram("thomas", "pencil").first(),
              "-ERR [SYS/PERM] ...")
        os.chmod(file, 0o600)
        Scram("thomas", "pencil").login(s)
        s.expect("+OK thomas ...")


@pytest.mark.parametrize("line", [
    "thomas:", "thomas:10000", "thomas:0:AAAA:AAAA:AAAA:",
    "thomas:x:{rest}", "thomas:10000000000:{rest}", "thomas:4096:{rest}:x",
    "thomas:4096:AA{rest}"])
def test_a_line_that_makes_no_sense(host, file, line):
    secrets = sasl.set_secret(host, "anna", "pencil")
    rest = ":".join(line_of(file, "anna")[2:5])
    with open(file, "a") as f:
        f.write(line.format(rest=rest[:-4]) + "\n")
    host.account("anna", "x")
    with host.connect(secrets) as s:
        s.err("AUTH SCRAM-SHA-256 " + Scram("thomas", "pencil").first(),
              "-ERR [SYS/PERM] ...")
        Scram("anna", "pencil").login(s)
        s.expect("+OK anna ...")


# ---- listing

def listed(host, *options, file=None):
    """Standard output alone, and the exit status."""
    process = host.popen(
        [host.pop3d, f"--secrets={file or sasl.secrets_file(host)}",
         "--list-secrets", *options], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def test_list_has_names_and_kinds_only(host, file):
    assert listed(host) == (0, "", "")
    sasl.set_secret(host, "thomas", "pencil")
    sasl.set_secret(host, "anna", "tanstaaf", "--apop")
    before = read(file)
    assert listed(host) == (0, "thomas\tSCRAM\nanna\tSCRAM APOP\n", "")
    assert read(file) == before
    assert tool(host, "--remove-secret=thomas") == (0, "")
    assert listed(host) == (0, "anna\tSCRAM APOP\n", "")


def test_list_of_a_file_that_is_not_believed(host, file):
    sasl.set_secret(host, "thomas", "pencil")
    os.chmod(file, 0o644)
    status, out, err = listed(host)
    assert (status, out) == (78, "") and file in err


def test_list_gives_a_terminal_nothing_to_obey(host, file):
    sasl.set_secret(host, "thomas", "pencil")
    with open(file, "a") as f:
        f.write("# a comment\n\nan\x1b[2Jna:1:x:y:z:\n")
    assert listed(host) == (0, "thomas\tSCRAM\nan?[2Jna\tSCRAM\n", "")
