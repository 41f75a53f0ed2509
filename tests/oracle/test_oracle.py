#!/usr/bin/env python3
"""Runs the oracle over test vectors: given order, reversed, shuffled with
duplicates.  Without folders: tests/conformance and, where it exists,
../shared/conformance and ../shared/data beside the repository.

    test_oracle.py [--program "build/kefuctl compute"] [FOLDER...]

With --program that program is run instead of the oracle, so that the same
files, and those of random_cases.py, try both; its percentiles may be off by
1 % (a histogram).

Prints 'N passed, M failed'; exit status 1 if any failed or none was found.
KEFU_SEED sets the seed of the shuffles, KEFU_SHARED another place for ../shared.
"""
import argparse
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import kefu_oracle
import oracle_events

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ABSENT = "absent"


def arrivals(events, rng):
    yield "given", list(events)
    yield "reversed", list(reversed(events))
    shuffled = list(events) + rng.sample(events, len(events) // 2)
    rng.shuffle(shuffled)
    yield "shuffled with duplicates", shuffled


def oracle(case, events):
    return kefu_oracle.report(events, case["rulebook"], case["as_of"],
                              case.get("by", "month"))


def program(command):
    """A function like `oracle` that runs a command on files."""
    def run(case, events):
        with tempfile.TemporaryDirectory() as folder:
            book = Path(folder, "rulebook.json")
            lines = Path(folder, "events.ndjson")
            book.write_text(json.dumps(case["rulebook"], default=float),
                            encoding="utf-8")
            lines.write_text("".join(json.dumps(e, ensure_ascii=False) + "\n"
                                     for e in events), encoding="utf-8")
            out = subprocess.run(
                shlex.split(command) + [
                    "--rulebook", str(book), "--as-of", str(case["as_of"]),
                    "--by", case.get("by", "month"), str(lines)],
                stdout=subprocess.PIPE, check=True).stdout
        return json.loads(out)
    return run


def same(key, want, got, slack):
    loose = slack and key.startswith("response_p")
    if not loose or not isinstance(want, int) or not isinstance(got, int):
        return want == got
    return abs(got - want) * 100 <= want


def differences(want, got, slack=False):
    out = []
    for i in range(max(len(want), len(got))):
        one = want[i] if i < len(want) else {}
        two = got[i] if i < len(got) else {}
        for key in sorted(set(one) | set(two)):
            if not same(key, one.get(key, ABSENT),
                        two.get(key, ABSENT), slack):
                out.append("  row %d (%s %s) %s: want %s, got %s" % (
                    i, one.get("agent"), one.get("period"), key,
                    one.get(key, ABSENT), two.get(key, ABSENT)))
    return out


def run_vector(path, rng, compute):
    text = path.read_text(encoding="utf-8")
    case, plain = json.loads(text, parse_float=Decimal), json.loads(text)
    for how, events in arrivals(plain["events"], rng):
        try:
            got = compute(case, events)["rows"]
        except (subprocess.CalledProcessError, ValueError) as why:
            return ["%s (%s): %s" % (path.name, how, why)]
        wrong = differences(case["rows"], got, compute is not oracle)
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


def unlisted(folder):
    """A vector without its sentence, or one that the folder's README forgot."""
    readme = folder / "README.md"
    listed = readme.read_text(encoding="utf-8") if readme.exists() else ""
    wrong = [path.name for path in sorted(folder.glob("*.json"))
             if "`%s`" % path.stem not in listed or '"spec": "'
             not in path.read_text(encoding="utf-8")]
    return ["no spec, or not in README.md: " + ", ".join(wrong)] if wrong else []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program")
    parser.add_argument("folders", nargs="*", type=Path)
    args = parser.parse_args()
    seed = int(os.environ.get("KEFU_SEED", "20260302"))
    print("seed", seed)
    rng = random.Random(seed)
    compute = program(args.program) if args.program else oracle
    shared = Path(os.environ.get("KEFU_SHARED", ROOT.parent / "shared"))
    folders = args.folders or [ROOT / "tests" / "conformance",
                               shared / "conformance"]
    results = [run_vector(path, rng, compute) for folder in folders
               for path in sorted(folder.glob("*.json"))]
    if not args.folders:
        results.append(unlisted(folders[0]))
    if not args.folders and compute is oracle:
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
