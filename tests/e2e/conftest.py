"""A fresh mail host for every test, and its transcript where one fails."""
import os
import threading

import pytest

import pop3


LIMIT = 300  # seconds until a test that hangs has failed


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "limit(seconds): instead of LIMIT")
    config.addinivalue_line("markers", "store(name...): of pop3.STORES")


def pytest_generate_tests(metafunc):
    """Which stores a test is run over: its own, the module's, or mbox."""
    stores = getattr(metafunc.module, "STORES", None)
    own = metafunc.definition.get_closest_marker("store")
    if own:
        stores = own.args
    if stores and "host" in metafunc.fixturenames:
        metafunc.parametrize("host", stores, indirect=True)


@pytest.fixture
def host(request):
    if not os.access(pop3.binary(), os.X_OK):
        pytest.fail(f"{pop3.binary()} is missing: make pop3d first")
    if pop3.pam_matrix() is None:
        pytest.fail("pam_matrix.so is missing: install libpam-wrapper")
    made = pop3.STORES[getattr(request, "param", "mbox")]()
    limit = request.node.get_closest_marker("limit")
    watchdog = threading.Timer(limit.args[0] if limit else LIMIT, made.give_up)
    watchdog.daemon = True
    watchdog.start()
    yield made
    watchdog.cancel()
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    made = getattr(item, "funcargs", {}).get("host")
    if call.when == "call" and report.failed and made is not None:
        report.sections.append(("transcript", "\n".join(made.transcript)))
        report.sections.append(
            ("log of pop3d", made.log().decode(errors="backslashreplace")))
