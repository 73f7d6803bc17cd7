"""
A mail host made of temporary directories, and a POP3 client that talks to
pop3d over a pipe or a socket and remembers every line for the transcript.
"""
import contextlib
import fcntl
import glob
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

PATIENCE = 60  # seconds until a reply that does not come is a failure
NOBODY = 65534
AS_ROOT = os.geteuid() == 0
UID = NOBODY if AS_ROOT else os.getuid()

# what the log says of a process that died of SIGSYS
REFUSED = b"made a system call that it has no use for"

TRANSPORTS = ("socketpair", "pipes", "tcp", "listen-fds")

PAM_SERVICE = """\
auth required {module} passdb={passdb}
account required {module} passdb={passdb}
password required {module} passdb={passdb}
session required {module} passdb={passdb}
"""


def binary():
    here = os.path.dirname(os.path.abspath(__file__))
    return os.environ.get("POP3D",
                          os.path.join(here, "..", "..", "pop3d"))


def hasty_binary():
    """pop3d as built for tests: a stranger has 2 seconds a line, 4 in all."""
    directory = os.path.dirname(os.path.abspath(binary()))
    places = [os.path.join(directory, *more, "pop3d-hasty")
              for more in ([], ["build"])]
    return next(filter(os.path.exists, places), None)


def has_coverage():
    """Counts what it runs, and says so at its end: make coverage."""
    with open(binary(), "rb") as f:
        return b"__gcov_dump" in f.read()


def has_asan():
    with open(binary(), "rb") as f:
        return b"__asan_init" in f.read()


def has_systemd():
    with open(binary(), "rb") as f:
        return b"libsystemd.so" in f.read()


def pam_matrix():
    found = glob.glob("/usr/lib*/pam_wrapper/pam_matrix.so") + \
        glob.glob("/usr/lib/*/pam_wrapper/pam_matrix.so")
    return found[0] if found else None


def entry(text, sender="sender@example.org", date="Wed Dec  2 05:53:22 1992"):
    """One message as a delivery agent appends it to an mbox."""
    if isinstance(text, str):
        text = text.encode()
    return f"From {sender} {date}\n".encode() + text + b"\n"


def message(n, body=None, headers=""):
    """Message number n, told apart from all others by its subject and body."""
    if body is None:
        body = f"This is message {n}.\n"
    return entry(f"From: sender@example.org\nSubject: message {n}\n"
                 f"{headers}\n{body}")


class Host:
    """Mailboxes, state, accounts and running pop3ds, all in one directory."""

    def __init__(self):
        # root runs pop3d as nobody, who must be able to reach all of it
        self.top = tempfile.mkdtemp(prefix="pop3d-e2e-")
        os.chmod(self.top, 0o755)
        self.mail = self.directory("mail")
        self.state = self.directory("state")
        self.pam = self.directory("pam")
        self.passdb = os.path.join(self.pam, "passdb")
        module = pam_matrix()
        self.put(os.path.join(self.pam, "pop3d"),
                 PAM_SERVICE.format(module=module, passdb=self.passdb).encode())
        self.put(os.path.join(self.pam, "other"),
                 b"".join(b"%s required pam_deny.so\n" % kind for kind in
                          (b"auth", b"account", b"password", b"session")))
        # a copy: others may build while the tests run
        self.pop3d = os.path.join(self.top, "pop3d")
        shutil.copy(binary(), self.pop3d)
        os.chmod(self.pop3d, 0o755)
        self.accounts = {}
        self.account("thomas", "secret")
        self.mailbox = os.path.join(self.mail, "thomas")
        self.transcript = []
        self.sessions = []
        self.others = []
        self.logs = 0
        self.hijacked = False  # whether a SIGSYS is what it is to come to

    # ---- files

    def directory(self, name):
        path = os.path.join(self.top, name)
        os.mkdir(path, 0o755)
        os.chown(path, UID, -1)
        return path

    def put(self, path, data, mode=0o600):
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)
        os.chown(path, UID, -1)
        return path

    def account(self, name, password):
        self.accounts[name] = password
        self.put(self.passdb, "".join(
            f"{user}:{word}:pop3d\n"
            for user, word in self.accounts.items()).encode())

    def write(self, *entries):
        """Makes thomas's mailbox, last changed a while ago."""
        data = b"".join(entries)
        self.put(self.mailbox, data)
        return data

    def read(self):
        with open(self.mailbox, "rb") as f:
            return f.read()

    def append(self, data):
        with open(self.mailbox, "ab") as f:
            f.write(data)

    def rewrite(self, data):
        """In place, as mail readers do that keep the inode."""
        with open(self.mailbox, "r+b") as f:
            f.write(data)
            f.truncate()

    def replace(self, data):
        """By a rename, as other mail readers do."""
        new = self.put(self.mailbox + ".new", data)
        os.rename(new, self.mailbox)

    # ---- pop3d

    def command(self, *options):
        return [self.pop3d, f"--mailbox={self.mail}/%u",
                f"--state-dir={self.state}", "--pam-service=pop3d",
                f"--pam-confdir={self.pam}", "--log=stderr", *options]

    def popen(self, argv, env=None, **more):
        """Runs argv as the unprivileged user who owns the mailboxes."""
        if AS_ROOT:
            more.update(user=UID, group=UID, extra_groups=[])
        keep = {"PATH": os.environ["PATH"], "HOME": self.top, "LC_ALL": "C"}
        keep.update((k, v) for k, v in os.environ.items()
                    if k.endswith("SAN_OPTIONS"))
        keep.update(env or {})
        return subprocess.Popen(argv, env=keep, cwd=self.top,
                                start_new_session=True, **more)

    def start(self, *options, transport="socketpair", **more):
        """Starts a session and leaves it before the greeting."""
        self.logs += 1
        log = os.path.join(self.top, f"log.{self.logs}")
        session = Session(self, log, transport, self.command(*options), more)
        self.sessions.append(session)
        return session

    def connect(self, *options, **more):
        """Starts a session and takes the greeting."""
        session = self.start(*options, **more)
        session.expect("+OK ...")
        return session

    def login(self, *options, user="thomas", **more):
        """Starts a session and logs in."""
        session = self.connect(*options, **more)
        session.ok(f"USER {user}")
        session.ok(f"PASS {self.accounts[user]}")
        return session

    def run(self, *argv, **more):
        """Runs pop3d with nothing but these arguments, to its end."""
        process = self.popen([self.pop3d, *argv], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             **more)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out.decode(), err.decode()

    # ---- what a session shows, in one line

    def wires(self, *options):
        """[RETR's text] and [UIDL's id] of every message, in a new session."""
        with self.login(*options) as s:
            count = s.stat()[0]
            uidl = s.uidl()
            texts = [s.retr(n) for n in range(1, count + 1)]
            s.ok("QUIT")
        return texts, [uidl[n] for n in range(1, count + 1)]

    def log(self):
        """All that all sessions have logged so far."""
        text = b""
        for n in range(1, self.logs + 1):
            with open(os.path.join(self.top, f"log.{n}"), "rb") as f:
                text += f.read()
        return text

    def give_up(self):
        """A test hangs: end what it waits for."""
        self.transcript.append("(took too long: all processes are killed)")
        for session in self.sessions:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(session.process.pid, signal.SIGKILL)

    def close(self):
        for session in self.sessions:
            session.kill(patience=2 if has_coverage() else 0)
        for process in self.others:
            kill_group(process)
        log = self.log()
        shutil.rmtree(self.top, ignore_errors=True)
        for word in b"Sanitizer", b"runtime error:":
            assert word not in log, log.decode(errors="replace")
        assert self.hijacked or REFUSED not in log, \
            log.decode(errors="replace")


class MaildirHost(Host):
    """The same with Maildirs: what was an entry of an mbox is a file."""

    def __init__(self):
        super().__init__()
        self.entries = {}  # of each file's name, as it was written
        for place in ("", "cur", "new", "tmp"):
            path = os.path.join(self.mailbox, place)
            os.mkdir(path, 0o700)
            os.chown(path, UID, -1)

    def command(self, *options):
        return [arg + "/" if arg == f"--mailbox={self.mail}/%u" else arg
                for arg in super().command(*options)]

    def files(self):
        """The messages' paths in the order of their delivery."""
        found = [os.path.join(self.mailbox, place, name)
                 for place in ("cur", "new")
                 for name in os.listdir(os.path.join(self.mailbox, place))]
        return sorted(found, key=os.path.basename)

    def deliver(self, text, name=None, place="new"):
        """As a deliverer does: written in tmp/, then moved."""
        if name is None:
            name = f"{1700000000 + len(self.entries)}.M1P1.host"
        made = self.put(os.path.join(self.mailbox, "tmp", "draft"), text)
        path = os.path.join(self.mailbox, place, name)
        os.rename(made, path)
        self.entries.setdefault(name.partition(":")[0], text)
        return path

    def write(self, *entries):
        for path in self.files():
            os.unlink(path)
        self.append(*entries)
        # what is as fresh as the clock's grain is read again
        time.sleep(0.03)
        return b"".join(entries)

    def append(self, *entries):
        for entry_ in re.split(rb"(?<=\n\n)(?=From \S+ \w{3} \w{3} )",
                               b"".join(entries)):
            if not entry_:
                continue
            path = self.deliver(entry_.split(b"\n", 1)[1].removesuffix(b"\n"))
            self.entries[os.path.basename(path)] = entry_

    def read(self):
        """The mbox that it would be; a changed file shows as it is."""
        found = []
        for path in self.files():
            with open(path, "rb") as f:
                text = f.read()
            written = self.entries.get(
                os.path.basename(path).partition(":")[0], b"")
            same = written.split(b"\n", 1)[-1].removesuffix(b"\n") == text
            found.append(written if same else text)
        return b"".join(found)


STORES = {"mbox": Host, "maildir": MaildirHost}


def kill_group(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def members(process):
    """The pids of all processes that a session is made of."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            with open(stat) as f:
                fields = f.read().rpartition(")")[2].split()
            if int(fields[2]) == process.pid and fields[0] != "Z":
                found.append(int(stat.split("/")[2]))
    return found


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        os.sched_yield()


def name(value):
    """A short name for a parameter."""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    text = text.encode("unicode_escape").decode()
    return text if len(text) <= 40 else f"{text[:30]}...{len(text)}"


def shorten(line):
    text = line.decode("ascii", "backslashreplace").replace("\r", "\\r")
    return text if len(text) < 200 else text[:150] + f"... ({len(text)})"


class Session:
    """One connection to one pop3d."""

    def __init__(self, host, log, transport, argv, more):
        self.host = host
        self.number = host.logs
        self.reader = self.writer = self.tls = None
        self.chunks = 0
        self.buffer = b""
        self.logfile = log
        with open(log, "wb") as err:
            more.setdefault("stderr", err)
            self.process = getattr(self, "over_" + transport.replace("-", "_"))(
                argv, more)

    # ---- transports

    def over_socketpair(self, argv, more):
        ours, theirs = socket.socketpair()
        return self.over_socket(ours, theirs, argv, more)

    def over_tcp(self, argv, more):
        return self.over_socket(*self.tcp_pair(), argv, more)

    def over_listen_fds(self, argv, more):
        # as systemd passes one connection: descriptor 3, announced to the pid
        if not has_systemd():
            pytest.skip("built without libsystemd")
        ours, theirs = self.tcp_pair()
        argv = ["sh", "-c", 'export LISTEN_FDS=1 LISTEN_PID=$$;'
                'exec "$@" 3<&0 0</dev/null 1>/dev/null', "sh", *argv]
        return self.over_socket(ours, theirs, argv, more)

    @staticmethod
    def tcp_pair():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ours = socket.create_connection(listener.getsockname())
            theirs = listener.accept()[0]
        return ours, theirs

    def over_socket(self, ours, theirs, argv, more):
        process = self.host.popen(argv, stdin=theirs, stdout=theirs, **more)
        theirs.close()
        self.reader = self.writer = ours
        return process

    def over_pipes(self, argv, more):
        process = self.host.popen(argv, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, bufsize=0, **more)
        self.reader, self.writer = process.stdout, process.stdin
        return process

    # ---- bytes

    def note(self, who, line):
        self.host.transcript.append(f"{self.number} {who}: {shorten(line)}")

    def wrong(self, what):
        raise AssertionError(f"session {self.number}: {what}")

    def write(self, data):
        if self.tls:
            self.tls.sendall(data)
            return
        view = memoryview(data)
        while view:
            view = view[os.write(self.writer.fileno(), view):]

    def fill(self):
        """Reads what is there into the buffer; False at the end."""
        if self.tls:
            data = self.tls.recv(1 << 20)
            self.buffer += data
            return data != b""
        if not select.select([self.reader], [], [], PATIENCE)[0]:
            self.wrong(f"no reply within {PATIENCE} seconds")
        try:
            data = os.read(self.reader.fileno(), 1 << 20)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        self.chunks += data != b""
        return data != b""

    def hear(self):
        """A line without its CRLF; None where the server has hung up."""
        while b"\n" not in self.buffer:
            if not self.fill():
                if self.buffer:
                    self.wrong(f"ends in mid-line: {self.buffer[:100]!r}")
                self.note("S", b"(closed)")
                self.hang_up()  # as a client does that is told goodbye
                return None
        line, self.buffer = self.buffer.split(b"\n", 1)
        self.note("S", line.removesuffix(b"\r"))
        if not line.endswith(b"\r"):
            self.wrong(f"a line that does not end in CRLF: {line[:100]!r}")
        return line[:-1]

    def hear_text(self):
        """A multi-line reply's text, dots unstuffed, without the last dot."""
        parts, size = [], len(self.host.transcript)
        chunk = self.buffer
        # looks at each byte once, for mailboxes of many megabytes
        tail = b"\r\n"
        while True:
            at = (tail + chunk).find(b"\r\n.\r\n")
            if at >= 0:
                at += 5 - len(tail)
                parts.append(chunk[:at])
                self.buffer = chunk[at:]
                break
            parts.append(chunk)
            tail = (tail + chunk)[-4:]
            self.buffer = b""
            if not self.fill():
                self.wrong("hangs up in a multi-line reply")
            chunk = self.buffer
        text = b"".join(parts)[:-3]
        lines = text.split(b"\r\n", 20)
        for line in lines[:20]:
            self.note("S", line)
        if len(lines) > 20:
            self.note("S", b"(%d octets more)" % len(lines[20]))
        self.note("S", b".")
        assert len(self.host.transcript) > size
        if text.startswith(b"."):
            text = text[1:]
        return text.replace(b"\r\n.", b"\r\n")

    def secure(self, context):
        """The client's side of TLS begins; what it agreed on is in self.tls."""
        self.reader.settimeout(PATIENCE)
        self.tls = context.wrap_socket(
            self.reader, server_hostname="localhost",
            suppress_ragged_eofs=False)
        self.reader = self.writer = self.tls
        return self

    # ---- lines

    def send(self, line):
        """Sends a command; str or bytes, without its CRLF."""
        if isinstance(line, str):
            line = line.encode()
        self.note("C", line)
        self.write(line + b"\r\n")

    def expect(self, pattern):
        """Takes a line that must look like this; `...` stands for anything."""
        line = self.hear()
        if pattern == "(closed)" or line is None:
            if line is not None or pattern != "(closed)":
                self.wrong(f"expected {pattern!r}, got {line!r}")
            return None
        text = line.decode("latin-1")
        shape = ".*".join(map(re.escape, pattern.split("...")))
        if not re.fullmatch(shape, text, re.DOTALL):
            self.wrong(f"expected {pattern!r}, got {text!r}")
        return text

    def play(self, script):
        """
        Plays a transcript: `C: ` is sent, `S: ` must come. `...` stands for
        anything, `S: (closed)` for the end of the connection.
        """
        for line in filter(None, map(str.strip, script.splitlines())):
            who, what = line[:2], line[3:]
            assert who in ("C:", "S:"), line
            if who == "C:":
                self.send(what)
            else:
                self.expect(what)

    def ok(self, command, pattern="+OK..."):
        self.send(command)
        return self.expect(pattern)

    def err(self, command, pattern="-ERR ..."):
        self.send(command)
        return self.expect(pattern)

    def reply(self, command):
        self.send(command)
        line = self.hear()
        return None if line is None else line.decode("latin-1")

    def closed(self):
        self.expect("(closed)")

    # ---- commands

    def stat(self):
        line = self.ok("STAT", "+OK ...")
        assert re.fullmatch(r"\+OK \d+ \d+", line), line
        return tuple(map(int, line.split()[1:]))

    def table(self, command):
        """LIST or UIDL without an argument, as a dictionary."""
        self.ok(command)
        rows = {}
        for line in self.hear_text().splitlines():
            number, value = line.split(b" ")
            rows[int(number)] = value.decode()
        return rows

    def list(self):
        return {n: int(size) for n, size in self.table("LIST").items()}

    def uidl(self):
        return self.table("UIDL")

    def text(self, command):
        """RETR's or TOP's text; None where the answer is -ERR."""
        line = self.reply(command)
        assert line is not None, "closed"
        if line.startswith("-ERR"):
            return None
        assert line.startswith("+OK"), line
        return self.hear_text()

    def retr(self, n):
        """The text, which has as many octets as the first line says."""
        line = self.reply(f"RETR {n}")
        assert line is not None, "closed"
        if line.startswith("-ERR"):
            return None
        found = re.fullmatch(r"\+OK (\d+) octets", line)
        assert found, line
        text = self.hear_text()
        assert int(found[1]) == len(text), (line, len(text))
        return text

    # ---- the end

    def exchange(self, data, half_close=False):
        """Writes all of data while it reads all that comes, to the end."""
        self.note("C", data)
        view, out = memoryview(data), bytearray(self.buffer)
        self.buffer = b""
        os.set_blocking(self.writer.fileno(), False)
        deadline = time.monotonic() + 3 * PATIENCE
        while True:
            writers = [self.writer] if view else []
            ready = select.select([self.reader], writers, [],
                                  max(0, deadline - time.monotonic()))
            if not ready[0] and not ready[1]:
                self.wrong(f"goes on; so far: {bytes(out[-200:])!r}")
            if ready[1]:
                try:
                    view = view[os.write(self.writer.fileno(), view):]
                except BlockingIOError:
                    pass
                except (BrokenPipeError, ConnectionResetError):
                    view = view[:0]
                if not view and half_close:
                    self.finish_sending()
            if ready[0]:
                try:
                    more = os.read(self.reader.fileno(), 1 << 20)
                except ConnectionResetError:
                    more = b""
                if not more:
                    self.note("S", bytes(out))
                    self.hang_up()
                    return bytes(out)
                out += more
                self.chunks += 1

    def finish_sending(self):
        """The client has nothing more to say, but still listens."""
        if isinstance(self.writer, socket.socket):
            self.writer.shutdown(socket.SHUT_WR)
        else:
            self.writer.close()

    def hang_up(self):
        """The connection is lost."""
        self.reader.close()
        self.writer.close()

    def status(self):
        """The exit status, once pop3d has ended by itself."""
        return self.process.wait(PATIENCE)

    def kill(self, patience=0):
        self.hang_up()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        kill_group(self.process)

    def log(self):
        with open(self.logfile, "rb") as f:
            return f.read().decode(errors="backslashreplace")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        # the next session must find this one gone
        self.hang_up()
        if kind is None:
            self.status()


@contextlib.contextmanager
def locked(path, kind):
    """Holds a lock on the mailbox as another program would."""
    if kind == "dotlock":
        name = path + ".lock"
        with open(name, "x") as f:
            f.write(f"{os.getpid()}\n")
        os.chmod(name, 0o644)
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        return
    # by another process: this one would lose a fcntl lock as soon as it
    # closed any other descriptor of the file
    program = ("import fcntl,sys;f=open(sys.argv[1],'r+b');"
               f"fcntl.{'lockf' if kind == 'fcntl' else 'flock'}"
               "(f,fcntl.LOCK_EX);print(flush=True);sys.stdin.read()")
    holder = subprocess.Popen([sys.executable, "-c", program, path],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"\n"
        yield
    finally:
        holder.communicate()


def lockable(path):
    """Whether a deliverer gets all kinds of lock at once, without waiting."""
    if os.path.exists(path + ".lock"):
        return False
    with open(path, "r+b") as f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
