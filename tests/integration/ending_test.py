# SPDX-License-Identifier: EUPL-1.2
"""SIGTERM: nothing new is accepted, everything begun is answered, everybody is told.

Goal: what a source, a member, an administrator and a newcomer see while vigied stops, with a
slow disk, a full store and a disk that hangs; and what was answered, no more and no less, is
there afterwards. Method: a sync that takes its time (faulty.py) holds the last commit while
all of them speak; then a second SIGTERM changes nothing.
"""

import os
import signal
import time
import unittest

from faulty import Faulty, needs_faulty
from vigie_test import Story
from wire import Silence, mutation, person, proto

FOLLOWED = person(1)
CPAS = "CPAS-21004"
SLOW_MS = 1500
HANG_MS = 60_000
MARGIN_S = 5  # DRAIN_MARGIN_S of edge/vigied_main.c


class Ending(Story):
    institutions = {"RN": "source", CPAS: "member"}

    def setUp(self):
        super().setUp()
        self.integrate(CPAS, FOLLOWED, quality=2)

    def restart_with_faults(self):
        self.broker.stop()
        self.faulty = Faulty(self.folder)
        self.broker.start(**self.faulty.environment())

    def terminate(self):
        os.kill(self.broker.pid, signal.SIGTERM)

    def publish(self, source, first, count=1):
        source.publish(first, [mutation(n, FOLLOWED) for n in range(first, first + count)])

    def hold_a_commit(self, source, first, delay_ms):
        """Three frames are on their way, the first of them in a commit that takes long."""
        frames = self.metric("vigie_frames_in_total")
        self.faulty.arm("fdatasync", how="slow", delay_ms=delay_ms)
        for number in range(first, first + 3):
            self.publish(source, number)
        self.wait_until(lambda: self.metric("vigie_frames_in_total") >= frames + 3)
        self.wait_until(lambda: self.faulty.fired > 0)

    def assertDraining(self, fault):
        self.assertFault(fault, "DRAINING", "time")

    def numbers(self):
        """Of the mailbox, after a start: (last, acknowledged)."""
        opened = self.opened(CPAS)
        return opened.last, opened.acknowledged

    # ---- what each of them sees ----

    def source_is_refused_and_answered(self, source):
        self.publish(source, 6)
        self.assertDraining(source.hear_one("refused").fault)
        through = 0
        while through < 5:
            answer = source.hear_one("published")
            self.assertEqual((answer.first_number, list(answer.results)), (through + 1
                             if through else 3, []))
            through = answer.through

    def member_may_acknowledge_and_nothing_else(self, member, mailbox):
        item = proto.IntegrateItem(niss=person(2), quality=2, begin=20260101)
        member.say(request=proto.Request(id=77, integrate=proto.Integrate(items=[item])))
        reply = member.hear_one("reply")
        self.assertEqual((reply.id, reply.verdict), (77, proto.Reply.NO))
        self.assertDraining(reply.results[0].faults[0] if reply.results
                            else reply.faults[0])
        member.acknowledge(mailbox, 2)

    def administrator_is_told(self):
        status, said = self.broker.http("GET", "/healthz")
        self.assertEqual((status, said["error"]["name"]), (503, "DRAINING"))
        status, said = self.broker.http("POST", "/v1/institutions", {
            "code": "CPAS-62063", "name": "late", "sector": "CPAS", "number": 62063})
        self.assertEqual((status, said["error"]["name"]), (503, "DRAINING"))
        self.assertEqual(self.metric("vigie_draining"), 1)

    def newcomer_is_kept_out(self):
        with self.connection("RN", "sources") as late, self.assertRaises(Silence):
            late.hello(timeout_s=0.3)

    @needs_faulty
    def test_what_was_begun_is_answered_and_nothing_else_is(self):
        self.restart_with_faults()
        with self.source("RN") as source, self.member(CPAS) as member:
            mailbox = member.subscribe().mailbox
            self.assertEqual(source.publish_and_hear(1, [
                mutation(1, FOLLOWED), mutation(2, FOLLOWED)]).through, 2)
            member.deliveries(2)
            self.hold_a_commit(source, 3, SLOW_MS)
            self.terminate()
            for one in (source, member):
                self.assertEqual(one.hear_one("goodbye").reason, "the broker is stopping")
            self.administrator_is_told()
            self.newcomer_is_kept_out()
            self.terminate()  # twice is once
            self.member_may_acknowledge_and_nothing_else(member, mailbox)
            self.source_is_refused_and_answered(source)
            with self.assertRaises(Silence):
                member.deliveries(1, timeout_s=0.3)  # nothing new is sent
            self.assertEqual(self.broker.wait(), 0)
        self.assertLog("event=drained")
        last_life = self.broker.log().rpartition("-- start")[2]
        self.assertEqual(last_life.count("event=draining "), 1)

        self.broker.start()
        self.assertEqual(self.numbers(), (5, 2))
        with self.source("RN") as source:
            self.assertEqual(source.last_number(), 5)
        self.assertNotIn("CPAS-62063", str(self.admin("GET", "/v1/institutions")))
        self.broker.stop()
        self.check_store()

    # ---- and when the disk does not do its part ----

    def published(self, source):
        """The next answer, whatever is said of the room before it."""
        while True:
            heard = source.hear()
            if heard.WhichOneof("message") == "published":
                return heard.published

    def test_with_a_full_store(self):
        self.broker.stop()
        self.broker.settings.update(quota_bytes=6 << 20, disk_reserve_bytes=0)
        self.broker.start()
        with self.source("RN") as source, self.member(CPAS) as member:
            kept = 0
            while True:
                source.publish(kept + 1, [mutation(n, FOLLOWED, fields=[("020", "x" * 2000)])
                                          for n in range(kept + 1, kept + 101)])
                answer = self.published(source)
                kept = answer.through
                if answer.results or self.metric("vigie_blocked"):
                    break
            opened = member.subscribe(messages=100_000, size=64 << 20)
            member.deliveries(opened.waiting)
            self.terminate()
            self.assertEqual(member.hear_one("goodbye").reason, "the broker is stopping")
            member.acknowledge(opened.mailbox, opened.last)
            self.assertEqual(self.broker.wait(), 0)
        self.broker.start()
        self.assertEqual(self.numbers(), (opened.last, opened.last))
        self.broker.stop()
        self.check_store()

    @needs_faulty
    def test_a_disk_that_hangs_is_not_waited_for_for_ever(self):
        self.broker.settings["drain_seconds"] = 1
        self.restart_with_faults()
        with self.source("RN") as source:
            self.hold_a_commit(source, 1, HANG_MS)
            self.terminate()
            begin = time.monotonic()
            self.assertEqual(source.hear_one("goodbye").reason, "the broker is stopping")
            self.assertEqual(self.broker.wait(), -signal.SIGALRM)
            self.assertLess(time.monotonic() - begin, 1 + MARGIN_S + 2)
            with self.assertRaises(Silence):  # nobody was answered
                source.hear_one("published", timeout_s=0.3)
        self.assertLog("event=drain_given_up")

        self.broker.start()
        with self.source("RN") as source:
            kept = source.last_number()
            self.assertLessEqual(kept, 1)  # what the commit had, or nothing
            answer = source.publish_and_hear(1, [mutation(n, FOLLOWED) for n in (1, 2, 3)])
            self.assertEqual([r.number for r in answer.results], list(range(1, kept + 1)))
            self.assertEqual(answer.through, 3)
        self.assertEqual(self.numbers(), (3, 0))
        self.broker.stop()
        self.check_store()


if __name__ == "__main__":
    unittest.main()
