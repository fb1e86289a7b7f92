# SPDX-License-Identifier: EUPL-1.2
"""README's "By hand" does what it says, line by line.

Goal: whoever types the three terminals of README.md gets the notification it describes, and
afterwards the store holds what was answered. Method: the commands are read out of README.md
and run as they stand, each terminal's in a shell; only the ports are the system's choice.
"""

import os
import re
import signal
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from vigie_test import BIN, PATIENCE_S
from wire import SOURCE


def terminals():
    """The indented blocks of the section: one list of commands for each terminal."""
    section = (SOURCE / "README.md").read_text().split("\n## By hand\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    return [re.sub(r"\|\n\s+", "| ", block).strip().splitlines() for block in blocks]


class ByHand(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="vigie-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
        self.environment.pop("VIGIE_HOME", None)

    def types(self, line):
        done = subprocess.run(line, shell=True, cwd=self.folder, env=self.environment,
                              capture_output=True, text=True, timeout=PATIENCE_S,
                              check=False)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}{done.stderr}")
        return done.stdout

    def leaves_running(self, line):
        """A command that stays: both of its streams in one, and it ends with the test."""
        process = subprocess.Popen(f"exec {line}", shell=True, cwd=self.folder,
                                   env=self.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        late = threading.Timer(PATIENCE_S, process.kill)
        late.start()
        self.addCleanup(late.cancel)
        return process

    def reads_until(self, process, words):
        said = ""
        for line in process.stdout:
            said += line
            if words in line:
                return said
        self.fail(f"it ended without \"{words}\":\n{said}")

    def ends(self, process):
        process.send_signal(signal.SIGINT)  # Ctrl-C
        process.stdout.read()
        self.assertEqual(process.wait(), 0)

    def test_the_three_terminals(self):
        broker_lines, member_lines, source_lines = terminals()

        for line in broker_lines[:-1]:
            self.types(line)
        settings = self.folder / "vigie-home" / "vigied.yaml"
        text, ports = re.subn(r"(?m)^(\w+_endpoint: .*):\d+$", r"\1:0",
                              settings.read_text())
        self.assertEqual(ports, 3)
        settings.write_text(text.replace("tcp://127.0.0.1:0", "tcp://127.0.0.1:*"))
        self.assertIn("test_persons: yes", text)
        broker = self.leaves_running(broker_lines[-1])
        self.reads_until(broker, "event=ready")

        for line in member_lines[:-1]:
            self.types(line)
        member = self.leaves_running(member_lines[-1])
        said = [self.types(line) for line in source_lines]
        self.assertIn("1 kept, 0 repeated, 0 refused", said[-1])

        seen = self.reads_until(member, "withheld")
        self.assertRegex(seen, r"^number 1  ticket \d+  notifyPerson  66641066692  from RN")
        self.assertIn("because of quality 030", seen)
        self.assertIn("020 = Rue Haute 1", seen)
        self.assertNotIn("150 =", seen)
        self.assertIn("1 field withheld", seen)
        self.ends(member)
        self.ends(broker)

        self.assertRegex(self.types("vigie check"), r"\b0 letters waiting, 1 persons")


if __name__ == "__main__":
    unittest.main()
