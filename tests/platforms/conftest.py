"""What the tests of platforms share: the source as it is, and their records."""
import datetime
import os
import pathlib
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
WORK = TOP / "build" / "platforms"
CANNOT = 77  # of the scripts beside this file


def run(argv, log, **more):
    """The exit status; what it printed goes to the log."""
    WORK.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as out:
        return subprocess.run([str(a) for a in argv], stdout=out,
                              stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, **more).returncode


def tail(log, lines=40):
    return "\n".join(log.read_text(errors="backslashreplace").splitlines()
                     [-lines:])


def must(argv, log, **more):
    """Fails with the end of the log; skips where a script cannot."""
    status = run(argv, log, **more)
    if status == CANNOT:
        pytest.skip(tail(log, 3).replace("\n", "; "))
    assert status == 0, tail(log)


def needs(*programs):
    for program in programs:
        if subprocess.run(["sh", "-c", f"command -v {program}"],
                          stdout=subprocess.DEVNULL).returncode:
            pytest.skip(f"{program} is not installed")


@pytest.fixture
def source(tmp_path):
    """A clean copy of the source, what is not committed included."""
    copy = tmp_path / "pop3d"
    copy.mkdir()
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                            "--exclude-standard"], cwd=TOP, check=True,
                           stdout=subprocess.PIPE).stdout.split(b"\0")
    there = b"\0".join(f for f in files if f and
                       os.path.lexists(os.path.join(os.fsencode(TOP), f)))
    packed = subprocess.run(["tar", "-c", "--null", "-T", "-"], cwd=TOP,
                            input=there, check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", copy], input=packed.stdout, check=True)
    return copy


@pytest.fixture
def record(request):
    """record("180 passed, ..."): a row for docs/platforms.md."""
    def write(what):
        WORK.mkdir(parents=True, exist_ok=True)
        with open(WORK / "results", "a", encoding="utf-8") as f:
            print(datetime.date.today(), request.node.name, what, sep=" | ",
                  file=f)
    return write


def counts(log):
    """The last line of make check."""
    found = re.findall(r"^\d+ passed, \d+ failed, \d+ skipped$",
                       log.read_text(errors="backslashreplace"), re.M)
    assert found, f"nothing was counted: {tail(log)}"
    return found[-1]
