#!/usr/bin/env python3
# limit_s: 300
"""What a running kefud shows in a real Redis, seen with redis-cli; and F3: killed between commits and publishing, no tier
change is lost and none stands in the stream twice. Prints its seed; KEFU_SEED takes it back."""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

BUILD, TMP = os.environ["KEFU_BUILD"], os.environ["TMPDIR"]
SOCK, PREFIX = os.path.join(TMP, "redis.sock"), "{shop}:"
KILLS = 100 if os.environ.get("KEFU_SOAK") else 12
HANDLED = 12
LIMIT_S = 30

if not shutil.which("redis-server") or not shutil.which("redis-cli"):
    print("redis-server and redis-cli are not installed")
    sys.exit(77)

children = []


def redis(*args):
    out = subprocess.run(["redis-cli", "-s", SOCK, "--json", *args], capture_output=True, text=True, check=True)
    return json.loads(out.stdout)


def wait_for(what, is_so):
    end = time.monotonic() + LIMIT_S
    while not is_so():
        if time.monotonic() > end:
            sys.exit(f"waited {LIMIT_S} s in vain: {what}")
        time.sleep(0.02)


def start_redis():
    children.append(subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", SOCK, "--save", "", "--dir", TMP],
                                     stdout=subprocess.DEVNULL))

    def answers():
        return subprocess.run(["redis-cli", "-s", SOCK, "ping"], capture_output=True).stdout == b"PONG\n"

    wait_for("redis-server", answers)


def start_kefud():
    log_path = os.path.join(TMP, "kefud.log")
    with open(log_path, "wb") as log:
        p = subprocess.Popen([os.path.join(BUILD, "kefud"), "-c", os.path.join(TMP, "kefud.json")], stderr=log)
    children.append(p)
    wait_for("kefud", lambda: p.poll() is not None or b"evt=ready" in open(log_path, "rb").read())
    assert p.poll() is None, open(log_path).read()
    return p


def send(lines, wait=True):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.path.join(TMP, "state", "ingest.sock"))
    s.sendall(b"".join(json.dumps(l).encode() + b"\n" for l in lines))
    if wait:
        s.shutdown(socket.SHUT_WR)
        answers = [json.loads(l) for l in s.makefile()]
        assert answers[-1]["ack"] == len(lines) and not any(a["rejected"] for a in answers), answers
    return s


def work(agent, team, score, orders):
    """A quarter of an hour's work of an agent: all answered in time, rated with `score`, some cross-sales."""
    lines = [{"id": f"{agent}-p", "type": "agent.profile", "agent": agent, "team": team}]
    for i in range(HANDLED):
        at, chat = NOW_MS - 900_000 + i * 60_000, f"{agent}-{i}"
        lines += [
            {"id": f"{chat}-q", "type": "message", "conversation": chat, "from": "customer", "ts": at, "text": "在吗"},
            {"id": f"{chat}-a", "type": "message", "conversation": chat, "from": "agent", "agent": agent, "ts": at + 5000},
            {"id": f"{chat}-r", "type": "conversation.resolved", "conversation": chat, "ts": at + 9000},
            {"id": f"{chat}-s", "type": "rating", "conversation": chat, "score": score, "ts": at + 10000},
        ]
        if i < orders:
            lines.append({"id": f"{chat}-o", "type": "order", "order": chat, "agent": agent, "kind": "cross",
                          "amount_fen": 100, "state": "paid", "ts": at + 11000})
    return [{"ts": NOW_MS - 900_000, **l} for l in lines]


def tier_changes():
    return [(entry[0], dict(zip(entry[1][::2], entry[1][1::2]))) for entry in redis("XRANGE", PREFIX + "tiers", "-", "+")]


def check_shown():
    listener = subprocess.Popen(["redis-cli", "-s", SOCK, "SUBSCRIBE", PREFIX + "scores"], stdout=subprocess.PIPE,
                                text=True)
    children.append(listener)
    for _ in range(3):
        listener.stdout.readline()  # subscribed
    send(work("amy", "A", 5, HANDLED) + work("bob", "A", 3, 0))
    wait_for("amy's tier", lambda: redis("HGET", PREFIX + "agent:amy", "tier") == "excellent")
    wait_for("bob's figures", lambda: redis("HGET", PREFIX + "agent:bob", "rated") == str(HANDLED))
    amy = redis("HGETALL", PREFIX + "agent:amy")
    for field, value in {"score": "100.00", "provisional": "0", "team": "A", "rulebook": "seed", "answered": "12",
                         "within": "12", "missed": "0", "rated": "12", "rating_mean": "5.000",
                         "open": "0", "waiting": "0"}.items():
        assert amy.get(field) == value, (field, value, amy)
    assert "oldest_wait_at" not in amy, amy
    assert abs(int(amy["response_p50"]) - 5000) <= 50, amy
    # response 20 + resolution 30 + satisfaction 40 × 3/4.5 + cross-sell 0, of 100
    assert redis("HGET", PREFIX + "agent:bob", "score") == "76.66"
    board = redis("ZREVRANGE", PREFIX + "board:A", "0", "-1")
    assert board == ["amy", "bob"], board
    wait_for("two tier changes", lambda: len(tier_changes()) == 2)
    changes = {c["agent"]: c for _, c in tier_changes()}
    assert changes["amy"]["to"] == "excellent" and changes["amy"]["rulebook"] == "seed", changes
    assert changes["bob"]["to"] == "qualified" and "from" not in changes["bob"], changes
    assert redis("TTL", PREFIX + "alive") > 0
    told = []
    while not (told and told[-1]["agent"] == "amy" and told[-1].get("tier") == "excellent"):
        for _ in range(2):
            assert listener.stdout.readline()
        told.append(json.loads(listener.stdout.readline()))
    listener.terminate()


def check_flushed():
    """All comes back by itself, the streams with the same ids."""
    before, hashes = tier_changes(), sorted(redis("KEYS", PREFIX + "agent:*"))
    redis("FLUSHALL")
    wait_for("everything after FLUSHALL", lambda: tier_changes() == before)
    wait_for("the hashes", lambda: sorted(redis("KEYS", PREFIX + "agent:*")) == hashes)


def check_killed(rng, kefud):
    agents = []
    for k in range(KILLS):
        agents.append(f"k{k}")
        s = send(work(agents[-1], "K", 5, HANDLED), wait=False)
        time.sleep(rng.random() * 0.08)
        kefud.send_signal(signal.SIGKILL)
        kefud.wait()
        s.close()
        kefud = start_kefud()
    for agent in agents:
        send(work(agent, "K", 5, HANDLED))
    wait_for("all tiers", lambda: all(redis("HGET", PREFIX + f"agent:{a}", "tier") == "excellent" for a in agents))
    wait_for("all tier changes", lambda: len(tier_changes()) >= 2 + KILLS)
    time.sleep(0.3)  # nothing more must come: there is no event to wait for
    told = sorted(c["agent"] for _, c in tier_changes())
    assert told == sorted(["amy", "bob", *agents]), told
    ids = [tuple(map(int, i.split("-"))) for i, _ in tier_changes()]
    assert ids == sorted(set(ids)), ids
    return kefud


def main():
    seed = int(os.environ.get("KEFU_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed} (KEFU_SEED={seed} repeats it)")
    start_redis()
    kefud = start_kefud()
    check_shown()
    check_flushed()
    kefud = check_killed(random.Random(seed), kefud)
    kefud.terminate()
    assert kefud.wait() == 0
    print(f"hashes, board, streams, channel as documented; {KILLS} kills, each tier change told once")


# In a zone where the month is not just beginning: what happened a quarter of an hour ago must be of this month.
NOW_MS = int(time.time() * 1000)
zone = "Etc/GMT-12" if time.gmtime().tm_mday == 1 and time.gmtime().tm_hour < 2 else "UTC"
with open(os.path.join(TMP, "kefud.json"), "w") as config:
    json.dump({"state_dir": os.path.join(TMP, "state"), "http_listen": "", "redis_address": "unix:" + SOCK,
               "redis_prefix": PREFIX, "timezone": zone}, config)
try:
    main()
finally:
    for child in children:
        if child.poll() is None:
            child.kill()
