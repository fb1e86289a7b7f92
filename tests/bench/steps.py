#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""Where the time goes: nanoseconds of CPU per notification, step by step, of a saturated run.

Goal: the table of tests/bench/README.md. Method: perf samples `vigie bench --scenario
throughput` and all its processes; steps.table says to which step a function belongs, and a
sample belongs to the innermost function of its stack that stands there. Counted are the
samples from the first mutation of the measured round on; what stands in no line is the
remainder, and --inside 20 says what that is made of. As root the kernel's part is seen, otherwise
only our own.

    tests/bench/steps.py [--people 1000000] [--seconds 10] [--inside 20 [--step match]]

Needs linux-perf, and the preset dev: as fast as release but for what optimising programs as
wholes brings, which would put functions of several steps into one. It reports; it judges
nothing.
"""

import argparse
import collections
import fnmatch
import functools
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
HERTZ = 1999
TAIL_SECONDS = 1  # the last letters come after the last answer
COLUMNS = ["sources", "loop", "writer", "sockets", "receivers"]
HEAD = re.compile(r"^\s*(?P<comm>.*\S)\s+(?P<pid>\d+)/(?P<tid>\d+)\s+(?P<time>[\d.]+):\s*$")
FRAME = re.compile(r"^\s+[0-9a-f]+ (?P<symbol>.*) \((?P<object>.*)\)$")


class Table:
    """steps.table: in its order, which functions and libraries belong to which step."""

    def __init__(self, path):
        self.steps, self.exact, self.patterns = [], {}, []
        for line in path.read_text().splitlines():
            step, *words = line.partition("#")[0].split() or [None]
            if step is None:
                continue
            if step not in self.steps:
                self.steps.append(step)
            for word in words:
                if any(sign in word for sign in "*?["):
                    self.patterns.append((word, step))
                else:
                    self.exact.setdefault(word, step)

    @functools.lru_cache(maxsize=None)
    def of_name(self, name):
        return self.exact.get(name) or next(
            (step for pattern, step in self.patterns if fnmatch.fnmatchcase(name, pattern)),
            None)

    def of_stack(self, stack, column):
        for thread in ("", column + ":", "any:"):
            for symbol, library in stack:
                step = self.of_name(thread + symbol) or self.of_name(f"{thread}@{library}")
                if step is not None:
                    return step
        return None


def record(options, path):
    """Runs the bench under perf; its one case."""
    done = subprocess.run(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "-g", "-o", path, "--",
         options.bin / "vigie", "bench", "--json", "--rounds", "1", "--people",
         str(options.people), "--seconds", str(options.seconds), "--folder", options.folder],
        stdout=subprocess.PIPE, check=True, timeout=options.seconds * 10 + 600)
    return next(case for case in map(json.loads, done.stdout.splitlines()) if "case" in case)


def samples(path):
    """Thread's name, process, seconds, stack from the innermost function outwards."""
    script = subprocess.Popen(
        ["perf", "script", "-i", path, "-F", "comm,pid,tid,time,ip,sym,dso"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    head, stack = None, []
    for line in script.stdout:
        frame = FRAME.match(line)
        if frame:
            # As written, not as a compiler's clone of it is called.
            stack.append((frame["symbol"].partition(".")[0], Path(frame["object"]).name))
            continue
        begin = HEAD.match(line)
        if begin:
            if head:
                yield head["comm"], int(head["pid"]), float(head["time"]), stack
            head, stack = begin, []
    if head:
        yield head["comm"], int(head["pid"]), float(head["time"]), stack
    script.wait()


def roles_of(taken):
    """Which process is the source of the measured round, the last; which receive; the broker."""
    roles, begin, end = {}, 0, 0
    last_source = None
    for _, pid, time, stack in taken:
        names = {symbol for symbol, _ in stack}
        if "vg_publish" in names:
            if pid != last_source:
                last_source, begin = pid, time
            end = time
        elif names & {"vg_subscriber_process", "process_all", "take_notification"}:
            roles[pid] = "receivers"
        elif any(library == "vigied" for _, library in stack):
            roles[pid] = "broker"
    roles[last_source] = "sources"
    return roles, begin, end + TAIL_SECONDS


def column_of(role, thread):
    if role != "broker":
        return role
    return "writer" if thread == "writer" else "sockets" if thread.startswith("ZMQ") else "loop"


def print_table(table, counts, case, cores):
    notifications = case["notifications"]
    rate = case["notifications_per_second"]["median"]

    def ns(*names):
        return sum(counts[name] for name in names) * 1e9 / HERTZ / notifications

    def row(step, words):
        cells = [f"{ns((step, column)):,.0f}" for column in COLUMNS]
        print(f"| {words} | " + " | ".join(cells) +
              f" | {ns(*((step, column) for column in COLUMNS)):,.0f} |")

    print(f"{rate:,.0f} notifications/s, {notifications:,} of them; CPU by the system's own "
          f"account {case['cpu_us']['median'] * 1000:,.0f} ns each; a commit took "
          f"{case['commit_ms']['median']:.1f} ms\n")
    print("| ns a notification | " + " | ".join(COLUMNS) + " | all |")
    print("| --- " * (len(COLUMNS) + 2) + "|")
    for step in table.steps:
        row(step, step)
    row(None, "remainder")
    sums = [ns(*((step, column) for step in [*table.steps, None])) for column in COLUMNS]
    print("| sum | " + " | ".join(f"{one:,.0f}" for one in sums) + f" | {sum(sums):,.0f} |")
    print(f"| idle, of {cores} cores | " + " | " * len(COLUMNS) +
          f"{cores * 1e9 / rate - sum(sums):,.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=1000000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on the disk")
    parser.add_argument("--bin", type=Path, default=HERE.parents[1] / "build/dev/bin")
    parser.add_argument("--inside", type=int, default=0, help="so many stacks of --step")
    parser.add_argument("--step", help="instead of the remainder")
    parser.add_argument("--keep", type=Path, help="perf's file stays here")
    options = parser.parse_args()
    table = Table(HERE / "steps.table")
    with tempfile.TemporaryDirectory(prefix="vigie-steps-") as folder:
        path = options.keep or Path(folder, "perf.data")
        case = record(options, path)
        taken = list(samples(path))
    roles, begin, end = roles_of(taken)
    counts, inside = collections.Counter(), collections.Counter()
    for thread, pid, time, stack in taken:
        if pid in roles and begin <= time <= end:
            column = column_of(roles[pid], thread)
            step = table.of_stack(stack, column)
            counts[step, column] += 1
            if step == options.step:
                inside[column, " < ".join(f"{name} @{library}" for name, library in stack[:4])] += 1
    print_table(table, counts, case, os.cpu_count())
    for (column, name), count in inside.most_common(options.inside):
        print(f"{count * 1e9 / HERTZ / case['notifications']:6.1f} {column:10} {name}")


if __name__ == "__main__":
    main()
