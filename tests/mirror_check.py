#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""Unit tests mirror the modules one to one.

Goal: whoever changes a module knows where its test is, and a module without one is seen.
Method: names. A module is a header of broker/ with a source of the same name, hot/ and the
table of outcomes too. A source without such a header belongs to another module and may
have a test of its own; a test without a source of its name is an orphan.
"""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent


def main():
    sources = {source.stem: source.relative_to(TOP) for pattern in
               ("broker/*/*.c", "proto/hot/*.c", "include/*.c")
               for source in TOP.glob(pattern) if not source.stem.endswith("_main")}
    headers = {header.stem for pattern in ("broker/*/*.h", "proto/hot/*.h", "include/vigie/*.h")
               for header in TOP.glob(pattern)}
    tests = {t.name.removesuffix("_test.c") for t in TOP.glob("tests/unit/*_test.c")}
    missing = sorted(set(sources) & headers - tests)
    orphans = sorted(tests - set(sources))
    for name in missing:
        print(f"{sources[name]} has no tests/unit/{name}_test.c")
    for name in orphans:
        print(f"tests/unit/{name}_test.c tests no source of that name")
    print(f"mirror: {len(tests) - len(orphans)} tests, {len(missing)} missing, "
          f"{len(orphans)} orphans")
    return 1 if missing or orphans else 0


if __name__ == "__main__":
    sys.exit(main())
