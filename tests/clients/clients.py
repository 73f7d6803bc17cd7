"""
The clients. Each fetches thomas's mail from 127.0.0.1 into a directory of its
own, keeping it on the server or deleting it there.
"""
import json
import os
import pathlib
import poplib
import re
import shutil
import ssl
import subprocess

import reference
from pop3 import AS_ROOT, UID

PATIENCE = 60
HERE = pathlib.Path(__file__).resolve().parent


class Client:
    """One account of one program; `security` is plain, stls or tls."""

    program = None
    remembers = True  # which messages it has, from one run to the next
    quick = True
    securities = "plain", "stls", "tls"
    user, password = "thomas", "secret"

    def __init__(self, home, port, security, certificate):
        self.home = pathlib.Path(home)
        self.port = port
        self.security = security
        self.certificate = certificate

    @classmethod
    def missing(cls):
        if cls.program is not None and shutil.which(cls.program) is None:
            return f"{cls.program} is not installed"
        return None

    def start(self, *argv, display="", **more):
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home),
               "LC_ALL": "C.UTF-8", "FETCHMAILHOME": str(self.home),
               "DISPLAY": display, "SHELL": "/bin/sh",
               "SSL_CERT_FILE": str(self.certificate or "")}
        more.setdefault("stdin", subprocess.DEVNULL)
        if AS_ROOT:  # some refuse to work for root
            more.update(user=UID, group=UID, extra_groups=[])
            self.give_away()
        return subprocess.Popen([str(a) for a in argv], env=env, cwd=self.home,
                                stderr=subprocess.STDOUT, **more)

    def run(self, *argv, ok=(0,), **more):
        with self.start(*argv, stdout=subprocess.PIPE, **more) as process:
            try:
                out = process.communicate(timeout=PATIENCE)[0]
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert process.returncode in ok, out.decode(errors="replace")
        return out

    def give_away(self):
        for path in [self.home, *self.home.rglob("*")]:
            os.chown(path, UID, UID)

    def write(self, name, text, mode=0o600):
        path = self.home / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def maildir(self):
        path = self.home / "Maildir"
        for part in "new", "cur", "tmp":
            (path / part).mkdir(parents=True, exist_ok=True)
        return path

    def fetch(self, delete):
        """What it downloads in this run: messages, with LF."""
        raise NotImplementedError


class Collector(Client):
    """Delivers into a Maildir: what is new there is what it has fetched."""

    def fetch(self, delete):
        directory = self.maildir() / "new"
        before = set(directory.iterdir())
        self.collect(delete)
        return [path.read_bytes() for path in
                sorted(set(directory.iterdir()) - before)]


class Getmail(Collector):
    program = "getmail"
    securities = "plain", "tls"  # it has no STLS

    def collect(self, delete):
        kind = ("SimplePOP3SSLRetriever" if self.security == "tls"
                else "SimplePOP3Retriever")
        self.write("getmailrc", f"""\
[retriever]
type = {kind}
server = 127.0.0.1
port = {self.port}
username = {self.user}
password = {self.password}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("{self.write('deliver', WAIT + DELIVER)}", "{self.maildir()}")
[options]
delete = {delete}
read_all = false
delivered_to = false
received = false
verbose = 0
""")
        self.run("getmail", "--getmaildir", self.home, "--rcfile", "getmailrc")

    def fetch(self, delete):
        return [text.removeprefix(b"Return-Path: <unknown>\n")
                for text in super().fetch(delete)]


class Fetchmail(Collector):
    program = "fetchmail"

    def collect(self, delete):
        tls = {"plain": "sslproto ''", "stls": "sslproto TLS1.2+",
               "tls": "ssl"}[self.security]
        self.write("fetchmailrc", f"""\
poll 127.0.0.1 protocol POP3 port {self.port} uidl
    user "thomas" password "secret" is "thomas" here
    {'nokeep' if delete else 'keep'} {tls} no sslcertck
    mda "/bin/sh {self.write('deliver', DELIVER)} {self.maildir()}"
""")
        # 1: there is no new mail
        self.run("fetchmail", "--fetchmailrc", "fetchmailrc", "--idfile",
                 self.home / "ids", "--pidfile", self.home / "pid",
                 "--invisible", "--nosyslog", ok=(0, 1))


# getmail loses a child, or its wits, that ends before it sleeps:
# https://github.com/getmail6/getmail6/issues/162
WAIT = """\
while read -r pid name state rest </proc/$PPID/stat && [ "$state" != S ]; do
	:
done
"""

# a file per message, named so that they sort in the order of arrival
DELIVER = """\
n=$(ls "$1/new" | wc -l)
cat >"$1/tmp/$$" && mv "$1/tmp/$$" "$1/new/$(printf %06d "$n")"
"""


class Mpop(Collector):
    program = "mpop"
    auth = "user"  # its name for the way to log in

    def collect(self, delete):
        self.write("mpoprc", f"""\
account default
host 127.0.0.1
port {self.port}
user thomas
password secret
auth {self.auth}
tls {'off' if self.security == 'plain' else 'on'}
tls_starttls {'on' if self.security == 'stls' else 'off'}
tls_certcheck off
keep {'off' if delete else 'on'}
received_header off
uidls_file {self.home}/uidls
delivery mda /bin/sh {self.write('deliver', DELIVER)} {self.maildir()}
""")
        self.run("mpop", "--file=mpoprc", "--quiet")


def mpop_binds():
    """Over TLS it takes SCRAM-SHA-256 for less than what it could do."""
    version = subprocess.run(["mpop", "--version"], text=True,
                             stdout=subprocess.PIPE).stdout
    return tuple(map(int, re.search(r"version (\d+)\.(\d+)\.(\d+)",
                                    version).groups())) >= (1, 4, 19)


class Mutt(Client):
    """Fetches by its command <fetch-mail> into an mbox."""

    program = "mutt"
    remembers = False  # only by LAST, which says what was read

    def fetch(self, delete):
        spool = self.home / "spool"
        spool.write_bytes(b"")
        scheme = "pops" if self.security == "tls" else "pop"
        self.write("muttrc", f"""\
set folder={self.home} spoolfile={spool} mbox_type=mbox pop_last=no quit=yes move=no
set pop_host={scheme}://thomas@127.0.0.1:{self.port} pop_pass=secret
set pop_delete={'yes' if delete else 'no'} pop_authenticators=user
set ssl_starttls={'yes' if self.security == 'stls' else 'no'}
set ssl_force_tls=no ssl_verify_host=no
set certificate_file={self.certificate or '/dev/null'}
set header_cache= read_inc=0 net_inc=0 wait_key=no sleep_time=0
push <fetch-mail><exit>
""")
        # newer ones of script make a terminal of no size
        self.run("script", "-qec", "stty rows 24 cols 80; "
                 f"TERM=vt100 {self.program} -nF muttrc -f {spool}",
                 "/dev/null")
        return [drop_status(m) for m in mbox_messages(spool)]


class Neomutt(Mutt):
    program = "neomutt"


def mbox_messages(path):
    return [m.wire.replace(b"\r\n", b"\n")
            for m in reference.split(path.read_bytes())]


def drop_status(text):
    head, _, body = text.partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if not line.startswith(
        (b"Status:", b"X-Status:", b"Content-Length:", b"Lines:"))]
    return b"\n".join(lines) + b"\n\n" + body


class Scripted(Client):
    """A library: the script keeps the ids that it has seen in a file."""

    def fetch(self, delete):
        out = self.home / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        self.script(out, delete)
        return [path.read_bytes().replace(b"\r\n", b"\n")
                for path in sorted(out.iterdir())]

    def copy(self, name):
        """Where the program may read it, whoever owns the checkout."""
        return shutil.copy(HERE / name, self.home)

    def arguments(self, out, delete):
        return [self.port, self.security, out, self.home / "seen",
                "delete" if delete else "keep"]


class NetPOP3(Scripted):
    program = "perl"

    def script(self, out, delete):
        self.run("perl", self.copy("client.pl"), *self.arguments(out, delete))


class RubyPOP(Scripted):
    program = "ruby"
    securities = "plain", "tls"  # it has no STLS

    def script(self, out, delete):
        self.run("ruby", self.copy("client.rb"),
                 *self.arguments(out, delete))


class NodePOP3(Scripted):
    """node-pop3 from npm, as `make check-clients` unpacks it."""

    program = "node"
    quick = False
    securities = "plain", "tls"
    module = HERE.parent.parent / "build/clients/node_modules/node-pop3"

    @classmethod
    def missing(cls):
        if not cls.module.exists():
            return "make check-clients gets node-pop3"
        return super().missing()

    def script(self, out, delete):
        self.run("node", HERE / "client.mjs", self.module,
                 *self.arguments(out, delete))

    def fetch(self, delete):
        # it leaves dots doubled and takes the last line's end away
        return [(b"\n" + text + b"\n").replace(b"\n.", b"\n")[1:]
                for text in super().fetch(delete)]


class Poplib(Scripted):
    def script(self, out, delete):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if self.security == "tls":
            pop = poplib.POP3_SSL("127.0.0.1", self.port, context=context,
                                  timeout=PATIENCE)
        else:
            pop = poplib.POP3("127.0.0.1", self.port, timeout=PATIENCE)
        if self.security == "stls":
            pop.stls(context)
        pop.user("thomas")
        pop.pass_("secret")
        seen = self.home / "seen"
        old = json.loads(seen.read_text()) if seen.exists() else []
        ids = [line.split()[1].decode() for line in pop.uidl()[1]]
        for n, uidl in enumerate(ids, 1):
            if uidl not in old:
                (out / f"{n:06}").write_bytes(
                    b"".join(line + b"\r\n" for line in pop.retr(n)[1]))
            if delete:
                pop.dele(n)
        pop.quit()
        seen.write_text(json.dumps(ids))


class Curl(Scripted):
    program = "curl"

    def curl(self, path, *options):
        scheme = "pop3s" if self.security == "tls" else "pop3"
        return self.run(
            "curl", "--silent", "--show-error", "--user", "thomas:secret",
            *(["--insecure", "--ssl-reqd"] if self.security != "plain"
              else []), *options, f"{scheme}://127.0.0.1:{self.port}/{path}")

    def script(self, out, delete):
        seen = self.home / "seen"
        old = seen.read_text().split() if seen.exists() else []
        rows = [line.split() for line in
                self.curl("", "--request", "UIDL").decode().splitlines()]
        for n, uidl in rows:
            if uidl not in old:
                (out / f"{int(n):06}").write_bytes(self.curl(n))
        for n, uidl in reversed(rows):
            if delete:
                self.curl("", "--head", "--request", f"DELE {n}")
        seen.write_text("\n".join(uidl for n, uidl in rows))


ALL = [Curl, Fetchmail, Getmail, Mpop, Mutt, Neomutt, NetPOP3, NodePOP3,
       Poplib, RubyPOP]
