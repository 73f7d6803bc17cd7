"""
What mbox files hold that deliverers, mail readers and people have written, what
pop3d shows of it, and what other servers do. test_written.py asks pop3d,
tests/root/test_written.py the others.
"""
import bz2
import gzip
import lzma

FROM = "From a@example.org Wed Dec  2 05:53:22 1992"
A = b"Subject: a\n\none\n"
B = b"Subject: b\n\ntwo\n"


def crlf(text):
    return text.replace(b"\n", b"\r\n")


def from_lines(line):
    """Two messages that begin with this From_ line."""
    if isinstance(line, str):
        line = line.encode()
    return line + b"\n" + A + b"\n" + line + b"\n" + B + b"\n"


F = FROM.encode() + b"\n"
TWO = F + A + b"\n" + F + B + b"\n"

# From_ lines, by what is unusual about them
FROM_LINES = {
    "asctime": FROM,
    "no seconds": "From a@example.org Wed Dec  2 05:53 1992",
    "day of one digit": "From a@example.org Wed Dec 2 05:53:22 1992",
    "day of two digits": "From a@example.org Wed Dec 02 05:53:22 1992",
    "zone name before the year":
        "From a@example.org Wed Dec  2 05:53:22 PST 1992",
    "zone before the year": "From a@example.org Wed Dec  2 05:53 -0700 1992",
    "zone of two words":
        "From a@example.org Wed Dec  2 05:53:22 MET DST 1992",
    "zone name after the year":
        "From a@example.org Wed Dec  2 05:53:22 1992 PST",
    "zone after the year": "From a@example.org Wed Dec  2 05:53:22 1992 -0700",
    "zones before and after":
        "From a@example.org Wed Dec  2 05:53:22 UTC 1992 +0000",
    "remote from":
        "From a Wed Dec  2 05:53:22 1992 remote from uucp.example.org",
    "remote from, no seconds, zone":
        "From host!a Wed Dec  2 05:53 PST 1992 remote from host",
    "quoted sender": 'From "a b"@example.org Wed Dec  2 05:53:22 1992',
    "sender of several words":
        "From A B <a@example.org> Wed Dec  2 05:53:22 1992",
    "sender as archives hide it":
        "From a at example.org Wed Dec  2 05:53:22 1992",
    "sender in UTF-8":
        "From j\u00fcrgen@ex\u00e4mple.org Wed Dec  2 05:53:22 1992",
    "sender -": "From - Wed Dec  2 05:53:22 1992",
    "sender <>": "From <> Wed Dec  2 05:53:22 1992",
    "sender ???@???": "From ???@??? Wed Dec  2 05:53:22 1992",
    "sender named as a day": "From Mon Wed Dec  2 05:53:22 1992",
    "no sender": "From Wed Dec  2 05:53:22 1992",
    "tabs": "From a@example.org\tWed Dec  2 05:53:22 1992",
    "tabs everywhere": "From a@example.org\tWed\tDec\t2\t05:53:22\t1992",
    "blanks at the end": "From a@example.org Wed Dec  2 05:53:22 1992  ",
    "two blanks before the date":
        "From a@example.org  Wed Dec  2 05:53:22 1992",
    "year of two digits": "From a@example.org Wed Dec  2 05:53:22 92",
    "year of two digits, zone":
        "From a@example.org Wed Dec  2 05:53 PST 92",
    "date of RFC 822": "From a@example.org Wed, 2 Dec 1992 05:53:22 -0700",
    "date in another language":
        "From a@example.org Mit Dez  2 05:53:22 1992",
    "hour of one digit": "From a@example.org Wed Dec  2 5:53:22 1992",
}

# what else there is in files, or in their place
FILES = {
    "empty": b"",
    "first line blank": b"\n" + TWO,
    "first lines blank, CRLF": b"\r\n\r\n" + crlf(TWO),
    "nothing but blank lines": b"\n\n",
    "header without a blank line behind it":
        F + b"Subject: a\n" + F + B + b"\n",
    "header only, at the end": F + A + b"\n" + F + b"Subject: b\n",
    "header and a blank line, at the end":
        F + A + b"\n" + F + b"Subject: b\n\n",
    "From_ line only": F + b"\n" + F + B + b"\n",
    "no blank line between messages": F + A + F + B,
    "several blank lines between messages":
        F + A + b"\n\n\n" + F + B + b"\n",
    "no newline at the end": F + A + b"\n" + F + B[:-1],
    "CRLF": crlf(TWO),
    "mixed ends": F + crlf(A) + b"\n" + crlf(F) + B + b"\r\n",
    "NULs in a body":
        F + b"Subject: a\n\no\0n\0e\n\n" + F + B + b"\n",
    "NULs in a header":
        F + b"Subject: a\0a\n\none\n\n" + F + B + b"\n",
    "NULs after a crash, at the end": TWO + b"\0" * 64,
    "NULs after a crash, then mail":
        F + A + b"\n" + b"\0" * 64 + b"\n\n" + F + B + b"\n",
    "NULs at the beginning": b"\0" * 64 + TWO,
    "quoted From": F + b"Subject: a\n\n>From here\n\n" + F + B + b"\n",
    "From in a text":
        F + b"Subject: a\n\nx\n\nFrom here on\n\n" + F + B + b"\n",
    "a From_ line in a text, no blank line before it":
        F + b"Subject: a\n\n> " + F + F + b"\n" + F + B + b"\n",
    "Content-Length too long":
        F + b"Content-Length: 9999\n" + A + b"\n" + F + B + b"\n",
    "Content-Length over a From_ line":
        F + b"Content-Length: %d\n" % (len(F) + 5) + b"Subject: a\n\none\n\n"
        + F + b"\n" + F + B + b"\n",
    "byte order mark": b"\xef\xbb\xbf" + TWO,
    "MMDF": b"\1\1\1\1\n" + A + b"\1\1\1\1\n\1\1\1\1\n" + B + b"\1\1\1\1\n",
    "MMDF with From_ lines":
        b"\1\1\1\1\n" + F + A + b"\1\1\1\1\n",
    "gzip": gzip.compress(TWO, mtime=0),
    "bzip2": bz2.compress(TWO),
    "xz": lzma.compress(TWO),
    "zstd": b"\x28\xb5\x2f\xfd\x24\x00" + bytes(20),
    "a message without an mbox around it": A,
    "babyl": b"BABYL OPTIONS:\nVersion: 5\n\x1f\n",
}

ROWS = {**{f"From_: {name}": from_lines(line)
           for name, line in FROM_LINES.items()}, **FILES}


# What is shown: the octets of each message as RETR sends it. By pop3d, and as
# measured with Debian 12's dovecot-pop3d 2.3.19, popa3d 1.0.3 and
# mailutils-pop3d 3.15.
SERVERS = "pop3d", "dovecot", "popa3d", "mailutils"
SHOWN = {
    "From_: asctime": ("19 19", "19 19", "19 19", "19 19"),
    "From_: no seconds": ("19 19", "19 19", "19 19", "19 19"),
    "From_: day of one digit": ("19 19", "19 19", "19 19", "refused"),
    "From_: day of two digits": ("19 19", "19 19", "19 19", "19 19"),
    "From_: zone name before the year": ("19 19", "19 19", "19 19", "19 19"),
    "From_: zone before the year": ("19 19", "19 19", "19 19", "19 19"),
    "From_: zone of two words": ("19 19", "refused", "19 19", "refused"),
    "From_: zone name after the year": ("19 19", "19 19", "19 19", "19 19"),
    "From_: zone after the year": ("19 19", "19 19", "19 19", "19 19"),
    "From_: zones before and after": ("19 19", "19 19", "19 19", "refused"),
    "From_: remote from": ("19 19", "19 19", "19 19", "19 19"),
    "From_: remote from, no seconds, zone":
        ("19 19", "19 19", "19 19", "19 19"),
    "From_: quoted sender": ("19 19", "19 19", "19 19", "19 19"),
    "From_: sender of several words": ("19 19", "refused", "19 19", "19 19"),
    "From_: sender as archives hide it":
        ("19 19", "refused", "19 19", "19 19"),
    "From_: sender in UTF-8": ("19 19", "19 19", "19 19", "19 19"),
    "From_: sender -": ("19 19", "19 19", "19 19", "19 19"),
    "From_: sender <>": ("19 19", "19 19", "19 19", "19 19"),
    "From_: sender ???@???": ("19 19", "19 19", "19 19", "19 19"),
    "From_: sender named as a day": ("19 19", "19 19", "19 19", "19 19"),
    "From_: no sender": ("refused", "refused", "19 19", "19 19"),
    "From_: tabs": ("19 19", "refused", "19 19", "refused"),
    "From_: tabs everywhere": ("19 19", "refused", "19 19", "refused"),
    "From_: blanks at the end": ("19 19", "19 19", "19 19", "refused"),
    "From_: two blanks before the date": ("19 19", "19 19", "19 19", "19 19"),
    "From_: year of two digits": ("refused", "refused", "19 19", "refused"),
    "From_: year of two digits, zone":
        ("refused", "refused", "19 19", "refused"),
    "From_: date of RFC 822": ("refused", "19 19", "19 19", "refused"),
    "From_: date in another language":
        ("refused", "refused", "19 19", "19 19"),
    "From_: hour of one digit": ("refused", "refused", "19 19", "refused"),
    "empty": ("nothing", "nothing", "nothing", "nothing"),
    "first line blank": ("refused", "refused", "refused", "refused"),
    "first lines blank, CRLF": ("refused", "refused", "refused", "refused"),
    "nothing but blank lines": ("refused", "refused", "refused", "refused"),
    "header without a blank line behind it": ("76", "12 19", "76", "78"),
    "header only, at the end": ("19 12", "19 12", "19 12", "19 137"),
    "header and a blank line, at the end":
        ("19 12", "19 12", "19 14", "19 14"),
    "From_ line only": ("0 19", "2 19", "2 19", "66"),
    "no blank line between messages": ("83", "19 19", "83", "83"),
    "several blank lines between messages":
        ("23 19", "23 19", "23 19", "23 19"),
    "no newline at the end": ("19 19", "19 19", "19 19", "19 19"),
    "CRLF": ("19 19", "19 19", "96", "refused"),
    "mixed ends": ("19 19", "19 19", "24 22", "83"),
    "NULs in a body": ("21 19", "21 19", "21 19", "21 19"),
    "NULs in a header": ("21 19", "21 19", "21 19", "21 19"),
    "NULs after a crash, at the end": ("19 87", "19 87", "19 87", "19 87"),
    "NULs after a crash, then mail": ("87 19", "87 19", "87 19", "87 19"),
    "NULs at the beginning": ("refused", "refused", "refused", "refused"),
    "quoted From": ("26 19", "26 19", "26 19", "25 19"),
    "From in a text": ("33 19", "33 19", "17 2 19", "33 19"),
    "a From_ line in a text, no blank line before it":
        ("106 19", "61 2 19", "106 19", "106 19"),
    "Content-Length too long": ("41 19", "19 19", "41 19", "41 19"),
    "Content-Length over a From_ line":
        ("39 0 19", "66 19", "39 2 19", "39 66"),
    "byte order mark": ("refused", "refused", "refused", "refused"),
    "MMDF": ("refused", "refused", "refused", "refused"),
    "MMDF with From_ lines": ("refused", "refused", "refused", "refused"),
    "gzip": ("refused", "refused", "refused", "refused"),
    "bzip2": ("refused", "refused", "refused", "refused"),
    "xz": ("refused", "refused", "refused", "refused"),
    "zstd": ("refused", "refused", "refused", "refused"),
    "a message without an mbox around it":
        ("refused", "refused", "refused", "nothing"),
    "babyl": ("refused", "refused", "refused", "refused"),
}

# Where one of them differs: why pop3d does what it does.
WHY = {
    "From_: day of one digit":
        "one blank or two, with or without a zero: it is the same day",
    "From_: zone of two words":
        "some systems name summer time so; nothing else could be meant",
    "From_: zones before and after":
        "a name before the year and an offset behind it say the same twice",
    "From_: sender of several words":
        "who writes the line need not quote; the date tells what it is",
    "From_: sender as archives hide it": "as for a sender of several words",
    "From_: no sender":
        "a line of text, From and a date, looks the same: reports have them",
    "From_: tabs": "a tab is a blank",
    "From_: tabs everywhere": "a tab is a blank",
    "From_: blanks at the end": "blanks that nobody sees mean nothing",
    "From_: year of two digits":
        "not asctime's date; popa3d takes any line that begins with From",
    "From_: year of two digits, zone": "as without a zone",
    "From_: date of RFC 822":
        "people write such dates in texts, behind the name of a sender",
    "From_: date in another language":
        "no deliverer writes one; popa3d and Mailutils look at less",
    "From_: hour of one digit": "not asctime's date",
    "header without a blank line behind it":
        "a message begins behind an empty line only: a text may hold a"
        " From_ line; a deliverer writes the empty line before its own",
    "header only, at the end":
        "what is in the file; Mailutils adds headers of its own",
    "header and a blank line, at the end":
        "the last empty line ends the message in the file, and stays no part"
        " of it when the next one is appended",
    "From_ line only":
        "the empty line ends the message, which has nothing; Mailutils takes"
        " the next From_ line for its text",
    "no blank line between messages":
        "as for a header without a blank line behind it",
    "CRLF": "a CRLF is a line's end; the others know LF only, or send CR twice",
    "mixed ends": "as for CRLF",
    "quoted From":
        "the text as it is in the file: who wrote the > is not known",
    "From in a text":
        "no date, no From_ line; popa3d makes three messages of two",
    "a From_ line in a text, no blank line before it":
        "text, because no empty line is before it",
    "Content-Length too long":
        "Dovecot hides the field; it counts for nothing here",
    "Content-Length over a From_ line":
        "not believed: mail readers change the text and not the field; who"
        " relies on it has mail that the others take apart as pop3d does",
    "a message without an mbox around it":
        "refused, and told; Mailutils shows an empty maildrop",
}

# What the log says of a mailbox that is refused.
NO_DATE = "its first line begins with From, but has no date"
EMPTY_LINE = "it begins with an empty line, not with a From_ line"
REFUSED = {
    **{row: NO_DATE for row in SHOWN if row.startswith("From_: ")
       and SHOWN[row][0] == "refused"},
    "first line blank": EMPTY_LINE,
    "first lines blank, CRLF": EMPTY_LINE,
    "nothing but blank lines": EMPTY_LINE,
    "NULs at the beginning": "it begins with NULs",
    "byte order mark": "it begins with a byte order mark",
    "MMDF": "it looks like MMDF",
    "MMDF with From_ lines": "it looks like MMDF",
    "gzip": "it is compressed (gzip)",
    "bzip2": "it is compressed (bzip2)",
    "xz": "it is compressed (xz)",
    "zstd": "it is compressed (zstd)",
    "a message without an mbox around it":
        "it does not begin with a From_ line",
    "babyl": "it looks like Babyl",
}


def shape(texts):
    """What a server has shown, in one line: the octets of each message."""
    if isinstance(texts, str):
        return texts
    return " ".join(str(len(text)) for text in texts) or "nothing"
