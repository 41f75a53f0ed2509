#!/usr/bin/env python3
"""kefuctl backtest against kefuctl compute: the scores and tiers that a new rulebook would have brought are those that the
engine computes from the journal's export under it; the same before and after a checkpoint, beside a running daemon and
without one; and nothing is left behind.
"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kefud_run import Kefud, main, want

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data", "pwc_callcenter.ndjson")
NEW = {"name": "new", "response_target_ms": 120000, "tiers": [
    {"name": "top", "min": 76.5, "bonus_fen": 100001}, {"name": "middle", "min": 75, "bonus_fen": 5},
    {"name": "low", "min": 0, "bonus_fen": 0}]}


def table(text):
    rows = {}
    for line in text.decode().splitlines()[1:]:
        cells = line.split()
        if len(cells) == 7 and cells[0].startswith("2021"):
            rows[cells[0], cells[1]] = (cells[2], cells[3], cells[4], cells[5], cells[6])
    return rows


def cut(milli):
    return f"{milli // 1000}.{milli % 1000 // 10:02}"


def test(folder):
    new = os.path.join(folder, "new.json")
    with open(new, "w") as f:
        json.dump(NEW, f)
    daemon = Kefud(folder).start()
    daemon.ctl("load", DATA)
    beside = table(daemon.ctl("backtest", "--rulebook", new))
    daemon.ctl("checkpoint")
    want("after a checkpoint", beside, table(daemon.ctl("backtest", "--rulebook", new)))
    export = os.path.join(folder, "export")
    with open(export, "wb") as f:
        f.write(daemon.ctl("journal", "export"))
    daemon.stop()
    want("without a daemon", beside, table(daemon.ctl("backtest", "--rulebook", new)))
    now = str(int(time.time() * 1000))  # all deadlines of the data are long past
    was = {(r["period"], r["agent"]): r for r in json.loads(daemon.ctl("compute", "--as-of", now, export))["rows"]}
    then = json.loads(daemon.ctl("compute", "--rulebook", new, "--as-of", now, export))["rows"]
    bonus = {t["name"]: t["bonus_fen"] for t in NEW["tiers"]}
    expected, cost = {}, 0
    for r in then:
        old = was[r["period"], r["agent"]]
        if r["agent"] is None or r["period"] not in ("2021-02", "2021-03", "2021-04") or r["tier"] == old["tier"]:
            continue
        cost += bonus[r["tier"]]
        expected[r["period"], r["agent"]] = (cut(old["score_milli"]), cut(r["score_milli"]), old["tier"], r["tier"],
                                             f"{bonus[r['tier']] / 100:.2f}")
    want("who changes", expected, beside)
    assert len({row[3] for row in beside.values()}) >= 2, "the test sees too little"
    said = daemon.ctl("backtest", "--rulebook", new).decode()
    assert f"{cost / 100:.2f} under the new rulebook" in said and "stays as it was" in said, said
    want("what is left behind", [], [n for n in os.listdir(folder) if n.startswith("kefu-backtest")])
    daemon.ctl("backtest", status=2)
    daemon.ctl("backtest", "--rulebook", os.path.join(folder, "none.json"), status=1)


if __name__ == "__main__":
    sys.exit(main(test))
