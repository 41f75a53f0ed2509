#!/usr/bin/env python3
# limit_s: 240
# alone: it takes times under load
"""A wait alert leaves within a second of its deadline, also at 20,000 events/s: the real kefud with Redis, 300 agents who
answer customers all the while, and customers of others who are left waiting. From the deadline to the message at the robot's,
and to the entry of the stream. The rules are those of seed, with 2 s for 30. Prints the figures as JSON; other work on the
machine may need it up to three tries. KEFU_SOAK=1: seed's own 30 s, 90 s of load."""
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
import kefud_run
from kefud_run import Kefud, want
from robot_server import Robot

SOAK = bool(os.environ.get("KEFU_SOAK"))
PER_SECOND, AGENTS, TICK_S = 20_000, 300, 0.005
LOAD_S, LIMIT_S, PROBES = (90, 30, 150) if SOAK else (6, 2, 12)
BETWEEN_S = 0.3
ALLOWED_MS = 1000
TRIES = 3
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def changed(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


def rulebook(folder):
    """Seed's own file under another name, the lead's wait cut short."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../rulebooks/seed.json")) as f:
        text = changed(f.read(), '"name": "seed",', '"name": "rush", "effective_from": "2026-01",')
    text = changed(text, '"scope": "agent", "severity": "warning", "raise": 30, "keep_firing_s": 300',
                   f'"scope": "agent", "severity": "warning", "raise": {LIMIT_S}, "keep_firing_s": 300')
    os.makedirs(f"{folder}/rulebooks", exist_ok=True)
    with open(f"{folder}/rulebooks/rush.json", "w") as f:
        f.write(text)


def start_redis(folder):
    sock = f"{folder}/redis.sock"
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", sock, "--save", "", "--dir", folder],
                              stdout=subprocess.DEVNULL)
    for _ in range(500):
        if subprocess.run(["redis-cli", "-s", sock, "ping"], capture_output=True).stdout == b"PONG\n":
            return server, sock
        time.sleep(0.02)
    raise AssertionError("redis-server did not start")


def start_kefud(folder, sock, hook):
    rulebook(folder)
    with open(f"{folder}/hook.url", "w") as f:
        f.write(f"http://{hook.host}/in\n")
    with open(f"{folder}/hook.secret", "w") as f:
        f.write(SECRET + "\n")
    with open(f"{folder}/channels.json", "w") as f:
        json.dump({"channels": [{"name": "lead", "kind": "webhook", "hears": ["lead"], "url_file": "hook.url",
                                 "secret_file": "hook.secret", "hosts": [hook.host], "allow_private": True}]}, f)
    return Kefud(folder, redis_address="unix:" + sock, channels_file="channels.json", rulebooks_dir="rulebooks").start()


def line(name, ts, kind, **fields):
    return json.dumps({"id": name, "source": "rush", "ts": ts, "type": kind, **fields}, separators=(",", ":")) + "\n"


def work(start_ms, tag):
    """Lines of the load, each stamped with when it is to go: a new conversation, and the answer to the one of 100 ms ago."""
    behind, n, rows = PER_SECOND // 40, PER_SECOND * LOAD_S // 4, []
    for i in range(n + behind):
        ts = start_ms + i * 4000 // PER_SECOND
        key, old = f"{tag}{i}", f"{tag}{i - behind}"
        agent, of_old = f"w{i % AGENTS}", f"w{(i - behind) % AGENTS}"
        if i < n:
            rows += [line(key + ".a", ts, "conversation.assigned", conversation=key, agent=agent),
                     line(key + ".q", ts, "message", conversation=key, **{"from": "customer"})]
        if i >= behind:
            rows += [line(old + ".r", ts, "message", conversation=old, **{"from": "agent"}, agent=of_old),
                     line(old + ".e", ts, "conversation.resolved", conversation=old, by="agent", agent=of_old)]
    return [r.encode() for r in rows]


def send(path, rows, begin_s, told):
    """A process of its own: the load, paced, and its acknowledgements to the end."""
    door = socket.socket(socket.AF_UNIX)
    door.connect(path)
    acked = []
    reader = threading.Thread(target=lambda: acked.append(last_ack(door)))
    reader.start()
    time.sleep(max(0, begin_s - time.time()))
    begun, done = time.monotonic(), 0
    while done < len(rows):
        due = min(len(rows), int((time.monotonic() - begun) * PER_SECOND))
        if due > done:
            door.sendall(b"".join(rows[done:due]))
            done = due
        time.sleep(TICK_S)
    took_s = time.monotonic() - begun
    door.shutdown(socket.SHUT_WR)
    reader.join()
    told.send((acked[0], took_s))


def last_ack(door):
    acked, rest = 0, b""
    while more := door.recv(1 << 16):
        *lines, rest = (rest + more).split(b"\n")
        acked = json.loads(lines[-1])["ack"] if lines else acked
    return acked


def ask(k, run):
    """Customers of agents of teams of their own begin to wait while the load goes on; when each deadline is."""
    deadlines = {}
    door = socket.socket(socket.AF_UNIX)
    door.connect(f"{k.state}/ingest.sock")
    for i in range(PROBES):
        name, ts = f"{run}p{i}", int(time.time() * 1000)
        door.sendall((line(f"{name}.t", ts, "agent.profile", agent=name, team=name.upper()) +
                      line(f"{name}.a", ts, "conversation.assigned", conversation=name, agent=name) +
                      line(f"{name}.m", ts, "message", conversation=name, **{"from": "customer"})).encode())
        deadlines[name.upper()] = ts + LIMIT_S * 1000
        time.sleep(BETWEEN_S)
    door.close()
    return deadlines


def arrived(hook, wall_ms, want_n, limit_s):
    """When the first message of each team came, on the wall clock."""
    end = time.monotonic() + limit_s
    while True:
        came = {}
        for mono, _, _, body, _ in list(hook.got):
            if body["rule"] == "wait_lead":
                came.setdefault(body["team"], mono * 1000 + wall_ms)
        if len(came) >= want_n:
            return came
        assert time.monotonic() < end, f"{len(came)} of {want_n} messages came"
        time.sleep(0.05)


def entries(sock, run):
    out = subprocess.run(["redis-cli", "-s", sock, "--json", "XRANGE", "{kefu}:alerts", "-", "+"], capture_output=True, check=True)
    rows = (dict(zip(e[1][::2], e[1][1::2])) for e in json.loads(out.stdout))
    return {r["team"]: int(r["at"]) for r in rows
            if r["rule"] == "wait_lead" and r["state"] == "firing" and r.get("team", "").startswith(run.upper() + "P")}


def spread(values):
    s = sorted(values)
    return {"p50": round(s[len(s) // 2]), "p99": round(s[min(len(s) - 1, len(s) * 99 // 100)]), "max": round(s[-1])}


def attempt(k, hook, sock, run):
    wall_ms = (time.time() - time.monotonic()) * 1000
    start_ms = int(time.time() * 1000) + 1000 * LOAD_S // 2
    rows = work(start_ms, run + "c")
    assert time.time() * 1000 < start_ms, "making the load took too long"
    end, other_end = multiprocessing.Pipe()
    load = multiprocessing.Process(target=send, args=(f"{k.state}/ingest.sock", rows, start_ms / 1000, other_end))
    load.start()
    time.sleep(start_ms / 1000 + 0.5 - time.time())
    deadlines = ask(k, run)
    came = arrived(hook, wall_ms, len(hook_teams(hook) | deadlines.keys()), LIMIT_S + 30)
    acked, took_s = end.recv()
    load.join()
    told = entries(sock, run)
    want("acknowledged lines", len(rows), acked)
    assert told.keys() == deadlines.keys(), (sorted(told), sorted(deadlines))
    return {"events_per_second": round(len(rows) / took_s), "alerts": len(deadlines),
            "stream_ms": spread(told[t] - deadlines[t] for t in deadlines),
            "robot_ms": spread(came[t] - deadlines[t] for t in deadlines)}


def hook_teams(hook):
    return {g[3]["team"] for g in list(hook.got) if g[3]["rule"] == "wait_lead"}


def test(folder):
    hook = Robot()
    server, sock = start_redis(folder)
    try:
        k = start_kefud(folder, sock, hook)
        for n in range(TRIES):
            found = attempt(k, hook, sock, f"r{n}")
            print(json.dumps(found), flush=True)
            assert found["robot_ms"]["p50"] >= 0, "told before the deadline"
            if found["robot_ms"]["max"] <= ALLOWED_MS and found["events_per_second"] > PER_SECOND * 0.97:
                break
        else:
            raise AssertionError(f"a message later than {ALLOWED_MS} ms, or less load than {PER_SECOND}/s, {TRIES} times")
        others = [g[3]["rule"] for g in hook.got if g[3]["rule"] not in ("wait_lead", "wait_critical")]
        assert not others, others
        k.stop()
    finally:
        for child in multiprocessing.active_children():
            child.terminate()
        server.terminate()
        server.wait()


sys.exit(kefud_run.main(test))
