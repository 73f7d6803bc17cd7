"""Mail as deliverers write it: what is shown of each row of written.py."""
import os

import pytest
import reference
import written


def test_the_table_is_whole():
    assert set(written.SHOWN) == set(written.ROWS)
    for row, shown in written.SHOWN.items():
        assert len(shown) == len(written.SERVERS)
        # a difference is to be explained, and nothing else
        assert (len(set(shown)) > 1) == (row in written.WHY), row
        assert (shown[0] == "refused") == (row in written.REFUSED), row


@pytest.mark.parametrize("row", written.ROWS)
def test_row(host, row):
    data, shown = written.ROWS[row], written.SHOWN[row][0]
    host.write(data)
    if shown == "refused":
        with host.connect() as s:
            s.ok("USER thomas")
            s.err("PASS secret", "-ERR [SYS/PERM] ...")
            assert f"mailbox {host.mailbox}: {written.REFUSED[row]}" in s.log()
        assert host.read() == data
        return
    texts, ids = host.wires()
    assert written.shape(texts) == shown
    assert texts == [m.wire for m in reference.split(data)]
    assert len(set(ids)) == len(ids)
    assert host.read() == data


@pytest.mark.parametrize("row", [row for row, shown in written.SHOWN.items()
                                 if shown[0] not in ("refused", "nothing")])
def test_row_without_its_first_message(host, row):
    """And the rest, to the octet, is what it was."""
    data = host.write(written.ROWS[row])
    with host.login() as s:
        s.ok("DELE 1")
        s.ok("QUIT")
    assert host.read() == reference.without(data, [1])


@pytest.mark.parametrize("parts", [[], ["cur", "new"]])
def test_a_directory_in_a_mailboxs_place(host, parts):
    os.mkdir(host.mailbox)
    for part in parts:
        os.mkdir(os.path.join(host.mailbox, part))
    with host.connect() as s:
        s.ok("USER thomas")
        s.err("PASS secret", "-ERR [SYS/PERM] ...")
        assert f"mailbox {host.mailbox}: it is a directory, and no Maildir" \
            in s.log()
    assert sorted(os.listdir(host.mailbox)) == parts
