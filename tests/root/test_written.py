"""
What other servers show of the mailboxes in tests/e2e/written.py, as its table
has it. `make check-migration` gets the servers, and runs this too.
"""
import shutil
import sys

import pytest

from host import PASSWORD, TOP
from test_migration import PEERS, connect, peers  # noqa: F401

sys.path.append(str(TOP / "tests/e2e"))
import written  # noqa: E402

pytestmark = pytest.mark.skipif(not (PEERS / "../done").exists(),
                                reason="make check-migration gets the servers")


def retr(client, n):
    client.ask(f"RETR {n}")
    text = b""
    while (line := client.file.readline()) != b".\r\n":
        assert line, "the server hung up"
        text += line[line.startswith(b"."):]
    return text


def texts(client):
    count = int(client.ask("STAT").split()[1])
    found = [retr(client, n) for n in range(1, count + 1)]
    client.quit()  # Mailutils would write what it knows, at another time
    return found


def shown(name):
    """The texts, or that the mailbox was refused."""
    try:
        return texts(connect(name))
    except (AssertionError, OSError, ValueError):
        return "refused"


@pytest.mark.parametrize("name", written.SERVERS[1:])
def test_what_other_servers_show(peers, name):  # noqa: F811
    found = {}
    for row, data in written.ROWS.items():
        peers.deliver("thomas", data)
        # what Dovecot remembers of the mailbox before
        shutil.rmtree("/home/thomas/mail", ignore_errors=True)
        found[row] = written.shape(shown(name))
    column = written.SERVERS.index(name)
    assert found == {row: shown[column]
                     for row, shown in written.SHOWN.items()}
