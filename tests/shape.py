#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""The ten longest functions and files of ours. A report: it never fails.

The question is not "is it 70 lines" but "does it tell two stories". Leans on the house
format: a function's name and its brace both begin in column one.
"""

import re
import statistics
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
NAME = re.compile(r"^([a-z_][a-z0-9_]*)\(", re.IGNORECASE)


def sources():
    for folder in ("broker", "clients", "include", "proto"):
        yield from sorted((TOP / folder).rglob("*.[ch]"))


def functions(lines):
    """Yields (name, line, length) of each definition."""
    name, name_at, body_at = None, 0, None
    for at, line in enumerate(lines, 1):
        found = NAME.match(line)
        if found and body_at is None:
            name, name_at = found.group(1), at
        elif line.startswith("{") and name is not None:
            body_at = at
        elif line.startswith("}") and body_at is not None:
            yield name, name_at, at - body_at - 1
            name, body_at = None, None


def main():
    files, found = [], []
    for path in sources():
        lines = path.read_text().splitlines()
        shown = path.relative_to(TOP)
        files.append((len(lines), f"{shown}"))
        found += [(length, f"{name}  {shown}:{at}") for name, at, length in functions(lines)]
    for title, rows in (("functions", found), ("files", files)):
        if rows:
            sizes = sorted(size for size, _ in rows)
            print(f"the longest {title} of {len(rows)}: median {statistics.median(sizes):.0f} "
                  f"lines, nine in ten up to {sizes[len(sizes) * 9 // 10]}")
            for size, shown in sorted(rows, reverse=True)[:10]:
                print(f"{size:6d}  {shown}")


if __name__ == "__main__":
    main()
