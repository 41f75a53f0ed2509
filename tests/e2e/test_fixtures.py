#!/usr/bin/env python3
"""Every payload of ../shared/fixtures goes to the events that fixtures.tsv names, or is ignored or refused with its reason:
none is dropped in silence, and none is missing from the table. Skipped where the fixtures are not there."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "..", "..", "shared", "fixtures")
KEFUCTL = os.path.join(os.environ["KEFU_BUILD"], "kefuctl")
NO_PAYLOADS = {"webhooks/README.md", "webhooks/INDEX.tsv", "chatwoot/signature_vectors.json"}

if not os.path.isdir(FIXTURES):
    print("../shared/fixtures is not there")
    sys.exit(77)


def becomes(platform, path):
    """What kefuctl says, one item: "event TYPE ID", "ignored REASON", "refused REASON", "bell"."""
    out = subprocess.run([KEFUCTL, "collector", "test", platform, os.path.join(FIXTURES, path)], capture_output=True,
                         text=True)
    assert out.returncode in (0, 2) and not out.stderr, (path, out.stderr)
    items = [json.loads(line) for line in out.stdout.splitlines()]
    assert items, f"{path}: dropped in silence"
    assert all(i["why"] for i in items), path
    for item in items:
        assert "text" not in item.get("event", {}), f"{path}: shows message text"
    return " | ".join(f"event {i['event']['type']} {i['event']['id']}" if i["as"] == "event" else
                      "bell" if i["as"] == "bell" else f"{i['as']} {i['why']}" for i in items)


def files():
    found = []
    for folder, _, names in os.walk(FIXTURES):
        found += [os.path.relpath(os.path.join(folder, name), FIXTURES) for name in names]
    return sorted(set(found) - NO_PAYLOADS)


if __name__ == "__main__":
    table = {}
    with open(os.path.join(HERE, "fixtures.tsv"), encoding="utf-8") as f:
        for line in f:
            path, platform, expected = line.rstrip("\n").split("\t")
            table[path] = (platform, expected)
    wrong = [f"{path}: not in the table" for path in files() if path not in table]
    for path in files():
        platform, expected = table.get(path, ("chatwoot", ""))
        found = becomes(platform, path)
        if path in table and found != expected:
            wrong.append(f"{path}: found {found}, expected {expected}")
    print("\n".join(wrong) or f"{len(table)} payloads")
    sys.exit(1 if wrong else 0)
