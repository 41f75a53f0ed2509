#!/usr/bin/env python3
"""Random histories in which leads excuse turns, void ratings and undo both: the program agrees with the second implementation in
every order of arrival. That these acts matter is tried, too: without them the rows of some of these histories are others.

KEFU_SEED sets the seed; KEFU_SOAK=1 tries many more.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import case_file
import random_cases
import test_oracle

ACTS = ("turn.excused", "decision.undone")
BUILD = os.environ.get("KEFU_BUILD", "build")


def main():
    seed = int(os.environ.get("KEFU_SEED") or time.time())
    count = 3000 if os.environ.get("KEFU_SOAK") == "1" else 40
    print(f"KEFU_SEED={seed}")
    rng, program = random.Random(seed), test_oracle.program(f"{BUILD}/kefuctl compute")
    wrong, tried, moved, number = [], 0, {a: 0 for a in ACTS}, 0
    while tried < count or (not all(moved.values()) and tried < 40 * count):
        case = random_cases.random_case(seed, number)
        number += 1
        if not any(e["type"] in ACTS for e in case["events"]):
            continue
        tried += 1
        for act in ACTS:
            without = dict(case, events=[e for e in case["events"] if e["type"] != act])
            moved[act] += bool(without["events"]) and case_file.rows_of(without) != case["rows"]
        for how, events in test_oracle.arrivals(case["events"], rng):
            got = program(case, events)["rows"]
            wrong += [f"{case['name']} ({how}): {x}" for x in test_oracle.differences(case["rows"], got, True)]
    print("\n".join(wrong[:20]))
    print(f"{tried} histories with acts; they moved rows in {moved}")
    assert all(moved.values()), "the acts changed nothing: this test would not see it if they were left out"
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
