"""
The way from each POP3 server that Debian has to pop3d and back, by apt, with the
old server's package still there. `make check-package` builds pop3d's package and
fetches theirs.
"""
import pathlib
import socket
import subprocess

import pytest

import host as host_module
from host import COPY, LOCALHOST, PORT, TOP, entries, until

SERVERS = TOP / "build/servers"
PACKAGES = TOP / "build/deb"
DROP_IN = pathlib.Path("/etc/systemd/system/pop3d@.service.d/kind.conf")
MAILDIR = pathlib.Path("/home/thomas/Maildir")

pytestmark = pytest.mark.skipif(
    not list(PACKAGES.glob("pop3d_*.deb")) or not SERVERS.exists(),
    reason="make check-package builds and fetches the packages")

# how a server is stopped and kept from coming back, and started again
UNIT = ("systemctl disable --now {0}", "systemctl enable --now {0}")
# its script notes the pid before it has the last one
POPA3D = ("systemctl disable --now {0}; pkill -x {0} || true",
          "systemctl enable {0}; systemctl restart {0}")
INETD = ("update-inetd --disable {0}; systemctl restart inetd",
         "update-inetd --enable {0}; systemctl restart inetd")

WAYS = {
    "popa3d": (["popa3d"], "--uidl=popa3d", POPA3D, "popa3d"),
    "solid-pop3d": (["solid-pop3d"], "--uidl=solid", INETD, "pop3"),
    "courier-pop": (["courier-pop"], "--uidl=courier --mailbox=%%h/Maildir/",
                    UNIT, "courier-pop courier-pop-ssl"),
    "dovecot-pop3d": (["dovecot-core", "dovecot-pop3d"], "--uidl=dovecot",
                      UNIT, "dovecot"),
}


def apt(*argv):
    run = subprocess.run(
        ["apt-get", "--yes", "--no-install-recommends", "--allow-downgrades",
         "-o", "Dpkg::Options::=--force-confold", *map(str, argv)],
        stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
             "DEBIAN_FRONTEND": "noninteractive"})
    assert run.returncode == 0, run.stdout
    return run.stdout


def phase():
    """How often this copy has been booted before."""
    return len(list(COPY.glob("phase-*")))


def boot_again():
    (COPY / f"phase-{phase()}").touch()
    host_module.reset()


class Beside(host_module.Host):
    """A copy of the host with another server, then pop3d's package too."""

    def __init__(self, name):
        assert host_module.is_copy()
        self.server = name
        if phase() > 0:
            # the copy boots as far as the test needs it
            self.run("systemctl", "start", "multi-user.target")
        pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)

    def shell(self, command):
        return self.run("sh", "-ec", command)

    def install_server(self):
        if self.server == "dovecot-pop3d":
            # else ssl-cert, which it recommends, makes one
            self.shell("mkdir -p /etc/dovecot/private; cd /etc/dovecot/private;"
                       " openssl req -x509 -nodes -newkey rsa:2048 -subj /CN=a "
                       "-keyout dovecot.key -out dovecot.pem 2>/dev/null")
        apt("install", *sorted((SERVERS / self.server).glob("*.deb")))

    def install_pop3d(self):
        [package] = PACKAGES.glob("pop3d_*.deb")
        return apt("install", package)

    def installed(self, package):
        return self.run("dpkg-query", "-W", "-f", "${db:Status-Status}",
                        package) == "installed"

    def is_enabled(self, unit):
        return subprocess.run(["systemctl", "--quiet", "is-enabled",
                               unit]).returncode == 0

    def ids(self):
        """UIDL, and RETR of the first; whoever serves it."""
        client = until(self.try_login, f"a server beside {self.server}")
        ids = [line.split()[1] for line in client.uidl()[1]]
        subject = [line for line in client.retr(1)[1]
                   if line.startswith(b"Subject")]
        client.quit()
        return ids, subject

    def try_login(self):
        try:
            return self.login()
        except (OSError, EOFError):
            return None

    def greeting_is_ours(self):
        client = until(self.try_login, "a server")
        client.quit()
        return client.getwelcome().startswith(b"+OK POP3 server ready")


def mail_with_ids(*numbers):
    """popa3d and solid-pop3d make ids from these fields."""
    return b"".join(
        entries(n).replace(b"\nSubject", b"\nReceived: from a by b; %d\n"
                           b"Date: Wed, %d Dec 1992 05:53:22 +0000\n"
                           b"Message-Id: <%d@example.org>\nSubject"
                           % (n, n, n), 1)
        for n in numbers)


def give_mail(host, name):
    host.user("thomas")
    mail = pathlib.Path("/var/mail/thomas")
    if name == "courier-pop":
        for folder in "cur", "new", "tmp":
            (MAILDIR / folder).mkdir(parents=True)
        for n in 1, 2, 3:
            text = mail_with_ids(n).split(b"\n", 1)[1][:-1]
            (MAILDIR / f"new/170000000{n}.M{n}.host").write_bytes(text)
        host.shell(f"chown -R thomas: {MAILDIR}")
    else:
        mail.write_bytes(mail_with_ids(1, 2, 3))
        host.shell(f"chown thomas:mail {mail}; chmod 600 {mail}")


def is_off(host):
    assert host.show("pop3d.socket", "ActiveState") == "inactive"
    for unit in "pop3d.socket", "pop3ds.socket", "pop3d-recover.service":
        assert not host.is_enabled(unit)


def install_beside(host, name):
    """What an administrator sees who does nothing but apt install."""
    give_mail(host, name)
    host.install_server()
    before = host.ids()
    said = host.install_pop3d()
    assert "SERVES NOTHING yet" in said and name in said, said
    assert "migrating.md" in said
    for package in [*WAYS.get(name, [[name]])[0], "pop3d"]:
        assert host.installed(package)
    is_off(host)
    return before


@pytest.mark.parametrize("name", WAYS)
def test_the_whole_way_and_back(name):
    _, options, (stop, start), what = WAYS[name]
    host = Beside(name)
    kept = COPY / "ids"
    if phase() == 0:
        before = install_beside(host, name)
        kept.write_text(repr(before))
        assert len(before[0]) == 3
        boot_again()
    before = eval(kept.read_text())  # noqa: S307 # our own
    if phase() == 1:
        # the old server is back, alone
        assert host.ids() == before
        assert not host.greeting_is_ours()
        is_off(host)
        DROP_IN.parent.mkdir(exist_ok=True)
        DROP_IN.write_text("[Service]\nExecStart=\n"
                           f"ExecStart=/usr/libexec/pop3d/pop3d {options}\n")
        host.shell(stop.format(what))
        host.shell("systemctl daemon-reload; systemctl enable --now "
                   "pop3d.socket pop3d-recover.service")
        assert host.greeting_is_ours()
        assert host.ids() == before
        boot_again()
    # still pop3d, and the ids that clients know
    assert host.greeting_is_ours()
    assert host.ids() == before
    # and back
    host.shell("systemctl disable --now pop3d.socket pop3d-recover.service; "
               "/usr/libexec/pop3d/pop3d --recover")
    host.shell(start.format(what))
    assert host.ids() == before
    assert not host.greeting_is_ours()


def test_cyrus_keeps_its_port():
    """Its mail cannot be served by others: only that both can be there."""
    host = Beside("cyrus-pop3d")

    def greeting():
        def greet():
            try:
                with socket.create_connection((LOCALHOST, PORT), 10) as sock:
                    return sock.makefile().readline()
            except OSError:
                return None
        return until(greet, "Cyrus")

    if phase() == 0:
        host.install_server()
        # what is in a package of its own
        host.shell(r"sed -i 's/^\s*\(imap\|nntp\|http\)s\?\s/#&/' "
                   "/etc/cyrus.conf; systemctl restart cyrus-imapd")
        until(lambda: host.show("cyrus-imapd", "ActiveState") == "active",
              "Cyrus")
        assert "Cyrus" in greeting()
        said = host.install_pop3d()
        assert "SERVES NOTHING yet" in said and "cyrus-pop3d" in said
        assert host.installed("cyrus-pop3d") and host.installed("pop3d")
        is_off(host)
        boot_again()
    until(lambda: host.show("cyrus-imapd", "ActiveState") == "active", "Cyrus")
    assert "Cyrus" in greeting()
    is_off(host)
