# SPDX-License-Identifier: EUPL-1.2
"""Every way the reference directory says no, with all errors of a request at once.

Goal: a wrong integration is refused with a name, a number, who can help and a sentence;
nothing of it is in the directory; the good items beside it are. Method: requests over the
wire as a CPAS; consult shows what the directory holds afterwards.
"""

import unittest
from datetime import timedelta

from vigie_test import Story, TODAY, birth_date, number_of
from wire import person, proto

SOMEBODY = person(1)


class RefusalsDirectory(Story):
    institutions = {"RN": "source", "CPAS-21004": "member", "CPAS-62063": "member"}

    def item(self, niss=SOMEBODY, quality=2, begin=TODAY, end=None, proof=None):
        return proto.IntegrateItem(
            niss=niss, quality=quality, begin=number_of(begin),
            end=0 if end is None else number_of(end),
            proof=proto.Proof(birth_date=birth_date(SOMEBODY)) if proof is None else proof)

    def held(self, niss=SOMEBODY):
        with self.member("CPAS-62063") as member:
            reply = member.ask(consult=proto.Consult(
                niss=niss, level=2, proof=proto.Proof(birth_date=birth_date(niss))))
            return [(i.institution, i.quality) for i in reply.integrations]

    def refused(self, item, *names):
        with self.member("CPAS-21004") as member:
            reply = member.ask(integrate=proto.Integrate(items=[item]))
        self.assertEqual(reply.verdict, proto.Reply.NO)
        self.assertEqual(sorted(f.name for f in reply.results[0].faults), sorted(names))
        for fault in reply.results[0].faults:
            self.assertFault(fault, fault.name, "sender")
        self.assertEqual(self.held(), [])

    def test_wrong_check_digits(self):
        wrong = SOMEBODY - SOMEBODY % 100 + (SOMEBODY % 100 % 97 + 1)
        with self.member("CPAS-21004") as member:
            reply = member.ask(integrate=proto.Integrate(items=[self.item(niss=wrong)]))
        self.assertIn("BAD_NISS", [f.name for f in reply.results[0].faults])
        self.assertNoPersonInLog(wrong)

    def test_a_quality_code_for_too_long_a_period(self):
        self.refused(self.item(end=TODAY + timedelta(days=800)), "PERIOD_TOO_LONG")

    def test_a_begin_too_far_ahead(self):
        self.refused(self.item(begin=TODAY + timedelta(days=370)), "TOO_FAR")

    def test_an_unknown_quality(self):
        self.refused(self.item(quality=99), "UNKNOWN_QUALITY")

    def test_no_proof(self):
        self.refused(self.item(proof=proto.Proof()), "PROOF_MISSING")

    def test_a_proof_of_somebody_else(self):
        self.refused(self.item(proof=proto.Proof(birth_date=19500101)), "PROOF_WRONG")

    def test_an_identity_card_with_wrong_check_digits(self):
        self.refused(self.item(proof=proto.Proof(identity_card="000001103225")),
                     "PROOF_WRONG")

    def test_all_errors_at_once(self):
        self.refused(self.item(begin=TODAY + timedelta(days=370),
                               end=TODAY + timedelta(days=1200), proof=proto.Proof()),
                     "TOO_FAR", "PERIOD_TOO_LONG", "PROOF_MISSING")

    def test_an_exclusive_code_that_another_holds(self):
        self.integrate("CPAS-62063", SOMEBODY, quality=2)
        with self.member("CPAS-21004") as member:
            reply = member.ask(integrate=proto.Integrate(items=[self.item()]))
        self.assertEqual([f.name for f in reply.results[0].faults], ["EXCLUSIVE"])
        self.assertEqual(self.held(), [("CPAS-62063", 2)])

    def test_good_items_are_done_beside_bad_ones(self):
        with self.member("CPAS-21004") as member:
            reply = member.ask(integrate=proto.Integrate(items=[
                self.item(quality=1), self.item(quality=99), self.item(quality=7)]))
        self.assertEqual([r.verdict for r in reply.results],
                         [proto.Reply.YES, proto.Reply.NO, proto.Reply.YES])
        self.assertEqual(self.held(), [("CPAS-21004", 1), ("CPAS-21004", 7)])

    def test_consult_without_proof(self):
        with self.member("CPAS-21004") as member:
            reply = member.ask(consult=proto.Consult(niss=SOMEBODY))
        self.assertEqual(reply.verdict, proto.Reply.NO)
        self.assertEqual([f.name for r in reply.results for f in r.faults],
                         ["PROOF_MISSING"])


if __name__ == "__main__":
    unittest.main()
