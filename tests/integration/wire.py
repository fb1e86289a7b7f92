# SPDX-License-Identifier: EUPL-1.2
"""wire - the protocol spoken by hand, for tests that look at what is really on the wire.

A Wire is one connection: a DEALER with CURVE that says what it is told to say, also what
no decent client would. Source and Member add the few habits of the two doors.
"""

import importlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zmq

SOURCE = Path(os.environ.get("VIGIE_SOURCE", Path(__file__).resolve().parents[2]))
CONTEXT = zmq.Context()
CONTEXT.set(zmq.IO_THREADS, 1)


def _protocol():
    """The messages, as protoc makes them from the definition in the tree."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--proto_path={SOURCE}/proto", f"--python_out={folder}",
                        "vigie/v1/vigie.proto"], check=True)
        sys.path.insert(0, f"{folder}/vigie/v1")
        try:
            return importlib.import_module("vigie_pb2")
        finally:
            sys.path.pop(0)


proto = _protocol()


class Silence(AssertionError):
    """Nothing came in time."""


class Wire:
    """One connection to one door. Use as a context."""

    patience_s = 30.0  # for whatever is waited for without saying how long

    def __init__(self, endpoint, broker_public, public, secret):
        self.socket = CONTEXT.socket(zmq.DEALER)
        self.socket.rcvhwm = 0
        self.socket.sndhwm = 0
        self.socket.linger = 0
        self.socket.reconnect_ivl = 50
        self.socket.curve_serverkey = broker_public.encode()
        self.socket.curve_publickey = public.encode()
        self.socket.curve_secretkey = secret.encode()
        self.socket.connect(endpoint)
        self.heartbeat_s = 1.0
        self.welcome = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def say(self, **message):
        self.say_bytes(proto.ToBroker(**message).SerializeToString())

    def say_bytes(self, frame):
        """Sends without waiting: a connection that was ended for good takes nothing."""
        try:
            self.socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:
            raise Silence("the connection takes nothing any more") from None

    def hear(self, timeout_s=None):
        """The next message that is no heartbeat. Sends heartbeats while it waits."""
        timeout_s = self.patience_s if timeout_s is None else timeout_s
        end = time.monotonic() + timeout_s
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise Silence(f"nothing came in {timeout_s} s")
            if not self.socket.poll(1000 * min(left, self.heartbeat_s)):
                if self.welcome is not None:
                    self.say(heartbeat=proto.Heartbeat(echo=1))
                continue
            message = proto.ToClient.FromString(self.socket.recv())
            if message.WhichOneof("message") != "heartbeat":
                return message

    def hear_one(self, kind, timeout_s=None):
        """The next message must be of this kind; gives what it holds."""
        message = self.hear(timeout_s)
        found = message.WhichOneof("message")
        if found != kind:
            raise AssertionError(f"expected {kind}, got {found}: {message}")
        return getattr(message, kind)

    def is_refused(self, timeout_s=2.0):
        """Says hello and finds out whether the door stays shut."""
        try:
            self.say(hello=proto.Hello(version=1, client="test"))
            return self.hear(timeout_s).WhichOneof("message") == "refused"
        except Silence:
            return True

    def hello(self, timeout_s=None):
        self.say(hello=proto.Hello(version=1, client="test"))
        self.welcome = self.hear_one("welcome", timeout_s)
        self.heartbeat_s = self.welcome.heartbeat_ms / 2000.0
        return self.welcome


class Source(Wire):
    """A source: publishes and hears the answers."""

    def last_number(self, producer=1):
        self.say(last_number=proto.LastNumber(producer=producer))
        return self.hear_one("last_number_is").number

    def publish(self, first_number, mutations, producer=1):
        self.say(publish=proto.Publish(producer=producer, first_number=first_number,
                                       mutations=mutations))

    def publish_and_hear(self, first_number, mutations, producer=1):
        """Publishes one frame; gives its Published once all of it is answered."""
        self.publish(first_number, mutations, producer)
        return self.hear_one("published")


class Member(Wire):
    """A member: opens mailboxes, receives, acknowledges, asks."""

    _request = 0

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.passed = []

    def subscribe(self, mailbox=0, messages=10000, size=4 << 20):
        self.say(subscribe=proto.Subscribe(mailbox=mailbox, window_messages=messages,
                                           window_bytes=size))
        return self.hear_one("subscribed")

    def acknowledge(self, mailbox, through, also=()):
        self.say(acknowledge=proto.Acknowledge(mailbox=mailbox, through=through, also=also))

    def note(self, message):
        """What the broker passes over; nothing of other messages."""
        self.passed += [number for r in message.deferred.ranges
                        for number in range(r.first, r.last + 1)]

    def deliveries(self, count, timeout_s=20.0):
        """Waits until at least count notifications came; gives them. What the broker passes
        over is noted in self.passed."""
        got = []
        end = time.monotonic() + timeout_s
        while len(got) < count:
            try:
                message = self.hear(end - time.monotonic())
            except Silence:
                raise Silence(f"{len(got)} of {count} notifications came") from None
            if message.WhichOneof("message") == "deferred":
                self.note(message)
                continue
            if not message.notifications:
                raise AssertionError(f"expected notifications, got {message}")
            got += message.notifications
        return got

    def ask(self, **request):
        Member._request += 1
        self.say(request=proto.Request(id=Member._request, **request))
        reply = self.hear_one("reply")
        if reply.id != Member._request:
            raise AssertionError(f"asked {Member._request}, answered {reply.id}")
        return reply


def person(index, year=1966):
    """The number of a person who cannot exist: month + 60. Consecutive and never twice."""
    month, rest = divmod(index, 28 * 498)
    day, serial = divmod(rest, 498)
    year += month // 12
    first_nine = ((year % 100 * 100 + month % 12 + 61) * 100 + day + 1) * 1000 + serial * 2 + 1
    century = 2_000_000_000 if year >= 2000 else 0
    return first_nine * 100 + 97 - (first_nine + century) % 97


def mutation(index, niss, flow="notifyPerson", fields=(("020", "Rue de la Loi 16"),),
             occurred=20260102, **more):
    return proto.Mutation(flow=flow, niss=niss, id=f"m-{index}", occurred=occurred,
                          fields=[proto.Field(code=c, value=v) for c, v in fields], **more)
