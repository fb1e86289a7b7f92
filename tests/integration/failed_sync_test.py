# SPDX-License-Identifier: EUPL-1.2
"""A commit that the system does not finish is neither a yes nor a no.

Goal: whatever step of a commit fails, the data pages, their sync or the meta page, whether
refused, cut short or for want of room, nobody is answered, vigied says so and ends with 4;
started again, the source repeats and every number is there once. Method: a running vigied
whose calls fail on cue (faulty.py), a source with three frames under way.
"""

import collections
import errno
import unittest

from faulty import Faulty, needs_faulty
from vigie_test import Story
from wire import Silence, mutation, person

FOLLOWED = person(1)
CPAS = "CPAS-21004"
FRAME = 40


@needs_faulty
class FailedSync(Story):
    institutions = {"RN": "source", CPAS: "member"}

    def setUp(self):
        super().setUp()
        self.integrate(CPAS, FOLLOWED, quality=2)
        self.broker.stop()
        self.faulty = Faulty(self.folder)
        self.answered = 0

    def frame(self, first):
        return [mutation(n, FOLLOWED, fields=[("020", f"{n:08d}" + "x" * 1000)])
                for n in range(first, first + FRAME)]

    def start_and_publish_one(self):
        """So that every kind of call has been made; gives those of LMDB by place."""
        self.faulty.forget()
        self.broker.start(**self.faulty.environment())
        with self.source("RN") as source:
            self.answered = source.publish_and_hear(self.answered + 1,
                                                    self.frame(self.answered + 1)).through
        return collections.Counter(p for p in self.faulty.trace() if p[1] == "lmdb")

    def meta_place(self):
        """Where the meta page is written: once for every sync."""
        counts = self.start_and_publish_one()
        syncs = sum(n for (call, _, _), n in counts.items() if call == "fdatasync")
        self.broker.stop()
        places = [at for (call, _, at), n in counts.items() if call == "pwrite"
                  and n == syncs]
        self.assertEqual(len(places), 1, counts)
        return places[0]

    def publish_into(self, fault):
        """Three frames under way when it happens; none is answered after it."""
        with self.source("RN") as source:
            self.faulty.arm(callers=["lmdb"], **fault)
            for i in range(3):
                first = self.answered + 1 + i * FRAME
                source.publish(first, self.frame(first))
            with self.assertRaises(Silence):
                # The first may have been alone in its commit: then it is an answer.
                while True:
                    self.answered = source.hear_one("published", timeout_s=0.4).through
        self.assertEqual(self.broker.wait(), 4)
        self.assertLog("event=writer_failed", "status=UNKNOWN", "level=error")
        self.assertEqual(self.faulty.fired, 1)

    def repeat(self):
        self.broker.start()
        with self.source("RN") as source:
            last = source.last_number()
            self.assertGreaterEqual(last, self.answered)
            answer = source.publish_and_hear(self.answered + 1,
                                             self.frame(self.answered + 1))
            repeated = [r.number for r in answer.results]
            self.assertEqual(repeated, list(range(self.answered + 1, min(
                last, self.answered + FRAME) + 1)))
            self.answered = max(answer.through, last)
        self.broker.stop()
        self.check_store()

    def test_whatever_step_fails_each_number_is_kept_once(self):
        meta = self.meta_place()
        for fault in ({"call": "fdatasync"},
                      {"call": "fdatasync", "error": errno.ENOSPC},
                      {"call": "writev"},
                      {"call": "writev", "error": errno.ENOSPC},
                      {"call": "writev", "how": "short"},
                      {"call": "pwrite", "at": meta},
                      {"call": "pwrite", "at": meta, "how": "short"},
                      {"call": "lseek"}):
            with self.subTest(**fault):
                self.start_and_publish_one()
                self.publish_into(fault)
                self.repeat()
        self.broker.start()
        with self.member(CPAS) as member:
            self.assertEqual(member.subscribe().last, self.answered)
            got = member.deliveries(self.answered)
            self.assertEqual([(n.number, n.content.id) for n in got],
                             [(n, f"m-{n}") for n in range(1, self.answered + 1)])


if __name__ == "__main__":
    unittest.main()
