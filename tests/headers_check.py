#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""Every header compiles alone.

Goal: whoever includes one header needs no other before it, and a C++ program can include
the public ones. Method: each header is a source file of its own, compiled with the flags
of its own layer; include/vigie also as C++. Usage: headers_check.py BUILD_FOLDER
"""

import sys
from pathlib import Path

from layers import Layers, TOP, compiles


def main():
    layers = Layers(Path(sys.argv[1]))
    tried, bad = 0, 0
    for layer, include, flags in layers.headers():
        tried += 1
        error = compiles(["clang", "-x", "c", *flags], f'#include "{include}"\n')
        if error:
            bad += 1
            print(f"{layer}: {include} does not compile alone\n{error}")
    for header in sorted((TOP / "include" / "vigie").glob("*.h")):
        tried += 1
        flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{TOP}/include"]
        error = compiles(["clang", "-x", "c++", *flags], f'#include "vigie/{header.name}"\n')
        if error:
            bad += 1
            print(f"vigie/{header.name} does not compile as C++\n{error}")
    print(f"headers: {tried} compiled alone, {bad} did not")
    return 1 if bad or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
