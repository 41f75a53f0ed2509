#!/usr/bin/env python3
"""Breaks the fold and the score in small ways, one at a time, and asks whether the tests notice.

    python3 tests/mutation/mutate.py [--count N | --all] [--minutes N] [--seed N] [--file PART]

Each mutant is one changed line of daemon/state/*.c, rules/*.c or another file given. It is compiled, linked before the
library (so that it takes the place of the original) with each test program, and run. A mutant that no test notices is
printed: it is an equivalent change, or a test is missing. Needs `make build tests` first. Exit status 0 always: what
survives is to be read, not counted. The order is random, so those tried until --minutes have passed are a sample, too.
"""
import argparse
import glob
import os
import random
import re
import subprocess
import sys
import tempfile
import time

# The quick ones first.
TESTS = ["test_score", "test_tier", "test_list", "test_site", "test_site_time", "test_calendar", "test_conformance"]
SWAPS = [
    (r" <= ", " < "), (r" < ", " <= "), (r" >= ", " > "), (r" > ", " >= "), (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "), (r" \+ ", " - "), (r" - ", " + "), (r" \+= ", " -= "), (r" -= ", " += "),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"!(?=[a-z(])", ""), (r"\+\+", "--"),
    (r"(?<![\w.])0(?![\w.x])", "1"), (r"(?<![\w.])1(?![\w.])", "0"), (r" \? (.+?) : (.+?)([;,)])", r" ? \2 : \1\3"),
]
SKIP = re.compile(r"^\s*(/\*|\*|//|#|\}|\{|assert|static assert|for \(|$)|^(static|struct|enum|const|bool|void|int|uint)")


def mutants_of(path):
    lines = open(path, encoding="utf-8").read().split("\n")
    for number, line in enumerate(lines):
        if SKIP.match(line) or "*/" in line or "/*" in line:
            continue
        for pattern, to in SWAPS:
            for m in re.finditer(pattern, line):
                changed = line[: m.start()] + m.expand(to) + line[m.end():]
                if changed != line:
                    yield path, number, line, changed
        if re.match(r"^\s+[\w>.\-\[\]]+(\(.*\)| [+\-|&]?= .*);$", line) or re.match(r"^\s+[\w>.\-]+\+\+;$", line):
            yield path, number, line, re.match(r"^\s*", line).group() + ";"


def build(mutant, folder, flags):
    path, number, line, changed = mutant
    lines = open(path, encoding="utf-8").read().split("\n")
    lines[number] = changed
    source = os.path.join(folder, "mutant.c")
    open(source, "w", encoding="utf-8").write("\n".join(lines))
    compiled = os.path.join(folder, "mutant.o")
    done = subprocess.run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-DNDEBUG", "-O1", "-Iinclude", "-w", "-c", "-o", compiled,
                           source] + flags[0], stderr=subprocess.DEVNULL)
    return compiled if done.returncode == 0 else None


def noticed(compiled, folder, flags, build_dir):
    for test in TESTS:
        program = os.path.join(folder, test)
        objects = [f"{build_dir}/obj/tests/unit/{test}.o"] + glob.glob(f"{build_dir}/obj/tests/unit/support*.o")
        linked = subprocess.run(["gcc", "-o", program] + objects + [compiled, f"{build_dir}/libkefu.a"] + flags[1],
                                stderr=subprocess.DEVNULL)
        if linked.returncode:
            return "link"
        try:
            run = subprocess.run([program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
                                 env={**os.environ, "KEFU_SEED": "1"})
        except subprocess.TimeoutExpired:
            return test
        if run.returncode:
            return test
    return None


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("--count", type=int, default=100)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--file", default="")
    ask.add_argument("--all", action="store_true")
    ask.add_argument("--minutes", type=float, default=1e9)
    ask.add_argument("--build", default="build")
    a = ask.parse_args()
    packages = ["libsystemd", "libevent", "libevent_pthreads", "hiredis", "sqlite3", "libcjson", "libsodium", "libxxhash", "libzstd", "xlsxwriter"]
    flags = (subprocess.check_output(["pkg-config", "--cflags"] + packages, text=True).split(),
             subprocess.check_output(["pkg-config", "--libs"] + packages, text=True).split() + ["-lcmocka", "-lm", "-pthread"])
    files = sorted(glob.glob("daemon/state/*.c") + ["rules/score.c", "rules/tier.c"])
    mutants = [m for f in files if a.file in f for m in mutants_of(f)]
    random.Random(a.seed).shuffle(mutants)
    chosen = mutants if a.all else mutants[: a.count]
    killed, survived, broken, tried = {}, [], 0, 0
    until = time.monotonic() + 60 * a.minutes
    with tempfile.TemporaryDirectory() as folder:
        for mutant in chosen:
            if time.monotonic() > until:
                break
            tried += 1
            compiled = build(mutant, folder, flags)
            by = noticed(compiled, folder, flags, a.build) if compiled else "compile"
            if by in ("compile", "link"):
                broken += 1
            elif by:
                killed[by] = killed.get(by, 0) + 1
            else:
                survived.append(mutant)
                print(f"survived {mutant[0]}:{mutant[1] + 1}\n  - {mutant[2].strip()}\n  + {mutant[3].strip()}", flush=True)
            if sys.stderr.isatty():
                print(f"\r{tried}/{len(chosen)}", end="", file=sys.stderr)
    n = sum(killed.values())
    print(f"seed {a.seed}: {tried} of {len(mutants)} mutants, {broken} do not compile, {n} noticed, {len(survived)} survived")
    print("noticed by " + ", ".join(f"{t} {c}" for t, c in sorted(killed.items(), key=lambda x: -x[1])))


main()
