"""HAProxy before two hosts, each with its own network, that share the mail."""
import contextlib
import pathlib
import poplib
import socket
import subprocess
import sys

import pytest

from host import (PASSWORD, PATIENCE, POP3D, TOP, entries, message, needs,
                  until)

sys.path.append(str(TOP / "tests/e2e"))
import tls  # noqa: E402

CLIENT = "192.0.2.77"
FRONT = "192.0.2.1"
HOSTS = {"one": "198.51.100.1", "two": "198.51.100.5"}
LOGS = pathlib.Path("/run/hosts")
ETC = pathlib.Path("/etc/pop3d")

HAPROXY = """\
global
    log stdout format raw local0
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
frontend pop3
    bind {front}:110
    default_backend pop3
backend pop3
    balance roundrobin
    server one {one}:110 send-proxy check inter 200ms fall 1 rise 1
    server two {two}:110 send-proxy-v2 check inter 200ms fall 1 rise 1
frontend pop3s
    bind {front}:995
    default_backend pop3s
backend pop3s
    balance roundrobin
    default-server check port 110 check-send-proxy inter 200ms fall 1 rise 1
    server one {one}:995 send-proxy
    server two {two}:995 send-proxy-v2
"""


def sh(line):
    subprocess.run(line, shell=True, check=True)


def trusting():
    context = tls.client()
    context.check_hostname = False  # it is an address
    return context


class FromClient(poplib.POP3):
    def _create_socket(self, timeout):
        return socket.create_connection((FRONT, self.port), timeout,
                                        (CLIENT, 0))


class OverTLS(FromClient):
    """With TLS from the first octet."""

    def _create_socket(self, timeout):
        return trusting().wrap_socket(super()._create_socket(timeout))


class Cluster:
    def __init__(self, host):
        self.host = host
        self.running = {}
        LOGS.mkdir()
        for name, pem in zip(("tls.crt", "tls.key"), tls.certificate()):
            (ETC / name).write_bytes(pem)
        sh(f"ip address add {FRONT}/24 dev lo;"
           f"ip address add {CLIENT}/32 dev lo")
        for name, address in HOSTS.items():
            near = address[:-1] + str(int(address[-1]) + 1)
            sh(f"ip netns add {name};"
               f"ip link add to-{name} type veth peer name eth0 netns {name};"
               f"ip address add {near}/30 dev to-{name};"
               f"ip link set to-{name} up;"
               f"ip -n {name} address add {address}/30 dev eth0;"
               f"ip -n {name} link set eth0 up;"
               f"ip -n {name} route add default via {near}")
            self.up(name)
        conf = LOGS / "haproxy.cfg"
        conf.write_text(HAPROXY.format(front=FRONT, **HOSTS))
        self.haproxy = subprocess.Popen(
            ["haproxy", "-db", "-f", conf], stdin=subprocess.DEVNULL,
            stdout=open(LOGS / "haproxy", "wb"), stderr=subprocess.STDOUT)
        until(self.front_listens, "HAProxy")

    def front_listens(self):
        out = subprocess.run(["ss", "-Hltn", "src", f"{FRONT}:110"],
                             stdout=subprocess.PIPE).stdout
        return bool(out.strip())

    def up(self, name):
        near = HOSTS[name][:-1] + str(int(HOSTS[name][-1]) + 1)
        (LOGS / name).touch()
        before = self.log(name).count("Listening on")
        self.running[name] = [
            subprocess.Popen(
                ["ip", "netns", "exec", name, "systemd-socket-activate",
                 "--accept", "--inetd", "-l", f"{HOSTS[name]}:{port}", POP3D,
                 "--log=stderr", f"--proxy-protocol={near}", *options],
                stdin=subprocess.DEVNULL, stderr=open(LOGS / name, "ab"))
            for port, *options in [(110, "--plaintext=always"),
                                   (995, "--tls=implicit")]]
        until(lambda: self.log(name).count("Listening on") == before + 2,
              "the host")

    def down(self, name):
        for process in self.running[name]:
            process.kill()
            process.wait()

    def login(self, security="plain"):
        if security == "tls":
            client = OverTLS(FRONT, 995, timeout=PATIENCE)
        else:
            client = FromClient(FRONT, timeout=PATIENCE)
        if security == "stls":
            client.stls(trusting())
        client.user("thomas")
        client.pass_(PASSWORD)
        return client

    def log(self, name):
        return (LOGS / name).read_text()

    def end(self):
        self.haproxy.kill()
        for name in self.running:
            self.down(name)


@pytest.fixture
def cluster(installed):
    installed.user("thomas")
    made = Cluster(installed)
    yield made
    made.end()


def quit(client):
    client.quit()
    client.close()


@needs("haproxy")
def test_both_hosts_serve_the_same_mail(cluster):
    seen = []
    for _ in range(4):
        client = cluster.login()
        seen.append(client.uidl()[1])
        quit(client)
    assert all(ids == seen[0] for ids in seen)
    for name in HOSTS:
        until(lambda: cluster.log(name).count("session ended: quit") == 2,
              "the ends of two sessions")
        log = cluster.log(name)
        # HAProxy's health checks have its own address
        for line in log.splitlines():
            assert "user=thomas" not in line or f"rhost={CLIENT} " in line


@needs("haproxy")
@pytest.mark.parametrize("security", ["stls", "tls"])
def test_tls_begins_behind_the_proxys_header(cluster, security):
    for _ in HOSTS:
        client = cluster.login(security)
        assert client.retr(1)[1] == message(1)[1]
        quit(client)
    for name in HOSTS:
        until(lambda: "session ended: quit" in cluster.log(name), "the end")
        assert f"rhost={CLIENT} user=thomas" in cluster.log(name)
        assert "tls=TLSv1.3" in cluster.log(name)


@needs("haproxy")
def test_what_one_host_deletes_the_other_has_not(cluster):
    for left in ((2, 3), (3,), ()):
        client = cluster.login()
        client.dele(1)
        quit(client)
        assert pathlib.Path("/var/mail/thomas").read_bytes() == \
            entries(*left)


@needs("haproxy")
def test_one_session_for_both_hosts(cluster):
    client = cluster.login()
    with pytest.raises(poplib.error_proto, match="IN-USE"):
        cluster.login()
    assert client.retr(1)[1] == message(1)[1]
    quit(client)


@needs("haproxy")
def test_a_host_that_fails_is_left_out(cluster):
    cluster.down("one")
    until(lambda: "pop3/one is DOWN" in cluster.log("haproxy"), "HAProxy's word")
    for _ in range(3):
        quit(cluster.login())
    cluster.up("one")
    until(lambda: "pop3/one is UP" in cluster.log("haproxy"), "HAProxy's word")
    for _ in range(2):
        quit(cluster.login())
    until(lambda: "session ended: quit" in cluster.log("one"), "a session")


@needs("haproxy")
def test_direct_connections_get_no_greeting_from_the_proxys_address(cluster):
    address = HOSTS["one"]
    near = address[:-1] + str(int(address[-1]) + 1)
    with socket.create_connection((address, 110), PATIENCE, (near, 0)) as s:
        s.sendall(b"USER thomas\r\n")
        s.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(1) == b""
