# SPDX-License-Identifier: EUPL-1.2
"""A member goes back, and the journal tells it to whoever has an export of it.

Goal: `vigie subscribe --rewind` brings again what was acknowledged and loses nothing new;
what cannot be had is refused in words. `vigied --export-journal` beside the running broker holds
every record, and anybody can verify them with the files alone; `vigie journal verify` does.
Method: a real broker, the command line, and a verification in twenty lines of Python.
"""

import base64
import hashlib
import json
import subprocess
import unittest
from pathlib import Path

from vigie_test import BIN, Story, Vigie
from wire import mutation, person

FOLLOWED = person(1)


class Rewind(Story):
    institutions = {"RN": "source", "CPAS-21004": "member"}
    settings = {"journal_export_dir": "export"}  # in the broker's folder

    def setUp(self):
        super().setUp()
        self.integrate("CPAS-21004", FOLLOWED, quality=2)
        self.vigie = Vigie("--home", str(self.broker.folder))
        self.key = ("--key", self.key_file("CPAS-21004", "member"))

    def publish(self, first, last):
        with self.source("RN") as source:
            source.publish_and_hear(
                first, [mutation(i, FOLLOWED) for i in range(first, last + 1)])

    def subscribe(self, *words, status=0):
        return self.vigie.run("subscribe", *self.key, *words, status=status)

    def test_what_was_acknowledged_comes_again_beside_what_is_new(self):
        self.publish(1, 10)
        got = self.subscribe("--count", "10")
        self.assertEqual([n["number"] for n in got], list(range(1, 11)))
        self.wait_until(lambda: self.opened("CPAS-21004").waiting == 0)
        self.publish(11, 12)
        got = self.subscribe("--rewind", "4", "--count", "9")
        numbers = [n["number"] for n in got]  # 11 and 12 may have been on their way
        self.assertEqual([n for n in numbers if n < 11], list(range(4, 11)))
        self.assertEqual([n for n in numbers if n > 10], [11, 12])
        self.assertTrue(all(n["again"] for n in got if n["number"] < 11))
        got = self.subscribe("--rewind", "2026-01-01", "--count", "12", "--keep")
        self.assertEqual([n["number"] for n in got], list(range(1, 13)))
        self.assertLog("event=rewound", "from=4", "through=10")

    def test_what_cannot_be_had_is_refused(self):
        self.publish(1, 3)
        self.subscribe("--count", "3")
        self.wait_until(lambda: self.opened("CPAS-21004").waiting == 0)
        done = self.vigie.run_raw("subscribe", *self.key, "--rewind", "4")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("NOT_FOUND", done.stdout + done.stderr)
        done = self.vigie.run_raw("subscribe", *self.key, "--rewind", "yesterday")
        self.assertEqual(done.returncode, 2)
        self.assertIn("yesterday", done.stderr)

    def export(self):
        folder = self.broker.folder / "export"
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [str(BIN / "vigied"), "--settings", str(self.broker.settings_path), "--json",
             "--export-journal", str(folder)],
            capture_output=True, text=True, timeout=60, check=True)
        return json.loads(done.stdout)

    def verified(self, path, previous):
        """Its records' items, and the hash of the last record."""
        items = []
        with open(path, encoding="utf-8") as lines:
            head = json.loads(next(lines))
            self.assertIn("RN", head["institutions"].values())
            for commit, text in enumerate(lines, head["from"]):
                line = json.loads(text)
                self.assertEqual(line["commit"], commit)
                self.assertEqual(line["previous"], previous)
                previous = hashlib.blake2b(
                    bytes.fromhex(previous) + base64.b64decode(line["record"]),
                    digest_size=32).hexdigest()
                self.assertEqual(line["hash"], previous)
                items += line["items"]
        return items, previous

    def test_an_export_verifies_without_the_broker(self):
        self.publish(1, 5)
        self.subscribe("--count", "5")
        self.wait_until(lambda: self.opened("CPAS-21004").waiting == 0)
        done = self.export()
        items, last = self.verified(done["file"], "0" * 64)
        events = [item for item in items if item["kind"] == "event"]
        self.assertEqual(len(events), 5)
        self.assertEqual(events[0]["niss"], f"{FOLLOWED:011}")
        self.assertEqual(events[0]["source"], "RN")
        self.assertEqual([r["institution"] for r in events[0]["recipients"]], ["CPAS-21004"])
        self.assertEqual(events[0]["recipients"][0]["quality"], 2)
        self.subscribe("--rewind", "1", "--count", "5")
        items, _ = self.verified(self.export()["file"], last)
        texts = [item["text"] for item in items if item["kind"] == "admin"]
        self.assertIn("from 1 through 5", texts)

    def verify(self, status):
        done = self.vigie.run_raw("journal", "verify", str(self.broker.folder / "export"))
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_the_command_line_verifies_an_export_and_finds_what_was_changed(self):
        self.publish(1, 5)
        whole = Path(self.export()["file"])
        self.publish(6, 9)
        self.export()
        folder = self.broker.folder / "export"
        self.assertIn((folder / "exported").read_text().strip(), self.verify(status=0))
        text = whole.read_text()
        lines = text.splitlines(keepends=True)
        record = json.loads(lines[2])
        changed = record["record"].replace("A", "B", 1)
        whole.write_text("".join([*lines[:2], lines[2].replace(record["record"], changed),
                                  *lines[3:]]))
        self.assertIn(f"commit {record['commit']}: its hash does not hold",
                      self.verify(status=4))
        whole.write_text("".join([*lines[:2], *lines[3:]]))
        self.assertIn(f"commit {record['commit'] + 1}: does not come next",
                      self.verify(status=4))
        forged = {**record, "previous": "0" * 64}
        whole.write_text("".join([*lines[:2], json.dumps(forged) + "\n", *lines[3:]]))
        self.assertIn("does not follow on the one before", self.verify(status=4))
        whole.write_text(text[:-20])
        self.assertIn("no JSON object", self.verify(status=4))
        whole.write_text("")
        self.assertIn("is empty", self.verify(status=4))
        whole.write_text(text)
        self.verify(status=0)

    def test_the_broker_reads_how_far_the_export_goes(self):
        folder = self.broker.folder / "export"
        folder.mkdir()
        (folder / "exported").write_text("nonsense\n")
        self.broker.restart()
        self.assertLog("event=journal_unexported", "exported", "COMMIT HASH")


if __name__ == "__main__":
    unittest.main()
