# SPDX-License-Identifier: EUPL-1.2
"""Who one is comes from the key: strangers, wrong doors and other people's mailboxes.

Goal: an unknown key does not get in; a key does only what its role allows; a CPAS cannot
read another's mailbox nor act for it. Method: connections with made-up keys, with the
right key at the wrong door, and requests that name somebody else.
"""

import unittest

import zmq

from vigie_test import Story, TODAY, birth_date, number_of
from wire import Member, Source, mutation, person, proto

FOLLOWED = person(1)


class RefusalsKeys(Story):
    institutions = {"RN": "source", "CPAS-21004": "member", "CPAS-62063": "member"}

    def test_an_unknown_key_stays_outside_both_doors(self):
        public, secret = (key.decode() for key in zmq.curve_keypair())
        for kind, door in ((Source, "sources"), (Member, "members")):
            with kind(self.broker.endpoint(door), self.broker.public, public,
                      secret) as stranger:
                self.assertTrue(stranger.is_refused())
        self.assertLog("event=handshake_refused", "not registered")

    def test_a_member_cannot_publish(self):
        with self.connection("CPAS-21004", "sources") as wrong:
            self.assertTrue(wrong.is_refused())
        self.assertLog("WRONG_ROLE")

    def test_a_source_cannot_subscribe(self):
        with self.connection("RN", "members") as wrong:
            self.assertTrue(wrong.is_refused())
        self.assertLog("WRONG_ROLE")

    def test_a_cpas_cannot_read_the_mailbox_of_another(self):
        self.integrate("CPAS-62063", FOLLOWED, quality=2)
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(1, FOLLOWED)])
        theirs = self.opened("CPAS-62063").mailbox
        with self.member("CPAS-21004") as member:
            member.say(subscribe=proto.Subscribe(mailbox=theirs, window_messages=10,
                                                 window_bytes=1 << 20))
            self.assertFault(member.hear_one("refused").fault, "NOT_ALLOWED", "sender")
            member.acknowledge(theirs, 1)
            member.hear_one("refused")
        self.assertEqual(self.opened("CPAS-62063").waiting, 1)

    def test_a_cpas_cannot_integrate_for_another(self):
        item = proto.IntegrateItem(niss=FOLLOWED, quality=2, begin=number_of(TODAY),
                                   proof=proto.Proof(birth_date=birth_date(FOLLOWED)))
        with self.member("CPAS-21004") as member:
            reply = member.ask(integrate=proto.Integrate(items=[item],
                                                         institution="CPAS-62063"))
            self.assertEqual(reply.verdict, proto.Reply.NO)
            self.assertFault(reply.results[0].faults[0], "NOT_ALLOWED", "sender")


class EmptyTable(Story):
    """A fresh broker, to which nobody has been registered."""

    def test_nobody_gets_in(self):
        public, secret = (key.decode() for key in zmq.curve_keypair())
        for door in ("sources", "members"):
            with Member(self.broker.endpoint(door), self.broker.public, public,
                        secret) as stranger:
                self.assertTrue(stranger.is_refused(0.5))
        self.assertLog("event=handshake_refused", "not registered")
        self.assertEqual(self.metric("vigie_handshakes_accepted_total"), 0)


if __name__ == "__main__":
    unittest.main()
