# SPDX-License-Identifier: EUPL-1.2
"""faulty - system calls and allocations of a running vigied that fail on cue.

The other side of tests/faults/faulty.h: a file that vigied maps, with counts of its calls
and the one that is to fail. A fault can be ordered before the start or while it runs.
"""

import mmap
import os
import re
import struct
from errno import EIO
from pathlib import Path

import wire
from vigie_test import BIN

LIBRARY = BIN.parent / "tests" / "libfaulty.so"
CALLERS = {"program": 1, "lmdb": 2, "event": 4}
HOW = {"fail": 0, "short": 1, "slow": 2, "kill": 3, "kill half": 4}
NAME = 24
ORDER = ["armed", "callers", "nth", "times", "error", "how", "delay_ms", "at", "seen", "fired"]


def why_not():
    """Why nothing can be made to fail here, None when it can."""
    return None if LIBRARY.exists() else "there is no libfaulty.so beside a sanitizer"


def _constant(name):
    text = (wire.SOURCE / "tests" / "faults" / "faulty.h").read_text()
    return eval(re.search(rf"\b{name} = ([\d <]+)", text).group(1))  # a number of ours


class Faulty:
    """The plan of one vigied. Give environment() to Broker.start."""

    def __init__(self, folder):
        self.calls_max = _constant("FAULTY_CALLS_MAX")
        self.trace_max = _constant("FAULTY_TRACE_MAX")
        self.counts_at = self.calls_max * NAME
        self.order_at = self.counts_at + 8 * self.calls_max
        self.fired_at_at = self.order_at + 8 * len(ORDER)
        self.disk_at = self.fired_at_at + 16
        self.trace_at = self.disk_at + 16
        self.size = self.trace_at + 8 + 16 * self.trace_max
        self.path = Path(folder) / "faulty.plan"
        self.path.write_bytes(bytes(self.size))
        with self.path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), self.size)
        names = re.findall(r"ROW\((\w+)\)", (wire.SOURCE / "tests" / "faults" /
                                             "faulty.h").read_text())
        self.names = names[1:] if names[0] == "ROW" else names

    def environment(self):
        return {"LD_PRELOAD": str(LIBRARY), "FAULTY": str(self.path)}

    def _get(self, at):
        return struct.unpack_from("<Q", self.map, at)[0]

    def _set(self, at, value):
        struct.pack_into("<Q", self.map, at, value)

    def _order(self, field):
        return self.order_at + 8 * ORDER.index(field)

    def arm(self, call, nth=1, error=EIO, times=1, how="fail", delay_ms=0, at=0,
            callers=("program", "lmdb", "event")):
        """From now on the nth call of this name (and place) fails, and times - 1 after."""
        self.disarm()
        values = {"callers": sum(CALLERS[c] for c in callers), "nth": nth, "times": times,
                  "error": error, "how": HOW[how], "delay_ms": delay_ms, "at": at, "seen": 0,
                  "fired": 0, "armed": self.names.index(call) + 1}
        for field, value in sorted(values.items(), key=lambda item: item[0] == "armed"):
            self._set(self._order(field), value)

    def disarm(self):
        self._set(self._order("armed"), 0)

    @property
    def fired(self):
        """How many calls have failed."""
        return self._get(self._order("fired"))

    def fired_at(self):
        """Where the last one was made, for addr2line: file and offset."""
        caller, at = struct.unpack_from("<IQ", self.map, self.fired_at_at + 4)
        names = {number: name for name, number in CALLERS.items()}
        return f"{names.get(caller, '?')}+{at:#x}"

    def forget(self):
        """As for a process that has not begun."""
        self.map[:] = bytes(self.size)

    def set_disk(self, limit_bytes, file_bytes=0):
        """LMDB has a disk of so many bytes; 0: the real one."""
        self._set(self.disk_at + 8, file_bytes)
        self._set(self.disk_at, limit_bytes)

    def counts(self):
        """Calls of ours since the start, by name."""
        return {name: self._get(self.counts_at + 8 * i)
                for i, name in enumerate(self.names)}

    def trace(self):
        """The calls of ours in order: (name, caller, place)."""
        length = min(self._get(self.trace_at), self.trace_max)
        callers = {number: name for name, number in CALLERS.items()}
        for i in range(length):
            call, caller, at = struct.unpack_from("<IIQ", self.map,
                                                  self.trace_at + 8 + 16 * i)
            yield self.names[call], callers.get(caller, "?"), at


def needs_faulty(case):
    """A class of tests that skips itself, loudly, where nothing can be made to fail."""
    import unittest

    reason = why_not()
    return unittest.skip(reason)(case) if reason else case


if os.environ.get("FAULTY"):
    raise SystemExit("FAULTY is for vigied, not for the test")
