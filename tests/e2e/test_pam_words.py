"""What PAM says of an account: in the client's words, and PAM's in the log."""
import hashlib

import pytest
import sasl
from pop3 import message

EXPIRED = "-ERR [AUTH] Your password has expired; ..."
WRONG = "-ERR [AUTH] Wrong name or password."
NO_ACCESS = "-ERR [AUTH] This account may not log in."


def pam(host, auth=None, acct=None):
    """
    pam_debug answers in place of pam_matrix, where it is told to; and says as a
    message for the user what it was told.
    """
    kept = [line for line in
            open(f"{host.pam}/pop3d", encoding="ascii").readlines()
            if not (auth and line.startswith("auth")
                    or acct and line.startswith("account"))]
    if auth:
        kept.append(f"auth required pam_debug.so auth={auth}\n")
    if acct:
        kept.append(f"account required pam_debug.so acct={acct}\n")
    host.put(f"{host.pam}/pop3d", "".join(kept).encode())


def refusal(host, says, word="secret"):
    """The log of a login that is refused so."""
    with host.connect() as s:
        s.ok("USER thomas")
        s.err(f"PASS {word}", says)
        return s.log()


@pytest.mark.parametrize("acct, says, words", [
    ("new_authtok_reqd", EXPIRED,
     "the password has expired (PAM: Authentication token is no longer "
     "valid; new one required"),
    ("authtok_expired", EXPIRED,
     "the password has expired (PAM: Authentication token expired"),
    ("acct_expired", NO_ACCESS,
     "the account may not log in (PAM: User account has expired"),
    ("perm_denied", NO_ACCESS,
     "the account may not log in (PAM: Permission denied")])
def test_right_password_of_an_account_that_is_refused(host, acct, says, words):
    pam(host, acct=acct)
    assert f"login failed: {words}: acct={acct})\n" in refusal(host, says)


@pytest.mark.parametrize("acct", ["new_authtok_reqd", "authtok_expired",
                                  "acct_expired", "perm_denied"])
def test_wrong_password_hears_nothing_of_the_account(host, acct):
    pam(host, acct=acct)
    assert ("login failed: wrong name or password (PAM: "
            in refusal(host, WRONG, "wrong"))


@pytest.mark.parametrize("auth, words", [
    ("authtok_expired", "Authentication token expired"),
    ("new_authtok_reqd", "Authentication token is no longer valid; new one "
     "required"),
    ("acct_expired", "User account has expired"),
    ("cred_expired", "User credentials expired"),
    ("user_unknown", "User not known to the underlying authentication module"),
    ("maxtries", "Have exhausted maximum number of retries for service")])
def test_what_pam_says_before_it_has_seen_a_right_password(host, auth, words):
    """A module may know that a password has expired, and not which it was."""
    pam(host, auth=auth)
    assert (f"login failed: wrong name or password (PAM: {words}: auth={auth})"
            in refusal(host, WRONG))


def test_proof_of_a_secret_is_a_right_password(host):
    option = sasl.set_secret(host, "thomas", "tanstaaf", "--apop")
    pam(host, acct="new_authtok_reqd")
    with host.start(option) as s:
        stamp = s.expect("+OK ...").split()[-1]
        for password, says in ("wrong", WRONG), ("tanstaaf", EXPIRED):
            digest = hashlib.md5((stamp + password).encode()).hexdigest()
            s.err(f"APOP thomas {digest}", says)


def test_who_is_let_in_hears_nothing(host):
    host.write(message(1))
    with host.login() as s:
        s.ok("QUIT")
    assert b"PAM" not in host.log()
