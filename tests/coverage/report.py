#!/usr/bin/python3
"""
usage: report.py BUILD

How many of the lines of each source file have been run, as told by what
processes have left in BUILD/data-PART. The lines that were not run go to
BUILD/missing, as FILE:LINE: TEXT.
"""
import collections
import glob
import json
import os
import subprocess
import sys
import tempfile


def executions(build):
    """(file, line number, how often it was run), for each object."""
    for data in glob.glob(f"{build}/data-*/*.gcda"):
        # the object's path, its slashes replaced
        notes = os.path.basename(data).replace("#", "/")[:-len("da")] + "no"
        if not os.path.exists(notes):
            continue  # of an earlier build
        with tempfile.TemporaryDirectory() as here:
            os.symlink(data, f"{here}/object.gcda")
            os.symlink(notes, f"{here}/object.gcno")
            told = subprocess.run(
                ["gcov", "--json-format", "--stdout", "object.gcda"],
                cwd=here, stdout=subprocess.PIPE).stdout
        # one that was killed while it wrote leaves what gcov does not read
        for file in json.loads(told)["files"] if told else []:
            for line in file["lines"]:
                yield (os.path.normpath(file["file"]), line["line_number"],
                       line["count"])


def main():
    build = os.path.abspath(sys.argv[1])
    lines = collections.defaultdict(collections.Counter)
    for file, number, count in executions(build):
        if not file.startswith(("/", "tests/")):
            lines[file][number] += count
    every = run = 0
    with open(f"{build}/missing", "w") as missing:
        for file, counts in sorted(lines.items()):
            with open(file) as f:
                text = f.read().splitlines()
            unrun = sorted(n for n, count in counts.items() if count == 0)
            for n in unrun:
                print(f"{file}:{n}: {text[n - 1].strip()}", file=missing)
            show(file, len(counts) - len(unrun), len(counts))
            every += len(counts)
            run += len(counts) - len(unrun)
    show("all", run, every)
    print(f"the others are in {os.path.relpath(build)}/missing")


def show(what, run, every):
    print("%-26s %5d of %5d lines %6.1f %%" %
          (what, run, every, 100 * run / every))


main()
