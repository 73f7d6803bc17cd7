"""Includes point down, and never in a circle: by the order in tests/wings."""
import os
import re

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ORDER = os.path.join(TOP, "tests", "wings")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def order():
    """The line of each wing, counted from the top."""
    with open(ORDER, encoding="ascii") as lines:
        rows = [line.split() for line in lines if not line.startswith("#")]
    return {wing: row for row, wings in enumerate(rows) for wing in wings}


def sources(top):
    """The C files of the server, as paths below top."""
    for entry in sorted(os.listdir(top)):
        path = os.path.join(top, entry)
        if entry in order() and os.path.isdir(path):
            yield from (f"{entry}/{name}" for name in sorted(os.listdir(path))
                        if name.endswith((".c", ".h")))
        elif entry.endswith((".c", ".h")):
            yield entry


def includes(top):
    """What each file includes of ours."""
    found = {}
    for path in sources(top):
        with open(os.path.join(top, path), encoding="utf-8") as source:
            found[path] = INCLUDE.findall(source.read())
    return found


def wing(path):
    return path.split("/")[0] if "/" in path else module(path)


def module(path):
    """A header and its .c file are one."""
    return path.rsplit(".", 1)[0]


def upward(found):
    rows = order()
    for path, others in found.items():
        for other in others:
            if wing(other) != wing(path) and rows[wing(other)] <= rows[wing(path)]:
                yield f"{path} includes {other}"


def circles(found):
    """Modules that include each other, by whatever way."""
    graph = {}
    for path, others in found.items():
        graph.setdefault(module(path), set()).update(
            module(other) for other in others if module(other) != module(path))

    def reach(start):
        seen, todo = set(), [start]
        while todo:
            for other in graph.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    return sorted(m for m in graph if m in reach(m))


def strangers(found):
    """Includes of what is in no wing, or not there."""
    for path, others in found.items():
        for other in others:
            if other not in found:
                yield f"{path} includes {other}"


def test_every_file_is_in_a_wing():
    found = includes(TOP)
    assert len(found) > 100
    assert {wing(path) for path in found} <= set(order())


def test_no_include_points_up():
    assert not list(upward(includes(TOP)))


def test_no_circle():
    assert not circles(includes(TOP))


def test_an_include_names_its_wing():
    assert not list(strangers(includes(TOP)))


def test_few_files_at_the_top():
    assert len([path for path in sources(TOP) if "/" not in path]) <= 20


@pytest.mark.parametrize("path, line, finder, told", [
    ("base/log.h", '#include "session.h"', upward,
     "base/log.h includes session.h"),
    ("session.c", '  #  include "commands.h"', upward,
     "session.c includes commands.h"),
    ("mbox/mbox.c", '#include "proxy/proxy.h"', upward,
     "mbox/mbox.c includes proxy/proxy.h"),
    ("lock/dotlock.h", '#include "lock/lock.h"', circles, "lock/dotlock"),
    ("base/log.c", '#include "log.h"', strangers, "base/log.c includes log.h"),
])
def test_what_is_wrong_is_found(path, line, finder, told):
    found = includes(TOP)
    assert told not in list(finder(found))
    found[path] = found[path] + INCLUDE.findall(line)
    assert told in list(finder(found))
