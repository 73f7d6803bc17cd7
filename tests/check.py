#!/usr/bin/python3
"""
Runs the tests that make check has built, some at a time, says what each has
found, and ends with the sum: N passed, N failed, N skipped.

usage: check.py [PART...]     parts: unit e2e asan clients fault root lint
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
AT_ONCE = 2 + (os.cpu_count() or 1)
PATIENCE = 900  # seconds for one job
ASAN = os.path.join(TOP, "build", "asan")


def pytest(name, path, pop3d, *options):
    return (name, ["/usr/bin/python3", "-m", "pytest", "-q", "-rs", "--tb=short",
                   "-p", "no:cacheprovider", "-p", "no:xdist", *options, path],
            {"POP3D": pop3d})


def pytests(part, directory, pop3d):
    for path in sorted(glob.glob(f"{TOP}/tests/{directory}/test_*.py")):
        name = os.path.basename(path)[len("test_"):-len(".py")]
        yield pytest(f"{part}: {name}", path, pop3d)


def faults():
    """Each pattern by itself: together they would take a while."""
    for pattern in ("first", "every-other", "all-but-the-last", "middle-run",
                    "last-two", "all"):
        yield pytest(f"fault: {pattern}", f"{TOP}/tests/fault/test_cuts.py",
                     os.path.join(TOP, "pop3d"), "-k",
                     f"{pattern}]" if pattern != "all" else "-all] or [all]")


def units(part, directory):
    for path in sorted(glob.glob(f"{directory}/unit/test_*")):
        if not path.endswith(".d"):
            name = os.path.basename(path)[len("test_"):]
            yield f"{part}: unit {name}", [path], {}


def lint():
    c_files = sorted(glob.glob(f"{TOP}/*.[ch]"))
    scripts = [f"{TOP}/bootstrap", f"{TOP}/.ci/run", f"{TOP}/demo/play",
               f"{TOP}/tests/root/in-host-copy",
               f"{TOP}/tests/root/unpack-peers"]
    scripts = [path for path in scripts if os.path.exists(path) and
               open(path, "rb").readline().startswith(b"#!/bin/sh")]
    for name, argv in {
            "clang-format": ["clang-format", "--dry-run", "-Werror", *c_files],
            "cppcheck": ["cppcheck", "--quiet", "--error-exitcode=1",
                         "--enable=warning,performance,portability",
                         "--inline-suppr", "--std=c11", "-D_GNU_SOURCE",
                         "--suppress=missingIncludeSystem",
                         *[path for path in c_files if path.endswith(".c")]],
            "mandoc": ["mandoc", "-T", "lint", "-W", "warning",
                       *glob.glob(f"{TOP}/*.8")],
            "shellcheck": ["shellcheck", *scripts]}.items():
        yield f"lint: {name}", argv, {}


PARTS = {
    "unit": lambda: units("plain", os.path.join(TOP, "build")),
    "e2e": lambda: pytests("e2e", "e2e", os.path.join(TOP, "pop3d")),
    "asan": lambda: [*units("asan", ASAN),
                     *pytests("asan", "e2e", os.path.join(ASAN, "pop3d"))],
    "clients": lambda: pytests("clients", "clients",
                               os.path.join(TOP, "pop3d")),
    "fault": faults,
    "root": lambda: pytests("root", "root", os.path.join(TOP, "pop3d")),
    "lint": lint,
}


def count(output, status):
    """(passed, failed, skipped), from pytest's or cmocka's last lines."""
    def number(pattern):
        return sum(map(int, re.findall(pattern, output[-2000:], re.M)))
    counts = [number(r"(\d+) passed\b") + number(r"^\[  PASSED  \] (\d+) test"),
              number(r"(\d+) failed\b") + number(r"(\d+) errors?\b") +
              number(r"^\[  FAILED  \] (\d+) test"),
              number(r"(\d+) skipped\b")]
    if counts == [0, 0, 0] and status == 0:
        counts[0] = 1
    if status != 0 and counts[1] == 0:
        counts[1] = 1
    return counts


def run(job):
    name, argv, environment = job
    began = time.monotonic()
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=PATIENCE,
            cwd=os.path.dirname(argv[-1]),
            env={**os.environ, **environment})
        output, status = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace")
        output, status = output + "\nit took too long\n", 1
    except FileNotFoundError:
        return name, [0, 0, 1], f"{argv[0]} is not installed", 0
    return name, count(output, status), output, time.monotonic() - began


def main():
    jobs = [job for part in sys.argv[1:] or PARTS for job in PARTS[part]()]
    total = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in concurrent.futures.as_completed(
                [pool.submit(run, job) for job in jobs]):
            name, counts, output, seconds = done.result()
            total = [a + b for a, b in zip(total, counts)]
            print("%-40s %4d passed %3d failed %3d skipped %6.1f s" %
                  (name, *counts, seconds), flush=True)
            if counts[1]:
                print(output)
            elif counts[2]:
                reasons = re.findall(r"^SKIPPED.*|.*not installed$", output,
                                     re.M)
                print("\n".join("    " + reason for reason in reasons))
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] else 0


sys.exit(main())
