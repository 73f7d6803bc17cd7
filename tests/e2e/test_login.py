"""USER and PASS: who comes in, and what the others are told."""
import os
import re
import time

import pytest
from pop3 import message

REFUSED = "-ERR [AUTH] ..."


def test_a_classic_login(host):
    host.write(message(1), message(2))
    with host.connect() as s:
        s.play("""
            C: USER thomas
            S: +OK Password required for thomas.
            C: PASS secret
            S: +OK thomas has 2 messages (... octets).
            C: QUIT
            S: +OK Pop server at ... signing off.
            S: (closed)
            """)
        assert s.status() == 0


def test_the_greeting_offers_no_apop_without_secrets(host):
    with host.start() as s:
        greeting = s.expect("+OK ...")
        assert "<" not in greeting and len(greeting) <= 510


def test_quit_before_login(host):
    data = host.write(message(1))
    with host.connect() as s:
        s.play("""
            C: QUIT
            S: +OK Pop server at ... signing off.
            S: (closed)
            """)
        assert s.status() == 0
    assert host.read() == data
    assert os.listdir(host.state) == []


def test_pass_needs_a_user_first(host):
    with host.connect() as s:
        s.play("""
            C: PASS secret
            S: -ERR ...
            C: USER
            S: -ERR ...
            C: PASS secret
            S: -ERR ...
            C: USER thomas
            S: +OK ...
            C: PASS secret
            S: +OK thomas has 0 messages (0 octets).
            """)


def test_a_refused_user_forgets_the_one_before(host):
    with host.connect() as s:
        s.play("""
            C: USER thomas
            S: +OK ...
            C: USER
            S: -ERR ...
            C: PASS secret
            S: -ERR ...
            """)


def test_the_last_user_counts(host):
    with host.connect() as s:
        s.play("""
            C: USER nobody-here
            S: +OK ...
            C: USER thomas
            S: +OK ...
            C: PASS secret
            S: +OK thomas has ...
            """)


def test_a_failed_pass_needs_a_new_user(host):
    with host.connect() as s:
        s.play("""
            C: USER thomas
            S: +OK ...
            C: PASS wrong
            S: -ERR [AUTH] ...
            C: PASS secret
            S: -ERR ...
            C: USER thomas
            S: +OK ...
            C: PASS secret
            S: +OK thomas has ...
            """)


def test_pass_out_of_turn_is_no_login_failure(host):
    with host.connect() as s:
        for _ in range(5):
            s.err("PASS secret")
        s.ok("USER thomas")
        s.ok("PASS secret")


def test_blanks_belong_to_the_password(host):
    host.account("thomas", "two  words and more")
    with host.connect() as s:
        s.play("""
            C: USER thomas
            S: +OK ...
            C: PASS two  words and more
            S: +OK thomas has ...
            """)


def test_a_blank_too_many_makes_a_password_wrong(host):
    sessions = [host.connect() for _ in range(3)]
    for s, word in zip(sessions, (" secret", "secret ", "sec ret")):
        s.ok("USER thomas")
        s.send(f"PASS {word}")
    for s in sessions:
        s.expect(REFUSED)


@pytest.mark.parametrize("word", ["pässwört", "x" * 240, "%s%n%d", "a\\b\"'",
                                  "QUIT", "\x7f\x01"])
def test_passwords_of_all_sorts(host, word):
    host.account("thomas", word)
    with host.login() as s:
        s.ok("QUIT")


def test_a_password_may_not_be_empty(host):
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS")
        s.ok("USER thomas")
        s.send("PASS ")
        s.expect("-ERR ...")


def test_a_nul_does_not_end_a_password(host):
    with host.connect() as s:
        s.ok("USER thomas")
        s.err(b"PASS secret\0")
    with host.connect() as s:
        s.ok("USER thomas")
        s.err(b"PASS secret\0and more")


def test_a_nul_does_not_end_a_name(host):
    with host.connect() as s:
        line = s.reply(b"USER thomas\0x")
        assert line.startswith(("+OK", "-ERR"))
        s.err("PASS secret")


@pytest.mark.slow
def test_the_third_failure_ends_the_connection(host):
    with host.connect() as s:
        for _ in range(3):
            s.ok("USER thomas")
            start = time.monotonic()
            s.err("PASS wrong", REFUSED)
            assert time.monotonic() - start > 1
        s.closed()
        s.status()


@pytest.mark.slow
def test_two_failures_do_not(host):
    with host.connect() as s:
        for _ in range(2):
            s.ok("USER thomas")
            s.err("PASS wrong", REFUSED)
        s.ok("USER thomas")
        s.ok("PASS secret")


@pytest.mark.slow
def test_pipelined_guesses_are_delayed_and_cut_off(host):
    with host.start() as s:
        start = time.monotonic()
        out = s.exchange(b"USER thomas\r\nPASS wrong\r\n" * 3 +
                         b"USER thomas\r\nPASS secret\r\nSTAT\r\n")
        assert time.monotonic() - start > 3
    assert b"thomas has" not in out
    assert out.count(b"-ERR [AUTH]") == 3


HOSTILE = [b"..", b".", b"../thomas", b"a/b", b"/etc/passwd", b"thomas/",
           b"./thomas", b"a\x01b", b"tab\tbed", b"del\x7f", b"\x1b[2J",
           b"a\rb", b"nul\0", b"\xff\xfe", b"%s%n%u", b"n" * 248, b"root",
           b"daemon", b"-h", b"thomas:secret", b"*"]
# where pam_matrix would let them in, pop3d must not
TRAPS = [b"..", b".", b"../thomas", b"a/b", b"/etc/passwd", b"thomas/",
         b"./thomas", b"a\x01b", b"tab\tbed", b"\x1b[2J", b"root", b"daemon"]


def test_bad_names_are_refused_like_a_wrong_password(host):
    host.write(message(1))
    os.mkdir(os.path.join(host.mail, "a"))
    for name in ("b", "../passwd"):
        host.put(os.path.join(host.mail, "a", os.path.basename(name)),
                 message(1))
    for name in TRAPS:
        host.account(name.decode(), "secret")

    def attempt(name, word):
        """A session that waits for its answer; None if USER is refused."""
        s = host.connect()
        if not s.reply(b"USER " + name).startswith("+OK"):
            s.ok("QUIT")  # a syntax error tells nothing about who exists
            return None
        s.send(b"PASS " + word)
        return s

    waiting = {name: attempt(name, b"secret") for name in HOSTILE}
    waiting[b"thomas"] = attempt(b"thomas", b"wrong")
    waiting[b"unknown"] = attempt(b"unknown", b"wrong")
    assert waiting[b"thomas"] and waiting[b"unknown"] and waiting[b".."] \
        and waiting[b"root"], "these names have the right syntax"
    answers = {name: s.expect("-ERR [AUTH] ...")
               for name, s in waiting.items() if s is not None}
    assert len(set(answers.values())) == 1, answers
    assert os.listdir(host.state) == []


def test_unknown_user_and_wrong_password_take_the_same_time(host):
    def start(name):
        s = host.connect()
        s.ok(f"USER {name}")
        s.send("PASS wrong")
        return s, time.monotonic()

    # at a fixed time after the question, long after all has been found out
    for s, began in [start(name) for name in ("thomas", "unknown", "../x",
                                              "root")]:
        s.expect(REFUSED)
        assert time.monotonic() - began > 2.4


def test_user_does_not_tell_who_exists(host):
    with host.connect() as s:
        s.ok("USER thomas", "+OK Password required for thomas.")
        s.ok("USER unknown", "+OK Password required for unknown.")


def test_a_broken_pam_setup_is_not_the_clients_fault(host):
    host.put(os.path.join(host.pam, "pop3d"),
             b"".join(b"%s required /nowhere/pam_none.so\n" % kind
                      for kind in (b"auth", b"account", b"session")))
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/...")


def test_a_missing_pam_service_is_not_the_clients_fault(host):
    # libpam forgets to free something where pam_start fails
    with host.connect(f"--pam-confdir={host.top}/nowhere",
                      env={"ASAN_OPTIONS": "detect_leaks=0"}) as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/...")


def test_an_account_that_pam_refuses(host):
    module = open(os.path.join(host.pam, "pop3d")).readline().split()[2]
    host.put(os.path.join(host.pam, "pop3d"),
             f"auth required {module} passdb={host.passdb}\n"
             "account required pam_deny.so\n"
             f"session required {module} passdb={host.passdb}\n".encode())
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [AUTH] ...")


def test_a_pam_session_that_does_not_open_is_no_login(host):
    text = open(os.path.join(host.pam, "pop3d")).read()
    host.put(os.path.join(host.pam, "pop3d"),
             re.sub(r"session.*", "session required pam_deny.so",
                    text).encode())
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR ...")


def test_another_pam_service(host):
    os.rename(os.path.join(host.pam, "pop3d"), os.path.join(host.pam, "mail"))
    host.put(host.passdb, b"thomas:secret:mail\n")
    with host.login("--pam-service=mail") as s:
        s.ok("QUIT")


def test_two_users_have_two_mailboxes(host):
    host.account("anna", "hers")
    host.write(message(1))
    host.put(os.path.join(host.mail, "anna"), message(1) + message(2))
    with host.login() as one, host.login(user="anna") as two:
        assert one.stat()[0] == 1
        assert two.stat()[0] == 2


# ---- a login whose maildrop cannot be had (RFC 1939 section 4)

def test_after_in_use_the_client_may_log_in_again(host):
    host.write(message(1))
    host.account("other", "secret too")
    host.put(os.path.join(host.mail, "other"), message(2) + message(3))
    with host.login() as first:
        with host.connect() as second:
            second.ok("USER thomas")
            second.err("PASS secret", "-ERR [IN-USE] ...")
            second.err("STAT")
            second.ok("CAPA")
            second.hear_text()
            second.ok("USER other")
            second.ok("PASS secret too", "+OK other has 2 messages ...")
            second.ok("QUIT")
        first.ok("QUIT")


def test_what_was_sent_ahead_of_in_use_is_answered_in_turn(host):
    host.write(message(1))
    with host.login() as first:
        with host.connect() as second:
            second.write(b"USER thomas\r\nPASS secret\r\nSTAT\r\nDELE 1\r\n"
                         b"USER thomas\r\nPASS secret\r\nQUIT\r\n")
            second.play("""
                S: +OK Password required for thomas.
                S: -ERR [IN-USE] ...
                S: -ERR STAT ...
                S: -ERR DELE ...
                S: +OK Password required for thomas.
                S: -ERR [IN-USE] ...
                S: +OK Pop server at ...
                S: (closed)""")
        first.ok("STAT", "+OK 1 ...")


def test_refusals_count_as_tries(host):
    host.write(message(1))
    with host.login():
        with host.connect() as second:
            for _ in range(3):
                second.ok("USER thomas")
                second.err("PASS secret", "-ERR [IN-USE] ...")
            second.ok("USER thomas")
            second.err("PASS secret", "-ERR [AUTH] ...")
            second.closed()


def test_pam_is_loaded_for_a_login_and_not_before(host):
    with host.connect(env={"LD_DEBUG": "files"}) as s:
        assert b"file=libpam" not in host.log()
        s.ok("USER thomas")
        s.ok("PASS secret")
        assert b"file=libpam.so.0" in host.log()
