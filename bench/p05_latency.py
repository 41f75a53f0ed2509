"""P5a and P5b: event received → new figures readable in Redis, at rest and under 20,000 events/s."""
import os
import subprocess

import rig
from p03_http import commits

PROBES, GAP_MS = 300, 20
LOAD_PER_SECOND, LOAD_S = 20_000, 45  # longer than the probes and the commits before them take


def without_orders(home):
    """Lines of load: the probes are orders, and nothing else may move their figure."""
    path = os.path.join(home, "load.ndjson")
    with open(rig.events(home, rig.scaled(1_000_000)), encoding="utf-8") as all_lines, \
            open(path, "w", encoding="utf-8") as out:
        left = LOAD_PER_SECOND * LOAD_S
        for line in all_lines:
            if '"type":"order"' not in line and left > 0:
                out.write(line)
                left -= 1
    return path


def rows(name, what, probe, commit, floors, aims):
    return [rig.Row(f"{name} {p}", what, probe[f"{p}_ns"] / rig.MS, commit[f"{p}_ns"] / rig.MS, f"commit {p}", "ms",
                    kind="difference", floor=floor, aim=aim, lower=True)
            for p, floor, aim in zip(("p50", "p99"), floors, aims)]


def measure(home):
    result = []
    with rig.folder() as here, rig.Redis(here) as redis, rig.Daemon(here, redis) as daemon:
        rig.tool("send", daemon.ingest, rig.events(home, rig.scaled(100_000)))
        commit = commits()
        probe = rig.tool("latency", daemon.ingest, redis.socket, rig.AGENTS, max(20, PROBES // rig.SCALE), GAP_MS)
        result += rows("P5a", "an agent at rest: event to Redis", probe, commit, (5, 30), (2, 10))
        load = subprocess.Popen([os.path.join(rig.BUILD, "bench", "send"), daemon.ingest, without_orders(home),
                                 str(LOAD_PER_SECOND)], stdout=subprocess.DEVNULL)
        try:
            commit = commits()
            probe = rig.tool("latency", daemon.ingest, redis.socket, rig.AGENTS, max(20, PROBES // rig.SCALE), GAP_MS)
            busy = load.poll() is None
        finally:
            rig.end(load)
        under = rows("P5b", "the same under 20,000 events/s", probe, commit, (60, 130), (55, 110))
        for row in under:
            row.note = "" if busy else "the load ended before the probes"
    return result + under
