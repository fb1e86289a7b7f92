#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""A layer that includes upwards does not compile.

Goal: the rule of broker/README.md holds for every pair of layers, by the compiler and not
by discipline. Method: for each layer, a file with the layer's own flags includes a header
of each layer it must not see: that must fail because the file is not found. One of its
own headers must compile, or the failure would prove nothing. Usage: layers_check.py BUILD
"""

import sys
from pathlib import Path

from layers import Layers, compiles

# Lowest first; each sees those before it, except what is named here.
ORDER = ["base", "values", "rules", "store", "flow", "wire", "edge"]
NOT_SEEN_EITHER = {"rules": ["store"], "store": ["rules"]}


def main():
    layers = Layers(Path(sys.argv[1]))
    refused, bad = 0, 0
    for position, layer in enumerate(ORDER):
        flags = layers.flags(layer)
        own = layers.some_header(layer)
        if flags is None or own is None:
            print(f"{layer}: has no source or no header to try it with")
            continue
        error = compiles(["clang", "-x", "c", *flags], f'#include "{own}"\n')
        if error:
            bad += 1
            print(f"{layer}: its own {own} does not compile\n{error}")
        for above in ORDER[position + 1:] + NOT_SEEN_EITHER.get(layer, []):
            header = layers.some_header(above)
            if header is None or header == own:
                continue
            error = compiles(["clang", "-x", "c", *flags], f'#include "{header}"\n')
            if error and f"'{header}' file not found" in error:
                refused += 1
                continue
            bad += 1
            print(f"{layer} can include {header} of the layer {above}")
    print(f"layers: {refused} ways upwards tried and refused, {bad} wrong")
    return 1 if bad or not refused else 0


if __name__ == "__main__":
    sys.exit(main())
