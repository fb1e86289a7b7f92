# SPDX-License-Identifier: EUPL-1.2
"""One store has one broker, whatever the first one is doing.

Goal: a second vigied on a store is refused by name and changes nothing, also while the first
waits for its disk, was stopped, or had its lock file removed by somebody tidy, and by
whichever path; it may begin as soon as the first is dead. The same holds for whoever needs a
store without a broker (--verify, --load-directory, --repair). Method: a source goes on with the first one and finds every
number where it was.
"""

import os
import signal
import subprocess
import unittest

from faulty import Faulty, needs_faulty
from vigie_test import BIN, PATIENCE_S, Broker, Story
from wire import mutation, person

FOLLOWED = person(1)


class TwoBrokers(Story):
    institutions = {"RN": "source", "CPAS-21004": "member"}

    def setUp(self):
        super().setUp()
        self.integrate("CPAS-21004", FOLLOWED, quality=2)
        self.store = self.broker.settings["store_path"]
        self.second = Broker(self.folder / "second", store_path=self.store)
        self.answered = 0

    def go_on(self):
        with self.source("RN") as source:
            self.assertEqual(source.last_number(), self.answered)
            self.answered += 1
            source.publish_and_hear(self.answered, [mutation(self.answered, FOLLOWED)])
        self.assertEqual(self.opened("CPAS-21004").last, self.answered)

    def refused(self):
        self.second.spawn()
        line = self.second.wait_for("STORE_IN_USE")
        self.assertIn("another process has this store open", line)
        self.assertEqual(self.second.wait(), 1)

    def test_beside_one_that_serves(self):
        self.go_on()
        self.refused()
        other = self.folder / "other"
        other.symlink_to(self.store)
        self.second.settings["store_path"] = other
        self.refused()
        for words in (["--verify"], ["--load-directory", "-"],
                      ["--repair", "--from", str(self.folder)]):
            self.alone_is_refused(words)
        self.go_on()

    def alone_is_refused(self, words):
        """Whoever needs the store for himself."""
        done = subprocess.run([str(BIN / "vigied"), "--settings",
                               str(self.broker.settings_path), *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("another process has this store open", done.stdout + done.stderr)

    def test_when_the_lock_file_was_removed(self):
        (self.store / "vigie.lock").unlink()
        self.refused()
        self.go_on()
        self.broker.restart()  # and no other one stands in its way
        self.go_on()

    def test_beside_one_that_was_stopped(self):
        os.kill(self.broker.pid, signal.SIGSTOP)
        try:
            self.refused()
        finally:
            os.kill(self.broker.pid, signal.SIGCONT)
        self.go_on()

    @needs_faulty
    def test_beside_one_that_waits_for_its_disk(self):
        self.broker.stop()
        faulty = Faulty(self.folder)
        self.broker.start(**faulty.environment())
        with self.source("RN") as source:
            faulty.arm("fdatasync", how="slow", delay_ms=1500)
            source.publish(1, [mutation(1, FOLLOWED)])
            self.wait_until(lambda: faulty.fired > 0)
            self.refused()
            self.assertEqual(source.hear_one("published").through, 1)
        self.answered = 1
        self.go_on()

    def test_as_soon_as_the_first_is_dead(self):
        self.go_on()
        self.second.settings["key_file"] = self.broker.settings["key_file"]
        os.kill(self.broker.pid, signal.SIGKILL)
        self.broker.wait()
        self.second.start()
        self.second.public, self.broker = self.broker.public, self.second
        self.go_on()


if __name__ == "__main__":
    unittest.main()
