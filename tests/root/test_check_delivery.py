"""pop3d --check: whether mail goes where --mailbox serves it from."""
import os
import pathlib
import shutil

import pytest

from host import entries
from test_check import check, fake, line

ELSEWHERE = "users see no new mail"


def postfix(**settings):
    """postconf as Postfix answers with these settings."""
    fake("/usr/sbin/postconf", 'case "$1 $2" in\n' + "".join(
        f"'-h {name}') echo '{value}';;\n" for name, value in
        {"mail_version": "3.7.11", **settings}.items()) + "*) echo;; esac")


def exim(transport, *lines):
    lines = " ".join(f"'{line}'" for line in lines)
    fake("/usr/sbin/exim4", f"""case "$2 $3" in
        'router local_user') echo 'driver = accept'
            echo 'transport = {transport}';;
        'transport {transport}') printf '%s\\n' {lines};;
        *) exit 1;; esac""")


def dovecot(**settings):
    fake("/usr/bin/doveconf", 'case "$1 $2" in\n' + "".join(
        f"'-h {name}') echo '{value}';;\n"
        for name, value in settings.items()) + "*) exit 1;; esac")


def verdict(text, mailbox=None):
    out = check(*[f"--mailbox={mailbox}"] if mailbox else [])[1]
    return line(out, text)


@pytest.mark.parametrize("settings, path, setting", [
    ({}, "/var/mail/%u", "mail_spool_directory"),
    ({"mail_spool_directory": "/var/spool/mail/"}, "/var/spool/mail/%u/",
     "mail_spool_directory"),
    ({"home_mailbox": "Maildir/", "mail_spool_directory": "/x"},
     "%h/Maildir/", "home_mailbox"),
    ({"home_mailbox": "mail/inbox"}, "%h/mail/inbox", "home_mailbox")])
def test_postfix(installed, settings, path, setting):
    postfix(**settings)
    assert verdict(f"Postfix delivers to {path}, which is served",
                   path) == "ok"
    out = check("--mailbox=/srv/mail/%u")[1]
    assert line(out, f"Postfix delivers to {path} ({setting}), but --mailbox "
                f"serves /srv/mail/%u: {ELSEWHERE}") == "error"


def test_spool_by_another_name(installed):
    """Debian's /var/spool/mail is a link to /var/mail."""
    assert os.path.realpath("/var/spool/mail") == "/var/mail"
    postfix(mail_spool_directory="/var/spool/mail")
    assert verdict("Postfix delivers to /var/spool/mail/%u, which is") == "ok"


def test_mbox_where_a_maildir_is_served(installed):
    postfix(home_mailbox="Mail")
    assert verdict("delivers to an mbox %h/Mail", "%h/Mail/") == "error"
    # a Maildir is found by what it is
    postfix(home_mailbox="Mail/")
    assert verdict("delivers to %h/Mail/, which is", "%h/Mail") == "ok"


@pytest.mark.parametrize("setting", ["mailbox_command", "mailbox_transport"])
def test_postfix_that_leaves_it_to_procmail(installed, setting):
    postfix(home_mailbox="Maildir/",
            **{setting: '/usr/bin/procmail -a "$EXTENSION"'})
    assert verdict("procmail delivers to /var/mail/%u, which is") == "ok"
    rc = pathlib.Path("/etc/procmailrc")
    for text, path in (("DEFAULT=$HOME/Maildir/\n", "%h/Maildir/"),
                       ("#DEFAULT=/a\nDEFAULT = \"${HOME}/mbox\" # his\n",
                        "%h/mbox"),
                       ("MAILDIR=$HOME/Mail\nDEFAULT=$ORGMAIL\n"
                        "ORGMAIL=/srv/spool/$LOGNAME\n", "/srv/spool/%u"),
                       ("DEFAULT=inbox\n", "%h/inbox")):
        rc.write_text(text)
        assert verdict(f"procmail delivers to {path} (") == "error"
        assert verdict(f"procmail delivers to {path}, which is", path) == "ok"
    rc.write_text("DEFAULT=$HOME/$LOGIN.$DIR/\n")
    assert verdict("procmail: DEFAULT is $HOME/$LOGIN.$DIR/: ") == "ok"


@pytest.mark.parametrize("location, path", [
    ("maildir:~/Maildir", "%h/Maildir/"),
    ("mbox:~/mail:INBOX=/var/mail/%u", "/var/mail/%u"),
    ("maildir:/srv/mail/%d/%n:INDEX=/x", "/srv/mail/%d/%n/")])
def test_postfix_that_leaves_it_to_dovecot(installed, location, path):
    postfix(mailbox_transport="lmtp:unix:private/dovecot-lmtp",
            home_mailbox="Mail")
    dovecot(mail_location=location)
    assert verdict(f"Dovecot's delivery agent delivers to {path}, which is",
                   path) == "ok"
    assert verdict(f"Dovecot's delivery agent delivers to {path} "
                   "(mail_location)", "/x/%u") == "error"


def test_settings_of_dovecot_2_4(installed):
    postfix(mailbox_command="/usr/lib/dovecot/dovecot-lda")
    dovecot(mail_driver="maildir", mail_path="~/Maildir", mail_inbox_path="")
    assert verdict("Dovecot's delivery agent delivers to %h/Maildir/ "
                   "(mail_path)") == "error"
    dovecot(mail_driver="mbox", mail_path="~/mail",
            mail_inbox_path="/var/mail/%{user}", mbox_write_locks="fcntl")
    assert verdict("Dovecot's delivery agent delivers to /var/mail/%u, "
                   "which") == "ok"
    assert verdict("locks of Dovecot: fcntl;") == "ok"
    # in a format that nobody else reads
    dovecot(mail_driver="mdbox", mail_path="~/mdbox")
    assert verdict("Dovecot's delivery agent: mail_path is not one of mbox "
                   "and Maildir") == "ok"


def test_virtual_users_of_postfix(host):
    host.run("useradd", "--system", "vmail")
    os.mkdir("/srv/mail")
    shutil.chown("/srv/mail", "vmail")
    postfix(virtual_mailbox_domains="example.org",
            virtual_mailbox_base="/srv/mail/", home_mailbox="Maildir/",
            virtual_mailbox_lock="flock, dotlock")
    virtual = ["--virtual-user=vmail", "--mailbox=/srv/mail/%d/%n"]
    out = check(*virtual)[1]
    assert line(out, "Postfix delivers virtual users' mail below /srv/mail;"
                ) == "ok"
    assert line(out, "locks of Postfix (virtual): dotlock flock; ") == "ok"
    assert "%h/Maildir" not in out
    out = check(*virtual, "--locks=fcntl")[1]
    assert line(out, "locks of Postfix (virtual): ") == "error"
    out = check(virtual[0], "--mailbox=/srv/mail2/%d/%n")[1]
    assert line(out, "Postfix delivers virtual users' mail below /srv/mail "
                "(virtual_mailbox_base), but --mailbox serves /srv/mail2/%d/%n"
                ) == "error"


@pytest.mark.parametrize("transport, lines, path", [
    ("mail_spool", ["file = /var/mail/$local_part_data", "use_lockfile"],
     "/var/mail/%u"),
    ("mail_spool", ["file = /var/spool/mail/${local_part}", "use_lockfile"],
     "/var/spool/mail/%u"),
    ("maildir_home", ["directory = $home/Maildir", "maildir_format"],
     "%h/Maildir/")])
def test_exim(installed, transport, lines, path):
    exim(transport, *lines)
    assert verdict(f"Exim delivers to {path}, which is served", path) == "ok"
    assert verdict(f"Exim delivers to {path} (transport {transport}), but",
                   "/srv/mail/%u") == "error"
    out = check()[1]
    assert ("locks of Exim" in out) == (transport == "mail_spool")


def test_exim_by_a_command(installed):
    exim("procmail_pipe", "command = /usr/bin/procmail", "driver = pipe")
    pathlib.Path("/etc/procmailrc").write_text("DEFAULT=$HOME/Maildir/\n")
    assert verdict("procmail delivers to %h/Maildir/ (") == "error"


def test_unknown_ways(installed):
    postfix(mailbox_command="/usr/bin/maildrop -d ${USER}")
    assert verdict("Postfix: mailbox_command is /usr/bin/maildrop") == "ok"


def test_dovecot_that_does_not_tell(installed):
    postfix(mailbox_command="/usr/lib/dovecot/dovecot-lda")
    says = "Dovecot's delivery agent: mail_location is not told by doveconf"
    assert verdict(says) == "ok"
    dovecot(mail_location="")
    assert verdict(says) == "ok"


# ---- one user

def test_mail_in_another_place(host):
    box = pathlib.Path("/var/mail/thomas")
    says = "is empty, but there is mail in %h/Maildir/: "
    assert says not in check("thomas")[1]
    box.write_bytes(b"")
    home = pathlib.Path("/home/thomas")
    for name in "cur", "new", "tmp":
        (home / "Maildir" / name).mkdir(parents=True)
    assert "is empty, but" not in check("thomas")[1]
    (home / "Maildir/new/1.2.host").write_bytes(b"Subject: x\n\n\n")
    host.run("chown", "-R", "thomas", home / "Maildir")
    out = check("thomas")[1]
    assert line(out, says) == "warning"
    box.unlink()
    assert line(check("thomas")[1], says) == "warning"
    assert "is empty, but" not in check("--mailbox=%h/Maildir/", "thomas")[1]
    shutil.rmtree(home / "Maildir")
    host.deliver("thomas")
    assert line(check("--mailbox=%h/mbox", "thomas")[1],
                "is empty, but there is mail in /var/mail/%u: ") == "warning"


def test_session_without_a_mailbox_says_so(host):
    os.unlink("/var/mail/thomas")
    client = host.login()
    assert client.stat() == (0, 0)
    client.quit()
    [entry] = host.journal("logged in, ")
    assert entry["MESSAGE"].endswith(
        "logged in, 0 messages, 0 octets; there is no mailbox "
        "/var/mail/thomas")
    host.deliver("thomas", b"")
    host.login().quit()
    assert host.journal("logged in, ")[-1]["MESSAGE"].endswith(
        "logged in, 0 messages, 0 octets")
    host.deliver("thomas", entries(1))
    host.login().quit()
    assert host.journal("logged in, ")[-1]["MESSAGE"].endswith(
        "logged in, 1 message, 68 octets")
