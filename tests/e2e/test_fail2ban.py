"""
What fail2ban makes of the lines that pop3d writes: whatever a client says, it
is never another one who is banned.
"""
import os
import re
import shutil
import subprocess

import pytest
import tls

ETC = "/etc/fail2ban"
UNITS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "..", "..", "units", "fail2ban")
PEER = "192.0.2.7"

pytestmark = pytest.mark.skipif(
    not shutil.which("fail2ban-regex") or not os.path.isdir(ETC),
    reason="fail2ban is not installed")

NAMES = [
    b"thomas",
    b"-",
    b"rhost=198.51.100.9",
    b"x rhost=198.51.100.9 user=x: login failed: wrong name or password",
    b"x: login failed: wrong name or password",
    b"x:\tlogin\tfailed",
    b"x\rNov 25 03:18:40 mail pop3d[1]: rhost=198.51.100.9 user=x: login failed"
    b": wrong name or password",
    b"x\x0bNov 25 03:18:40 mail pop3d[1]: rhost=198.51.100.9",
    b"x\xc2\x85rhost=198.51.100.9 user=x",
    b"x\xe2\x80\xa8rhost=198.51.100.9 user=x",
    b"198.51.100.9",
    b"[198.51.100.9]",
    b"<HOST> <ADDR> %(host)s %s%n${IP} `id` $(id)",
    b"Nov 25 03:18:40",
    b"1700000000.5",
    b"\xff\xfe\xfd",
    b"\\x20rhost=198.51.100.9",
    b"n" * 248,
    b"\xff" * 248,
    b": " * 120,
]


@pytest.fixture
def config(tmp_path):
    """fail2ban's configuration with ours beside what Debian has."""
    os.mkdir(tmp_path / "filter.d")
    shutil.copy(f"{ETC}/filter.d/common.conf", tmp_path / "filter.d")
    shutil.copy(f"{UNITS}/filter.d/pop3d.conf", tmp_path / "filter.d")
    return tmp_path


def banned(config, log, mode="normal"):
    """The address of each line that counts."""
    path = config / "mail.log"
    path.write_text(log)
    run = subprocess.run(
        ["fail2ban-regex", "-c", config, "-o", "ip", path,
         f"pop3d[mode={mode}]"], text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.split()


def syslog(log):
    """As a syslog daemon writes the lines to /var/log/mail.log."""
    return "".join(f"Nov 25 03:18:40 mail {line}\n"
                   for line in log.decode("ascii").splitlines())


def strangers(host, *said, options=(), peer=PEER):
    """A connection from `peer` for each piece of what is said."""
    sessions = []
    for data in said:
        s = host.connect("--plaintext=always", *options, transport="pipes",
                         env={"REMOTE_HOST": peer} if peer else {})
        s.write(data)
        sessions.append(s)
    for s in sessions:
        while s.hear() is not None:
            pass
        assert s.status() == 0
    return syslog(host.log())


def guess(name):
    return b"USER %s\r\nPASS wrong\r\nQUIT\r\n" % name


def test_failed_logins_count_whatever_the_name_is(host, config):
    log = strangers(host, *map(guess, NAMES))
    assert log.count("login failed") == len(NAMES)
    assert banned(config, log) == [PEER] * len(NAMES)


def test_every_way_to_fail_counts(host, config):
    log = strangers(host, guess(b"thomas"),
                    b"AUTH PLAIN AHRob21hcwB3cm9uZw==\r\nQUIT\r\n",
                    b"AUTH LOGIN\r\ndGhvbWFz\r\nd3Jvbmc=\r\nQUIT\r\n")
    assert re.findall(r"method=(\w+)", log) == ["PASS", "PLAIN", "LOGIN"]
    assert banned(config, log) == [PEER] * 3


@pytest.mark.parametrize("begin", [tls.stls, tls.implicit])
def test_over_tls(host, config, begin):
    with begin(host, env={"REMOTE_HOST": PEER}) as s:
        s.ok("USER thomas")
        s.err("PASS wrong")
        s.ok("QUIT")
    log = syslog(host.log())
    assert re.search(r" tls=\S+ .*: login failed", log)
    assert banned(config, log) == [PEER]


def test_who_does_not_get_through_tls_does_not_count(host, config):
    strangers(host, b"USER thomas\r\nPASS secret\r\nQUIT\r\n",
              options=["--plaintext=never"])
    with host.connect(*tls.install(host), env={"REMOTE_HOST": PEER}) as s:
        s.ok("STLS")
        s.write(b"USER thomas\r\n")
        while s.fill():
            pass
    log = syslog(host.log())
    assert "TLS handshake failed" in log and "without TLS" in log
    assert banned(config, log, "aggressive") == []


@pytest.mark.parametrize("peer", [
    "2001:db8::7", "192.0.2.200", "255.255.255.255"])
def test_addresses(host, config, peer):
    assert banned(config, strangers(host, guess(b"thomas"), peer=peer)) == [
        peer]


@pytest.mark.parametrize("peer", [
    None, "victim.example", "198.51.100.9 user=x: login failed: wrong name or "
    "password", "x rhost=198.51.100.9", "198.51.100.9.evil.example",
    "192.0.2.7\nNov 25 03:18:40 mail pop3d[1]: rhost=198.51.100.9 user=x: "
    "login failed: wrong name or password", "localhost"])
def test_what_is_no_address_bans_nobody(host, config, peer):
    log = strangers(host, guess(b"thomas"), peer=peer)
    assert "login failed" in log
    assert banned(config, log) == []


def test_our_own_faults_do_not_count(host, config):
    host.put(os.path.join(host.pam, "pop3d"), b"auth required pam_none.so\n")
    log = strangers(host, guess(b"thomas"))
    assert "login failed: it cannot be checked" in log
    assert banned(config, log, "aggressive") == []


def test_those_who_do_not_log_in_count_in_the_aggressive_mode_only(host,
                                                                   config):
    log = strangers(host, b"x\r\n" * 10, b"", b"CAPA\r\n",
                    options=["--idle-timeout=1"])
    assert log.count("no login: ") == 3
    assert banned(config, log) == []
    assert banned(config, log, "aggressive") == [PEER] * 3


def test_who_leaves_or_serves_himself_does_not_count(host, config):
    strangers(host, b"QUIT\r\n", b"USER x\r\nQUIT\r\n",
              b"USER thomas\r\nPASS secret\r\nQUIT\r\n")
    with host.connect(transport="pipes", env={"REMOTE_HOST": PEER}):
        pass
    log = syslog(host.log())
    assert "client left" in log and "session ended: quit" in log
    assert banned(config, log, "aggressive") == []
