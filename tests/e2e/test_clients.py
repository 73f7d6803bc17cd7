"""Real mail programs over a socket-activated connection on loopback."""
import poplib
import re
import shutil
import socket
import subprocess

import pytest
import reference
from pop3 import PATIENCE, message


@pytest.fixture
def options():
    return []


@pytest.fixture
def port(host, options):
    """pop3d behind systemd-socket-activate, as inetd would start it."""
    if shutil.which("systemd-socket-activate") is None:
        pytest.skip("systemd-socket-activate is missing")
    for _ in range(10):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            number = probe.getsockname()[1]
        process = host.popen(
            ["systemd-socket-activate", f"--listen=127.0.0.1:{number}",
             "--accept", "--inetd", *host.command(*options)], stderr=subprocess.PIPE)
        host.others.append(process)
        # it says where it listens, or it could not and ends
        for line in process.stderr:
            host.transcript.append(line.decode().strip())
            if b"Listening on" in line:
                return number
    raise AssertionError("no port to listen on")


@pytest.fixture
def mail(host):
    made = [message(1, ".\n..\nFrom here on\n"), message(2, "x" * 2000 + "\n"),
            message(3, "8-bit: \u00e4\u00f6\u00fc\n")]
    host.write(*made)
    return made


def wires(mail):
    return [m.wire for m in reference.split(b"".join(mail))]


def test_poplib_fetches_and_deletes(host, port, mail):
    pop = poplib.POP3("127.0.0.1", port, timeout=PATIENCE)
    assert "PIPELINING" in pop.capa()
    pop.user("thomas")
    pop.pass_("secret")
    sizes = [len(wire) for wire in wires(mail)]
    assert pop.stat() == (3, sum(sizes))
    assert pop.list()[1] == [b"%d %d" % row for row in enumerate(sizes, 1)]
    assert len(pop.uidl()[1]) == 3
    assert pop.uidl(2).startswith(b"+OK 2 ")
    for n, wire in enumerate(wires(mail), 1):
        assert pop.retr(n)[1] == wire.split(b"\r\n")[:-1]
    assert pop.top(1, 1)[1] == wires(mail)[0].split(b"\r\n")[:4]
    pop.dele(1)
    pop.rset()
    pop.noop()
    pop.dele(2)
    pop.quit()
    assert host.read() == mail[0] + mail[2]


def test_poplib_is_refused_with_a_wrong_password(port):
    pop = poplib.POP3("127.0.0.1", port, timeout=PATIENCE)
    pop.user("thomas")
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"):
        pop.pass_("wrong")
    pop.quit()


def curl(port, path, *options):
    if shutil.which("curl") is None:
        pytest.skip("curl is missing")
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE),
         "--user", "thomas:secret", *options,
         f"pop3://127.0.0.1:{port}/{path}"], capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_lists_fetches_and_deletes(host, port, mail):
    sizes = [len(wire) for wire in wires(mail)]
    assert curl(port, "") == b"".join(
        b"%d %d\r\n" % row for row in enumerate(sizes, 1))
    for n, wire in enumerate(wires(mail), 1):
        assert curl(port, n) == wire
    assert curl(port, "", "--request", "UIDL").count(b"\r\n") == 3
    curl(port, "", "--request", "DELE 2", "--head")
    assert host.read() == mail[0] + mail[2]


PERL = r"""
use strict; use warnings; use Net::POP3;
my $pop = Net::POP3->new('127.0.0.1', Port => $ARGV[0], Timeout => 20)
    or die "connect: $@";
my $count = $pop->login('thomas', 'secret');
die "login" unless defined $count;
printf "%d messages\n", $count;
my $list = $pop->list;
my $ids = $pop->uidl;
for my $n (sort keys %$list) {
    my $text = join '', @{$pop->get($n)};
    printf "%d %d %d %s\n", $n, $list->{$n}, length $text, $ids->{$n};
}
print scalar(@{$pop->top(1, 1)}), " lines of 1\n";
print "last ", $pop->last, "\n";
$pop->delete(2) or die "delete";
$pop->quit or die "quit";
"""


def test_net_pop3_fetches_and_deletes(host, port, mail):
    if shutil.which("perl") is None or subprocess.run(
            ["perl", "-MNet::POP3", "-e", "1"],
            stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("Perl's Net::POP3 is missing")
    done = subprocess.run(["perl", "-e", PERL, str(port)], text=True,
                          capture_output=True, timeout=3 * PATIENCE)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "3 messages"
    for n, wire in enumerate(wires(mail), 1):
        # Net::POP3 hands out lines that end in LF
        size = len(wire.replace(b"\r\n", b"\n"))
        assert re.fullmatch(rf"{n} {len(wire)} {size} [0-9a-f]{{32}}",
                            lines[n]), lines[n]
    assert lines[4:] == ["4 lines of 1", "last 3"]
    assert host.read() == mail[0] + mail[2]


def test_many_clients_at_once(host, port):
    names = [f"user{n}" for n in range(20)]
    for name in names:
        host.account(name, "secret")
        host.put(f"{host.mail}/{name}", message(1) + message(2))
    clients = [poplib.POP3("127.0.0.1", port, timeout=PATIENCE)
               for _ in names]
    for client, name in zip(clients, names):
        client.user(name)
        client.pass_("secret")
    for client in clients:
        assert client.stat()[0] == 2
        client.dele(1)
    for client, name in zip(clients, names):
        client.quit()
        with open(f"{host.mail}/{name}", "rb") as f:
            assert f.read() == message(2)
