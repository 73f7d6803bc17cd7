"""A host that is reset, and what systemd makes of it when it boots again."""
import pathlib
import shutil

from host import (RECOVERED, SPOOL, STATE, entries, message, needs, reset,
                  unit_of, until, was_reset)

WANTS = pathlib.Path("/etc/systemd/system/pop3d.socket.wants")
MTA = "postfix.service"
NEW = pathlib.Path("/var/lib/new-mail")


def deliver_at_boot():
    """A unit in the place of the MTA's, which has mail for thomas."""
    NEW.write_bytes(message(4)[0])
    path = pathlib.Path("/etc/systemd/system") / MTA
    path.write_text("[Service]\nType=oneshot\nRemainAfterExit=yes\n"
                    "ExecStart=/usr/bin/procmail -d thomas\n"
                    f"StandardInput=file:{NEW}\n")
    WANTS.mkdir()
    (WANTS / MTA).symlink_to(path)


def begin_commit(host):
    """A session that has changed the mailbox, but not to its end."""
    host.options(before=["/usr/bin/strace", "-f", "-I4", "-o/run/trace",
                         "-einject=ftruncate:delay_enter=60000000"])
    client = host.login()
    client.dele(1)
    client.sock.sendall(b"QUIT\r\n")
    until(lambda: (SPOOL / "thomas").read_bytes() != entries(1, 2, 3),
          "a changed mailbox")
    assert (STATE / "thomas/journal").exists()
    assert (SPOOL / "thomas").read_bytes() != entries(2, 3)
    shutil.rmtree("/etc/systemd/system/pop3d@.service.d")


def moment(host, unit, name):
    return int(host.show(unit, f"{name}TimestampMonotonic"))


@needs("strace")
@needs("procmail")
def test_in_the_middle_of_a_removal(host):
    if not was_reset():
        deliver_at_boot()
        begin_commit(host)
        reset()
    host.run("systemctl", "start", MTA)  # which it does at boot: waits
    assert host.show("pop3d-recover.service", "Result") == "success"
    assert host.show(MTA, "Result") == "success"
    assert 0 < moment(host, "pop3d-recover.service", "InactiveEnter") <= (
        moment(host, MTA, "InactiveExit"))
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3, 4)
    assert not (STATE / "thomas/journal").exists()
    [entry] = host.journal(event=RECOVERED)
    assert unit_of(entry) in ("pop3d-recover.service", None)
    assert entry["POP3_USER"] == "thomas"
    # the socket is there again without anybody's doing
    client = host.login()
    assert [client.retr(n)[1] for n in (1, 2, 3)] == [
        message(n)[1] for n in (2, 3, 4)]
    client.quit()
