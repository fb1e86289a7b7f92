# SPDX-License-Identifier: EUPL-1.2
"""An institution gives letters back; they come again, or a hand looks after them.

Goal: a refused letter is never dropped silently, whenever the broker is killed: it comes
again with one attempt more, later ones about the same person wait behind it, after the last
attempt it is parked, shown, and retried or dropped by hand; the journal says who and why.
Method: a real broker with short pauses that is killed after every answer, wires of our own and
the command line; the whole store is verified, and the journal exported and read.
"""

import json
import subprocess
import unittest

from vigie_test import BIN, Story, Vigie
from wire import mutation, person, proto

ONE, OTHER = person(1), person(2)
CPAS = "CPAS-21004"
RETRY, BEHIND, PARKED = (proto.Held.RETRY, proto.Held.BEHIND, proto.Held.PARKED)


class RefusedLetters(Story):
    institutions = {"RN": "source", CPAS: "member"}
    settings = {"retry_first_ms": 1, "retry_attempts": 3}

    def setUp(self):
        super().setUp()
        for niss in (ONE, OTHER):
            self.integrate(CPAS, niss, quality=2)

    def publish(self, *about):
        with self.source("RN") as source:
            first = source.last_number() + 1
            source.publish_and_hear(
                first, [mutation(first + i, niss) for i, niss in enumerate(about)])

    def killed(self):
        self.broker.kill()
        self.broker.start()

    def refuse(self, member, number, reason, **more):
        """Gives what became of it. Letters that come meanwhile come again."""
        member.say(refuse=proto.Refuse(number=number, reason=reason, **more))
        while True:
            message = member.hear()
            kind = message.WhichOneof("message")
            if kind == "held":
                return message.held
            self.assertIn(kind, (None, "deferred"))
            member.note(message)

    def journal(self):
        """What happened to letters out of turn: (kind, number, actor, reason)."""
        folder = self.broker.folder / "journal"
        folder.mkdir()
        done = subprocess.run([str(BIN / "vigied"), "--settings",
                               str(self.broker.settings_path), "--json",
                               "--export-journal", str(folder)],
                              capture_output=True, text=True, timeout=60, check=True)
        found = []
        with open(json.loads(done.stdout)["file"], encoding="utf-8") as lines:
            next(lines)
            for line in lines:
                found += [(item["kind"], int(item["number"]), item["actor"], item["reason"])
                          for item in json.loads(line)["items"]
                          if item["kind"] in ("refuse_letter", "park", "retry", "drop")]
        return found

    def test_it_comes_again_until_it_is_parked_whenever_the_broker_dies(self):
        self.publish(ONE, OTHER, ONE)
        for attempt in (1, 2, 3):
            with self.member(CPAS) as member:
                opened = member.subscribe()
                got = member.deliveries(3 if attempt == 1 else 1)
                self.assertEqual(got[0].number, 1)
                self.assertEqual(got[0].attempt, 0 if attempt == 1 else attempt)
                held = self.refuse(member, 1, f"no, {attempt}")
                self.assertEqual((held.number, held.refusals), (1, attempt))
                self.assertEqual(held.state, PARKED if attempt == 3 else RETRY)
                if attempt == 1:
                    self.assertEqual(member.passed, [3])  # about the same person
                    member.acknowledge(opened.mailbox, 0, also=[2])
                    self.wait_until(lambda: self.opened(CPAS).acknowledged == 3)
                else:
                    self.assertNotIn(3, [n.number for n in got])
            self.killed()
        opened = self.opened(CPAS)
        self.assertEqual((opened.acknowledged, opened.held, opened.parked), (3, 1, 1))
        with self.member(CPAS) as member:
            member.subscribe()
            got = member.deliveries(1)  # the one behind: a parked letter holds up nobody
            self.assertEqual([(n.number, n.attempt) for n in got], [(3, 1)])
            member.acknowledge(opened.mailbox, 0, also=[3])
            self.wait_until(lambda: self.opened(CPAS).held == 0)
        self.broker.stop()
        self.check_store()

    def test_parked_letters_are_retried_and_dropped_by_hand(self):
        self.publish(ONE, OTHER)
        with self.member(CPAS) as member:
            mailbox = member.subscribe().mailbox
            member.deliveries(2)
            for number, reason in ((1, "unknown street"), (2, "moved away")):
                held = self.refuse(member, number, reason, park=True)
                self.assertEqual(held.state, PARKED)
            self.killed()
        with self.member(CPAS) as member:
            parked = member.ask(list_parked=proto.ListParked()).parked
            self.assertEqual([(p.number, p.actor, p.reason, p.content.niss) for p in parked],
                             [(1, CPAS, "unknown street", ONE), (2, CPAS, "moved away", OTHER)])
            reply = member.ask(handle_parked=proto.HandleParked(
                numbers=[1], act=proto.HandleParked.RETRY, reason="the street is known now"))
            self.assertEqual(reply.verdict, proto.Reply.YES)
            reply = member.ask(handle_parked=proto.HandleParked(
                numbers=[2], act=proto.HandleParked.DROP, reason="sent by post"))
            self.assertEqual(reply.verdict, proto.Reply.YES)
            self.killed()
        with self.member(CPAS) as member:
            member.subscribe()
            got = member.deliveries(1)
            self.assertEqual([(n.number, n.attempt) for n in got], [(1, 2)])
            member.acknowledge(mailbox, 0, also=[1])
            self.wait_until(lambda: self.opened(CPAS).held == 0)
        opened = self.opened(CPAS)
        self.assertEqual((opened.waiting, opened.parked), (0, 0))
        self.assertEqual(self.journal(), [
            ("park", 1, CPAS, "unknown street"), ("park", 2, CPAS, "moved away"),
            ("retry", 1, CPAS, "the street is known now"), ("drop", 2, CPAS, "sent by post")])
        self.broker.stop()
        self.check_store()


class ByCommand(Story):
    institutions = {"RN": "source", CPAS: "member"}

    def test_the_command_line_refuses_lists_retries_and_drops(self):
        self.integrate(CPAS, ONE, quality=2)
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(i, ONE) for i in (1, 2)])
        vigie = Vigie("--home", str(self.broker.folder))
        key = ("--key", self.key_file(CPAS, "member"))

        got = vigie.run("subscribe", *key, "--refuse", "closed", "--park", "--count", "2")
        self.assertEqual([n["number"] for n in got], [1, 2])
        self.wait_until(lambda: self.opened(CPAS).parked == 2)
        queue = self.admin("GET", "/v1/queues")["totals"]
        self.assertEqual((queue["waiting"], queue["held"], queue["parked"]), (0, 0, 2))
        listed = vigie.run("parked", "list", *key)["parked"]
        self.assertEqual([(p["number"], p["reason"], p["actor"]) for p in listed],
                         [(1, "closed", CPAS), (2, "closed", CPAS)])
        vigie.run("parked", "drop", "1", *key, status=2)  # without a reason
        vigie.run("parked", "drop", "1", *key, "--reason", "sent by post")
        vigie.run("parked", "drop", "1", *key, "--reason", "again", status=1)
        vigie.run("parked", "retry", "2", *key)
        got = vigie.run("subscribe", *key, "--count", "1")
        self.assertEqual((got["number"], got["attempt"]), (2, 2))
        self.wait_until(lambda: self.opened(CPAS).held == 0)
        self.assertEqual(vigie.run("parked", "list", *key)["parked"], [])
        self.broker.stop()
        self.check_store()


if __name__ == "__main__":
    unittest.main()
