# SPDX-License-Identifier: EUPL-1.2
"""Every message and every request is refused to each role that has no right to it.

Goal: a key opens what its role is for and nothing else, also for a message that is added
tomorrow. Method: the kinds are read from the protocol's definition; the table below says
whose each one is, and one without a row fails. Each is sent by a key of each role at each
door.
"""

import unittest

import wire
from vigie_test import TODAY, Story, number_of
from wire import mutation, person, proto

FOLLOWED = person(1)
SOURCE, MEMBER, OPERATOR = {"source"}, {"member"}, {"operator"}
BOTH = MEMBER | OPERATOR
PROOF = proto.Proof(birth_date=wire.person(1) // 100000)

# kind: (door, whose, an example)
MESSAGES = {
    "publish": ("sources", SOURCE, proto.Publish(producer=1, first_number=1,
                                                 mutations=[mutation(1, FOLLOWED)])),
    "last_number": ("sources", SOURCE, proto.LastNumber(producer=1)),
    "subscribe": ("members", BOTH, proto.Subscribe(window_messages=1, window_bytes=1 << 20)),
    "unsubscribe": ("members", BOTH, proto.Unsubscribe()),
    "rewind": ("members", BOTH, proto.Rewind(number=1)),
    "acknowledge": ("members", BOTH, proto.Acknowledge(through=1)),
    "refuse": ("members", BOTH, proto.Refuse(number=1, reason="closed")),
    "request": ("members", BOTH, proto.Request(id=1,
                                               list_mailboxes=proto.ListMailboxes())),
}
FIRST = {"hello", "heartbeat"}  # everybody's, before and beside all others
REQUESTS = {
    "integrate": (BOTH, proto.Integrate(items=[proto.IntegrateItem(
        niss=FOLLOWED, quality=1, begin=number_of(TODAY), proof=PROOF)])),
    "remove": (BOTH, proto.Remove(niss=FOLLOWED, quality=1, begin=number_of(TODAY))),
    "consult": (BOTH, proto.Consult(niss=FOLLOWED, proof=PROOF)),
    "history": (BOTH, proto.History(niss=FOLLOWED)),
    "add_mailbox": (BOTH, proto.AddMailbox(name="second")),
    "list_mailboxes": (BOTH, proto.ListMailboxes()),
    "list_sources": (BOTH, proto.ListSources()),
    "list_integrations": (BOTH, proto.ListIntegrations()),
    "list_parked": (BOTH, proto.ListParked()),
    "handle_parked": (BOTH, proto.HandleParked(numbers=[1], reason="by hand")),
}
ROLE_DOORS = {"source": "sources", "member": "members", "operator": "members"}
INSTITUTIONS = {"source": "RN", "member": "CPAS-21004", "operator": "CPAS-62063"}


class Roles(Story):
    institutions = {"RN": "source", "CPAS-21004": "member", "CPAS-62063": "operator"}

    def connection_of(self, role, door):
        return self.connection(INSTITUTIONS[role], door, role=role)

    def test_each_kind_has_an_owner(self):
        kinds = {field.name for field in proto.ToBroker.DESCRIPTOR.oneofs[0].fields}
        self.assertEqual(kinds, set(MESSAGES) | FIRST, "whose is a new kind of message?")
        kinds = {field.name for field in proto.Request.DESCRIPTOR.oneofs[0].fields}
        self.assertEqual(kinds, set(REQUESTS), "whose is a new kind of request?")

    def test_a_key_comes_in_by_its_own_door_only(self):
        for role, own in ROLE_DOORS.items():
            for door in ("sources", "members"):
                with self.subTest(role=role, door=door), \
                        self.connection_of(role, door) as one:
                    one.say(hello=proto.Hello(version=1, client="test"))
                    if door == own:
                        one.hear_one("welcome")
                    else:
                        self.assertFault(one.hear_one("refused").fault, "WRONG_ROLE",
                                         "sender", "door")

    def test_each_message_is_refused_to_each_wrong_role(self):
        for kind, (door, owners, example) in MESSAGES.items():
            for role, own in ROLE_DOORS.items():
                with self.subTest(kind=kind, role=role), \
                        self.connection_of(role, own) as one:
                    one.hello()
                    one.say(**{kind: example})
                    one.say(heartbeat=proto.Heartbeat(echo=7))
                    if role in owners:
                        continue  # what it does is other stories' business
                    self.assertNotEqual(door, own)
                    self.assertFault(one.hear_one("refused").fault, "WRONG_ROLE", "sender")

    def test_each_request_is_refused_to_each_wrong_role(self):
        for kind, (owners, example) in REQUESTS.items():
            for role, own in ROLE_DOORS.items():
                with self.subTest(kind=kind, role=role), \
                        self.connection_of(role, own) as one:
                    one.hello()
                    one.say(request=proto.Request(id=9, **{kind: example}))
                    if role in owners:
                        names = [fault.name for result in one.hear_one("reply").results
                                 for fault in result.faults]
                        self.assertNotIn("WRONG_ROLE", names)
                    else:
                        self.assertFault(one.hear_one("refused").fault, "WRONG_ROLE",
                                         "sender")

    def test_nothing_is_read_before_hello(self):
        for kind, (door, owners, example) in MESSAGES.items():
            role = sorted(owners)[0]
            with self.subTest(kind=kind), self.connection_of(role, door) as one:
                one.say(**{kind: example})
                self.assertFault(one.hear_one("refused").fault, "MALFORMED", "sender",
                                 "Hello")
        with self.source("RN") as source:
            self.assertEqual(source.last_number(), 0)


if __name__ == "__main__":
    unittest.main()
