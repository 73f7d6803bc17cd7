"""
Dovecot's and Courier's POP3 servers serve a Maildir, then pop3d does with
--uidl=KIND: the ids stay. Run where the servers are, installed or below
build/peers; see tests/root/unpack-peers.
"""
import os

import maildir_peers
import pytest

STORES = ("maildir",)
NAMES = ["1700000000.M1P1.host,S=24,W=28:2,S", "1700000001.M2P1.host",
         "1700000001.M10P1.host", "1700000002.V801I12M345.host",
         "1700000003.2_0.host:2,", "some-name", "1700000009.M1P1.x:2,RS"]
FORMATS = ["%08Xu%08Xv", "%08Xv%08Xu", "%v.%u", "%v-%u", "UID%u-%v", "%u",
           "%f", "%g", "%Mf", "%Xu", "%08u"]


@pytest.fixture(autouse=True)
def mail(host):
    for n, name in enumerate(NAMES):
        path = host.deliver(b"Subject: %d\n\nThe text.\n" % n, name,
                            "cur" if ":" in name else "new")
        os.utime(path, (0, 1700000004))


def ours(host, kind):
    with host.login(f"--uidl={kind}") as s:
        ids = list(s.uidl().values())
        s.ok("QUIT")
    return ids


def stays(host, command, kind):
    if command is None:
        pytest.skip("that server is not there")
    theirs = maildir_peers.uidl(host, command)
    assert len(set(theirs)) == len(NAMES)
    assert sorted(ours(host, kind)) == sorted(theirs)
    # a message goes, one comes, and the old server again
    with host.login(f"--uidl={kind}") as s:
        gone = s.uidl()[2]
        s.ok("DELE 2")
        s.ok("QUIT")
    host.deliver(b"Subject: new\n\n", "1700000020.M1P1.host")
    kept = set(theirs) - {gone}
    assert set(ours(host, kind)) == kept | {"1700000020.M1P1.host"}
    assert kept <= set(maildir_peers.uidl(host, command))
    assert kept <= set(ours(host, kind))


@pytest.mark.parametrize("form", FORMATS)
def test_dovecots_ids_stay(host, form):
    command = maildir_peers.dovecot(host, "pop3", f"pop3_uidl_format = {form}")
    stays(host, command, f"dovecot:{form}")


def test_dovecots_default_is_ours(host):
    stays(host, maildir_peers.dovecot(host, "pop3"), "dovecot")


def test_couriers_ids_stay(host):
    stays(host, maildir_peers.courier(host), "courier")
