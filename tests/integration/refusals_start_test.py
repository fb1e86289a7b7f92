# SPDX-License-Identifier: EUPL-1.2
"""What the broker refuses to start on.

Goal: a store that another process has open, one of a newer schema, and one that was
damaged are refused by name with a reason, and nothing in them is touched. Method: a store
made by a real broker; its schema row is raised, or a byte of its pages is changed.
"""

import re
import subprocess
import unittest

from vigie_test import Broker, Story
from wire import mutation, person

FOLLOWED = person(1)


class RefusalsStart(Story):
    institutions = {"RN": "source", "CPAS-21004": "member"}

    def refused_start(self, broker, name):
        broker.spawn()
        line = broker.wait_for(name)
        self.assertNotEqual(broker.wait(), 0)
        return line

    def test_a_store_that_is_already_open(self):
        other = Broker(self.folder / "other")
        other.settings["store_path"] = self.broker.settings["store_path"]
        self.assertIn("store", self.refused_start(other, "STORE_IN_USE"))
        with self.source("RN") as source:
            self.assertEqual(source.last_number(), 0)

    def store(self):
        return str(self.broker.settings["store_path"])

    def tables(self, *words):
        return subprocess.run(["mdb_dump", *words, self.store()], capture_output=True,
                              text=True, check=True).stdout

    def test_a_store_of_a_newer_schema(self):
        self.broker.stop()
        meta = self.tables("-s", "meta")
        key = "schema".encode().hex()
        found = re.search(rf"(?m)^ {key}\n ([0-9a-f]{{8}})$", meta)
        self.assertIsNotNone(found, meta)
        schema = int.from_bytes(bytes.fromhex(found.group(1)), "little")
        newer = meta.replace(found.group(0),
                             f" {key}\n {(schema + 1).to_bytes(4, 'little').hex()}")
        subprocess.run(["mdb_load", "-s", "meta", self.store()], input=newer, text=True,
                       check=True)
        before = self.tables("-a")

        line = self.refused_start(self.broker, "STORE_NEWER")
        self.assertIn(str(schema + 1), line)
        self.assertEqual(self.tables("-a"), before)

    def test_a_store_with_a_changed_byte_is_found_by_check(self):
        self.integrate("CPAS-21004", FOLLOWED, quality=2)
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(1, FOLLOWED, fields=(
                ("020", "a street that is easily found"),))])
        self.broker.stop()
        self.check_store()
        path = self.broker.settings["store_path"] / "data.mdb"
        data = path.read_bytes()
        self.assertIn(b"easily found", data)
        path.write_bytes(data.replace(b"easily found", b"easily fOund"))
        status, said = self.broker.verify()
        self.assertNotEqual(status, 0, said)
        self.assertRegex(said, "block|body|checksum")


if __name__ == "__main__":
    unittest.main()
