"""pop3d --check, as an ordinary user: a line for each thing, the worst counts."""
import os
import socket
import subprocess

import pytest

import sasl
import tls
from pop3 import PATIENCE, message

OK, WARNING, ERROR = 0, 1, 2


def check(host, *more):
    """The exit status, and [verdict, text] of each finding."""
    process = host.popen(host.command("--check", *more), text=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=PATIENCE)
    host.transcript += out.splitlines() + err.splitlines()
    assert err == ""
    return process.returncode, [line.split(None, 1)
                                for line in out.splitlines()
                                if not line.startswith("pop3d[")]


def find(lines, text):
    found = [verdict for verdict, line in lines if text in line]
    assert found, text
    return found


def test_worst_line_is_the_exit_status(host):
    status, lines = check(host)
    words = ["ok", "warning", "error"]
    assert status == max(words.index(verdict) for verdict, _ in lines)
    # who is not root cannot check the host
    assert lines[0][0] == "warning"
    assert find(lines, f"PAM service {host.pam}/pop3d") == ["ok"]
    assert find(lines, f"spool {host.mail}") == ["ok"]
    assert "error" not in find(lines, f"state directory {host.state}")


def test_missing_pam_service(host):
    os.unlink(f"{host.pam}/pop3d")
    status, lines = check(host)
    assert status == ERROR
    assert find(lines, "PAM service") == ["error"]


def test_missing_pam_module(host):
    host.put(f"{host.pam}/pop3d", b"#auth required pam_not_this.so\n"
             b"auth  required pam_unheard_of.so x=y.so\n"
             b"-auth required pam_optional_one.so\n")
    status, lines = check(host)
    assert status == ERROR
    assert find(lines, "pam_unheard_of.so is not installed") == ["error"]
    assert len([line for _, line in lines if "is not installed" in line]) == 1


@pytest.mark.parametrize("line", [b"@include common\n", b"auth include common\n",
                                  b"auth substack\tcommon\n"])
def test_pam_services_that_are_included(host, line):
    host.put(f"{host.pam}/pop3d", line)
    status, lines = check(host)
    assert status == ERROR
    assert find(lines, f"{host.pam}/common: No such file") == ["error"]
    host.put(f"{host.pam}/common", line + b"auth [success=1 default=ignore] "
             b"pam_unheard_of.so\n")
    assert "error" in find(check(host)[1],
                           f"{host.pam}/common: pam_unheard_of.so is not")


def test_writable_pam_service(host):
    os.chmod(f"{host.pam}/pop3d", 0o666)
    assert find(check(host)[1], "others may write it") == ["error"]


def test_missing_spool(host):
    os.rename(host.mail, host.mail + ".away")
    assert find(check(host)[1], f"spool {host.mail}") == ["error"]


def test_state_directory_that_others_may_write(host):
    os.chmod(host.state, 0o777)
    assert find(check(host)[1], f"state directory {host.state}") == ["error"]


def test_interrupted_deletions_and_rescued_mail(host):
    os.mkdir(f"{host.state}/thomas")
    for name in "journal", "rescue-20260101T000000.mbox":
        host.put(f"{host.state}/thomas/{name}", b"")
    for lines in check(host)[1], check(host, "thomas")[1]:
        assert find(lines, "an interrupted deletion waits") == ["warning"]
        assert find(lines, "rescue-20260101T000000.mbox: ") == ["warning"]


def test_each_file_that_wants_attention(host):
    names = ["journal.maildir", "journal.damaged-20260101T000000Z",
             "journal.damaged-20260101T000000Z-2",
             "journal.damaged-20260102T000000Z",
             "journal.rescued-20260101T000000Z", "rescue-20260101T000000Z.mbox",
             "rescue-20260102T000000Z.mbox"]
    for user in "thomas", "an[n]a":
        os.mkdir(f"{host.state}/{user}")
        for name in [*names, "index", "lock", "uidvalidity"]:
            host.put(f"{host.state}/{user}/{name}", b"")
    lines = check(host)[1]
    for user in "thomas", "an[n]a":
        for name in names:
            assert find(lines, f"{user}/{name}: ") == ["warning"]
        for name in "index", "lock", "uidvalidity":
            assert not [line for _, line in lines if f"{user}/{name}:" in line]


def test_user_whose_mailbox_is_fine(host):
    host.write(message(1), message(2))
    status, lines = check(host, "thomas")
    assert status == WARNING
    assert [verdict for verdict, _ in lines[1:]] == ["ok"] * (len(lines) - 1)
    assert find(lines, "account thomas: PAM lets it in") == ["ok"]
    assert find(lines, "locks: all of them can be had") == ["ok"]
    assert find(lines, f"{host.mailbox}: 2 messages in ") == ["ok"]
    assert os.listdir(host.state) == []
    assert os.listdir(host.mail) == ["thomas"]


def test_user_without_a_mailbox(host):
    status, lines = check(host, "thomas")
    assert status == WARNING
    assert find(lines, f"mailbox {host.mailbox}: there is none") == ["ok"]


def symlink(host):
    os.rename(host.mailbox, host.mailbox + ".real")
    os.symlink("thomas.real", host.mailbox)


def second_name(host):
    os.link(host.mailbox, host.mailbox + ".2")


def no_mbox(host):
    host.put(host.mailbox, b"To be, or not to be\n")


def no_right(host):
    os.chmod(host.mailbox, 0)


@pytest.mark.parametrize("spoil, says", [
    (symlink, "not a regular file"), (second_name, "it has 2 names"),
    (no_mbox, "does not begin with a From_ line"),
    (no_right, "the user cannot open it")])
def test_user_whose_mailbox_is_refused(host, spoil, says):
    host.write(message(1))
    spoil(host)
    status, lines = check(host, "thomas")
    assert status == ERROR
    assert find(lines, says) == ["error"]


def test_mailbox_that_cannot_be_written(host):
    host.write(message(1))
    os.chmod(host.mailbox, 0o400)
    lines = check(host, "thomas")[1]
    assert find(lines, "nothing can be deleted") == ["warning"]


def test_locked_mailbox(host):
    host.write(message(1))
    host.put(host.mailbox + ".lock", b"%d\n" % os.getpid())
    lines = check(host, "thomas")[1]
    assert find(lines, "another program holds one") == ["warning"]


def test_user_whom_pam_does_not_know(host):
    assert find(check(host, "nobody-of-that-name")[1],
                "PAM says") == ["error"]


def test_only_one_user(host):
    assert host.run("--check", "thomas", "anna")[0] == 64
    assert host.run("thomas")[0] == 64


# ---- certificates, secrets

def test_certificate(host):
    options = tls.install(host)
    assert find(check(host, *options)[1],
                "days left, for localhost") == ["ok"]
    os.chmod(f"{host.top}/tls.key", 0o640)
    assert find(check(host, *options)[1], f"key {host.top}/tls.key: others "
                "than its owner may read") == ["warning"]


@pytest.mark.parametrize("days, names, verdict, text", [
    ("3", True, "warning", "is its renewal at work?"),
    ("-1", True, "error", "expired"), ("30", False, "warning", "names no host")])
def test_certificate_that_clients_will_not_trust(host, days, names, verdict,
                                                 text):
    cert, key = tls.make_certificate("ec", "localhost", days, names)
    options = tls.install(host, cert=cert, key=key)
    assert find(check(host, *options)[1], text) == [verdict]


def der(pem, what):
    return tls.openssl(what, "-outform", "DER", input=pem)


def locked(key):
    return tls.openssl("pkey", "-aes128", "-passout", "pass:x", input=key)


RSA, EC = (tls.certificate(kind) for kind in ("rsa", "ec"))


@pytest.mark.parametrize("cert, key, says", [
    (EC[0], RSA[1], "tls.key: it is not the key of the certificate "),
    (tls.certificate("rsa", "another")[0], RSA[1],
     "tls.key: it is not the key of the certificate "),
    (RSA[0], locked(RSA[1]), "tls.key: the key has a passphrase"),
    (der(RSA[0], "x509"), RSA[1], "tls.crt: not PEM"),
    (RSA[0], der(RSA[1], "pkey"), "tls.key: not PEM"),
    (RSA[1], RSA[0], "tls.crt: this is a key"),
    (RSA[0], RSA[0], "tls.key: this is a certificate"),
    (b"", RSA[1], "tls.crt: the file is empty"),
    (EC[0] + RSA[0], RSA[1], "tls.key: it fits a certificate that is not the "
     "first in "),
    (tls.certificate("rsa", "another")[0] + RSA[0], RSA[1],
     "tls.key: it fits a certificate that is not the first in ")])
def test_certificate_that_cannot_work(host, cert, key, says):
    options = tls.install(host)
    for name, data in ("tls.crt", cert), ("tls.key", key):
        host.put(f"{host.top}/{name}", data)
    status, lines = check(host, *options)
    assert status == ERROR
    assert find(lines, f"certificate: {host.top}/{says}") == ["error"]
    with host.connect(*options) as s:  # a session's log says the same
        s.ok("QUIT")
    assert f"TLS: {host.top}/{says}" in s.log()


def test_chain_that_ends_too_early(host):
    leaf, middle, key = tls.make_chain("localhost")
    says = "its chain ends too early: it lacks the one of "
    for cert, issuer in (leaf, "the middle"), (leaf + middle, "the root"):
        options = tls.install(host, cert=cert, key=key)
        lines = check(host, *options)[1]
        assert find(lines, f"{says}/CN={issuer} of localhost") == ["warning"]
    assert not [line for _, line in check(host, *tls.install(host))[1]
                if says in line]


def test_certificate_for_another_host(host):
    cert, key = tls.make_certificate("ec", "pop.example.invalid")
    lines = check(host, *tls.install(host, cert=cert, key=key))[1]
    assert find(lines, "it is for pop.example.invalid; this host is "
                f"{socket.gethostname()}") == ["warning"]


def test_certificate_for_this_host_by_its_name(host):
    cert, key = tls.make_certificate("ec", socket.gethostname())
    lines = check(host, *tls.install(host, cert=cert, key=key))[1]
    assert not [line for _, line in lines if "this host is" in line]


def test_certificate_and_key_that_do_not_fit(host):
    options = tls.install(host, key=tls.certificate("ec")[1])
    status, lines = check(host, *options)
    assert status == ERROR
    assert find(lines, f"certificate: {host.top}/tls.key: ") == ["error"]


def test_key_that_cannot_be_read(host):
    options = tls.install(host)
    os.unlink(f"{host.top}/tls.key")
    lines = check(host, *options)[1]
    assert find(lines, f"{host.top}/tls.key: No such file") == ["error"]


def test_no_certificate(host):
    assert find(check(host)[1], "no TLS: put") == ["warning"]
    for mode in "starttls", "implicit":
        assert find(check(host, f"--tls={mode}")[1], "no TLS: put") == [
            "error"]


def test_plaintext_for_all(host):
    assert find(check(host, "--plaintext=always")[1],
                "reads their passwords") == ["warning"]


def test_secrets(host):
    option = sasl.set_secret(host, "thomas", "tanstaaf")
    assert find(check(host, option)[1], "for SCRAM and APOP") == ["ok"]
    os.chmod(sasl.secrets_file(host), 0o644)
    assert find(check(host, option)[1], "secrets ") == ["error"]
    os.unlink(sasl.secrets_file(host))
    assert find(check(host, option)[1], "neither SCRAM nor APOP") == ["ok"]
