"""One GlusterFS volume, mounted twice as two hosts would; in namespaces.

Run by test_gluster.py, as root, in a mount, network and process namespace of
its own: gluster.py POP3D DIRECTORY.
"""
import contextlib
import os
import pathlib
import poplib
import shutil
import socket
import subprocess
import sys
import time

TOP = pathlib.Path(sys.argv[2])
POP3D = TOP / "pop3d"
PORT = 24900
SERVER = """\
volume posix
    type storage/posix
    option directory {brick}
end-volume
volume locks
    type features/locks
    subvolumes posix
end-volume
volume spool
    type protocol/server
    option transport-type tcp
    option transport.socket.bind-address 127.0.0.1
    option transport.socket.listen-port {port}
    option auth.addr.locks.allow *
    subvolumes locks
end-volume
"""
CLIENT = """\
volume spool
    type protocol/client
    option transport-type tcp
    option remote-host 127.0.0.1
    option remote-port {port}
    option remote-subvolume locks
end-volume
"""


def entry(n):
    return (b"From a@b Mon Jan  1 00:00:00 2024\nSubject: %d\n\n" % n
            + b"text %d\n" % n * 9 + b"\n")


def until(true, what):
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.05)


def mount():
    brick = TOP / "brick"
    brick.mkdir()
    (TOP / "server.vol").write_text(SERVER.format(brick=brick, port=PORT))
    (TOP / "client.vol").write_text(CLIENT.format(port=PORT))
    subprocess.Popen(["glusterfsd", "-N", "-f", TOP / "server.vol",
                      "-l", TOP / "server.log"])

    def listens():
        with contextlib.closing(socket.socket()) as s:
            return s.connect_ex(("127.0.0.1", PORT)) == 0
    until(listens, "the brick")
    for name in ("one", "two"):
        (TOP / name).mkdir()
        subprocess.Popen(["glusterfs", "-N", "-f", TOP / "client.vol",
                          "-l", TOP / f"{name}.log", TOP / name])
        until(lambda: os.path.ismount(TOP / name), "the mount")


class Session(poplib.POP3):
    """A session at one of the hosts, over a socketpair."""

    def __init__(self, name):
        self.name = name
        super().__init__(name)

    def _create_socket(self, timeout):
        ours, theirs = socket.socketpair()
        place = TOP / self.name / "mail"
        subprocess.Popen(
            ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
             POP3D, f"--mailbox={place}/box", f"--state-dir={place}/state",
             "--log=stderr", "--pam-service=permit", f"--pam-confdir={TOP}",
             "--plaintext=always", "--lock-timeout=1"],
            stdin=theirs, stdout=theirs)
        theirs.close()
        ours.settimeout(30)
        return ours

    def login(self):
        self.user("nobody")
        self.pass_("any")
        return self


def append(name, data):
    with open(TOP / name / "mail/box", "ab") as f:
        f.write(data)


def box(name):
    return (TOP / name / "mail/box").read_bytes()


def fresh(*numbers):
    """A new spool with these messages."""
    mail = TOP / "one/mail"
    if mail.exists():
        subprocess.run(["rm", "-r", mail], check=True)
    (mail / "state").mkdir(parents=True)
    (mail / "box").write_bytes(b"".join(map(entry, numbers)))
    subprocess.run(["chown", "-R", "nobody:nogroup", mail], check=True)
    (mail / "state").chmod(0o700)


def mail_appended_elsewhere_during_a_session_survives_its_quit():
    fresh(1, 2, 3)
    for n in range(10):
        session = Session("two").login()
        session.dele(1)
        append("one", entry(4 + n))
        session.quit()
        assert box("one") == b"".join(entry(2 + n + i) for i in range(3)), n


def the_index_serves_both_hosts():
    fresh(1, 2)
    numbers = {os.stat(TOP / name / "mail/box").st_dev
               for name in ("one", "two")}
    assert len(numbers) == 2, "the mounts have the same number"
    # times as fresh as the clock's grain prove nothing
    changed = os.stat(TOP / "one/mail/box").st_ctime
    until(lambda: time.time() > changed + 0.1, "the clock")
    ids = Session("one").login()
    told = ids.uidl()[1]
    ids.quit()
    index = next((TOP / "brick/mail/state").glob("*/index"))
    before = index.stat()
    session = Session("two").login()
    assert session.uidl()[1] == told
    session.quit()
    after = index.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino,
                                                   after.st_mtime_ns)


def a_dotlock_of_the_other_host_is_respected():
    fresh(1)
    (TOP / "one/mail/box.lock").write_text("4194303\n")  # no process here
    try:
        Session("two").login()
    except poplib.error_proto as e:
        assert b"IN-USE" in e.args[0]
    else:
        raise AssertionError("it was broken")
    assert (TOP / "one/mail/box.lock").read_text() == "4194303\n"


def one_session_for_both_hosts():
    fresh(1)
    session = Session("one").login()
    try:
        Session("two").login()
    except poplib.error_proto as e:
        assert b"IN-USE" in e.args[0]
    else:
        raise AssertionError("a second session")
    session.quit()
    Session("two").login().quit()


subprocess.run(["mount", "-t", "tmpfs", "tmpfs", TOP], check=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
TOP.chmod(0o755)
shutil.copy(sys.argv[1], POP3D)  # where nobody can reach it
(TOP / "permit").write_text("".join(
    f"{kind} required pam_permit.so\n"
    for kind in ("auth", "account", "session")))
mount()
for case in (mail_appended_elsewhere_during_a_session_survives_its_quit,
             the_index_serves_both_hosts,
             a_dotlock_of_the_other_host_is_respected,
             one_session_for_both_hosts):
    case()
    print("holds:", case.__name__, flush=True)
