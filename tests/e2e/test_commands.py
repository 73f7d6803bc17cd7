"""What may be said when, and what is too much, too little or no command."""
import pytest
from pop3 import message

STORES = ("mbox", "maildir")

NOT_A_NUMBER = ["x", "+1", "-1", "1x", "0x1", "1.0", "0", "3",
                "99999999999999999999", "4294967297", "18446744073709551617"]

# command: what must be -ERR in TRANSACTION; what must be +OK there
TRANSACTION = {
    "STAT": (["1", "x"], [""]),
    "LIST": (["1 2", "x 1"] + NOT_A_NUMBER, ["", "1", "2"]),
    "UIDL": (["1 2", "x 1"] + NOT_A_NUMBER, ["", "1", "2"]),
    "RETR": (["", "1 2"] + NOT_A_NUMBER, ["1", "2"]),
    "DELE": (["", "1 2"] + NOT_A_NUMBER, ["1", "2"]),
    "TOP": (["", "1", "1 0 0", "1 x", "1 -1", "1 +1", "1 1x"] +
            [n + " 0" for n in NOT_A_NUMBER],
            ["1 0", "2 1", "1 4294967297"]),
    "NOOP": (["1"], [""]),
    "RSET": (["1"], [""]),
    "LAST": (["1"], [""]),
    "CAPA": (["1"], [""]),
    "USER": (["", "thomas", "thomas x"], []),
    "PASS": (["", "secret"], []),
    "APOP": (["", "thomas c4c9334bac560ecc979e58001b3e22fb"], []),
    "STLS": ([""], []),
    "XYZZY": (["", "1"], []),
    "QUIT": (["1"], [""]),
}
AUTHORIZATION = {
    "USER": ([""], ["thomas", "thomas x"]),
    "PASS": (["", "secret"], []),
    "CAPA": (["1"], [""]),
    "QUIT": (["1"], [""]),
    "APOP": (["", "thomas", "thomas c4c9334bac560ecc979e58001b3e22fb"], []),
    "XYZZY": (["", "1"], []),
    "STAT": (["", "1"], []),
    "LIST": (["", "1"], []),
    "UIDL": (["", "1"], []),
    "RETR": (["", "1"], []),
    "DELE": (["", "1"], []),
    "TOP": (["", "1 0"], []),
    "NOOP": ([""], []),
    "RSET": ([""], []),
    "LAST": ([""], []),
}
MULTI_LINE = {"LIST", "UIDL", "RETR", "TOP", "CAPA"}


def multi_line(command, argument):
    return command in ("RETR", "TOP", "CAPA") or (
        command in ("LIST", "UIDL") and argument == "")


def check(session, table, command):
    wrong, right = table[command]
    for count, argument in enumerate(wrong):
        session.err(f"{command} {argument}".rstrip())
        if count % 4 == 3:  # ten unknown commands in a row would be the end
            session.ok("CAPA")
            session.hear_text()
    for argument in right:
        session.ok(f"{command} {argument}".rstrip())
        if multi_line(command, argument):
            session.hear_text()
    if command != "QUIT":
        session.ok("QUIT")
    session.closed()


@pytest.mark.parametrize("command", TRANSACTION)
def test_after_login(host, command):
    data = host.write(message(1), message(2))
    with host.login() as s:
        check(s, TRANSACTION, command)
        assert s.status() == 0
    assert host.read() == (b"" if command == "DELE" else data)


@pytest.mark.parametrize("command", AUTHORIZATION)
def test_before_login(host, command):
    with host.connect() as s:
        check(s, AUTHORIZATION, command)
        assert s.status() == 0


def test_errors_say_what_is_wrong(host):
    host.write(message(1), message(2))
    with host.login() as s:
        told = {command: s.err(command) for command in
                ("XYZZY", "RETR", "RETR 1 2", "RETR x", "RETR 3", "USER a")}
    for command, text in told.items():
        assert len(text) > len("-ERR xxxx"), (command, text)
    # no such command, no such message, not a number, too few and too many
    assert len({told["XYZZY"], told["RETR"], told["RETR 3"]}) == 3


def test_commands_in_any_case(host):
    host.write(message(1))
    with host.connect() as s:
        s.play("""
            C: uSeR thomas
            S: +OK Password required for thomas.
            C: pass secret
            S: +OK thomas has 1 message...
            C: stat
            S: +OK 1 ...
            C: dElE 1
            S: +OK Message 1 has been deleted.
            C: rset
            S: +OK ...
            C: Quit
            S: +OK ...
            S: (closed)
            """)


def test_names_keep_their_case(host):
    with host.connect() as s:
        s.ok("USER Thomas", "+OK Password required for Thomas.")


@pytest.mark.parametrize("name, told", [
    (b"a\rb", "a?b"), (b"\x1b[2J", "?[2J"), (b"a\x7f", "a?"),
    ("j\u00fcrgen".encode(), "j??rgen")])
def test_replies_tell_names_in_printable_ascii(host, name, told):
    with host.connect() as s:
        s.ok(b"USER " + name, f"+OK Password required for {told}.")


def test_a_login_is_told_in_printable_ascii_too(host):
    host.account("j\u00fcrgen", "secret")
    with host.login(user="j\u00fcrgen") as s:
        s.ok("QUIT")
    assert "S: +OK j??rgen has 0 messages (0 octets)." in \
        "\n".join(host.transcript)


def test_a_lone_lf_ends_a_command(host):
    host.write(message(1))
    with host.connect() as s:
        for line in b"USER thomas\n", b"PASS secret\n", b"STAT\n":
            s.write(line)
            s.expect("+OK ...")
        s.write(b"NOOP\nNOOP\r\nQUIT\n")
        s.play("""
            S: +OK...
            S: +OK...
            S: +OK ...
            S: (closed)
            """)


def test_an_empty_line_is_a_wrong_command(host):
    with host.login() as s:
        s.err("")
        s.ok("NOOP")


@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize("size", [256, 257, 4096, 4097, 8192, 1_000_000])
def test_a_line_over_255_octets_gets_one_error_and_the_session_goes_on(
        host, login, size):
    with host.login() if login else host.connect() as s:
        # a command at a buffer's boundary inside the long line is no command
        s.write((b"CAPA " * size)[:size - 2] + b"\r\n")
        s.expect("-ERR ...")
        s.ok("QUIT")
        s.closed()


def test_long_lines_one_after_another_get_one_error_each(host):
    with host.login() as s:
        s.write((b"x" * 300 + b"\r\n") * 3 + b"NOOP\r\n")
        for _ in range(3):
            s.expect("-ERR ...")
        s.expect("+OK...")


def test_a_line_of_255_octets_is_a_command(host):
    name = "n" * (255 - len("USER \r\n"))
    with host.connect() as s:
        s.ok(f"USER {name}", f"+OK Password required for {name}.")
        s.err(f"USER {name}n")
        s.ok("QUIT")


def test_first_lines_of_replies_have_at_most_512_octets(host):
    host.write(message(1))
    with host.connect() as s:
        longest = "n" * 248
        for command in (f"USER {longest}", "X" * 253, "RETR " + "9" * 248,
                        "\x01" * 253, "%s%n" * 60):
            assert len(s.reply(command)) <= 510
    with host.login() as s:
        for command in ("X" * 253, "RETR " + "9" * 248, "TOP 1 " + "x" * 240):
            assert len(s.reply(command)) <= 510


@pytest.mark.parametrize("line", [
    b"ST\0AT", b"STAT\0", b"\0STAT", b"STAT\0 1", b"LIST 1\0", b"LIST \x001",
    b"DELE 1\0", b"DELE 1\0 ", b"RETR 1\0\0", b"QUIT\0", b"NOOP\0\r", b"\0"])
def test_a_nul_makes_a_line_wrong(host, line):
    data = host.write(message(1))
    with host.login() as s:
        s.err(line)
        s.ok("STAT", "+OK 1 ...")
        s.ok("QUIT")
    assert host.read() == data


def test_commands_of_8_bit_and_control_characters_are_wrong(host):
    with host.login() as s:
        for line in (b"\xff\xfe\xfd", b"ST\xc1T", b"NO\tOP", b"\x7f",
                     b"\x1b[2J", b"NOOP\r"):
            s.err(line)
        s.ok("NOOP")


@pytest.mark.parametrize("login", [False, True])
def test_ten_unknown_commands_in_a_row_end_the_connection(host, login):
    data = host.write(message(1), message(2))
    with host.login() if login else host.connect() as s:
        if login:
            s.ok("DELE 1")
        for _ in range(10):
            s.err("XYZZY")
        s.closed()
    assert host.read() == data


@pytest.mark.parametrize("login", [False, True])
def test_nine_unknown_commands_in_a_row_do_not(host, login):
    with host.login() if login else host.connect() as s:
        for _ in range(2):
            for _ in range(9):
                s.err("XYZZY")
            s.ok("CAPA")
            s.hear_text()
        s.ok("QUIT")


def test_ten_unknown_commands_are_counted_across_the_greeters_end(host):
    with host.connect() as s:
        for _ in range(9):
            s.err("XYZZY")
        s.ok("USER thomas")
        s.ok("PASS secret")
        for _ in range(9):
            s.err("XYZZY")
        s.ok("NOOP")


WHOLE = (b"CAPA\r\nUSER thomas\r\nPASS secret\r\nSTAT\r\nLIST\r\nUIDL\r\n"
         b"LIST 1\r\nTOP 1 0\r\nRETR 2\r\nDELE 1\r\nRSET\r\nNOOP\r\nLAST\r\n"
         b"DELE 1\r\nXYZZY\r\nCAPA\r\nQUIT\r\n")
SHAPE = [b"+OK", b"+OK", b"+OK Password required for thomas.",
         b"+OK thomas has 2 messages", b"+OK 2 ", b"+OK 2 messages", b"+OK",
         b"+OK 1 ", b"+OK", b"+OK", b"+OK Message 1 has been deleted.",
         b"+OK Maildrop has 2 messages", b"+OK", b"+OK 0",
         b"+OK Message 1 has been deleted.", b"-ERR", b"+OK",
         b"+OK Pop server at "]


def statuses(out):
    """The first lines of replies; the messages here have no such lines."""
    return [line for line in out.split(b"\r\n")
            if line.startswith((b"+OK", b"-ERR"))]


@pytest.mark.parametrize("transport", ["socketpair", "pipes", "tcp",
                                       "listen-fds"])
def test_a_whole_session_in_one_write(host, transport):
    host.write(message(1), message(2))
    with host.start(transport=transport) as s:
        out = s.exchange(WHOLE)
        got = statuses(out)
        assert len(got) == len(SHAPE), got
        for line, begin in zip(got, SHAPE):
            assert line.startswith(begin), (line, begin)
        assert out.endswith(b"signing off.\r\n")
        # the greeting, and what each side of the login has to say
        assert s.chunks <= 4
        assert s.status() == 0
    assert host.read() == message(2)


def test_a_whole_session_a_byte_at_a_time(host):
    host.write(message(1), message(2))
    with host.connect(transport="tcp") as s:
        for at in range(len(WHOLE)):
            s.write(WHOLE[at:at + 1])
        assert len(statuses(s.exchange(b""))) == len(SHAPE) - 1
    assert host.read() == message(2)


@pytest.mark.parametrize("cut", range(1, len(b"USER thomas\r\nPASS secret\r\n"
                                             b"STAT\r\nQUIT\r\n")))
def test_a_session_in_two_writes_cut_anywhere(host, cut):
    host.write(message(1))
    session = b"USER thomas\r\nPASS secret\r\nSTAT\r\nQUIT\r\n"
    with host.connect() as s:
        s.write(session[:cut])
        out = s.exchange(session[cut:])
        assert len(statuses(out)) == 4 and b"-ERR" not in out


def test_what_is_pipelined_behind_a_login_outlives_a_full_buffer(host):
    host.write(message(1))
    noops = 20_000
    with host.start() as s:
        out = s.exchange(b"USER thomas\r\nPASS secret\r\n" +
                         b"NOOP\r\n" * noops + b"STAT\r\nQUIT\r\n")
    assert len(statuses(out)) == noops + 5
    assert b"-ERR" not in out


def test_many_replies_before_the_login_arrive_once_and_in_order(host):
    host.write(message(1))
    with host.start() as s:
        users = b"".join(b"USER user%d\r\n" % n for n in range(3000))
        out = s.exchange(users + b"USER thomas\r\nPASS secret\r\nQUIT\r\n")
    lines = out.split(b"\r\n")
    assert lines[1:3001] == [b"+OK Password required for user%d." % n
                             for n in range(3000)]
    assert lines[3002].startswith(b"+OK thomas has 1 message")


def test_a_pipelined_batch_is_answered_in_few_writes(host):
    host.write(message(1))
    with host.login(transport="tcp") as s:
        s.chunks = 0
        s.write(b"NOOP\r\n" * 500)
        for _ in range(500):
            s.expect("+OK...")
        assert s.chunks <= 3


def test_what_follows_quit_is_not_looked_at(host):
    data = host.write(message(1))
    with host.login() as s:
        out = s.exchange(b"QUIT\r\nDELE 1\r\nNOOP\r\nQUIT\r\n")
        assert len(statuses(out)) == 1
    assert host.read() == data
