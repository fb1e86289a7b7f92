#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""Unit tests mirror the modules one to one.

Goal: whoever changes a module knows where its test is, and a module without one is seen.
Method: names. A module is a header of broker/ with a source of the same name, proto/ and the
table of outcomes too, and of the command line what computes. A source without such a header belongs to another module and may
have a test of its own, so may the client library's (client_*); scenarios_<module> tells a
module's stories beside its test; another test without a source of its name is an orphan.
"""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
FOLDERS = [("broker/*/*.[ch]", ""), ("proto/*/*.[ch]", ""), ("include/*.c", ""),
           ("include/vigie/*.h", ""), ("clients/c/*.c", "client_"),
           ("clients/cli/histogram.[ch]", ""), ("clients/cli/synthetic.[ch]", ""),
           ("clients/cli/options.c", ""), ("clients/cli/lists.[ch]", ""),
           ("clients/cli/results.[ch]", ""),
           ("clients/access/*.[ch]", "access_")]


def main():
    sources, headers = {}, set()
    for pattern, prefix in FOLDERS:
        for path in TOP.glob(pattern):
            if path.suffix == ".h":
                headers.add(prefix + path.stem)
            elif not path.stem.endswith("_main"):
                sources[prefix + path.stem] = path.relative_to(TOP)
    tests = {t.name.removesuffix("_test.c") for t in TOP.glob("tests/unit/*_test.c")}
    missing = sorted(set(sources) & headers - tests)
    orphans = sorted(t for t in tests if t.removeprefix("scenarios_") not in sources)
    for name in missing:
        print(f"{sources[name]} has no tests/unit/{name}_test.c")
    for name in orphans:
        print(f"tests/unit/{name}_test.c tests no source of that name")
    print(f"mirror: {len(tests) - len(orphans)} tests, {len(missing)} missing, "
          f"{len(orphans)} orphans")
    return 1 if missing or orphans else 0


if __name__ == "__main__":
    sys.exit(main())
