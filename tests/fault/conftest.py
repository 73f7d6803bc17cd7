"""The driver that cuts system calls, and the mail host of tests/e2e."""
import os
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import pop3  # noqa: E402

pytest.register_assert_rewrite("cuts")


@pytest.fixture(scope="session")
def cutter():
    """The path of the compiled cut.c; whoever pop3d runs as may execute it."""
    with tempfile.TemporaryDirectory(prefix="pop3d-cut-") as top:
        os.chmod(top, 0o755)
        program = os.path.join(top, "cut")
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17",
                        "-D_GNU_SOURCE", "-O2", "-o", program,
                        os.path.join(HERE, "cut.c")], check=True)
        yield program


@pytest.fixture
def host():
    if not os.access(pop3.binary(), os.X_OK):
        pytest.fail(f"{pop3.binary()} is missing: make pop3d first")
    if pop3.pam_matrix() is None:
        pytest.fail("pam_matrix.so is missing: install libpam-wrapper")
    made = pop3.Host()
    yield made
    made.close()


@pytest.fixture
def count_cuts(record_property):
    """Call it for each cut; the sum is printed at the end."""
    counted = [0]

    def count():
        counted[0] += 1
    yield count
    record_property("cuts", counted[0])


def pytest_terminal_summary(terminalreporter):
    cuts = [value for reports in terminalreporter.stats.values()
            for report in reports
            for name, value in getattr(report, "user_properties", [])
            if name == "cuts" and report.when == "teardown"]
    if cuts:
        terminalreporter.write_line(f"{sum(cuts)} cuts in {len(cuts)} tests")
