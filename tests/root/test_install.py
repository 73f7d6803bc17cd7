"""make install and make uninstall."""
import os
import pathlib

import pytest

from host import STATE, TOP, entries


def make(host, target, *variables):
    return host.run("make", "-s", "-C", TOP, "-o", "pop3d", target, *variables)


def files(directory):
    return {os.path.join(base, name)[len(str(directory)):]
            for base, _, names in os.walk(directory) for name in names}


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_all_goes_below_destdir(installed, tmp_path, prefix):
    make(installed, "install", f"DESTDIR={tmp_path}", f"PREFIX={prefix}")
    assert files(tmp_path) == {
        "/etc/pam.d/pop3d",
        *(prefix + path for path in (
            "/sbin/pop3d",
            "/lib/systemd/system/pop3d.socket",
            "/lib/systemd/system/pop3d@.service",
            "/lib/systemd/system/pop3d.service",
            "/lib/systemd/system/pop3ds.socket",
            "/lib/systemd/system/pop3ds@.service",
            "/lib/systemd/system/pop3ds.service",
            "/lib/systemd/system/pop3d-recover.service",
            "/lib/systemd/catalog/pop3d.catalog",
            "/lib/sysusers.d/pop3d.conf",
            "/lib/tmpfiles.d/pop3d.conf",
            "/share/doc/pop3d/examples/fail2ban/filter.d/pop3d.conf",
            "/share/doc/pop3d/examples/fail2ban/jail.d/pop3d.conf",
            "/share/doc/pop3d/examples/pop3d.xinetd",
            "/share/bash-completion/completions/pop3d",
            *(f"/share/doc/pop3d/{name}.md" for name in (
                "README", "SECURITY", "maildir", "migrating", "scaling",
                "virtual")),
            "/share/man/man8/pop3d.8"))}
    for name in files(tmp_path):
        if not name.endswith("/sbin/pop3d"):
            text = pathlib.Path(f"{tmp_path}{name}").read_text()
            assert "@SBINDIR@" not in text and "@DOCDIR@" not in text
    unit = f"{tmp_path}{prefix}/lib/systemd/system/pop3d@.service"
    assert f"ExecStart={prefix}/sbin/pop3d\n" in open(unit)
    make(installed, "uninstall", f"DESTDIR={tmp_path}", f"PREFIX={prefix}")
    assert files(tmp_path) == set()


def test_installed_on_this_host(host):
    assert host.run("id", "-u", "pop3d").strip() != "0"
    assert host.show("pop3d.socket", "ActiveState") == "active"
    assert pathlib.Path(
        "/etc/systemd/system/sockets.target.wants/pop3d.socket").exists()
    assert "pop3d-recover.service" in host.show("pop3d.socket", "Wants")
    host.run("man", "-w", "pop3d")
    assert pathlib.Path("/etc/pop3d").is_dir()


def test_uninstall_leaves_mail_and_state(host):
    client = host.login()
    client.dele(1)
    client.quit()
    host.end_of_session()
    make(host, "uninstall")
    assert host.show("pop3d.socket", "LoadState") == "not-found"
    left = {path for top in ("/usr/local", "/etc", "/usr/lib/systemd")
            for path in files(top) if "pop3d" in path
            and "solid-pop3d" not in path}  # fail2ban knows that one
    assert left == set() and not pathlib.Path("/etc/pop3d").exists()
    assert (STATE / "thomas").is_dir()
    assert pathlib.Path("/var/mail/thomas").read_bytes() == entries(2, 3)
    make(host, "uninstall")


def test_changed_pam_file_is_kept(installed):
    path = pathlib.Path("/etc/pam.d/pop3d")
    path.write_text("auth required pam_deny.so\n")
    for target in "install", "uninstall":
        assert "/etc/pam.d/pop3d" in make(installed, target)
        assert path.read_text() == "auth required pam_deny.so\n"
