# SPDX-License-Identifier: EUPL-1.2
"""When there is no room, publishing stops with a clear answer and acknowledging goes on.

Goal: a full store says so by name, to be tried again later, keeps what it answered, and
still takes acknowledgements and hands out what lies in mailboxes. Method: a store with a
small quota, filled by a source; then a member empties his mailbox; then the broker comes
back with a larger quota and the same mutations are kept under the same numbers.
"""

import unittest

from vigie_test import Story
from wire import mutation, person

FOLLOWED = person(1)
QUOTA = 6 << 20
FRAME = 100


class FullDisk(Story):
    institutions = {"RN": "source", "CPAS-21004": "member"}
    settings = {"quota_bytes": QUOTA, "disk_reserve_bytes": 0}

    def frame(self, first):
        return [mutation(n, FOLLOWED, fields=[("020", f"{n:08d}" + "x" * 2000)])
                for n in range(first, first + FRAME)]

    def fill(self, source):
        """Publishes until the broker says that it is full; gives what was kept till then
        and the fault."""
        kept = 0
        while kept < 100_000:
            source.publish(kept + 1, self.frame(kept + 1))
            blocked = None
            message = source.hear()
            if message.WhichOneof("message") == "blocked":
                # Said to everybody, perhaps between a Publish and its answer.
                blocked = message.blocked.fault
                message = source.hear()
            self.assertEqual(message.WhichOneof("message"), "published")
            faults = [r.fault for r in message.published.results]
            if faults:
                return message.published.through, faults[0]
            kept = message.published.through
            if blocked is not None:
                return kept, blocked
        self.fail("the quota was never reached")

    def test_publishing_stops_and_acknowledging_goes_on(self):
        self.integrate("CPAS-21004", FOLLOWED, quality=2)
        with self.source("RN") as source, self.member("CPAS-21004") as member:
            kept, fault = self.fill(source)
            self.assertFault(fault, "STORE_FULL", "time")
            self.assertGreater(kept, FRAME)

            mailbox = member.subscribe(messages=100_000, size=64 << 20).mailbox
            got = member.deliveries(kept)
            self.assertEqual([n.content.id for n in got[:kept]],
                             [f"m-{n}" for n in range(1, kept + 1)])
            member.acknowledge(mailbox, kept)
            self.wait_until(lambda: self.opened("CPAS-21004").acknowledged == kept)
        self.assertLog("event=blocked", f"quota_bytes={QUOTA}")
        self.broker.stop()
        self.check_store()

        self.broker.settings["quota_bytes"] = 1 << 30
        self.broker.start()
        with self.source("RN") as source:
            last = source.last_number()
            self.assertEqual(last, kept)
            answer = source.publish_and_hear(last + 1, self.frame(last + 1))
            self.assertEqual(answer.through, last + FRAME)
            self.assertEqual(list(answer.results), [])
        opened = self.opened("CPAS-21004")
        self.assertEqual((opened.last, opened.acknowledged), (kept + FRAME, kept))


if __name__ == "__main__":
    unittest.main()
