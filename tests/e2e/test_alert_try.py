#!/usr/bin/env python3
"""kefuctl alert try: a month of pwc_callcenter, whose calls are answered late or never, replayed twice, the second time with
its lines in another order: the same list of alerts. Each bad rating is told of, and every alert that ends had begun. Without
../shared a simulated fortnight takes its place. KEFU_SOAK=1: the whole quarter."""
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(__file__))
import kefud_run
from kefud_run import want

SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../shared/data/pwc_callcenter.ndjson")
FEBRUARY_MS = 1612108800000  # 2021-02-01 in Shanghai
KEFUCTL = f"{kefud_run.BUILD}/kefuctl"


def history(folder):
    if not os.path.exists(SHARED):
        path = f"{folder}/simulated.ndjson"
        subprocess.run([KEFUCTL, "simulate", "--out", path, "--agents", "8", "--events", "20000", "--seed", "7", "--days", "14",
                        "--start", "2026-03-02T08:00:00+08:00"], check=True, capture_output=True)
        return open(path).read().splitlines()
    lines = open(SHARED).read().splitlines()
    return lines if os.environ.get("KEFU_SOAK") else [x for x in lines if json.loads(x)["ts"] < FEBRUARY_MS]


def begin(folder, name, lines):
    path = f"{folder}/{name}.ndjson"
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    return subprocess.Popen([KEFUCTL, "alert", "try", "--list", "--json", path], stdout=subprocess.PIPE)


def replayed_twice(folder, lines):
    seed = int(os.environ.get("KEFU_SEED", "0")) or random.randrange(1, 1 << 30)
    print(f"KEFU_SEED={seed}")
    shuffled = lines[:]
    random.Random(seed).shuffle(shuffled)
    runs = [begin(folder, "once", lines), begin(folder, "again", shuffled)]
    outs = [r.communicate(timeout=120)[0] for r in runs]
    want("exit", [0, 0], [r.returncode for r in runs])
    assert outs[0] == outs[1], "another list the second time"
    return json.loads(outs[0])


def check(lines, told):
    changes = told["changes"]
    assert len(changes) > 100, len(changes)
    on = set()
    for c in changes:
        if c["state"] == "firing":
            on.add(c["alert"])
        else:
            on.remove(c["alert"])
    for r in told["rules"]:
        of = [c["state"] for c in changes if c["rule"] == r["rule"]]
        want(r["rule"], (r["fired"], r["resolved"]), (of.count("firing"), of.count("resolved")))
    if os.path.exists(SHARED):
        bad = sum(e["type"] == "rating" and e["score"] * 5 <= 2 * e.get("scale", 5) for e in map(json.loads, lines))
        want("bad ratings told", bad, sum(r["fired"] for r in told["rules"] if r["rule"] == "bad_rating"))


def test(folder):
    lines = history(folder)
    check(lines, replayed_twice(folder, lines))


sys.exit(kefud_run.main(test))
