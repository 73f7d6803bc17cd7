"""
The Debian package, from installation to purge, under a real systemd. `make
check-package` builds it first.
"""
import pathlib
import re
import socket
import subprocess
import sys
import sysconfig

import pytest

import host as host_module
from host import LOCALHOST, PASSWORD, PORT, STATE, TOP, entries, message, until

for name in "e2e", "clients":
    sys.path.append(str(TOP / "tests" / name))
from certificate import make_certificate  # noqa: E402
from thunderbird import Thunderbird, picture  # noqa: E402

PACKAGES = TOP / "build/deb"
MAIL = pathlib.Path("/var/mail/thomas")

pytestmark = pytest.mark.skipif(not list(PACKAGES.glob("pop3d_*.deb")),
                                reason="make check-package builds the package")


class Packaged(host_module.Host):
    """A copy of the host where only the package has put pop3d."""

    def __init__(self):
        assert host_module.is_copy()
        # container images have one that keeps packages from starting anything
        pathlib.Path("/usr/sbin/policy-rc.d").unlink(missing_ok=True)
        [self.package] = PACKAGES.glob("pop3d_*.deb")
        # there is no network in the copy
        self.tool("apt-get", "install", "--yes", "--no-install-recommends",
                  self.package)

    def dpkg(self, *argv):
        return self.tool("dpkg", "--force-confold", *argv)

    def tool(self, *argv):
        run = subprocess.run([*map(str, argv)],
                             stdin=subprocess.DEVNULL, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                                  "DEBIAN_FRONTEND": "noninteractive"})
        assert run.returncode == 0, run.stdout
        return run.stdout

    def active(self, unit):
        return self.show(unit, "ActiveState")


@pytest.fixture
def packaged():
    made = Packaged()
    made.user("thomas")
    return made


def delete_first(host):
    client = host.login()
    client.dele(1)
    client.quit()
    host.end_of_session()


def test_serves_as_soon_as_it_is_installed(packaged):
    assert packaged.active("pop3d.socket") == "active"
    for unit in "pop3d.socket", "pop3d-recover.service":
        packaged.run("systemctl", "is-enabled", unit)
    assert packaged.show("pop3d.service", "ActiveState") == "inactive"
    assert packaged.run("id", "-u", "pop3d").strip() != "0"
    client = packaged.login()
    assert client.retr(2)[1] == message(2)[1]
    client.quit()
    delete_first(packaged)
    assert MAIL.read_bytes() == entries(2, 3)
    assert " pop3d: " in packaged.run("journalctl", "--list-catalog")
    assert packaged.run("man", "-w", "pop3d").strip().endswith("pop3d.8.gz")


@pytest.mark.skipif(Thunderbird.missing() is not None,
                    reason=str(Thunderbird.missing()))
@pytest.mark.parametrize("security, port", [("plain", PORT), ("stls", PORT),
                                            ("tls", 995)])
def test_thunderbird_shows_the_inbox_as_soon_as_it_is_installed(
        packaged, security, port):
    home = pathlib.Path("/var/tmp/client")
    home.mkdir()
    if security != "plain":
        put_certificate()
        packaged.run("systemctl", "enable", "--now", "pop3ds.socket")
    client = Thunderbird(home, port, security, "/etc/pop3d/ca.crt")
    client.password = PASSWORD
    with client.running() as display:
        until(lambda: all(f"message {n}" in picture(display, home / "window.png")
                          for n in (1, 2, 3)), "mail in the window")
    assert client.inbox() == [b"\n".join([*message(n)[1], b""])
                              for n in (1, 2, 3)]
    end = packaged.end_of_session()
    assert (end["POP3_REASON"], end["POP3_RETRIEVED"]) == ("quit", "3")
    assert client.fetch(delete=False) == []
    until(lambda: packaged.end_of_session()["POP3_RETRIEVED"] == "0", "the end")
    assert client.fetch(delete=True) == []
    until(lambda: packaged.end_of_session()["POP3_DELETED"] == "3", "the end")
    assert MAIL.read_bytes() == b""


def test_depends_on_what_it_loads_at_run_time(packaged):
    binary = pathlib.Path("/usr/sbin/pop3d").read_bytes()
    named = packaged.run("dpkg-query", "-W", "-f", "${Depends} ${Recommends}",
                         "pop3d")
    loaded = set(re.findall(rb"\blib\w+\.so\.\d+", binary))
    assert len(loaded) > 3
    ours = sysconfig.get_config_var("MULTIARCH")
    for library in sorted(loaded):
        owner = packaged.run("dpkg-query", "--search",
                             f"*/{ours}/{library.decode()}").partition(":")[0]
        assert owner in named, library


def test_finds_nothing_wrong_with_itself(packaged):
    out = subprocess.run(["/usr/sbin/pop3d", "--check"], text=True,
                         stdout=subprocess.PIPE).stdout
    assert "error" not in out and "port 110: systemd listens" in out, out


def newer(package, directory):
    subprocess.run(["dpkg-deb", "-R", package, directory], check=True)
    control = directory / "DEBIAN/control"
    control.write_text(control.read_text().replace(
        "\nVersion: ", "\nVersion: 9:", 1))
    subprocess.run(["dpkg-deb", "-b", directory, f"{directory}.deb"],
                   check=True)
    return f"{directory}.deb"


def test_upgrade_keeps_mail_sessions_and_settings(packaged, tmp_path):
    delete_first(packaged)
    packaged.run("systemctl", "disable", "pop3d-recover.service")
    pam = pathlib.Path("/etc/pam.d/pop3d")
    pam.write_text(pam.read_text() + "# changed here\n")
    client = packaged.login()
    client.dele(1)
    packaged.dpkg("--install", newer(packaged.package, tmp_path / "new"))
    client.quit()
    assert MAIL.read_bytes() == entries(3)
    assert packaged.active("pop3d.socket") == "active"
    assert subprocess.run(["systemctl", "is-enabled", "--quiet",
                           "pop3d-recover.service"]).returncode == 1
    assert pam.read_text().endswith("# changed here\n")
    client = packaged.login()
    assert client.retr(1)[1] == message(3)[1]
    client.quit()


def put_certificate():
    etc = pathlib.Path("/etc/pop3d")
    etc.mkdir(exist_ok=True)
    make_certificate(etc, "tls.")


def test_upgrade_leaves_port_995_as_it_was(packaged, tmp_path):
    upgrade = newer(packaged.package, tmp_path / "new")
    packaged.dpkg("--install", upgrade)
    assert packaged.active("pop3ds.socket") == "inactive"
    put_certificate()
    packaged.run("systemctl", "enable", "--now", "pop3ds.socket")
    packaged.dpkg("--install", upgrade)
    assert packaged.active("pop3ds.socket") == "active"
    packaged.dpkg("--remove", "pop3d")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOCALHOST, 995))


def test_upgrade_and_removal_reach_the_service_that_accepts(packaged, tmp_path):
    packaged.drop_in("[Socket]\nAccept=no\n", "pop3d.socket")
    packaged.run("systemctl", "restart", "pop3d.socket")
    packaged.login().quit()
    old = packaged.show("pop3d.service", "MainPID")
    packaged.dpkg("--install", newer(packaged.package, tmp_path / "new"))
    packaged.login().quit()
    assert packaged.show("pop3d.service", "MainPID") != old
    packaged.dpkg("--remove", "pop3d")
    with pytest.raises(ConnectionRefusedError):
        packaged.connect()


def test_remove_leaves_mail_and_state(packaged):
    delete_first(packaged)
    packaged.dpkg("--remove", "pop3d")
    assert MAIL.read_bytes() == entries(2, 3)
    assert (STATE / "thomas/index").exists()
    assert pathlib.Path("/etc/pam.d/pop3d").exists()
    assert not pathlib.Path("/usr/sbin/pop3d").exists()
    with pytest.raises(ConnectionRefusedError):
        packaged.connect()
    packaged.dpkg("--install", packaged.package)
    client = packaged.login()
    assert client.stat()[0] == 2
    client.quit()


def test_purge_leaves_mail(packaged):
    delete_first(packaged)
    packaged.dpkg("--purge", "pop3d")
    assert MAIL.read_bytes() == entries(2, 3)
    assert not STATE.exists()
    assert not pathlib.Path("/etc/pam.d/pop3d").exists()


def test_purge_leaves_rescued_mail_and_journals(packaged):
    packaged.user("anna", password=PASSWORD)
    delete_first(packaged)
    left = STATE / "thomas/journal", STATE / "anna/rescue-20260101.mbox"
    (STATE / "anna").mkdir()
    for path in left:
        path.write_bytes(entries(1))
    packaged.dpkg("--purge", "pop3d")
    assert {*STATE.glob("*/*")} == {*left}


def test_port_that_is_taken_is_left_to_its_server(packaged):
    packaged.dpkg("--purge", "pop3d")
    with subprocess.Popen(
            ["/usr/bin/python3", "-c", "import socket, sys;"
             "s = socket.create_server(('::', 110), family=socket.AF_INET6,"
             "dualstack_ipv6=True); print(flush=True); sys.stdin.read()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE) as taker:
        taker.stdout.readline()
        said = packaged.dpkg("--install", packaged.package)
        assert "SERVES NOTHING yet: port 110 is in use" in said
        assert packaged.active("pop3d.socket") == "inactive"
        for unit in "pop3d.socket", "pop3d-recover.service":
            assert subprocess.run(["systemctl", "--quiet", "is-enabled",
                                   unit]).returncode == 1
        taker.stdin.close()
    # an upgrade leaves it so
    said = packaged.dpkg("--install", packaged.package)
    assert packaged.active("pop3d.socket") == "inactive"
    packaged.run("systemctl", "enable", "--now", "pop3d.socket")
    client = packaged.login()
    client.quit()


def test_a_masked_socket_stays_masked(packaged):
    packaged.dpkg("--purge", "pop3d")
    packaged.run("systemctl", "mask", "pop3d.socket")
    packaged.dpkg("--install", packaged.package)
    assert packaged.show("pop3d.socket", "LoadState") == "masked"
    assert packaged.active("pop3d.socket") == "inactive"


def test_the_command_gives_way_to_another_package(packaged, tmp_path):
    """As courier-pop's, whose /usr/sbin/pop3d starts its daemon."""
    other = tmp_path / "other"
    (other / "DEBIAN").mkdir(parents=True)
    (other / "usr/sbin").mkdir(parents=True)
    (other / "usr/share/man/man8").mkdir(parents=True)
    (other / "usr/sbin/pop3d").write_text("theirs")
    (other / "usr/share/man/man8/pop3d.8.gz").write_text("theirs")
    (other / "DEBIAN/control").write_text(
        "Package: other\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\n"
        "Description: other\n")
    packaged.run("dpkg-deb", "-b", other)
    packaged.dpkg("--install", f"{other}.deb")
    command = pathlib.Path("/usr/sbin/pop3d")
    assert command.read_text() == "theirs"
    packaged.login().quit()
    packaged.dpkg("--purge", "other")
    assert command.resolve() == pathlib.Path("/usr/libexec/pop3d/pop3d")


def test_autopkgtest_passes_where_it_is_installed(packaged):
    """What Debian's machines run: debian/tests."""
    control = (TOP / "debian/tests/control").read_text()
    for name in re.search(r"^Tests: (.*)", control, re.M)[1].split():
        run = subprocess.run([TOP / "debian/tests" / name], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        assert run.returncode == 0, run.stdout
