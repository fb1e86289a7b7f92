# SPDX-License-Identifier: EUPL-1.2
"""vigie_test - what every integration test stands on: a real vigied on loopback.

Story is a unittest.TestCase with a broker of its own in a folder of its own, the
institutions the story names, and the few questions many stories ask. Broker starts, stops,
kills and restarts vigied. Vigie runs the command line. wire.py speaks the protocol.

From the environment: VIGIE_BIN, the folder with both programs; VIGIE_SOURCE, the tree;
VIGIE_KEEP=1 keeps the folder. Nothing here sleeps to be sure: it waits for what it wants,
with an end.
"""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import wire

BIN = Path(os.environ.get("VIGIE_BIN", wire.SOURCE / "build" / "dev" / "bin")).resolve()
TODAY = datetime.now(ZoneInfo("Europe/Brussels")).date()
PATIENCE_S = 30.0


def number_of(day: date) -> int:
    """A day as it stands on the wire."""
    return day.year * 10000 + day.month * 100 + day.day


def birth_date(niss: int) -> int:
    """What a number of wire.person says of its person's birth."""
    first_six, year = niss // 100000, 1900 + niss // 10**9
    if (97 - niss // 100 % 97) != niss % 100:
        year += 100
    return year * 10000 + (first_six // 100 % 100 - 60) * 100 + first_six % 100


def own_port():
    """A free port that the system gives to nobody by itself: after a kill it is still free."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10000, max(low, 20000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def memory():
    """Where a folder lies in memory, None when there is no room for one."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return None
    is_wide = room.f_bavail * room.f_frsize >= 1 << 30
    return "/dev/shm" if is_wide and os.access("/dev/shm", os.W_OK) else None


class Ended(AssertionError):
    """The broker ended when it should not have."""


class Broker:
    """One vigied on one store. keeps_ports: clients find it again after a start."""

    def __init__(self, folder, keeps_ports=False, **settings):
        self.folder = Path(folder)  # laid out as `vigie init` does: fit for --home
        for name in ("store", "run", "keys"):
            (self.folder / name).mkdir(mode=0o700, parents=True)
        public, secret = (key.decode() for key in wire.zmq.curve_keypair())
        self.public = public
        self.token = "test-token-" + public[:8].encode().hex()
        self._private(self.folder / "broker.key", f"public: {public}\nsecret: {secret}\n")
        self._private(self.folder / "token", self.token + "\n")
        self.settings = {
            "store_path": self.folder / "store",
            "sources_endpoint": f"tcp://127.0.0.1:{own_port() if keeps_ports else '*'}",
            "members_endpoint": f"tcp://127.0.0.1:{own_port() if keeps_ports else '*'}",
            "http_endpoint": "127.0.0.1:0",
            "http_token_file": self.folder / "token",
            "key_file": self.folder / "broker.key",
            "catalogue_file": wire.SOURCE / "deploy" / "catalogue.yaml",
            "run_dir": self.folder / "run",
            "map_bytes": 4 << 30,
            "test_persons": True,
            **settings}
        self.process = None
        self.pid = None
        self.ports = {}
        self.lines = []
        self._news = threading.Condition()
        self._reader = None

    @staticmethod
    def _private(path, text):
        path.touch(mode=0o600)
        path.write_text(text)

    @property
    def settings_path(self):
        return self.folder / "vigied.yaml"

    def write_settings(self):
        def shown(value):
            if isinstance(value, bool):
                return "yes" if value else "no"
            return str(value) if isinstance(value, int) else json.dumps(str(value))

        self.settings_path.write_text("".join(
            f"{key}: {shown(value)}\n" for key, value in self.settings.items()))

    def start(self, before=(), **environment):
        """Starts vigied and waits until it says that it is ready. before: a program to run
        it under, which must replace itself by it (strace -D)."""
        self.spawn(before, **environment)
        line = self.wait_for("event=ready")
        for door in ("sources", "members", "http"):
            self.ports[door] = int(re.search(rf"\b{door}=\S*?:(\d+)", line).group(1))
        return self

    def spawn(self, before=(), **environment):
        """Starts vigied without waiting for anything."""
        assert self.process is None
        self.write_settings()
        self.lines.append("-- start")
        self.process = subprocess.Popen(
            [*before, str(BIN / "vigied"), "--settings", str(self.settings_path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", cwd=self.folder,
            env={**os.environ, **environment})
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, args=[self.process.stderr])
        self._reader.start()

    def _read(self, pipe):
        with pipe, (self.folder / "vigied.log").open("a") as log:
            for line in pipe:
                log.write(line)
                log.flush()
                with self._news:
                    self.lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self.lines.append("-- end")
            self._news.notify_all()

    def wait_for(self, words, timeout_s=PATIENCE_S):
        """The first line of the log with these words since the last start."""
        end = time.monotonic() + timeout_s
        with self._news:
            while True:
                last = max(i for i, line in enumerate(self.lines) if line == "-- start")
                for line in self.lines[last:]:
                    if words in line:
                        return line
                left = end - time.monotonic()
                if self.lines[-1] == "-- end" or left <= 0:
                    raise Ended(f"'{words}' is not in the log:\n{self.tail()}")
                self._news.wait(left)

    def log(self):
        with self._news:
            return "\n".join(self.lines)

    def tail(self, lines=30):
        return "\n".join(self.lines[-lines:])

    def cpu_s(self):
        """What it has computed since its start: unlike time, no matter how busy others are."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait(self, timeout_s=PATIENCE_S):
        """Waits for its end by itself; gives the exit status."""
        status = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        self.process = None
        return status

    def stop(self):
        """SIGTERM, and it must drain and end with 0."""
        if self.process is None:
            return
        os.kill(self.pid, signal.SIGTERM)
        status = self.wait()
        if status != 0:
            raise Ended(f"vigied ended with {status}:\n{self.tail()}")

    def kill(self):
        """kill -9."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def restart(self):
        self.stop()
        self.start()

    def verify(self):
        """Reads the whole store of the stopped broker: (exit status, what was said)."""
        assert self.process is None
        done = subprocess.run([str(BIN / "vigied"), "--settings", str(self.settings_path),
                               "--verify"], capture_output=True, text=True, check=False,
                              timeout=PATIENCE_S)
        return done.returncode, done.stdout + done.stderr

    def endpoint(self, door):
        return f"tcp://127.0.0.1:{self.ports[door]}"

    def http(self, method, path, body=None, token=None):
        """One request to the administrators' port: (status, decoded JSON or text)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ports['http']}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token if token is None else token}"})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text


class Vigie:
    """The command line, as a person would use it, with --json."""

    def __init__(self, *common):
        self.common = common

    def run(self, *words, stdin=None, status=0, timeout_s=PATIENCE_S):
        """Runs `vigie words --json`; its exit status must be this one (None: any). Gives
        what it printed as JSON: the one value, or a list of lines."""
        done = self.run_raw(*words, "--json", stdin=stdin, timeout_s=timeout_s)
        if status is not None and done.returncode != status:
            raise AssertionError(f"vigie {' '.join(words)}: exit {done.returncode}, expected "
                                 f"{status}\n{done.stdout}{done.stderr}")
        try:
            return json.loads(done.stdout)
        except ValueError:
            return [json.loads(line) for line in done.stdout.splitlines()]

    def run_raw(self, *words, stdin=None, timeout_s=PATIENCE_S):
        return subprocess.run([str(BIN / "vigie"), *words[:1], *self.common, *words[1:]],
                              input=stdin, text=True, capture_output=True,
                              timeout=timeout_s, check=False)


def statuses():
    """The table of outcomes: name -> (number, remedy)."""
    text = (wire.SOURCE / "include" / "vigie" / "status.h").read_text()
    return {name: (int(number), remedy) for name, number, remedy in
            re.findall(r"ROW\((\w+), (\d+), (\w+),", text)}


STATUSES = statuses()
REMEDIES = {"nothing": (0, "NOTHING_TO_DO"), "sender": (1, "FIX_REQUEST"),
            "time": (2, "RETRY_LATER"), "operator": (3, "CALL_OPERATOR")}
ROLES = {"source": ["source"], "member": ["member"], "both": ["source", "member"],
         "operator": ["operator"]}
ROLE_AT = {"sources": "source", "members": "member"}
LONGEST = object()  # as end of an integration: 25 days, which every code allows


class Story(unittest.TestCase):
    """A broker of its own for each test, with the institutions that the class names:
    code -> "source", "member" or "both"."""

    institutions = {}
    settings = {}
    keeps_ports = False
    parent = None  # of its folder; None: TMPDIR

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="vigie-test-", dir=self.parent))
        self.addCleanup(self._clean)
        self.broker = Broker(self.folder, self.keeps_ports, **self.settings)
        self.addCleanup(self._end)
        self.broker.start()
        self.keys = {}
        for code, role in self.institutions.items():
            self.register(code, role)

    def _end(self):
        # Stopping in order is a test too: it drains, and a sanitizer speaks up at the end.
        try:
            self.broker.stop()
        finally:
            if self.broker.process is not None:
                self.broker.kill()

    def _clean(self):
        if os.environ.get("VIGIE_KEEP"):
            print(f"kept: {self.folder}")
        else:
            shutil.rmtree(self.folder)

    # ---- institutions and their keys ----

    def register(self, code, role):
        """Registers an institution of the sector its code begins with, and its keys."""
        sector, _, number = code.rpartition("-")
        if not number.isdigit():
            sector, number = code, "1"
        self.admin("POST", "/v1/institutions", {"code": code, "name": f"Test {code}",
                                                "sector": sector, "number": int(number)})
        for one in ROLES[role]:
            public, secret = (key.decode() for key in wire.zmq.curve_keypair())
            self.admin("POST", f"/v1/institutions/{code}/keys",
                       {"public": public, "role": one, "label": "test"})
            self.keys[code, one] = (public, secret)

    def admin(self, method, path, body=None):
        status, answer = self.broker.http(method, path, body)
        self.assertEqual(status, 200, f"{method} {path}: {answer}")
        return answer

    def revoke(self, code):
        for (owner, _), (public, _) in self.keys.items():
            if owner == code:
                self.admin("POST", "/v1/keys/revoke", {"public": public})

    def receivers(self):
        return sorted(code for code, role in self.keys if role == "member")

    def connection(self, code, door, kind=wire.Wire, role=None):
        """A connection under the institution's key for this door, or any that it has."""
        key = self.keys.get((code, role or ROLE_AT[door])) or \
            next(pair for (owner, _), pair in self.keys.items() if owner == code)
        return kind(self.broker.endpoint(door), self.broker.public, *key)

    def source(self, code):
        source = self.connection(code, "sources", wire.Source)
        source.hello()
        return source

    def member(self, code):
        member = self.connection(code, "members", wire.Member)
        member.hello()
        return member

    # ---- what many stories do ----

    def key_file(self, code, role):
        """As `vigie institution add` writes it."""
        public, secret = self.keys[code, role]
        path = self.broker.folder / f"{code}.{role}"
        path.touch(mode=0o600)
        path.write_text("".join(f"{name}: {value}\n" for name, value in (
            ("endpoint_sources", self.broker.endpoint("sources")),
            ("endpoint_members", self.broker.endpoint("members")),
            ("broker_public", self.broker.public), ("public", public), ("secret", secret))))
        return str(path)

    def integrate(self, code, niss, quality, begin=None, end=LONGEST):
        """The institution follows the person; gives the end it was given."""
        begin = TODAY - timedelta(days=10) if begin is None else begin
        if end is LONGEST:
            end = begin + timedelta(days=25)
        item = wire.proto.IntegrateItem(
            niss=niss, quality=quality, begin=number_of(begin),
            end=0 if end is None else number_of(end),
            proof=wire.proto.Proof(birth_date=birth_date(niss)))
        with self.member(code) as member:
            reply = member.ask(integrate=wire.proto.Integrate(items=[item]))
        # WARNING: done, but others follow the person in these days too.
        self.assertNotEqual(reply.verdict, wire.proto.Reply.NO, reply)
        return reply.results[0].end

    def opened(self, code):
        """The default mailbox's counters, without opening it."""
        with self.member(code) as member:
            return member.ask(list_mailboxes=wire.proto.ListMailboxes()).mailboxes[0]

    def wait_until(self, question, timeout_s=PATIENCE_S):
        """Asks until the answer is yes."""
        end = time.monotonic() + timeout_s
        while not question():
            self.assertLess(time.monotonic(), end, "it did not come to that")
            threading.Event().wait(0.02)

    def check_store(self):
        status, said = self.broker.verify()
        self.assertEqual(status, 0, said)

    # ---- what is said in a refusal ----

    def assertFault(self, fault, name, remedy, *words):
        number, helper = STATUSES[name]
        self.assertEqual((fault.name, fault.status), (name, number), fault.sentence)
        self.assertEqual((fault.remedy, helper), REMEDIES[remedy])
        self.assertGreater(len(fault.sentence), 10)
        for word in words:
            self.assertIn(word, fault.sentence)

    def metric(self, name):
        """One number of /metrics."""
        for line in self.broker.http("GET", "/metrics")[1].splitlines():
            if line.split(" ")[0] == name:
                return float(line.split(" ")[1])
        raise AssertionError(f"there is no metric {name}")

    def assertLog(self, *words):
        """A line of the log since the last start has all these words."""
        line = self.broker.wait_for(words[0])
        for word in words:
            self.assertIn(word, line)

    def assertNoPersonInLog(self, niss):
        self.assertNotIn(f"{niss:011d}", self.broker.log())
