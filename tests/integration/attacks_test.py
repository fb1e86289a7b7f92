# SPDX-License-Identifier: EUPL-1.2
"""Strangers and members who mean harm: at the door, in the handshake, and behind it.

Goal: nobody gets in without the secret that belongs to a registered key, whatever he has
copied or recorded; and nobody keeps the others out, from outside or with a key of his own.
Method: plain TCP where a real client would not do it: a proxy that records a handshake and
plays it again, connections that stop half-way. The other attacks are ordinary connections.
"""

import contextlib
import resource
import socket
import threading
import time
import unittest

from vigie_test import Story
from wire import Member, Silence, Source, mutation, person, proto, zmq

FOLLOWED = person(1)
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
HALF_HANDSHAKES = 2000
BYTES_EACH = 64 << 10  # what a connection may cost


def key_pair():
    return tuple(key.decode() for key in zmq.curve_keypair())


class Recorder:
    """A TCP proxy to the broker that remembers what the client sent, piece by piece."""

    def __init__(self, port):
        self.port = port
        self.pieces = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        client, _ = self.listener.accept()
        with client, socket.create_connection(("127.0.0.1", self.port)) as broker:
            back = threading.Thread(target=self._copy, args=[broker, client, None])
            back.start()
            self._copy(client, broker, self.pieces)
            back.join()

    @staticmethod
    def _copy(source, sink, pieces):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if pieces is not None:
                    pieces.append(data)
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()
        self.thread.join()


class Attacks(Story):
    institutions = {"RN": "source", "CPAS-21004": "member", "CPAS-62063": "member"}

    def accepted(self):
        return self.metric("vigie_handshakes_accepted_total")

    def connections(self):
        return self.metric("vigie_connections_total")

    def memory(self):
        with open(f"/proc/{self.broker.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    def assertServes(self, within_s=1.0):
        begin = time.monotonic()
        with self.member("CPAS-62063"):
            self.assertLess(time.monotonic() - begin, within_s)

    # ---- who one is ----

    def test_a_public_key_alone_opens_nothing(self):
        public, _ = self.keys["CPAS-21004", "member"]
        _, another_secret = key_pair()
        before = self.accepted(), self.connections()
        with Member(self.broker.endpoint("members"), self.broker.public, public,
                    another_secret) as thief:
            self.assertTrue(thief.is_refused())
        self.assertEqual((self.accepted(), self.connections()), before)

    def test_a_broker_without_the_secret_hears_nothing(self):
        """Who takes the broker's place learns neither the key nor the mutation."""
        with zmq.Context() as context, context.socket(zmq.ROUTER) as false_broker:
            false_broker.linger = 0
            false_broker.curve_server = True
            false_broker.curve_secretkey = key_pair()[1].encode()
            port = false_broker.bind_to_random_port("tcp://127.0.0.1")
            with Source(f"tcp://127.0.0.1:{port}", self.broker.public,
                        *self.keys["RN", "source"]) as source:
                with self.assertRaises(Silence):
                    source.hello(timeout_s=1.0)
            self.assertFalse(false_broker.poll(0))

    def test_a_recorded_handshake_opens_nothing(self):
        self.integrate("CPAS-21004", FOLLOWED, quality=1)
        recorder = Recorder(self.broker.ports["sources"])
        with Source(recorder.endpoint, self.broker.public,
                    *self.keys["RN", "source"]) as source:
            source.hello()
            source.publish_and_hear(1, [mutation(1, FOLLOWED)])
        recorder.close()
        before = self.accepted(), self.connections()
        self.assertGreater(sum(map(len, recorder.pieces)), 64 + 200 + 257)
        with socket.create_connection(("127.0.0.1", self.broker.ports["sources"])) as again:
            again.settimeout(10)
            with contextlib.suppress(ConnectionError):
                for piece in recorder.pieces:
                    again.sendall(piece)
                while again.recv(1 << 16):
                    pass  # the broker greets, and ends it
        self.assertEqual((self.accepted(), self.connections()), before)
        self.assertEqual(self.opened("CPAS-21004").last, 1)

    # ---- crowds ----

    def test_half_handshakes_keep_nobody_out(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        memory = self.memory()
        with contextlib.ExitStack() as crowd:
            halves = []
            for i in range(HALF_HANDSHAKES):
                half = crowd.enter_context(
                    socket.create_connection(("127.0.0.1", self.broker.ports["members"])))
                half.sendall(GREETING if i % 2 else GREETING[:11])
                halves.append(half)
            self.assertServes()
            self.assertLess(self.memory() - memory, HALF_HANDSHAKES * BYTES_EACH)
            for half in halves:  # the handshake's time limit ends them, not we
                half.settimeout(10)
                with contextlib.suppress(ConnectionError):
                    while half.recv(1 << 12):
                        pass
        self.wait_until(lambda: self.metric("vigie_arrivals") == 0)
        self.assertServes()

    def test_a_key_that_never_says_hello_keeps_no_place(self):
        with contextlib.ExitStack() as crowd:
            for _ in range(50):
                crowd.enter_context(self.connection("CPAS-21004", "members"))
            self.wait_until(lambda: self.metric("vigie_arrivals") >= 50)
            self.assertServes()  # and they are ended: unit.arrivals

    # ---- with a key of one's own ----

    def test_a_flood_is_cut_off_and_nobody_else_notices(self):
        memory = self.memory()
        frame = proto.ToBroker(publish=proto.Publish(
            producer=1, first_number=1,
            mutations=[mutation(i, FOLLOWED) for i in range(1000)])).SerializeToString()
        with self.source("RN") as flood:
            dropped = self.metric("vigie_connections_dropped_total")
            with contextlib.suppress(Silence):
                for _ in range(500):  # half a million, the window is 20,000
                    flood.say_bytes(frame)
            self.assertServes()
            self.wait_until(
                lambda: self.metric("vigie_connections_dropped_total") > dropped)
        self.assertLess(self.memory() - memory, 256 << 20)
        self.assertServes()

    def test_who_talks_and_never_listens_is_cut_off(self):
        beat = proto.ToBroker(heartbeat=proto.Heartbeat(echo=1)).SerializeToString()
        with self.member("CPAS-21004") as talker:
            for _ in range(20000):
                with contextlib.suppress(Silence):
                    talker.say_bytes(beat)
            self.assertServes()
        self.assertServes()

    def test_a_message_of_ten_thousand_frames_is_one_violation(self):
        memory = self.memory()
        with self.member("CPAS-21004") as member:
            for _ in range(2):
                member.socket.send_multipart([b""] * 10000)
                self.assertFault(member.hear_one("refused").fault, "MALFORMED", "sender",
                                 "one frame")
            member.subscribe()  # the next message begins where it begins
            member.socket.send_multipart([b""] * 10000)
            member.hear_one("refused")
        self.assertLess(self.memory() - memory, 64 << 20)
        self.assertServes()

    def test_garbage_is_refused_and_then_not_listened_to(self):
        for garbage in (b"", b"\0", b"\xff" * 100, b"\x12\xff\xff\xff\xff\x0f", b"GET / "):
            with self.subTest(garbage=garbage), self.member("CPAS-21004") as member:
                for _ in range(3):
                    member.say_bytes(garbage)
                    self.assertFault(member.hear_one("refused").fault, "MALFORMED",
                                     "sender")
                with contextlib.suppress(Silence):
                    member.say(subscribe=proto.Subscribe(window_messages=1,
                                                         window_bytes=1 << 20))
                    # Cut off already, it connected anew: now Hello would be first.
                    self.assertFault(member.hear_one("refused", 1.0).fault, "MALFORMED",
                                     "sender", "Hello")
        self.assertServes()


if __name__ == "__main__":
    unittest.main()
