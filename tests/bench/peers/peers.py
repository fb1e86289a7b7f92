#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""vigie beside Redis Streams, PostgreSQL, RabbitMQ, JetStream and Mosquitto, at one job.

Goal: what a mutation costs elsewhere. Method: peer.c does vigie's job on each broker, as its
own expert would; every broker runs on loopback with a folder of its own, in turn, with its
own strongest promise, which stands beside its figures; vigie runs with encryption on, the
others without. Rounds go over all of them one after the other, so that what else the machine
does meets everybody; the median of the rounds counts, least and most stand beside it.

    tests/bench/peers/peers.py [--rounds 3] [--seconds 10] [--people 100000] [NAME ...]

Needs the packages that it names when they are missing (--install fetches them). The servers
listen on 127.0.0.1 only, keep nothing, and are stopped by their process id. It reports; it
judges nothing.
"""

import argparse
import json
import os
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[2]
BIN = TOP / "build/release/bin"
START_SECONDS, STOP_SECONDS = 180, 30
POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
PACKAGES = {
    "redis": ["redis-server", "libhiredis-dev"],
    "postgresql": ["postgresql-15", "libpq-dev"],
    "rabbitmq": ["rabbitmq-server", "librabbitmq-dev"],
    "jetstream": ["nats-server"],
    "jetstream-shared": ["nats-server"],
    "mosquitto": ["mosquitto"],
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(port):
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def processes_of(first):
    """A process and all that came of it."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children.setdefault(int(stat[1]), []).append(int(name))
    found = [first]
    for one in found:
        found += children.get(one, [])
    return found


class Server:
    """A broker and the processes that come of it."""

    user = None  # runs as this one when we are root
    words = []  # for the program
    stop_signal = signal.SIGTERM

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.process = None

    def where(self):
        return str(self.port)

    def prepare(self):
        pass

    def environment(self):
        return dict(os.environ)

    def as_user(self):
        if self.user is None or os.getuid() != 0:
            return {}
        entry = pwd.getpwnam(self.user)
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, entry.pw_uid, entry.pw_gid)
        return {"user": self.user, "group": entry.pw_gid}

    def is_ready(self):
        return answers(self.port)

    def start(self):
        self.prepare()
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, env=self.environment(), stdout=log,
                stderr=log, start_new_session=True, **self.as_user())
        end = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > end:
                last = (self.folder / "log").read_text(errors="replace")[-2000:]
                raise SystemExit(f"{self.folder.name} does not start: {last}")
            time.sleep(0.1)

    def stop(self):
        if self.process is None:
            return
        family = processes_of(self.process.pid)
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()


class Redis(Server):
    program = "peer_redis"

    def command(self):
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir",
                str(self.folder), "--appendonly", "yes", "--appendfsync", "always",
                "--save", "", "--auto-aof-rewrite-percentage", "0"]


class Mosquitto(Server):
    program = "peer_mosquitto"
    user = "mosquitto"

    def prepare(self):
        (self.folder / "conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.folder}/\nmax_inflight_messages 0\n"
            "max_queued_messages 0\nset_tcp_nodelay true\n")

    def command(self):
        return ["mosquitto", "-c", str(self.folder / "conf")]


class JetStream(Server):
    program = "peer_jetstream"

    def command(self):
        return ["nats-server", "-js", "-sd", str(self.folder), "-a", "127.0.0.1", "-p",
                str(self.port)]


class JetStreamShared(JetStream):
    """Mailboxes of a connection share one stream and one place in it: less than the job."""

    words = ["--shared"]


class RabbitMQ(Server):
    program = "peer_rabbitmq"

    def prepare(self):
        self.distribution = free_port()
        self.mapper = free_port()
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.file = false\n"
            "log.console = true\nlog.console.level = warning\n"
            "vm_memory_high_watermark.relative = 0.5\n")

    def environment(self):
        # A name server of its own: it would outlive the broker otherwise.
        return dict(os.environ, HOME=str(self.folder),
                    RABBITMQ_CONFIG_FILE=str(self.folder / "rabbitmq.conf"),
                    RABBITMQ_MNESIA_BASE=str(self.folder / "mnesia"),
                    RABBITMQ_LOG_BASE=str(self.folder),
                    RABBITMQ_NODENAME=f"peer{self.port}@localhost",
                    RABBITMQ_DIST_PORT=str(self.distribution),
                    RABBITMQ_ENABLED_PLUGINS_FILE=str(self.folder / "plugins"),
                    RABBITMQ_PID_FILE=str(self.folder / "pid"),
                    ERL_EPMD_PORT=str(self.mapper), ERL_EPMD_ADDRESS="127.0.0.1",
                    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=
                    "-kernel inet_dist_use_interface {127,0,0,1}")

    def command(self):
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    def stop(self):
        super().stop()
        # epmd leaves the session when it becomes a daemon.
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    environment = Path("/proc", name, "environ").read_bytes()
                    program = Path("/proc", name, "comm").read_text()
                except OSError:
                    continue
                if program == "epmd\n" and f"ERL_EPMD_PORT={self.mapper}".encode() in \
                        environment:
                    os.kill(int(name), signal.SIGTERM)


class PostgreSQL(Server):
    program = "peer_postgresql"
    user = "postgres"
    stop_signal = signal.SIGINT  # does not wait for clients

    def where(self):
        return str(self.folder)

    def prepare(self):
        who = self.as_user()
        subprocess.run([POSTGRESQL / "initdb", "-D", self.folder / "data", "-A", "trust", "-U",
                        "postgres"], cwd=self.folder, stdout=subprocess.DEVNULL, check=True,
                       **who)

    def command(self):
        return [str(POSTGRESQL / "postgres"), "-D", str(self.folder / "data"), "-c",
                "listen_addresses=", "-c", f"unix_socket_directories={self.folder}", "-c",
                "shared_buffers=2GB", "-c", "wal_buffers=64MB", "-c", "max_wal_size=32GB",
                "-c", "checkpoint_timeout=1h", "-c", "jit=off"]

    def is_ready(self):
        return (self.folder / ".s.PGSQL.5432").exists() and subprocess.run(
            [POSTGRESQL / "pg_isready", "-q", "-h", self.folder], check=False).returncode == 0


PEERS = {"redis": Redis, "postgresql": PostgreSQL, "rabbitmq": RabbitMQ,
         "jetstream": JetStream, "jetstream-shared": JetStreamShared, "mosquitto": Mosquitto}


def run_peer(name, options, base):
    folder, directory = base / name, base / (name + "-directory")
    for path in (folder, directory):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o755)
    server = PEERS[name](folder)
    try:
        server.start()
        done = subprocess.run(
            [BIN / server.program, "--server", server.where(), "--folder", directory,
             "--process", str(server.process.pid), "--people", str(options.people),
             "--seconds", str(options.seconds), *server.words],
            stdout=subprocess.PIPE, check=True, timeout=options.seconds * 10 + 300)
        return json.loads(done.stdout)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)


def run_vigie(options):
    """The same job with vigie's own bench: CURVE on, every answer after its sync."""
    done = subprocess.run(
        [BIN / "vigie", "bench", "--json", "--rounds", "1", "--people", str(options.people),
         "--seconds", str(options.seconds), "--folder", str(options.folder)],
        stdout=subprocess.PIPE, check=True, timeout=options.seconds * 20 + 900)
    case, = (line for line in map(json.loads, done.stdout.splitlines()) if "case" in line)
    count = case["notifications"]

    def figure(name):
        return case[name]["median"]

    def seconds(*names):
        return sum(figure(name + "_cpu_us") for name in names) * count / 1e6

    return {"peer": "vigie", "durability": "synced before the answer, encrypted",
            "expected": count, "received": count,
            "seconds": count / figure("notifications_per_second"),
            "notifications_per_second": figure("notifications_per_second"),
            "server_cpu_s": seconds("loop", "writer", "sockets"),
            "publisher_cpu_s": seconds("publisher"),
            "receiver_cpu_s": seconds("receivers"),
            "p50_ms": case["published_to_received_ms"]["p50"]["median"],
            "p99_ms": case["published_to_received_ms"]["p99"]["median"]}


def cpu_per_100000(result):
    cpu = result["publisher_cpu_s"] + result["server_cpu_s"] + result["receiver_cpu_s"]
    return cpu / result["received"] * 1e5


def spread(values, form):
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def report(results):
    """A row each: medians, least and most, and vigie's multiple of it."""
    def middle(name, figure):
        return statistics.median(figure(one) for one in results[name])

    def rate_of(one):
        return one["notifications_per_second"]

    print(f"{'':16} {'notifications/s':>26} {'CPU s per 100,000':>22} {'vigie is':>9} "
          f"{'its CPU':>8} lost  promise")
    for name, rounds in results.items():
        ratio = middle("vigie", rate_of) / middle(name, rate_of)
        share = middle("vigie", cpu_per_100000) / middle(name, cpu_per_100000)
        lost = sum(one["expected"] - one["received"] for one in rounds)
        print(f"{name:16} {spread([rate_of(one) for one in rounds], ',.0f'):>26} "
              f"{spread([cpu_per_100000(one) for one in rounds], '.2f'):>22} "
              f"{ratio:8.1f}x {share:7.2f}x {lost:4}  {rounds[0]['durability']}")


def missing_packages(names):
    wanted = [package for name in names for package in PACKAGES[name]]
    return [package for package in wanted
            if subprocess.run(["dpkg", "-s", package], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode]


def build(names):
    targets = {PEERS[name].program for name in names} | {"vigie", "vigied"}
    for words in (["--preset", "release", "-DVIGIE_PEERS=ON"],
                  ["--build", "--preset", "release", "--target", *targets]):
        subprocess.run(["cmake", *words], cwd=TOP, stdout=subprocess.DEVNULL, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--people", type=int, default=100000)
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"), help="on the disk")
    parser.add_argument("--install", action="store_true", help="fetch what is missing")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = options.names or list(PEERS)
    if set(names) - set(PEERS):
        parser.error(f"known are: {', '.join(PEERS)}")
    missing = missing_packages(names)
    if missing and not options.install:
        sys.exit(f"missing: {' '.join(missing)} (--install fetches them)")
    if missing:
        subprocess.run(["apt-get", "install", "-y", "--no-install-recommends", *missing],
                       check=True)
    build(names)
    base = Path(tempfile.mkdtemp(prefix="vigie-peers-", dir=options.folder))
    base.chmod(0o755)
    results = {name: [] for name in ["vigie", *names]}
    try:
        for number in range(options.rounds):
            for name in results:
                print(f"round {number + 1}: {name}", file=sys.stderr)
                results[name].append(run_vigie(options) if name == "vigie"
                                     else run_peer(name, options, base))
    finally:
        shutil.rmtree(base, ignore_errors=True)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        report(results)


if __name__ == "__main__":
    main()
