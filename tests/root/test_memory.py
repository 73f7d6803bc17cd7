"""
What each process of a session has in its memory: passwords, hashes, keys and
mail are looked for in all of it, after each way to start and to log in. Who may
hold what stands in tests/e2e/holders.py, and in SECURITY.md.
"""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from host import (LOCALHOST, PASSWORD, PATIENCE, POP3D, PORT, Process, entries,
                  living, needs, until)
from test_superservers import EXAMPLES, listening
from test_tls import ETC, POP3S, context, private_parts, put_certificate

sys.path.append(str(pathlib.Path(__file__).parent.parent / "e2e"))
import sasl  # noqa: E402
from holders import HOLDERS, PAMS, held, may_hold, of_secrets_file  # noqa: E402

OTHERS = 40
BIND = "bind-password-of-a-directory-4711"
SECRET = "a-secret-that-is-no-password-0815"
TOKEN = "token-of-thomas-42-4242424242"
MAIL = b"what-only-another-user-may-read-1234567890"
VARIABLE = "a-variable-of-somebody-else-5647382910"

# As pam_ldap has it: read by root, and kept.
MODULE = r"""
#include <security/pam_modules.h>
#include <stdio.h>
int pam_sm_authenticate(pam_handle_t *h, int f, int c, const char **v)
{
    static char line[4000];
    FILE *file = fopen("/etc/bind-password", "r");
    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        return PAM_AUTHINFO_UNAVAIL;
    fclose(file);
    return PAM_IGNORE;
}
int pam_sm_setcred(pam_handle_t *h, int f, int c, const char **v)
{
    return PAM_IGNORE;
}
"""


# ---- a host with secrets of all kinds

def install_module(host, tmp):
    source = tmp / "pam_bind.c"
    module = pathlib.Path("/usr/local/lib/pam_bind.so")  # where all may look
    source.write_text(MODULE)
    host.run("cc", "-shared", "-fPIC", "-o", module, source)
    pathlib.Path("/etc/bind-password").write_text(BIND + "\n")
    os.chmod("/etc/bind-password", 0o600)
    return f"auth optional {module}\n"


def allow_token(line):
    tokens = ETC / "tokens"
    hashed = subprocess.run(["openssl", "passwd", "-6", TOKEN], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    tokens.write_text(f"thomas:{hashed}\n")
    pathlib.Path("/etc/pam.d/pop3d-oauth").write_text(
        f"{line}auth required pam_pwdfile.so pwdfile={tokens}\n"
        "account required pam_permit.so\nsession required pam_permit.so\n")


@pytest.fixture
def rich(installed, tmp_path):
    host = installed
    put_certificate(ETC)
    host.user("thomas")
    for n in range(OTHERS):
        host.run("useradd", f"u{n}")
    host.run("chpasswd", input="".join(f"u{n}:pass-{n}\n"
                                       for n in range(OTHERS)))
    host.user("bob")
    host.deliver("bob", entries(1).replace(b"message 1", MAIL))
    for user in "thomas", "bob":
        host.run("pop3d", f"--set-secret={user}", "--apop",
                 input=SECRET + "\n")
    line = install_module(host, tmp_path)
    service = pathlib.Path("/etc/pam.d/pop3d")
    service.write_text(line + service.read_text())
    allow_token(line)
    for unit in "pop3d.service", "pop3d@.service":
        path = pathlib.Path(f"/etc/systemd/system/{unit}.d")
        path.mkdir()
        (path / "environment.conf").write_text(
            f"[Service]\nEnvironment=SOMEBODYS={VARIABLE}\n")
    host.run("systemctl", "daemon-reload")
    return host


def ticket_keys(path):
    """OpenSSL's two, behind the time and the name that tickets show."""
    text = path.read_bytes()
    assert len(text) == 8 + 16 + 32 + 32
    return [text[24:56], text[56:]]


def canaries():
    shadow = dict(line.split(":")[:2] for line in open("/etc/shadow"))
    ticket = pathlib.Path("/run/pop3d/ticket-key")
    return {
        "password": [PASSWORD.encode(), TOKEN.encode()],
        "own hash": [shadow["thomas"].encode()],
        "others' hashes": [shadow[f"u{n}"].encode() for n in range(OTHERS)],
        "module's secret": [BIND.encode()],
        "secrets file": of_secrets_file(ETC / "secrets"),
        "TLS key": private_parts(),
        "ticket key": ticket_keys(ticket) if ticket.exists() else [],
        "another's mail": [MAIL],
        "other environment": [VARIABLE.encode()],
    }


# ---- sessions

class Client:
    """Lines over a socket, with the names that sasl.py uses."""

    def __init__(self, port=PORT):
        self.socket = socket.create_connection((LOCALHOST, port), PATIENCE)
        if port == POP3S:
            self.secure()
        else:
            self.lines = self.socket.makefile("rb")
        self.greeting = self.line()

    def secure(self):
        self.socket = context().wrap_socket(self.socket)
        self.lines = self.socket.makefile("rb")

    def line(self):
        return self.lines.readline().decode().rstrip("\r\n")

    def send(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def says(self, line):
        self.send(line)
        return self.line()

    def ok(self, line, _=None):
        reply = self.says(line)
        assert reply[0] == "+", (line, reply)
        return reply

    def stls(self):
        self.ok("STLS")
        self.secure()

    def close(self):
        self.lines.close()
        self.socket.close()


class BoundClient:
    """openssl s_client, which tells the exporter's value."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"{LOCALHOST}:{PORT}",
             "-starttls", "pop3", "-nocommands", "-keymatexport",
             "EXPORTER-Channel-Binding", "-keymatexportlen", "32"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        for line in self.process.stdout:
            found = re.search(rb"Keying material: ([0-9A-F]{64})", line)
            if found:
                self.exporter = bytes.fromhex(found[1].decode())
                break

    def line(self):
        while True:
            line = self.process.stdout.readline().decode().rstrip()
            if re.match(r"[+]|-ERR", line):
                return line

    def send(self, line):
        self.process.stdin.write(line.encode() + b"\r\n")
        self.process.stdin.flush()

    def ok(self, line, _=None):
        self.send(line)
        reply = self.line()
        assert reply[0] == "+", reply
        return reply

    def close(self):
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)


def by_user(client):
    client.ok("USER thomas")
    client.ok(f"PASS {PASSWORD}")


def by_plain(client):
    client.ok(f"AUTH PLAIN {sasl.plain('thomas', PASSWORD)}")


def by_scram(client):
    sasl.Scram("thomas", SECRET).login(client)
    assert client.line().startswith("+OK")


def by_apop(client):
    stamp = re.search("<.*>", client.greeting)[0]
    client.ok("APOP thomas "
              + hashlib.md5((stamp + SECRET).encode()).hexdigest())


def by_token(client):
    client.ok("AUTH XOAUTH2 " + sasl.xoauth2("thomas", TOKEN))


def by_bearer(client):
    client.ok("AUTH OAUTHBEARER " + sasl.bearer("thomas", TOKEN))


def after_failures(client):
    assert client.says("USER u1") and \
        client.says("PASS wrong").startswith("-ERR")
    by_user(client)


LOGINS = [by_user, by_plain, by_scram, by_apop, by_token, by_bearer,
          after_failures]


def main_of(host):
    """The monitor of the newest session, and the acceptor, if there is one."""
    if host.show("pop3d.service", "ActiveState") == "active":
        acceptor = Process(host.show("pop3d.service", "MainPID"))
        return {"acceptor": acceptor, "monitor": until(
            acceptor.children, "the monitor")[-1]}
    if host.superserver is not None:
        return {"monitor": until(Process(host.superserver).children,
                                 "the monitor")[-1]}
    units = until(lambda: re.findall(
        r"^(pop3ds?@(\d+)-\S+)", host.run(
            "systemctl", "list-units", "--plain", "--no-legend", "--full",
            "pop3d@*.service", "pop3ds@*.service"), re.M), "a session")
    newest = max(units, key=lambda unit: int(unit[1]))[0]
    return {"monitor": Process(host.show(newest, "MainPID"))}


def kind(child):
    try:
        if child.uids == {0}:
            return PAMS
        if child.root != "/run/pop3d/empty":
            return "mailbox process"
        # the connection and the boundary; one more for both sides of TLS
        return "relay" if len(child.sockets()) > 2 else "greeter"
    except OSError:
        return "ended"


def processes(host):
    found = main_of(host)
    for child in found["monitor"].children():
        found[kind(child)] = child
    return found


def check(host, wanted):
    """Nobody holds what HOLDERS does not say."""
    secrets = canaries()
    there = until(lambda: (found := processes(host)).keys() >= wanted
                  and "ended" not in found and found, f"{wanted}")
    result = {name: held(process.pid, secrets)
              for name, process in there.items()}
    for name in result:
        assert result[name] <= may_hold(name), (name, result)
    return result


@contextlib.contextmanager
def xinetd(host):
    shutil.copy(EXAMPLES / "pop3d.xinetd", "/etc/xinetd.d/pop3d")
    with subprocess.Popen(["xinetd", "-dontfork", "-f", "/etc/xinetd.conf"],
                          env={**os.environ, "SOMEBODYS": VARIABLE}) as server:
        host.superserver = server.pid
        until(listening, "xinetd listens")
        yield
        server.kill()


@pytest.fixture(params=["Accept_yes", "Accept_no",
                        pytest.param("xinetd", marks=needs("xinetd"))])
def served(rich, request):
    rich.superserver = None
    with contextlib.ExitStack() as stack:
        if request.param == "xinetd":
            stack.enter_context(xinetd(rich))
        else:
            if request.param == "Accept_no":
                rich.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
            rich.run("systemctl", "start", "pop3d.socket")
        client = rich.login("bob", PASSWORD)  # whose mail somebody has read
        client.retr(1)
        client.quit()
        rich.end_of_session()
        yield rich


# ---- that what is looked for can be found

@pytest.fixture
def watched(rich):
    rich.superserver = None
    rich.run("systemctl", "start", "pop3d.socket")
    return rich


def found_in(process, secrets):
    """As held() of any process of the host; of one that has ended, nothing."""
    try:
        return held(process.pid, secrets)
    except (FileNotFoundError, ProcessLookupError):
        return set()


def of_the(host, name):
    return until(lambda: processes(host).get(name), name)


def test_search_finds_each_of_them(watched):
    """Where they come from: read by a process that keeps them."""
    client = Client()
    client.stls()  # makes the key of tickets
    client.close()
    secrets = canaries()
    assert secrets.keys() == HOLDERS.keys()
    program = ("import os, sys; kept = sys.stdin.buffer.read(); "
               "print(len(kept), flush=True); sys.stdin.close(); "
               "os.read(3, 1)")
    for name, texts in secrets.items():
        assert texts, name
        reader, writer = os.pipe()
        with subprocess.Popen(
                [sys.executable, "-c", program], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                preexec_fn=lambda: os.dup2(reader, 3),  # noqa: B023
                pass_fds=[3]) as holder:
            holder.stdin.write(texts[-1])
            holder.stdin.close()
            holder.stdout.readline()
            assert name in held(holder.pid, secrets)
            os.close(writer)
        os.close(reader)


def test_password_is_found_where_it_is_typed(watched):
    client = Client()
    client.ok("USER thomas")
    client.socket.sendall(f"PASS {PASSWORD}".encode())  # not all of the line
    secrets = canaries()
    greeter = of_the(watched, "greeter")
    until(lambda: held(greeter.pid, secrets) == {"password"}, "the password")
    assert held(of_the(watched, "monitor").pid, secrets) == set()
    client.socket.sendall(b"\r\n")
    assert client.line()[0] == "+"
    client.close()


def test_what_pam_reads_is_found_in_its_process(watched):
    client = Client()
    by_user(client)
    assert held(of_the(watched, PAMS).pid, canaries()) >= {
        "own hash", "others' hashes", "module's secret"}
    client.close()


def test_secrets_are_found_while_they_are_needed(watched):
    client = Client()
    sasl.Scram("thomas", SECRET).challenge(client)
    pam = of_the(watched, PAMS)
    assert "secrets file" in held(pam.pid, canaries())
    client.close()


def test_keys_are_found_in_the_relay(watched):
    client = Client()
    client.stls()
    by_user(client)
    relay = of_the(watched, "relay")
    assert held(relay.pid, canaries()) >= {"TLS key", "ticket key"}
    client.close()


def test_mail_is_found_in_its_owners_session(served):
    """While another's session has none of it."""
    bobs = Client()
    bobs.ok("USER bob")
    bobs.ok(f"PASS {PASSWORD}")
    assert bobs.says("RETR 1").startswith("+OK")
    secrets = canaries()
    before = of_the(served, "mailbox process")
    assert held(before.pid, secrets) == {"another's mail"}
    client = Client()
    by_user(client)
    everybody = [process for process in living(filter(
        str.isdigit, os.listdir("/proc"))) if process.status["Name"] == [
            "pop3d"] and process.pid != before.pid]
    assert len(everybody) >= 5
    for process in everybody:
        assert "another's mail" not in found_in(process, secrets)
    client.close()
    bobs.close()


# ---- that only they have it

@pytest.mark.parametrize("way", LOGINS, ids=lambda way: way.__name__)
def test_only_pams_process_has_what_pam_has_read(served, way):
    client = Client()
    if way != by_apop:  # whose timestamp is the greeting's
        client.stls()
    way(client)
    check(served, {"monitor", "mailbox process", PAMS})
    client.close()


def test_a_login_that_is_bound_to_its_connection(served):
    """SCRAM-SHA-256-PLUS, by a client that tells what it is bound to."""
    client = BoundClient()
    scram = sasl.Scram("thomas", SECRET, gs2="p=tls-exporter,,",
                       binding=client.exporter)
    scram.login(client, "SCRAM-SHA-256-PLUS")
    client.line()
    check(served, {"monitor", "mailbox process", PAMS, "relay"})
    client.close()


def test_the_second_greeter_and_a_relay_after_a_failed_login(served):
    first = Client()
    by_user(first)
    second = Client()
    assert second.says("USER u2") and \
        second.says("PASS wrong").startswith("-ERR")
    second.stls()
    second.ok("USER thomas")
    assert "[IN-USE]" in second.says(f"PASS {PASSWORD}")
    second.ok("CAPA")
    check(served, {"monitor", "relay", "greeter", PAMS})
    secrets = canaries()
    user = {int(served.run("id", "-u", "pop3d"))}
    strangers = [process for process in living(filter(
        str.isdigit, os.listdir("/proc"))) if process.uids == user]
    assert sorted(map(kind, strangers)) == ["greeter", "relay"]
    for process in strangers:
        assert found_in(process, secrets) <= may_hold(kind(process)), \
            kind(process)
    second.close()
    first.close()


def test_recovery_has_nothing_of_them(served):
    """It is kept waiting for the mailbox's lock."""
    client = Client()
    by_user(client)
    there = until(lambda: (found := processes(served)).keys() >=
                  {"mailbox process", PAMS} and found, "the session")
    pathlib.Path("/var/lib/pop3d/thomas/journal").write_bytes(b"none")
    with open("/var/mail/thomas", "r+b") as mailbox:
        fcntl.lockf(mailbox, fcntl.LOCK_EX)
        os.kill(int(there["mailbox process"].pid), signal.SIGKILL)
        recovery = until(lambda: [
            child for child in there["monitor"].children()
            if kind(child) == "mailbox process"
            and child.pid != there["mailbox process"].pid], "the recovery")[0]
        assert held(recovery.pid, canaries()) == set()
    client.close()


def test_proxy_reader_has_nothing_of_them(rich):
    rich.superserver = None
    rich.options("--proxy-protocol=127.0.0.1")
    rich.run("systemctl", "start", "pop3d.socket")
    with socket.create_connection((LOCALHOST, PORT), PATIENCE):
        monitor = main_of(rich)["monitor"]
        [reader] = until(monitor.children, "the reader")
        assert held(reader.pid, canaries()) == set()
        assert held(monitor.pid, canaries()) == set()


def test_implicit_tls(rich):
    rich.superserver = None
    rich.run("systemctl", "start", "pop3ds.socket")
    client = Client(POP3S)
    by_user(client)
    result = check(rich, {"monitor", "mailbox process", PAMS, "relay"})
    assert result["relay"] >= {"TLS key", "ticket key"}
    client.close()


def test_preloaded_modules_have_read_nothing(rich):
    rich.superserver = None
    rich.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    rich.run("systemctl", "start", "pop3d.socket")
    client = Client()
    acceptor = main_of(rich)["acceptor"]
    with open(f"/proc/{acceptor.pid}/maps") as maps:
        assert "pam_bind.so" in maps.read()
    assert held(acceptor.pid, canaries()) == set()
    client.close()


@needs("strace")
def test_certificate_check_has_the_key_only(rich):
    """Held up where it has read the key and closes the file."""
    rich.superserver = None
    rich.drop_in(  # strace has to read what the path is
        "[Service]\nCapabilityBoundingSet=CAP_SYS_PTRACE\n"
        "ExecStart=\nExecStart=/usr/bin/strace -f -I4 -o/run/trace "
        f"-P{ETC}/tls.key -einject=close:delay_enter=5000000 {POP3D}\n",
        "pop3d@.service")
    rich.run("systemctl", "start", "pop3d.socket")
    with socket.create_connection((LOCALHOST, PORT), PATIENCE):
        secrets = canaries()
        [checker] = until(lambda: [
            process for process in living(filter(
                str.isdigit, os.listdir("/proc")))
            if process.status["Name"] == ["pop3d"]
            and "TLS key" in found_in(process, secrets)], "the check")
        assert held(checker.pid, secrets) <= may_hold("certificate check")
        monitor = Process(checker.status["PPid"][0])
        assert held(monitor.pid, secrets) == set()
