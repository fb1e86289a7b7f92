# SPDX-License-Identifier: EUPL-1.2
"""A person number that was guessed tells nothing about who knows the person.

Goal: the answers about a person whom others follow and about one whom nobody knows differ
only where the rules of the directory say so (a CPAS with a proof: consult, and what stands in
the way of an integration that is right in every other way). Method: the same request about
both; what is left after taking away ticket and number must be the same bytes.
"""

import unittest

from vigie_test import TODAY, Story, birth_date, number_of
from wire import mutation, person, proto

KNOWN, UNKNOWN = person(1), person(2)
WRONG_DATE = 19500101


def bare(reply):
    """A reply without what is the request's own."""
    copy = type(reply)()
    copy.CopyFrom(reply)
    for field in ("id", "ticket", "ticket_first", "first_number", "through"):
        if field in copy.DESCRIPTOR.fields_by_name:
            copy.ClearField(field)
    if "niss_chain" in copy.DESCRIPTOR.fields_by_name:
        copy.niss_chain[:] = [0] * len(copy.niss_chain)
    return copy.SerializeToString()


class Guessing(Story):
    institutions = {"RN": "source", "CPAS-21004": "member", "CPAS-62063": "member",
                    "CIN": "member"}

    def setUp(self):
        super().setUp()
        self.integrate("CPAS-62063", KNOWN, quality=2)  # exclusive: it pays

    def assertSame(self, code, **ask):
        """Asks about both; ask: name=function of a person number."""
        (name, make), = ask.items()
        with self.member(code) as member:
            known = member.ask(**{name: make(KNOWN)})
            unknown = member.ask(**{name: make(UNKNOWN)})
        self.assertEqual(bare(known), bare(unknown), f"{known}\n{unknown}")
        return known

    @staticmethod
    def integrate_with(proof, quality=2, begin=None, end=0):
        def make(niss):
            return proto.Integrate(items=[proto.IntegrateItem(
                niss=niss, quality=quality, begin=begin or number_of(TODAY), end=end,
                proof=proof(niss))])
        return make

    def test_history_tells_the_numbers_and_nothing_else(self):
        for code in ("CPAS-21004", "CIN"):
            self.assertSame(code, history=lambda niss: proto.History(niss=niss))

    def test_removing_what_one_does_not_have(self):
        for code in ("CPAS-21004", "CIN"):
            reply = self.assertSame(code, remove=lambda niss: proto.Remove(
                niss=niss, quality=2, begin=number_of(TODAY)))
            self.assertEqual(reply.verdict, proto.Reply.NO)

    def test_consulting_without_the_right(self):
        reply = self.assertSame("CIN", consult=lambda niss: proto.Consult(
            niss=niss, proof=proto.Proof(birth_date=birth_date(niss))))
        self.assertFault(reply.results[0].faults[0], "NOT_ALLOWED", "sender")

    def test_consulting_without_a_proof(self):
        for proof in (proto.Proof(), proto.Proof(birth_date=WRONG_DATE)):
            reply = self.assertSame("CPAS-21004", consult=lambda niss, p=proof:
                                    proto.Consult(niss=niss, proof=p))
            self.assertEqual(reply.verdict, proto.Reply.NO)
            self.assertEqual(len(reply.integrations), 0)

    def test_integrating_without_a_proof_or_otherwise_wrong(self):
        def right(niss):
            return proto.Proof(birth_date=birth_date(niss))

        for make in (self.integrate_with(lambda niss: proto.Proof()),
                     self.integrate_with(lambda niss: proto.Proof(birth_date=WRONG_DATE)),
                     self.integrate_with(right, begin=20261301),
                     self.integrate_with(right, end=number_of(TODAY) + 90000)):
            reply = self.assertSame("CPAS-21004", integrate=make)
            self.assertEqual(reply.verdict, proto.Reply.NO)

    def test_another_sector_integrates_without_learning_of_the_cpas(self):
        sector = self.integrate_with(
            lambda niss: proto.Proof(birth_date=birth_date(niss)), quality=1)
        reply = self.assertSame("CIN", integrate=sector)
        self.assertEqual(len(reply.integrations), 0)

    def test_a_source_learns_nothing_of_who_follows_a_person(self):
        with self.source("RN") as source:
            known = source.publish_and_hear(1, [mutation(1, KNOWN)])
            unknown = source.publish_and_hear(2, [mutation(2, UNKNOWN)])
        self.assertEqual(bare(known), bare(unknown))
        self.assertEqual(unknown.ticket_first, known.ticket_first + 1)
        self.assertEqual(self.opened("CPAS-62063").last, 1)  # it did make a difference


if __name__ == "__main__":
    unittest.main()
