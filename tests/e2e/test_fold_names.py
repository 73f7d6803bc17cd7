"""--fold-names: a login name as phones write it, with a capital."""
import hashlib
import os

import pytest
import sasl
from pop3 import message

REFUSED = "-ERR [AUTH] ..."
FOLD = "--fold-names"
SPELLINGS = ["Thomas", "THOMAS", "tHoMaS"]


def by_pass(s, name, greeting):
    s.ok(f"USER {name}", f"+OK Password required for {name}.")
    s.send("PASS secret")


def by_plain(s, name, greeting):
    s.send(f"AUTH PLAIN {sasl.plain(name, 'secret')}")


def by_login(s, name, greeting):
    s.send(f"AUTH LOGIN {sasl.b64(name)}")
    s.expect("+ ...")
    s.send(sasl.b64("secret"))


def by_apop(s, name, greeting):
    digest = hashlib.md5((greeting.split()[-1] + "tanstaaf").encode())
    s.send(f"APOP {name} {digest.hexdigest()}")


def by_scram(s, name, greeting):
    sasl.Scram(name, "tanstaaf").login(s)


def by_token(s, name, greeting):
    s.send(f"AUTH OAUTHBEARER {sasl.bearer(name, 'token')}")


WAYS = [by_pass, by_plain, by_login, by_apop, by_scram, by_token]


@pytest.mark.parametrize("way", WAYS)
def test_capitals_do_not_matter_by_any_way_in(host, way):
    host.write(message(1), message(2))
    secrets = sasl.set_secret(host, "thomas", "tanstaaf", "--apop")
    sasl.allow_tokens(host, thomas="token")
    for name in "Thomas", "THOMAS":
        with host.start(secrets, FOLD) as s:
            way(s, name, s.expect("+OK ..."))
            s.expect("+OK thomas has 2 messages...")
            s.ok("QUIT")
            assert " user=thomas " in s.log()
            assert name not in s.log()
    assert os.listdir(host.state) == ["thomas"]


def test_spellings_are_one_maildrop(host):
    host.write(message(1))
    with host.login(FOLD):
        with host.connect(FOLD) as other:
            other.ok("USER Thomas")
            other.err("PASS secret", "-ERR [IN-USE] ...")


def test_capitals_matter_without_it(host):
    host.write(message(1))
    for name in SPELLINGS:
        with host.connect() as s:
            s.ok(f"USER {name}")
            s.err("PASS secret", REFUSED)


def test_other_letters_stay_what_they_are(host):
    """A rule of one locale would be another user in the next."""
    host.account("ärgert_@[`{z", "secret")
    for name, reply in (("ärgert_@[`{Z", "+OK ..."), ("Ärgert_@[`{z", REFUSED)):
        with host.connect(FOLD) as s:
            s.ok(f"USER {name}".encode())
            s.send("PASS secret")
            s.expect(reply)


def test_the_password_is_not_folded(host):
    with host.connect(FOLD) as s:
        s.ok("USER thomas")
        s.err("PASS Secret", REFUSED)


def test_a_secret_is_stored_for_the_name_that_logs_in(host):
    secrets = sasl.set_secret(host, "THOMAS", "tanstaaf", FOLD)
    with host.connect(secrets, FOLD) as s:
        by_scram(s, "Thomas", "")
        s.expect("+OK thomas has ...")
    assert sasl.tool(host, "--remove-secret=thoMAS", FOLD) == (0, "")


def test_check_goes_by_the_folded_name(host):
    process = host.popen(host.command("--check", "Thomas", FOLD), stdout=-1,
                         stderr=-1, text=True)
    assert "account thomas: PAM lets it in" in process.communicate()[0]
