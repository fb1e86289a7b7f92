# SPDX-License-Identifier: EUPL-1.2
"""A person's number changes: bis to bis, bis to national register, two numbers of one person.

Goal: integrations, letters not delivered yet, their order and what is held move to the number
that survives; whoever follows or has just followed the old one is told; the old one stays
good for ever, and no number comes back. Method: the story is told step by step to a real broker
that is killed between any two steps; the store is verified at the end.
"""

import unittest
from datetime import timedelta

from vigie_test import TODAY, Story
from wire import mutation, person, proto

BIS, SECOND, FINAL = person(31), person(32), person(33)  # one person
OTHER = person(34)
FOLLOWS, ENDED, LONG_AGO, FUTURE, BOTH = (
    "CPAS-21004", "CPAS-62063", "CPAS-44021", "CPAS-11002", "CPAS-25072")
DAY = timedelta(days=1)


class NumberChanges(Story):
    institutions = {"RN": "source", "BIS": "source",
                    **{code: "member" for code in (FOLLOWS, ENDED, LONG_AGO, FUTURE, BOTH)}}
    settings = {"retry_first_ms": 1}

    # ---- what happens ----

    def publish(self, source, *mutations):
        """Gives the names of what was refused."""
        with self.source(source) as wire:
            first = wire.last_number() + 1
            answer = wire.publish_and_hear(first, list(mutations))
        self.broker.kill()
        self.broker.start()
        return [result.fault for result in answer.results]

    def replace(self, old, new):
        return self.publish("BIS", mutation("replaced", old, "SSINReplacement", (),
                                            new_niss=new))

    def move_to(self, niss, index):
        return self.publish("RN", mutation(index, niss, fields=[("020", f"street {index}")]))

    def give_back(self, member, number):
        """Gives what became of it. What comes meanwhile comes again."""
        member.say(refuse=proto.Refuse(number=number, reason="closed"))
        while True:
            message = member.hear()
            if message.WhichOneof("message") == "held":
                return message.held.state

    def found(self, code):
        """What waits in a mailbox: (flow, number it came under, number in force)."""
        with self.member(code) as member:
            opened = member.subscribe()
            got = member.deliveries(opened.waiting) if opened.waiting else []
            return [(n.content.flow, n.content.niss, n.content.current_niss) for n in got]

    def chain(self, niss):
        with self.member(FOLLOWS) as member:
            return list(member.ask(history=proto.History(niss=niss)).niss_chain)

    # ---- the stories ----

    def test_everybody_with_a_file_on_the_old_number_is_told(self):
        # Given: one follows him, one did until a month ago, one will in half a year, one did
        # long ago, and one follows both numbers, not knowing that they are one person.
        self.integrate(FOLLOWS, BIS, 2)
        self.integrate(ENDED, BIS, 1, TODAY - 60 * DAY, TODAY - 30 * DAY)
        self.integrate(FUTURE, BIS, 7, TODAY + 180 * DAY, TODAY + 200 * DAY)
        self.integrate(LONG_AGO, BIS, 1, TODAY - 300 * DAY, TODAY - 250 * DAY)
        self.integrate(BOTH, BIS, 30, TODAY - 10 * DAY, TODAY + 5 * DAY)
        self.integrate(BOTH, SECOND, 30, TODAY, TODAY + 15 * DAY)
        # When his number is replaced, and he moves under the old and the new number.
        self.assertEqual(self.replace(BIS, SECOND), [])
        self.move_to(BIS, 1)
        self.move_to(SECOND, 2)
        # Then the mutations reach the same institutions, and say which number is in force.
        told = ("SSINReplacement", BIS, 0)
        moved = [("notifyPerson", BIS, SECOND), ("notifyPerson", SECOND, 0)]
        self.assertEqual(self.found(FOLLOWS), [told, *moved])
        self.assertEqual(self.found(BOTH), [told, *moved])  # once each
        self.assertEqual(self.found(ENDED), [told])
        self.assertEqual(self.found(FUTURE), [told])
        self.assertEqual(self.found(LONG_AGO), [])
        with self.member(BOTH) as member:  # its two periods became one
            rows = member.ask(consult=proto.Consult(
                niss=BIS, level=proto.Consult.SECONDARY,
                proof=proto.Proof(birth_date=19660101))).integrations
            mine = [(r.begin, r.end) for r in rows if r.institution == BOTH]
        self.assertEqual(len(mine), 1)
        self.broker.stop()
        self.check_store()

    def test_nothing_overtakes_a_letter_about_the_old_number(self):
        # Given: he is followed under both numbers; a letter under the old one was given back,
        # another one waits.
        self.integrate(FOLLOWS, BIS, 2)
        self.integrate(FOLLOWS, SECOND, 2)
        self.integrate(FOLLOWS, OTHER, 2)
        self.move_to(BIS, 1)
        self.move_to(SECOND, 2)
        with self.member(FOLLOWS) as member:
            mailbox = member.subscribe().mailbox
            member.deliveries(2)
            for number in (1, 2):
                self.assertEqual(self.give_back(member, number), proto.Held.RETRY)
        # When they turn out to be one person, and a letter comes under the new number.
        self.assertEqual(self.replace(BIS, SECOND), [])  # letter 3
        self.move_to(SECOND, 4)
        self.move_to(OTHER, 5)
        # Then all of his letters come one by one in the order published; others do not wait.
        with self.member(FOLLOWS) as member:
            member.subscribe()
            got = [n.number for n in member.deliveries(2)]
            self.assertEqual(sorted(got), [1, 5])
            member.acknowledge(mailbox, 0, also=[5])
            for number in (1, 2, 3, 4):
                if number > 1:
                    got = [n.number for n in member.deliveries(1)]
                    self.assertEqual(got, [number])
                member.acknowledge(mailbox, 0, also=[number])
            self.assertLessEqual(set(member.passed), {3, 4})  # or held when it came
            self.wait_until(lambda: self.opened(FOLLOWS).waiting == 0)
        self.broker.stop()
        self.check_store()

    def test_no_number_is_replaced_twice_and_none_comes_back(self):
        # Given: bis, then another bis, then the national register.
        self.integrate(FOLLOWS, BIS, 2)
        self.assertEqual(self.replace(BIS, SECOND), [])
        self.assertEqual(self.replace(SECOND, FINAL), [])
        # When a register goes on with what is no more, then it is told so.
        for old, new, name in ((BIS, OTHER, "EXISTS"), (BIS, SECOND, "EXISTS"),
                               (FINAL, BIS, "BAD_NISS"), (OTHER, SECOND, "BAD_NISS"),
                               (FINAL, FINAL, "BAD_NISS")):
            faults = self.replace(old, new)
            self.assertEqual([f.name for f in faults], [name])
            self.assertFault(faults[0], name, "sender")
            self.assertNotIn(f"{old:011d}", faults[0].sentence)
        # Then nothing has changed: every number tells the chain, and reaches whom it reached.
        for niss in (BIS, SECOND, FINAL):
            self.assertEqual(self.chain(niss), [BIS, SECOND, FINAL])
        self.move_to(BIS, 1)
        self.integrate(BOTH, SECOND, 8)  # under a number that is no more: a warning, and done
        self.move_to(FINAL, 2)
        self.assertEqual(self.found(FOLLOWS), [
            ("SSINReplacement", BIS, 0), ("SSINReplacement", SECOND, 0),
            ("notifyPerson", BIS, FINAL), ("notifyPerson", FINAL, 0)])
        self.assertEqual(self.found(BOTH), [("notifyPerson", FINAL, 0)])
        self.broker.stop()
        self.check_store()


if __name__ == "__main__":
    unittest.main()
