"""Mail from a delivery agent to the client, on a host as it is installed."""
import re
import shutil
import subprocess

import pytest
from host import LOGIN, SPOOL, needs, until


def maildrop_is_4():
    """
    It puts an empty line before its message, which changes the one before: a
    message that was changed since it was seen is not removed.
    """
    if not shutil.which("maildrop"):
        return False
    told = subprocess.run(["maildrop", "-v"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True).stdout
    return int(re.search(r"maildrop (\d+)\.", told)[1]) >= 4


AGENTS = [pytest.param(["procmail", "-d", "thomas"], marks=needs("procmail"),
                       id="procmail"),
          pytest.param(["maildrop", "-d", "thomas"], id="maildrop", marks=[
              needs("maildrop"), pytest.mark.skipif(
                  maildrop_is_4(), reason="maildrop 4 changes the message "
                  "before its own")])]


def text(n):
    return [b"From: sender@example.org", b"Subject: message %d" % n, b"",
            b"This is message %d." % n, b".", b"..", b"\xe4 and \xff"]


def deliver(agent, n):
    """As root, as an MTA does."""
    run = subprocess.run(agent, input=b"\n".join(text(n)) + b"\n",
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert run.returncode == 0, run.stdout


def own_lines(lines):
    """Without the fields that the agent adds."""
    return [line for line in lines if not line.startswith((b"Return-Path:",
                                                           b"Delivered-To:"))]


@pytest.mark.parametrize("agent", AGENTS)
def test_what_is_delivered_is_fetched_once(host, agent):
    (SPOOL / "thomas").unlink()
    for n in (1, 2):
        deliver(agent, n)
    client = host.login()
    assert [own_lines(client.retr(n)[1]) for n in (1, 2)] == [text(1), text(2)]
    deliver(agent, 3)
    client.dele(1)
    client.dele(2)
    client.quit()
    end = host.end_of_session()
    deliver(agent, 4)
    client = host.login()
    assert client.stat()[0] == 2
    assert [own_lines(client.retr(n)[1]) for n in (1, 2)] == [text(3), text(4)]
    for n in (1, 2):
        client.dele(n)
    client.quit()
    until(lambda: len(host.journal("session ended")) == 2, "the second end")
    assert (SPOOL / "thomas").read_bytes() == b""
    counts = [[entry[f"POP3_{name}"] for name in (
        "REASON", "RETRIEVED", "DELETED", "LEFT")]
        for entry in host.journal("session ended")]
    assert counts == [["quit", "2", "2", "0"]] * 2
    assert end["POP3_USER"] == "thomas" and end["PRIORITY"] == "6"
    assert len(host.journal(event=LOGIN)) == 2
