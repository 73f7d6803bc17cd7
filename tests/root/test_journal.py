"""What the journal knows of a session."""
import re

from host import (LOCALHOST, LOGIN, LOGIN_FAILED, REMOVED, TOP, entries, message,
                  needs, until)


def test_fields_of_a_session(host):
    client = host.login()
    octets = sum(len(line) + 2 for line in message(1)[1] + message(3)[1])
    client.retr(1)
    client.retr(3)
    client.dele(1)
    client.quit()
    end = host.end_of_session()
    [login] = host.journal(event=LOGIN)
    assert login["MESSAGE_ID"] != end["MESSAGE_ID"]
    for entry in login, end:
        assert re.fullmatch("[0-9a-f]{32}", entry["MESSAGE_ID"])
        assert entry["POP3_USER"] == "thomas"
        assert entry["POP3_RHOST"] == "127.0.0.1"
        assert entry["POP3_PORT"] == "110"
        assert entry["POP3_METHOD"] == "PASS"
        assert re.fullmatch("[0-9a-f]{12}", entry["POP3_SESSION"])
        assert entry["SYSLOG_FACILITY"] == "2"  # mail
    assert login["POP3_SESSION"] == end["POP3_SESSION"]
    assert login["_SYSTEMD_UNIT"].startswith("pop3d@")
    assert end["POP3_REASON"] == "quit"
    assert end["POP3_RETRIEVED"] == "2"
    assert end["POP3_DELETED"] == "1"
    assert end["POP3_LEFT"] == "2"
    assert end["POP3_OCTETS"] == str(octets)
    assert 0 <= float(end["POP3_SECONDS"]) < 30


def test_failed_login_names_user_and_address(host):
    host.refusal("thomas", "wrong word")
    [entry] = host.journal(event=LOGIN_FAILED)
    assert entry["POP3_USER"] == "thomas"
    assert entry["POP3_RHOST"] == "127.0.0.1"
    assert not host.journal("wrong word")


def test_a_session_that_was_killed_has_a_line_at_the_next_login(host):
    client = host.login()
    [login] = host.journal(event=LOGIN)
    # so that none of its processes sees another one's end
    for name in "STOP", "KILL":
        host.run("systemctl", "kill", "-s", name, host.unit())
    until(lambda: not host.units(), "the end of the unit")
    client.close()
    host.login().quit()
    [line] = host.journal("had no end")
    for name in "POP3_SESSION", "POP3_USER", "POP3_RHOST", "POP3_PORT":
        assert line[name] == login[name]
    assert line["PRIORITY"] == "4" and "POP3_METHOD" not in line
    host.login().quit()
    assert len(host.journal("had no end")) == 1


def test_a_session_that_is_killed_one_by_one_has_a_line_too(host):
    """Its mailbox process may have had the time to say it."""
    client = host.login()
    [login] = host.journal(event=LOGIN)
    host.run("systemctl", "kill", "-s", "KILL", host.unit())
    until(lambda: not host.units(), "the end of the unit")
    client.close()
    host.login().quit()
    lines = host.journal("had no end") + host.journal("its monitor died")
    assert login["POP3_SESSION"] in {line["POP3_SESSION"] for line in lines}


def test_each_removed_message_is_logged(host):
    host.options("--log-deletions")
    host.deliver("thomas", entries(1) + b"From a@b Wed Dec  2 05:53:00 1992\n"
                 b"Message-ID: <a b@example.org>\n\ntext\n\n")
    client = host.login()
    uidls = [line.split()[1].decode() for line in client.uidl()[1]]
    sizes = [line.split()[1].decode() for line in client.list()[1]]
    client.dele(1)
    client.dele(2)
    client.quit()
    end = host.end_of_session()
    lines = host.journal(event=REMOVED)
    assert [line["POP3_UIDL"] for line in lines] == uidls
    assert [line["POP3_SIZE"] for line in lines] == sizes
    assert [line.get("POP3_MESSAGE_ID") for line in lines] == [
        None, r"<a\x20b@example.org>"]
    assert {line["POP3_SESSION"] for line in lines} == {end["POP3_SESSION"]}


@needs("jq")
def test_the_example_sums_what_each_user_fetched(host):
    host.user("anna")
    octets = {}
    for name, numbers in ("thomas", [1]), ("anna", [2]), ("thomas", [2, 3]):
        client = host.login(name)
        for n in numbers:
            client.retr(n)
            octets[name] = octets.get(name, 0) + sum(
                len(line) + 2 for line in message(n)[1])
        client.quit()
    until(lambda: len(host.journal("session ended")) == 3, "the ends")
    [example] = re.findall(r"^(# journalctl -S today .*?)^\.Ed",
                           (TOP / "pop3d.8").read_text(), re.M | re.S)
    said = host.run("sh", "-c", example[2:].replace("\\e", "\\"))
    assert said.splitlines() == [f"anna\t1\t{octets['anna']}",
                                 f"thomas\t3\t{octets['thomas']}"]


def test_connections_over_a_limit_are_logged_for_the_socket(host):
    host.run("systemctl", "stop", "pop3d.socket")
    host.drop_in("[Socket]\nMaxConnectionsPerSource=1\n", "pop3d.socket")
    host.run("systemctl", "start", "pop3d.socket")
    client = host.login()
    assert host.greeting() == ""
    said = until(lambda: re.findall(
        r"Too many incoming connections.*", host.run(
            "journalctl", "-u", "pop3d.socket", "-u", "pop3ds.socket")),
        "the line")
    assert LOCALHOST in said[0]
    client.quit()


def test_what_goes_to_stderr_does_not_reach_the_client(host):
    host.options("--log=stderr")
    client = host.login()
    assert len(client.list()[1]) == 3
    client.quit()
    assert "user=thomas" in host.end_of_session()["MESSAGE"]


def test_every_kind_of_entry_is_explained(host):
    """What journalctl -x says; each MESSAGE_ID has a text and no other has."""
    used = re.findall(r"\[EVENT_\w+\] = \"(\w{32})\"",
                      (TOP / "base/log.c").read_text())
    assert len(set(used)) == len(used) > 8
    explained = {line.split()[0] for line in host.run(
        "journalctl", "--list-catalog").splitlines() if " pop3d: " in line}
    assert explained == set(used)
    host.refusal("thomas", "wrong word")
    host.journal(event=LOGIN_FAILED)
    said = host.run("journalctl", "-x", "-t", "pop3d", "--no-pager")
    assert "Subject: A POP3 login failed\n" in said
    assert "A client wanted to log in, and could not." in said


def test_every_explanation_has_its_parts(installed):
    for number in installed.run("journalctl", "--list-catalog").splitlines():
        if " pop3d: " not in number:
            continue
        text = installed.run("journalctl", "--dump-catalog", number.split()[0])
        assert re.search(r"^Subject: \S", text, re.M)
        assert re.search(r"^Documentation: man:pop3d\(8\)$", text, re.M)
        assert len(text.split("\n\n", 1)[1].split()) > 10
        assert "@" not in text  # no name of ours is one that is filled in
