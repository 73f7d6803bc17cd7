"""SECURITY.md against the code and the tests that it names."""
import ast
import pathlib
import re
import sys

import pytest
from holders import HOLDERS, documented

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.append(str(TOP / "tests" / "hijack"))
import attacks  # noqa: E402

TEXT = (TOP / "SECURITY.md").read_text()
BREAK_IN = TEXT[TEXT.index("## What a break-in would yield"):
                TEXT.index("## Further rules")]
ROWS = [row for row in re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", BREAK_IN,
                                  re.M) if "---" not in row[0]][1:]
NAMED = [(row[0], name) for row in ROWS
         for name in re.findall(r"`([^`]+)`", row[2])]


def test_who_holds_what_is_the_table_that_is_tested():
    assert documented() == HOLDERS


def test_each_process_has_its_tests():
    said = re.findall(r"\*\*(.+?)\*\*", BREAK_IN)
    assert {row[0].lower() for row in ROWS} == {name.lower() for name in said}
    assert all("`" in row[2] for row in ROWS)


@pytest.mark.parametrize("process, name", NAMED, ids="{}".format)
def test_what_is_named_exists(process, name):
    if name.startswith("hijack: "):
        role, attack = name[len("hijack: "):].split()
        assert attack in attacks.expected(role)
        assert role == process.lower().split()[-1] or \
            process.lower().startswith(role)
        return
    path, test = name.split("::")
    tree = ast.parse((TOP / "tests" / path).read_text())
    assert test in {node.name for node in tree.body
                    if isinstance(node, ast.FunctionDef)}


# What SECURITY.md says in words, and where it stands in the code.
SECONDS = [
    ("within four minutes", "monitor/monitor.c", "#define GREETER_SECONDS 240"),
    ("within ten seconds", "sandbox/child.h", "#define ENDING_SECONDS 10"),
    ("gives up after 35 seconds", "tls/tls.h", "TLS_HANDSHAKE_MS = 30000"),
    ("gives up after 35 seconds", "monitor/monitor_tls.c",
     "REPORT_SECONDS (TLS_HANDSHAKE_MS / 1000 + 5)"),
    ("ten seconds later", "monitor/monitor_tls.c",
     "#define STRANGER_SECONDS 10"),
    ("three minutes that the greeter has", "authorization.c",
     "#define LOGIN_SECONDS 180"),
    ("45 seconds after its start", "proxy/proxy_ask.c",
     "REPORT_SECONDS (PROXY_WAIT_MS / 1000 + 5)"),
    ("45 seconds after its start", "proxy/proxy.h", "PROXY_WAIT_MS = 30000"),
    ("at most three guesses", "monitor/monitor_login.c", "TRIES_MAX = 3"),
]


@pytest.mark.parametrize("said, path, code", SECONDS, ids=str)
def test_numbers_are_the_codes(said, path, code):
    assert said in " ".join(BREAK_IN.split())
    assert code in (TOP / path).read_text()
