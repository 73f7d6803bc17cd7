#!/usr/bin/python3
"""
usage: report.py BUILD DATA...

How many of the lines of each source file have been run, as told by what
processes have left below the directories DATA (each of them a GCOV_PREFIX).
BUILD is where the objects lie. The lines that were not run go to
BUILD/missing, as FILE:LINE: TEXT.
"""
import collections
import glob
import json
import os
import subprocess
import sys


def executions(build, data):
    """(file, line number, how often it was run) of all of one GCOV_PREFIX."""
    here = data + os.path.abspath(build)
    for notes in glob.glob(f"{build}/*.gcno"):
        there = os.path.join(here, os.path.basename(notes))
        if os.path.isdir(here) and not os.path.exists(there):
            os.symlink(os.path.abspath(notes), there)
    names = [os.path.basename(path) for path in glob.glob(f"{here}/*.gcda")]
    if not names:
        return
    out = subprocess.run(["gcov", "--json-format", "--stdout", *names],
                         cwd=here, check=True, stdout=subprocess.PIPE).stdout
    for unit in map(json.loads, out.splitlines()):
        for file in unit["files"]:
            for line in file["lines"]:
                yield file["file"], line["line_number"], line["count"]


def main():
    build, *places = sys.argv[1:]
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    for data in places:
        for file, number, count in executions(build, data):
            if "/" not in file:
                lines[file][number] += count
    all_lines = all_run = 0
    with open(f"{build}/missing", "w") as missing:
        for file in sorted(lines):
            text = open(file).read().splitlines()
            run = sum(count > 0 for count in lines[file].values())
            all_lines += len(lines[file])
            all_run += run
            print("%-24s %5d of %5d lines  %5.1f %%" %
                  (file, run, len(lines[file]), 100 * run / len(lines[file])))
            for number, count in sorted(lines[file].items()):
                if count == 0:
                    print(f"{file}:{number}: {text[number - 1].strip()}",
                          file=missing)
    print("%-24s %5d of %5d lines  %5.1f %%" %
          ("all", all_run, all_lines, 100 * all_run / all_lines))


main()
