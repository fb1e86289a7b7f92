# SPDX-License-Identifier: EUPL-1.2
"""Why did this CPAS (not) get this message?

Goal: what an administrator types after a telephone call has an answer, of today and of the
past, and names no person. Method: stories against a real broker, each told as given, when,
then; the questions go through `vigie` as he would type them, and over HTTP.
"""

import json
import unittest

from vigie_test import Story, TODAY, Vigie, number_of
from wire import mutation, person, proto

A, B, C = "CPAS-21004", "CPAS-62063", "CPAS-44021"
ADDRESS_AND_DEATH = (("020", "Rue Haute 1"), ("150", "Anvers 19991231"))


class Why(Story):
    institutions = {"RN": "source", "ONSS": "source", A: "member", B: "member",
                    C: "member"}

    def setUp(self):
        super().setUp()
        self.vigie = Vigie("--home", str(self.broker.folder))
        self.number = 0

    # ---- given, when ----

    def publishes(self, niss, fields=ADDRESS_AND_DEATH):
        """The National Register publishes one; gives its ticket."""
        self.number += 1
        with self.source("RN") as source:
            answer = source.publish_and_hear(self.number, [
                mutation(self.number, niss, "notifyPerson", fields, number_of(TODAY))])
        return None if answer.results else answer.ticket_first

    def stops_following(self, code, niss, quality):
        with self.member(code) as member:
            reply = member.ask(remove=proto.Remove(niss=niss, quality=quality,
                                                   begin=20200101))
        self.assertEqual(reply.verdict, proto.Reply.YES, reply)

    # ---- then ----

    def explains(self, *words, stdin=None):
        """What `vigie explain` says, in words."""
        done = self.vigie.run_raw("explain", *words, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def assertSays(self, text, *sentences):
        for sentence in sentences:
            self.assertIn(sentence, text)

    def part(self, text, name):
        """One of the three parts of an answer about a ticket."""
        return text.split(f"\n{name}")[1].split("\n\nNOW")[0].split("\nTHE DIFFERENCE")[0]

    def test_who_got_it_then_and_by_which_integration(self):
        # Given a person whom one CPAS aids and of whom another seeks alimony,
        niss = person(1)
        self.integrate(A, niss, 2)
        self.integrate(B, niss, 30)
        # when the register publishes an address and a death,
        ticket = self.publishes(niss)
        # then the ticket tells who got what of it, and why, and that it would be so again.
        text = self.explains("--ticket", str(ticket))
        then = self.part(text, "THEN")
        self.assertSays(then, f"{A} (Test {A}): got it, as letter 1 of mailbox default",
                        "because of 002, living wage (RIS)", "2 of 2 fields given",
                        f"{B} (Test {B}): got it", "because of 030, alimony debtor",
                        "1 of 2 fields given: 020 (address of the main residence)")
        self.assertNotIn("150", then.split(f"{B} (")[1])
        self.assertSays(text, "[AR 9/12/1987, AR 14/4/1988, AR 2/12/2002]",
                        "no   fields         150 (death: place and date) withheld",
                        "THE DIFFERENCE between then and now:\n  none\n")
        # No whole number of a person is in it, nor in the log.
        self.assertNotIn(f"{niss:011d}", text)
        self.assertNoPersonInLog(niss)

    def test_the_directory_has_changed_since(self):
        # Given a mutation that reached one CPAS,
        niss = person(2)
        self.integrate(A, niss, 2)
        ticket = self.publishes(niss)
        # when that one stops following the person and another begins,
        self.stops_following(A, niss, 2)
        self.integrate(B, niss, 30)
        # then the journal's word and today's rules are told apart.
        text = self.explains("--ticket", str(ticket))
        self.assertSays(self.part(text, "THEN"), f"{A} (Test {A}): got it")
        self.assertNotIn(B, self.part(text, "THEN"))
        self.assertSays(
            text.split("THE DIFFERENCE")[1],
            f"{A}, mailbox default: got it then, because of 002",
            "would not get it now", f"{B}, mailbox default: did not get it then; would get "
            "it now, because of 030")

    def test_one_institution_asks_why_it_did_not(self):
        # Given a CPAS whose colleague only supervises the person's file,
        niss = person(3)
        self.integrate(A, niss, 2)
        self.integrate(B, niss, 11)
        ticket = self.publishes(niss)
        # when it asks about its own part,
        text = self.explains("--ticket", str(ticket), "--institution", B)
        # then it hears the rule that said no, and nothing about the other one.
        self.assertSays(text, f"{B} (Test {B}): did not get it; 1 letter went to others",
                        "no   quality        011 is not among 001-009")
        self.assertNotIn(A, text)
        # One that does not follow him at all hears that.
        self.assertSays(self.explains("--ticket", str(ticket), "--institution", C),
                        "it has no integration on this person")

    def test_nobody_got_it(self):
        # Given a debtor, when the register publishes nothing but a death,
        niss = person(4)
        self.integrate(B, niss, 30)
        ticket = self.publishes(niss, (("150", "Anvers 19991231"),))
        # then the journal says that nothing was left, and that the content was not kept.
        self.assertSays(self.explains("--ticket", str(ticket)),
                        "Nobody got it, so its content was not kept: it had 1 field.",
                        "somebody was concerned, but none of its fields is for him",
                        f"{B} (Test {B}): may get it")
        # And of a person whom nobody follows, that nobody was concerned.
        ticket = self.publishes(person(5))
        self.assertSays(self.explains("--ticket", str(ticket)),
                        "nobody got it: no institution was concerned")

    def test_it_was_refused(self):
        # Given a number with a wrong check, when the source asks what became of it,
        self.assertIsNone(self.publishes(66641066693))
        # then the refusal is still known by the source's own number.
        text = self.explains("--source", "RN", "--number", "1")
        self.assertSays(text, "number 1 of RN, producer 1, was refused: BAD_NISS",
                        "It has no ticket, nobody got it")
        self.assertNotIn("66641066693", text)
        done = self.vigie.run_raw("explain", "--source", "RN", "--number", "2")
        self.assertEqual(done.returncode, 1)
        self.assertIn("never came", done.stderr)

    def test_an_invented_one_for_one_institution_on_another_day(self):
        # Given a CPAS that follows from next month on,
        niss = person(6)
        begin = TODAY.replace(day=1, month=TODAY.month % 12 + 1,
                              year=TODAY.year + TODAY.month // 12)
        self.integrate(A, niss, 2, begin)
        line = json.dumps({"flow": "notifyPerson", "niss": f"{niss:011d}",
                           "fields": [{"code": "020", "value": "x"}]})
        # when a mutation is invented for today and for that day,
        today = self.explains("--institution", A, stdin=line)
        later = self.explains("--institution", A, "--day", str(begin), stdin=line)
        # then it gets the one and not the other.
        self.assertSays(today, f"{A} (Test {A}): does not get it", "no   when ")
        self.assertSays(later, f"{A} (Test {A}): gets it")

    def test_over_http_and_after_a_kill(self):
        # Given a mutation and a broker that is killed right after its answer,
        niss = person(7)
        self.integrate(A, niss, 2)
        ticket = self.publishes(niss)
        self.broker.kill()
        self.broker.start()
        # when it is asked over HTTP, then it answers the same.
        answer = self.admin("GET", f"/v1/explain?ticket={ticket}&institution={A}")
        self.assertEqual(answer["status"], "OK")
        self.assertSays(answer["text"], f"{A} (Test {A}): got it, as letter 1")
        # A ticket of something else says what it was; one that was not given is refused.
        self.assertSays(self.admin("GET", f"/v1/explain?ticket={ticket - 1}")["text"],
                        f"ticket {ticket - 1} is no mutation: {A} asked for an integration")
        status, refusal = self.broker.http("GET", f"/v1/explain?ticket={ticket + 1}")
        self.assertEqual((status, refusal["error"]["name"]), (404, "NOT_FOUND"))


if __name__ == "__main__":
    unittest.main()
