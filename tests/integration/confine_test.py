# SPDX-License-Identifier: EUPL-1.2
"""Whoever gets hold of the running daemon can do little with it.

Goal: after start-up nothing can be executed, traced, forked, connected to or listened at;
there is no core file, no debugger, no new privilege; and serving does not notice. Method: a
preloaded library makes the forbidden call inside the running daemon. A build with a
sanitizer has no filter, and only says so.
"""

import os
import re
import signal
import subprocess
import unittest

from vigie_test import BIN, PATIENCE_S, Story
from wire import SOURCE, mutation, person

NOBODY = SOURCE / "tests/fuzz/corpus/image/none"  # a directory of no persons
FORBIDDEN = BIN / "libforbidden_calls.so"
EPERM = 1
REFUSED = ["fork", "packet_socket", "internet_socket", "connect", "executable_memory",
           "memory_made_executable", "kill_another"]
DEADLY = ["execve", "ptrace"]


class Confine(Story):
    institutions = {"RN": "source", "CPAS-21004": "member"}

    def setUp(self):
        super().setUp()
        if "syscall_filter=no" in self.broker.wait_for("event=confined"):
            self.skipTest("a build with a sanitizer")

    def call(self, name):
        """Restarts the broker with the library and has it make this call."""
        self.broker.stop()
        self.broker.start(LD_PRELOAD=str(FORBIDDEN), FORBIDDEN=name)
        self.broker.wait_for("event=confined")
        os.kill(self.broker.pid, signal.SIGUSR2)

    def test_serves_as_before(self):
        self.integrate("CPAS-21004", person(1), quality=1)
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            member.subscribe()
            source.publish_and_hear(1, [mutation(1, person(1))])
            self.assertEqual(len(member.deliveries(1)), 1)
            os.kill(self.broker.pid, signal.SIGHUP)
            source.publish_and_hear(2, [mutation(2, person(1))])
            self.assertEqual(len(member.deliveries(1)), 1)
        self.assertNotIn("call_refused", self.broker.log())

    def test_refuses_what_is_not_on_the_list(self):
        for name in REFUSED:
            with self.subTest(call=name):
                self.call(name)
                line = self.broker.wait_for(f"forbidden={name}")
                self.assertIn(f"result=-1 errno={EPERM}", line)
                self.assertRegex(self.broker.wait_for("event=call_refused"),
                                 r"number=\d+ why=")
                self.assertEqual(self.broker.http("GET", "/healthz")[0], 200)
        self.call("allowed")
        self.assertIn("errno=0", self.broker.wait_for("forbidden=allowed"))

    def test_ends_at_what_only_an_attack_calls(self):
        for name in DEADLY:
            with self.subTest(call=name):
                self.call(name)
                self.assertEqual(self.broker.wait(), -signal.SIGSYS)
                self.broker.start()
        self.check_alive()

    def check_alive(self):
        with self.source("RN") as source:
            self.assertEqual(source.last_number(), 0)

    def task(self, *words):
        """vigied instead of serving: a process of its own, which keeps what it needs."""
        done = subprocess.run([str(BIN / "vigied"), "--settings",
                               str(self.broker.settings_path), *map(str, words)],
                              capture_output=True, text=True, check=False,
                              timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))

    def test_what_is_done_beside_it_or_after_it_still_works(self):
        backup, journal = self.folder / "backup", self.folder / "journal"
        journal.mkdir()
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(1, person(1))])
            self.task("--check")
            self.task("--backup", backup)
            self.task("--export-journal", journal)
            source.publish_and_hear(2, [mutation(2, person(1))])
        self.assertNotIn("call_refused", self.broker.log())
        self.broker.stop()
        self.task("--verify")
        self.task("--repair", "--from", backup)
        self.task("--load-directory", NOBODY)
        self.broker.start()

    def test_leaves_no_core_and_gains_no_privilege(self):
        with open(f"/proc/{self.broker.pid}/status", encoding="ascii") as status:
            fields = dict(re.findall(r"(\w+):\s+(.*)", status.read()))
        self.assertEqual(fields["NoNewPrivs"], "1")
        self.assertEqual(fields["Seccomp"], "2")
        for thread in os.listdir(f"/proc/{self.broker.pid}/task"):
            with open(f"/proc/{self.broker.pid}/task/{thread}/status",
                      encoding="ascii") as status:
                self.assertIn("Seccomp:\t2", status.read(), "a thread without the filter")
        with open(f"/proc/{self.broker.pid}/limits", encoding="ascii") as limits:
            core = next(line for line in limits if line.startswith("Max core file size"))
        self.assertEqual(core.split()[4:6], ["0", "0"])
        if os.getuid() != 0:  # what cannot be dumped is root's
            self.assertEqual(os.stat(f"/proc/{self.broker.pid}/mem").st_uid, 0)
        os.kill(self.broker.pid, signal.SIGABRT)
        self.broker.wait()
        self.assertEqual([p.name for p in self.folder.rglob("core*")], [])
        self.broker.start()


class Unconfined(Story):
    settings = {"syscall_filter": False, "core_dumps": True}

    def test_can_be_switched_off_to_look_inside(self):
        self.assertLog("event=confined", "syscall_filter=no core_dumps=yes")
        with open(f"/proc/{self.broker.pid}/status", encoding="ascii") as status:
            self.assertIn("Seccomp:\t0", status.read())


if __name__ == "__main__":
    unittest.main()
