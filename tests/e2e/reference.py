"""
What an mbox means, said a second time: a slow and simple reader of mailboxes
that shares nothing with the server but the rules.

A message starts with a From_ line at offset 0 or after an empty line. Its text
has neither the From_ line nor the one empty line that ends it. On the wire LF
becomes CRLF, CRLF stays, a missing last newline is added, and every other byte
goes out as it is.
"""
import re
from collections import namedtuple

# start, end: what the message takes up in the file; wire: what RETR sends
Message = namedtuple("Message", "start end wire")

ZONE = rb"[ \t]+(?:[A-Za-z]{1,5}|[+-]\d{4})"
FROM_LINE = re.compile(
    rb"From .*[^ \t][ \t]+"
    rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[ \t]+"
    rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ \t]+"
    rb"(0?[1-9]|[12]\d|3[01])[ \t]+\d\d:\d\d(:\d\d)?"
    rb"(%b){0,2}[ \t]+\d{4}(%b)?([ \t]+remote[ \t]+from[ \t]+[^ \t]+)?"
    rb"[ \t]*" % (ZONE, ZONE),
    re.DOTALL)

NOTE = b"DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA"


class NotAnMbox(Exception):
    pass


def lines(data):
    """Lines with their ends; only LF ends a line."""
    return re.findall(rb"[^\n]*\n|[^\n]+\Z", data)


def bare(line):
    """A line without its end."""
    if line.endswith(b"\r\n"):
        return line[:-2]
    return line[:-1] if line.endswith(b"\n") else line


def is_empty(line):
    return line in (b"\n", b"\r\n")


def is_from_line(line):
    return FROM_LINE.fullmatch(bare(line)) is not None


def wire_line(line):
    """Only the last line can lack its LF; a CR there is half of its end."""
    if not line.endswith(b"\n"):
        line += b"\n"
    return bare(line) + b"\r\n"


def spans(data):
    """[(start, end)] of every message in the file, the hidden one too."""
    starts, at, after_empty = [], 0, True
    for line in lines(data):
        if after_empty and is_from_line(line):
            starts.append(at)
        elif at == 0:
            raise NotAnMbox(line[:80])
        after_empty = is_empty(line)
        at += len(line)
    return list(zip(starts, starts[1:] + [len(data)]))


def wire(data, start, end):
    text = lines(data[start:end])[1:]
    if text and is_empty(text[-1]):
        text.pop()
    return b"".join(map(wire_line, text))


def is_internal(text):
    """c-client's first message, which is none."""
    header = text.split(b"\r\n\r\n")[0] + b"\r\n"
    return (re.search(rb"^X-IMAP:", header, re.M | re.I) is not None and
            re.search(rb"^Subject:.*" + re.escape(NOTE), header,
                      re.M | re.I) is not None)


def split(data):
    """The messages that a POP3 client is shown."""
    found = [Message(start, end, wire(data, start, end))
             for start, end in spans(data)]
    if found and is_internal(found[0].wire):
        found.pop(0)
    return found


def top(text, count):
    """The header, the empty line behind it, and count lines of the body."""
    out, body = [], None
    for line in lines(text):
        if body is not None:
            if body == count:
                break
            body += 1
        elif is_empty(line):
            body = 0
        out.append(line)
    return b"".join(out)


def without(data, numbers):
    """The mailbox after the messages of these numbers were deleted."""
    messages = split(data)
    gone = [messages[n - 1] for n in sorted(numbers)]
    at, kept = 0, []
    for message in gone:
        kept.append(data[at:message.start])
        at = message.end
    return b"".join(kept) + data[at:]


def stuffed(text):
    """Text as a multi-line reply carries it, the final dot included."""
    return b"".join(b"." + line if line.startswith(b".") else line
                    for line in lines(text)) + b".\r\n"
