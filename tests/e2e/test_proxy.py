"""--proxy-protocol: where a client is, as a trusted proxy says it."""
import socket
import struct

import pytest
from pop3 import message

TRUSTED = "--proxy-protocol=127.0.0.0/8"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(text):
    return f"PROXY {text}\r\n".encode()


def v2(command, family, body, more=b""):
    body += more
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


def v4_body(address, to="192.0.2.250"):
    return (socket.inet_aton(address) + socket.inet_aton(to)
            + struct.pack("!HH", 40000, 110))


def v6_body(address, to="2001:db8::250"):
    return (socket.inet_pton(socket.AF_INET6, address)
            + socket.inet_pton(socket.AF_INET6, to)
            + struct.pack("!HH", 40000, 110))


HEADERS = [
    (v1("TCP4 192.0.2.7 192.0.2.250 40000 110"), "192.0.2.7"),
    (v1("TCP6 2001:db8::7 2001:db8::250 40000 110"), "2001:db8::7"),
    (v1("UNKNOWN"), "127.0.0.1"),
    (v1("UNKNOWN " + "f" * 91), "127.0.0.1"),
    (v2(0x21, 0x11, v4_body("192.0.2.8")), "192.0.2.8"),
    (v2(0x21, 0x21, v6_body("2001:db8::8")), "2001:db8::8"),
    (v2(0x21, 0x21, v6_body("::ffff:192.0.2.9")), "192.0.2.9"),
    (v2(0x21, 0x11, v4_body("192.0.2.8"), b"\4\0\3abc" * 300), "192.0.2.8"),
    (v2(0x20, 0x00, b""), "127.0.0.1"),
    (v2(0x20, 0x11, v4_body("192.0.2.8")), "127.0.0.1"),
    (v2(0x21, 0x31, bytes(216)), "127.0.0.1"),
    (v2(0x21, 0x00, b""), "127.0.0.1"),
]


@pytest.mark.parametrize("header, peer", HEADERS)
def test_peer_is_what_the_header_says(host, header, peer):
    host.write(message(1))
    with host.start(TRUSTED, "--plaintext=always", transport="tcp") as s:
        s.write(header)
        s.expect("+OK ...")
        s.ok("USER thomas")
        s.ok("PASS secret")
        assert s.stat()[0] == 1
        s.ok("QUIT")
    log = host.log()
    assert log.count(b"rhost=%s user=thomas" % peer.encode()) == \
        log.count(b"user=thomas") > 0


@pytest.mark.parametrize("header, peer", HEADERS[:1] + HEADERS[4:5])
def test_commands_behind_the_header_are_not_lost(host, header, peer):
    host.write(message(1))
    with host.start(TRUSTED, "--plaintext=always", transport="tcp") as s:
        s.write(header + b"USER thomas\r\nPASS secret\r\nQUIT\r\n")
        for _ in range(4):
            s.expect("+OK ...")


def test_header_that_comes_byte_by_byte(host):
    with host.start(TRUSTED, "--plaintext=always", transport="tcp") as s:
        for byte in HEADERS[4][0]:
            s.write(bytes([byte]))
        s.expect("+OK ...")


@pytest.mark.parametrize("junk", [
    b"USER thomas\r\nPASS secret\r\n", b"PROXY\r\n" * 3, b"\r\n" * 10,
    v1("TCP4 192.0.2.7 192.0.2.250 40000"),
    v1("TCP4 192.0.2.7 192.0.2.250 40000 110 1"),
    v1("TCP4 2001:db8::7 192.0.2.250 40000 110"),
    v1("TCP4 192.0.2.700 192.0.2.250 40000 110"),
    v1("TCP4  192.0.2.7 192.0.2.250 40000 110"),
    v1("UDP4 192.0.2.7 192.0.2.250 40000 110"),
    v1("TCP4 192.0.2.7 192.0.2.250 x 110"),
    v1("UNKNOWN " + "f" * 92), b"PROXY UNKNOWN\n" * 2,
    b"PROXY TCP4 192.0.2.7\0 192.0.2.250 40000 110\r\n",
    v2(0x22, 0x11, v4_body("192.0.2.8")), v2(0x11, 0x11, v4_body("192.0.2.8")),
    v2(0x21, 0x11, v4_body("192.0.2.8")[:-1]),
    v2(0x21, 0x21, v6_body("2001:db8::8")[:-1]),
    v2(0x21, 0x11, v4_body("192.0.2.8"), bytes(5000)),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20])
def test_what_is_no_header_ends_it_without_a_word(host, junk):
    with host.start(TRUSTED, "--plaintext=always", transport="tcp") as s:
        s.write(junk)
        s.expect("(closed)")
    assert b"no PROXY header" in host.log()


def test_nothing_is_said_before_the_header(host):
    with host.start(TRUSTED, "--plaintext=always", transport="tcp") as s:
        s.write(HEADERS[0][0][:-1])
        s.reader.settimeout(0.3)
        with pytest.raises(TimeoutError):
            s.reader.recv(1)
        s.reader.settimeout(None)
        s.write(b"\n")
        s.expect("+OK ...")


def test_client_that_leaves_in_the_header(host):
    with host.start(TRUSTED, "--plaintext=always", transport="tcp") as s:
        s.write(b"PROXY TCP4 ")
        s.reader.shutdown(socket.SHUT_WR)
        s.expect("(closed)")
    assert s.process.wait(20) == 0


@pytest.mark.parametrize("sources", [
    "192.0.2.1", "126.0.0.0/8,128.0.0.0/1", "127.0.0.2,127.0.0.0/32",
    "::1", "2000::/3"])
def test_others_are_served_without(host, sources):
    with host.start(f"--proxy-protocol={sources}", "--plaintext=always",
                    transport="tcp") as s:
        s.expect("+OK ...")
        s.send(HEADERS[0][0].rstrip())
        s.expect("-ERR ...")


@pytest.mark.parametrize("sources", [
    "127.0.0.1", "127.0.0.1/32", "0.0.0.0/0", "::/0", "::ffff:127.0.0.0/104",
    "192.0.2.1,2001:db8::/32,127.0.0.1"])
def test_trusted_sources(host, sources):
    with host.start(f"--proxy-protocol={sources}", "--plaintext=always",
                    transport="tcp") as s:
        s.write(HEADERS[0][0])
        s.expect("+OK ...")


@pytest.mark.parametrize("sources", [
    "", ",", "127.0.0.1,", "localhost", "127.0.0.1/33", "127.0.0.1/-1", "::/129",
    "127.0.0.1/", "127.1", "x" * 100, ",".join(["::1"] * 33)])
def test_sources_that_make_no_sense(host, sources):
    status, _, err = host.run(f"--proxy-protocol={sources}")
    assert status == 64 and "--proxy-protocol" in err


def test_pipes_have_no_header(host):
    with host.start("--proxy-protocol=::/0", transport="pipes") as s:
        s.expect("+OK ...")
