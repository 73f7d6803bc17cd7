"""
make bench: pop3d against its yardsticks, and against other servers, in one run.

  bench.py LOAD [--rounds=N] [--scale=N] [--seconds=S] [--peers=DIR]
           [--no-host-copy] [--docs=DIR]

LOAD is the compiled load.c. Each row is measured --rounds times, all rows in
turn, and the median of the ratios counts. --scale makes the mailboxes smaller
by that factor, for a quick look. As root, what needs systemd and other servers
follows, in a copy of this host that is thrown away. --docs writes the table and
the plot that README shows; all that was measured is in build/bench.json.
"""
import argparse
import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys

import report
import rows

HERE = pathlib.Path(__file__).resolve().parent
IN_COPY_SECONDS = 1800

# how: a ratio to the yardstick that must not exceed the goal, a speed that must
# reach it, a difference in ms, or a value in ms or kB
Row = collections.namedtuple("Row", "name yardstick how goal measure")

ROWS = [
    Row("first login, 1 GB of 10,000, no index", "`wc -l`", "ratio", 1.5,
        rows.first_login),
    Row("later login", "login to an empty mailbox", "plus ms", 3,
        rows.later_login),
    Row("login after one message was appended", "the same", "plus ms", 5,
        rows.login_after_append),
    Row("RETR of 10,000, one at a time", "`cat` through the socket", "speed",
        0.7, rows.retr),
    Row("the same by a server that answers from memory", "the same", "speed",
        None, rows.retr_from_memory),
    Row("the same over TLS", "`openssl s_server -WWW`", "speed", None,
        rows.retr_tls),
    Row("TLS: a handshake", "`openssl s_server`", "ratio", None,
        rows.handshake),
    Row("TLS: a handshake that resumes", "`openssl s_server`", "ratio", None,
        rows.handshake_resumed),
    Row("TLS: STLS to its reply", "-", "plus ms", None, rows.stls),
    Row("UIDL + LIST of 200,000, indexed", "`cat` of as many bytes", "ratio",
        3, rows.listings),
    Row("QUIT after DELE 1 of 1 GB", "`cp` and fsync, twice", "ratio", 1.2,
        rows.quit_one),
    Row("QUIT after DELE of all", "truncate and fsync", "plus ms", 10,
        rows.quit_all),
    Row("private memory of a session, 8 messages", "1.5 MB + 64 B a message",
        "kB", 1, rows.memory_small),
    Row("private memory of a session, 10,000", "1.5 MB + 64 B a message",
        "kB", 1, rows.memory_big),
    Row("the same over TLS, 8 messages", "1.5 MB", "kB", None,
        rows.memory_tls),
    Row("exec to greeting", "`echo`", "plus ms", None, rows.start),
]


def progress(text):
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"{text:<70}", end=end, file=sys.stderr, flush=True)


def figure(how, ours, yardstick):
    """The one number that is compared with the goal."""
    return {"ratio": lambda: ours / yardstick,
            "speed": lambda: yardstick / ours,
            "plus ms": lambda: (ours - yardstick) * 1000,
            "kB": lambda: ours / yardstick}[how]()


def measure_rows(arguments):
    samples = {row: [] for row in ROWS}
    progress("making the mailboxes")
    site = rows.Site(arguments.load, arguments.scale)
    try:
        for turn in range(arguments.rounds):
            for row in ROWS:
                progress(f"round {turn + 1} of {arguments.rounds}: "
                         f"{row.name}")
                samples[row].append(row.measure(site, turn))
        counts = rows.counts(site)
    finally:
        site.close()
    return counts, [{
        "name": row.name, "yardstick": row.yardstick, "how": row.how,
        "goal": row.goal,
        "ours": statistics.median(ours for ours, _ in samples[row]),
        "theirs": statistics.median(y for _, y in samples[row]),
        "figures": [figure(row.how, *s) for s in samples[row]]} for row in ROWS]


def measure_in_copy(arguments):
    """None where no copy of this host can be made."""
    command = [str(HERE.parent / "root" / "in-host-copy"), sys.executable,
               "-B", str(HERE / "inhost.py"), arguments.load,
               f"--seconds={arguments.seconds}"]
    if arguments.peers:
        command.append(f"--peers={os.path.abspath(arguments.peers)}")
    progress("systemd and other servers, in a copy of this host: "
             "some minutes")
    run = subprocess.run(command, cwd=HERE.parent.parent,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True,
                         env={**os.environ,
                              "IN_HOST_COPY_LIMIT": str(IN_COPY_SECONDS)})
    if run.returncode != 0:
        print(run.stderr, file=sys.stderr)
        return None
    return json.loads(run.stdout)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--peers")
    parser.add_argument("--no-host-copy", action="store_true")
    parser.add_argument("--docs")
    arguments = parser.parse_args()
    arguments.load = os.path.abspath(arguments.load)
    counts, measured = measure_rows(arguments)
    result = {"rows": measured, "counts": counts}
    if os.geteuid() == 0 and not arguments.no_host_copy:
        result["copy"] = measure_in_copy(arguments)
    (HERE.parent.parent / "build" / "bench.json").write_text(
        json.dumps(result))
    progress("")
    text = report.table(result)
    print(text)
    if arguments.docs:
        report.write(arguments.docs, result, text)


if __name__ == "__main__":
    main()
