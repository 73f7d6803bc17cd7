"""Whatever a session's client does, mail gets in within a second."""
import contextlib
import select
import threading
import time

import deliverers
import pytest
from pop3 import message

LIMIT = 5  # seconds; what is held for a client is held for longer
# procmail itself sleeps for a second where a mailbox has just been read, and
# a machine may be busy once; a lock that is held is there every time
TRIES = 3
BIG = 20 * 1000 * 1000

TEXT = b"From: sender@example.org\nSubject: new mail\n\nNew.\n"


@pytest.fixture(params=deliverers.ALL)
def deliverer(host, request):
    why = deliverers.missing(request.param)
    if why is not None:
        pytest.skip(why)
    made = deliverers.start(host, request.param)
    yield made
    made.close()


def best_delivery(deliverer):
    seconds = []
    for _ in range(TRIES):
        began = time.monotonic()
        deliverer.deliver(TEXT)
        seconds.append(time.monotonic() - began)
    return min(seconds)


@contextlib.contextmanager
def crawling(session):
    """The client reads a byte now and then."""
    stop, taken = threading.Event(), bytearray()

    def read():
        while not stop.wait(0.001):
            if select.select([session.reader], [], [], 0.1)[0]:
                taken.extend(session.reader.recv(1))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        stop.set()
        reader.join()
        session.buffer += bytes(taken)


@pytest.mark.parametrize("before", [[], ["RETR 1", "DELE 1"]],
                         ids=["fresh", "deleting"])
def test_delivery_while_a_session_idles(host, deliverer, before):
    host.write(message(1), message(2))
    with host.login() as s:
        for command in before:
            s.ok(command)
            if command.startswith("RETR"):
                s.hear_text()
        assert best_delivery(deliverer) < LIMIT
        s.ok("QUIT")
    with host.login() as s:
        count = s.stat()[0]
        assert count == 2 + TRIES - ("DELE 1" in before)
        assert s.retr(count) == TEXT.replace(b"\n", b"\r\n")


def test_delivery_while_a_client_crawls(host, deliverer):
    line = b"All of this is one message that takes its time to be sent.\n"
    body = line * (BIG // len(line))
    host.write(message(1, body.decode()), message(2))
    with host.login() as s:
        s.send("RETR 1")
        with crawling(s):
            assert best_delivery(deliverer) < LIMIT
        s.expect("+OK ...")
        text = s.hear_text()
        assert text.partition(b"\r\n\r\n")[2] == body.replace(b"\n", b"\r\n")
        s.ok("DELE 1")
        s.ok("QUIT")
    with host.login() as s:
        assert s.stat()[0] == 1 + TRIES


def test_delivery_while_nobody_takes_the_listing(host, deliverer):
    host.write(*(message(n) for n in range(1, 20001)))
    with host.login() as s:
        s.write(b"UIDL\r\nLIST\r\n" * 5)
        with crawling(s):
            assert best_delivery(deliverer) < LIMIT
