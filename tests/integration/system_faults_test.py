# SPDX-License-Identifier: EUPL-1.2
"""Every system call and allocation of vigied fails once in its turn.

Goal: whatever the system refuses, the broker answers, or ends with a line that says why and
a fitting exit code, never by a signal but abort() after "out of memory"; and afterwards all
that was answered yes is there, once, in order, and the source goes on. Method: one short
story (start, publish, receive, acknowledge, ask over HTTP, reload, publish, stop) is first
played with every call noted (tests/faults/faulty.h), then again with one of them failing.
Who plays is patient: what fails is tried again as long as the broker lives. Then it starts
without faults, the mailbox is read from its first letter, and vigied --verify is asked.

In ctest a handful are tried. All of them, a quarter of an hour:

    VIGIE_BIN=build/dev/bin python3 tests/integration/system_faults_test.py --all
        --call NAME     only this one (repeatable)
        --first N       at most so many of each place; 20
        --workers N     so many at a time; 2
        --seconds N     begin no other one after that; they come in a random order
"""

import argparse
import collections
import errno
import math
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
from vigie_test import Story
from wire import Silence, mutation, person

FOLLOWED = person(1)
CPAS = "CPAS-21004"
PATIENCE_S = 1.0
STUCK_S = 20.0  # trying again for longer is not patience any more

# What the system may well answer; a second one where it matters.
ERRORS = {
    "open": ["EMFILE"], "openat": ["EMFILE"], "fopen": ["EMFILE", "EACCES"],
    "read": ["EIO"], "pread": ["EIO"], "fread": ["EIO"], "readv": ["ECONNRESET"],
    "write": ["ENOSPC"], "pwrite": ["EIO", "ENOSPC"], "writev": ["EIO", "ENOSPC"],
    "fsync": ["EIO"], "fdatasync": ["EIO"], "ftruncate": ["ENOSPC"], "lseek": ["EINVAL"],
    "mmap": ["ENOMEM"], "fcntl": ["ENOLCK"], "flock": ["ENOLCK"], "fstat": ["EIO"],
    "fstatat": ["EIO"], "fstatvfs": ["EIO"], "mkdir": ["ENOSPC"], "rename": ["EIO"],
    "renameat": ["EIO"], "unlink": ["EIO"], "fclose": ["EIO"], "close": ["EIO"],
    "socket": ["EMFILE"],
    "socketpair": ["EMFILE"], "bind": ["EADDRINUSE"], "listen": ["EADDRINUSE"],
    "accept4": ["EMFILE", "ECONNABORTED"], "setsockopt": ["ENOBUFS"],
    "getsockname": ["ENOBUFS"], "getpeername": ["ENOTCONN"], "shutdown": ["ENOTCONN"],
    "sendfile": ["EIO"], "epoll_create1": ["EMFILE"], "epoll_ctl": ["ENOMEM"],
    "epoll_wait": ["EINTR", "EBADF"], "eventfd": ["EMFILE"], "timerfd_create": ["EMFILE"],
    "timerfd_settime": ["EINVAL"], "pipe2": ["EMFILE"], "sigaction": ["EINVAL"],
    "pthread_create": ["EAGAIN"], "pthread_mutex_init": ["ENOMEM"],
    "zmq_send": [], "zmq_bind": [], "zmq_close": [],  # at these one can only be killed
}
# Out of memory is the one thing that may abort (broker/README.md); a sigaction that is
# refused would be a mistake of ours.
MAY_ABORT = ("malloc", "calloc", "realloc", "strdup", "posix_memalign",
             "pthread_mutex_init", "sigaction")
SHORTLY = ["openat", "fdatasync", "pwrite", "writev", "eventfd", "epoll_ctl", "mmap",
           "pthread_create", "bind", "malloc"]

Trial = collections.namedtuple("Trial", "call nth error")


class Wrong(AssertionError):
    """What no fault excuses."""


@needs_faulty
class SystemFaults(Story):
    institutions = {"RN": "source", CPAS: "member"}
    settings = {"drain_seconds": 3}

    def setUp(self):
        super().setUp()
        self.integrate(CPAS, FOLLOWED, quality=2)
        self.answered = 0
        self.publish_some()
        self.before = self.answered
        self.broker.stop()
        self.store = self.folder / "store"
        shutil.copytree(self.store, self.folder / "before")
        self.faulty = Faulty(self.folder)

    def connection(self, *args, **more):
        wire = super().connection(*args, **more)
        wire.patience_s = PATIENCE_S
        return wire

    # ---- the story ----

    def publish_some(self):
        with self.source("RN") as source:
            last = source.last_number()
            if last < self.answered:
                raise Wrong(f"{self.answered} mutations were answered, {last} are kept")
            for _ in range(2):
                answer = source.publish_and_hear(
                    last + 1, [mutation(n, FOLLOWED) for n in range(last + 1, last + 4)])
                last = self.answered = answer.through

    def receive(self):
        """Reads what waits and acknowledges half of it."""
        with self.member(CPAS) as member:
            opened = member.subscribe()
            got = member.deliveries(opened.waiting, PATIENCE_S) if opened.waiting else []
            expected = [(n, f"m-{n}")
                        for n in range(opened.acknowledged + 1, opened.last + 1)]
            if [(g.number, g.content.id) for g in got][:len(expected)] != expected:
                raise Wrong(f"expected {expected}, got "
                            f"{[(g.number, g.content.id) for g in got]}")
            if got:
                member.acknowledge(opened.mailbox, got[len(got) // 2].number)
            member.say(unsubscribe={})  # or stopping waits for the rest
            member.ask(list_mailboxes={})
            return opened.last

    def ask(self):
        for path in ("/v1/status", "/metrics", "/v1/institutions"):
            status, _ = self.broker.http("GET", path)
            if status != 200:
                raise Silence(f"{path}: {status}")

    def lives(self):
        return self.broker.process is not None and self.broker.process.poll() is None

    def patiently(self, step):
        """Tries a step again as long as the broker lives."""
        end = time.monotonic() + STUCK_S
        while self.lives():
            try:
                step()
                return
            except Wrong:
                raise
            except (AssertionError, Silence, OSError, urllib.error.URLError) as error:
                if time.monotonic() > end:
                    raise Wrong(f"nothing goes on: {step.__name__}: {error}") from error

    def reload(self):
        if self.lives():
            os.kill(self.broker.pid, signal.SIGHUP)

    def play(self):
        # Its first words may be what could not be written: the file says the same.
        self.broker.spawn(**self.faulty.environment())
        ready = self.folder / "run" / "vigied.ready"
        while self.lives() and not ready.exists():
            time.sleep(0.005)
        for door, port in re.findall(r"(\w+): \S*:(\d+)\n",
                                     ready.read_text() if ready.exists() else ""):
            self.broker.ports[door] = int(port)
        for step in (self.publish_some, self.receive, self.ask, self.reload,
                     self.publish_some, self.receive):
            self.patiently(step)
        asked = self.lives()
        if asked:
            os.kill(self.broker.pid, signal.SIGTERM)
        status = self.wait_for_end()
        if status == 0 and not asked:
            raise Wrong("it ended by itself as if nothing had happened")
        return status

    def wait_for_end(self):
        """A signal whose wake-up was what failed is lost: it is given again."""
        for _ in range(2):
            try:
                return self.broker.wait(STUCK_S)
            except subprocess.TimeoutExpired:
                os.kill(self.broker.pid, signal.SIGTERM)
        self.broker.kill()
        raise Wrong("it does not end after SIGTERM")

    # ---- one fault ----

    def restore(self):
        self.faulty.forget()
        shutil.rmtree(self.store)
        shutil.copytree(self.folder / "before", self.store)
        self.answered = self.before
        self.broker.lines.clear()
        (self.folder / "run" / "vigied.ready").unlink(missing_ok=True)

    def check_end(self, call, status):
        log = self.broker.log()
        if status == -signal.SIGABRT:
            if call not in MAY_ABORT or "this must hold" not in log:
                raise Wrong("it aborted")
        elif status not in (0, 1, 3, 4):
            raise Wrong(f"it ended with {status}")
        elif status != 0 and "level=error" not in log and "vigied: " not in log \
                and ".yaml" not in log:
            raise Wrong(f"it ended with {status} without a word")

    def check_whole(self):
        self.broker.start()
        kept = self.receive()
        if kept < self.answered:
            raise Wrong(f"{self.answered} were answered, {kept} are there")
        self.publish_some()
        if self.receive() != self.answered:
            raise Wrong("the source could not go on")
        self.broker.stop()
        status, said = self.broker.verify()
        if status != 0:
            raise Wrong(said)

    def try_one(self, trial):
        """Gives what became of it: how the broker ended, or None when nothing failed."""
        self.restore()
        self.faulty.arm(trial.call, nth=trial.nth, error=getattr(errno, trial.error))
        try:
            status = self.play()
            if not self.faulty.fired:
                return None
            self.check_end(trial.call, status)
            self.check_whole()
            return {0: "went on", -signal.SIGABRT: "aborted"}.get(status, f"exit {status}")
        except Exception as error:
            error.args = (f"{trial} at {self.faulty.fired_at()}: {error}\n{self.broker.tail()}",)
            raise
        finally:
            if self.broker.process is not None:
                self.broker.kill()

    # ---- which ----

    def trials(self, most_of_a_place):
        """From a story without a fault: each call of each place, the first ones and then
        some until the last."""
        self.restore()
        status = self.play()
        self.assertEqual(status, 0, self.broker.tail())
        so_far = collections.Counter()
        places = collections.defaultdict(list)
        for place in self.faulty.trace():
            so_far[place[0]] += 1
            places[place].append(so_far[place[0]])
        found = []
        for (call, _, _), numbers in places.items():
            half = numbers[:most_of_a_place // 2]
            rest = numbers[most_of_a_place // 2:]
            stride = max(1, 2 * len(rest) // max(1, most_of_a_place))
            for nth in half + rest[::stride]:
                found += [Trial(call, nth, error) for error in ERRORS.get(call, ["ENOMEM"])]
        return found

    def test_a_handful(self):
        found = self.trials(1)
        for call in SHORTLY:
            of_call = [t for t in found if t.call == call]
            self.assertTrue(of_call, call)
            trial = of_call[len(of_call) // 2]
            self.assertIsNotNone(self.try_one(trial), trial)


# ---- all of them ----

def try_shard(options):
    case = SystemFaults("test_a_handful")
    case.setUp()
    end_s = time.monotonic() + options.seconds
    wrong = 0
    try:
        chosen = sorted(t for t in case.trials(options.first)
                        if not options.call or t.call in options.call)
        random.Random(1).shuffle(chosen)  # what there is no time for is of every call
        mine = chosen[options.shard::options.shards]
        for i, trial in enumerate(mine):
            if time.monotonic() > end_s:
                print(f"{len(mine) - i} faults were left out", flush=True)
                break
            try:
                end = case.try_one(trial) or "not reached"
            except Exception as error:  # whatever it is, the next one is tried
                wrong += 1
                end = f"WRONG {error}"
            print(f"{trial.call}\t{trial.nth}\t{trial.error}\t{end}", flush=True)
    finally:
        case.doCleanups()
    return wrong


def try_all(options):
    """Shares the trials out to processes of their own, and sums up."""
    words = [sys.executable, "-B", __file__, "--all", "--first", str(options.first),
             "--seconds", str(options.seconds), *(f"--call={call}" for call in options.call)]
    workers = [subprocess.Popen([*words, "--shard", str(i), "--shards",
                                 str(options.workers)], stdout=subprocess.PIPE, text=True)
               for i in range(options.workers)]
    ends = collections.defaultdict(collections.Counter)
    for worker in workers:
        said, _ = worker.communicate()
        for line in said.splitlines():
            parts = line.split("\t")
            if len(parts) == 4:
                ends[parts[0]][parts[3].split(" Trial", 1)[0]] += 1
            if len(parts) != 4 or parts[3].startswith("WRONG"):
                print(line)
    total = collections.Counter()
    for call in sorted(ends):
        total.update(ends[call])
        print(f"{call:20}", ", ".join(f"{n} {end}" for end, n in sorted(ends[call].items())))
    print(f"{'in all':20}", ", ".join(f"{n} {end}" for end, n in sorted(total.items())))
    return 1 if total["WRONG"] or any(worker.returncode for worker in workers) else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--call", action="append", default=[])
    parser.add_argument("--first", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--shard", type=int)
    parser.add_argument("--shards", type=int, default=1)
    options = parser.parse_args()
    if options.shard is not None:
        return try_shard(options) > 0
    return try_all(options)


if __name__ == "__main__":
    if "--all" in sys.argv:
        sys.exit(main())
    unittest.main()
