"""pop3d --check takes the options from the units, and finds their faults."""
import os
import pathlib
import shutil
import sys

import pytest

from host import POP3D, entries
from test_check import check, line

sys.path.append(str(pathlib.Path(__file__).parent.parent / "e2e"))
import tls  # noqa: E402

DROP_IN = "/etc/systemd/system/pop3d@.service.d/test.conf"
SERVED = "--mailbox=/srv/boxes/%%u"


@pytest.fixture
def boxes(host):
    """A host whose mail is where its units say that it is."""
    os.mkdir("/srv/boxes")
    shutil.chown("/srv/boxes", "root", "mail")
    os.chmod("/srv/boxes", 0o2775)
    shutil.copy("/var/mail/thomas", "/srv/boxes/thomas")
    shutil.chown("/srv/boxes/thomas", "thomas", "mail")
    host.options(SERVED)
    drop_in_command(host, "pop3d-recover.service", SERVED, "--recover")
    return host


def drop_in_command(host, unit, *options):
    host.drop_in("[Service]\nExecStart=\nExecStart="
                 + " ".join([POP3D, *options]) + "\n", unit)


def test_options_are_those_of_the_unit(boxes):
    out = check()[1]
    assert line(out, "options: those of pop3d@.service: "
                f"--mailbox=/srv/boxes/%u ({DROP_IN})") == "ok"
    assert line(out, "spool /srv/boxes: ") == "ok"
    assert "error" not in out and "/var/mail" not in out
    out = check("thomas")[1]
    assert line(out, "mailbox /srv/boxes/thomas: 3 messages") == "ok"


def test_options_that_are_given_count(boxes):
    out = check("--mailbox=/var/mail/%u")[1]
    assert line(out, "options: as given here") == "ok"
    assert line(out, "spool /var/mail: ") == "ok"
    assert "/srv/boxes" not in out


def test_unit_without_options(host):
    assert line(check()[1], "options: those of pop3d@.service: none "
                "(/usr/local/lib/systemd/system/pop3d@.service)") == "ok"


def test_unit_of_port_995(host):
    host.run("systemctl", "disable", "--now", "pop3d.socket")
    host.run("systemctl", "enable", "--now", "pop3ds.socket")
    out = check()[1]
    assert line(out, "options: those of pop3ds@.service: --tls=implicit "
                ) == "ok"
    # with a certificate that only systemd reads
    os.mkdir("/root/keys", 0o700)
    for name, pem in zip(("tls.crt", "tls.key"), tls.certificate()):
        pathlib.Path("/root/keys", name).write_bytes(pem)
        os.chmod(f"/root/keys/{name}", 0o600)
    assert line(check()[1], "no TLS: ") == "error"
    host.drop_in("[Service]\n" + "".join(
        f"LoadCredential=tls.{end}:/root/keys/tls.{end}\n"
        for end in ("crt", "key")), "pop3ds@.service")
    assert line(check()[1], "certificate /root/keys/tls.crt: fits its key"
                ) == "ok"


def test_unit_of_accept_no(host):
    host.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    host.run("systemctl", "restart", "pop3d.socket")
    drop_in_command(host, "pop3d.service", "--idle-exit=7")
    assert line(check()[1], "options: those of pop3d.service: --idle-exit=7 "
                "(/etc/systemd/system/pop3d.service.d/test.conf)") == "ok"


@pytest.mark.parametrize("text, says", [
    ("ExecStart=\nExecStart=/usr/local/sbin/pop3d --mailbocks=/x/%%u",
     "the options of pop3d@.service: pop3d: unknown option or missing value: "
     "--mailbocks=/x/%u: no connection is served"),
    ("ExecStart=\nExecStart=/usr/local/sbin/pop3d \\\n  --mailbox=%h/Mailbox",
     "write %%u, %%h in --mailbox, then systemctl daemon-reload"),
    ("ExecStart=\nExecStart=/usr/local/sbin/pop3d -m /srv/%u",
     "write %%u, %%h in --mailbox, then systemctl daemon-reload"),
    ("ExecStart=/usr/local/sbin/pop3d --mailbox=%%h/Mailbox",
     "put a line ExecStart= with nothing behind it before this one")])
def test_drop_in_that_is_wrong(host, text, says):
    host.drop_in(f"[Service]\n{text}\n")
    status, out = check()
    assert (status, line(out, says)) == (2, "error"), out
    [told] = [line for line in out.splitlines() if says in line]
    assert told.split()[1] == f"{DROP_IN}:"


def test_drop_in_that_is_right(host):
    host.drop_in("[Service]\n# ExecStart=%h\nExecStart=\n"
                 "ExecStart=/usr/local/sbin/pop3d --mailbox=%%h/M "
                 "--state-dir=%S/pop3d\n")
    out = check()[1]
    assert "ExecStart" not in out
    assert line(out, "options: those of pop3d@.service: --mailbox=%h/M "
                "--state-dir=/var/lib/pop3d (") == "ok"


def test_unit_that_systemd_cannot_use(host):
    host.drop_in("[Service]\nExecStart=\n")
    out = check()[1]
    assert line(out, "pop3d@.service: systemd cannot use it: ") == "error"


def test_units_that_do_not_agree(boxes):
    shutil.rmtree("/etc/systemd/system/pop3d-recover.service.d")
    boxes.run("systemctl", "daemon-reload")
    boxes.run("systemctl", "enable", "--now", "pop3ds.socket")
    out = check()[1]
    for unit in "pop3ds@.service", "pop3d-recover.service":
        assert line(out, f"{unit}: its --mailbox is not that of "
                    "pop3d@.service") == "warning"
    drop_in_command(boxes, "pop3ds@.service", "--tls=implicit", SERVED)
    drop_in_command(boxes, "pop3d-recover.service", SERVED, "--recover")
    assert "is not that of" not in check()[1]


# ---- the sandbox of Accept=no

def accept_no(host, *settings):
    host.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    host.drop_in("\n".join(["[Service]", "ExecStart=", f"ExecStart={POP3D} "
                            "--mailbox=%%h/Mailbox --idle-exit=1", *settings,
                            ""]), "pop3d.service")
    drop_in_command(host, "pop3d-recover.service", "--mailbox=%%h/Mailbox",
                    "--recover")
    home = pathlib.Path("/home/thomas")
    (home / "Mailbox").write_bytes(entries(1, 2, 3))
    shutil.chown(home / "Mailbox", "thomas", "thomas")
    host.run("systemctl", "restart", "pop3d.socket")


LOGGED = "mailbox /home/thomas/Mailbox: the sandbox of the unit "


@pytest.mark.parametrize("settings, checked, logged", [
    ([], "lets sessions read it only (ProtectHome)", "lets it be read only"),
    (["ReadWritePaths=/home"], "lets sessions read it only (ProtectHome)",
     "lets it be read only"),
    (["ReadOnlyPaths=/home", "ProtectHome=no"],
     "lets sessions read it only (ReadOnlyPaths)", "lets it be read only"),
    (["ProtectHome=yes"], "hides it from sessions (ProtectHome)", "hides it"),
    (["ProtectHome=tmpfs"], "hides it from sessions (ProtectHome)",
     "hides it"),
    (["ProtectHome=no", "ProtectSystem=no", "InaccessiblePaths=/home/thomas"],
     None, "hides it"),
    (["ReadWritePaths=/home/thomas"],
     "lets sessions read it only (ProtectHome)", None),
    (["ProtectHome=no"], None, None)])
def test_sandbox_that_keeps_sessions_from_mail(host, settings, checked,
                                               logged):
    accept_no(host, *settings)
    out = check()[1]
    if checked:
        assert line(out, f"mailboxes below /home: the sandbox of pop3d.service "
                    f"{checked}: systemctl edit pop3d.service, ") == "error"
    else:
        assert "mailboxes below /home: the sandbox" not in out
    out = check("thomas")[1]
    says = "mailbox /home/thomas/Mailbox: the sandbox of pop3d.service "
    assert (says in out) == bool(logged), out
    try:
        client = host.login()
        client.quit()
    except Exception as error:
        assert logged == "hides it", error
    found = host.journal(LOGGED)
    assert bool(found) == bool(logged)
    for entry in found:
        assert (f"{LOGGED}{logged}: " in entry["MESSAGE"]
                and entry["POP3_USER"] == "thomas"
                and entry["PRIORITY"] == "3")


def test_spool_that_the_sandbox_allows(host):
    host.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    host.run("systemctl", "restart", "pop3d.socket")
    assert "sandbox" not in check()[1]
    host.login().quit()
    host.end_of_session()
    assert not host.journal("the sandbox of the unit")
