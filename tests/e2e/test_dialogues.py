"""
What clients send, and what must come back: the files in dialogues/, each the
shape of one client's dialogue. dialogues/README tells how they are written.
"""
import hashlib
import pathlib
import re
import string

import pytest
import sasl
import tls
from pop3 import message

HERE = pathlib.Path(__file__).parent / "dialogues"
FILES = sorted(HERE.glob("*.txt"))
TOKEN = "ya29.token"

# who is to have one: the clients of tests/clients, and those without a program
# that a test could start
CLIENTS = ["android-email", "claws-mail", "curl", "fetchmail",
           "fetchmail-fastuidl", "fetchmail-last", "getmail", "gmail-fetcher",
           "ios-mail", "javamail", "k9", "mailkit", "mpop", "mutt", "neomutt",
           "node-pop3", "outlook-classic", "perl-net-pop3", "python-poplib",
           "ruby-net-pop", "sylpheed", "thunderbird"]


def matches(pattern, line):
    shape = ".*".join(map(re.escape, pattern.split("...")))
    return re.fullmatch(shape, line, re.DOTALL) is not None


class Player:
    """Carries a dialogue's lines out, one after the other."""

    def __init__(self, host):
        self.host = host
        self.options = []
        self.session = None
        self.greeting = ""
        self.pending = []  # what leaves in one write
        self.mailbox = "3"
        self.left = None

    def words(self):
        stamp = re.search("<.*>", self.greeting)
        return {"plain": sasl.plain("thomas", "secret"),
                "name64": sasl.b64("thomas"),
                "password64": sasl.b64("secret"),
                "bearer": sasl.bearer("thomas", TOKEN),
                "xoauth2": sasl.xoauth2("thomas", TOKEN),
                "apop": hashlib.md5((stamp[0] + "secret").encode())
                .hexdigest() if stamp else ""}

    def set_up(self, what):
        if what == "apop":
            self.options.append(
                sasl.set_secret(self.host, "thomas", "secret", "--apop"))
        elif what == "tls":
            self.options += tls.install(self.host)
        else:
            assert what == "tokens"
            sasl.allow_tokens(self.host, thomas=TOKEN)

    def begin(self):
        if self.mailbox is not None:
            self.host.write(*(message(n) for n in
                              range(1, int(self.mailbox) + 1)))
            self.all = range(1, int(self.mailbox) + 1)
            self.mailbox = None
        self.session = self.host.start(*self.options)
        self.greeting = ""

    def flush(self):
        if self.pending:
            for line in self.pending:
                self.session.note("C", line)
            self.session.write(b"".join(line + b"\r\n"
                                        for line in self.pending))
        self.pending = []

    def say(self, text):
        text = string.Template(text).substitute(self.words())
        text = text.replace("\\s", " ").replace("\\t", "\t")
        self.pending.append(text.encode())

    def hear(self, pattern):
        self.flush()
        line = self.session.expect(pattern)
        self.greeting = self.greeting or line or ""

    def hear_text(self, patterns):
        self.flush()
        lines = self.session.hear_text().decode().split("\r\n")
        for pattern in filter(None, patterns.split(" | ")):
            assert any(matches(pattern, line) for line in lines), \
                (pattern, lines)

    def end_session(self):
        self.flush()
        if self.session is not None:
            self.session.hang_up()
            self.session.status()
        self.session = None

    def check_left(self, numbers):
        self.end_session()
        assert self.host.read() == b"".join(message(n) for n in numbers)
        self.all = numbers

    def carry_out(self, line):
        word, _, rest = line.partition(" ")
        if word == "mailbox":
            self.mailbox = rest
        elif word == "with":
            self.set_up(rest)
        elif word == "--":
            self.end_session()
        elif word == "left":
            self.check_left([int(n) for n in rest.split()])
        else:
            if self.session is None:
                self.begin()
            if word == "TLS":
                self.session.secure(tls.client())
            else:
                {"C:": self.say, "S:": self.hear,
                 "T:": self.hear_text}[word](rest)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_dialogue(host, file):
    player = Player(host)
    for number, line in enumerate(file.read_text().split("\n"), 1):
        host.transcript.append(f"({file.name}:{number})")
        if line and not line.startswith("#"):
            player.carry_out(line)
    player.check_left(player.all)


def test_each_client_has_a_dialogue_that_says_where_it_is_from():
    assert set(CLIENTS) <= {file.stem for file in FILES}
    for file in FILES:
        text = file.read_text()
        assert text.startswith("# ") and "\nC: " in text, file
