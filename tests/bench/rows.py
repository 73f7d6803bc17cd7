"""
What is measured on this host as it is, as an ordinary user: each row of the
table one function, that does pop3d's work and the yardstick's side by side.
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import pop3  # noqa: E402
import mailboxes  # noqa: E402
from client import Client  # noqa: E402

GRAIN = 0.05  # seconds after which a change is no longer "just now"
BIG, MANY = (10_000, 100_000), (200_000, 2_000)  # messages, octets of each


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
        big, many = (BIG[0] // scale, BIG[1]), (MANY[0] // scale, MANY[1])
        for name, size in ("big", big), ("many", many), ("small", (8, 400)), \
                ("empty", (0, 0)):
            mailboxes.write(self.mailbox(name), *size)
            self.give(self.mailbox(name))
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
                               stderr=self.log)

    def connect(self):
        ours, theirs = pop3.Session.tcp_pair()
        ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Client(ours)
        client.process = self.popen(self.host.command(), theirs)
        theirs.close()
        return client

    def session(self, user, work=None):
        """Seconds that the login took, or what work returns."""
        client = self.connect()
        result = client.login(user, "secret")
        if work is not None:
            result = work(client)
        client.quit()
        client.process.wait()
        return result

    def through_socket(self, argv, *load):
        """What the load program prints of a server that writes to a socket."""
        ours, theirs = pop3.Session.tcp_pair()
        for s in ours, theirs:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = self.popen(argv, theirs)
        theirs.close()
        out = subprocess.run([self.load, *load], stdin=ours, check=True,
                             stdout=subprocess.PIPE).stdout
        ours.close()
        server.wait()
        return float(out)


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
    return (site.through_socket(site.host.command(), "fetch", "big",
                                "secret"),
            site.through_socket(["cat", site.mailbox("big")], "drain"))


def retr_from_memory(site, _):
    """How fast any server can be that is asked one message at a time."""
    size = os.path.getsize(site.mailbox("big")) // BIG[0]
    reply = os.path.join(site.copies, "reply")
    with open(reply, "wb") as f:
        f.write(b"+OK\r\n" + b"x" * size + b"\r\n.\r\n")
    return (site.through_socket([site.load, "serve", reply, str(BIG[0])],
                                "fetch", "x", "x"),
            site.through_socket(["cat", site.mailbox("big")], "drain"))


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
    return took, site.through_socket(["cat", path], "drain")


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
    def copy_twice():
        for _ in range(2):
            path = os.path.join(site.copies, "copy")
            subprocess.run(["cp", site.mailbox("big"), path], check=True)
            write_and_sync(path)

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


def private_memory(site, user):
    def measure(client):
        client.text(b"RETR 1")
        return memory(processes(client.process.pid), "Private_Clean",
                      "Private_Dirty")

    site.session(user)
    return site.session(user, measure)


def memory_small(site, _):
    return private_memory(site, "small"), 1536 + 8 * 64 / 1024


def memory_big(site, _):
    return private_memory(site, "big"), 1536 + BIG[0] * 64 / 1024


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
