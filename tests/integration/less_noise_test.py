# SPDX-License-Identifier: EUPL-1.2
"""A CPAS says what it wants less of, and gets that and nothing else.

Goal: what its rules keep from a mailbox is never lost from sight: it is counted, and both
questions, by ticket and by person, say why it was not sent. Method: stories against a real
broker, each told as given, when, then; rules are set as an administrator types them; days
pass for the broker's calendar alone (shifted_clock.c).
"""

import unittest
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from vigie_test import BIN, Story, TODAY, Vigie, number_of
from wire import mutation, person, proto

CLOCK = BIN / "libshifted_clock.so"
A, B = "CPAS-21004", "CPAS-62063"
SOMEBODY = person(1)


class Noise(Story):
    institutions = {"RN": "source", "ONSS": "source", A: "member", B: "member"}

    def setUp(self):
        super().setUp()
        self.vigie = Vigie("--home", str(self.folder))
        self.numbers = {}

    # ---- given, when ----

    def rules(self, code, *words, status=0):
        mailbox = str(self.admin("GET", f"/v1/institutions/{code}")["mailboxes"][0]["mailbox"])
        return self.vigie.run("mailbox", "rules", mailbox, *words, status=status)

    def publishes(self, source, flow, niss=SOMEBODY, fields=(("020", "Rue Haute 1"),), **more):
        """One mutation; gives its ticket."""
        self.numbers[source] = self.numbers.get(source, 0) + 1
        with self.source(source) as door:
            answer = door.publish_and_hear(self.numbers[source], [mutation(
                self.numbers[source], niss, flow, fields, number_of(TODAY), **more)])
        self.assertFalse(answer.results, answer)
        return answer.ticket_first

    # ---- then ----

    def queue(self, code):
        return self.admin("GET", f"/v1/queues?institution={code}")["mailboxes"][0]

    def letters(self, code, count):
        """The next letters of a mailbox, which are acknowledged."""
        with self.member(code) as member:
            member.subscribe()
            got = member.deliveries(count)
            member.acknowledge(got[0].mailbox, got[-1].number)
            self.wait_until(lambda: self.queue(code)["waiting"] == 0)
            return got

    def explains(self, ticket, *words):
        done = self.vigie.run_raw("explain", "--ticket", str(ticket), *words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def knew(self):
        """By ticket and institution, what became of each notification about him."""
        answer = self.vigie.run("journal", "person", f"{SOMEBODY:011d}")
        return {(row["ticket"], row["institution"]): row["state"]
                for row in answer["exchanges"]}


class Unwanted(Noise):
    def test_a_flow_for_a_quality(self):
        # Given a person whom A guides (009) and B aids (002); A does not want to hear of
        # employers while it only guides,
        self.integrate(A, SOMEBODY, 9)
        self.integrate(B, SOMEBODY, 2)
        said = self.rules(A, "PersonnelFile:009,008")
        self.assertEqual(said["rules"]["unwanted"], ["PersonnelFile:008,009"])
        shown = self.vigie.run_raw("institution", "show", A).stdout
        self.assertIn("without PersonnelFile:008,009", shown)

        # when an employer declares that he begins to work, and he moves,
        work = self.publishes("ONSS", "PersonnelFile", fields=(("occupation_begin", "2026"),))
        address = self.publishes("RN", "notifyPerson")

        # then A gets the address alone, and B both, in their order;
        self.assertEqual([(l.number, l.content.ticket) for l in self.letters(A, 1)],
                         [(1, address)])
        self.assertEqual([l.content.ticket for l in self.letters(B, 2)], [work, address])
        # it is counted, and nowhere else:
        self.assertEqual((self.queue(A)["unwanted"], self.queue(B)["unwanted"]), (1, 0))
        self.assertEqual(self.metric("vigie_unwanted_total"), 1)
        # and whoever asks is told why, by ticket and by person,
        self.assertIn(f"{A} (Test {A}): not sent, because it does not want this flow for this "
                      "quality\n  because of 009, other guidance,", self.explains(work))
        self.assertIn(f"{B} (Test {B}): got it", self.explains(work))
        self.assertNotIn("does not want", self.explains(address))
        told = {(work, A): "unwanted", (work, B): "acknowledged",
                (address, A): "acknowledged", (address, B): "acknowledged"}
        self.assertEqual(self.knew(), told)
        page = self.vigie.run_raw("journal", "person", f"{SOMEBODY:011d}", "--page").stdout
        self.assertIn("this institution has asked not to be told of such", page)

        # also after the broker was killed, when A does not want it still.
        self.broker.restart()
        self.assertEqual(self.knew(), told)
        self.publishes("ONSS", "PersonnelFile", fields=(("occupation_begin", "2026"),))
        self.assertEqual(self.queue(A)["last_number"], 1)

        # When A pays him other aid, then it hears of employers, without a new rule.
        self.integrate(A, SOMEBODY, 4)
        work = self.publishes("ONSS", "PersonnelFile", fields=(("occupation_begin", "2026"),))
        self.assertEqual([l.content.ticket for l in self.letters(A, 1)], [work])
        # When it wants everything again, then the rule is gone.
        self.assertEqual(self.rules(A, "--all")["rules"]["unwanted"], [])
        self.broker.stop()
        self.check_store()

    def test_what_cannot_be_declined_or_is_no_rule(self):
        for words, sentence in (
                (("PCSAAlert",), "flow PCSAAlert cannot be declined: it must be answered"),
                (("SSINReplacement",), "it says under which number the person is known"),
                (("notifyNobody",), 'flow "notifyNobody" is not in the catalogue'),
                (("notifyPerson:7x",), '"notifyPerson:7x" must be FLOW or FLOW:QUALITY'),
                ((":007",), '":007" must be FLOW or FLOW:QUALITY'),
                (("--quiet", "20-7"), '"20-7" must be HH:MM-HH:MM'),
                (("--quiet", "20:00-20:00"), '"20:00-20:00" ends when it begins'),
                (("notifyPerson:063",), "notifyPerson: sector 17 has no code 063"),
                (("--cancelled", "both"), '"both" must be pair or neither'),
                (("--digest", "24:00"), '"24:00" is no time of day')):
            refused = self.rules(A, *words, status=1)
            self.assertIn(sentence, str(refused))
        # All that is wrong is said at once, each with its number and who can help.
        refused = self.rules(A, "notifyNobody", "notifyPerson:7x", "--quiet", "20-7", "--digest",
                             "24:00", "--cancelled", "both", status=1)["error"]
        self.assertEqual([fault["name"] for fault in refused["faults"]],
                         ["UNKNOWN_FLOW", "MALFORMED", "BAD_DATE", "BAD_DATE", "MALFORMED"])
        self.assertEqual((refused["number"], refused["remedy"]), (5, "sender"))
        self.assertEqual(self.rules(A)["rules"], {"unwanted": [], "quiet": None,
                                                  "digest": None, "urgent_first": False,
                                                  "merge_repeats": False, "cancelled": "pair"})


class Times(Noise):
    def now(self, minutes=0):
        """The clock in Brussels, so many minutes from now."""
        now = datetime.now(ZoneInfo("UTC")) + timedelta(minutes=minutes)
        return now.astimezone(ZoneInfo("Europe/Brussels")).strftime("%H:%M")

    def rests(self, code):
        row = self.queue(code)
        return row["rests"], row["waiting"], row["in_flight"]

    def test_quiet_hours(self):
        # Given two CPAS that both follow a person, both listening, and A has quiet hours now,
        self.integrate(A, SOMEBODY, 2)
        self.integrate(B, SOMEBODY, 9)
        self.rules(A, "--quiet", f"{self.now(-60)}-{self.now(60)}")
        with self.member(A) as a, self.member(B) as b:
            a.subscribe()
            b.subscribe()
            # when he moves twice, then B hears of it at once and A does not: it waits.
            tickets = [self.publishes("RN", "notifyPerson") for _ in range(2)]
            self.assertEqual([l.content.ticket for l in b.deliveries(2)], tickets)
            self.assertEqual(self.rests(A), ("quiet hours", 2, 0))
            self.assertEqual(self.rests(B)[0], None)
            # When the hours end (here: the rule is lifted), then A gets both, in order.
            self.assertEqual(self.rules(A, "--quiet", "none")["rules"]["quiet"], None)
            got = a.deliveries(2)
            self.assertEqual([(l.number, l.content.ticket) for l in got],
                             [(1, tickets[0]), (2, tickets[1])])

    def test_a_daily_digest(self):
        # Given a CPAS that wants one delivery a day, in an hour from now,
        self.integrate(A, SOMEBODY, 2)
        self.rules(A, "--digest", self.now(60))
        tickets = [self.publishes("RN", "notifyPerson") for _ in range(3)]
        with self.member(A) as a:
            a.subscribe()
            self.assertEqual(self.rests(A), ("digest", 3, 0))
        # when the broker is killed and that hour has passed (here: a day),
        self.broker.kill()
        self.broker.start(LD_PRELOAD=str(CLOCK), SHIFT_DAYS="1")
        late = self.publishes("RN", "notifyPerson")
        # then it gets what had come before, and not what came since.
        with self.member(A) as a:
            a.subscribe()
            got = a.deliveries(3)
            self.assertEqual([l.content.ticket for l in got], tickets)
            a.acknowledge(got[0].mailbox, got[-1].number)
            self.wait_until(lambda: self.rests(A) == ("digest", 1, 0))
        # A day later it gets that.
        self.broker.kill()
        self.broker.start(LD_PRELOAD=str(CLOCK), SHIFT_DAYS="2")
        self.assertEqual([l.content.ticket for l in self.letters(A, 1)], [late])


class Urgent(Noise):
    def test_a_death_before_an_address(self):
        # Given a CPAS that aids four persons and wants what is urgent first; it was away,
        one, two, three, four = (person(index) for index in range(1, 5))
        for somebody in (one, two, three, four):
            self.integrate(A, somebody, 2)
        self.assertTrue(self.rules(A, "--urgent-first", "yes")["rules"]["urgent_first"])
        # and meanwhile the first moved, the third began to work, the fourth moved to another
        # municipality, the second died, and the first changed his name.
        published = [
            self.publishes("RN", "notifyPerson", one, (("020", "Rue Haute 1"),)),
            self.publishes("ONSS", "PersonnelFile", three, (("occupation_begin", "2026"),)),
            self.publishes("RN", "notifyPerson", four, (("001", "21004"),)),
            self.publishes("RN", "notifyPerson", two, (("150", "Mons"),)),
            self.publishes("RN", "notifyPerson", one, (("010", "Durand"),))]
        # When the broker is killed, and the CPAS comes back with a window of one letter,
        self.broker.restart()
        got = []
        with self.member(A) as a:
            a.subscribe(messages=1)
            for _ in published:
                letter = a.deliveries(1)[-1]
                got.append(letter)
                if letter.attempt:  # out of its turn
                    a.acknowledge(letter.mailbox, 0, also=[letter.number])
                else:
                    a.acknowledge(letter.mailbox, letter.number)
        # then the death comes first, then work, then the departure, then the others in order.
        self.assertEqual([published.index(l.content.ticket) for l in got], [3, 1, 2, 0, 4])
        self.assertEqual([l.attempt for l in got], [1, 1, 1, 0, 0])
        self.wait_until(lambda: self.queue(A)["waiting"] == 0)
        self.assertEqual(self.metric("vigie_advanced_total"), 3)
        self.broker.stop()
        self.check_store()


class Repeats(Noise):
    def test_who_moved_three_times_moved_once(self):
        # Given two CPAS that aid two persons, of which A wants repeats merged; both were away,
        other = person(2)
        for niss in (SOMEBODY, other):
            self.integrate(A, niss, 2)
            self.integrate(B, niss, 9)
        self.assertTrue(self.rules(A, "--merge-repeats", "yes")["rules"]["merge_repeats"])
        self.assertIn("repeats merged", self.vigie.run_raw("institution", "show", A).stdout)
        # and meanwhile one moved twice, began to work, moved again and again; the other moved.
        address = [self.publishes("RN", "notifyPerson", fields=(("020", street),))
                   for street in ("Rue Haute 1", "Rue Basse 2")]
        work = self.publishes("ONSS", "PersonnelFile", fields=(("occupation_begin", "2026"),))
        moved = self.publishes("RN", "notifyPerson", other)
        address += [self.publishes("RN", "notifyPerson", fields=(("020", street),))
                    for street in ("Rue Courte 3", "Rue Longue 4")]

        # When A comes back with a window of one letter, and the broker is killed in between,
        with self.member(A) as a:
            a.subscribe(messages=1)
            self.assertEqual(a.deliveries(1)[0].number, 2)
        self.broker.kill()
        self.broker.start()
        with self.member(A) as a:
            a.subscribe()
            got = a.deliveries(4)
            a.acknowledge(got[0].mailbox, got[-1].number)
            self.wait_until(lambda: self.queue(A)["waiting"] == 0)
        # then the last address before work and the last one after it stand for all,
        self.assertEqual([(l.number, l.content.ticket, list(l.merged)) for l in got],
                         [(2, address[1], [address[0]]), (3, work, []), (4, moved, []),
                          (6, address[3], [address[2]])])
        self.assertEqual(got[-1].content.fields[0].value, "Rue Longue 4")
        # and B gets all six.
        self.assertEqual([list(l.merged) for l in self.letters(B, 6)], [[]] * 6)

        # Whoever asks is told, by ticket and by person;
        self.assertIn(f"not sent alone: it waited when ticket {address[1]} said the same anew",
                      self.explains(address[0]))
        self.assertIn(f"stands as well for ticket {address[2]}", self.explains(address[3]))
        knew = self.knew()
        self.assertEqual([knew[ticket, A] for ticket in address],
                         ["merged", "acknowledged"] * 2)
        self.assertEqual({knew[ticket, B] for ticket in address}, {"acknowledged"})
        told = self.vigie.run_raw("journal", "person", f"{SOMEBODY:011d}").stdout
        self.assertIn(f"merged into a later one that says the same anew, ticket {address[1]},",
                      told)
        page = self.vigie.run_raw("journal", "person", f"{SOMEBODY:011d}", "--page").stdout
        self.assertIn("it was not sent alone", page)

        # a correction of what was merged reaches A as well, with its ticket,
        correction = self.publishes("RN", "notifyPerson", fields=(("020", "Rue Haute 11"),),
                                    replaces=str(address[0]))
        letter, = self.letters(A, 1)
        self.assertEqual((letter.content.ticket, letter.content.replaces),
                         (correction, str(address[0])))
        # and so does all of it again, when A goes back.
        with self.member(A) as a:
            a.subscribe()
            a.say(rewind=proto.Rewind(mailbox=letter.mailbox, number=1))
            a.hear_one("rewound")
            again = a.deliveries(5)
            self.assertEqual([(l.number, list(l.merged)) for l in again],
                             [(2, [address[0]]), (3, []), (4, []), (6, [address[2]]), (7, [])])
        self.broker.stop()
        self.check_store()

    def test_the_last_word_is_taken_back(self):
        # Given a CPAS that wants repeats merged, and somebody who moved three times while it
        # was away: it gets the last address alone.
        self.integrate(A, SOMEBODY, 2)
        self.rules(A, "--merge-repeats", "yes")
        first, second, third = [
            self.publishes("RN", "notifyPerson", fields=(("020", street),))
            for street in ("Rue Haute 1", "Rue Basse 2", "Rue Courte 3")]
        self.assertEqual(list(self.letters(A, 1)[0].merged), [first, second])
        # When that was a mistake and is cancelled, then the one before it holds again, which A
        # has never seen: it comes behind the cancellation, also when the broker is killed.
        void = self.publishes("RN", "notifyPerson", fields=(), cancels=str(third))
        self.broker.kill()
        self.broker.start()
        gone, again = self.letters(A, 2)
        self.assertEqual((gone.content.ticket, gone.content.cancels), (void, str(third)))
        self.assertEqual((again.content.ticket, again.content.caught_up, list(again.merged)),
                         (second, void, [first]))
        self.assertEqual(again.content.fields[0].value, "Rue Basse 2")
        # Why so late? By the mutation, and to the person.
        self.assertIn(f"because ticket {void} cancelled the later one that stood for it",
                      self.explains(second))
        page = self.vigie.run_raw("journal", "person", f"{SOMEBODY:011d}", "--page").stdout
        self.assertIn("late, because a later one that stood for it was taken back", page)
        # When all of it was a mistake, then so does the first; and then nothing.
        void = self.publishes("RN", "notifyPerson", fields=(), cancels=str(second))
        self.assertEqual([l.content.ticket for l in self.letters(A, 2)], [void, first])
        void = self.publishes("RN", "notifyPerson", fields=(), cancels=str(first))
        self.assertEqual([l.content.ticket for l in self.letters(A, 1)], [void])
        self.assertEqual(self.queue(A)["waiting"], 0)
        self.broker.stop()
        self.check_store()

    def test_it_is_counted(self):
        # Given a CPAS that wants repeats merged, when somebody moves three times, then two
        # are counted;
        self.integrate(A, SOMEBODY, 2)
        self.rules(A, "--merge-repeats", "yes")
        for _ in range(3):
            self.publishes("RN", "notifyPerson")
        self.assertEqual(len(self.letters(A, 1)[0].merged), 2)
        self.assertEqual(self.queue(A)["merged"], 2)
        self.assertEqual(self.metric("vigie_merged_total"), 2)
        # when it wants each again, then each comes.
        self.rules(A, "--merge-repeats", "no")
        for _ in range(2):
            self.publishes("RN", "notifyPerson")
        self.assertEqual([list(l.merged) for l in self.letters(A, 2)], [[], []])
        self.broker.stop()
        self.check_store()


if __name__ == "__main__":
    unittest.main()
