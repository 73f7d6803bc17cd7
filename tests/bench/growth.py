"""
make bench-growth: what a login costs as the mailbox grows, without an index,
with it, and after one message was appended; in bytes (messages of 100 kB) and
in messages (of 400 bytes).

  growth.py [--most-bytes=N] [--most-messages=N] [--rounds=N] [--docs=DIR]
"""
import argparse
import os
import statistics
import subprocess

import mailboxes
import rows

PLOT = """
set terminal svg size 800,360 font "sans,12" background rgb "white"
set output "{svg}"
set multiplot layout 1,2
set logscale xy
set grid
set key top left
set ylabel "ms"
set style data linespoints
set xlabel "MB, in messages of 100 kB"
plot {bytes}
set xlabel "messages of 400 bytes"
plot {messages}
"""
WORKS = ("no index", "one appended", "index")


def measure(site, count, size, rounds):
    path = site.mailbox("copy")
    mailboxes.write(path, count, size)
    site.give(path)
    samples = {work: [] for work in WORKS}
    for turn in range(rounds):
        site.forget_index("copy")
        rows.time.sleep(rows.GRAIN)
        samples["no index"].append(site.session("copy"))
        samples["index"].append(site.session("copy"))
        site.append("copy", turn)
        samples["one appended"].append(site.session("copy"))
    octets = os.path.getsize(path)
    os.remove(path)
    return octets, [statistics.median(samples[w]) * 1000 for w in WORKS]


def series(site, sizes, rounds):
    lines = []
    for count, size in sizes:
        octets, ms = measure(site, count, size, rounds)
        lines.append((octets / 1e6, count, *ms))
        print(f"{octets / 1e6:8.1f} MB {count:8} messages: "
              + ", ".join(f"{work} {value:.1f} ms"
                          for work, value in zip(WORKS, ms)), flush=True)
    return lines


def draw(directory, by_bytes, by_messages):
    def data(name, lines, x):
        path = os.path.join(directory, name)
        with open(path, "w") as f:
            f.write("# MB, messages, ms: " + ", ".join(WORKS) + "\n")
            f.writelines(" ".join(f"{v:.2f}" for v in line) + "\n"
                         for line in lines)
        return ", ".join(f'"{path}" using {x}:{3 + i} title "{work}"'
                         for i, work in enumerate(WORKS))

    subprocess.run(["gnuplot"], check=True, text=True, input=PLOT.format(
        svg=os.path.join(directory, "growth.svg"),
        bytes=data("growth-bytes.txt", by_bytes, 1),
        messages=data("growth-messages.txt", by_messages, 2)))


def powers(first, most):
    n = first
    while n < most:
        yield n
        n *= 10 if first == 10 else 4
    yield most


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--most-bytes", type=int, default=4_000_000_000)
    parser.add_argument("--most-messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--docs")
    arguments = parser.parse_args()
    site = rows.Site(None, 1000)
    try:
        by_bytes = series(site, [(n // 100_000, 100_000) for n in powers(
            1_000_000, arguments.most_bytes)], arguments.rounds)
        by_messages = series(site, [(n, 400) for n in powers(
            10, arguments.most_messages)], arguments.rounds)
    finally:
        site.close()
    if arguments.docs:
        draw(arguments.docs, by_bytes, by_messages)


if __name__ == "__main__":
    main()
