# SPDX-License-Identifier: EUPL-1.2
"""A disk that hangs is noticed, shown and waited for, and the rest goes on.

Goal: while a commit does not end there is a line in the log, a number in the metrics, 503
with a sentence from /healthz, Blocked for the sources; connections are taken, heartbeats go
out and systemd hears that the loop turns. When it ends, all of it ends, and the answer comes.
A loop that hangs itself is silent towards systemd. Method: a sync that hangs until all of
that was seen (faulty.py), on a store in memory, and a socket in systemd's place.
"""

import socket
import threading
import time
import unittest

from faulty import Faulty, needs_faulty
from vigie_test import PATIENCE_S, Story, memory
from wire import mutation, person, proto

FOLLOWED = person(1)
SLOW_MS = 1000  # so long takes no commit that is not made to
FOR_EVER_MS = int(PATIENCE_S * 1000)  # until it is let go on
WATCHDOG_MS = 200  # half of it between two words


class Systemd:
    """Listens to what sd_notify says."""

    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.heard = []
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        while True:
            self.heard += [(time.monotonic(), word)
                           for word in self.socket.recv(4096).decode().split()]

    def environment(self):
        return {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(WATCHDOG_MS * 1000)}

    def words_since(self, begin):
        return sum(word == "WATCHDOG=1" and at >= begin for at, word in list(self.heard))

    def longest_silence(self, begin, end):
        times = [begin] + [at for at, word in list(self.heard)
                           if word == "WATCHDOG=1" and begin <= at <= end] + [end]
        return max(b - a for a, b in zip(times, times[1:]))


@needs_faulty
class HungDisk(Story):
    institutions = {"RN": "source", "CPAS-21004": "member"}
    parent = memory()
    settings = {"disk_slow_ms": SLOW_MS, "heartbeat_ms": 1000}

    def setUp(self):
        super().setUp()
        self.broker.stop()
        self.faulty = Faulty(self.folder)
        self.systemd = Systemd(self.folder)
        self.broker.start(**self.faulty.environment(), **self.systemd.environment())

    def is_said_a_heartbeat(self, wire, beside):
        """beside must not fall silent meanwhile."""
        beside.say(heartbeat=proto.Heartbeat(echo=1))
        if not wire.socket.poll(50):
            return False
        message = proto.ToClient.FromString(wire.socket.recv())
        return message.WhichOneof("message") == "heartbeat"

    def test_a_hung_commit_is_shown_and_the_loop_goes_on(self):
        with self.source("RN") as source:
            self.faulty.arm("fdatasync", how="slow", delay_ms=FOR_EVER_MS)
            source.publish(1, [mutation(1, FOLLOWED)])
            fault = source.hear_one("blocked").fault
            self.assertFault(fault, "BUSY", "time", "the disk has not finished a commit")
            status, said = self.broker.http("GET", "/healthz")
            self.assertEqual((status, said["error"]["name"]), (503, "BUSY"))
            self.assertIn("the disk has not finished", said["error"]["sentence"])
            self.assertGreaterEqual(self.metric("vigie_commit_age_ms"), SLOW_MS)
            self.assertEqual(self.metric("vigie_slow_commits_total"), 1)
            with self.member("CPAS-21004") as member:
                begin = time.monotonic()
                self.wait_until(lambda: self.is_said_a_heartbeat(member, source))
                self.wait_until(lambda: self.systemd.words_since(begin) >= 3)

            self.faulty.disarm()
            heard = [source.hear().WhichOneof("message") for _ in range(2)]
            self.assertEqual(sorted(heard), ["published", "resumed"])
        self.assertEqual(self.broker.http("GET", "/healthz")[0], 200)
        self.wait_until(lambda: self.metric("vigie_commit_age_ms") == 0)
        self.assertGreaterEqual(self.metric("vigie_commit_us_max"), SLOW_MS * 1000)
        self.assertLog("event=disk_slow", "level=warning", f"disk_slow_ms={SLOW_MS}")
        self.assertLog("event=disk_answers", "after_ms=")
        self.assertEqual(self.broker.log().count("event=disk_slow "), 1)

    def test_a_hung_loop_is_silent_towards_systemd(self):
        self.wait_until(lambda: any(w == "WATCHDOG=1" for _, w in self.systemd.heard))
        begin = time.monotonic()
        self.faulty.arm("fstatvfs", how="slow", delay_ms=1500)  # the loop's own, once a second
        self.wait_until(lambda: self.faulty.fired > 0)
        self.broker.http("GET", "/healthz")  # answered when it turns again
        end = time.monotonic()
        self.assertGreaterEqual(self.systemd.longest_silence(begin, end), 1.0)


if __name__ == "__main__":
    unittest.main()
