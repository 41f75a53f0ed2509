#!/usr/bin/env python3
"""same_rows.py EXPECTED FOUND: are the rows of two reports the same, percentiles within 1 %?"""
import json
import sys


def close(a, b):
    if a is None or b is None:
        return a is b
    return abs(a - b) * 100 <= a


def differences(expected, found):
    if len(expected) != len(found):
        yield f"{len(expected)} rows expected, {len(found)} found"
    for want, have in zip(expected, found):
        if set(want) != set(have):
            yield f"{want['agent']} {want['period']}: other fields {set(want) ^ set(have)}"
        for key, value in want.items():
            same = close(value, have.get(key)) if key.startswith("response_p") else value == have.get(key)
            if not same:
                yield f"{want['agent']} {want['period']} {key}: expected {value}, found {have.get(key)}"


with open(sys.argv[1]) as a, open(sys.argv[2]) as b:
    found = list(differences(json.load(a)["rows"], json.load(b)["rows"]))
for line in found[:20]:
    print(line)
sys.exit(1 if found else 0)
