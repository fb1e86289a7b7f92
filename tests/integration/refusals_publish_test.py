# SPDX-License-Identifier: EUPL-1.2
"""Every way a publisher is told no, and that the good mutations beside it are kept.

Goal: each refusal has its stable name, its number, who can help and a sentence with field
and value, never a whole person number; it does not stop its neighbours; it stands in no
mailbox. Method: one frame of three, the middle one bad; the mailbox is then read.
"""

import unittest

from vigie_test import Story
from wire import mutation, person, proto

FOLLOWED = person(1)
WRONG_CHECK = FOLLOWED - FOLLOWED % 100 + (FOLLOWED % 100 % 97 + 1)


class RefusalsPublish(Story):
    institutions = {"RN": "source", "ONSS": "source", "CPAS-21004": "member"}

    def setUp(self):
        super().setUp()
        self.integrate("CPAS-21004", FOLLOWED, quality=2)

    def refused(self, bad, name, *words, code="RN", good=None):
        """The middle one of three is refused under this name with these words."""
        if good is None:
            good = mutation(1, FOLLOWED)
        with self.source(code) as source:
            first = source.last_number() + 1
            before = self.opened("CPAS-21004").last
            answer = source.publish_and_hear(first, [good, bad, good])
            self.assertEqual(answer.through, first + 2)
            self.assertEqual([r.number for r in answer.results], [first + 1])
            self.assertFault(answer.results[0].fault, name, "sender", *words)
            self.assertEqual(self.opened("CPAS-21004").last, before + 2)

            # The same number later is the same no: it was answered for good.
            again = source.publish_and_hear(first + 1, [bad])
            self.assertEqual(len(again.results), 1)
            self.assertEqual(self.opened("CPAS-21004").last, before + 2)
        self.assertNoPersonInLog(bad.niss)

    def test_wrong_check_digits(self):
        self.refused(mutation(2, WRONG_CHECK), "BAD_NISS", "niss")

    def test_a_person_number_with_an_impossible_month(self):
        self.refused(mutation(2, 85133000105), "BAD_NISS")

    def test_an_impossible_date(self):
        self.refused(mutation(2, FOLLOWED, occurred=20260231), "BAD_DATE", "occurred",
                     "2026-02-31")

    def test_a_period_that_ends_before_it_begins(self):
        self.refused(mutation(2, FOLLOWED, period_begin=20260301, period_end=20260201),
                     "BAD_DATE", "period")

    def test_an_unknown_flow(self):
        self.refused(mutation(2, FOLLOWED, flow="notifyNobody"), "UNKNOWN_FLOW",
                     "notifyNobody")

    def test_somebody_elses_flow(self):
        self.refused(mutation(2, FOLLOWED, flow="PersonnelFile", fields=()),
                     "NOT_THE_SOURCE", "PersonnelFile", "RN")

    def test_an_unknown_field(self):
        self.refused(mutation(2, FOLLOWED, fields=(("999", "x"),)), "UNKNOWN_FIELD", "999")

    def test_a_field_that_the_flow_may_not_carry(self):
        self.refused(mutation(2, FOLLOWED, fields=(("195", "x"),)), "FIELD_NOT_IN_FLOW",
                     "195", "notifyPerson")

    def test_a_mutation_that_is_too_large(self):
        self.refused(mutation(2, FOLLOWED, fields=[("020", "x" * 4096)] * 5), "TOO_LARGE")

    def test_a_field_value_that_is_too_long(self):
        self.refused(mutation(2, FOLLOWED, fields=[("150", "x"), ("020", "x" * 5000)]),
                     "TOO_LARGE", "the value of field 2 has 5000 bytes", "4096")

    def test_a_field_code_that_is_too_long(self):
        self.refused(mutation(2, FOLLOWED, fields=[("020", "x"), ("0" * 40, "x")]),
                     "TOO_LARGE", "the code of field 2 has 40 bytes", "32")

    def test_references_that_are_too_long(self):
        for name in ("id", "replaces", "cancels", "answers"):
            wrong = mutation(2, FOLLOWED)
            setattr(wrong, name, "x" * 65)
            with self.subTest(name):
                self.refused(wrong, "TOO_LARGE", f"{name} has 65 bytes", "64")

    def test_too_many_fields(self):
        self.refused(mutation(2, FOLLOWED, fields=[("020", "x")] * 65), "TOO_MANY")

    def refused_whole(self, frame, name, *words):
        """The frame as a whole is refused, the connection goes on, nothing is kept."""
        with self.source("RN") as source:
            source.say_bytes(frame)
            self.assertFault(source.hear_one("refused").fault, name, "sender", *words)
            self.assertEqual(source.last_number(), 0)
        self.assertEqual(self.opened("CPAS-21004").last, 0)

    def test_protobuf_that_does_not_parse(self):
        self.refused_whole(b"\x1a\xff\xff\xff\xff\xff", "MALFORMED")

    def test_too_many_mutations(self):
        many = proto.Publish(producer=1, first_number=1,
                             mutations=[mutation(1, FOLLOWED)] * 1001)
        self.refused_whole(proto.ToBroker(publish=many).SerializeToString(), "TOO_MANY",
                           "1000")

    def test_a_message_over_a_mebibyte(self):
        large = proto.Publish(producer=1, first_number=1, mutations=[
            mutation(1, FOLLOWED, fields=[("020", "x" * 4000)] * 3)] * 100)
        self.refused_whole(proto.ToBroker(publish=large).SerializeToString(), "TOO_LARGE",
                           "1048576")

    def test_a_number_left_out(self):
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(1, FOLLOWED)])
            source.publish(3, [mutation(3, FOLLOWED)])
            message = source.hear()
            kind = message.WhichOneof("message")
            fault = message.refused.fault if kind == "refused" else \
                message.published.results[0].fault
            self.assertFault(fault, "GAP", "sender")
            self.assertEqual(source.last_number(), 1)
        self.assertEqual(self.opened("CPAS-21004").last, 1)


if __name__ == "__main__":
    unittest.main()
