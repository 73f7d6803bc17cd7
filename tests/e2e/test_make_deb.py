"""make deb checks its package with lintian, or says that it did not."""

import os
import pathlib
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]


def lint(tools):
    """Run the lint step with no programs but those in the directory."""
    return subprocess.run([shutil.which("make"), "-s", "-C", TOP, "deb-lint"],
                          env={**os.environ, "PATH": str(tools)},
                          capture_output=True, text=True)


def tools_in(directory):
    for name in os.listdir("/usr/bin"):
        if name != "lintian":
            (directory / name).symlink_to(f"/usr/bin/{name}")
    return directory


def test_without_lintian_it_says_so_and_goes_on(tmp_path):
    ran = lint(tools_in(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert "not linted: lintian is not installed" in ran.stderr


def test_what_lintian_finds_stops_it(tmp_path):
    lintian = tools_in(tmp_path) / "lintian"
    lintian.write_text("#!/bin/sh\nexit 2\n")
    lintian.chmod(0o755)
    ran = lint(tmp_path)
    assert ran.returncode != 0
    assert "not linted" not in ran.stderr
