# SPDX-License-Identifier: EUPL-1.2
"""A start takes less than a second, whatever waits.

Goal: neither the letters that wait nor the way the last life ended make the next one slow to
begin. Method: one source fills the mailboxes of twenty institutions that do not read; then
vigied is stopped, and killed in the midst of publishing, and each time started again. What
is measured: until it is ready, and until a member who opens a mailbox has its first letter.

In ctest with some letters. With as many as wanted, and what it took:

    VIGIE_BIN=build/dev/bin /usr/bin/python3 tests/integration/restart_test.py --letters N
"""

import argparse
import sys
import time
import unittest

from vigie_test import Story
from wire import mutation, person, proto

FOLLOWED = person(1)
FOLLOWERS = [f"CPAS-{21001 + i}" for i in range(20)]
LETTERS = 300_000
FRAME = 1000  # mutations
UNANSWERED = 15_000
START_S = 1.0


class Restart(Story):
    institutions = {"RN": "source", **{code: "member" for code in FOLLOWERS}}
    settings = {"map_bytes": 64 << 30, "disk_reserve_bytes": 0}
    letters = LETTERS
    killed_after = [100_000]  # letters more, each time
    alone = False  # on this machine: then time counts, and not only what is computed

    def setUp(self):
        super().setUp()
        for code in FOLLOWERS:
            self.integrate(code, FOLLOWED, quality=1)
        self.answered = 0
        # The same thousand mutations each time: only their numbers change.
        self.mutations = proto.Publish(
            mutations=[mutation(1, FOLLOWED)] * FRAME).SerializeToString()

    def frame(self, first):
        publish = proto.Publish(producer=1, first_number=first).SerializeToString()
        whole = proto.ToBroker(publish=proto.Publish()).SerializeToString()[:-1]
        size = len(publish) + len(self.mutations)
        while size >= 128:
            whole += bytes([size & 127 | 128])
            size >>= 7
        return whole + bytes([size]) + publish + self.mutations

    def publish_until(self, source, number):
        sent = self.answered
        while self.answered < number:
            while sent - self.answered < UNANSWERED:
                source.say_bytes(self.frame(sent + 1))
                sent += FRAME
            self.answered = source.hear_one("published").through

    def start_s(self):
        begin = time.monotonic()
        self.broker.start()
        ready = time.monotonic() - begin
        self.assertLess(ready if self.alone else self.broker.cpu_s(), START_S)
        with self.member(FOLLOWERS[-1]) as member:
            member.subscribe()
            got = member.deliveries(1)
            self.assertEqual(got[0].number, 1)
        return ready, time.monotonic() - begin

    def measure(self):
        """Gives what was measured: (words, seconds until ready, and until a letter)."""
        begin = time.monotonic()
        with self.source("RN") as source:
            self.publish_until(source, self.letters // len(FOLLOWERS))
        yield f"{self.answered * len(FOLLOWERS)} letters", time.monotonic() - begin, 0.0
        self.broker.stop()
        yield "after SIGTERM", *self.start_s()
        for letters in self.killed_after:
            with self.source("RN") as source:
                self.answered = source.last_number()
                self.publish_until(source, self.answered + letters // len(FOLLOWERS))
                self.broker.kill()
            yield f"after kill -9, {letters} later", *self.start_s()
        for code in FOLLOWERS:
            self.assertGreaterEqual(self.opened(code).waiting, self.answered)

    def test_starts_in_less_than_a_second(self):
        for words, ready_s, _ in self.measure():
            print(f"{words}: {ready_s:.3f} s")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--letters", type=int, default=10_000_000)
    Restart.letters = parser.parse_args().letters
    Restart.alone = True
    Restart.killed_after = range(100_000, 2_500_000, 400_000)
    case = Restart("test_starts_in_less_than_a_second")
    case.setUp()
    try:
        for words, ready_s, letter_s in case.measure():
            print(f"{words:30} {ready_s:8.3f} s" + (
                f", first letter {letter_s:.3f} s" if letter_s else ""))
    finally:
        case.doCleanups()


if __name__ == "__main__":
    if "--letters" in sys.argv:
        main()
    else:
        unittest.main()
