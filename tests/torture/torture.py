# SPDX-License-Identifier: EUPL-1.2
"""Everything at once: many notifications are published while the broker is killed again and
again, clients come and go, and the store fills up.

Goal: no loss, no gap, no disorder, no number twice with a different body. Method: a real
vigied with CURVE; torture_client.c as the source and as every member, each a process of its
own that writes down what it is told, on the disk before it acknowledges. Mutation n is a
function of the seed and n, so at the end each member's record is compared with what must lie
in its mailbox, letter by letter, and the source's with what it was answered; then the store
itself is read. What is random is drawn from the seed; when processes meet is not.

    tests/torture/torture.py --notifications 1000000 --clients 100 --fill 2 --seed 1

VIGIE_BIN is the folder with vigied, vigie and torture_client. VIGIE_KEEP=1 keeps the folder.
"""

import argparse
import json
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import time
import unittest
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

import wire
from vigie_test import BIN, STATUSES, TODAY, Story, birth_date, number_of

ANSWER = struct.Struct("<QQQ")  # torture_client.c: number, ticket, status
LETTER = struct.Struct("<QQQ")  # number, mutation, hash
MASK = 2**64 - 1
QUALITIES = (1, 30)  # an applicant gets both fields of a mutation, a debtor one
LETTER_BYTES = 120  # of journal and body, at least: the store will fill up
KILLS_FOR_REPEATS = 50  # so many hit something that was kept and not answered yet
BLOCKED_KILLS = 2  # restarts with a full store before there is room again
KEPT = {STATUSES["OK"][0], STATUSES["REPEATED"][0]}


def mix(x):
    """splitmix64, as in torture_client.c."""
    x = x + 0x9E3779B97F4A7C15 & MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def records(path, form):
    """What stands in a record; what a killed client left half written does not count."""
    data = path.read_bytes() if path.exists() else b""
    return list(form.iter_unpack(data[:len(data) - len(data) % form.size]))


class Client:
    """One process that comes and goes; its record stays."""

    def __init__(self, *words):
        self.words = [str(word) for word in words]
        self.process = None
        self.back_at = 0.0
        self.starts = 0

    def start(self):
        self.process = subprocess.Popen([str(BIN / "torture_client"), *self.words],
                                        stdin=subprocess.DEVNULL)
        self.starts += 1

    def ended(self):
        """Its exit status, None while it lives."""
        return None if self.process is None else self.process.poll()

    def end(self, how, timeout_s=30.0):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout_s)
            self.process = None


class Torture(Story):
    institutions = {"RN": "source"}
    keeps_ports = True
    options = None

    def setUp(self):
        self.settings = {"disk_reserve_bytes": 0, "heartbeat_ms": 1000, "map_bytes": 64 << 30}
        super().setUp()
        self.random = random.Random(self.options.seed)
        self.codes = [f"CPAS-{i:05d}" for i in range(1, self.options.clients + 1)]
        for code in self.codes:
            self.register(code, "member")
        self.people = [wire.person(i) for i in range(self.options.people)]
        self.followers = self.follow()
        self.mailboxes, self.mutations = self.expect()
        self.members = [Client("receive", self.key_file(code, "member"), self.record(code), 500)
                        for code in self.codes]
        self.source = Client("publish", self.key_file("RN", "source"), self.record("RN"),
                             self.people_file(), self.options.seed, self.mutations,
                             self.options.rate)
        self.clients = [*self.members, self.source]
        self.addCleanup(lambda: [client.end(signal.SIGKILL) for client in self.clients])
        self.kills = self.fills = self.goings = self.killed_clients = 0
        self.starts_s = []

    # ---- the world ----

    def follow(self):
        """Each person is followed by none to five institutions; gives them by person."""
        followers = [self.random.sample(range(len(self.codes)),
                                        self.random.choice((0, 1, 1, 2, 2, 3, 5)))
                     for _ in self.people]
        items = {code: [] for code in self.codes}
        for niss, codes in zip(self.people, followers):
            for index in codes:
                items[self.codes[index]].append(self.item(niss, self.random.choice(QUALITIES)))
        for code, some in items.items():
            if some:
                with self.member(code) as member:
                    reply = member.ask(integrate=wire.proto.Integrate(items=some))
                self.assertNotEqual(reply.verdict, wire.proto.Reply.NO, reply)
        return followers

    def item(self, niss, quality):
        begin = TODAY - timedelta(days=10)
        return wire.proto.IntegrateItem(
            niss=niss, quality=quality, begin=number_of(begin),
            end=number_of(begin + timedelta(days=25)),
            proof=wire.proto.Proof(birth_date=birth_date(niss)))

    def expect(self):
        """What must lie in each mailbox, and how many mutations that takes."""
        mailboxes = [[] for _ in self.codes]
        mutation = notifications = 0
        while notifications < self.options.notifications:
            mutation += 1
            drawn = mix(self.options.seed ^ mix(mutation))
            for index in self.followers[drawn % len(self.people)]:
                mailboxes[index].append(mutation)
                notifications += 1
        return mailboxes, mutation

    def key_file(self, code, role):
        path = self.folder / "keys" / f"{code}.key"
        public, secret = self.keys[code, role]
        self.broker._private(path, "".join(f"{name}: {value}\n" for name, value in {
            "endpoint_sources": self.broker.endpoint("sources"),
            "endpoint_members": self.broker.endpoint("members"),
            "broker_public": self.broker.public, "public": public, "secret": secret}.items()))
        return path

    def people_file(self):
        path = self.folder / "people"
        path.write_text("".join(f"{niss}\n" for niss in self.people))
        return path

    def record(self, code):
        return self.folder / f"{code}.record"

    # ---- the torture ----

    def test_nothing_is_lost_doubled_or_out_of_order(self):
        begin = time.monotonic()
        self.full_since = None  # kills when the store became full, None: it has room
        self.make_room(self.used_bytes())
        self.broker.restart()
        for client in self.clients:
            client.start()
        while self.source.ended() != 0:
            self.until_the_next_kill()
            self.kill_and_start()
        published = time.monotonic()
        self.assertIsNone(self.full_since, "the store was still full at the end")
        self.wait_until_all_is_read()
        read = time.monotonic()
        for client in self.clients:
            client.end(signal.SIGTERM)
        repeats = self.check_answers()
        again = self.check_mailboxes()
        self.broker.stop()
        self.check_store()
        self.report(published - begin, read - begin, repeats, again)

    def until_the_next_kill(self):
        """Waits out the pause, and then for an answer, so that more are on their way."""
        every = self.options.kill_every
        end = time.monotonic() + every * self.random.uniform(0.8, 1.2)
        while time.monotonic() < end and self.source.ended() != 0:
            self.come_and_go()
            time.sleep(0.05)
        answered = self.answered_bytes()
        while time.monotonic() < end + every / 2 and self.answered_bytes() == answered:
            time.sleep(0.001)

    def answered_bytes(self):
        path = self.record("RN")
        return path.stat().st_size if path.exists() else 0

    def come_and_go(self):
        """One client more leaves, politely or not; those whose pause is over come back."""
        now = time.monotonic()
        for client in self.clients:
            status = client.ended()
            if status not in (None, 0):
                self.fail(f"{client.words[1]} ended with {status}")
            if client.process is None and now >= client.back_at:
                client.start()
        for _ in range(max(1, self.options.clients // 100)):
            client = self.random.choice(self.clients)
            if client.process is not None and client.ended() is None:
                kill = self.random.random() < 0.5
                client.end(signal.SIGKILL if kill else signal.SIGTERM)
                client.back_at = now + self.random.random()
                self.goings += 1
                self.killed_clients += kill

    def kill_and_start(self):
        if self.source.ended() == 0:
            return
        used = self.used_bytes()
        full = "event=blocked" in "\n".join(self.since_start())
        self.broker.kill()
        self.kills += 1
        self.choose_quota(used, full)
        begin = time.monotonic()
        self.broker.start()
        self.starts_s.append(time.monotonic() - begin)

    def since_start(self):
        lines = self.broker.lines
        last = max(i for i, line in enumerate(lines) if line == "-- start")
        return lines[last:]

    def used_bytes(self):
        _, page = self.broker.http("GET", "/metrics")
        return int(float(next(line.split()[1] for line in page.splitlines()
                              if line.startswith("vigie_store_used_bytes "))))

    def choose_quota(self, used, full):
        """Room for a part of what comes; and for more when the store was full for some
        restarts."""
        if full and self.full_since is None:
            self.full_since = self.kills
            self.fills += 1
        if self.full_since is not None and self.kills - self.full_since >= BLOCKED_KILLS:
            self.full_since = None
            self.make_room(used)

    def make_room(self, used):
        if self.fills < self.options.fill:
            part = self.options.notifications * LETTER_BYTES // (self.options.fill + 1)
            self.broker.settings["quota_bytes"] = used + part
        else:
            self.broker.settings.pop("quota_bytes", None)

    def wait_until_all_is_read(self):
        for client in self.members:
            if client.process is None:
                client.start()
        self.wait_until(lambda: self.totals()["waiting"] == 0, timeout_s=120)

    def totals(self):
        return self.admin("GET", "/v1/queues")["totals"]

    # ---- the comparison ----

    def check_answers(self):
        """Each answer is a yes, and none was given before; gives the repeats."""
        repeats, last = 0, 0
        for number, _, status in records(self.record("RN"), ANSWER):
            self.assertIn(status, KEPT, f"number {number}")
            self.assertGreater(number, last, "a number was answered twice")
            repeats += status == STATUSES["REPEATED"][0]
            last = number
        self.assertEqual(last, self.mutations)
        return repeats

    def check_mailboxes(self):
        """Gives how many letters came again."""
        again = 0
        for code, wanted in zip(self.codes, self.mailboxes):
            seen = []
            for number, mutation, body in records(self.record(code), LETTER):
                if number == len(seen) + 1:
                    seen.append((mutation, body))
                    continue
                self.assertLessEqual(number, len(seen), f"{code}: a gap before {number}")
                self.assertEqual(seen[number - 1], (mutation, body),
                                 f"{code}: {number} came twice with another body")
                again += 1
            self.assertEqual([mutation for mutation, _ in seen], wanted,
                             f"{code}: not what was published, or not in that order")
        return again

    def report(self, published_s, read_s, repeats, again):
        found = {
            "notifications": sum(map(len, self.mailboxes)), "mutations": self.mutations,
            "seconds": round(published_s, 1), "read_seconds": round(read_s, 1),
            "kills": self.kills, "fills": self.fills, "repeats": repeats,
            "came_again": again, "client_goings": self.goings,
            "clients_killed": self.killed_clients,
            "sessions_opened": self.broker.log().count("event=session_opened"),
            "start_ms_median": round(1000 * statistics.median(self.starts_s or [0])),
            "start_ms_max": round(1000 * max(self.starts_s or [0])),
            "seed": self.options.seed}
        print(json.dumps(found), flush=True)
        self.assertEqual(self.fills, self.options.fill, "the store did not fill up as often")
        if self.kills >= KILLS_FOR_REPEATS:
            self.assertGreater(repeats, 0, "no kill left anything kept but unanswered")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--notifications", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=4000,
                        help="mutations a second; 0: as many as go")
    parser.add_argument("--kill-every", type=float, default=1.0, help="seconds")
    parser.add_argument("--clients", type=int, default=100, help="members, each in a process")
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--fill", type=int, default=2, help="how often the store fills up")
    parser.add_argument("--seed", type=int, default=1)
    Torture.options = parser.parse_args()
    os.environ.setdefault("VIGIE_SOURCE", str(wire.SOURCE))
    unittest.main(argv=[sys.argv[0]], verbosity=1)


if __name__ == "__main__":
    main()
