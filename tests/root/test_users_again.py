"""Users made anew with another uid, and what is left of those before them."""
import os
import shutil
import subprocess

import pytest
from host import PASSWORD, POP3D, SETUP, SPOOL, STATE, entries

OWN = STATE / "thomas"
REFUSED = "-ERR [SYS/PERM] Your state directory"


def check(name):
    """--check's line about this file."""
    run = subprocess.run([POP3D, "--check", "thomas"], text=True,
                         stdout=subprocess.PIPE)
    [line] = [line for line in run.stdout.splitlines()
              if f" {name}: it belongs" in line]
    return line


@pytest.fixture
def again(host):
    """thomas has had a session; then his account, but not his mail, was lost.
    """
    host.login().quit()
    host.end_of_session()
    host.run("userdel", "thomas")
    host.run("useradd", "--uid", "4711", "thomas")
    host.run("chpasswd", input=f"thomas:{PASSWORD}\n")
    shutil.chown(SPOOL / "thomas", "thomas", "mail")
    assert OWN.stat().st_uid not in (0, 4711)
    return host


def works(host):
    client = host.login()
    assert client.stat()[0] == 3
    client.dele(1)
    client.quit()
    assert host.end_of_session()["POP3_DELETED"] == "1"
    assert (SPOOL / "thomas").read_bytes() == entries(2, 3)
    assert OWN.stat().st_uid == 4711
    assert OWN.stat().st_mode & 0o7777 == 0o700


def test_caches_of_the_one_before_are_replaced(again):
    old = OWN.stat()
    assert sorted(os.listdir(OWN)) == ["index", "lock"]
    line = check(OWN)
    assert line.startswith("ok") and "made anew at the next login" in line
    assert OWN.stat() == old and os.listdir(OWN)
    works(again)
    [entry] = again.journal("made anew", SETUP)
    assert f"{OWN}: it belonged to uid {old.st_uid}, and is made anew for uid " \
        "4711" in entry["MESSAGE"]
    assert entry["POP3_USER"] == "thomas"


KEPT = ["journal", "journal.maildir", "journal.damaged-20260101T000000Z",
        "journal.rescued-20260101T000000Z", "rescue-20260101T000000Z.mbox",
        "uidvalidity", "notes"]


@pytest.mark.parametrize("name", KEPT)
def test_what_is_not_made_again_is_kept(again, name):
    old = OWN.stat().st_uid
    (OWN / name).write_bytes(b"precious")
    assert again.refusal().startswith(REFUSED)
    assert (OWN / name).read_bytes() == b"precious"
    assert sorted(os.listdir(OWN)) == sorted(["index", "lock", name])
    [entry] = again.journal("chown -R it", SETUP)
    assert (f"{OWN}: it belongs to uid {old} and not to uid 4711, and {name} in "
            "it is not made again") in entry["MESSAGE"]
    assert int(entry["PRIORITY"]) <= 3
    line = check(OWN)
    assert line.startswith("error") and name in line
    (OWN / name).unlink()
    # the mend that it names
    again.run(*line.partition("same person, ")[2].partition(",")[0].split())
    works(again)


def test_what_the_one_before_has_put_there_leads_nowhere(again):
    """A link is removed, not what it means; a directory stays."""
    (OWN / "index").unlink()
    (OWN / "index").symlink_to("/etc/passwd")
    before = os.stat("/etc/passwd")
    works(again)
    assert os.stat("/etc/passwd").st_ino == before.st_ino
    assert not (OWN / "index").is_symlink()


def test_directory_in_the_place_of_a_cache(again):
    (OWN / "index").unlink()
    (OWN / "index").mkdir()
    (OWN / "index/file").touch()
    assert again.refusal().startswith(REFUSED)
    assert (OWN / "index/file").exists()


def test_other_users_are_not_touched(again):
    again.user("anna")
    again.login("anna").quit()
    before = (STATE / "anna").stat().st_ino
    works(again)
    assert (STATE / "anna").stat().st_ino == before
    again.login("anna").quit()
