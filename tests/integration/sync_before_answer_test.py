# SPDX-License-Identifier: EUPL-1.2
"""No Published and no notification leaves before the sync of its commit returned.

Goal: "answered" means "on the disk", by what the program asks the system and not by what
it says. Method: vigied under strace. The frames to look for cannot be read (CURVE), but
they can be recognised: each Published carries hundreds of refusals and each notification
large fields, so that nothing else on these two doors is as long. Frames of one size are
published one at a time, so each answer needs a whole commit of its own before its first
byte: fdatasync returned, meta page written through O_DSYNC and returned. All bytes sent
are put to the account of the last whole commit before them: every commit's account must
then hold one answer, no more and no less.
In the second test every sync takes a quarter of a second longer, so that whoever does not
wait for it would be seen to be early. In the third the sync fails: nobody is answered.
The reading of the trace is itself tried on a trace with one line moved.
"""

import bisect
import re
import statistics
import time
import unittest

from vigie_test import Story
from wire import Silence, mutation, person

FOLLOWED = person(1)
LONG = 512       # bytes in one send: only a Published or a delivery of these tests
ROUNDS = 30
DELAY_MS = 250
CUT_MAX = 3      # answers in whose midst a commit of the broker's own may fall

LINE = re.compile(r"^(\d+) +(\S.*)$")
CALL = re.compile(r"^(\w+)\((.*)$")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")


class Call:
    """One system call: where in the trace it began and where it returned."""

    def __init__(self, name, text, began):
        self.name, self.text, self.began, self.returned = name, text, began, None

    def is_sync(self):
        return self.name in ("fdatasync", "fsync") and "data.mdb" in self.text

    def is_store_write(self):
        return self.name in ("pwrite64", "pwritev", "write", "writev") \
            and "data.mdb" in self.text

    def long_send_bytes(self, port):
        """How many bytes went to this door's peers in this call; 0 when it was none."""
        found = re.search(r"TCP:\[127\.0\.0\.1:(\d+)->", self.text)
        sent = re.search(r"= (\d+)\s*$", self.text)
        if self.name not in ("sendto", "sendmsg", "write", "writev") or not found or not sent:
            return 0
        size = int(sent.group(1))
        return size if int(found.group(1)) == port and size >= LONG else 0


def read_trace(lines):
    """The calls in the order in which they began."""
    calls, open_calls = [], {}
    for at, line in enumerate(lines):
        found = LINE.match(line)
        if not found:
            continue
        thread, rest = found.groups()
        resumed = RESUMED.match(rest)
        if resumed and thread in open_calls:
            call = open_calls.pop(thread)
            call.text += resumed.group(2)
            call.returned = at
            continue
        begun = CALL.match(rest)
        if not begun:
            continue
        call = Call(begun.group(1), begun.group(2), at)
        calls.append(call)
        if "<unfinished ...>" in rest:
            open_calls[thread] = call
        else:
            call.returned = at
    return calls


def whole_commits(calls):
    """Where in the trace each commit was on the disk: its meta page, written after its
    data was synced, has returned."""
    syncs = [c.returned for c in calls if c.is_sync() and c.returned is not None]
    metas = [c for c in calls if c.is_store_write() and c.returned is not None]
    return sorted({min(m.returned for m in metas if m.began > sync)
                   for sync in syncs if any(m.began > sync for m in metas)})


def accounts(calls, port):
    """Bytes of long sends by the number of whole commits before each."""
    commits = whole_commits(calls)
    by_commit = {}
    for call in calls:
        size = call.long_send_bytes(port)
        if size:
            at = bisect.bisect(commits, call.began)
            by_commit[at] = by_commit.get(at, 0) + size
    return by_commit


def joined(by_commit):
    """Puts answers together that a commit of the broker's own (a fold, what is old) cut in
    two: each part is short, and both together are as long as the others. Parts that left
    early would make the answer before them too long, or be many."""
    usual = statistics.median(by_commit.values())
    whole, cut = dict(by_commit), 0
    for at in sorted(by_commit):
        both = by_commit[at] + by_commit.get(at + 1, 0)
        if by_commit[at] < 0.95 * usual < both < 1.05 * usual and cut < CUT_MAX:
            whole[at], cut = both, cut + 1
            del whole[at + 1]
    return whole


def what_is_wrong(calls, port, frames):
    by_commit = joined(accounts(calls, port))
    sizes = sorted(by_commit.values())
    if len(sizes) != frames:
        return f"{len(sizes)} commits were followed by an answer, {frames} frames were sent"
    if 0 in by_commit:
        return "an answer left before any commit"
    if sizes[-1] > 1.05 * sizes[0]:
        return f"answers are unequal, {sizes[0]} to {sizes[-1]} bytes: some left early"
    return None


class SyncBeforeAnswer(Story):
    institutions = {"RN": "source", "CPAS-21004": "member"}

    def setUp(self):
        super().setUp()
        self.integrate("CPAS-21004", FOLLOWED, quality=2)
        self.trace = self.folder / "trace"

    def under_strace(self, *more):
        self.broker.stop()
        # Looking for leaks does not work under strace.
        self.broker.start(before=[
            "strace", "-D", "-f", "-q", "-yy", "-s", "0", "-o", str(self.trace), *more,
            "-e", "trace=fdatasync,fsync,pwrite64,pwritev,write,writev,sendto,sendmsg"],
            ASAN_OPTIONS="detect_leaks=0")

    def frame(self, number):
        """One that is kept and matched, and refusals that make the answer long."""
        good = mutation(number, FOLLOWED, fields=[("020", "x" * 4000), ("001", "y" * 4000)])
        bad = mutation(number, FOLLOWED, flow="aFlowThatNobodyHasEverHeardOf")
        return [good] + [bad] * 199

    def publish_rounds(self, rounds):
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            member.subscribe()
            number = source.last_number() + 1
            for _ in range(rounds):
                answer = source.publish_and_hear(number, self.frame(number))
                self.assertEqual(len(answer.results), 199)
                member.deliveries(1)  # not acknowledged: that would be a commit too
                number += 200

    def test_every_answer_and_every_delivery_comes_after_its_sync(self):
        self.under_strace()
        self.publish_rounds(ROUNDS)
        self.broker.stop()
        calls = read_trace(self.trace.read_text(errors="replace").splitlines())
        for door in ("sources", "members"):
            port = self.broker.ports[door]
            self.assertIsNone(what_is_wrong(calls, port, ROUNDS), door)
            self.would_see_an_early_send(calls, port)

    def would_see_an_early_send(self, calls, port):
        """The same reader, on traces where one send of an answer, its longest or all of
        them, is moved before the sync it must wait for."""
        commits = whole_commits(calls)
        answers = accounts(calls, port)
        # Behind a commit with an answer of its own: there an early one has no room.
        last = max(at for at in answers if at - 1 in answers)
        late = [c for c in calls if c.long_send_bytes(port)
                and bisect.bisect(commits, c.began) == last]
        longest = max(late, key=lambda call: call.long_send_bytes(port))
        for moved in ([longest], late):
            places = [(c, c.began) for c in moved]
            for call, _ in places:
                call.began = commits[last - 1] - 1
            self.assertIsNotNone(what_is_wrong(calls, port, ROUNDS))
            for call, began in places:
                call.began = began

    def test_a_slow_sync_makes_a_slow_answer(self):
        self.under_strace("-e", f"inject=fdatasync:delay_exit={DELAY_MS * 1000}")
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            member.subscribe()
            for number in (1, 201, 401):
                begin = time.monotonic()
                source.publish(number, self.frame(number))
                member.deliveries(1)
                delivered = time.monotonic() - begin
                source.hear_one("published")
                answered = time.monotonic() - begin
                self.assertGreaterEqual(delivered, DELAY_MS / 1000)
                self.assertGreaterEqual(answered, DELAY_MS / 1000)

    def test_a_sync_that_fails_answers_nobody_and_ends_the_broker(self):
        self.under_strace("-e", "inject=fdatasync:error=EIO:when=4+")
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            member.subscribe()
            answered = 0
            with self.assertRaises(Silence):
                for number in range(1, 2000, 200):
                    source.publish(number, self.frame(number))
                    answered = source.hear_one("published", timeout_s=3.0).through
        self.assertLess(answered, 1800)
        self.assertNotEqual(self.broker.wait(), 0)

        # Whoever was not answered says it again and is answered; nothing is there twice.
        self.broker.start()
        with self.source("RN") as source:
            answer = source.publish_and_hear(answered + 1, self.frame(answered + 1))
            self.assertEqual(answer.through, answered + 200)
        opened = self.opened("CPAS-21004")
        self.assertEqual(opened.last, answered // 200 + 1)


if __name__ == "__main__":
    unittest.main()
