"""
What each process of a session has in its memory: passwords, hashes, keys and
mail are looked for in all of it, after each way to start and to log in. Who may
hold what stands in HOLDERS, and in SECURITY.md.
"""
import base64
import fcntl
import hashlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys

import pytest
from host import (LOCALHOST, PASSWORD, PATIENCE, PORT, Process, TOP, entries,
                  living, until)
from test_tls import ETC, POP3S, context, memory, private_parts, \
    put_certificate

sys.path.append(str(pathlib.Path(__file__).parent.parent / "e2e"))
import sasl  # noqa: E402

OTHERS = 40
BIND = "bind-password-of-a-directory-4711"
SECRET = "a-secret-that-is-no-password-0815"
TOKEN = "token-of-thomas-42-4242424242"
MAIL = b"what-only-another-user-may-read-1234567890"

# What is secret, and who may have it beside PAM's process.
HOLDERS = {
    "password": {"relay"},  # it passes through
    "own hash": set(),
    "others' hashes": set(),
    "module's secret": set(),
    "secrets file": set(),
    "TLS key": {"relay"},
    "ticket key": {"relay"},
    "another's mail": set(),
}

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
    return host


def canaries():
    shadow = dict(line.split(":")[:2] for line in open("/etc/shadow"))
    keys = [field for line in open(ETC / "secrets")
            for field in line.strip().split(":")[2:] if field]
    ticket = pathlib.Path("/run/pop3d/ticket-key")
    return {
        "password": [PASSWORD.encode()],
        "own hash": [shadow["thomas"].encode()],
        "others' hashes": [shadow[f"u{n}"].encode() for n in range(OTHERS)],
        "module's secret": [BIND.encode()],
        "secrets file": [field.encode() for field in keys]
        + [base64.b64decode(field) for field in keys if field[-1] == "="],
        "TLS key": private_parts(),
        "ticket key": [ticket.read_bytes()[:16]] if ticket.exists() else [],
        "another's mail": [MAIL],
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


def after_failures(client):
    assert client.says("USER u1") and \
        client.says("PASS wrong").startswith("-ERR")
    by_user(client)


LOGINS = [by_user, by_plain, by_scram, by_apop, by_token, after_failures]


def main_of(host):
    """The monitor, and the acceptor above it, if there is one."""
    if host.show("pop3d.service", "ActiveState") == "active":
        acceptor = Process(host.show("pop3d.service", "MainPID"))
        return {"acceptor": acceptor, "monitor": until(
            acceptor.children, "the monitor")[-1]}
    units = until(lambda: host.run(
        "systemctl", "list-units", "--plain", "--no-legend", "--full",
        "pop3d@*.service", "pop3ds@*.service").split()[:1], "a session")
    return {"monitor": Process(host.show(units[0], "MainPID"))}


def kind(child):
    try:
        if child.uids == {0}:
            return "PAM's"
        if child.root != "/run/pop3d/empty":
            return "mailbox"
        # the connection and the boundary; one more for both sides of TLS
        return "relay" if len(child.sockets()) > 2 else "greeter"
    except OSError:
        return "ended"


def processes(host):
    found = main_of(host)
    for child in found["monitor"].children():
        found[kind(child)] = child
    return found


def held(process, secrets):
    there = memory(process.pid)
    return {name for name, texts in secrets.items()
            if any(text in there for text in texts)}


def check(host, wanted):
    """No process but PAM's holds what HOLDERS does not say."""
    secrets = canaries()
    there = until(lambda: (found := processes(host)).keys() >= wanted
                  and "ended" not in found and found, f"{wanted}")
    result = {name: held(process, secrets) for name, process in there.items()}
    for name in result.keys() - {"PAM's"}:
        assert result[name] <= {secret for secret, may in HOLDERS.items()
                                if name in may}, (name, result)
    return result


@pytest.fixture(params=["yes", "no"], ids="Accept_{}".format)
def served(rich, request):
    if request.param == "no":
        rich.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    rich.run("systemctl", "start", "pop3d.socket")
    client = rich.login("bob", PASSWORD)  # one whose mail somebody has read
    client.retr(1)
    client.quit()
    return rich


@pytest.mark.parametrize("way", LOGINS, ids=lambda way: way.__name__)
def test_only_pams_process_has_what_pam_has_read(served, way):
    client = Client()
    if way != by_apop:  # whose timestamp is the greeting's
        client.stls()
    way(client)
    wanted = {"monitor", "mailbox", "PAM's"}
    result = check(served, wanted)
    if way in (by_user, by_plain, after_failures):
        # what is looked for can be found
        assert {"own hash", "module's secret"} <= result["PAM's"], result
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
    secrets = canaries()
    user = {int(served.run("id", "-u", "pop3d"))}
    strangers = [process for process in living(filter(
        str.isdigit, os.listdir("/proc"))) if process.uids == user]
    assert sorted(map(kind, strangers)) == ["greeter", "relay"]
    for process in strangers:
        assert held(process, secrets) <= {
            secret for secret, may in HOLDERS.items()
            if kind(process) in may}, kind(process)
    second.close()
    first.close()


def test_recovery_has_nothing_of_them(served):
    """It is kept waiting for the mailbox's lock."""
    client = Client()
    by_user(client)
    there = until(lambda: (found := processes(served)).keys() >=
                  {"mailbox", "PAM's"} and found, "the session")
    pathlib.Path("/var/lib/pop3d/thomas/journal").write_bytes(b"none")
    with open("/var/mail/thomas", "r+b") as mailbox:
        fcntl.lockf(mailbox, fcntl.LOCK_EX)
        os.kill(int(there["mailbox"].pid), signal.SIGKILL)
        recovery = until(lambda: [
            child for child in there["monitor"].children()
            if kind(child) == "mailbox"
            and child.pid != there["mailbox"].pid], "the recovery")[0]
        assert held(recovery, canaries()) == set()
    client.close()


def test_proxy_reader_has_nothing_of_them(rich):
    rich.options("--proxy-protocol=127.0.0.1")
    rich.run("systemctl", "start", "pop3d.socket")
    with socket.create_connection((LOCALHOST, PORT), PATIENCE):
        monitor = main_of(rich)["monitor"]
        [reader] = until(monitor.children, "the reader")
        assert held(reader, canaries()) == set()
        assert held(monitor, canaries()) == set()


def test_implicit_tls(rich):
    rich.run("systemctl", "start", "pop3ds.socket")
    client = Client(POP3S)
    by_user(client)
    result = check(rich, {"monitor", "mailbox", "PAM's", "relay"})
    assert "TLS key" in result["relay"]
    client.close()


def test_preloaded_modules_have_read_nothing(rich):
    rich.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    rich.run("systemctl", "start", "pop3d.socket")
    client = Client()
    acceptor = main_of(rich)["acceptor"]
    with open(f"/proc/{acceptor.pid}/maps") as maps:
        assert "pam_bind.so" in maps.read()
    assert held(acceptor, canaries()) == set()
    client.close()


def test_security_md_has_the_same_table():
    text = (TOP / "SECURITY.md").read_text()
    table = text[text.index("| in memory |"):]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table[:table.index("\n\n")],
                      re.M)[2:]
    never_pams = {"TLS key", "ticket key", "another's mail"}
    assert dict(rows) == {
        name: ", ".join(([] if name in never_pams else ["PAM's process"])
                        + sorted(may)) or "nobody"
        for name, may in HOLDERS.items()}
