"""P3 and P4: POST /v1/events, one event each and arrays of 100, 64 connections, durable answers."""
import os
import subprocess

import rig

MILLISECONDS = 4000
CONNECTIONS = 64


def post(port, token, path, each):
    r = rig.tool("post", port, token, path, each, max(200, MILLISECONDS // rig.SCALE))
    if r["refused"]:
        raise RuntimeError(f"{r['refused']} requests were refused")
    return r["requests"] * each * 1e9 / r["ns"]


def bare(path):
    """Requests a second of libevent's server that only answers."""
    server = subprocess.Popen([os.path.join(rig.BUILD, "bench", "bare_http")], stdout=subprocess.PIPE, text=True)
    try:
        return post(server.stdout.readline().strip(), "none", path, 1)
    finally:
        rig.end(server)


def commits():
    with rig.folder() as here:
        return rig.tool("commit", here, max(200, MILLISECONDS // 2 // rig.SCALE))


def ours(path, each):
    with rig.folder() as here, rig.Redis(here) as redis, rig.Daemon(here, redis) as daemon:
        return post(daemon.port, daemon.token(), path, each)


def measure(home):
    path = rig.events(home, rig.scaled(1_000_000))
    ones, hundreds = [], []
    for _ in range(3):
        served, durable = bare(path), CONNECTIONS * 1e9 / commits()["p50_ns"]
        ones.append((ours(path, 1), min(served, durable)))
        hundreds.append((ours(path, 100), rig.x(home)))
    (one, one_beside), (hundred, hundred_beside) = rig.middle(ones), rig.middle(hundreds)
    return [rig.Row("P3", "POST, one event each", one, one_beside, "bare evhttp, or 64 ÷ commit p50", "requests/s",
                    floor=0.5, aim=0.8),
            rig.Row("P4", "POST, arrays of 100", hundred, hundred_beside, "X", "events/s", floor=0.5, aim=1.2)]
