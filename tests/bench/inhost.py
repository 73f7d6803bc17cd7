"""
What needs systemd, users and other servers: runs as root in a copy of this host
that is thrown away (tests/root/in-host-copy), and prints one JSON object.

  inhost.py LOAD [--seconds=S] [--idle=N] [--peers=DIR]

LOAD is the compiled load.c, beside which greet lies. DIR holds packages unpacked
by dpkg -x: popa3d's and Dovecot's cannot be installed side by side.
"""
import argparse
import contextlib
import grp
import json
import os
import pathlib
import pwd
import resource
import shutil
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "root"), str(HERE.parent / "e2e")]

import host as copy  # noqa: E402
import mailboxes  # noqa: E402
import tls  # noqa: E402
from client import Client  # noqa: E402
from rows import delete, memory, processes, seconds  # noqa: E402

USER, PASSWORD = "thomas", copy.PASSWORD
POP3D = ["/usr/local/sbin/pop3d", "--plaintext=local"]
UNIT = "/run/systemd/system"
BARE_PORT, PORT = 1100, 1110
SLOW = 25  # seconds of a login, after which nothing more is asked of a server
RETRIEVED = 500  # messages: Nagle's algorithm costs some servers 40 ms each

DOVECOT = """
protocols = pop3
listen = 127.0.0.1
base_dir = /run/dovecot
ssl = {ssl}
ssl_cert = </etc/pop3d/tls.crt
ssl_key = </etc/pop3d/tls.key
disable_plaintext_auth = no
log_path = /run/dovecot.log
mail_location = mbox:~/mail:INBOX=/var/mail/%u
mail_privileged_group = mail
auth_failure_delay = 0
service pop3-login {{
  inet_listener {listener} {{
    port = 1110
  }}
  process_limit = 2000
}}
service pop3 {{
  process_limit = 2000
}}
passdb {{
  driver = pam
  args = pop3d
}}
userdb {{
  driver = passwd
}}
"""

MAILUTILS = "pam { service pop3d; };\n"


def say(text):
    print(text, file=sys.stderr, flush=True)


def listens(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 5).close()
        return True
    return False


# ---- servers, each on PORT

class Server:
    """A program that listens on PORT while the block runs."""

    processes = ("pop3d",)

    def __init__(self, name, *argv):
        self.name, self.argv = name, argv

    def available(self):
        return shutil.which(self.argv[0]) is not None

    def prepare(self):
        pass

    @contextlib.contextmanager
    def running(self):
        self.prepare()
        with open("/run/server.log", "ab") as log:
            process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        try:
            copy.until(lambda: listens(PORT), f"{self.name} listens")
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            copy.until(lambda: not listens(PORT), f"{self.name} has ended")


class Xinetd(Server):
    def prepare(self):
        pathlib.Path("/run/xinetd.conf").write_text(f"""
service pop3
{{
    type = UNLISTED
    port = {PORT}
    socket_type = stream
    protocol = tcp
    wait = no
    user = root
    server = {POP3D[0]}
    instances = 2000
    per_source = 2000
    cps = 100000 1
}}
""")


class Dovecot(Server):
    processes = ("dovecot", "anvil", "log", "config", "stats", "auth", "pop3",
                 "pop3-login")
    ssl, listener = "no", "pop3"

    def prepare(self):
        pathlib.Path("/run/dovecot.conf").write_text(
            DOVECOT.format(ssl=self.ssl, listener=self.listener))


class DovecotTls(Dovecot):
    ssl, listener = "yes", "pop3s"


class Popa3d(Server):
    """Listens by itself on port 110 only; tcpserver does it for it."""

    processes = ("popa3d",)

    def available(self):
        return super().available() and os.path.exists("/usr/sbin/popa3d")


class Mailutils(Popa3d):
    def available(self):
        return shutil.which("tcpserver") and os.path.exists(
            "/usr/sbin/pop3d")

    def prepare(self):
        pathlib.Path("/run/mailutils.conf").write_text(MAILUTILS)


class Systemd(Server):
    """pop3d.socket on PORT, with Accept= as given."""

    def __init__(self, name, accept, *options):
        super().__init__(name, "systemctl")
        self.accept, self.options = accept, " ".join(options)

    @contextlib.contextmanager
    def running(self):
        run("systemctl", "stop", "pop3d.socket")
        service = "pop3d@.service" if self.accept == "yes" \
            else "pop3d.service"
        for unit, text in ("pop3d.socket", f"""[Socket]
ListenStream=
ListenStream=127.0.0.1:{PORT}
Accept={self.accept}
MaxConnections=2000
MaxConnectionsPerSource=2000
"""), (service, f"""[Service]
ExecStart=
ExecStart={POP3D[0]} --max-sessions=2000 --max-per-source=2000 {self.options}
"""):
            directory = pathlib.Path(f"/etc/systemd/system/{unit}.d")
            directory.mkdir(exist_ok=True)
            (directory / "bench.conf").write_text(text)
        run("systemctl", "daemon-reload")
        run("systemctl", "start", "pop3d.socket")
        try:
            yield None
        finally:
            run("systemctl", "stop", "pop3d.socket")
            subprocess.run(["systemctl", "stop", "pop3d.service"],
                           stderr=subprocess.DEVNULL)


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


TCPSERVER = ["tcpserver", "-HR", "-l0", "-c2000", "-b500", "127.0.0.1",
             str(PORT)]
TLS = "--tls=implicit"
IDLE = ("systemd, Accept=yes", "systemd, Accept=no", "popa3d", "Dovecot")
SERVERS = [
    Systemd("systemd, Accept=yes", "yes"),
    Systemd("systemd, Accept=no", "no"),
    Server("tcpserver", *TCPSERVER, POP3D[0]),
    Xinetd("xinetd", "xinetd", "-dontfork", "-f", "/run/xinetd.conf"),
    Popa3d("popa3d", *TCPSERVER, "/usr/sbin/popa3d"),
    Dovecot("Dovecot", "dovecot", "-F", "-c", "/run/dovecot.conf"),
    Mailutils("Mailutils", *TCPSERVER, "/usr/sbin/pop3d", "--inetd",
              "--config-file=/run/mailutils.conf"),
]

TLS_SERVERS = [
    Systemd("systemd, Accept=yes", "yes", TLS),
    Systemd("systemd, Accept=no", "no", TLS),
    Server("tcpserver", *TCPSERVER, POP3D[0], TLS),
    DovecotTls("Dovecot", "dovecot", "-F", "-c", "/run/dovecot.conf"),
]


# ---- the copy

def unpack(peers):
    """What dpkg and the packages' scripts would have done."""
    with subprocess.Popen(["tar", "-C", peers, "-c", "."],
                          stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-C", "/", "-x", "--keep-directory-symlink",
                        "--no-same-owner"], stdin=tar.stdout, check=True)
    run("ldconfig")
    os.makedirs("/var/empty", exist_ok=True)
    for user in "popa3d", "dovecot", "dovenull":
        try:
            pwd.getpwnam(user)
        except KeyError:
            run("useradd", "--system", "--user-group", "--no-create-home",
                "--home-dir", "/nonexistent", user)
    for service in "popa3d", "pop3", "mu-pop3d":
        path = pathlib.Path(f"/etc/pam.d/{service}")
        if not path.exists():
            shutil.copy("/etc/pam.d/pop3d", path)


def make_users(names):
    """
    Users with the mail of USER. Their passwords are hashed the old and quick
    way: crypt(3) is not what is measured, and useradd takes its time.
    """
    hashed = subprocess.run(["openssl", "passwd", "-1", PASSWORD], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    first = 20000 + len(pwd.getpwall())
    mail = pathlib.Path(f"/var/mail/{USER}").read_bytes()
    with open("/etc/passwd", "a") as passwd, \
            open("/etc/shadow", "a") as shadow:
        for uid, name in enumerate(names, first):
            passwd.write(f"{name}:x:{uid}:100::/home/{USER}:/bin/sh\n")
            shadow.write(f"{name}:{hashed}:19000:0:99999:7:::\n")
            path = pathlib.Path(f"/var/mail/{name}")
            path.write_bytes(mail)
            os.chown(path, uid, grp.getgrnam("mail").gr_gid)
            path.chmod(0o660)


def prepare(peers):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    site = copy.Host()
    if peers:
        unpack(peers)
    site.user(USER)
    site.user("small")
    for name, size in ("big", (10_000, 100_000)), ("many", (200_000, 2_000)), \
            ("empty", (0, 0)):
        site.user(name)
        mailboxes.write(f"/var/mail/{name}", *size)
    make_users([f"client{n}" for n in range(32)])
    os.chmod(f"/home/{USER}", 0o777)
    os.makedirs("/etc/pop3d", exist_ok=True)
    for path, data in zip(("/etc/pop3d/tls.crt", "/etc/pop3d/tls.key"),
                          tls.certificate("ec")):
        pathlib.Path(path).write_bytes(data)
        os.chmod(path, 0o600)


# ---- figures

def load(arguments, what, clients, *login):
    """Connections a second, median and 99th percentile in seconds."""
    out = subprocess.run(
        [arguments.load, *what, str(arguments.port), str(clients),
         str(arguments.seconds), *login], check=True,
        stdout=subprocess.PIPE).stdout.split()
    return list(map(float, out))


def sessions(arguments, servers, *how):
    arguments.port = PORT
    table = {}
    for server in filter(lambda s: s.available(), servers):
        say(f"sessions a second: {server.name} {' '.join(how)}")
        with server.running():
            try:
                table[server.name] = {
                    clients: load(arguments, [*how, "sessions"], clients,
                                  "client", PASSWORD)
                    for clients in (1, 8, 32)}
            except (subprocess.CalledProcessError, AssertionError) as error:
                say(f"{server.name}: {error}")
    return table


def greetings(arguments):
    """Connect to greeting under systemd, and a unit that only greets."""
    pathlib.Path(f"{UNIT}/bare.socket").write_text(
        f"[Socket]\nListenStream=127.0.0.1:{BARE_PORT}\nAccept=yes\n"
        "MaxConnections=2000\nMaxConnectionsPerSource=2000\n"
        "TriggerLimitIntervalSec=0\n")
    pathlib.Path(f"{UNIT}/bare@.service").write_text(
        f"[Unit]\nCollectMode=inactive-or-failed\n"
        f"[Service]\nExecStart={pathlib.Path(arguments.load).parent}/greet\n"
        "StandardInput=socket\nStandardOutput=inherit\n"
        "StandardError=journal\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "bare.socket")
    table = {"pop3d": {1: [], 64: []}, "bare unit": {1: [], 64: []}}
    with SERVERS[0].running():
        for turn in range(3):
            for clients in 1, 64:
                say(f"greetings: {clients} at once, {turn + 1} of 3")
                for name, port in ("pop3d", PORT), ("bare unit", BARE_PORT):
                    arguments.port = port
                    table[name][clients].append(
                        load(arguments, ["greetings"], clients))
                    time.sleep(0.5)  # until the last units are gone
    run("systemctl", "stop", "bare.socket")
    return table


def pids_of(*names):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):  # it has ended
            if path.read_text().strip() in names:
                found.append(int(path.parent.name))
    return found


def idle_sessions(server, users, secured):
    """PSS of a logged-in session for each user at once."""
    clients = []
    for user in users:
        sock = socket.create_connection(("127.0.0.1", PORT), 30)
        if secured:
            sock = tls.client("ec").wrap_socket(sock,
                                                server_hostname="localhost")
        clients.append(Client(sock))
        clients[-1].login(user, PASSWORD)
        if len(clients) % 200 == 0:
            say(f"{len(clients)} idle sessions: {server.name}")
    time.sleep(1)
    pids = pids_of(*server.processes)
    figures = {"sessions": len(clients), "processes": len(pids),
               "pss": memory(pids, "Pss"),
               "private": memory(pids, "Private_Clean", "Private_Dirty")}
    for client in clients:
        client.quit()
    return figures


def idle(arguments):
    """Each session with a mailbox of its own."""
    users = [f"idle{n}" for n in range(arguments.idle)]
    make_users(users)
    result = {}
    for server, secured in [(s, False) for s in SERVERS] + [
            (s, True) for s in TLS_SERVERS]:
        if server.name not in IDLE or not server.available():
            continue
        name = server.name + (", TLS" if secured else "")
        say(f"{len(users)} sessions at once: {name}")
        with server.running():
            try:
                result[name] = idle_sessions(server, users, secured)
            except (AssertionError, OSError) as error:
                say(f"{name}: {error}")
    return result


def of_session(user, work, count=None):
    """
    One figure of a session with PORT's server: by default the seconds from PASS
    to the reply to STAT, as some say that all is well before they have looked.
    """
    client = Client(socket.create_connection(("127.0.0.1", PORT), 60))
    client.sock.settimeout(600)
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    took = client.login(user, PASSWORD)
    start = time.perf_counter()
    stat = client.ask(b"STAT")
    took += time.perf_counter() - start
    assert count is None or int(stat.split()[1]) == count, stat
    result = work(client) if work else took
    client.quit()
    return result


def listing(client):
    return seconds(lambda: (client.text(b"UIDL"), client.text(b"LIST")))


def fetch(arguments):
    with socket.create_connection(("127.0.0.1", PORT), 60) as s:
        s.settimeout(None)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return float(subprocess.run(
            [arguments.load, "fetch", "big", PASSWORD, str(RETRIEVED)],
            stdin=s, check=True, stdout=subprocess.PIPE).stdout)


def cat(arguments):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs = listener.accept()[0]
    with subprocess.Popen(["sh", "-c", "read x; read x; cat /var/mail/big"],
                          stdin=theirs, stdout=theirs):
        theirs.close()
        return float(subprocess.run([arguments.load, "drain"], stdin=ours,
                                    check=True,
                                    stdout=subprocess.PIPE).stdout)


def private_of(server_pid):
    """Private memory of what serves a session beyond what serves none."""
    def measure(client):
        client.text(b"RETR 1")
        now = processes(server_pid)
        return memory([p for p in now if p not in before], "Private_Clean",
                      "Private_Dirty")

    time.sleep(0.5)
    before = processes(server_pid)
    return measure


def peers(arguments):
    """The same work done by every server that is there, by tcpserver's side."""
    table = {"yardstick": {
        "wc -l": seconds(lambda: run("wc", "-l", "/var/mail/big")),
        "cat": cat(arguments) * RETRIEVED / 10_000}}
    keep = pathlib.Path("/var/mail/big").read_bytes()
    for server in SERVERS:
        if not server.available() or server.name in (
                "systemd, Accept=no", "systemd, Accept=yes", "xinetd"):
            continue
        say(f"large mailboxes: {server.name}")
        with open("/var/mail/big", "r+b") as f:
            f.write(keep)
            f.truncate()
        time.sleep(0.1)
        table[server.name] = figures = {}
        with server.running() as pid:
            try:
                figures["first login"] = of_session("big", None, 10_000)
                if figures["first login"] > SLOW:
                    say(f"{server.name} is too slow for more")
                    continue
                figures["empty"] = of_session("empty", None, 0)
                figures["later login"] = of_session("big", None, 10_000)
                with open("/var/mail/big", "ab") as f:
                    f.write(mailboxes.header(99_999_999) + b"More.\n\n")
                time.sleep(0.1)
                figures["after append"] = of_session("big", None, 10_001)
                figures["RETR"] = fetch(arguments)
                of_session("many", None)
                figures["UIDL+LIST"] = of_session("many", listing)
                figures["kB, 3 messages"] = of_session("small", private_of(pid))
                figures["kB, 10,000 messages"] = of_session("big",
                                                            private_of(pid))
            except (AssertionError, OSError,
                    subprocess.CalledProcessError) as error:
                say(f"{server.name}: {error}")
    return table


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("load")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--peers")
    arguments = parser.parse_args()
    prepare(arguments.peers)
    result = {"greetings": greetings(arguments),
              "sessions": sessions(arguments, SERVERS),
              "tls": sessions(arguments, TLS_SERVERS, "tls"),
              "idle": idle(arguments), "peers": peers(arguments)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
