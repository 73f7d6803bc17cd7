"""Other machines, other C libraries, without libsystemd, and as an RPM."""
import os
import re
import subprocess

import pytest
from conftest import HERE, TOP, WORK, must, needs, tail
from test_debian import Root, go_on

RPM = """\
/etc/pam.d/pop3d
/etc/pop3d
/usr/lib/systemd/catalog/pop3d.catalog
/usr/lib/systemd/system/pop3d-recover.service
/usr/lib/systemd/system/pop3d.service
/usr/lib/systemd/system/pop3d.socket
/usr/lib/systemd/system/pop3d@.service
/usr/lib/systemd/system/pop3ds.service
/usr/lib/systemd/system/pop3ds.socket
/usr/lib/systemd/system/pop3ds@.service
/usr/lib/sysusers.d/pop3d.conf
/usr/lib/tmpfiles.d/pop3d.conf
/usr/sbin/pop3d
/usr/share/bash-completion/completions/pop3d
/usr/share/man/man8/pop3d.8
""".splitlines()


def e2e(pop3d, names, log):
    """What pytest counts of the sessions' tests with another program."""
    must(["/usr/bin/python3", "-m", "pytest", "-q", "-rs", "-p",
          "no:cacheprovider",
          *(f"tests/{name}.py" for name in names)], log, cwd=TOP,
         env={**os.environ, "POP3D": str(pop3d)})
    return tail(log, 1)


def test_without_systemd(source, record):
    """Neither its library nor its headers; sessions come from inetd's kind."""
    log = WORK / "without-systemd.log"
    trap = source / "build" / "trap" / "systemd" / "sd-daemon.h"
    trap.parent.mkdir(parents=True)
    trap.write_text("#error it is not there\n")
    must(["make", "-s", "WERROR=1", "SYSTEMD=no",
          f"CFLAGS=-O2 -g -I{trap.parent.parent}"], log, cwd=source)
    program = source / "pop3d"
    assert b"libsystemd" not in program.read_bytes()
    record(e2e(program, ["e2e/test_commands", "e2e/test_session_end",
                         "root/test_superservers"], log))


def test_arm64(source, record):
    """Emulated, with Debian's kernel: the filter and Landlock as they are."""
    log = WORK / "arm64.log"
    names = os.environ.get("PLATFORM_ARM64", "commands sandbox hijack locks "
                           "mailbox recover tls apop").split()
    must([HERE / "arm64", WORK / "arm64", source, *names], log)
    text = log.read_text(errors="replace").replace("\r", "")
    assert re.search(r"^ok +Landlock: version \d", text, re.M), tail(log)
    assert re.search(r"^ok +seccomp filters$", text, re.M), tail(log)
    ends = dict(re.findall(r"^== (\S+): (\d+)$", text, re.M))
    assert set(names) | {"demo"} <= set(ends) and "== all" in text, tail(log)
    units = [name for name in ends if name.startswith("build/unit/")]
    assert len(units) == len(list(TOP.glob("tests/unit/*/test_*.c")))
    assert set(ends.values()) == {"0"}, tail(log, 100)
    passed = sum(map(int, re.findall(r"^(\d+) passed", text, re.M)))
    unit = sum(map(int, re.findall(r"PASSED  \] (\d+) test", text)))
    record(f"{unit} unit and {passed} e2e tests passed")


def test_riscv64_builds(source, tmp_path):
    """By Debian's cross compiler; there is no filter, and it says so."""
    root = Root("trixie", "amd64", tmp_path)
    root.put(source)
    log = WORK / "riscv64.log"
    needed = " ".join(f"{name}:riscv64" for name in (
        "libc6-dev", "libpam0g-dev", "libsystemd-dev", "nettle-dev",
        "libxxhash-dev", "libssl-dev"))
    status = go_on(root, log, "dpkg --add-architecture riscv64 && "
                   "apt-get update && DEBIAN_FRONTEND=noninteractive "
                   "apt-get install -y --no-install-recommends make "
                   f"gcc-riscv64-linux-gnu {needed}")
    if status != 0:
        pytest.skip(f"no compiler to be had: {tail(log, 1)}")
    assert go_on(root, log, "make -s WERROR=1 CC=riscv64-linux-gnu-gcc && "
                 "riscv64-linux-gnu-readelf -h pop3d") == 0, tail(log)
    assert "RISC-V" in log.read_text()
    program = root.work / "upper" / "pop3d" / "pop3d"
    assert b"pop3d has none for this machine" in program.read_bytes()


def test_musl(source, record):
    """
    Linux-PAM and OpenSSL are not there for it: pam.c stands for the one, and
    no test is run that needs the other.
    """
    needs("musl-gcc")
    prefix = WORK / "musl"
    must([HERE / "musl", prefix], WORK / "musl.prefix.log")
    log = WORK / "musl.log"
    must(["make", "-s", "WERROR=1", "SYSTEMD=no", "CC=musl-gcc",
          f"CFLAGS=-O2 -g -isystem {prefix}/include",
          f"LDFLAGS=-L{prefix}/lib -Wl,-rpath,{prefix}/lib"], log, cwd=source)
    program = source / "pop3d"
    assert b"ld-musl" in program.read_bytes()
    record(e2e(program, [f"e2e/test_{name}" for name in (
        "apop", "commands", "delivery_not_blocked", "locks", "mailbox",
        "messages", "recover", "rewrite", "session_end", "uidl", "wire")],
        log))


def test_rpm(source, tmp_path):
    """By Debian's rpm, with what Fedora's macros expand to."""
    needs("rpmbuild")
    spec = (TOP / "packaging" / "pop3d.spec").read_text()
    version = re.search(r"^Version: *(\S+)", spec, re.M)[1]
    (tmp_path / "SOURCES").mkdir()
    must(["tar", "-c", "-z", "-f",
          tmp_path / "SOURCES" / f"pop3d-{version}.tar.gz",
          "--transform", f"s,^pop3d,pop3d-{version},", "-C", source.parent,
          "pop3d"], WORK / "rpm.log")
    must(["rpmbuild", "-bb", "--nodeps", f"--load={HERE}/fedora.macros",
          "--define", f"_topdir {tmp_path}", "--define",
          "debug_package %{nil}", source / "packaging" / "pop3d.spec"],
         WORK / "rpm.log", cwd=source)
    [package] = (tmp_path / "RPMS").glob("*/pop3d-*.rpm")

    def query(*what):
        return subprocess.run(["rpm", "-qp", *what, package], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    files = [path for path in query("-l").splitlines()
             if not path.startswith(("/usr/share/doc/", "/usr/lib/.build-id",
                                     "/usr/share/licenses/"))]
    assert files == RPM
    assert query("--configfiles").split() == ["/etc/pam.d/pop3d"]
    docs = query("--docfiles")
    for name in "README.md", "SECURITY.md", "migrating.md", "pop3d.8":
        assert f"/{name}" in docs
    assert "pop3d.socket" in query("--scripts")


def test_needs_no_newer_glibc_than_it_says():
    """What is linked asks for functions of a version by name."""
    if os.confstr("CS_GNU_LIBC_VERSION") != "glibc 2.36":
        pytest.skip("says so of what is built on Debian 12")
    names = subprocess.run(["objdump", "-T", TOP / "pop3d"], check=True,
                           text=True, stdout=subprocess.PIPE).stdout
    versions = {tuple(map(int, v.split(".")))
                for v in re.findall(r"GLIBC_([\d.]+)", names)}
    assert versions and max(versions) <= (2, 34)
