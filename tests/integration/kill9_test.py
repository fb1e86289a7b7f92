# SPDX-License-Identifier: EUPL-1.2
"""The broker is killed twenty times while 100,000 mutations are published.

Goal: every mutation answered yes is in every mailbox it belongs in, once, in order,
numbers consecutive, and repeats are recognised. Method: a source that goes on after each
kill -9 with what is unanswered, from the last number it was told, so that whatever the
broker had kept without being able to say so comes a second time. One member empties and
acknowledges its mailbox all the while, the others read theirs at the end; then the store
itself is checked.
"""

import random
import unittest

from vigie_test import Story
from wire import Silence, mutation, person

MUTATIONS = 100_000
KILLS = 20
FRAME = 200
WINDOW = 4000  # mutations unanswered at a time
PEOPLE = 40
CPAS = ["CPAS-21004", "CPAS-62063", "CPAS-44021"]


def followers(index):
    """Person i is followed by the CPAS whose bits i has; person 0 by nobody."""
    return [code for bit, code in enumerate(CPAS) if index >> bit & 1]


class Kill9(Story):
    institutions = {"RN": "source", **{code: "member" for code in CPAS}}
    keeps_ports = True

    def setUp(self):
        super().setUp()
        self.people = [person(i) for i in range(PEOPLE)]
        for index, niss in enumerate(self.people):
            for code in followers(index):
                self.integrate(code, niss, quality=1)
        self.random = random.Random(9)
        self.answered = 0  # all up to here were answered yes
        self.repeats = 0
        self.reader_got = []

    def who(self, number):
        return number * 7 % PEOPLE

    def test_nothing_that_was_answered_is_lost_or_doubled(self):
        kill_at = sorted(self.random.sample(range(1000, MUTATIONS - 1000), KILLS))
        while self.answered < MUTATIONS:
            until = kill_at[0] if kill_at else MUTATIONS
            self.publish_until(until, kill=bool(kill_at))
            if kill_at:
                kill_at.pop(0)
                self.broker.start()
        print(f"{KILLS} kills, {self.repeats} of {MUTATIONS} came again and were recognised")
        self.assertGreater(self.repeats, 0, "no kill left anything kept but unanswered")
        self.check_mailboxes()
        self.broker.stop()
        self.check_store()

    def publish_until(self, until, kill):
        """Publishes until so many are answered, with as many on their way as the window
        allows, and kills the broker right there."""
        with self.source("RN") as source, self.member(CPAS[0]) as reader:
            kept = source.last_number()
            self.assertGreaterEqual(kept, self.answered, "an answered mutation is gone")
            mailbox = reader.subscribe().mailbox
            sent = self.answered
            while self.answered < until:
                while sent < MUTATIONS and sent - self.answered < WINDOW:
                    sent = self.send_frame(source, sent)
                self.hear_answer(source)
                self.read_some(reader, mailbox)
            if kill:
                self.broker.kill()

    def send_frame(self, source, sent):
        numbers = range(sent + 1, min(sent + FRAME, MUTATIONS) + 1)
        source.publish(numbers[0],
                       [mutation(n, self.people[self.who(n)]) for n in numbers])
        return numbers[-1]

    def hear_answer(self, source):
        answer = source.hear_one("published")
        for result in answer.results:
            self.assertEqual(result.fault.name, "REPEATED")
            self.repeats += 1
        self.assertEqual(answer.first_number, self.answered + 1)
        self.answered = answer.through

    def read_some(self, reader, mailbox):
        while reader.socket.poll(0):
            got = reader.hear().notifications
            self.reader_got += [(n.number, n.content.id) for n in got]
            if got:
                reader.acknowledge(mailbox, got[-1].number)

    def expected(self, code):
        return [f"m-{n}" for n in range(1, MUTATIONS + 1)
                if code in followers(self.who(n))]

    def check_mailboxes(self):
        for code in CPAS[1:]:
            wanted = self.expected(code)
            with self.member(code) as member:
                mailbox = member.subscribe().mailbox
                got = []
                while len(got) < len(wanted):
                    some = member.deliveries(1)
                    got += [(n.number, n.content.id) for n in some]
                    member.acknowledge(mailbox, some[-1].number)
                with self.assertRaises(Silence):
                    member.deliveries(1, timeout_s=0.5)
            self.assertEqual(got, list(enumerate(wanted, 1)))

        wanted = self.expected(CPAS[0])
        with self.member(CPAS[0]) as reader:
            opened = reader.subscribe()
            self.assertEqual(opened.last, len(wanted))
            if opened.waiting:
                self.reader_got += [(n.number, n.content.id)
                                    for n in reader.deliveries(opened.waiting)]
        # What was not acknowledged in time came again, under the same number.
        self.assertEqual(sorted(set(self.reader_got)), list(enumerate(wanted, 1)))


if __name__ == "__main__":
    unittest.main()
