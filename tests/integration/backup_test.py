# SPDX-License-Identifier: EUPL-1.2
"""A backup is written while a source publishes; the store made of it goes on.

Goal: backups never stop the broker; a restored store is verified, ends at the point that
was asked for, and takes up its work; a backup that was killed is no backup. Method: a
source that publishes all the while, backups full and incremental beside it, restores into
folders of their own, and a broker started on one.
"""

import json
import shutil
import signal
import subprocess
import threading
import time
import unittest

from vigie_test import BIN, Story, Vigie
from wire import mutation, person

FOLLOWED = person(1)
FRAME = 100


class Backup(Story):
    institutions = {"RN": "source", "CPAS-21004": "member"}

    def setUp(self):
        super().setUp()
        self.integrate("CPAS-21004", FOLLOWED, quality=2)
        self.folder = self.broker.folder
        self.vigie = Vigie("--home", str(self.folder))
        self.kept = 0

    def publish(self, source, frames):
        for _ in range(frames):
            first = self.kept + 1
            answer = source.publish_and_hear(
                first, [mutation(n, FOLLOWED) for n in range(first, first + FRAME)])
            self.assertEqual(list(answer.results), [])
            self.kept = answer.through

    def backup(self, name, *words):
        return self.vigie.run("backup", str(self.folder / name), *words)

    def vigied(self, store, *words):
        """Runs vigied with a store of its own; gives exit status and what it said."""
        settings = self.folder / "other.yaml"
        self.broker.write_settings()
        text = self.broker.settings_path.read_text()
        settings.write_text("\n".join(
            f"store_path: {json.dumps(str(store))}" if line.startswith("store_path") else line
            for line in text.splitlines()) + "\n")
        done = subprocess.run([str(BIN / "vigied"), "--settings", str(settings), *map(str, words)],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    def restore(self, name, backup, *words):
        status, said = self.vigied(self.folder / name, "--restore", self.folder / backup, *words)
        self.assertEqual(status, 0, said)
        return self.folder / name

    def test_beside_a_source_and_back(self):
        done = threading.Event()
        longest = [0.0]

        def publish_on():
            with self.source("RN") as source:
                while not done.is_set():
                    began = time.monotonic()
                    self.publish(source, 1)
                    longest[0] = max(longest[0], time.monotonic() - began)

        with self.source("RN") as source:
            self.publish(source, 50)
        thread = threading.Thread(target=publish_on)
        thread.start()
        try:
            full = self.backup("full")
            compact = self.backup("compact", "--compact")
            one = self.backup("one", "--since", str(self.folder / "full"))
            two = self.backup("two", "--since", str(self.folder / "one"))
        finally:
            done.set()
            thread.join()
        self.assertGreater(compact["commit"], full["commit"])
        self.assertEqual((one["since"], two["since"]), (full["commit"], one["commit"]))
        self.assertLess(longest[0], 5.0)
        self.broker.kill()
        self.check_store()

        with_two = ("--with", self.folder / "one", "--with", self.folder / "two")
        for name, backup, words in (
                ("a", "full", ()), ("b", "compact", ()), ("c", "full", with_two),
                ("d", "full", (*with_two, "--with", self.folder / "store")),
                ("e", "full", (*with_two, "--to", one["commit"] - 1))):
            store = self.restore(name, backup, *words)
            status, said = self.vigied(store, "--verify", "--json")
            self.assertEqual(status, 0, said)
            wanted = {"a": full["commit"], "b": compact["commit"], "c": two["commit"],
                      "e": one["commit"] - 1}.get(name)
            if wanted is not None:
                self.assertEqual(json.loads(said)["commits"], wanted)

        # Up to a commit in the middle, up to the last increment, and the whole of it.
        counts = [self.letters_of("a"), self.letters_of("e"), self.letters_of("c")]
        self.assertEqual(counts, sorted(set(counts)))
        self.assertLess(counts[-1], self.kept)
        self.live_in("d")
        self.goes_on(self.kept)

    def live_in(self, name):
        shutil.rmtree(self.folder / "store")
        (self.folder / name).rename(self.folder / "store")
        self.broker.start()

    def letters_of(self, name):
        """Every letter of a restored store is read and compared; gives how many."""
        self.live_in(name)
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            last = source.last_number()
            member.subscribe(messages=100_000, size=64 << 20)
            got = member.deliveries(last)
            self.assertEqual([(n.number, n.content.id) for n in got],
                             [(n, f"m-{n}") for n in range(1, last + 1)])
        self.broker.stop()
        return last

    def goes_on(self, kept):
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            self.assertEqual(source.last_number(), kept)
            self.kept = kept
            self.publish(source, 1)
            mailbox = member.subscribe(messages=100_000, size=64 << 20).mailbox
            got = member.deliveries(self.kept)
            self.assertEqual([n.number for n in got], list(range(1, self.kept + 1)))
            self.assertEqual([n.content.id for n in got],
                             [f"m-{n}" for n in range(1, self.kept + 1)])
            member.acknowledge(mailbox, self.kept)
        self.broker.stop()
        self.check_store()

    def test_a_backup_that_was_killed_is_none(self):
        with self.source("RN") as source:
            self.publish(source, 300)
            folder = self.folder / "killed"
            backup = subprocess.Popen(
                [str(BIN / "vigied"), "--settings", str(self.broker.settings_path),
                 "--backup", str(folder)], stdout=subprocess.DEVNULL)
            while not (folder / "data.mdb").exists() and backup.poll() is None:
                pass
            backup.send_signal(signal.SIGKILL)
            backup.wait()
            self.publish(source, 1)  # nothing waits for the dead
            if (folder / "MANIFEST").exists():
                self.skipTest("it was faster than the kill")
            status, said = self.vigied(self.folder / "other", "--restore", folder)
            self.assertEqual(status, 1)
            self.assertIn("no finished backup", said)
            self.assertFalse((self.folder / "other" / "data.mdb").exists())
            self.assertEqual(self.vigie.run_raw("backup", str(folder)).returncode, 1)
            shutil.rmtree(folder)
            self.backup("killed")

    def test_a_restore_to_the_past_shows(self):
        with self.source("RN") as source:
            self.publish(source, 3)
        self.backup("full")
        with self.source("RN") as source:
            self.publish(source, 3)
        self.broker.stop()
        shutil.move(self.folder / "store", self.folder / "lost")
        self.restore("store", "full")
        self.broker.start()
        self.goes_on(3 * FRAME)  # LastNumber went back: the source publishes again


if __name__ == "__main__":
    unittest.main()
