# SPDX-License-Identifier: EUPL-1.2
"""A full disk, where no file system can be made: one that lies about its room.

Goal and story: disk_story.py. Method: fstatvfs says what is left of a disk of some
megabytes, and LMDB's writes beyond it are cut short or refused with ENOSPC (faulty.py).
"""

import unittest

from disk_story import RESERVE, DiskStory
from faulty import Faulty, needs_faulty


class LyingDisk:
    def __init__(self, faulty, data):
        self.faulty, self.data = faulty, data

    def leave(self, size):
        used = self.data.stat().st_size
        self.faulty.set_disk(used + size, used)


@needs_faulty
class SmallDisk(DiskStory):
    def start_on_a_small_disk(self, reserve):
        self.begin(reserve)
        faulty = Faulty(self.folder)
        self.disk = LyingDisk(faulty, self.folder / "store" / "data.mdb")
        self.broker.start(**faulty.environment())

    def test_publishing_stops_and_starts_with_the_room(self):
        self.start_on_a_small_disk(RESERVE)
        self.publishing_stops_and_starts_with_the_room()

    def test_a_commit_without_room_is_unknown(self):
        self.start_on_a_small_disk(0)
        self.a_commit_without_room_is_unknown()


if __name__ == "__main__":
    unittest.main()
