"""bash's completion offers what --help says, no more and no less."""
import os
import re
import shutil
import subprocess

import pop3
import pytest

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "..", "..", "units", "pop3d.bash-completion")

pytestmark = pytest.mark.skipif(not shutil.which("bash"),
                                reason="bash is not installed")


def complete(*words):
    """What is offered for the last word; bash has split them at each =."""
    quoted = " ".join(f"'{word}'" for word in words)
    run = subprocess.run(
        ["bash", "-c", f'compopt() {{ echo nospace; }}; . {SCRIPT}; '
         f'COMP_WORDS=(pop3d {quoted}); COMP_CWORD={len(words)}; '
         f'_pop3d {pop3.binary()}; printf "%s\\n" "${{COMPREPLY[@]}}"'],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stderr == ""
    return run.stdout.split()


def help_text():
    return subprocess.run([pop3.binary(), "--help"], text=True, check=True,
                          stdout=subprocess.PIPE).stdout


def test_options_are_those_of_help():
    known = set(re.findall(r"(?:^ +|, )(--[a-z-]+=?)", help_text(), re.M))
    assert len(known) > 20
    assert set(complete("--")) == known
    assert complete("--uid") == ["nospace", "--uidl="]
    assert complete("--rec") == ["--recover"]


@pytest.mark.parametrize("option", ["locks", "tls", "plaintext", "uidl", "log"])
def test_words_that_options_take_are_those_of_help(option):
    text = re.search(rf"^ +--{option}=[A-Z]+(.*?)\n +-", help_text(),
                     re.S | re.M)[1]
    words = {word for word in re.split(r"[\s,]+", text.split("(")[0])
             if word and ":" not in word and word != "or"}
    words -= {"of", "passwords", "without", "TLS", "as", "another", "in",
              "this", "order"}
    offered = complete(f"--{option}", "=")
    assert set(offered) == words and len(offered) >= 3
    first = sorted(offered)[0]
    assert first in complete(f"--{option}", "=", first[:2])


def test_users_behind_check():
    assert "root" in complete("--check", "ro")
    assert "root" in complete("--list", "=", "ro")
    assert "--recover" in complete("--check", "--")
