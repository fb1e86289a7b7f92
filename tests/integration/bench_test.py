# SPDX-License-Identifier: EUPL-1.2
"""Every scenario of `vigie bench`, small.

Goal: hundreds of connections come, stay and are served; whoever never acknowledges holds up
nobody; what is measured is there, and nothing is left behind. Method: what is checked is that
all came and that letters arrived, not how fast: the stores lie in memory. By hand, with
figures: tests/bench/README.md.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from vigie_test import BIN, memory

SESSIONS = 300


class Bench(unittest.TestCase):
    def bench(self, scenario, *words):
        """The cases that a small bench prints, by their name."""
        with tempfile.TemporaryDirectory(prefix="vigie-test-", dir=memory()) as folder:
            done = subprocess.run(
                [BIN / "vigie", "bench", "--scenario", scenario, "--people", "10000", "--cpas",
                 "20", "--seconds", "0.2", "--rounds", "1", "--ahead", "2", "--folder", folder,
                 "--json", *words],
                capture_output=True, text=True, timeout=100, check=False)
            self.assertEqual(os.listdir(folder), [], "something was left behind")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(lines[0]["scenario"], scenario)
        self.assertEqual(lines[0]["settings"]["people"], 10000)
        machine = lines[0]["machine"]
        self.assertGreater(machine["wake_ms_p50"], 0)
        self.assertGreaterEqual(machine["wake_ms_p99"], machine["wake_ms_p50"])
        return {line["case"]: line for line in lines if "case" in line}

    @staticmethod
    def processes_of(folder):
        """The words of the brokers that have a folder in this one."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes()
            except OSError:
                continue
            if words.startswith(b"vigied") and os.fsencode(folder) in words:
                found.append(words)
        return found

    def received(self, cases, count):
        """So many cases, and letters arrived in each that counts them."""
        self.assertEqual(len(cases), count, list(cases))
        for name, case in cases.items():
            self.assertGreater(case.get("notifications", 1), 0, name)

    def test_hundreds_of_sessions_are_open_at_once(self):
        cases = self.bench("sessions", "--sessions", str(SESSIONS), "--rate", "200")
        runs = [name for name, case in cases.items() if "rounds" in case]
        self.assertEqual([int(name.split()[0]) for name in runs], [4, SESSIONS])
        self.received({name: cases[name] for name in runs}, 2)

    def test_stuck_institutions_hold_up_nobody(self):
        cases = self.bench("stuck", "--rate", "200")
        self.received(cases, 4)
        self.assertIn("10 of 20 CPAS stuck", cases)

    def test_as_many_as_go_about_the_followed_and_about_anybody(self):
        followed, = self.bench("throughput").values()
        anybody, = self.bench("everyone").values()
        self.assertGreater(followed["notifications_per_mutation"]["median"],
                           2 * anybody["notifications_per_mutation"]["median"])
        self.assertGreater(followed["writer_cpu_us"]["median"], 0)
        self.assertGreater(followed["published_to_answered_ms"]["p50"]["median"], 0)

    def test_letters_that_wait_are_all_read(self):
        one, everywhere = self.bench("drain", "--waiting", "5000").values()
        self.assertEqual(one["notifications"], 5000)
        self.assertGreater(everywhere["notifications"], 4000)

    def test_a_restart_is_timed_with_and_without_letters(self):
        cases = self.bench("restart", "--waiting", "2000")
        ready = [name for name in cases if name.startswith("ready after")]
        self.assertEqual(len(ready), 4, list(cases))
        for name in ready:
            self.assertGreater(cases[name]["value"]["median"], 0)

    def test_sizes_are_compared(self):
        self.received(self.bench("scale", "--waiting", "1000", "--cpas", "9"), 1 + 3)

    def test_the_addresses_of_a_merger_come_and_hold_up_nobody(self):
        cases = self.bench("merger", "--waiting", "3000", "--rate", "200", "--seconds", "1")
        self.received(cases, 1 + 3)
        burst = cases["3000 addresses of 3 CPAS that became one"]
        self.assertEqual(burst["notifications"], 3000)
        self.assertGreater(cases["others, beside a million at once"]["notifications"], 100)

    def test_an_interrupted_bench_leaves_nothing_behind(self):
        with tempfile.TemporaryDirectory(prefix="vigie-test-", dir=memory()) as folder:
            bench = subprocess.Popen(
                [BIN / "vigie", "bench", "--people", "10000", "--cpas", "20", "--seconds", "1",
                 "--rounds", "1", "--folder", folder], stdout=subprocess.DEVNULL)
            end = time.monotonic() + 30
            while not list(Path(folder).glob("vigie-bench-*/run/vigied.ready")):
                self.assertLess(time.monotonic(), end, "its broker does not start")
                time.sleep(0.01)
            self.assertTrue(self.processes_of(folder))
            log, = Path(folder).glob("vigie-bench-*/vigied.log")
            self.assertTrue(log.read_text(), "the broker's log is not in its file")
            bench.terminate()
            self.assertEqual(bench.wait(20), 128 + signal.SIGTERM)
            self.assertEqual(os.listdir(folder), [], "something was left behind")
            self.assertEqual(self.processes_of(folder), [])

    def test_a_scenario_that_is_not_there_is_named(self):
        done = subprocess.run([BIN / "vigie", "bench", "--scenario", "slow"],
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn('"slow"', done.stderr)


if __name__ == "__main__":
    unittest.main()
