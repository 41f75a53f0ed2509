#!/usr/bin/env python3
"""Runs the oracle over test vectors: given order, reversed, shuffled with
duplicates.  Without arguments: tests/conformance and, where it exists,
../shared/conformance and ../shared/data beside the repository.

Prints 'N passed, M failed'; exit status 1 if any failed or none was found.
KEFU_SEED sets the seed of the shuffles, KEFU_SHARED another place for ../shared.
"""
import json
import os
import random
import sys
from decimal import Decimal
from pathlib import Path

import kefu_oracle
import oracle_events

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def arrivals(events, rng):
    yield "given", list(events)
    yield "reversed", list(reversed(events))
    shuffled = list(events) + rng.sample(events, len(events) // 2)
    rng.shuffle(shuffled)
    yield "shuffled with duplicates", shuffled


def differences(want, got):
    out = []
    for i in range(max(len(want), len(got))):
        one = want[i] if i < len(want) else {}
        two = got[i] if i < len(got) else {}
        for key in sorted(set(one) | set(two)):
            if one.get(key, "absent") != two.get(key, "absent"):
                out.append("  row %d (%s %s) %s: want %s, got %s" % (
                    i, one.get("agent"), one.get("period"), key,
                    one.get(key, "absent"), two.get(key, "absent")))
    return out


def run_vector(path, rng):
    case = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    plain = json.loads(path.read_text(encoding="utf-8"))
    for how, events in arrivals(plain["events"], rng):
        result = kefu_oracle.report(events, case["rulebook"], case["as_of"],
                                    case.get("by", "month"))
        wrong = differences(case["rows"], result["rows"])
        if wrong:
            return ["%s (%s)" % (path.name, how)] + wrong
    return []


def run_data(expected):
    want = json.loads(expected.read_text(encoding="utf-8"))
    accepted = oracle_events.Set()
    source = Path(str(expected).replace(".expected.json", ".ndjson"))
    with open(source, "rb") as stream:
        kefu_oracle.load(accepted, source.name, stream)
    got = kefu_oracle.report_of(accepted, None, want["as_of"])
    wrong = differences(want["rows"], got["rows"])
    return [expected.name] + wrong if wrong else []


def main():
    seed = int(os.environ.get("KEFU_SEED", "20260302"))
    print("seed", seed)
    rng = random.Random(seed)
    shared = Path(os.environ.get("KEFU_SHARED", ROOT.parent / "shared"))
    folders = [Path(a) for a in sys.argv[1:]] or [
        ROOT / "tests" / "conformance", shared / "conformance"]
    results = [run_vector(path, rng) for folder in folders
               for path in sorted(folder.glob("*.json"))]
    if len(sys.argv) == 1:
        results += [run_data(path) for path in
                    sorted((shared / "data").glob("*.expected.json"))]
    for wrong in results:
        if wrong:
            print("\n".join(wrong))
    failed = sum(1 for wrong in results if wrong)
    print("%d passed, %d failed" % (len(results) - failed, failed))
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
