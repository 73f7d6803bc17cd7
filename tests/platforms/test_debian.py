"""README's two commands, on systems that have nothing but Debian's base."""
import os
import shutil

import pytest
from conftest import HERE, WORK, counts, must, run, tail


class Root:
    """A bare system that is thrown away with all that was written to it."""

    def __init__(self, suite, architecture, tmp_path):
        WORK.mkdir(parents=True, exist_ok=True)
        self.name = f"{suite}-{architecture}"
        self.root = WORK / "roots" / self.name
        self.root.parent.mkdir(exist_ok=True)
        self.work = tmp_path / "work"
        self.work.mkdir()
        must([HERE / "debian-root", suite, architecture, self.root],
             WORK / f"{self.name}.root.log")

    def put(self, source):
        shutil.copytree(source, self.work / "upper" / "pop3d", symlinks=True)

    def command(self, *argv):
        return [HERE / "in-root", self.root, self.work, *argv]


def go_on(root, log, command):
    """README's command, where it says so; its status."""
    return run(root.command("sh", "-c", f"cd /pop3d && {command}"), log)


@pytest.mark.parametrize("suite, architecture, parts", [
    ("bookworm", "amd64", ""), ("trixie", "amd64", ""), ("sid", "amd64", ""),
    ("trixie", "i386", "unit plain")],
    ids=["bookworm", "trixie", "sid", "trixie-i386"])
def test_debian(suite, architecture, parts, source, tmp_path, record):
    root = Root(suite, architecture, tmp_path)
    root.put(source)
    log = WORK / f"{root.name}.demo.log"
    status = go_on(root, log, "./bootstrap demo")
    if status == 77:
        pytest.skip("no namespaces or overlay to be had: " + tail(log, 1))
    assert status == 0, tail(log)
    assert "signing off" in log.read_text(errors="replace")
    log = WORK / f"{root.name}.check.log"
    parts = os.environ.get("PLATFORM_CHECK", parts)
    status = go_on(root, log, "./bootstrap check" +
                   (f" CHECK='{parts}'" if parts else ""))
    record(counts(log))
    assert status == 0, tail(log)
