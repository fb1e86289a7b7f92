# SPDX-License-Identifier: EUPL-1.2
"""A byte of the store flips: one mailbox stops, all others go on, and everybody is told.

Goal: damage is named by the log, HTTP and both programs, stops the mailbox it lies in and no
other, and is mended from a backup without losing a letter. Method: two CPAS that follow a
person each; a body is searched for in the store's file and changed there, with the broker
running or stopped.
"""

import unittest

from vigie_test import Story, Vigie
from wire import mutation, person

FOLLOWED = {"CPAS-21004": person(1), "CPAS-44021": person(2)}
HIT, SPARED = FOLLOWED


def flip(path, words):
    """Changes a bit of these bytes wherever the file has them; says where that was."""
    text = path.read_bytes()
    places = []
    at = text.find(words)
    while at >= 0:
        places.append(at)
        at = text.find(words, at + 1)
    with path.open("r+b") as file:
        for at in places:
            file.seek(at)
            file.write(bytes([words[0] ^ 0x10]))
    return places


class Damage(Story):
    institutions = {"RN": "source", **dict.fromkeys(FOLLOWED, "member")}

    def setUp(self):
        super().setUp()
        for code, niss in FOLLOWED.items():
            self.integrate(code, niss, quality=2)
        self.file = self.broker.folder / "store" / "data.mdb"
        self.vigie = Vigie("--home", str(self.broker.folder))

    def publish(self, first, last):
        """Three about each in turn, a frame and so a commit for each."""
        with self.source("RN") as source:
            for n in range(first, last + 1):
                niss = FOLLOWED[HIT if n % 2 else SPARED]
                answer = source.publish_and_hear(
                    n, [mutation(n, niss, fields=[("020", f"Rue du Nombre {n:06}")])])
                self.assertEqual(answer.through, n)

    def received(self, code, count):
        with self.member(code) as member:
            mailbox = member.subscribe().mailbox
            got = member.deliveries(count)
            self.assertEqual([n.number for n in got], list(range(1, count + 1)))
            return mailbox, [n.content.id for n in got]

    def test_one_mailbox_stops_until_it_is_repaired(self):
        self.publish(1, 6)
        self.vigie.run("backup", str(self.broker.folder / "copy"))
        self.broker.stop()
        self.assertTrue(flip(self.file, b"Rue du Nombre 000003"))
        status, said = self.broker.verify()
        self.assertEqual(status, 3, said)
        self.assertIn("its checksum does not hold", said)

        # The scrub finds it by itself.
        self.broker.start()
        self.broker.wait_for("event=damaged")
        self.assertEqual(self.received(SPARED, 3)[1], ["m-2", "m-4", "m-6"])
        self.assertEqual(self.received(HIT, 1)[1], ["m-1"])
        self.publish(7, 8)
        self.assertEqual(self.received(SPARED, 4)[1], ["m-2", "m-4", "m-6", "m-8"])
        damaged = self.vigie.run("damage")["damaged"]
        self.assertGreater(self.broker.http("GET", "/v1/status")[1]["damaged"], 0)
        mine = [row for row in damaged if row["institution"] == HIT]
        self.assertEqual([row["number"] for row in mine], [2])
        self.assertIn("letter 2: block ", mine[0]["why"])
        self.assertEqual([row for row in damaged if row["institution"] == SPARED], [])
        queues = {row["institution"]: row for row in self.vigie.run("queues")["mailboxes"]}
        self.assertIn("letter 2", queues[HIT]["damaged"])
        self.assertIsNone(queues[SPARED]["damaged"])
        self.assertEqual(queues[HIT]["waiting"], 4)  # all of its letters are kept

        self.broker.stop()
        self.vigie.run("repair", str(self.broker.folder / "copy"))
        self.check_store()
        self.broker.start()
        self.assertEqual(self.received(HIT, 4)[1], ["m-1", "m-3", "m-5", "m-7"])
        self.assertEqual(self.vigie.run("damage")["damaged"], [])

    def test_a_body_that_is_damaged_while_the_broker_runs_is_not_sent(self):
        self.publish(1, 6)
        self.assertTrue(flip(self.file, b"Rue du Nombre 000003"))
        self.assertEqual(self.received(HIT, 1)[1], ["m-1"])
        self.broker.wait_for("event=mailbox_damaged")
        self.assertEqual(self.received(SPARED, 3)[1], ["m-2", "m-4", "m-6"])
        self.broker.stop()


if __name__ == "__main__":
    unittest.main()
