# SPDX-License-Identifier: EUPL-1.2
"""What the CPAS say, and what is asked of them.

Goal: an alert that must be answered is listed, with its age, until the reaction is kept; the
source gets that with the ticket of its alert; a social report that was asked for names the
question; a list of half a year can be drawn; who did not get the question cannot answer it.
Method: a real broker that is killed between every two steps, wires of our own for sources and
members, the command line for the lists; the whole store is verified at the end. Which flow
reaches whom under which condition: flows_test.py.
"""

import subprocess
import unittest
from datetime import timedelta

from vigie_test import BIN, TODAY, Story, Vigie
from wire import mutation, person

ANN, BEA = person(1), person(2)
A, B = "CPAS-21004", "CPAS-44021"


class FromTheCpas(Story):
    institutions = {"SPPIS": "both", A: "both", B: "both"}

    def setUp(self):
        super().setUp()
        self.vigie = Vigie("--home", str(self.broker.folder))

    def published(self, by, flow, niss, field, **more):
        """Gives the ticket, or the fault; the broker dies after the answer."""
        with self.source(by) as source:
            number = source.last_number() + 1
            said = source.publish_and_hear(
                number, [mutation(number, niss, flow=flow, fields=((field, "1"),), **more)])
        self.broker.kill()
        self.broker.start()
        return said.results[0].fault if said.results else said.ticket_first

    def alert(self, to, niss):
        return self.published("SPPIS", "PCSAAlert", niss, "alert_code", recipient=to)

    def got(self, code, count):
        with self.member(code) as member:
            self.assertEqual(member.subscribe().last, count)
            return member.deliveries(count)

    def owed(self, *words):
        return [(row["institution"], row["ticket"], row["days"], row["answer"])
                for row in self.vigie.run("feedback", "list", *words)["feedback"]]

    def test_an_alert_waits_for_its_reaction_and_the_source_is_told(self):
        first, second = self.alert(A, ANN), self.alert(A, BEA)
        third = self.alert(B, BEA)
        self.assertEqual(self.got(A, 2)[0].content.ticket, first)
        self.assertEqual(self.owed(), [(A, first, 0, None), (A, second, 0, None),
                                       (B, third, 0, None)])
        self.assertEqual(self.owed("--institution", B), [(B, third, 0, None)])

        refused = self.published(B, "PCSAAlertReaction", ANN, "feedback_code",
                                 answers=str(first))
        self.assertFault(refused, "BAD_REFERENCE", "sender", "no notification that", B)
        answer = self.published(A, "PCSAAlertReaction", ANN, "feedback_code",
                                answers=str(first))

        told = self.got("SPPIS", 1)[0].content
        self.assertEqual((told.ticket, told.answers), (answer, str(first)))
        self.assertEqual((told.source, told.fields[0].code), (A, "feedback_code"))
        self.assertEqual(self.owed(), [(A, second, 0, None), (B, third, 0, None)])
        self.assertEqual(self.owed("--all")[0], (A, first, 0, answer))
        self.half_yearly(first, answer)
        self.given_by_hand(second)
        self.broker.stop()
        self.check_store()

    def half_yearly(self, first, answer):
        """The list of the last half year, for a spreadsheet; of the one before it, nothing."""
        begin = TODAY - timedelta(days=182)
        done = subprocess.run(
            [str(BIN / "vigie"), "--home", str(self.broker.folder), "feedback", "list",
             "--csv", "--all", "--since", str(begin), "--until", str(TODAY)],
            capture_output=True, text=True, timeout=60, check=True)
        head, row, *others = done.stdout.splitlines()
        self.assertEqual(head.split(",")[:5],
                         ["institution", "days", "ticket", "flow", "source"])
        self.assertEqual(row.split(",")[:5], [A, "0", str(first), "PCSAAlert", "SPPIS"])
        self.assertEqual(row.split(",")[-1], str(answer))
        self.assertEqual(len(others), 2)
        halves = [self.vigie.run("feedback", "list", "--all", "--half-year",
                                 f"{TODAY.year}-{half}")["feedback"] for half in (1, 2)]
        self.assertEqual([len(half) for half in halves],
                         [3, 0] if TODAY.month <= 6 else [0, 3])
        self.assertEqual(self.owed("--until", str(begin)), [])
        refused = self.vigie.run("feedback", "list", "--since", "yesterday", "--until", "2026-13",
                                 "--institution", "NOBODY", status=1)["error"]
        self.assertEqual([fault["sentence"] for fault in refused["faults"]],
                         ['since: "yesterday" is no day as 2026-11-20',
                          'until: "2026-13" is no day as 2026-11-20',
                          "there is no institution NOBODY"])

    def given_by_hand(self, alert):
        """With one command, as a social worker would; to an alert of somebody else it is
        refused."""
        give = ("feedback", "give", str(alert), f"{BEA:011}", "feedback_code=2",
                "feedback_text=she works since May")
        refused = self.vigie.run(*give, "--key", self.key_file(B, "source"), status=1)
        self.assertEqual(refused["status"], "BAD_REFERENCE")
        given = self.vigie.run(*give, "--key", self.key_file(A, "source"))
        told = self.got("SPPIS", 2)[1].content
        self.assertEqual((told.answers, told.ticket), (str(alert), given["ticket"]))
        self.assertEqual([(f.code, f.value) for f in told.fields],
                         [("feedback_code", "2"), ("feedback_text", "she works since May")])
        self.assertEqual([row[1] for row in self.owed("--institution", A)], [])

    def test_a_social_report_that_was_asked_for_names_the_question(self):
        self.integrate(A, ANN, quality=2)
        self.integrate(B, ANN, quality=4)
        asked = self.published(B, "ElectronicSocialReportAsk", ANN, "report_question",
                               recipient=A)
        question = self.got(A, 1)[0].content
        self.assertEqual((question.ticket, question.source), (asked, B))
        self.published(A, "ElectronicSocialReportSend", ANN, "report_file", recipient=B,
                       answers=str(question.ticket))
        report = self.got(B, 1)[0].content
        self.assertEqual((report.answers, report.source), (str(asked), A))
        self.assertEqual(self.owed(), [])  # the law requires no answer
        self.broker.stop()
        self.check_store()


if __name__ == "__main__":
    unittest.main()
