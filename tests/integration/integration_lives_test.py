# SPDX-License-Identifier: EUPL-1.2
"""An integration lives: who else follows the person, many of them at once, and its end.

Goal: what a CPAS is told when it integrates and before it lapses, and that a file of
integrations is done once, whatever is killed in between. Method: stories with a real broker:
given, when, then; days pass for its calendar alone (shifted_clock.c).
"""

import json
import os
import signal
import subprocess
import unittest
from datetime import date, timedelta

from vigie_test import BIN, Story, TODAY, Vigie, birth_date, number_of
from wire import person, proto

A, B, SPPIS = "CPAS-21004", "CPAS-62063", "SPPIS"
SOMEBODY = person(1)
LINES = 20000
WRONG = 7  # every so many lines
THOUSANDS, KILLS = 4000, 5
CLOCK = BIN / "libshifted_clock.so"


class Overlaps(Story):
    institutions = {A: "member", B: "member", "MUTUALITY": "member"}

    def ask(self, code, *qualities):
        items = [proto.IntegrateItem(niss=SOMEBODY, quality=quality, begin=number_of(TODAY),
                                     proof=proto.Proof(birth_date=birth_date(SOMEBODY)))
                 for quality in qualities]
        with self.member(code) as member:
            return member.ask(integrate=proto.Integrate(items=items))

    def test_another_cpas_follows_him_in_these_days(self):
        # Given a person whom B guides, and whom his mutuality knows,
        end = self.integrate(B, SOMEBODY, 9)
        self.integrate("MUTUALITY", SOMEBODY, 1)
        # when A begins an enquiry,
        reply = self.ask(A, 1)
        # then that is done, with a warning that names B, its reason and until when.
        self.assertEqual(reply.verdict, proto.Reply.WARNING)
        self.assertEqual(reply.results[0].verdict, proto.Reply.WARNING)
        self.assertFault(reply.results[0].faults[0], "OVERLAPS", "nothing", B, "009")
        self.assertEqual(reply.results[0].overlaps, 1)
        self.assertEqual([(i.institution, i.quality, i.end, i.item)
                          for i in reply.integrations], [(B, 9, end, 0)])

    def test_only_one_pays(self):
        # Given a person to whom B pays a living wage,
        self.integrate(B, SOMEBODY, 2)
        # when A wants to pay one too, and to begin an enquiry,
        reply = self.ask(A, 2, 1)
        # then the first is refused and says who pays, the second is done with a warning,
        # and the overlap is the second's.
        self.assertEqual([r.verdict for r in reply.results],
                         [proto.Reply.NO, proto.Reply.WARNING])
        self.assertFault(reply.results[0].faults[0], "EXCLUSIVE", "sender", B, "002")
        self.assertEqual([(i.institution, i.item) for i in reply.integrations], [(B, 1)])

    def test_nobody_else(self):
        # Given a person whom A alone follows, when A integrates him again, in another
        # quality, then nothing wants a look.
        self.integrate(A, SOMEBODY, 1)
        reply = self.ask(A, 2)
        self.assertEqual(reply.verdict, proto.Reply.YES)
        self.assertEqual(len(reply.results[0].faults), 0)


class Lapses(Story):
    institutions = {A: "member", B: "member", "RN": "source"}

    def on_day(self, days):
        """The broker is killed, and comes back so many days later; gives when it has told
        everybody who is to be told."""
        self.broker.kill()
        self.broker.start(LD_PRELOAD=str(CLOCK), SHIFT_DAYS=str(days))
        self.broker.wait_for(f"event=lapses_told day={TODAY + timedelta(days=days)}")

    def letters(self, code):
        with self.member(code) as member:
            opened = member.subscribe()
            got = member.deliveries(opened.waiting) if opened.waiting else []
            if got:
                member.acknowledge(got[0].mailbox, got[-1].number)
                self.wait_until(lambda: self.opened(code).waiting == 0)
            return got

    def test_an_enquiry_ends(self):
        # Given two CPAS that enquire about a person for two more weeks and a day, of which
        # B has decided already and will pay from then on,
        end = TODAY + timedelta(days=15)
        self.integrate(A, SOMEBODY, 1, TODAY, end)
        self.integrate(B, SOMEBODY, 1, TODAY, end)
        self.integrate(B, SOMEBODY, 2, end + timedelta(days=1), end + timedelta(days=200))
        self.broker.wait_for("event=ready")
        self.assertEqual(self.letters(A), [])
        # when there are two weeks left,
        self.on_day(1)
        # then A is told, by the integration itself, and B is left in peace.
        told, = self.letters(A)
        self.assertEqual((told.content.flow, told.content.source, told.content.niss),
                         ("IntegrationEnds", "VIGIE", SOMEBODY))
        self.assertEqual((told.justification.quality, told.justification.end),
                         (1, number_of(end)))
        self.assertEqual({f.code: f.value for f in told.content.fields},
                         {"integration_quality": "001", "integration_begin": str(TODAY),
                          "integration_end": str(end)})
        self.assertEqual(self.letters(B), [])
        self.assertNoPersonInLog(SOMEBODY)
        # and whoever asks afterwards hears that the broker itself told A.
        vigie = Vigie("--home", str(self.broker.folder))
        exchange, = vigie.run("journal", "person", f"{SOMEBODY:011}")["exchanges"]
        self.assertEqual((exchange["source"], exchange["institution"], exchange["flow"]),
                         ("VIGIE", A, "IntegrationEnds"))
        why = vigie.run_raw("explain", "--ticket", str(exchange["ticket"])).stdout
        self.assertIn("made by VIGIE, this broker itself", why)
        status, refused = self.broker.http("POST", "/v1/institutions", {
            "code": "VIGIE-1", "name": "not the broker", "sector": "VIGIE", "number": 1})
        self.assertEqual((status, refused["error"]["name"]), (403, "NOT_ALLOWED"))
        # When the last day has passed, then A is told that nothing more will come.
        self.on_day(16)
        told, = self.letters(A)
        self.assertEqual(told.content.flow, "IntegrationEnded")
        self.assertEqual(self.letters(B), [])
        # When that was a year ago, then nobody hears of it again; but B's own has ended.
        self.on_day(380)
        self.assertEqual(self.letters(A), [])
        self.assertEqual([n.content.flow for n in self.letters(B)], ["IntegrationEnded"])
        self.broker.stop()
        self.check_store()

    def test_killed_while_it_tells_thousands(self):
        # Given thousands whose month ends on one day,
        people = [person(i) for i in range(THOUSANDS)]
        with self.member(A) as member:
            for first in range(0, THOUSANDS, 1000):
                reply = member.ask(integrate=proto.Integrate(items=[
                    proto.IntegrateItem(
                        niss=niss, quality=31, begin=number_of(TODAY),
                        end=number_of(TODAY + timedelta(days=20)),
                        proof=proto.Proof(birth_date=birth_date(niss)))
                    for niss in people[first:first + 1000]]))
                self.assertEqual(reply.verdict, proto.Reply.YES)
        # when the broker is killed again and again on the day they are told of,
        self.broker.kill()
        for kill in range(KILLS):
            self.broker.start(LD_PRELOAD=str(CLOCK), SHIFT_DAYS="13")
            if kill > 0:
                self.wait_until(lambda: self.opened(A).last > kill * 100)
            self.broker.kill()
        self.broker.start(LD_PRELOAD=str(CLOCK), SHIFT_DAYS="13")
        self.wait_until(lambda: self.opened(A).last >= THOUSANDS)
        self.on_day(14)
        # then each is told of once.
        told = self.letters(A)
        self.assertEqual(sorted(n.content.niss for n in told), people)
        self.assertEqual({n.content.flow for n in told}, {"IntegrationEnds"})
        self.broker.stop()
        self.check_store()


class FromAFile(Story):
    institutions = {A: "member"}
    keeps_ports = True

    def setUp(self):
        super().setUp()
        self.file, self.results = self.folder / "integrations.jsonl", self.folder / "results"
        self.file.write_text("".join(self.line(i) + "\n" for i in range(LINES)))
        self.words = ("integrate", "--home", str(self.broker.folder),
                      "--key", self.key_file(A, "member"),
                      "--file", str(self.file), "--results", str(self.results))

    def line(self, index):
        niss = person(index)
        born = date.fromisoformat(
            "{:%Y-%m-%d}".format(date(birth_date(niss) // 10000,
                                      birth_date(niss) // 100 % 100,
                                      birth_date(niss) % 100)))
        return json.dumps({
            "niss": f"{niss:011d}", "quality": "099" if index % WRONG == 0 else "001",
            "begin": str(TODAY - timedelta(days=10)), "proof": {"birth_date": str(born)}})

    def run_it(self):
        return subprocess.run([str(BIN / "vigie"), *self.words], text=True, check=False,
                              capture_output=True, timeout=60)

    def read_results(self):
        return [json.loads(line) for line in self.results.read_text().splitlines()[1:]]

    def integrations(self):
        return self.broker.http("GET", "/v1/status")[1]["integrations"]

    def expect_everything_once(self, done):
        wrong = len(range(0, LINES, WRONG))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"{LINES} integrations, {wrong} refused", done.stdout)
        results = self.read_results()
        self.assertEqual([r["line"] for r in results], list(range(1, LINES + 1)))
        for index in (0, 1):
            self.assertEqual(
                (results[index]["result"], results[index]["status"],
                 results[index]["number"]),
                (("NO", "UNKNOWN_QUALITY", 16), ("YES", "OK", 0))[index])
            self.assertGreater(len(results[index]["sentence"]), 3)
        self.assertEqual(sum(r["result"] == "NO" for r in results), wrong)
        self.assertEqual(self.integrations(), LINES - wrong)

    def test_both_are_killed_in_the_middle(self):
        # Given a file of integrations that is being done,
        process = subprocess.Popen([str(BIN / "vigie"), *self.words],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_until(lambda: self.results.exists() and
                        self.results.stat().st_size > 2000)
        # when the command is killed, and the broker too,
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.broker.kill()
        before = self.results.read_text().count("\n")
        self.assertLess(before, LINES)
        self.broker.start()
        # then the same command goes on, and everything is there once.
        self.expect_everything_once(self.run_it())
        self.broker.stop()
        self.check_store()

    def test_a_result_that_was_half_written(self):
        # Given a file that was done, whose results end in the middle of one,
        self.expect_everything_once(self.run_it())
        whole = self.results.read_bytes()
        os.truncate(self.results, len(whole) // 2)
        # when it is started again, then it goes on there, and says the same.
        self.expect_everything_once(self.run_it())
        self.assertEqual(self.results.read_bytes(), whole)
        # When there is nothing left to do, nothing is done.
        self.expect_everything_once(self.run_it())
        # When the file is another one by now, nothing is done either.
        self.file.write_text(self.line(LINES) + "\n")
        done = self.run_it()
        self.assertEqual(done.returncode, 2)
        self.assertIn("of another file", done.stderr)
        self.assertEqual(self.results.read_bytes(), whole)


if __name__ == "__main__":
    unittest.main()
