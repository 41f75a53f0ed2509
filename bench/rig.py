"""What the measurements of bench/ share: processes and files that live as long as one run, and rows of the table.

Everything lives in one temporary folder and on unix sockets or loopback; every process started here is ended here, by its
id. Sizes are divided by BENCH_SCALE. Nothing here judges: a row holds both sides, the floor and the aim."""
import contextlib
import dataclasses
import datetime
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("KEFU_BUILD", "build"))
SCALE = max(1, int(os.environ.get("BENCH_SCALE", "1")))
AGENTS = 300
EVENT_BYTES = 205
WAIT_S = 120
MS = 1_000_000


class Unavailable(Exception):
    """This build cannot do what is to be measured."""


def scaled(n):
    return max(1, n // SCALE)


@dataclasses.dataclass
class Row:
    id: str
    what: str
    ours: float | None = None
    beside: float | None = None  # what is measured in the same run
    beside_what: str = ""
    unit: str = ""
    kind: str = "ratio"  # or "difference" (ours - beside), or "value" (ours alone)
    floor: float | None = None
    aim: float | None = None
    lower: bool = False  # less is better
    note: str = ""

    def result(self):
        if self.ours is None:
            return None
        if self.kind == "ratio":
            return self.ours / self.beside
        return self.ours - self.beside if self.kind == "difference" else self.ours

    def met(self, limit):
        r = self.result()
        if r is None or limit is None:
            return None
        return r <= limit if self.lower else r >= limit

    def as_dict(self):
        d = dataclasses.asdict(self)
        d.update(result=self.result(), floor_met=self.met(self.floor), aim_met=self.met(self.aim))
        return d


def run(*args, **kw):
    done = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, text=True, check=False, **kw)
    if done.returncode != 0:
        raise RuntimeError(f"{os.path.basename(str(args[0]))} ended with {done.returncode}: {done.stdout.strip()[-300:]}")
    return done.stdout


def tool(name, *args):
    """A program of bench/: its one line of JSON."""
    return json.loads(run(os.path.join(BUILD, "bench", name), *args))


def kefuctl(*args):
    return run(os.path.join(BUILD, "kefuctl"), *args)


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="kefu-bench.")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def until(truth, what, process=None):
    end = time.monotonic() + WAIT_S
    while True:
        found = truth()
        if found:
            return found
        if process and process.poll() is not None:
            raise RuntimeError(f"{what}: the process ended with {process.returncode}")
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {WAIT_S} s")
        time.sleep(0.005)


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Redis:
    """A redis-server of our own: a unix socket, no persistence."""

    def __init__(self, home):
        self.socket = os.path.join(home, "redis.sock")
        log = open(os.path.join(home, "redis.log"), "w")
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no", "--dir", home],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        until(lambda: os.path.exists(self.socket), "redis-server", self.process)

    def ask(self, *args):
        return run("redis-cli", "-s", self.socket, *args).strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)


class Daemon:
    """A kefud in a folder of its own; ready_ns is from exec to evt=ready."""

    def __init__(self, home, redis=None, **options):
        self.home = home
        self.config = os.path.join(home, "kefud.json")
        self.log = os.path.join(home, "kefud.log")
        self.ingest = os.path.join(home, "ingest.sock")
        self.state = os.path.join(home, "state")
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump({"state_dir": self.state, "run_dir": home, "http_listen": "127.0.0.1:0",
                       "redis_address": f"unix:{redis.socket}" if redis else "", **options}, f)
        self.start()

    def start(self):
        with open(self.log, "w") as log:
            began = time.monotonic_ns()
            self.process = subprocess.Popen([os.path.join(BUILD, "kefud"), "-c", self.config], stderr=log, stdout=log,
                                            stdin=subprocess.DEVNULL)
        line = until(self._ready, "kefud", self.process)
        self.ready_ns = time.monotonic_ns() - began
        self.port = line.split(" http=")[1].split()[0].rsplit(":", 1)[1]

    def _ready(self):
        with open(self.log, encoding="utf-8") as f:
            return next((line for line in f if "evt=ready " in line), None)

    def status(self):
        return json.loads(kefuctl("status", "--json", "-c", self.config))

    def token(self):
        out = kefuctl("token", "add", "--role", "ingest", "--json", "-c", self.config)
        return json.loads(out)["token"]

    def stop(self):
        end(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


_events = {}


def this_month():
    """Where events may begin so that they count in the month that is shown, and for how many days they may go on."""
    zone = datetime.timezone(datetime.timedelta(hours=8))
    now = datetime.datetime.now(zone)
    days = max(1, (now - now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)).days - 1)
    start = now - datetime.timedelta(days=days + 1)
    return max(start, now.replace(day=1, hour=0, minute=0, second=0)) if now.day > 2 else start, days


def events(home, n, days=None, start=None, seed=1):
    """A file of n events of 300 agents as BUDGETS has them; made once a run. home: the folder of the run."""
    key = (n, days, start, seed)
    if key not in _events:
        path = os.path.join(home, f"events-{len(_events)}.ndjson")
        begin, most = this_month()
        kefuctl("simulate", "--out", path, "--agents", AGENTS, "--ids", "short", "--events", n, "--seed", seed,
                "--days", days or most, "--start", start or begin.isoformat(timespec="seconds"))
        _events[key] = path
    return _events[key]


def x(home):
    """The measuring stick: how many entries of an event's size Redis appends a second."""
    with folder() as here, Redis(here) as redis:
        out = run("redis-benchmark", "-s", redis.socket, "-c", 1, "-P", 100, "-n", scaled(1_000_000), "--csv",
                  "XADD", "s", "*", "e", "x" * EVENT_BYTES)
    return float(out.strip().splitlines()[-1].rsplit('","', 7)[1].strip('"'))


def middle(pairs):
    """Of (ours, beside) of several rounds the pair with the middle ratio: neighbours on the machine come and go."""
    ranked = sorted(pairs, key=lambda p: p[0] / p[1])
    return ranked[len(ranked) // 2]


def middle_of(values):
    return statistics.median(values)


def files_bytes(path):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, names in os.walk(path) for f in names)


def process_status(pid, name):
    """A number of /proc/PID/status, summed over its threads where it counts switches."""
    total = 0
    tasks = os.listdir(f"/proc/{pid}/task") if "ctxt" in name else [pid]
    for task in tasks:
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as f:
            total += next(int(line.split()[1]) for line in f if line.startswith(name))
    return total


