# SPDX-License-Identifier: EUPL-1.2
"""A source corrects what it said, or takes it back.

Goal: whoever got the first gets the correction, with its ticket, even if it follows the person
no more; whoever follows the person only now gets a notification like any other, and of a
cancellation nothing; nothing else reaches an institution whose integration ended; a mailbox
that wants it so gets neither what was cancelled before it was sent nor its cancellation; the
journal says all of this.
Method: a real broker that is killed between every two steps, wires of our own; the whole store
is verified, and the journal exported and read.
"""

import json
import subprocess
import unittest

from vigie_test import BIN, TODAY, Story, Vigie, number_of
from wire import mutation, person, proto

ANN, BEA = person(1), person(2)
THEN, NOW = "CPAS-21004", "CPAS-44021"  # follows her at first; follows her afterwards
RIGHT, WRONG = (("020", "Rue Haute 1"),), (("020", "Rue Basse 1"), ("150", "Anvers 19991231"))


class Corrections(Story):
    institutions = {"RN": "source", "ONSS": "source", THEN: "member", NOW: "member"}

    # ---- given, when ----

    def killed(self):
        self.broker.kill()
        self.broker.start()

    def published(self, one, by="RN", dies=True):
        """Gives the ticket, or the fault; the broker dies after the answer."""
        with self.source(by) as source:
            number = source.last_number() + 1
            said = source.publish_and_hear(number, [one])
            if dies:
                self.broker.kill()
        if dies:
            self.broker.start()
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

    def queue(self, code):
        row = self.admin("GET", f"/v1/queues?institution={code}")["mailboxes"][0]
        return row["waiting"], row["withdrawn"]

    def journal(self, kind):
        """What it says of corrections, or of withdrawn ones."""
        folder = self.broker.folder / "journal"
        folder.mkdir()
        done = subprocess.run([str(BIN / "vigied"), "--settings",
                               str(self.broker.settings_path), "--json",
                               "--export-journal", str(folder)],
                              capture_output=True, text=True, timeout=60, check=True)
        with open(json.loads(done.stdout)["file"], encoding="utf-8") as lines:
            next(lines)
            return [item for line in lines for item in json.loads(line)["items"]
                    if item["kind"] == kind]

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
        told = self.journal("correction")
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

    def test_what_is_cancelled_before_it_was_sent_is_not_sent_where_a_mailbox_wants_it_so(self):
        # Given two CPAS that follow Ann and are away; one wants nothing of what is cancelled
        # before it could be sent, the other one has said nothing.
        vigie = Vigie("--home", str(self.folder))
        self.integrate(THEN, ANN, quality=2)
        self.integrate(NOW, ANN, quality=9)
        mailbox = str(self.admin("GET", f"/v1/institutions/{THEN}")["mailboxes"][0]["mailbox"])
        rules = vigie.run("mailbox", "rules", mailbox, "--cancelled", "neither")["rules"]
        self.assertEqual(rules["cancelled"], "neither")
        shown = vigie.run_raw("institution", "show", THEN).stdout
        self.assertIn("without what is cancelled", shown)

        # When an address is published, then another one, and the first is taken back,
        first = self.published(mutation(1, ANN), dies=False)
        between = self.published(mutation(2, ANN), dies=False)
        cancels = self.published(mutation(3, ANN, fields=(), cancels=str(first)), dies=False)

        # then the one has only the other address waiting, also after the broker was killed,
        self.wait_until(lambda: self.queue(THEN) == (1, 1))
        self.assertEqual(self.metric("vigie_withdrawn_total"), 1)
        self.killed()
        with self.member(THEN) as member:
            member.subscribe()
            got = member.deliveries(1)
            self.assertEqual([n.content.ticket for n in got], [between])
            member.acknowledge(got[0].mailbox, got[0].number)
            self.wait_until(lambda: self.queue(THEN)[0] == 0)
        # and the other one has all three.
        self.assertEqual([n.content.ticket for n in self.gets(NOW, 3)],
                         [first, between, cancels])
        # Who asks is told so, by ticket and by person.
        said = vigie.run_raw("explain", "--ticket", str(first)).stdout
        self.assertIn(f"{THEN} (Test {THEN}): not delivered, because ticket {cancels} cancelled "
                      "it before\n  neither was, as mailbox default chose: its letter 1 was "
                      "withdrawn at ", said)
        self.assertIn(f"{NOW} (Test {NOW}): got it", said)
        said = vigie.run_raw("explain", "--ticket", str(cancels)).stdout
        self.assertIn(f"because ticket {first}, which it cancels, was not", said)
        self.assertNotIn("\n  owed to it: it got ticket", said.split(NOW)[0])
        answer = vigie.run("journal", "person", f"{ANN:011d}")
        self.assertEqual({(row["ticket"], row["institution"]): row["state"]
                          for row in answer["exchanges"]},
                         {(first, THEN): "withdrawn", (between, THEN): "acknowledged",
                          (cancels, THEN): "withdrawn", (first, NOW): "waiting",
                          (between, NOW): "waiting", (cancels, NOW): "waiting"})
        self.assertIn("cancelled and not sent, as its mailbox wants it: withdrawn on",
                      vigie.run_raw("journal", "person", f"{ANN:011d}").stdout)
        page = vigie.run_raw("journal", "person", f"{ANN:011d}", "--page").stdout
        self.assertIn("it was cancelled before it was handed over", page)
        self.assertEqual([(w["ticket"], w["of"], w["number"], w["of_number"])
                          for w in self.journal("withdrawn")], [(cancels, first, 3, 1)])

        # When the cancellation was a mistake and is replaced, then to the one, which follows
        # Ann, that is a notification like any other.
        again = self.published(mutation(4, ANN, fields=RIGHT, replaces=str(cancels)))
        with self.member(THEN) as member:
            member.subscribe()
            got = member.deliveries(1)[0]
            self.assertEqual((got.content.ticket, got.content.replaces), (again, ""))
        self.assertEqual(self.gets(NOW, 4)[3].content.replaces, str(cancels))
        self.broker.stop()
        self.check_store()

    def test_a_pair_is_withdrawn_whole_or_delivered_whole_whenever_the_broker_dies(self):
        # Given a CPAS that wants neither,
        self.integrate(THEN, ANN, quality=2)
        mailbox = str(self.admin("GET", f"/v1/institutions/{THEN}")["mailboxes"][0]["mailbox"])
        Vigie("--home", str(self.folder)).run("mailbox", "rules", mailbox, "--cancelled",
                                              "neither")
        expected = []
        for dies_between in (True, False):
            # when the broker dies at the answer to a cancellation, or between the two,
            first = self.published(mutation(1, ANN), dies=dies_between)
            cancels = self.published(mutation(1, ANN, fields=(), cancels=str(first)))
            # then both wait, or none does: an earlier process may have sent what it found;
            waiting = self.queue(THEN)[0] - len(expected)
            self.assertIn(waiting, (2,) if dies_between else (0, 2))
            expected += [first, cancels] if waiting else []
        # and what waits is delivered as the pair.
        with self.member(THEN) as member:
            member.subscribe()
            self.assertEqual([n.content.ticket for n in member.deliveries(len(expected))],
                             expected)
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
