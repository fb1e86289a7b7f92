# SPDX-License-Identifier: EUPL-1.2
"""A revoked key is out at once, without a restart.

Goal: who holds a revoked key gets nothing more, neither on the connection he has nor on a
new one, nor on one that has not said anything yet, and others do not notice; and a key can
be exchanged without a moment without one. Method: two members of one institution's key
each; one is revoked while connected.
"""

import unittest

from vigie_test import Story
from wire import Member, Silence, mutation, person, zmq

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

    def handshakes(self):
        return self.metric("vigie_handshakes_accepted_total")

    def test_ends_a_connection_that_never_said_anything(self):
        before = self.handshakes()
        with self.connection("CPAS-21004", "members") as silent, \
                self.member("CPAS-62063") as stays:
            news = silent.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            self.wait_until(lambda: self.handshakes() >= before + 2)
            self.assertEqual(self.metric("vigie_arrivals"), 1)
            self.revoke("CPAS-21004")
            self.assertTrue(news.poll(1000), "it is still connected a second later")
            self.assertEqual(self.metric("vigie_arrivals"), 0)
            silent.socket.disable_monitor()
            news.close()
            stays.subscribe()  # still there

    def test_a_key_is_exchanged_while_both_work(self):
        old = self.keys["CPAS-21004", "member"]
        fresh = tuple(key.decode() for key in zmq.curve_keypair())
        third = tuple(key.decode() for key in zmq.curve_keypair())

        def add(pair):
            return self.broker.http("POST", "/v1/institutions/CPAS-21004/keys",
                                    {"public": pair[0], "role": "member", "label": ""})

        self.integrate("CPAS-21004", FOLLOWED, quality=2)
        self.assertEqual(add(fresh)[0], 200)
        status, answer = add(third)
        self.assertEqual((status, answer["error"]["name"]), (409, "EXISTS"), answer)
        with self.source("RN") as source, self.member("CPAS-21004") as before:
            before.subscribe()
            source.publish_and_hear(1, [mutation(1, FOLLOWED)])
            self.assertEqual(len(before.deliveries(1)), 1)
            self.keys["CPAS-21004", "member"] = fresh
            with self.member("CPAS-21004") as after:
                for key in self.shown():
                    self.assertGreaterEqual(key["connections"], 1, key["public"])
                after.subscribe()  # the mailbox moves to it with what waits
                self.assertEqual(len(after.deliveries(1)), 1)
                self.admin("POST", "/v1/keys/revoke", {"public": old[0]})
                source.publish_and_hear(2, [mutation(2, FOLLOWED)])
                self.assertEqual(len(after.deliveries(1)), 1)
        with Member(self.broker.endpoint("members"), self.broker.public, *old) as gone:
            self.assertTrue(gone.is_refused())
        for key in self.shown():
            self.assertIsNotNone(key["added"])
            self.assertIsNotNone(key["last_used"])
            self.assertEqual(key["revoked"] is None, key["public"] == fresh[0])

    def shown(self):
        return self.admin("GET", "/v1/institutions/CPAS-21004")["keys"]


if __name__ == "__main__":
    unittest.main()
