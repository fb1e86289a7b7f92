# SPDX-License-Identifier: EUPL-1.2
"""Many sessions, and institutions that are stuck: everybody else is served.

Goal: hundreds of connections come, stay and are served; whoever never acknowledges costs the
others nothing but their share of the machine. Method: the scenarios of `vigie bench`, small;
what is checked is that all came and that letters arrived, not how fast. By hand, with figures:

    vigie bench --scenario sessions --sessions 5000
    vigie bench --scenario stuck
"""

import json
import os
import subprocess
import tempfile
import unittest

from vigie_test import BIN

SESSIONS = 300


class Crowd(unittest.TestCase):
    def bench(self, *words):
        """The lines that a small bench prints."""
        with tempfile.TemporaryDirectory(prefix="vigie-test-") as folder:
            done = subprocess.run(
                [BIN / "vigie", "bench", "--people", "1000", "--cpas", "20", "--seconds", "1",
                 "--rate", "200", "--folder", folder, "--json", *words],
                capture_output=True, text=True, timeout=100, check=False)
            self.assertEqual(os.listdir(folder), [], "something was left behind")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_hundreds_of_sessions_are_open_at_once(self):
        few, many = self.bench("--scenario", "sessions", "--sessions", str(SESSIONS))
        self.assertEqual((few["sessions"], many["sessions"]), (4, SESSIONS))
        self.assertGreater(few["notifications"], 0)
        self.assertGreater(many["notifications"], 0)

    def test_stuck_institutions_hold_up_nobody(self):
        one, ten = self.bench("--scenario", "stuck")
        self.assertEqual((one["stuck"], ten["stuck"]), (1, 10))
        for found in (one, ten):
            self.assertGreater(found["none_stuck_notifications"], 0)
            self.assertGreater(found["stuck_notifications"], 0)

    def test_a_scenario_that_is_not_there_is_named(self):
        done = subprocess.run([BIN / "vigie", "bench", "--scenario", "slow"],
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn('"slow"', done.stderr)


if __name__ == "__main__":
    unittest.main()
