"""
These tests install pop3d, make users and start services. They do so in a copy
of this host that is thrown away afterwards, a fresh one for each test: outside
of it a test is only asked for, by running pytest in the copy; see in-host-copy.
"""
import os
import pathlib
import re
import subprocess
import sys

import pytest

import host as host_module

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
CANNOT = 77  # in-host-copy: no copy can be made here


class InCopy(pytest.Item):
    """Stands for the test of the same name in a copy of this host."""

    def runtest(self):
        if os.geteuid() != 0:
            pytest.skip("needs root")
        command = [sys.executable, "-B", "-m", "pytest", "-q", "-rs",
                   "-p", "no:cacheprovider", self.test_id]
        if "POP3D" in os.environ:
            binary = os.path.abspath(os.environ["POP3D"])
            command = ["env", f"POP3D={binary}", *command]
        run = subprocess.run([HERE / "in-host-copy", *command], cwd=TOP,
                             stdin=subprocess.DEVNULL, text=True,
                             errors="backslashreplace",
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        skipped = re.search(r"^SKIPPED \[1\] \S+ (.*)", run.stdout, re.M)
        if run.returncode == CANNOT:
            pytest.skip(run.stdout.strip().replace("\n", "; "))
        if run.returncode != 0:
            pytest.fail(run.stdout, pytrace=False)
        if skipped:
            pytest.skip(skipped[1])

    def reportinfo(self):
        return self.path, 0, self.name


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    if host_module.is_copy():
        return
    for i, item in enumerate(items):
        if HERE in item.path.parents:
            items[i] = InCopy.from_parent(item.parent, name=item.name)
            items[i].test_id = f"{item.path}::{item.name}"


@pytest.fixture
def installed():
    """A host with pop3d installed, nothing enabled."""
    return host_module.Host()


@pytest.fixture
def host(installed):
    """A host that serves POP3 by systemd, with the user thomas."""
    if not host_module.was_reset():
        installed.run("systemctl", "enable", "--now", "pop3d.socket")
        installed.user("thomas")
    return installed


@pytest.fixture(autouse=True)
def no_filter_has_ended_a_process(request):
    """None but a hijacked one may make a call that its role has no use for."""
    yield
    if not host_module.is_copy() or "hijack" in request.path.name:
        return
    assert host_module.ended_by_their_filters() == []
