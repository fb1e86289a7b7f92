# SPDX-License-Identifier: EUPL-1.2
"""A source corrects what it said, or takes it back.

Goal: whoever got the first gets the correction, with its ticket, even if it follows the person
no more; whoever follows the person only now gets a notification like any other, and of a
cancellation nothing; nothing else reaches an institution whose integration ended; the journal
says all of this.
Method: a real broker that is killed between every two steps, wires of our own; the whole store
is verified, and the journal exported and read.
"""

import json
import subprocess
import unittest

from vigie_test import BIN, TODAY, Story, number_of
from wire import mutation, person, proto

ANN, BEA = person(1), person(2)
THEN, NOW = "CPAS-21004", "CPAS-44021"  # follows her at first; follows her afterwards
RIGHT, WRONG = (("020", "Rue Haute 1"),), (("020", "Rue Basse 1"), ("150", "Anvers 19991231"))


class Corrections(Story):
    institutions = {"RN": "source", "ONSS": "source", THEN: "member", NOW: "member"}

    def setUp(self):
        super().setUp()
        self.broker.keep_ports()

    # ---- given, when ----

    def killed(self):
        self.broker.kill()
        self.broker.start()

    def published(self, one, by="RN"):
        """Gives the ticket, or the fault; the broker dies after the answer."""
        with self.source(by) as source:
            number = source.last_number() + 1
            said = source.publish_and_hear(number, [one])
        self.killed()
        return said.results[0].fault if said.results else said.ticket_first

    def stops_following(self, code, niss, quality):
        with self.member(code) as member:
            reply = member.ask(remove=proto.Remove(niss=niss, quality=quality,
                                                   begin=number_of(TODAY)))
        self.assertEqual(reply.verdict, proto.Reply.YES, reply)
        self.killed()

    # ---- then ----

    def gets(self, code, count):
        """All that lies there, which is so many."""
        with self.member(code) as member:
            self.assertEqual(member.subscribe().last, count)
            return member.deliveries(count) if count else []

    def fields(self, notification):
        return tuple((f.code, f.value) for f in notification.content.fields)

    def corrections(self):
        """What the journal says of them."""
        folder = self.broker.folder / "journal"
        folder.mkdir()
        done = subprocess.run([str(BIN / "vigied"), "--settings",
                               str(self.broker.settings_path), "--json",
                               "--export-journal", str(folder)],
                              capture_output=True, text=True, timeout=60, check=True)
        with open(json.loads(done.stdout)["file"], encoding="utf-8") as lines:
            next(lines)
            return [item for line in lines for item in json.loads(line)["items"]
                    if item["kind"] == "correction"]

    # ---- stories ----

    def test_who_got_the_first_gets_the_correction_though_he_follows_her_no_more(self):
        self.integrate(THEN, ANN, quality=30)  # a debtor: field 150 is not for him
        first = self.published(mutation(1, ANN, fields=WRONG))
        self.stops_following(THEN, ANN, 30)
        self.integrate(NOW, ANN, quality=2)
        self.published(mutation(2, ANN))  # an ordinary one: THEN is out of it

        second = self.published(mutation(3, ANN, fields=RIGHT + WRONG[1:],
                                         replaces=str(first)))

        then = self.gets(THEN, 2)
        self.assertEqual([n.content.replaces for n in then], ["", str(first)])
        self.assertEqual(self.fields(then[1]), RIGHT)  # and 150 did not come along
        self.assertEqual(then[1].content.withheld, 1)
        self.assertEqual(then[1].justification, then[0].justification)
        now = self.gets(NOW, 2)
        self.assertEqual(now[1].content.ticket, second)
        self.assertEqual(now[1].content.replaces, "")  # of the first it knows nothing
        self.assertEqual(now[1].justification.quality, 2)

        third = self.published(mutation(4, ANN, fields=(), cancels=str(second)))
        self.assertEqual([n.content.cancels for n in self.gets(THEN, 3)][2], str(second))
        self.assertEqual(self.gets(NOW, 3)[2].content.cancels, str(second))
        told = self.corrections()
        self.assertEqual([(c["ticket"], c["of"], c["act"]) for c in told],
                         [(second, first, "replaces"), (third, second, "cancels")])
        self.assertEqual([(o["quality"], o["only"]) for o in told[0]["owed"]], [(30, True)])
        self.assertEqual(sorted((o["quality"], o["only"]) for o in told[1]["owed"]),
                         [(2, False), (30, True)])
        self.broker.stop()
        self.check_store()

    def test_a_cancellation_is_nothing_to_who_did_not_get_the_first(self):
        self.integrate(THEN, ANN, quality=2)
        first = self.published(mutation(1, ANN))
        self.integrate(NOW, ANN, quality=4)
        self.published(mutation(2, ANN, fields=(), cancels=str(first)))
        self.gets(THEN, 2)
        self.gets(NOW, 0)
        self.broker.stop()
        self.check_store()

    def test_what_cannot_be_corrected_is_refused_and_reaches_nobody(self):
        self.integrate(THEN, ANN, quality=2)
        first = self.published(mutation(1, ANN))
        other = self.published(mutation(1, ANN, flow="PersonnelFile", fields=()), by="ONSS")
        second = self.published(mutation(2, ANN, replaces=str(first)))
        for wrong, words in (
                (mutation(3, BEA, replaces=str(first)), "is about another person"),
                (mutation(3, ANN, replaces=str(other)), "is no mutation of RN"),
                (mutation(3, ANN, flow="notifyFamilyComposition", fields=(),
                          cancels=str(first)), "is of another flow"),
                (mutation(3, ANN, replaces=str(first)), f"was replaced by ticket {second}"),
                (mutation(3, ANN, cancels="rn-2026-1"), "is not a ticket"),
                (mutation(3, ANN, cancels="4711"), "was never given"),
                (mutation(3, ANN, cancels=str(first), replaces=str(first)), "one of them")):
            self.assertFault(self.published(wrong), "BAD_REFERENCE", "sender", words)
        self.gets(THEN, 3)
        self.broker.stop()
        self.check_store()

    def test_an_attestation_is_made_corrected_and_deleted(self):
        """A036, from a CPAS to the mutuality that knows the person."""
        self.register("MUTUALITY-1", "member")
        self.register("CPAS-11002", "both")
        self.integrate("MUTUALITY-1", ANN, quality=1)
        period = {"period_begin": number_of(TODAY), "period_end": number_of(TODAY)}
        ticket, tickets = "", []
        for act in ("", "replaces", "cancels"):
            more = {act: ticket} if act else {}
            tickets.append(self.published(
                mutation(1, ANN, flow="A036", fields=(("aid_type", "RIS"),), **period, **more),
                by="CPAS-11002"))
            ticket = str(tickets[-1])
        made, corrected, deleted = self.gets("MUTUALITY-1", 3)
        self.assertEqual(made.content.ticket, tickets[0])
        self.assertEqual(corrected.content.replaces, str(tickets[0]))
        self.assertEqual(deleted.content.cancels, str(tickets[1]))
        self.broker.stop()
        self.check_store()


if __name__ == "__main__":
    unittest.main()
