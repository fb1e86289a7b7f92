# SPDX-License-Identifier: EUPL-1.2
"""What changed while nobody was looking: an integration is extended too late, or opened.

Goal: what changed for the person meanwhile is delivered, if the law allows it on that day:
whoever extends gets it without asking, whoever opens asks; once, cut down to what he may see,
and whoever got it is told when it is taken back. The journal says why it came so late. Method: a
real broker that is killed between any two steps; the store is verified at the end.
"""

import subprocess
import unittest
from datetime import timedelta

from vigie_test import BIN, TODAY, Story, Vigie, birth_date, number_of
from wire import mutation, person, proto

ANN = person(1)
HERS, NEXT, OTHER = "CPAS-21004", "CPAS-62063", "CPAS-44021"
BOTH = (("020", "Rue Haute 1"), ("150", "Anvers 19991231"))
DAY = timedelta(days=1)


class CatchUp(Story):
    institutions = {"RN": "source", HERS: "member", NEXT: "member", OTHER: "member"}

    # ---- given, when ----

    def killed(self):
        self.broker.kill()
        self.broker.start()

    def published(self, index, **more):
        with self.source("RN") as source:
            said = source.publish_and_hear(source.last_number() + 1,
                                           [mutation(index, ANN, fields=BOTH, **more)])
        self.killed()
        return said.ticket_first

    def integrates(self, code, quality, begin, end, catch_up=False):
        item = proto.IntegrateItem(
            niss=ANN, quality=quality, begin=number_of(begin), end=number_of(end),
            catch_up=catch_up, proof=proto.Proof(birth_date=birth_date(ANN)))
        with self.member(code) as member:
            reply = member.ask(integrate=proto.Integrate(items=[item]))
        self.assertNotEqual(reply.verdict, proto.Reply.NO, reply)
        self.killed()
        return reply

    def given(self):
        """OTHER follows her all the time; what HERS had ended two days ago."""
        self.integrates(OTHER, 4, TODAY - 20 * DAY, TODAY + 20 * DAY)
        self.integrates(HERS, 2, TODAY - 20 * DAY, TODAY - 2 * DAY)

    # ---- then ----

    def gets(self, code, count):
        with self.member(code) as member:
            self.assertEqual(member.subscribe().last, count)
            return member.deliveries(count) if count else []

    def asked(self, *words):
        return subprocess.run([str(BIN / "vigie"), *words, "--home", str(self.broker.folder)],
                              text=True, capture_output=True, timeout=30, check=True).stdout

    # ---- stories ----

    def test_whoever_extends_too_late_gets_what_came_meanwhile(self):
        self.given()
        ticket = self.published(1)
        self.assertEqual(self.gets(HERS, 0), [])

        reply = self.integrates(HERS, 2, TODAY - DAY, TODAY + 20 * DAY)

        self.assertEqual((reply.results[0].caught_up, reply.results[0].consult), (1, 0))
        late, = self.gets(HERS, 1)
        self.assertEqual((late.content.ticket, late.content.caught_up, late.content.lost),
                         (ticket, reply.ticket, 0))
        self.assertEqual(tuple((f.code, f.value) for f in late.content.fields), BOTH)
        self.assertEqual((late.justification.quality, late.justification.begin),
                         (2, number_of(TODAY - 20 * DAY)))
        # Extended once more, nothing comes again; what comes now comes once.
        self.assertEqual(self.integrates(HERS, 2, TODAY, TODAY + 22 * DAY)
                         .results[0].caught_up, 0)
        now = self.published(2)
        self.assertEqual([n.content.ticket for n in self.gets(HERS, 2)], [ticket, now])
        # When it is taken back, whoever got it late is told as well.
        void = self.published(3, cancels=str(ticket))
        self.assertEqual(self.gets(HERS, 3)[2].content.cancels, str(ticket))
        self.assertEqual(self.gets(HERS, 3)[2].content.ticket, void)
        # Why so late? By the mutation, by the letter, and to the person.
        then = self.asked("explain", "--ticket", str(ticket))
        for words in (f"{HERS} (Test {HERS}): got it later, in mailbox default",
                      f"because ticket {reply.ticket} extended or opened its integration",
                      "because of 002"):
            self.assertIn(words, then)
        self.assertIn(f"the letter that brought ticket {ticket} to {HERS} after its time",
                      self.asked("explain", "--ticket", str(reply.ticket + 1)))
        about, = [e for e in Vigie("--home", str(self.broker.folder)).run(
            "journal", "person", f"{ANN:011}")["exchanges"] if "caught_up" in e]
        self.assertEqual((about["institution"], about["caught_up"]),
                         (HERS, {"ticket": ticket, "request": reply.ticket}))
        self.assertIn(f"late: it is ticket {ticket}, and ticket {reply.ticket} extended",
                      self.asked("journal", "person", f"{ANN:011}"))
        page = self.asked("journal", "person", f"{ANN:011}", "--page")
        self.assertIn("late, because its integration was extended or opened", page)
        self.broker.stop()
        self.check_store()

    def test_whoever_opens_asks_and_sees_what_the_law_lets_him_see(self):
        self.given()
        ticket = self.published(1)
        # Not asked: nothing. From tomorrow on: the law does not let it see what was before.
        self.assertEqual(self.integrates(NEXT, 9, TODAY + DAY, TODAY + 20 * DAY, True)
                         .results[0].caught_up, 0)
        self.assertEqual(self.gets(NEXT, 0), [])
        key = self.key_file(NEXT, "member")
        done = Vigie("--home", str(self.broker.folder)).run(
            "integrate", f"{ANN:011}", "030", str(TODAY), "--key", key, "--catch-up",
            "--birth-date", f"{birth_date(ANN):08}"[:4] + "-00-00")
        self.assertEqual(done["items"][0]["caught_up"], 1)
        late, = self.gets(NEXT, 1)
        self.assertEqual([f.code for f in late.content.fields], ["020"])  # a debtor's
        self.assertEqual((late.content.withheld, late.content.lost), (1, 0))
        self.assertEqual(late.content.ticket, ticket)
        shown = subprocess.run([str(BIN / "vigie"), "subscribe", "--key", key, "--count", "1"],
                               text=True, capture_output=True, timeout=30, check=True).stdout
        self.assertIn("comes late, because the integration was extended or opened", shown)

    def test_killed_in_the_middle_it_is_all_there_or_nothing(self):
        self.given()
        tickets = [self.published(i) for i in range(3)]
        item = proto.IntegrateItem(niss=ANN, quality=2, begin=number_of(TODAY - DAY),
                                   proof=proto.Proof(birth_date=birth_date(ANN)))
        with self.member(HERS) as member:
            member.say(request=proto.Request(id=1, integrate=proto.Integrate(items=[item])))
            self.killed()
        # Whether it was done or not, it is so as a whole; asked again, it is there once.
        self.assertIn(self.opened(HERS).last, (0, 3))
        with self.member(HERS) as member:
            member.ask(integrate=proto.Integrate(items=[item]))
        self.killed()
        self.assertEqual([n.content.ticket for n in self.gets(HERS, 3)], tickets)
        self.broker.stop()
        self.check_store()


if __name__ == "__main__":
    unittest.main()
