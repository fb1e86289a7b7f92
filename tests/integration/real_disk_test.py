# SPDX-License-Identifier: EUPL-1.2
"""A full disk, really: file systems of their own, of some megabytes.

Goal and story: disk_story.py. Method: a tmpfs and an ext4 in a file, mounted in a mount
namespace that ends with the test; another file takes the room away and gives it back.
Where mounting is not allowed the test says "skipped:" and why, and ctest shows it as such.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from disk_story import MIB, RESERVE, DiskStory

INSIDE = "VIGIE_OWN_MOUNTS"
SIZE = 96 * MIB


class Mounted:
    """One file system; the ballast leaves as much free as is wanted."""

    def __init__(self, kind):
        self.folder = Path(tempfile.mkdtemp(prefix="vigie-disk-"))
        self.image = self.folder.with_suffix(".img")
        if kind == "tmpfs":
            what = ["-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs"]
        else:
            with self.image.open("wb") as file:
                file.truncate(SIZE)
            self._run("mkfs.ext4", "-q", "-m", "0", self.image)
            what = ["-t", "ext4", "-o", "loop", self.image]
        self._run("mount", *what, self.folder)
        self.store = self.folder / "store"
        self.ballast = self.folder / "ballast"

    @staticmethod
    def _run(*words):
        subprocess.run([str(word) for word in words], check=True, capture_output=True,
                       text=True)

    def leave(self, size):
        self.ballast.unlink(missing_ok=True)
        self._run("sync", "-f", self.folder)  # not all disks: others write too
        found = os.statvfs(self.folder)
        with self.ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0,
                               found.f_bavail * found.f_frsize - size - MIB // 16)

    def end(self):
        self._run("umount", self.folder)
        self.folder.rmdir()
        self.image.unlink(missing_ok=True)


class RealDisk(DiskStory):
    def start_on(self, kind, reserve):
        self.begin(reserve)
        self.disk = Mounted(kind)
        self.addCleanup(self.disk.end)
        shutil.copytree(self.folder / "store", self.disk.store)
        self.broker.settings["store_path"] = self.disk.store
        self.broker.start()
        self.addCleanup(self._end)  # before the file system goes

    def test_publishing_on_tmpfs(self):
        self.start_on("tmpfs", RESERVE)
        self.publishing_stops_and_starts_with_the_room()

    def test_a_commit_on_tmpfs(self):
        self.start_on("tmpfs", 0)
        self.a_commit_without_room_is_unknown()

    def test_publishing_on_ext4(self):
        self.start_on("ext4", RESERVE)
        self.publishing_stops_and_starts_with_the_room()

    def test_a_commit_on_ext4(self):
        self.start_on("ext4", 0)
        self.a_commit_without_room_is_unknown()


def own_mounts():
    """Goes on in a mount namespace of its own, or says why it cannot."""
    words = ["unshare", "--mount"] if os.geteuid() == 0 else \
        ["unshare", "--mount", "--map-root-user"]
    tried = subprocess.run([*words, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                           capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        print(f"skipped: no file system can be mounted here: {tried.stderr.strip()}")
        return
    os.environ[INSIDE] = "1"
    os.execvp(words[0], [*words, sys.executable, "-B", *sys.argv])


def without_loop():
    """Why there is no ext4; None: there is."""
    try:
        Mounted("ext4").end()
    except (OSError, subprocess.CalledProcessError) as error:
        return getattr(error, "stderr", None) or str(error)
    return None


if __name__ == "__main__":
    if INSIDE not in os.environ:
        sys.exit(own_mounts())
    no_ext4 = without_loop()
    if no_ext4 is not None:
        print(f"ext4 is left out: {no_ext4.strip()}")
        del RealDisk.test_publishing_on_ext4, RealDisk.test_a_commit_on_ext4
    unittest.main()
