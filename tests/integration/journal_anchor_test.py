# SPDX-License-Identifier: EUPL-1.2
"""A journal that somebody rewrote is found out by a line that was kept elsewhere.

Goal: the broker signs its journal each day; the line that `vigie journal anchor` shows, kept
with the public key, tells a rewritten journal from the real one, although every hash in it was
made anew, and from which commit on it may differ. Whoever has another key, or changes the line,
proves nothing. The key is for the broker alone.
Method: a broker whose calendar is moved by a preloaded library (three days, three anchors), an
export of its journal, and a forger in Python who changes a record and makes all hashes after it
anew. A build with a sanitizer takes no preloaded library: there is one day, and one anchor.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import unittest

from vigie_test import BIN, Story, Vigie
from wire import mutation, person
from who_knew_test import CLOCK, takes_clock

ANNE, NEAR = person(1), "CPAS-21004"


class Anchors(Story):
    institutions = {"RN": "source", NEAR: "member"}

    def setUp(self):
        super().setUp()
        self.vigie = Vigie("--home", str(self.broker.folder))
        self.number = 0

    # ---- given ----

    def signs_for_days(self, days):
        """A key is made, as by `vigie init`; mutations each day; the day's line is kept."""
        self.broker.stop()
        self.key = self.vigie.run("journal", "key", "--make")["public"]
        self.lines = []
        for day in range(days if takes_clock() else 1):
            moved = {"LD_PRELOAD": str(CLOCK), "SHIFT_DAYS": str(day)} if day else {}
            self.broker.start(**moved)
            self.broker.wait_for("event=journal_signed")
            self.lines.append(self.vigie.run_raw("journal", "anchor").stdout.strip())
            if day == 0:
                self.integrate(NEAR, ANNE, 2)
            with self.source("RN") as source:
                for _ in range(5):
                    self.number += 1
                    source.publish_and_hear(self.number, [mutation(self.number, ANNE)])
            self.broker.stop()
        self.commits = [int(line.split()[3]) for line in self.lines]

    def exported(self):
        folder = self.folder / "exported"
        folder.mkdir(exist_ok=True)
        done = self.vigied("--export-journal", str(folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        return folder

    def vigied(self, *words):
        return subprocess.run([BIN / "vigied", "--settings", self.broker.settings_path, *words],
                              text=True, capture_output=True, check=False, timeout=60)

    def kept(self, *lines):
        path = self.folder / "kept.txt"
        path.write_text("\n".join(("From: the broker", "", *lines, "")))
        return path

    def forge(self, folder, commit):
        """Changes a record and makes every hash from there on anew."""
        forged = self.folder / f"forged-{commit}"
        shutil.copytree(folder, forged)
        before = None
        for path in sorted(forged.glob("journal-*.jsonl"),
                           key=lambda path: int(path.name.split("-")[1])):
            lines = path.read_text().splitlines()
            for at in range(1, len(lines)):
                line = json.loads(lines[at])
                if line["commit"] >= commit:
                    record = bytearray(base64.b64decode(line["record"]))
                    if before is None:
                        before = bytes.fromhex(line["previous"])
                        record[16] ^= 1  # its moment
                    record[32:64] = before
                    line["previous"] = before.hex()
                    before = hashlib.blake2b(before + record, digest_size=32).digest()
                    line["hash"] = before.hex()
                    line["record"] = base64.b64encode(record).decode()
                    lines[at] = json.dumps(line)
            path.write_text("\n".join(lines) + "\n")
        return forged

    def verify(self, folder, *words, status=0):
        done = self.vigie.run_raw("journal", "verify", str(folder), *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    # ---- then ----

    def test_a_rewritten_journal_is_found_out_and_where(self):
        self.signs_for_days(3)
        folder = self.exported()
        kept = ("--anchor", str(self.kept(*self.lines)), "--key", self.key)
        said = self.verify(folder, *kept)
        self.assertIn(f"passes through {len(self.lines)} anchor", said)
        self.assertIn(f"at commit {self.commits[-1]}", said)

        commit = self.commits[-1] - 1  # after the last but one, if there are several
        forged = self.forge(folder, commit)
        self.verify(forged)  # its hashes hold: only the anchors know
        said = self.verify(forged, *kept, status=4)
        first = self.commits[-2] + 1 if len(self.commits) > 1 else 1
        self.assertIn(f"differs from commit {first} or a later one on", said)
        answer = self.vigie.run("journal", "verify", str(forged), *kept, status=4)
        self.assertFalse(answer["good"])
        self.verify(forged, "--key", self.key, status=4)  # its own anchors know as well
        self.assertIn("passes through", self.verify(folder, "--key", self.key))

    def test_a_store_is_read_beside_its_broker_and_without(self):
        self.signs_for_days(2)
        kept = ("--anchor", str(self.kept(*self.lines)), "--key", self.key)
        for run in (self.broker.start, self.broker.stop):
            run()
            for words in ((), ("--key", self.key), kept):
                answer = self.vigie.run("journal", "verify", *words)
                self.assertTrue(answer["good"])
                self.assertGreaterEqual(answer["through"], self.commits[-1])
                self.assertEqual("anchors" in answer, bool(words))
        self.vigie.run("journal", "verify", "--key", "00" * 32, status=4)

    def test_another_key_and_a_changed_line_prove_nothing(self):
        self.signs_for_days(1)
        folder, line = self.exported(), self.lines[0]
        other = Vigie("--home", str(self.folder / "other"))
        other.run("init")
        wrong = other.run("journal", "key")["public"]
        self.assertNotEqual(wrong, self.key)
        self.assertIn("another key", self.verify(
            folder, "--anchor", str(self.kept(line)), "--key", wrong, status=4))
        words = line.split()
        for at, word in ((2, "2026-01-01"), (3, "1"), (4, "00" * 32), (6, "00" * 64)):
            changed = " ".join([*words[:at], word, *words[at + 1:]])
            with self.subTest(word=word):
                self.assertIn("it was changed", self.verify(
                    folder, "--anchor", str(self.kept(changed)), "--key", self.key, status=4))
        self.assertIn("cut short", self.verify(
            folder, "--anchor", str(self.kept(line[:-3])), "--key", self.key, status=4))
        self.assertIn("holds no anchor", self.verify(
            folder, "--anchor", str(self.kept()), "--key", self.key, status=4))
        self.verify(folder, "--anchor", str(self.kept(line)), status=2)  # no key
        # A journal that ends before the anchor.
        path = max(folder.glob("journal-*.jsonl"))
        lines = path.read_text().splitlines()
        path.write_text("\n".join(lines[:self.commits[0]]) + "\n")
        self.assertIn("it ends with commit", self.verify(
            folder, "--anchor", str(self.kept(line)), "--key", self.key, status=4))

    def test_anchors_are_found_by_their_day_and_stay(self):
        self.signs_for_days(2)
        self.broker.start()
        answer = self.vigie.run("journal", "anchor", "--all")["anchors"]
        self.assertEqual([one["line"] for one in answer], self.lines)
        for one, line in zip(answer, self.lines):
            self.assertEqual(one["day"], line.split()[2])
            self.assertEqual(one["key"], self.key)
            told = self.vigie.run_raw("journal", "anchor", "--day", one["day"])
            self.assertEqual(told.stdout.strip(), line)
        status, refused = self.broker.http("GET", "/v1/journal/anchors?day=2026-01-01")
        self.assertEqual((status, refused["error"]["name"]), (404, "NOT_FOUND"))
        status, refused = self.broker.http("GET", "/v1/journal/anchors?day=today")
        self.assertEqual(refused["error"]["name"], "BAD_DATE")
        status, _ = self.broker.http("GET", "/v1/journal/anchors", token="not the token")
        self.assertEqual(status, 401)
        self.broker.stop()
        self.check_store()

    def test_the_key_is_for_the_broker_alone(self):
        self.broker.stop()
        public = self.vigie.run("journal", "key", "--make")["public"]
        self.vigie.run_raw("journal", "key", "--make")  # never a second one over it
        self.assertEqual(self.vigie.run("journal", "key")["public"], public)
        path = self.broker.folder / "anchor.key"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        secret = path.read_text().split()[3]
        self.broker.start()
        self.broker.wait_for("event=journal_signed")
        self.broker.stop()
        self.assertNotIn(secret, self.broker.log())
        for file in (self.broker.folder / "store").iterdir():
            self.assertNotIn(bytes.fromhex(secret), file.read_bytes())
        path.chmod(0o640)
        self.broker.spawn()
        self.assertEqual(self.broker.wait(), 1)
        self.assertIn("others than its owner may use the key file", self.broker.log())
        self.assertNotIn(secret, self.broker.log())


if __name__ == "__main__":
    unittest.main()
