# SPDX-License-Identifier: EUPL-1.2
"""Settings and catalogue are refused before anything starts, all mistakes at once.

Goal: `vigied --check` and `vigie catalogue check` name each mistake with its line and
reason; what is wrong in the settings also keeps the broker from starting. The shipped
files have none. Method: files with known mistakes on known lines.
"""

import subprocess
import tempfile
import unittest
from pathlib import Path

from vigie_test import BIN
from wire import SOURCE


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          timeout=30, check=False)


class SettingsCheck(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vigie-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def written(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def assertMistakes(self, done, *mistakes):
        self.assertNotEqual(done.returncode, 0)
        said = done.stdout + done.stderr
        for line, word in mistakes:
            self.assertRegex(said, rf"(?m):{line}: .*{word}")

    def test_the_shipped_settings_are_good(self):
        done = run(BIN / "vigied", "--settings", SOURCE / "deploy" / "vigied.yaml", "--check")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_mistake_is_named_with_its_line(self):
        path = self.written("bad.yaml", "store_path: store\n"
                            "colour: blue\n"
                            "heartbeat_ms: soon\n"
                            "window_messages: 0\n")
        mistakes = [(2, "colour"), (3, "soon"), (4, "window_messages")]
        self.assertMistakes(run(BIN / "vigied", "--settings", path, "--check"), *mistakes)
        self.assertMistakes(run(BIN / "vigied", "--settings", path), *mistakes)

    def test_a_file_that_is_not_there(self):
        done = run(BIN / "vigied", "--settings", self.folder / "none.yaml", "--check")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("none.yaml", done.stderr)

    def test_the_shipped_catalogue_is_good(self):
        done = run(BIN / "vigie", "catalogue", "check", SOURCE / "deploy" / "catalogue.yaml")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_catalogue_with_an_unknown_key_and_a_flow_without_a_source(self):
        text = (SOURCE / "deploy" / "catalogue.yaml").read_text()
        sources = "    sources: [RN, BIS]\n"
        self.assertIn(sources, text)
        text = text.replace(sources, "", 1) + "colour: blue\n"
        lines = text.split("\n")
        flow = lines.index("    name: notifyPerson")
        done = run(BIN / "vigie", "catalogue", "check", self.written("c.yaml", text))
        # The flow's first line is the one before its name.
        self.assertMistakes(done, (flow, "sources"), (len(lines) - 1, "colour"))


if __name__ == "__main__":
    unittest.main()
