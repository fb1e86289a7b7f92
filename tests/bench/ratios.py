#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""What a notification costs in the store alone and end to end, in one run, in some seconds.

Goal: a change that makes the way of a notification longer is seen, on whatever machine. Method:
store_bench applies frames that are in memory already; `vigie bench` carries mutations from
sources to receivers, small; what is told are their ratios, and how many instructions the store
takes, counted by valgrind, the same on every run. Rates and times stand beside them to be read,
not to be compared between machines. It judges nothing; it fails when something does not run.

    tests/bench/ratios.py [BUILD]       build/dev
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MUTATIONS = 100000
COUNTED = 4000  # under valgrind
CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             "--collect-atstart=no", "--toggle-collect=measured_batch"]


def run(words, folder, check=True):
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=check,
                          env={"TMPDIR": folder, "PATH": "/usr/bin:/bin"})


def alone(build, folder):
    return json.loads(run([build / "bin/store_bench", str(MUTATIONS)], folder).stdout)


def instructions(build, folder):
    """A notification, in the store, in words."""
    if shutil.which("valgrind") is None:
        return "no counter"
    done = run([*CALLGRIND, build / "bin/store_bench", str(COUNTED)], folder, check=False)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or counted is None:
        return "no counter"
    return f"{int(counted[1]) / json.loads(done.stdout)['notifications']:,.0f}"


def end_to_end(build, folder):
    done = run([build / "bin/vigie", "bench", "--json", "--people", "10000", "--cpas", "20",
                "--seconds", "1", "--rounds", "1", "--folder", folder], folder)
    case, = (line for line in map(json.loads, done.stdout.splitlines()) if "case" in line)
    return {name: value["median"] for name, value in case.items()
            if isinstance(value, dict) and "median" in value}


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build/dev").resolve()
    with tempfile.TemporaryDirectory(prefix="vigie-ratios-") as folder:
        store, whole = alone(build, folder), end_to_end(build, folder)
        counted = instructions(build, folder)
    rate = store["notifications"] / store["wall_s"]
    cpu = store["cpu_s"] / store["notifications"] * 1e6
    print(f"""\
                                      store alone   end to end    ratio
notifications/s                       {rate:11,.0f}  {whole["notifications_per_second"]:11,.0f}  \
{whole["notifications_per_second"] / rate:7.2f}
CPU us a notification, all            {cpu:11.2f}  {whole["cpu_us"]:11.2f}  \
{whole["cpu_us"] / cpu:7.2f}
CPU us a notification, writer         {cpu:11.2f}  {whole["writer_cpu_us"]:11.2f}  \
{whole["writer_cpu_us"] / cpu:7.2f}
instructions a notification           {counted:>11}""")


if __name__ == "__main__":
    main()
