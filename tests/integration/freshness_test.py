# SPDX-License-Identifier: EUPL-1.2
"""Silence is seen: when each source was heard last, told to members and administrators.

Given registers that publish and one that never does, when somebody asks who was heard when,
then the answer is the same on the wire, over HTTP, for Prometheus and in `vigie sources`, before
and after a crash. Method: a real broker with the shipped catalogue; what is late is who was
never heard (unit.freshness has days of its own for the rest).
"""

import time
import unittest

from vigie_test import TODAY, Story, Vigie, number_of
from wire import mutation, person, proto


class Freshness(Story):
    institutions = {"RN": "source", "BIS": "source", "ONSS": "source", "CPAS-21004": "member"}

    def told(self):
        """(source, flow) -> (last, late) as a member hears it."""
        with self.member("CPAS-21004") as member:
            return {(row.institution, row.flow): (row.last, row.late)
                    for row in member.ask(list_sources=proto.ListSources()).sources}

    def test_who_was_heard_when(self):
        # Given the National Register, which publishes, and two sources that never did.
        before = time.time_ns() // 1000
        with self.source("RN") as source:
            source.publish_and_hear(1, [mutation(1, person(1)), mutation(2, person(2))])
        after = time.time_ns() // 1000

        # When a member asks, then it hears of the register, and who was never heard is late.
        told = self.told()
        last, late = told["RN", "notifyPerson"]
        self.assertTrue(before <= last <= after, (before, last, after))
        self.assertFalse(late)
        self.assertEqual(told["BIS", "notifyPerson"], (0, True))
        self.assertEqual(told["ONSS", "PersonnelFile"], (0, True))
        # ... and nothing of flows of which nothing is expected: a CPAS's own doings.
        self.assertNotIn("A036", {flow for _, flow in told})

        # When the broker is killed and comes back, then it still knows.
        self.broker.kill()
        self.broker.start()
        self.assertEqual(self.told(), told)

        # Then an administrator sees the same, and how much and how long.
        rows = {(row["source"], row["flow"]): row
                for row in self.admin("GET", "/v1/sources")["sources"]}
        row = rows["RN", "notifyPerson"]
        self.assertEqual((row["mutations"], row["rhythm_hours"], row["late"]), (2, 96, False))
        self.assertLess(row["silent_seconds"], 600)
        self.assertEqual((rows["BIS", "notifyPerson"]["last"],
                          rows["BIS", "notifyPerson"]["silent_seconds"],
                          rows["BIS", "notifyPerson"]["late"]), (None, None, True))
        self.assertEqual(self.metric('vigie_source_late{source="RN",flow="notifyPerson"}'), 0)
        self.assertEqual(self.metric('vigie_source_late{source="BIS",flow="notifyPerson"}'), 1)
        self.assertLess(self.metric(
            'vigie_source_silent_seconds{source="RN",flow="notifyPerson"}'), 600)

        # And both commands print it.
        vigie = Vigie("--home", str(self.folder))
        # (the administrators' one asks over HTTP, the member's over the wire)
        self.assertEqual({(row["source"], row["flow"]) for row in
                          vigie.run("sources")["sources"]}, set(rows))
        mine = vigie.run("sources", "--key", self.key_file("CPAS-21004", "member"))["sources"]
        self.assertEqual({(row["source"], row["flow"]): row["late"] for row in mine},
                         {name: late for name, (_, late) in told.items()})

    def test_a_flow_without_rhythm_is_shown_when_it_was_heard(self):
        with self.source("BIS") as source:
            source.publish_and_hear(1, [mutation(1, person(1), flow="SSINReplacement", fields=(),
                                                 new_niss=person(2),
                                                 occurred=number_of(TODAY))])
        rows = {(row["source"], row["flow"]): row
                for row in self.admin("GET", "/v1/sources")["sources"]}
        self.assertEqual((rows["BIS", "SSINReplacement"]["rhythm_hours"],
                          rows["BIS", "SSINReplacement"]["late"]), (None, False))
        self.assertNotIn(("BIS", "SSINReplacement"), self.told())
        self.assertIsNotNone(rows["BIS", "SSINReplacement"]["last"])


if __name__ == "__main__":
    unittest.main()
