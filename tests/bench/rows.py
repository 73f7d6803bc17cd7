"""
What is measured on this host as it is, as an ordinary user: each row of the
table one function, that does pop3d's work and the yardstick's side by side.
"""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import mailboxes  # noqa: E402
import pop3  # noqa: E402
import tls  # noqa: E402
from client import Client  # noqa: E402

GRAIN = 0.05  # seconds after which a change is no longer "just now"
BIG, MANY = (10_000, 100_000), (200_000, 2_000)  # messages, octets of each
HANDSHAKES = 30  # of each kind


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def write_and_sync(path):
    with open(path, "rb") as f:
        os.fsync(f.fileno())


def processes(pid):
    """The process and all that it has started."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        children = list(map(int, f.read().split()))
    return [pid] + [p for child in children for p in processes(child)]


def memory(pids, *names):
    """The sum of these lines of smaps_rollup, in kB."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            for line in f:
                found = re.match(r"(\w+):\s+(\d+) kB", line)
                if found and found[1] in names:
                    total += int(found[2])
    return total


class Site:
    """Mailboxes and pop3d, which is started for each connection."""

    USERS = ("big", "many", "small", "empty", "copy")

    def __init__(self, load, scale):
        self.load = load
        self.host = pop3.Host()
        self.log = open(os.path.join(self.host.top, "log"), "wb")
        self.copies = self.host.directory("copies")
        for user in self.USERS:
            self.host.account(user, "secret")
        self.messages = BIG[0] // scale
        big, many = (self.messages, BIG[1]), (MANY[0] // scale, MANY[1])
        for name, size in ("big", big), ("many", many), ("small", (8, 400)), \
                ("empty", (0, 0)):
            mailboxes.write(self.mailbox(name), *size)
            self.give(self.mailbox(name))
        self.tls = tls.install(self.host, "ec")
        self.checksums, self.handshakes = {}, {}
        time.sleep(GRAIN)

    def close(self):
        self.log.close()
        self.host.close()

    # ---- files

    def mailbox(self, name):
        return os.path.join(self.host.mail, name)

    def give(self, path):
        os.chown(path, pop3.UID, -1)
        os.chmod(path, 0o600)

    def forget_index(self, name):
        index = os.path.join(self.host.state, name, "index")
        if os.path.exists(index):
            os.remove(index)

    def append(self, name, n):
        with open(self.mailbox(name), "ab") as f:
            f.write(mailboxes.header(10_000_000 + n) + b"One more.\n\n")
        time.sleep(GRAIN)

    # ---- sessions

    def popen(self, argv, stdin):
        return self.host.popen(argv, stdin=stdin, stdout=stdin,
                               stderr=self.log,
                               env={"RUNTIME_DIRECTORY": self.copies})

    def connect(self, *options):
        """With options of TLS, over TLS."""
        ours, theirs = pop3.Session.tcp_pair()
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        process = self.popen(self.host.command(*options), theirs)
        theirs.close()
        client = Client(tls.client("ec").wrap_socket(
            ours, server_hostname="localhost") if options else ours)
        client.process = process
        return client

    def session(self, user, work=None, *options):
        """Seconds that the login took, or what work returns."""
        client = self.connect(*options)
        result = client.login(user, "secret")
        if work is not None:
            result = work(client)
        client.quit()
        client.process.wait()
        return result

    def load_on(self, sock, *load):
        """What the load program prints with this connection."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with sock:
            return subprocess.run([self.load, *load], stdin=sock, check=True,
                                  stdout=subprocess.PIPE).stdout.split()

    def through_socket(self, argv, *load):
        """The same, with a server that writes to a socket."""
        ours, theirs = pop3.Session.tcp_pair()
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = self.popen(argv, theirs)
        theirs.close()
        out = self.load_on(ours, *load)
        server.wait()
        return out

    def cat(self, path):
        """Seconds that it takes to send a file, once it was asked for."""
        return float(self.through_socket(
            ["sh", "-c", f"read line; read line; exec cat {path}"],
            "drain")[0])

    def fetch(self, user, *options, tls=()):
        """Seconds of RETR of everything."""
        command = self.host.command(*options)
        key = user, tls
        if key not in self.checksums:
            self.checksums[key] = self.through_socket(command, *tls, "check",
                                                      user, "secret")
            assert self.checksums[key] == self.checksums[user, ()], \
                "TLS brings something else"
        return float(self.through_socket(command, *tls, "fetch", user,
                                         "secret")[0])

    @contextlib.contextmanager
    def s_server(self):
        """openssl s_server with pop3d's certificate; yields its address."""
        with socket.create_server(("127.0.0.1", 0)) as s:
            address = s.getsockname()
        cert, key = (option.split("=")[1] for option in self.tls)
        server = self.popen(["openssl", "s_server", "-WWW", "-quiet",
                             "-accept", f"127.0.0.1:{address[1]}",
                             "-cert", cert, "-key", key], subprocess.DEVNULL)
        try:
            pop3.wait_until(lambda: connects(address))
            yield address
        finally:
            pop3.kill_group(server)

    @contextlib.contextmanager
    def listening(self, *options):
        """pop3d for each that connects; yields the address."""
        def serve():
            with contextlib.suppress(OSError):  # shut down
                while True:
                    connection = listener.accept()[0]
                    process = self.popen(self.host.command(*options),
                                         connection)
                    connection.close()
                    process.wait()

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve)
            thread.start()
            try:
                yield listener.getsockname()
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()


def connects(address):
    with contextlib.suppress(OSError):
        socket.create_connection(address).close()
        return True
    return False


# ---- rows: (pop3d's figure, the yardstick's)

def first_login(site, _):
    path = site.mailbox("big")
    site.forget_index("big")
    return (site.session("big"),
            seconds(lambda: subprocess.run(["wc", "-l", path], check=True,
                                           stdout=subprocess.DEVNULL)))


def later_login(site, _):
    site.session("big")
    return site.session("big"), site.session("empty")


def login_after_append(site, n):
    site.session("big")
    site.append("big", n)
    return site.session("big"), site.session("empty")


def retr(site, _):
    return site.fetch("big"), site.cat(site.mailbox("big"))


def retr_from_memory(site, _):
    """How fast any server can be that is asked one message at a time."""
    size = os.path.getsize(site.mailbox("big")) // site.messages
    reply = os.path.join(site.copies, "reply")
    with open(reply, "wb") as f:
        f.write(b"+OK\r\n" + b"x" * size + b"\r\n.\r\n")
    took = site.through_socket(
        [site.load, "serve", reply, str(site.messages)], "fetch", "x", "x")[0]
    return float(took), site.cat(site.mailbox("big"))


def retr_tls(site, _):
    took = site.fetch("big", "--tls=implicit", *site.tls, tls=("tls",))
    with site.s_server() as address:
        theirs = site.load_on(socket.create_connection(address), "tls",
                              "drain")
    return took, float(theirs[0])


def handshakes(site, what, address):
    out = subprocess.run([site.load, what, str(address[1]), str(HANDSHAKES)],
                         check=True, stdout=subprocess.PIPE).stdout
    return list(map(float, out.split()))


def all_handshakes(site, turn):
    """(ours, s_server's), both: start of TLS, handshake, one that resumes."""
    if turn not in site.handshakes:
        with site.listening(*site.tls) as address:
            ours = handshakes(site, "stls", address)
        with site.s_server() as address:
            theirs = handshakes(site, "handshakes", address)
        site.handshakes[turn] = ours, theirs
    return site.handshakes[turn]


def handshake(site, turn):
    ours, theirs = all_handshakes(site, turn)
    return ours[1], theirs[1]


def handshake_resumed(site, turn):
    ours, theirs = all_handshakes(site, turn)
    return ours[2], theirs[2]


def stls(site, turn):
    return all_handshakes(site, turn)[0][0], 0


def listings(site, _):
    octets = 0

    def both(client):
        nonlocal octets
        start = time.perf_counter()
        octets = client.text(b"UIDL") + client.text(b"LIST")
        return time.perf_counter() - start

    site.session("many")
    took = site.session("many", both)
    path = os.path.join(site.copies, "octets")
    with open(path, "wb") as f:
        f.write(b"x" * octets)
    return took, site.cat(path)


def delete(client, count):
    """DELE of the first messages, in batches."""
    for n in range(1, count + 1, 1000):
        batch = range(n, min(n + 1000, count + 1))
        client.sock.sendall(b"".join(b"DELE %d\r\n" % i for i in batch))
        heard = 0
        while heard < len(batch):
            heard += client.sock.recv(1 << 16).count(b"\n")


def quit_after(site, user, count=None):
    client = site.connect()
    client.login(user, "secret")
    delete(client, count or int(client.ask(b"STAT").split()[1]))
    took = client.quit()
    client.process.wait()
    return took


def quit_one(site, _):
    path = os.path.join(site.copies, "copy")

    def copy_twice():
        for _ in range(2):
            subprocess.run(["cp", site.mailbox("big"), path], check=True)
            write_and_sync(path)

    # Memory that a virtual machine has not used for a while comes from the
    # host first, page by page: both are to find what the other has just left.
    copy_twice()
    os.remove(path)
    site.session("big")
    os.sync()
    took = quit_after(site, "big", 1)
    os.sync()
    return took, seconds(copy_twice)


def quit_all(site, _):
    path = site.mailbox("copy")

    def fresh():
        shutil.copyfile(site.mailbox("big"), path)
        site.give(path)
        os.sync()

    def cut():
        os.truncate(path, 0)
        write_and_sync(path)

    fresh()
    time.sleep(GRAIN)
    site.session("copy")
    took = quit_after(site, "copy")
    fresh()
    return took, seconds(cut)


def private_memory(site, user, *options):
    def measure(client):
        client.text(b"RETR 1")
        return memory(processes(client.process.pid), "Private_Clean",
                      "Private_Dirty")

    site.session(user)
    return site.session(user, measure, *options)


def memory_small(site, _):
    return private_memory(site, "small"), 1536 + 8 * 64 / 1024


def memory_big(site, _):
    return private_memory(site, "big"), 1536 + BIG[0] * 64 / 1024


def memory_tls(site, _):
    return private_memory(site, "small", "--tls=implicit", *site.tls), 1536


def start(site, _):
    """Without systemd: from exec to greeting, and a program that greets."""
    def greeting(argv):
        ours, theirs = pop3.Session.tcp_pair()

        def hear():
            process = site.popen(argv, theirs)
            theirs.close()
            ours.recv(100)
            return process

        begin = time.perf_counter()
        process = hear()
        took = time.perf_counter() - begin
        ours.close()
        process.wait()
        return took

    return greeting(site.host.command()), greeting(["echo", "+OK"])


# ---- counted, not timed

def counts(site):
    """(system calls, libraries, page faults) of a start until the greeting."""
    trace = os.path.join(site.copies, "trace")

    def faults(client):
        return sum(int(pathlib.Path(f"/proc/{pid}/stat").read_text()
                       .rpartition(")")[2].split()[7])
                   for pid in processes(client.process.pid))

    table = {}
    client = site.connect()
    client.line()
    table["page faults"] = faults(client)
    client.quit()
    client.process.wait()
    if not shutil.which("strace"):
        return table
    ours, theirs = pop3.Session.tcp_pair()
    process = site.popen(["strace", "-f", "-o", trace, *site.host.command()],
                         theirs)
    theirs.close()
    client = Client(ours)
    client.line()
    client.quit()
    process.wait()
    lines = pathlib.Path(trace).read_text().splitlines()
    calls = [line for line in lines if "resumed>" not in line]
    sent = [n for n, line in enumerate(calls) if "sendto(" in line][0]
    table["system calls"] = sent + 1
    table["shared libraries"] = len(
        {line.split('"')[1] for line in calls[:sent]
         if "openat(" in line and ".so." in line and "ld.so.cache" not in line})
    return table
