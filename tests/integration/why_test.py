# SPDX-License-Identifier: EUPL-1.2
"""Why did this CPAS (not) get this message?

Goal: what an administrator types after a telephone call has an answer, of today and of the
past, and names no person. Method: stories against a real broker, each told as given, when,
then; the questions go through `vigie` as he would type them, and over HTTP.
"""

import json
import os
import shutil
import subprocess
import unittest
import urllib.request
from datetime import timedelta

from vigie_test import BIN, Story, TODAY, Vigie, number_of
from wire import SOURCE, mutation, person, proto

A, B, C = "CPAS-21004", "CPAS-62063", "CPAS-44021"
ADDRESS_AND_DEATH = (("020", "Rue Haute 1"), ("150", "Anvers 19991231"))


class Asked(Story):
    institutions = {"RN": "source", A: "member", B: "member", C: "member"}

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


class Why(Asked):
    """One mutation: who got it, or would get it, and by which rule?"""

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


class DryRun(Asked):
    """What would have been different? Asked beside the broker, and of it over HTTP."""

    def catalogue(self, old, new):
        """The shipped catalogue with one thing changed in the flow notifyPerson."""
        text = (SOURCE / "deploy" / "catalogue.yaml").read_text()
        before, flow = text.split("    name: notifyPerson\n")
        self.assertIn(old, flow)
        path = self.folder / "NEW.yaml"
        path.write_text(before + "    name: notifyPerson\n" + flow.replace(old, new, 1))
        return path

    def given_three(self):
        """Two CPAS follow three persons, one of them as a creditor; gives the tickets."""
        for index in range(3):
            self.integrate(A, person(index), 2)
            self.integrate(B, person(index), 30)
        return [self.publishes(person(index)) for index in range(3)]

    def dry_runs(self, *words):
        done = self.vigie.run_raw("dry-run", *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def over_http(self, path, body):
        """Begins one and waits for its end; gives what it found."""
        if isinstance(body, str):  # YAML goes as it is
            request = urllib.request.Request(
                f"http://127.0.0.1:{self.broker.ports['http']}{path}", method="POST",
                data=body.encode(), headers={"Authorization": f"Bearer {self.broker.token}"})
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.assertEqual(answer.status, 200)
        else:
            self.admin("POST", path, body)
        self.wait_until(lambda: not self.admin("GET", "/v1/dry-run")["running"])
        return self.admin("GET", "/v1/dry-run")

    def test_a_catalogue_that_leaves_debtors_out(self):
        # Given three mutations that reached an applicant's CPAS and a creditor's,
        tickets = self.given_three()
        # when a catalogue without quality 030 is asked what it would have changed,
        new = self.catalogue('"030", "031"', '"031"')
        text = self.dry_runs("--catalogue", str(new))
        # then the creditor would have got three less, and nobody anything else.
        self.assertSays(text, "What NEW.yaml would have changed since", "3 mutations in")
        rows = [line.split() for line in text.splitlines() if " tickets " in line]
        self.assertEqual(rows, [["notifyPerson", B, "3", "less", "tickets",
                                 *", ".join(map(str, tickets)).split()]])
        # The broker went on meanwhile, and over HTTP it says the same.
        found = self.over_http("/v1/dry-run?since=1h", new.read_text())
        self.assertEqual(found["report"]["changes"], [
            {"flow": "notifyPerson", "institution": B, "unsure": 0,
             "less": {"count": 3, "tickets": tickets}}])
        self.publishes(person(0))

    def test_a_removal_that_is_planned(self):
        # Given the same, when the applicant's integration on one person is to be removed,
        tickets = self.given_three()
        niss = f"{person(1):011d}"
        text = self.dry_runs("--remove", "--institution", A, niss, "002", "2020-01-01")
        # then it would have lost that one letter, and the person is not named.
        rows = [line.split() for line in text.splitlines() if " tickets " in line]
        self.assertEqual(rows, [["notifyPerson", A, "1", "less", "tickets",
                                 str(tickets[1])]])
        self.assertNotIn(niss, text)
        found = self.over_http("/v1/dry-run/removal", {
            "institution": A, "niss": niss, "quality": "2", "begin": "2020-01-01"})
        self.assertEqual(found["report"]["mutations"], 1)
        self.assertEqual(found["report"]["changes"][0]["less"]["tickets"], [tickets[1]])
        self.assertNotIn(niss, json.dumps(found))
        self.assertNoPersonInLog(person(1))
        # One that begins only tomorrow changes nothing of today, and says so.
        later = self.dry_runs("--remove", "--institution", A, niss, "002",
                              str(TODAY + timedelta(days=1)))
        self.assertSays(later, "The removal begins after all of these days",
                        "Nobody would have got more, less or anything else.")

    def test_no_list_of_processes_shows_whose_removal_is_planned(self):
        # Given a vigied that writes down how it was called, and the process that called it,
        said = self.folder / "said"
        vigie = self.folder / "vigie"
        shutil.copy(BIN / "vigie", vigie)
        (self.folder / "vigied").write_text(
            f"#!/bin/sh\necho \"$@\" >{said}.words\ncat >{said}.line\n"
            f"cat /proc/$PPID/cmdline >{said}.caller\n")
        os.chmod(self.folder / "vigied", 0o700)
        # when a removal is asked of it,
        niss = f"{person(1):011d}"
        subprocess.run([vigie, "dry-run", "--home", self.broker.folder, "--remove",
                        "--institution", A, niss, "002", "2020-01-01"], check=True)
        # then the person is in what it is told alone.
        read = {name: (self.folder / f"said.{name}").read_text()
                for name in ("words", "line", "caller")}
        self.assertEqual(read["line"].split(), [A, niss, "002", "2020-01-01"])
        self.assertIn("--without -", read["words"])
        self.assertIn("dry-run", read["caller"])
        self.assertNotIn(niss, read["words"] + read["caller"])

    def test_what_the_directory_has_changed_is_told_apart(self):
        # Given a mutation whose recipient has stopped following the person since,
        self.integrate(A, person(4), 2)
        ticket = self.publishes(person(4))
        self.stops_following(A, person(4), 2)
        # when another catalogue is tried, then that letter is not its doing.
        text = self.dry_runs("--catalogue", str(self.catalogue('"030", "031"', '"031"')))
        self.assertSays(text, "1 reached others then than they would by the catalogue in "
                        "force", f"(tickets {ticket})",
                        "Nobody would have got more, less or anything else.")

    def test_a_catalogue_with_mistakes(self):
        # Given a file that is no catalogue, when it is tried, then each mistake is named.
        path = self.folder / "NEW.yaml"
        path.write_text("flows: []\n")
        done = self.vigie.run_raw("dry-run", "--catalogue", str(path))
        self.assertEqual(done.returncode, 1)
        self.assertIn("'sectors' is missing", done.stderr)
        self.assertIn("'fields' is missing", done.stderr)
        status, refusal = self.broker.http("POST", "/v1/dry-run/removal", {"niss": "1"})
        self.assertEqual(status, 400)
        self.assertGreater(len(refusal["error"]["faults"]), 1)
        self.assertEqual(self.broker.http("GET", "/v1/dry-run")[0], 404)


if __name__ == "__main__":
    unittest.main()
