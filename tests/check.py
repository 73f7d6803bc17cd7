#!/usr/bin/python3
"""
Runs the tests that make check has built, some at a time, says what each has
found, and ends with the sum: N passed, N failed, N skipped. What they printed
is kept in build/check.

usage: check.py [PART...]

unit      the parts by themselves
plain     all sessions, with the program as it is installed: in its sandbox
asan      unit, and all sessions, with AddressSanitizer and UBSan, without a
          sandbox
clients   what real mail programs fetch
fault     QUIT cut at every system call
root      installed, in a copy of this host
fuzz      each target for $FUZZ_CHECK_SECONDS
lint      what machines find by reading

They are built first. What cannot be built has failed, and the rest goes on.
"""
import concurrent.futures
import contextlib
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGS = os.path.join(TOP, "build", "check")
# make coverage has its own build
BUILD = os.path.join(TOP, os.environ.get("POP3D_BUILD", "build"))
PLAIN = os.environ.get("POP3D", os.path.join(TOP, "pop3d"))
ASAN = os.path.join(TOP, "build", "asan")
CPUS = os.cpu_count() or 1
PATIENCE = 1200  # seconds for one job

# Those that take long begin first; about how many seconds.
LONG = {"plain: session_end": 280, "asan: session_end": 280, "root: check": 280,
        "lint: tidy": 250, "asan: auth": 240, "plain: auth": 230,
        "root: memory": 220, "plain: login_time": 185,
        "fault: recovery of every-other": 180,
        "fault: recovery of last-two": 180, "asan: rewrite": 180,
        "root: check_units": 150, "asan: log": 140, "plain: log": 140,
        "root: accounts": 120, "root: check_delivery": 110,
        "asan: secrets": 110, "root: malicious_user": 105, "plain: secrets": 105,
        "root: spool": 95, "root: units": 95, "asan: wire": 90,
        "root: users_again": 80, "root: virtual": 70, "lint: analyzer": 70,
        "asan: abuse": 70, "plain: soak": 65, "plain: maildir_soak": 65,
        "asan: tls": 65, "plain: abuse": 65, "root: who": 60,
        "asan: unit commit": 60, "lint: clang": 50, "plain: tls": 50,
        "asan: login": 50, "plain: login": 45, "asan: apop": 40,
        "asan: locks": 40, "plain: wire": 40, "plain: apop": 35,
        "plain: rewrite": 35, "plain: locks": 30}


running = set()


def kill(process):
    """With all that it has started and that has not left its session."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def give_up(number, _):
    for process in list(running):
        kill(process)
    os._exit(128 + number)


class Job:
    """A command that needs a program; busy: it keeps a processor to itself."""

    def __init__(self, name, argv, busy=False, needs=None, **environment):
        self.name = name
        self.argv = argv
        self.busy = busy
        self.needs = needs or argv[0]
        self.environment = environment
        self.log = os.path.join(LOGS, re.sub(r"\W+", "-", name) + ".log")

    def weight(self):
        return LONG.get(self.name, 190 if "fault" in self.name else 10)

    def run(self):
        """Its exit status; None if it took too long."""
        with open(self.log, "wb") as log:
            process = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, cwd=TOP, start_new_session=True,
                env={**os.environ, **self.environment})
            running.add(process)
            try:
                return process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                log.write(b"\nit took longer than %d seconds\n" % PATIENCE)
            finally:
                running.discard(process)
                kill(process)
                process.wait()

    def output(self):
        with open(self.log, errors="backslashreplace") as f:
            return f.read()


# ---- the jobs

def pytest(name, path, pop3d, *options, **environment):
    return Job(name, ["/usr/bin/python3", "-m", "pytest", "-q", "-rs",
                      "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist",
                      *options, path], POP3D=pop3d, **environment)


def pytests(part, directory, pop3d, without=(), **environment):
    for path in sorted(glob.glob(f"{TOP}/tests/{directory}/test_*.py")):
        name = os.path.basename(path)[len("test_"):-len(".py")]
        if name not in without:
            yield pytest(f"{part}: {name}", path, pop3d, **environment)


def faults():
    """Each pattern by itself: together they would take a while."""
    cuts = f"{TOP}/tests/fault/test_cuts.py"
    for pattern in ("first", "every-other", "all-but-the-last", "middle-run",
                    "last-two", "all", "first-in-steps",
                    "every-other-in-steps"):
        these = f"{pattern}]" if pattern != "all" else "(-all] or [all])"
        yield pytest(f"fault: {pattern}", cuts, PLAIN,
                     "-k", f"{these} and not done_again")
    for pattern in ("every-other", "last-two", "first-in-steps"):
        yield pytest(f"fault: recovery of {pattern}", cuts, PLAIN,
                     "-k", f"{pattern}] and done_again")
    yield pytest("fault: Maildir", f"{TOP}/tests/fault/test_maildir_cuts.py",
                 PLAIN)


def units(part, directory):
    for path in sorted(glob.glob(f"{directory}/unit/*/test_*")):
        if "." not in os.path.basename(path):
            name = os.path.basename(path)[len("test_"):]
            yield Job(f"{part}: unit {name}", [path])


def fuzzers():
    seconds = os.environ.get("FUZZ_CHECK_SECONDS", "12")
    for source in sorted(glob.glob(f"{TOP}/tests/fuzz/fuzz_*.c")):
        name = os.path.basename(source)[:-len(".c")]
        if shutil.which("clang") and \
                not os.path.exists(f"{TOP}/build/fuzz/{name}"):
            continue  # its build has failed, and said so
        yield Job(f"fuzz: {name[len('fuzz_'):]}",
                  ["sh", "tests/fuzz/run", seconds, f"build/fuzz/{name}"],
                  busy=True, needs="clang")


def lint():
    for name, needs in {
            "format": "clang-format", "cppcheck": "cppcheck", "clang": "clang",
            "analyzer": "gcc", "tidy": "clang-tidy", "man": "mandoc",
            "scripts": "shellcheck"}.items():
        yield Job(f"lint: {name}", ["make", "-s", f"lint-{name}"], busy=True,
                  needs=needs)


PARTS = {
    "unit": lambda: units("unit", BUILD),
    "plain": lambda: pytests("plain", "e2e", PLAIN, POP3D_SOAK_SECONDS="60"),
    "asan": lambda: [*units("asan", ASAN),
                     *pytests("asan", "e2e", os.path.join(ASAN, "pop3d"),
                              ["memory"])],
    "clients": lambda: pytests("clients", "clients", PLAIN),
    "fault": faults,
    "root": lambda: pytests("root", "root", PLAIN),
    "fuzz": fuzzers,
    "lint": lint,
}


def builds(parts):
    """make coverage has built what it tests."""
    if "POP3D_BUILD" in os.environ:
        return
    yield Job("build", ["make", "-s", "check-build"])
    for part, needs in ("asan", "make"), ("fuzz", "clang"):
        if part in parts:
            yield Job(f"build: {part}", ["make", "-s", f"check-build-{part}"],
                      needs=needs)


def can_run(part):
    """Whether the program is there that it is about; its build has failed."""
    program = {"asan": os.path.join(ASAN, "pop3d"), "fuzz": None,
               "lint": None}.get(part, PLAIN)
    return program is None or os.access(program, os.X_OK)


# ---- what they find

def count(output, status):
    """[passed, failed, skipped], from the last such line of any of them."""
    def number(pattern, text):
        return sum(map(int, re.findall(pattern, text)))
    # pytest and tests/fuzz/run: "1 failed, 7 passed, 1 error in 9.87s"
    sums = re.findall(r"^(?=.*\d (?:passed|failed|skipped|error)).* in [\d.]+s"
                      r".*$", output, re.M)
    last = sums[-1] if sums else ""
    counts = [number(r"(\d+) passed", last) +
              number(r"\[  PASSED  \] (\d+) test", output),
              number(r"(\d+) (?:failed|error)", last) +
              number(r"\[  FAILED  \] (\d+) test", output),
              number(r"(\d+) skipped", last) +
              number(r"\[  SKIPPED \] (\d+) test", output)]
    if counts == [0, 0, 0] and status == 0:
        counts[0] = 1  # a program that says nothing else
    if status != 0 and counts[1] == 0:
        counts[1] = 1
    return counts


def carry_out(job):
    began = time.monotonic()
    if shutil.which(job.needs):
        status = job.run()
    else:
        status = 0
        with open(job.log, "w") as log:
            print(f"SKIPPED {job.needs} is not installed\n"
                  "1 skipped in 0s", file=log)
    return job, status, time.monotonic() - began


def tell(job, status, seconds):
    output = job.output()
    counts = count(output, status)
    print("%-32s %4d passed %3d failed %3d skipped %6.1f s" %
          (job.name, *counts, seconds))
    if counts[1]:
        print(output, f"---- end of {job.name}, which failed", sep="\n")
    else:
        for line in re.findall(r"^SKIPPED.*|^\d+ cuts .*|^seed \d+: .*|"
                               r".* runs, .*", output, re.M):
            print("    " + line)
    sys.stdout.flush()
    return counts


def main():
    os.makedirs(LOGS, exist_ok=True)
    signal.signal(signal.SIGINT, give_up)
    signal.signal(signal.SIGTERM, give_up)
    parts = sys.argv[1:] or list(PARTS)
    total, failed = [0, 0, 0], []

    def found(done):
        counts = tell(*done)
        for i, n in enumerate(counts):
            total[i] += n
        if counts[1]:
            failed.append(done[0].name)

    for job in builds(parts):
        found(carry_out(job))
    jobs = [job for part in filter(can_run, parts) for job in PARTS[part]()]
    jobs.sort(key=Job.weight, reverse=True)
    with concurrent.futures.ThreadPoolExecutor(CPUS) as busy, \
            concurrent.futures.ThreadPoolExecutor(4 * CPUS) as waiting:
        for done in concurrent.futures.as_completed(
                [(busy if job.busy else waiting).submit(carry_out, job)
                 for job in jobs]):
            found(done.result())
    if failed:
        print("failed: " + ", ".join(failed))
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
