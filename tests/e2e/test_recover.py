"""--recover, where a journal is nobody's whose mailbox can be found now."""
import os

import pytest

TEMPORARY = 75


@pytest.mark.parametrize("name, option", [
    # as with a user database that does not answer
    ("anna@example.org", "--virtual-user=no-such-user"),
    # no name for this template, so no user
    ("anna", "--mailbox=/nonexistent/%d/%n"),
    # a user who must not log in
    ("anna.lock", "--locks=fcntl"),
])
def test_a_journal_that_waits_is_told(host, name, option):
    argv = host.command("--recover", option)[1:]
    os.mkdir(f"{host.state}/{name}")
    assert host.run(*argv)[0] == 0
    journal = host.put(f"{host.state}/{name}/journal", b"")
    status, _, err = host.run(*argv)
    assert status == TEMPORARY
    assert f"user={name}: an interrupted commit is left" in err
    assert os.path.exists(journal)
