"""A listening socket (Accept=no): pop3d accepts, counts, and ends when idle."""
import contextlib
import fcntl
import glob
import os
import poplib
import re
import signal
import socket
import time

import pytest
import tls
from pop3 import AS_ROOT, PATIENCE, kill_group, message, wait_until

FULL = b"-ERR [SYS/TEMP] Too many sessions"


class Service:
    """pop3d with listening sockets, as systemd starts it for Accept=no."""

    def __init__(self, host, *options, listeners):
        host.logs += 1
        self.host = host
        self.listeners = listeners
        self.log_name = os.path.join(host.top, f"log.{host.logs}")
        argv = host.command("--idle-exit=0", *options)
        passed = " ".join(f"{3 + i}<&{listener.fileno()}- "
                          for i, listener in enumerate(listeners))
        script = (f"export LISTEN_FDS={len(listeners)} LISTEN_PID=$$;"
                  f'exec "$@" {passed} 0</dev/null 1>/dev/null')
        with open(self.log_name, "wb") as log:
            self.process = host.popen(
                ["bash", "-c", script, "sh", *argv], stderr=log,
                pass_fds=[listener.fileno() for listener in listeners])
        host.others.append(self.process)

    def connect(self, listener=0, bind=None):
        address = self.listeners[listener].getsockname()
        if isinstance(address, str):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(PATIENCE)
            s.connect(address)
            return s
        return socket.create_connection(address[:2], PATIENCE, bind)

    def greeting(self, *where):
        """A connection and its first line."""
        s = self.connect(*where)
        return s, s.makefile("rb").readline()

    def open(self, *where):
        s, line = self.greeting(*where)
        assert line.startswith(b"+OK"), line
        return s

    def login(self):
        client = poplib.POP3(*self.listeners[0].getsockname()[:2],
                             timeout=PATIENCE)
        client.user("thomas")
        client.pass_("secret")
        return client

    def log(self):
        with open(self.log_name) as f:
            return f.read()

    def listens(self):
        """Whether pop3d still has the first listening socket open."""
        inode = os.fstat(self.listeners[0].fileno()).st_ino
        for fd in glob.glob(f"/proc/{self.process.pid}/fd/*"):
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(fd) == f"socket:[{inode}]":
                    return True
        return False

    def children(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return list(map(int, f.read().split()))


def listen(family=socket.AF_INET, address=("127.0.0.1", 0)):
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen(100)
    return out_of_the_way(listener)


def out_of_the_way(listener):
    """The same with a number far from 3, where descriptors are passed."""
    with listener:
        return socket.socket(fileno=fcntl.fcntl(listener, fcntl.F_DUPFD, 100))


@pytest.fixture
def serve(host):
    host.write(message(1), message(2))
    services = []
    with contextlib.ExitStack() as stack:
        def start(*options, listeners=None):
            listeners = listeners or [listen()]
            for listener in listeners:
                stack.enter_context(listener)
            services.append(Service(host, *options, listeners=listeners))
            return services[-1]

        yield start
        for service in services:
            kill_group(service.process)


def end(s):
    s.sendall(b"QUIT\r\n")
    s.makefile("rb").read()
    s.close()


def test_sessions_one_after_the_other_and_at_once(host, serve):
    service = serve()
    for _ in range(3):
        client = service.login()
        assert client.stat()[0] == 2
        client.quit()
    clients = [service.open() for _ in range(10)]
    wait_until(lambda: len(service.children()) == 10)
    for client in clients:
        end(client)
    wait_until(lambda: service.children() == [])
    assert service.process.poll() is None


def test_a_session_deletes_and_the_next_sees_it(host, serve):
    service = serve()
    client = service.login()
    client.dele(1)
    client.quit()
    assert host.read() == message(2)
    client = service.login()
    assert client.stat()[0] == 1
    client.quit()


def test_a_session_whose_monitor_was_killed_is_missed(host, serve):
    service = serve()
    client = service.open(0, ("127.0.0.2", 0))
    [monitor] = service.children()
    os.kill(monitor, signal.SIGKILL)
    wait_until(lambda: "monitor died" in service.log())
    [line] = [line for line in service.log().splitlines()
              if "monitor died" in line]
    assert re.search(r"rhost=127.0.0.2 user=- port=\d+ session=\w+: the session's "
                     r"monitor died of signal 9$", line)
    client.close()
    end(service.open())
    wait_until(lambda: service.children() == [])
    assert service.log().count("monitor died") == 1


def test_every_session_logs_its_own_user_and_address(host, serve):
    host.account("other", "word")
    service = serve()
    client = service.login()
    second = service.open(0, ("127.0.0.2", 0))
    second.sendall(b"USER other\r\nPASS wrong\r\n")
    wait_until(lambda: "login failed" in service.log())
    client.quit()
    end(second)
    wait_until(lambda: "session ended" in service.log())
    for line in service.log().splitlines():
        if "login failed" in line:
            assert "rhost=127.0.0.2 user=other " in line
        if "session ended" in line or "logged in" in line:
            assert "rhost=127.0.0.1 user=thomas " in line
    ids = {user: set(re.findall(f"user={user} .* session=(\\w+): ",
                                service.log()))
           for user in ("thomas", "other")}
    assert [len(found) for found in ids.values()] == [1, 1]
    assert ids["thomas"] != ids["other"]


def test_max_sessions(serve):
    service = serve("--max-sessions=3", "--max-per-source=100")
    clients = [service.open() for _ in range(3)]
    for _ in range(3):
        refused, line = service.greeting()
        assert line.startswith(FULL)
        assert refused.recv(1) == b""
    end(clients.pop())
    wait_until(lambda: len(service.children()) == 2)
    clients.append(service.open())
    assert service.log().count("refused") == 1, "one line for all of them"
    assert "rhost=127.0.0.1" in service.log()


def test_refusal_with_tls_from_the_first_octet_is_silent(host, serve):
    service = serve("--max-sessions=1", "--tls=implicit", *tls.install(host))
    with service.connect():
        wait_until(service.children)
        with service.connect() as refused:
            assert refused.recv(100) == b""
    assert "--max-sessions is reached" in service.log()


def test_max_per_source(serve):
    service = serve("--max-per-source=2")
    clients = [service.open() for _ in range(2)]
    assert service.greeting()[1].startswith(FULL)
    clients += [service.open(0, ("127.0.0.2", 0)) for _ in range(2)]
    assert service.greeting(0, ("127.0.0.2", 0))[1].startswith(FULL)
    end(clients[0])
    wait_until(lambda: len(service.children()) == 3)
    service.open()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_two_listeners_and_v4_mapped_addresses_count_as_v4(serve):
    try:
        both = socket.create_server(("::", 0), family=socket.AF_INET6,
                                    dualstack_ipv6=True)
    except OSError:
        pytest.skip("no IPv6 here")
    port = both.getsockname()[1]
    service = serve("--max-per-source=2",
                    listeners=[listen(), out_of_the_way(both)])
    plain = service.open(0)
    mapped = socket.create_connection(("127.0.0.1", port), PATIENCE)
    assert mapped.makefile("rb").readline().startswith(b"+OK")
    assert service.greeting(0)[1].startswith(FULL)
    other = socket.create_connection(("::1", port), PATIENCE)
    assert other.makefile("rb").readline().startswith(b"+OK")
    end(plain)


def test_a_unix_socket_has_no_source_to_count(host, serve):
    path = os.path.join(host.mail, "socket")
    listener = listen(socket.AF_UNIX, path)
    os.chmod(path, 0o777)
    service = serve("--max-per-source=1", listeners=[listener])
    for s in [service.open() for _ in range(3)]:
        end(s)


def test_it_ends_when_idle_and_not_before(serve):
    service = serve("--idle-exit=1")
    client = service.open()
    time.sleep(1.5)  # a session that goes on is not idleness
    assert service.process.poll() is None
    start = time.monotonic()
    end(client)
    assert service.process.wait(PATIENCE) == 0
    assert time.monotonic() - start > 0.9


def test_who_connects_while_it_ends_is_served_by_the_next(host, serve):
    listener = listen()
    first = serve("--idle-exit=1", listeners=[listener])
    end(first.open())
    assert first.process.wait(PATIENCE) == 0
    waiting = first.connect()
    serve(listeners=[listener])
    assert waiting.makefile("rb").readline().startswith(b"+OK")


@pytest.mark.skipif(not AS_ROOT, reason="only root sees what others have open")
def test_sigterm_ends_accepting_and_sessions_go_on(host, serve):
    service = serve()
    client = service.login()
    client.dele(2)
    service.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not service.listens())
    late = service.connect()  # it gets into the queue, and stays there
    late.settimeout(0.3)
    with pytest.raises(socket.timeout):
        late.recv(1)
    assert client.stat()[0] == 1
    client.quit()
    assert service.process.wait(PATIENCE) == 0
    assert host.read() == message(1)


def test_a_session_that_dies_is_no_harm_to_others(serve):
    service = serve("--max-sessions=2")
    a, b = service.open(), service.open()
    wait_until(lambda: len(service.children()) == 2)
    os.kill(service.children()[0], signal.SIGKILL)
    wait_until(lambda: len(service.children()) == 1)
    third = service.open()
    for s in a, b:
        s.close()
    wait_until(lambda: len(service.children()) == 1)
    end(third)
    assert service.process.poll() is None


@pytest.mark.parametrize("wrong", ["--max-sessions=0", "--max-sessions=x",
                                   "--max-per-source=0", "--idle-exit=-1",
                                   "--idle-exit="])
def test_wrong_limits_are_refused(host, wrong):
    assert host.run(wrong)[0] == os.EX_USAGE
