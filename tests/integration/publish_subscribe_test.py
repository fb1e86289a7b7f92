# SPDX-License-Identifier: EUPL-1.2
"""A published mutation reaches those who follow the person, and nobody else.

Goal: the first page's promises seen from outside: who gets it, numbered how, with which
fields and which integration; again after a reconnect until it is acknowledged.
Method: a real broker, connections that speak the protocol by hand, and the store read by
`vigie check` at the end.
"""

import unittest

from vigie_test import Story
from wire import Silence, mutation, person

FOLLOWED, UNKNOWN = person(1), person(2)


class PublishSubscribe(Story):
    institutions = {"RN": "source", "CPAS-21004": "member", "CPAS-62063": "member"}

    def setUp(self):
        super().setUp()
        self.integrate("CPAS-21004", FOLLOWED, quality=2)
        self.integrate("CPAS-62063", FOLLOWED, quality=30)

    def test_reaches_everybody_who_follows_and_names_why(self):
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            member.subscribe()
            answer = source.publish_and_hear(1, [mutation(1, FOLLOWED), mutation(2, UNKNOWN)])
            self.assertEqual(answer.through, 2)
            self.assertEqual(list(answer.results), [])
            got = member.deliveries(1)
            self.assertEqual(len(got), 1)
            self.assertEqual(got[0].number, 1)
            self.assertEqual(got[0].content.id, "m-1")
            self.assertEqual(got[0].content.niss, FOLLOWED)
            self.assertEqual(got[0].content.ticket, answer.ticket_first)
            self.assertEqual(got[0].content.source, "RN")
            self.assertEqual(got[0].justification.quality, 2)
            self.assertFalse(got[0].again)

    def test_waits_for_who_was_not_there(self):
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(i, FOLLOWED) for i in range(1, 101)])
        self.broker.restart()
        with self.member("CPAS-21004") as member:
            opened = member.subscribe()
            self.assertEqual((opened.acknowledged, opened.last, opened.waiting), (0, 100, 100))
            got = member.deliveries(100)
            self.assertEqual([n.number for n in got], list(range(1, 101)))
            self.assertEqual([n.content.id for n in got], [f"m-{i}" for i in range(1, 101)])

    def test_a_debtor_never_sees_field_110(self):
        with self.source("RN") as source, self.member("CPAS-62063") as debtor:
            opened = debtor.subscribe()
            source.publish_and_hear(1, [mutation(1, FOLLOWED, fields=(
                ("020", "Rue Neuve 1"), ("150", "20260101")))])
            got = debtor.deliveries(1)
            self.assertEqual([f.code for f in got[0].content.fields], ["020"])
            self.assertEqual(got[0].content.withheld, 1)
            self.assertEqual(opened.waiting, 0)

    def test_what_is_not_acknowledged_comes_again(self):
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(i, FOLLOWED) for i in range(1, 11)])
        with self.member("CPAS-21004") as member:
            mailbox = member.subscribe().mailbox
            member.deliveries(10)
            member.acknowledge(mailbox, 4, also=[7])
            self.wait_until(lambda: self.opened("CPAS-21004").waiting == 5)
        with self.member("CPAS-21004") as member:
            self.assertEqual(member.subscribe().acknowledged, 4)
            got = member.deliveries(5)
            self.assertEqual([n.number for n in got], [5, 6, 8, 9, 10])
            self.assertEqual(member.passed, [7])

    def test_sends_no_more_than_the_window(self):
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(i, FOLLOWED) for i in range(1, 51)])
        with self.member("CPAS-21004") as member:
            mailbox = member.subscribe(messages=10).mailbox
            self.assertEqual(len(member.deliveries(10)), 10)
            with self.assertRaises(Silence):
                member.deliveries(1, timeout_s=1.0)
            member.acknowledge(mailbox, 3)
            self.assertEqual([n.number for n in member.deliveries(3)], [11, 12, 13])

    def test_a_repeat_is_recognised_after_a_restart(self):
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(i, FOLLOWED) for i in range(1, 4)])
        self.broker.restart()
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            self.assertEqual(source.last_number(), 3)
            answer = source.publish_and_hear(2, [mutation(i, FOLLOWED) for i in range(2, 5)])
            self.assertEqual(answer.through, 4)
            self.assertEqual([(r.number, r.fault.name) for r in answer.results],
                             [(2, "REPEATED"), (3, "REPEATED")])
            self.assertEqual(member.subscribe().last, 4)


if __name__ == "__main__":
    unittest.main()
