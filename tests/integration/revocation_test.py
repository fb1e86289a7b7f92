# SPDX-License-Identifier: EUPL-1.2
"""A revoked key is out at once, without a restart.

Goal: who holds a revoked key gets nothing more, neither on the connection he has nor on a
new one, and others do not notice. Method: two members of one institution's key each; one
is revoked while connected.
"""

import unittest

from vigie_test import Story
from wire import Silence, mutation, person

FOLLOWED = person(1)


class Revocation(Story):
    institutions = {"RN": "source", "CPAS-21004": "member", "CPAS-62063": "member"}

    def test_cuts_the_live_connection_and_refuses_the_next(self):
        for code in ("CPAS-21004", "CPAS-62063"):
            self.integrate(code, FOLLOWED, quality=2 if code == "CPAS-21004" else 1)
        with self.source("RN") as source, self.member("CPAS-21004") as out, \
                self.member("CPAS-62063") as stays:
            out.subscribe()
            stays.subscribe()
            source.publish_and_hear(1, [mutation(1, FOLLOWED)])
            self.assertEqual(len(out.deliveries(1)), 1)
            self.assertEqual(len(stays.deliveries(1)), 1)

            self.revoke("CPAS-21004")
            source.publish_and_hear(2, [mutation(2, FOLLOWED)])
            self.assertEqual(len(stays.deliveries(1)), 1)
            with self.assertRaises((Silence, AssertionError)):
                out.deliveries(1, timeout_s=2.0)
            with self.connection("CPAS-21004", "members") as again:
                self.assertTrue(again.is_refused())
        self.assertLog("event=handshake_refused", "the key was revoked")
        self.broker.restart()
        with self.connection("CPAS-21004", "members") as again:
            self.assertTrue(again.is_refused())

    def test_a_revoked_source_publishes_nothing_more(self):
        self.integrate("CPAS-62063", FOLLOWED, quality=1)
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(1, FOLLOWED)])
            self.revoke("RN")
            source.publish(2, [mutation(2, FOLLOWED)])
            with self.assertRaises((Silence, AssertionError)):
                source.hear_one("published", timeout_s=2.0)
        self.assertEqual(self.opened("CPAS-62063").last, 1)


if __name__ == "__main__":
    unittest.main()
