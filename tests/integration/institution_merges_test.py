# SPDX-License-Identifier: EUPL-1.2
"""Two municipalities become one, and so do their CPAS.

Goal: from its day on everything of A and B is D's: whom they follow, their further mailboxes,
and the letters that wait, in the order published; nothing is lost while the broker is killed
and while more is published; A's and B's keys are told where to go. Method: the story is told
to a real broker by command line and by wire; kill -9 between the steps and while the letters
move; the store is verified at the end.
"""

import unittest
from datetime import timedelta

from vigie_test import TODAY, Story, Vigie
from wire import Silence, mutation, person, proto

A, B, D, OTHER = "CPAS-21004", "CPAS-62063", "CPAS-44021", "CPAS-11002"
OF_A, OF_B, OF_BOTH, OF_D = (person(i) for i in range(40, 44))
MANY = 3000


class InstitutionMerges(Story):
    institutions = {"RN": "source", A: "both", B: "member", D: "member", OTHER: "member",
                    "MUTUALITY": "member"}
    settings = {"retry_first_ms": 1}

    def setUp(self):
        super().setUp()
        self.vigie = Vigie("--home", str(self.broker.folder))
        for code, niss in ((A, OF_A), (A, OF_BOTH), (B, OF_B), (D, OF_D)):
            self.integrate(code, niss, 2)
        self.integrate(B, OF_BOTH, 8)
        self.published = 0

    def publish(self, *about):
        with self.source("RN") as source:
            source.publish_and_hear(source.last_number() + 1, [
                mutation(self.published + i, niss) for i, niss in enumerate(about, 1)])
        self.published += len(about)

    def killed(self):
        self.broker.kill()
        self.broker.start()

    def merge(self, *words, status=0):
        return self.vigie.run("institution", "merge", *words, status=status)

    def moved(self):
        """Waits until no letters are left in the old mailboxes."""
        def is_empty():
            queues = self.admin("GET", "/v1/queues")["mailboxes"]
            return all(q["waiting"] + q["parked"] == 0 for q in queues
                       if q["institution"] in (A, B))
        self.wait_until(is_empty)

    def read(self, code):
        """All that waits in its default mailbox: the numbers of what was published."""
        with self.member(code) as member:
            opened = member.subscribe()
            got = member.deliveries(opened.waiting) if opened.waiting else []
            self.assertEqual([n.number for n in got],
                             list(range(opened.acknowledged + 1, opened.last + 1)))
            return [int(n.content.id[2:]) for n in got]

    def test_everything_of_two_is_the_thirds(self):
        # Given: letters wait with A, B and D; A has given one back, and parked another.
        self.publish(OF_A, OF_B, OF_BOTH, OF_D, OF_A)
        with self.member(A) as member:
            mailbox = member.subscribe().mailbox
            member.deliveries(3)
            member.say(refuse=proto.Refuse(number=1, reason="closed"))
            member.say(refuse=proto.Refuse(number=2, reason="closed", park=True))
            while self.opened(A).parked == 0:
                pass
        # When it is looked at before, then nothing has changed.
        shown = self.merge(A, B, "--into", D, "--on", TODAY.isoformat(), "--dry-run")
        rows = {row["institution"]: row for row in shown["mailboxes"]}
        self.assertEqual((rows[A]["mailbox"], rows[A]["waiting"], rows[A]["parked"]),
                         (mailbox, 2, 1))
        self.assertEqual((rows[B]["waiting"], rows[B]["parked"]), (2, 0))
        self.assertEqual([(row["institution"], row["quality"], row["integrations"])
                          for row in shown["integrations"]],
                         [(A, "002", 2), (B, "002", 1), (B, "008", 1)])
        self.assertEqual(self.opened(A).parked, 1)
        # When they merge today, and the broker is killed in the midst of it.
        with self.member(A) as before:
            self.merge(A, B, "--into", D, "--on", TODAY.isoformat())
            self.killed()
            with self.assertRaises((Silence, AssertionError)):
                before.hear_one("heartbeat", timeout_s=1)
        self.publish(OF_A, OF_D, OF_BOTH)
        self.killed()
        self.moved()
        self.publish(OF_B)
        # Then D has all of it: its own first, theirs in the order published, what came since.
        self.assertEqual(self.read(D), [4, 1, 2, 3, 3, 5, 6, 7, 8, 9])
        # And their keys are told where to go, at both doors.
        for door in ("sources", "members"):
            with self.connection(A, door) as wire:
                wire.say(hello=proto.Hello(version=1, client="test"))
                self.assertFault(wire.hear_one("refused").fault, "MOVED", "operator", A, D)
        # And D alone holds the integrations, and may end them.
        with self.member(D) as member:
            reply = member.ask(remove=proto.Remove(niss=OF_A, quality=2, begin=20000101))
            self.assertEqual(reply.verdict, proto.Reply.YES)
        self.publish(OF_A, OF_BOTH)
        self.assertEqual(self.read(D)[-2:], [9, 11])
        self.broker.stop()
        self.check_store()

    def test_many_letters_move_while_more_are_published_and_the_broker_dies(self):
        for _ in range(MANY // 500):
            self.publish(*([OF_A, OF_B] * 250))
        self.merge(A, B, "--into", D, "--on", TODAY.isoformat())
        for _ in range(8):
            self.publish(*([OF_B, OF_A] * 20))
            self.killed()
        self.moved()
        self.publish(OF_A)
        self.assertEqual(self.read(D), list(range(1, self.published + 1)))
        self.broker.stop()
        self.check_store()

    def test_a_plan_is_checked_as_a_whole_and_may_be_given_up(self):
        tomorrow = (TODAY + timedelta(days=1)).isoformat()
        self.merge(A, "--into", A, "--on", tomorrow, status=1)
        self.merge(A, "--into", "CPAS-99999", "--on", tomorrow, status=1)
        self.merge("MUTUALITY", "--into", D, "--on", tomorrow, status=1)
        self.merge(A, "--into", D, "--on", "2020-01-01", status=1)
        self.merge(A, "--into", D, "--on", tomorrow)
        self.merge(OTHER, "--into", A, "--on", tomorrow, status=1)
        self.assertEqual(self.admin("GET", f"/v1/institutions/{A}")["merges_into"], D)
        self.killed()
        self.publish(OF_A)
        self.assertEqual(self.read(A), [1])  # it is not tomorrow yet
        self.merge(A, "--cancel")
        self.assertIsNone(self.admin("GET", f"/v1/institutions/{A}")["merges_into"])
        self.broker.stop()
        self.check_store()


if __name__ == "__main__":
    unittest.main()
