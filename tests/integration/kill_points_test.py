# SPDX-License-Identifier: EUPL-1.2
"""vigied is killed at each of its calls in turn, and nothing that it said is lost.

Goal: whatever a kill -9 interrupts, the next start takes less than a second, finds
everything that was answered or delivered, recognises what comes again, and vigied --verify
finds no fault. Method: short lives (institutions, keys, an integration, mutations,
notifications, acknowledgements, HTTP, a reload, an end), one on a new store, one on a used
one, and one that only begins, on a store of schema 1, are played once with every call of the
program, LMDB and libevent noted (tests/faults/faulty.h). Each of these calls is a crash
point: the life is played again and the process killed instead of that call, or when half of
a write is done. What was heard until then is compared with what is there afterwards.

In ctest a handful are tried. All of them, five minutes:

    VIGIE_BIN=build/dev/bin /usr/bin/python3 tests/integration/kill_points_test.py --all
        --workers N     so many at a time; 2
"""

import argparse
import collections
import http.client
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest
import urllib.error

from faulty import Faulty, needs_faulty
from vigie_test import ROLES, Story
from wire import SOURCE, Silence, mutation, person, zmq

FOLLOWED = person(1)
INSTITUTIONS = {"RN": "source", "CPAS-21004": "member"}
CPAS = "CPAS-21004"
OLD_STORE = SOURCE / "tests" / "golden" / "store_1"
LIVES = ("new", "used", "old")
RESTART_S = 1.0
NOTICE_S = 0.05  # how soon it is seen that it is dead
WRITES = ("write", "pwrite", "writev")
# Nothing lasts that these do, or waits for them: the next call is the same crash point.
NO_POINTS = ("malloc", "calloc", "realloc", "strdup", "posix_memalign", "lseek", "read",
             "pread", "fread", "pthread_mutex_init", "epoll_wait", "getpeername",
             "getsockname")
SHORTLY = [("fdatasync", "kill"), ("pwrite", "kill"), ("pwrite", "kill half"),
           ("writev", "kill half"), ("renameat", "kill"), ("zmq_send", "kill"),
           ("rename", "kill")]

Trial = collections.namedtuple("Trial", "life call nth how")
DEAD = (Silence, OSError, urllib.error.URLError, http.client.HTTPException)


class Wrong(AssertionError):
    """What no kill excuses."""


@needs_faulty
class KillPoints(Story):
    def setUp(self):
        super().setUp()
        self.broker.stop()
        self.store = self.folder / "store"
        self.faulty = Faulty(self.folder)
        self.pairs = {code: tuple(key.decode() for key in zmq.curve_keypair())
                      for code in INSTITUTIONS}
        self.slowest_s = 0.0
        self.begins = {}
        shutil.copytree(OLD_STORE, self.folder / "old")
        self.begin("new")
        self.keep_as("used")

    # ---- where a life begins ----

    def begin(self, life):
        """What was heard, as far as this life has heard it when it begins."""
        shutil.rmtree(self.store)
        if life == "new":
            self.store.mkdir(mode=0o700)
        else:
            shutil.copytree(self.folder / life, self.store)
        heard = self.begins.get(life, {})
        self.known = set(heard.get("known", ()))  # institutions, keys, the integration
        self.answered = heard.get("answered", 0)
        self.delivered = heard.get("delivered", 0)
        self.keys = {(code, role): self.pairs[code] for code, role in INSTITUTIONS.items()}
        self.broker.lines.clear()
        self.faulty.forget()
        (self.folder / "run" / "vigied.ready").unlink(missing_ok=True)

    def keep_as(self, life):
        self.broker.start()
        for step in self.steps("new"):
            step()
        self.broker.stop()
        shutil.copytree(self.store, self.folder / life)
        self.begins[life] = {"known": self.known, "answered": self.answered,
                             "delivered": self.delivered}

    # ---- one life ----

    def connection(self, *args, **more):
        """Waits for nothing once the broker is dead."""
        wire = super().connection(*args, **more)
        hear = type(wire).hear

        def hear_of_the_living(timeout_s=None):
            end = time.monotonic() + (wire.patience_s if timeout_s is None else timeout_s)
            while True:
                try:
                    return hear(wire, NOTICE_S)
                except Silence:
                    if not self.lives() or time.monotonic() > end:
                        raise

        wire.hear = hear_of_the_living
        return wire

    def lives(self):
        return self.broker.process is not None and self.broker.process.poll() is None

    def steps(self, life):
        if life == "old":
            return (self.ask,)
        return (self.register_all, self.follow, self.publish_some, self.receive, self.ask,
                self.reload, self.publish_some, self.receive)

    def do_once(self, what, path, body):
        if what in self.known:
            return
        status, answer = self.broker.http("POST", path, body)
        if status != 200:
            raise Wrong(f"{path}: {answer}")
        self.known.add(what)

    def institutions_there(self):
        rows = self.admin("GET", "/v1/institutions")["institutions"]
        return [row["code"] for row in rows]

    def register_all(self):
        there = self.institutions_there()
        for code, role in INSTITUTIONS.items():
            sector, _, number = code.rpartition("-")
            if code not in there:
                self.do_once(code, "/v1/institutions",
                             {"code": code, "name": f"Test {code}",
                              "sector": sector or code, "number": int(number)
                              if number.isdigit() else 1})
            self.do_once((code, role), f"/v1/institutions/{code}/keys",
                         {"public": self.pairs[code][0], "role": ROLES[role][0],
                          "label": "test"})

    def follow(self):
        if "integration" not in self.known:
            self.integrate(CPAS, FOLLOWED, quality=2)
            self.known.add("integration")

    def publish_some(self):
        """Repeats what was not answered; the broker must know exactly what it has."""
        with self.source("RN") as source:
            kept = source.last_number()
            if kept < self.answered:
                raise Wrong(f"{self.answered} mutations were answered, {kept} are kept")
            first = self.answered + 1
            for first in (first, first + 3):
                answer = source.publish_and_hear(
                    first, [mutation(n, FOLLOWED) for n in range(first, first + 3)])
                repeated = [r.number for r in answer.results]
                expected = list(range(first, min(kept, first + 2) + 1))
                if repeated != expected or answer.through != first + 2:
                    raise Wrong(f"{answer}: {expected} are repeats")
                self.answered = answer.through

    def receive(self):
        """Reads what waits, acknowledges half of it; gives the last number there."""
        with self.member(CPAS) as member:
            opened = member.subscribe()
            if opened.last < max(self.delivered, self.answered):
                raise Wrong(f"{self.answered} answered, {self.delivered} delivered, "
                            f"{opened.last} are there")
            expected = [(n, f"m-{n}")
                        for n in range(opened.acknowledged + 1, opened.last + 1)]
            got = member.deliveries(len(expected)) if expected else []
            if [(g.number, g.content.id) for g in got] != expected:
                raise Wrong(f"expected {expected}, got {got}")
            if got:
                self.delivered = got[-1].number
                member.acknowledge(opened.mailbox, got[len(got) // 2].number)
            member.say(unsubscribe={})  # or stopping waits for the rest
            member.ask(list_mailboxes={})
            return opened.last

    def ask(self):
        for path in ("/v1/status", "/metrics", "/v1/queues"):
            status, answer = self.broker.http("GET", path)
            if status != 200:
                raise Wrong(f"{path}: {status} {answer}")

    def reload(self):
        os.kill(self.broker.pid, signal.SIGHUP)

    def ready(self):
        """Its last words may be what could not be written: the file says the same."""
        path = self.folder / "run" / "vigied.ready"
        while self.lives() and not path.exists():
            time.sleep(0.002)
        for door, port in re.findall(r"(\w+): \S*:(\d+)\n",
                                     path.read_text() if path.exists() else ""):
            self.broker.ports[door] = int(port)

    def play(self, life):
        self.broker.spawn(**self.faulty.environment())
        self.ready()
        try:
            for step in self.steps(life):
                step()
            os.kill(self.broker.pid, signal.SIGTERM)
        except DEAD as error:
            if not self.faulty.fired:
                raise Wrong(f"it does not answer: {error}") from error
        return self.broker.wait(20.0)

    # ---- one kill ----

    def check_whole(self):
        begin = time.monotonic()
        self.broker.start()
        took_s = time.monotonic() - begin
        self.slowest_s = max(self.slowest_s, took_s)
        if self.broker.cpu_s() > RESTART_S:
            raise Wrong(f"it computed for {self.broker.cpu_s():.1f} s")
        codes = self.institutions_there()
        for code in self.known & set(INSTITUTIONS):
            if code not in codes:
                raise Wrong(f"{code} was registered and is gone")
        if {"integration", ("RN", "source"), (CPAS, "member")} <= self.known:
            self.receive()  # also that what the keys are for still works
            self.publish_some()
        self.broker.stop()
        status, said = self.broker.verify()
        if status != 0:
            raise Wrong(said)

    def try_one(self, trial):
        """Kills it there; False: it did not come to that."""
        self.begin(trial.life)
        self.faulty.arm(trial.call, nth=trial.nth, how=trial.how)
        try:
            status = self.play(trial.life)
            if status != (-signal.SIGKILL if self.faulty.fired else 0):
                raise Wrong(f"it ended with {status}")
            fired = self.faulty.fired
            self.check_whole()
            return fired > 0
        except Exception as error:
            error.args = (f"{trial}: {error}\n{self.broker.tail()}",)
            raise
        finally:
            if self.broker.process is not None:
                self.broker.kill()

    # ---- which ----

    def trials(self, life):
        self.begin(life)
        status = self.play(life)
        self.assertEqual(status, 0, self.broker.tail())
        counts = collections.Counter(call for call, _, _ in self.faulty.trace()
                                     if call not in NO_POINTS)
        return [Trial(life, call, nth, how) for call, count in counts.items()
                for nth in range(1, count + 1)
                for how in (["kill", "kill half"] if call in WRITES else ["kill"])]

    def test_a_handful_of_crash_points(self):
        chance = random.Random(9)
        reached = 0
        for life in LIVES:
            found = self.trials(life)
            for call, how in SHORTLY:
                some = [t for t in found if (t.call, t.how) == (call, how)]
                if some:  # a store is made first of all
                    trial = some[0] if life == "new" else chance.choice(some)
                    reached += self.try_one(trial)
        self.assertGreater(reached, len(SHORTLY))
        print(f"the slowest start after a kill took {self.slowest_s:.3f} s")


# ---- all of them ----

def try_shard(shard, shards):
    case = KillPoints("test_a_handful_of_crash_points")
    case.setUp()
    wrong = 0
    try:
        chosen = [trial for life in LIVES for trial in case.trials(life)]
        for trial in chosen[shard::shards]:
            try:
                end = "killed" if case.try_one(trial) else "not reached"
            except Exception as error:  # whatever it is, the next one is tried
                wrong += 1
                end = f"WRONG {error}"
            print(f"{trial.life}\t{trial.call}\t{trial.nth}\t{trial.how}\t{end}", flush=True)
        print(f"slowest\t{case.slowest_s:.3f}", flush=True)
    finally:
        case.doCleanups()
    return wrong


def try_all(workers):
    """Shares the crash points out to processes of their own, and sums up."""
    words = [sys.executable, "-B", __file__, "--all", "--shards", str(workers)]
    running = [subprocess.Popen([*words, "--shard", str(i)], stdout=subprocess.PIPE,
                                text=True) for i in range(workers)]
    ends = collections.Counter()
    slowest = 0.0
    for worker in running:
        for line in worker.communicate()[0].splitlines():
            parts = line.split("\t")
            if parts[0] == "slowest":
                slowest = max(slowest, float(parts[1]))
            elif len(parts) == 5 and not parts[4].startswith("WRONG"):
                ends[parts[4]] += 1
            else:
                ends["WRONG"] += 1
                print(line)
    print(", ".join(f"{n} {end}" for end, n in sorted(ends.items())),
          f"- the slowest start after a kill took {slowest:.3f} s")
    return 1 if ends["WRONG"] or any(worker.returncode for worker in running) else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--shard", type=int)
    parser.add_argument("--shards", type=int, default=1)
    options = parser.parse_args()
    if options.shard is not None:
        return try_shard(options.shard, options.shards) > 0
    return try_all(options.workers)


if __name__ == "__main__":
    if "--all" in sys.argv:
        sys.exit(main())
    unittest.main()
