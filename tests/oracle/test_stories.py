#!/usr/bin/env python3
"""Several rulebooks by month, and figures that came about in the wrong order.

    test_stories.py [ROUNDS]

tests/unit/test_site_time.c lives through random histories with a clock that
goes on in odd steps, two or three rulebooks that differ in every limit, and
hours that change when the clocks do. It tells here what it was given and which
figures it had at the end; the oracle computes them from the set of events.
KEFU_SEED repeats a run, KEFU_BUILD says where the programs are (build).
"""
import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import oracle_events
import oracle_report
import oracle_rulebook

ROOT = Path(__file__).resolve().parent.parent.parent


def told(program, rounds):
    """The stories, one a line, as the program writes them."""
    build = Path(os.environ.get("KEFU_BUILD", ROOT / "build"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stories.ndjson")
        run = subprocess.run(
            [build / "tests" / program], check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**os.environ, "KEFU_STORIES": str(path),
                 "KEFU_ROUNDS": str(rounds)})
        print("".join(line + "\n" for line in run.stdout.decode().split("\n")
                      if "KEFU_SEED" in line), end="")
        if run.returncode != 0:
            sys.exit(run.stdout.decode())
        with open(path, encoding="utf-8") as stream:
            for line in stream:
                yield json.loads(line, parse_float=Decimal)


def accepted(event):
    event.pop("text_bytes", None)
    return oracle_events.accept(event)


def near(mine, its):
    """A percentile of its histogram may be off by 1 %."""
    if mine is None or its is None:
        return mine is its
    return abs(mine - its) * 100 <= mine


def differences(mine, its):
    keys = oracle_report.FIGURES
    out = {k: (mine.get(k), its.get(k)) for k in keys
           if mine.get(k) != its.get(k)}
    for k in ("response_p50", "response_p90"):
        if not near(mine.get(k), its.get(k)):
            out[k] = (mine.get(k), its.get(k))
    if mine.get("shops", {}) != its.get("shops", {}):
        out["shops"] = (mine.get("shops", {}), its.get("shops", {}))
    return out


def compare(story, book, events, by):
    mine = {(row["agent"], row["period"]): row for row in
            oracle_report.rows(book, events, story["as_of"], by,
                               shops=by == "month")}
    its = {(row["agent"], row["period"]): row for row in story[by]}
    bad = 0
    for key in sorted(set(mine) | set(its), key=str):
        found = differences(mine.get(key, {}), its.get(key, {}))
        if found:
            print("%s %s (oracle, engine): %s" % (story["name"], key, found))
            bad = 1
    return bad


def main(program="test_site_time", rounds=300):
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else rounds
    failed = passed = 0
    for story in told(program, rounds):
        book = oracle_rulebook.Rulebooks(story["zone"], story["rulebooks"])
        events = [accepted(event) for event in story["events"]]
        bad = sum(compare(story, book, events, by) for by in ("day", "month"))
        failed += bad > 0
        passed += bad == 0
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
