# SPDX-License-Identifier: EUPL-1.2
"""An institution's own list and the directory are compared, without sending either.

Given a CPAS whose software keeps a list of whom it follows, when the list is compared with the
directory, then both agree on a count and a digest, or each difference is named; nobody gets
another one's. Method: a real broker; the digest is computed here once more, in five lines of
Python, so that the header's drawing is all that another language needs.
"""

import hashlib
import unittest
from datetime import timedelta

from vigie_test import TODAY, Story, Vigie
from wire import person

A, B = "CPAS-21004", "CPAS-62063"
BEGIN = TODAY - timedelta(days=10)
END = BEGIN + timedelta(days=25)


def digest(rows):
    """proto/digest/digest.h, of (niss, quality, begin, end)."""
    lines = (f"{niss:011d} {quality:03d} {begin:%Y%m%d} {end:%Y%m%d}".encode()
             for niss, quality, begin, end in rows)
    total = sum(int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "little")
                for line in lines)
    return (total % 2**128).to_bytes(16, "little")


class Reconcile(Story):
    institutions = {"RN": "source", A: "member", B: "member"}

    def setUp(self):
        super().setUp()
        self.vigie = Vigie("--home", str(self.broker.folder))

    def sums(self, *words):
        """quality -> (how many, digest), as an administrator sees them."""
        rows = self.vigie.run("integrations", "digest", *words)["integrations"]
        return {row["quality"]: (row["integrations"], row["digest"]) for row in rows}

    def test_an_administrator_compares_counts_and_digests(self):
        # Given three integrations of A in two qualities, and one of B about the same person.
        mine = [(person(3), 2, BEGIN, END), (person(1), 2, BEGIN, END), (person(2), 8, BEGIN, END)]
        for niss, quality, begin, end in mine:
            self.integrate(A, niss, quality, begin, end)
        self.integrate(B, person(1), 7, BEGIN, END + timedelta(days=9))
        # When they are asked for, then each quality has its own, whatever the order.
        expected = {"002": (2, digest(mine[:2]).hex()), "008": (1, digest(mine[2:]).hex())}
        self.assertEqual(self.sums(A), expected)
        self.assertEqual(set(self.sums(B)), {"007"})
        # When the broker is killed and comes back, then it is the same.
        self.broker.kill()
        self.broker.start()
        self.assertEqual(self.sums(A), expected)
        # What has ended may be left out.
        self.assertEqual(self.sums(A, "--since", END.isoformat()), expected)
        self.assertEqual(self.sums(A, "--since", (END + timedelta(days=1)).isoformat()), {})
        # The general level knows persons of the sector, once, and neither whose nor why.
        self.assertEqual(self.sums("--sector", "CPAS"), {None: (3, digest([
            (person(1), 0, BEGIN, END + timedelta(days=9)), (person(2), 0, BEGIN, END),
            (person(3), 0, BEGIN, END)]).hex())})
        # What is asked for wrongly is refused.
        for words in ((), (A, "--sector", "CPAS")):
            self.vigie.run("integrations", "digest", *words, status=2)
        for words in (("CPAS-99999",), ("--sector", "NONE"), (A, "--since", "tomorrow")):
            self.vigie.run("integrations", "digest", *words, status=1)
        # No person stands in the log.
        for niss in range(1, 4):
            self.assertNoPersonInLog(person(niss))


if __name__ == "__main__":
    unittest.main()
