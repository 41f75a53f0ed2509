#!/usr/bin/env python3
# limit_s: 300
"""What a running kefud shows in a real Redis, seen with redis-cli; and F3: kefud or Redis killed between commits and
publishing, no tier change is lost and none stands in the stream twice. Prints its seed; KEFU_SEED takes it back."""
import json
import os
import random
import shutil
import signal
import subprocess
import time

from shop import HANDLED, SOAK, SOCK, TMP, child, redis, send, start_kefud, start_redis, stop_kefud, wait_for, work, write_config

PREFIX = "{shop}:"
KILLS = 200 if SOAK else 16


def tier_changes():
    return [(entry[0], dict(zip(entry[1][::2], entry[1][1::2]))) for entry in redis("XRANGE", PREFIX + "tiers", "-", "+")]


def check_shown():
    listener = child("redis-cli", "-s", SOCK, "SUBSCRIBE", PREFIX + "scores", stdout=subprocess.PIPE, text=True)
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


def check_killed(rng, kefud, server):
    """Of three kills two are kefud's, one is Redis's, which keeps a log of what it was told, or comes back empty."""
    agents = []
    for k in range(KILLS):
        agents.append(f"k{k}")
        s = send(work(agents[-1], "K", 5, HANDLED), wait=False)
        time.sleep(rng.random() * 0.08)
        if rng.random() < 1 / 3:
            server.send_signal(signal.SIGKILL)
            server.wait()
            if rng.random() < 1 / 3:
                shutil.rmtree(os.path.join(TMP, "appendonlydir"))
            server = start_redis("--appendonly", "yes")
        else:
            kefud.send_signal(signal.SIGKILL)
            kefud.wait()
            kefud = start_kefud()
        s.close()
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
    write_config(redis_prefix=PREFIX)
    server = start_redis("--appendonly", "yes")
    kefud = start_kefud()
    check_shown()
    check_flushed()
    stop_kefud(check_killed(random.Random(seed), kefud, server))
    print(f"hashes, board, streams, channel as documented; {KILLS} kills, each tier change told once")


main()
