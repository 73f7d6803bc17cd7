"""A POP3 client that spends as little as it can, so that servers are timed."""
import os
import time

PIECE = 1 << 20


class Client:
    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray(PIECE)

    def line(self):
        """One reply of one line: there must be nothing behind it."""
        data = b""
        while not data.endswith(b"\r\n"):
            more = self.sock.recv(4096)
            assert more, f"the server hangs up after {data!r}"
            data += more
        assert data.startswith(b"+OK"), data
        return data

    def ask(self, command):
        self.sock.sendall(command + b"\r\n")
        return self.line()

    def timed(self, command):
        """Seconds from a command to its reply."""
        start = time.perf_counter()
        self.ask(command)
        return time.perf_counter() - start

    def text(self, command):
        """Octets of a reply of several lines, which are thrown away."""
        self.sock.sendall(command + b"\r\n")
        total, tail = 0, b""
        while not tail.endswith(b"\r\n.\r\n"):
            n = self.sock.recv_into(self.buffer)
            assert n, "the server hangs up"
            total += n
            tail = (tail + bytes(self.buffer[max(0, n - 5):n]))[-5:]
        return total

    def drain(self):
        """Octets until the other side ends."""
        total = 0
        while n := self.sock.recv_into(self.buffer):
            total += n
        return total

    def login(self, user, password):
        """Greeting to TRANSACTION; seconds that PASS took."""
        self.line()
        self.ask(b"USER " + user.encode())
        return self.timed(b"PASS " + password.encode())

    def quit(self):
        """Seconds until the reply to QUIT; waits for the server's end."""
        took = self.timed(b"QUIT")
        self.drain()
        self.sock.close()
        return took
