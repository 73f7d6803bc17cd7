"""TLS: STLS (RFC 2595), implicit TLS (RFC 8314), and the relay in between."""
import os
import re
import select
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

import tls
from pop3 import AS_ROOT, PATIENCE, has_asan, members, message, wait_until

BEGINNINGS = pytest.mark.parametrize("begin", [tls.stls, tls.implicit],
                                     ids=["stls", "implicit"])


def tags(session):
    session.ok("CAPA")
    return {line.split()[0].decode() for line in
            session.hear_text().splitlines()}


def no_login(session, why):
    """What is logged of a session that came to nothing."""
    session.hang_up()
    session.status()
    assert re.search(f"no login: .*{why}", session.log()), session.log()


# ---- a whole session

@BEGINNINGS
def test_session(host, begin):
    host.write(message(1), message(2), message(3))
    with begin(host) as s:
        assert s.tls.version() == "TLSv1.3"
        tls.log_in(s)
        texts = [s.retr(n) for n in (1, 2, 3)]
        s.ok("DELE 2")
        s.ok("QUIT")
        s.closed()
    assert host.wires()[0] == [texts[0], texts[2]]
    assert re.search(r"method=PASS tls=TLSv1\.3/TLS_\w+ port=\S+ "
                     r"session=\w+: logged in", s.log())


@BEGINNINGS
def test_close_notify_comes_after_the_last_reply(host, begin):
    s = begin(host)
    s.ok("QUIT")
    s.tls.unwrap()  # raises, were the connection just closed


@BEGINNINGS
def test_close_notify_of_the_client_ends_the_session(host, begin):
    host.write(message(1))
    s = tls.log_in(begin(host))
    s.ok("DELE 1")
    s.tls.unwrap()
    assert s.status() == 0
    assert "client left" in s.log()
    assert host.wires()[0] != []


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_client_that_is_gone_deletes_nothing(host, reset):
    data = host.write(message(1))
    s = tls.log_in(tls.stls(host, transport="tcp"))
    s.ok("DELE 1")
    if reset:
        s.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
    os.close(s.tls.detach())  # without close_notify
    assert s.status() == 0
    assert members(s.process) == []
    assert host.read() == data


def test_pipelined_session_and_half_close(host):
    host.write(message(1))
    s = tls.implicit(host)
    s.write(b"USER thomas\r\nPASS secret\r\nSTAT\r\nQUIT\r\n")
    with pytest.raises(OSError):
        s.tls.unwrap()  # replies are in the way of the other close_notify
    assert s.status() == 0
    assert "session ended: quit" in s.log()


def test_end_by_autologout_and_by_signal(host):
    s = tls.log_in(tls.stls(host, "--idle-timeout=1"))
    s.closed()
    assert s.status() == 0 and "autologout" in s.log()
    s = tls.log_in(tls.stls(host))
    for pid in members(s.process):  # as systemd does
        os.kill(pid, signal.SIGTERM)
    s.expect("-ERR [SYS/TEMP] ...")
    s.closed()


# ---- much data

def bulk():
    lines = b"".join(b"%07d %s\n" % (n, b"x" * (n % 97)) for n in range(90000))
    return message(1, body=(lines + b".\n..\n" + lines).decode())


@BEGINNINGS
def test_a_large_message_is_whole(host, begin):
    host.write(bulk(), message(2))
    plain = host.wires()[0]
    with tls.log_in(begin(host)) as s:
        assert [s.retr(1), s.retr(2)] == plain


def test_many_commands_at_once(host):
    host.write(bulk())
    plain = host.wires()[0][0]
    with tls.log_in(tls.stls(host)) as s:
        s.write(b"RETR 1\r\n" * 5 + b"NOOP\r\n" * 5000)
        for _ in range(5):
            s.expect("+OK ... octets")
            assert s.hear_text() == plain
        for _ in range(5000):
            s.expect("+OK")


def test_client_that_does_not_read_holds_no_memory(host):
    if has_asan():
        pytest.skip("a sanitizer takes memory of its own")
    host.write(bulk())
    s = tls.log_in(tls.stls(host))
    s.write(b"RETR 1\r\n")
    time_out = time.monotonic() + PATIENCE
    sizes = []
    while len(sizes) < 2 or sizes[-1] != sizes[-2]:
        assert time.monotonic() < time_out
        select.select([], [], [], 0.2)
        sizes.append(sum(private_kb(pid) for pid in members(s.process)))
    assert sizes[-1] < 8192, sizes
    s.kill()


def private_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"RssAnon:\s+(\d+)", f.read())[1])


# ---- STLS

def test_capa_before_and_after(host):
    s = host.connect(*tls.install(host), "--plaintext=never")
    before = tags(s)
    assert "STLS" in before and not {"USER", "SASL"} & before
    s.ok("STLS")
    s.secure(tls.client())
    after = tags(s)
    assert after == before - {"STLS"} | {"USER", "SASL"}
    tls.log_in(s)
    assert after <= tags(s)


def test_stls_is_not_offered_without_a_certificate(host):
    with host.connect() as s:
        assert "STLS" not in tags(s)
        s.err("STLS")
        s.ok("USER thomas")
    with host.connect("--tls=off", *tls.install(host)) as s:
        assert "STLS" not in tags(s)
        s.err("STLS")


def test_stls_twice_and_after_the_login(host):
    with tls.stls(host) as s:
        assert "STLS" not in tags(s)
        s.err("STLS")
        tls.log_in(s)
        s.err("STLS")
    with host.login(*tls.install(host)) as s:
        s.err("STLS")
        assert "STLS" not in tags(s)
        s.ok("STAT")


def test_stls_takes_no_argument(host):
    with host.connect(*tls.install(host)) as s:
        s.err("STLS now")
        s.ok("STLS")


@pytest.mark.parametrize("injected", [
    b"USER mallory\r\n", b"CAPA\r\nQUIT\r\n", b"NOOP", b"\0\x16\x03\x01",
    b"USER mallory\r\n" * 2000, b"x" * 100000])
def test_what_was_said_ahead_of_tls_is_never_heard(host, injected):
    s = host.connect(*tls.install(host))
    s.write(b"STLS\r\n" + injected)
    s.expect("+OK ...")
    try:
        s.secure(tls.client())
        s.tls.sendall(b"QUIT\r\n")
        heard = s.tls.recv(1000)
    except OSError:
        # what came too late to be dropped is no TLS: also an answer
        no_login(s, "the TLS handshake failed")
        assert "mallory" not in s.log()
        return
    assert re.fullmatch(rb"\+OK Pop server at .* signing off\.\r\n", heard)


def test_user_is_forgotten(host):
    s = host.connect(*tls.install(host))
    s.ok("USER thomas")
    s.ok("STLS")
    s.secure(tls.client())
    s.err("PASS secret")
    tls.log_in(s)


def test_failed_logins_are_not_forgotten(host):
    s = host.connect(*tls.install(host))
    for _ in range(2):
        s.ok("USER thomas")
        s.err("PASS wrong", "-ERR [AUTH] ...")
    s.ok("STLS")
    s.secure(tls.client())
    s.ok("USER thomas")
    s.err("PASS wrong", "-ERR [AUTH] ...")
    s.closed()


# ---- handshakes that fail

@pytest.mark.parametrize("said", [b"", b"USER thomas\r\nPASS secret\r\n",
                                  b"\x16\x03\x01\xff\xff" + b"\0" * 70000,
                                  b"\x16\x03\x01\0\x05\x01\0\0\x01\0"])
def test_what_is_no_handshake(host, said):
    s = host.connect(*tls.install(host))
    s.ok("STLS")
    s.write(said)
    s.finish_sending()
    while s.fill():
        pass
    s.hang_up()
    assert s.status() == 0
    assert "thomas" not in s.log()
    assert s.log().count("no login: the TLS handshake failed: ") == 1


def test_old_versions_are_refused(host):
    for begin in tls.stls, tls.implicit:
        with pytest.warns(DeprecationWarning):
            old = tls.client(minimum_version=ssl.TLSVersion.TLSv1,
                             maximum_version=ssl.TLSVersion.TLSv1_1,
                             ciphers="ALL:@SECLEVEL=0")
        with pytest.raises(OSError):
            begin(host, context=old)
        no_login(host.sessions[-1], "unsupported protocol")


def test_client_that_does_not_trust_us_is_logged(host):
    with pytest.raises(ssl.SSLError):
        tls.stls(host, context=ssl.create_default_context())
    no_login(host.sessions[-1], "unknown ca")


@pytest.mark.slow
def test_silence_ends_the_handshake(host):
    s = host.connect(*tls.install(host))
    s.ok("STLS")
    began = time.monotonic()
    assert not select.select([s.reader], [], [], 25)[0]
    assert select.select([s.reader], [], [], PATIENCE)[0]
    assert 25 < time.monotonic() - began < 45
    no_login(s, "it took too long")


# ---- clients that are set up for the other port

def test_tls_where_stls_is_needed_first(host):
    for options in tls.install(host), []:
        s = host.connect(*options)
        with pytest.raises(OSError):
            s.secure(tls.client())
        no_login(s, "TLS began without STLS: the client is set up for "
                 "port 995")


def test_first_octets_of_tls_in_pieces(host):
    for said in b"\x16", b"\x03\x01\x02\0\x01\0\x01":
        if said == b"\x16":
            s = host.connect()
        s.write(said)
    s.expect("-ERR TLS is not expected here: ...")
    s.closed()
    assert s.status() == 0


def test_plain_text_where_tls_is_expected(host):
    s = host.start(*tls.install(host), "--tls=implicit")
    s.write(b"USER thomas\r\n")
    s.expect("-ERR [SYS/PERM] TLS is expected here...")
    s.closed()
    no_login(s, "the TLS handshake failed: the client sent plain text")
    assert "thomas" not in s.log()


@pytest.mark.slow
def test_silence_where_tls_is_expected(host):
    """A client without TLS waits for the greeting."""
    s = host.start(*tls.install(host), "--tls=implicit")
    s.reader.settimeout(30 + PATIENCE)
    s.expect("-ERR [SYS/PERM] TLS is expected here...")
    s.closed()
    no_login(s, "the client said nothing, as one without TLS")


# ---- versions, keys, certificates

def test_tls_1_2(host):
    old = tls.client(maximum_version=ssl.TLSVersion.TLSv1_2)
    with tls.log_in(tls.stls(host, context=old)) as s:
        assert s.tls.version() == "TLSv1.2"


def test_an_rsa_and_an_ecdsa_key(host):
    options = [*tls.install(host), *tls.install(host, "ec", "tls2")]
    for kind, cipher in ("rsa", "ECDHE-RSA-AES256-GCM-SHA384"), \
            ("ec", "ECDHE-ECDSA-AES256-GCM-SHA384"):
        s = host.connect(*options)
        s.ok("STLS")
        s.secure(tls.client(kind, ciphers=cipher,
                            maximum_version=ssl.TLSVersion.TLSv1_2))
        assert s.tls.cipher()[0] == cipher
        s.ok("QUIT")


def test_a_new_certificate_is_used_by_the_next_connection(host):
    s = host.connect(*tls.install(host))
    tls.install(host, "ec")
    s.ok("STLS")  # whichever it has read, certificate and key fit
    s.secure(tls.client("ec"))
    with tls.stls(host) as again:
        tls.log_in(again)
    tls.log_in(s)


def test_certificate_from_the_credentials_directory(host):
    tls.install(host)
    with host.connect(env={"CREDENTIALS_DIRECTORY": host.top}) as s:
        s.ok("STLS")
        tls.log_in(s.secure(tls.client()))


def bad_certificates():
    rsa, ec = tls.certificate(), tls.certificate("ec")
    encrypted = subprocess.run(
        ["openssl", "pkey", "-aes128", "-passout", "pass:x"], input=rsa[1],
        stdout=subprocess.PIPE, check=True).stdout
    return {"no PEM": {"cert": b"no certificate\n"},
            "empty": {"cert": b"\n"},
            "another's key": {"key": ec[1]},
            "no key": {"key": b"\n"},
            "encrypted key": {"key": encrypted},
            "cut": {"cert": rsa[0][:200]}}


UNFIT = ["no PEM", "empty", "another's key", "no key", "encrypted key", "cut"]


@pytest.mark.parametrize("what", UNFIT)
def test_bad_certificate(host, what):
    """What cannot be used is not offered, and the log says why not."""
    options = tls.install(host, **bad_certificates()[what])
    for more in [], ["--tls=starttls"]:
        with host.connect(*options, *more) as s:
            assert "STLS" not in tags(s)
            s.err("STLS", "-ERR STLS is not offered here")
            s.ok("USER thomas")
            s.ok("PASS secret")
        assert f"TLS: {host.top}/tls." in s.log()
        assert "no STLS: certificate and key cannot be used" in s.log()
    s = host.start(*options, "--tls=implicit")
    s.closed()
    assert s.status() == 78
    assert f"TLS: {host.top}/tls." in s.log()


def test_a_key_that_is_missing(host):
    tls.install(host)
    os.unlink(f"{host.top}/tls.key")
    with host.connect(env={"CREDENTIALS_DIRECTORY": host.top}) as s:
        assert "STLS" not in tags(s)
    assert f"TLS: {host.top}/tls.key: " in s.log()


@pytest.mark.parametrize("what", UNFIT)
def test_a_certificate_that_is_spoilt_after_the_greeting(host, what):
    with host.connect(*tls.install(host)) as s:
        tls.install(host, **bad_certificates()[what])
        s.err("STLS", "-ERR [SYS/PERM] ...")
        tls.log_in(s)
    assert f"TLS: {host.top}/tls." in s.log()


def offers_stls(host, *options, shared):
    with host.connect(*tls.install(host, **options[0]) if options else
                      [f"--tls-cert={host.top}/tls.crt",
                       f"--tls-key={host.top}/tls.key"], env=shared) as s:
        return "STLS" in tags(s)


@pytest.mark.parametrize("what", UNFIT)
def test_that_certificates_fit_is_remembered_of_these_files_only(host, what):
    shared = {"RUNTIME_DIRECTORY": host.directory("run")}
    known = os.path.join(host.top, "run", "tls-fit")
    assert offers_stls(host, {}, shared=shared)
    assert os.stat(known).st_mode & 0o777 == 0o600
    assert os.listdir(os.path.dirname(known)) == ["tls-fit"]
    made = os.stat(known).st_mtime_ns
    assert offers_stls(host, shared=shared)  # of the same files
    assert os.stat(known).st_mtime_ns == made
    assert not offers_stls(host, bad_certificates()[what], shared=shared)
    assert not offers_stls(host, shared=shared)
    assert offers_stls(host, {}, shared=shared)  # mended
    assert os.stat(known).st_mtime_ns != made


@pytest.mark.parametrize("spoil", ["short", "readable", "link", "other"])
def test_what_others_may_have_written_proves_nothing(host, spoil):
    shared = {"RUNTIME_DIRECTORY": host.directory("run")}
    known = os.path.join(host.top, "run", "tls-fit")
    assert offers_stls(host, {}, shared=shared)
    made = os.stat(known).st_ino
    with open(known, "rb") as f:
        data = f.read()
    if spoil == "readable":
        os.chmod(known, 0o644)
    elif spoil == "link":
        os.rename(known, known + ".real")
        os.symlink(known + ".real", known)
    else:
        host.put(known, data[:-1] if spoil == "short" else
                 bytes(len(data)))
    assert offers_stls(host, shared=shared)
    assert os.lstat(known).st_ino != made
    with open(known, "rb") as f:
        assert f.read() == data


def test_missing_certificate(host):
    none = {"CREDENTIALS_DIRECTORY": host.directory("none")}
    with host.connect("--tls=starttls", env=none) as s:
        assert "STLS" not in tags(s)
    assert "there is no certificate" in s.log()
    s = host.start("--tls=implicit", env=none)
    s.closed()
    assert s.status() == 78
    assert "there is no certificate" in s.log()


@pytest.mark.parametrize("options", [
    ["--tls=on"], ["--tls="], ["--plaintext=no"], ["--tls-cert="],
    ["--tls-cert=a", "--tls-cert=b"], ["--tls-key=a", "--tls-key=b"],
    3 * ["--tls-cert=a"]])
def test_bad_options(host, options):
    status, out, err = host.run(*options)
    assert (status, out) == (64, "") and err.startswith("pop3d: ")


# ---- resumption

def resumed(host, session, context, **more):
    """A session that offers to resume an earlier one, and its own."""
    s = host.connect(*tls.install(host), **more)
    s.ok("STLS")
    s.reader.settimeout(PATIENCE)
    s.tls = context.wrap_socket(s.reader, server_hostname="localhost",
                                session=session)
    s.reader = s.writer = s.tls
    s.ok("NOOP", "-ERR ...")  # with TLS 1.3 tickets come after the handshake
    s.ok("QUIT")
    return s.tls.session, s.tls.session_reused


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_sessions_are_resumed_by_other_processes(host, version):
    wanted = getattr(ssl.TLSVersion, version)
    context = tls.client(minimum_version=wanted, maximum_version=wanted)
    shared = {"RUNTIME_DIRECTORY": host.directory("run")}
    session, again = resumed(host, None, context, env=shared)
    assert not again
    session, again = resumed(host, session, context, env=shared)
    assert again
    key = os.path.join(host.top, "run", "ticket-key")
    assert os.stat(key).st_mode & 0o777 == 0o600
    assert sorted(os.listdir(os.path.dirname(key))) == [
        "ticket-key", "tls-fit"]


@pytest.mark.parametrize("spoil", ["old", "future", "short", "readable", "link"])
def test_a_ticket_key_that_is_not_good_is_replaced(host, spoil):
    context = tls.client()
    shared = {"RUNTIME_DIRECTORY": host.directory("run")}
    key = os.path.join(host.top, "run", "ticket-key")
    session, _ = resumed(host, None, context, env=shared)
    with open(key, "rb") as f:
        made, rest = struct.unpack("q80s", f.read())
    if spoil == "readable":
        os.chmod(key, 0o644)
    elif spoil == "link":
        os.rename(key, key + ".real")
        os.symlink(key + ".real", key)
    else:
        host.put(key, b"short" if spoil == "short" else struct.pack(
            "q80s", made + (-13 if spoil == "old" else 1) * 3600, rest))
    session, again = resumed(host, session, context, env=shared)
    assert not again
    assert resumed(host, session, context, env=shared)[1]


def test_without_a_runtime_directory_there_are_no_tickets(host):
    context = tls.client()
    session, _ = resumed(host, None, context)
    assert session is None or not session.has_ticket


# ---- passwords without TLS

LOCAL, REMOTE = {}, {"REMOTE_ADDR": "192.0.2.7"}


@pytest.mark.parametrize("peer, when, taken", [
    (LOCAL, "never", False), (LOCAL, "local", True), (LOCAL, "always", True),
    (REMOTE, "never", False), (REMOTE, "local", False),
    (REMOTE, "always", True)])
def test_passwords_without_tls(host, peer, when, taken):
    with host.connect(f"--plaintext={when}", *tls.install(host),
                      env=peer) as s:
        assert ("USER" in tags(s)) == ("SASL" in tags(s)) == taken
        if taken:
            tls.log_in(s)
            return
        for command in ("USER thomas", "PASS secret", "AUTH PLAIN",
                        "AUTH PLAIN AHRob21hcwBzZWNyZXQ=", "AUTH LOGIN"):
            assert "STLS" in s.err(command, "-ERR [AUTH] ...")
        s.ok("STLS")
        tls.log_in(s.secure(tls.client()))


def test_local_is_the_default(host):
    with host.connect(env=REMOTE) as s:
        s.err("USER thomas", "-ERR [AUTH] ...")
    no_login(s, "passwords are not taken without TLS")


# ---- processes

@pytest.mark.skipif(not AS_ROOT, reason="only root sees what others have open")
def test_the_relay_alone_holds_the_connection(host):
    s = tls.log_in(tls.stls(host, transport="tcp"))
    holders = [pid for pid in members(s.process)
               if inode(s) in descriptors(pid)]
    assert len(holders) == 1
    mapped = [pid for pid in members(s.process) if "libssl" in maps(pid)]
    assert mapped == holders


def inode(session):
    """Of the server's end of the connection, from /proc/net/tcp."""
    port = "%04X" % session.tls.getpeername()[1]
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    remote = "%04X" % session.tls.getsockname()[1]
    return next(f"socket:[{r[9]}]" for r in rows
                if r[1].endswith(port) and r[2].endswith(remote))


def descriptors(pid):
    return [os.readlink(f"/proc/{pid}/fd/{fd}")
            for fd in os.listdir(f"/proc/{pid}/fd")]


def maps(pid):
    with open(f"/proc/{pid}/maps") as f:
        return f.read()


def test_a_relay_that_dies_ends_the_session(host):
    data = host.write(message(1))
    s = tls.log_in(tls.stls(host, transport="tcp"))
    s.ok("DELE 1")
    if os.geteuid() != 0:
        pytest.skip("needs root to tell the processes apart")
    relay = next(pid for pid in members(s.process) if "libssl" in maps(pid))
    os.kill(relay, signal.SIGKILL)
    wait_until(lambda: members(s.process) == [])
    assert host.read() == data
