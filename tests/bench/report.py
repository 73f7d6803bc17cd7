"""The results as a table (Markdown) and as a plot (SVG, by gnuplot)."""
import datetime
import os
import pathlib
import platform
import statistics
import subprocess

LIMITS = pathlib.Path(__file__).resolve().parent / "limits.md"
CLIENTS = ("1", "8", "32")
WORK = ("first login", "empty", "later login", "after append", "RETR",
        "UIDL+LIST")

PLOT = """
set terminal svg size 800,{height} font "sans,12" background rgb "white"
set output "{svg}"
set title "{title}"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set boxwidth 0.9
set grid ytics
set yrange [0:*]
set ylabel "{ylabel}"
set key outside right
set xtics rotate by -20
plot "-" using 2:xtic(1) title "1 client", \\
     "-" using 2:xtic(1) title "8", "-" using 2:xtic(1) title "32"
{data}"""


def cells(*values):
    return "| " + " | ".join(map(str, values)) + " |"


def number(value, how):
    return f"{value:.1f} ms" if how == "plus ms" else f"{value:.2f}x"


def amount(seconds_or_kb, how):
    return (f"{seconds_or_kb:.0f} kB" if how == "kB"
            else f"{seconds_or_kb * 1000:.1f} ms")


def goal(row):
    if row["goal"] is None:
        return "-", ""
    median = statistics.median(row["figures"])
    met = (median >= row["goal"] if row["how"] == "speed"
           else median <= row["goal"])
    sign = ">=" if row["how"] == "speed" else "<="
    return f"{sign} {number(row['goal'], row['how'])}", "yes" if met else "NO"


def rows_table(rows):
    lines = [cells("work", "pop3d", "against", "", "figure (least, most)",
                   "goal", "met"), cells(*["---"] * 7)]
    for row in rows:
        how, figures = row["how"], row["figures"]
        wanted, met = goal(row)
        lines.append(cells(
            row["name"], amount(row["ours"], how), row["yardstick"],
            amount(row["theirs"], how),
            f"{number(statistics.median(figures), how)} "
            f"({number(min(figures), how)}, {number(max(figures), how)})",
            wanted, met))
    return lines


def greetings_table(greetings):
    lines = ["", "Connect to greeting under systemd, Accept=yes; ms, median "
             "of three:", "",
             cells("clients", "pop3d", "a bare unit", "ratio", "goal"),
             cells(*["---"] * 5)]
    for clients in ("1", "64"):
        ours, bare = (statistics.median(s[1] for s in greetings[name][clients])
                      for name in ("pop3d", "bare unit"))
        lines.append(cells(clients, f"{ours * 1000:.1f}", f"{bare * 1000:.1f}",
                           f"{ours / bare:.2f}x", "<= 1.30x"))
    return lines


def server(name):
    ours = name.startswith("systemd") or name in ("tcpserver", "xinetd")
    return f"pop3d, {name}" if ours else name


def counts_line(counts):
    return ["", "Until the greeting, without systemd: " + ", ".join(
        f"{n} {what}" for what, n in counts.items()) + "."]


def sessions_table(sessions, how=""):
    lines = ["", f"Sessions a second{how} (login to a small mailbox and QUIT):",
             "",
             cells("", *(f"{n} client{'s' * (n != '1')}" for n in CLIENTS)),
             cells(*["---"] * 4)]
    for name, by_clients in sessions.items():
        lines.append(cells(server(name), *(f"{by_clients[n][0]:.0f}"
                                   for n in CLIENTS)))
    return lines


def idle_table(idle):
    lines = [""]
    for name, figures in idle.items():
        each = figures["sessions"]
        lines.append(f"{each} idle sessions at once, {server(name)}: "
                     f"{figures['pss'] / 1024:.0f} MB in all (PSS), "
                     f"{figures['pss'] / each:.0f} kB each, "
                     f"{figures['private'] / each:.0f} kB of it private.  ")
    return lines


def peers_table(peers):
    memory = ("kB, 3 messages", "kB, 10,000 messages")
    lines = ["", "The same work by other servers, as root, ms; `wc -l`: "
             f"{peers['yardstick']['wc -l'] * 1000:.0f}, `cat` of 500 "
             f"messages: {peers['yardstick']['cat'] * 1000:.0f}. (RETR: of "
             "500 messages. Some build their index at the first of all "
             "logins.)", "",
             cells("", *WORK, *memory), cells(*["---"] * 9)]
    for name, figures in peers.items():
        if name == "yardstick":
            continue
        name = "pop3d" if name == "tcpserver" else name
        lines.append(cells(
            name, *(f"{figures[w] * 1000:.1f}" if w in figures else "-"
                    for w in WORK),
            *(figures.get(w, "-") for w in memory)))
    return lines


def table(result):
    lines = rows_table(result["rows"])
    lines += counts_line(result["counts"])
    if result.get("copy"):
        lines += greetings_table(result["copy"]["greetings"])
        lines += sessions_table(result["copy"]["sessions"])
        lines += sessions_table(result["copy"]["tls"],
                                " over TLS, each a new handshake")
        lines += idle_table(result["copy"]["idle"])
        lines += peers_table(result["copy"]["peers"])
    return "\n".join(lines) + "\n"


def host():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f
                      if line.startswith("model name")), platform.machine())
    return (f"{datetime.date.today()}, {os.cpu_count()} CPUs ({model}), "
            f"Linux {platform.release()}, warm cache")


def plot(svg, sessions):
    data = "".join("".join(f'"{server(name)}" {figures[n][0]:.1f}\n'
                           for name, figures in sessions.items()) + "e\n"
                   for n in CLIENTS)
    subprocess.run(["gnuplot"], check=True, text=True, input=PLOT.format(
        height=400, svg=svg, title="Sessions a second", ylabel="sessions/s",
        data=data))


def write(directory, result, text):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "bench.md"), "w") as f:
        f.write(f"# What `make bench` printed\n\n{host()}.\n\n{text}\n"
                + LIMITS.read_text())
    if result.get("copy"):
        plot(os.path.join(directory, "bench.svg"),
             result["copy"]["sessions"])
        with open(os.path.join(directory, "bench.md"), "a") as f:
            f.write("\n![Sessions a second](bench.svg)\n\n"
                    "![A login as the mailbox grows](growth.svg)\n")
