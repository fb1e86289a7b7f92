# SPDX-License-Identifier: EUPL-1.2
"""disk_story - what must hold when the store's disk fills up, whatever disk it is.

The tests say what a disk is: small_disk_test.py one that lies (faulty.py), real_disk_test.py
file systems of their own. A disk has leave(bytes): so many are free from now on.
"""

import time

from vigie_test import PATIENCE_S, Story
from wire import Silence, mutation, person

FOLLOWED = person(1)
CPAS = "CPAS-21004"
FRAME = 20
VALUE = 4000
MIB = 1 << 20
RESERVE = 8 * MIB


class DiskStory(Story):
    """To be mixed into a test that makes self.disk before its first step."""

    institutions = {"RN": "source", CPAS: "member"}

    def begin(self, reserve):
        self.broker.stop()
        self.broker.settings["disk_reserve_bytes"] = reserve
        self.kept = 0

    def frame(self, first):
        return [mutation(n, FOLLOWED, fields=[("020", f"{n:08d}" + "x" * VALUE)])
                for n in range(first, first + FRAME)]

    def publish(self, source):
        """One frame; gives its fault, or that of a Blocked before its answer, or None."""
        source.publish(self.kept + 1, self.frame(self.kept + 1))
        blocked = None
        while True:
            message = self.hear(source)
            kind = message.WhichOneof("message")
            if kind == "published":
                self.kept = message.published.through
                faults = [r.fault for r in message.published.results
                          if r.fault.name != "REPEATED"]
                return faults[0] if faults else blocked
            blocked = message.blocked.fault if kind == "blocked" else None

    def hear(self, source):
        """The next message; Silence when the broker has ended and nothing came."""
        end = time.monotonic() + PATIENCE_S
        while True:
            is_over = self.broker.process.poll() is not None or time.monotonic() > end
            try:
                return source.hear(0.2)
            except Silence:
                if is_over:
                    raise

    def fill(self, source, frames_max=2000):
        for _ in range(frames_max):
            fault = self.publish(source)
            if fault is not None:
                return fault
        self.fail("the disk was never full")

    def hear_resumed(self, source):
        while source.hear().WhichOneof("message") != "resumed":
            pass

    def numbers(self):
        """What the mailbox holds now: (last, acknowledged)."""
        opened = self.opened(CPAS)
        return opened.last, opened.acknowledged

    def leave(self, size):
        """Waits until the broker has seen it: once a second it looks by itself."""
        self.disk.leave(size)
        self.wait_until(lambda: size - MIB < self.metric("vigie_disk_free_bytes") < size + MIB)

    def publishing_stops_and_starts_with_the_room(self):
        """With a reserve: refused by name, everything else goes on, and it comes back
        without a restart."""
        self.integrate(CPAS, FOLLOWED, quality=2)
        with self.source("RN") as source, self.member(CPAS) as member:
            self.leave(RESERVE + 4 * MIB)
            fault = self.fill(source)
            self.assertFault(fault, "STORE_FULL", "time")
            kept = self.kept
            self.assertGreater(kept, FRAME)
            self.assertFault(self.publish(source), "STORE_FULL", "time")
            self.assertEqual(self.kept, kept)
            self.assertEqual(self.broker.http("GET", "/healthz")[0], 503)

            mailbox = member.subscribe(messages=100_000, size=64 * MIB).mailbox
            got = member.deliveries(kept)
            self.assertEqual([(n.number, n.content.id) for n in got],
                             [(n, f"m-{n}") for n in range(1, kept + 1)])
            commits = self.metric("vigie_commits_total")
            member.acknowledge(mailbox, kept)
            self.wait_until(lambda: self.numbers() == (kept, kept))
            # The fold that follows writes too.
            self.wait_until(lambda: self.metric("vigie_commits_total") >= commits + 2)

            self.disk.leave(RESERVE + 16 * MIB)
            self.hear_resumed(source)
            self.assertIsNone(self.publish(source))
            self.assertEqual(self.broker.http("GET", "/healthz")[0], 200)
            self.assertEqual(self.kept, kept + FRAME)
            self.assertEqual(len(member.deliveries(FRAME)), FRAME)
        self.assertNotIn("writer_failed", self.broker.log())
        self.broker.stop()
        self.check_store()

    def a_commit_without_room_is_unknown(self):
        """Without a reserve the commit itself finds no room: nobody is answered, vigied
        ends with 4, and with room again each number is kept once."""
        self.integrate(CPAS, FOLLOWED, quality=2)
        with self.source("RN") as source:
            self.assertIsNone(self.publish(source))
            self.disk.leave(MIB // 4)
            try:
                while True:
                    self.assertIsNone(self.publish(source))
            except Silence:
                pass
        self.assertEqual(self.broker.wait(), 4)
        self.assertLog("event=writer_failed", "status=UNKNOWN")
        answered = self.kept
        self.check_store()

        self.disk.leave(16 * MIB)
        self.broker.start()
        with self.source("RN") as source:
            self.assertGreaterEqual(source.last_number(), answered)
            self.assertIsNone(self.publish(source))
        self.assertEqual(self.kept, answered + FRAME)
        with self.member(CPAS) as member:
            self.assertEqual(member.subscribe(messages=100_000, size=64 * MIB).last,
                             self.kept)
            got = member.deliveries(self.kept)
            self.assertEqual([(n.number, n.content.id) for n in got],
                             [(n, f"m-{n}") for n in range(1, self.kept + 1)])
        self.broker.stop()
        self.check_store()
