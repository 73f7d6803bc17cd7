"""
Every client does the same with the same mail: test_matrix.py. pop3d runs behind
systemd-socket-activate, as in tests/e2e, whose host this is.
"""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

import importlib.util  # noqa: E402

spec = importlib.util.spec_from_file_location(
    "e2e_conftest", pathlib.Path(__file__).resolve().parent.parent
    / "e2e/conftest.py")
e2e = importlib.util.module_from_spec(spec)
spec.loader.exec_module(e2e)
host = e2e.host
pytest_configure = e2e.pytest_configure
