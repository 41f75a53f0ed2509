#!/usr/bin/env python3
"""Runs every worked example of docs/metrics.md and docs/metrics.zh-CN.md through kefuctl compute.

An example is a fenced block: lines "[+Nd ]HH:MM:SS  what happened", perhaps "rulebook {…}" and "(looked at TIME)", then
"= agent  figure value · figure value". A figure that is not named is not checked; "nothing" means that there is no row.
"""
import datetime
import json
import os
import re
import subprocess
import sys

ROOT = os.environ["KEFU_ROOT"]
CTL = os.path.join(os.environ["KEFU_BUILD"], "kefuctl")
MONDAY = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
NOBODY = {"nobody": None, "无人": None}
CUSTOMER, BOT = {"customer", "客户"}, {"bot", "机器人"}
FIGURES = {
    "response": "response_sum", "first": "first_n", "first_time": "first_sum", "resolve": "resolve_sum",
    "答复": "answered", "达标": "within", "错过": "missed", "响应": "response_sum", "首答": "first_n",
    "首答用时": "first_sum", "首答达标": "first_within", "接待": "handled", "解决": "resolved",
    "限时解决": "resolved_within", "解决用时": "resolve_sum", "一次解决": "fcr_pass", "重复来询": "fcr_fail",
    "待定": "fcr_pending", "评分数": "rating_n", "星数": "rating_sum", "好评": "rating_good", "成交": "cross",
    "成交额": "cross_fen", "半数": "response_p50", "九成": "response_p90",
}
NAMES = {"answered", "within", "missed", "first_within", "handled", "resolved", "resolved_within", "fcr_pass", "fcr_fail",
         "fcr_pending", "rating_n", "rating_sum", "rating_good", "cross", "cross_fen", "response_p50",
         "response_p90"} | set(FIGURES.values())
TIME = re.compile(r"(?:\+(\d+)d )?(\d\d):(\d\d):(\d\d)")
# What stands in brackets: a pattern and the fields of the event it means.
BRACKETS = [
    (r"handoff|转人工", lambda m: {"type": "conversation.handoff"}),
    (r"timeout|超时", lambda m: {"type": "conversation.resolved", "by": "timeout"}),
    (r"resolved by customer|客户 ?确认解决", lambda m: {"type": "conversation.resolved", "by": "customer"}),
    (r"resolved by (\w+)|(\w+) ?标记解决", lambda m: {"type": "conversation.resolved", "agent": m[1] or m[2]}),
    (r"rated (\d+)(?: of (\d+))?|评分 (\d+)(?:/(\d+))?", lambda m: {
        "id": f"rated {m[1] or m[3]}", "type": "rating", "score": int(m[1] or m[3]), "scale": int(m[2] or m[4] or 5)}),
    (r"rating (\d+) voided|评分 (\d+) 作废", lambda m: {
        "type": "rating.voided", "rating": f"rated {m[1] or m[2]}", "reason": "an example"}),
    (r"(\w+) sells (\w+) ([\d.]+)|(\w+) 售出 (\w+) ([\d.]+)", lambda m: {
        "type": "order", "agent": m[1] or m[4], "order": m[2] or m[5], "kind": "cross", "state": "paid",
        "amount_fen": round(float(m[3] or m[6]) * 100)}),
    (r"(\w+) refunded|(\w+) 退款", lambda m: {
        "type": "order", "agent": "x", "order": m[1] or m[2], "kind": "cross", "state": "refunded", "amount_fen": 0}),
]


def instant(m):
    day, hour, minute, second = (int(x or 0) for x in m.groups()[:4])
    return round((MONDAY + datetime.timedelta(days=day, hours=hour, minutes=minute, seconds=second)).timestamp() * 1000)


def event_of(what):
    """The fields of what happened, or None if the line cannot be read."""
    if what.startswith("["):
        for pattern, fields in BRACKETS:
            m = re.fullmatch(pattern, what[1:-1])
            if m:
                return fields(m)
        return None
    m = re.fullmatch(r"→ (\w+)(?: \((takes it|lets go|认领|放手)\))?", what)
    if m:
        return {"type": "conversation.assigned", "agent": NOBODY.get(m[1], m[1]), "by": "agent" if m[2] else "system"}
    m = re.fullmatch(r"(\w+)( \((?:automatic|自动)\))?: ?(.*)", what)
    if not m:
        return None
    if m[1] in CUSTOMER:
        return {"type": "message", "from": "customer", "customer": "c", "text": m[3]}
    if m[1] in BOT:
        return {"type": "message", "from": "bot", "text": m[3]}
    return {"type": "message", "from": "agent", "agent": m[1], "text": m[3], "auto": bool(m[2])}


def expected_of(line):
    who, _, rest = line[1:].strip().partition("  ")
    if rest.strip() in ("nothing", "无"):
        return NOBODY.get(who, who), None
    figures = {}
    for part in rest.split("·"):
        name, value = part.split()[:2]
        name = FIGURES.get(name, name)
        assert name in NAMES, f"no figure is called {name}"
        thousand = "." in value or part.split()[2:] in (["s"], ["秒"])
        figures[name] = round(float(value) * 1000) if thousand else int(value)
    return NOBODY.get(who, who), figures


def run_example(lines):
    events, expected, rulebook, as_of = [], [], "{}", None
    for line in lines:
        if line.startswith("rulebook "):
            rulebook = line[9:]
        elif line.startswith("("):
            as_of = instant(TIME.search(line))
        elif line.startswith("="):
            expected.append(expected_of(line))
        else:
            m = TIME.match(line)
            fields = event_of(line[m.end():].strip()) if m else None
            assert fields, f"cannot read: {line}"
            events.append({"id": str(len(events)), "ts": instant(m), "conversation": "k", **fields})
    assert events and expected, "an example without events or figures"
    path = os.path.join(os.environ.get("TMPDIR", "/tmp"), "rulebook.json")
    with open(path, "w") as f:
        f.write(rulebook)
    command = [CTL, "compute", "--rulebook", path] + (["--as-of", str(as_of)] if as_of else []) + ["-"]
    text = "".join(json.dumps(e) + "\n" for e in events)
    report = json.loads(subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout)
    rows = {row["agent"]: row for row in report["rows"]}
    for who, figures in expected:
        row = rows.get(who)
        if figures is None:
            assert row is None, f"{who} should have nothing, has {row}"
            continue
        for name, value in figures.items():
            found = row[name] or 0 if row else 0
            margin = value // 100 if name.startswith("response_p") else 0
            assert abs(found - value) <= margin, f"{who} {name}: the page says {value}, computed is {found}"


def main():
    failed, count = 0, 0
    for name in ("metrics.md", "metrics.zh-CN.md"):
        with open(os.path.join(ROOT, "docs", name), encoding="utf-8") as f:
            page = f.read()
        for block in re.finditer(r"^```\n(.*?)^```$", page, re.S | re.M):
            count += 1
            try:
                run_example(block[1].strip().split("\n"))
            except (AssertionError, subprocess.CalledProcessError, ValueError) as e:
                failed += 1
                line = page[:block.start()].count("\n") + 1
                print(f"docs/{name}:{line}: {e} {getattr(e, 'stderr', '')}")
    print(f"{count} examples, {failed} failed")
    return 1 if failed or count < 40 else 0


sys.exit(main())
