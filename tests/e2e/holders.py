"""
Who may hold which secret, and how a process's memory is searched. SECURITY.md
has the same table.
"""
import base64
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PAMS, RELAY = "PAM's process", "relay"

HOLDERS = {
    "password": {PAMS, RELAY},  # through which it passes
    "own hash": {PAMS},
    "others' hashes": {PAMS},
    "module's secret": {PAMS},
    "secrets file": {PAMS},
    "TLS key": {"certificate check", RELAY},
    "ticket key": {RELAY},
    "another's mail": set(),
    "other environment": set(),
}


def may_hold(kind):
    return {secret for secret, holders in HOLDERS.items() if kind in holders}


def memory(pid):
    """All that the process could read of its own memory."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            start, end, mode = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if "r" not in mode or "[v" in line:
                continue
            mem.seek(int(start, 16))
            try:
                found.append(mem.read(int(end, 16) - int(start, 16)))
            except OSError:
                pass  # a file's end
    return b"".join(found)


def held(pid, secrets):
    """Which of the secrets, {name: their texts}, are in its memory."""
    there = memory(pid)
    return {name for name, texts in secrets.items()
            if any(text in there for text in texts)}


def of_secrets_file(path):
    """
    The host's key, and what is behind a name and its salt, which whoever asks
    is told; as they stand there and as they are used.
    """
    found = []
    for line in pathlib.Path(path).read_text().splitlines():
        fields = line.split(":")
        found += [field for field in fields[3 if fields[0] else 1:] if field]
    return [field.encode() for field in found] + [
        base64.b64decode(field) for field in found if field[-1] == "="]


def documented():
    """The table of SECURITY.md."""
    text = (TOP / "SECURITY.md").read_text()
    table = text[text.index("| in memory |"):]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table[:table.index("\n\n")],
                      re.M)[2:]
    return {name: set() if who == "nobody" else set(who.split(", "))
            for name, who in rows}
