#!/usr/bin/env python3
"""A quarter of a call centre's life is closed month by month, and recomputed from the journal's export by the second
implementation (tests/oracle, written from the specification alone): every closed row is the same, figures, shops, points, total,
tier and bonus, and the bonus by shop, though the rulebook changes after the first month. Late events change nothing that is closed; closing again changes nothing; a byte changed in the
database is found, with the month and the agent.
"""
import json
import os
import pty
import sqlite3
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "oracle")]

import kefu_oracle
import oracle_events
import oracle_report
import oracle_rulebook
from kefud_run import BUILD, Kefud, main, want

DATA = os.path.join(HERE, "..", "..", "..", "shared", "data", "pwc_callcenter.ndjson")

# Of January, and of the months from February on: other borders, other weights, amounts that nobody would invent.
BOOKS = {
    "first": {"name": "first", "effective_from": "2020-01", "tiers": [
        {"name": "gold", "min": 66.1, "bonus_fen": 7654321, "perks": ["promotion_eligible"]},
        {"name": "silver", "min": 64.5, "bonus_fen": 1234567},
        {"name": "tin", "min": 0, "bonus_fen": 0, "actions": ["training_required"]}]},
    "second": {"name": "second", "effective_from": "2021-02", "kpis": [
        {"name": "answers", "metric": "reply_within_rate", "weight": 1.5, "score": {"zero_at": 0, "full_at": 0.5}},
        {"name": "stars", "metric": "rating_mean", "weight": 2, "min_samples": 3, "score": {"zero_at": 1, "full_at": 5}}],
        "tiers": [{"name": "one", "min": 50, "bonus_fen": 333331}, {"name": "two", "min": 45, "bonus_fen": 222221},
                  {"name": "three", "min": 0, "bonus_fen": 1}]},
}


SEED = os.path.join(HERE, "..", "..", "rulebooks", "seed.json")


def book_of(month):
    if month >= "2026":  # of the simulator: nothing but the built-in one
        return oracle_rulebook.read_rulebook(SEED)
    return BOOKS["first" if month < "2021-02" else "second"]
MONTHS = ["2021-01", "2021-02", "2021-03"]
FIGURES = ["answered", "within", "missed", "response_sum", "first_n", "first_sum", "first_within", "handled", "resolved",
           "resolved_within", "fcr_pass", "fcr_fail", "fcr_pending", "resolve_sum", "rating_n", "rating_sum",
           "rating_good", "cross", "cross_fen"]


def recompute(daemon, entry):
    """The month's rows of the second implementation, from the journal up to the entry's sequence, as of its time. What a checkpoint has
    let go of the journal lies on the shelf: then the whole export (nothing may have come late)."""
    accepted = oracle_events.Set()
    trimmed = daemon.json("journal", "verify")["first_seq"] > 1
    for line in daemon.ctl("journal", "export", *([] if trimmed else ["--to", str(entry["last_seq"])])).splitlines():
        if json.loads(line)["type"] in oracle_events.TABLE:  # closings and the like change no figure
            accepted.add_line(line)
    rules = None if entry["month"] >= "2026" else {k: v for k, v in book_of(entry["month"]).items() if k != "effective_from"}
    report = kefu_oracle.report_of(accepted, rules, entry["as_of"], shops=True)
    return {r["agent"]: r for r in report["rows"] if r["period"] == entry["month"] and r["agent"] is not None}


def compare(month, row, other, tiers, unqualified):
    where = f"{month} {row['agent']}"
    if other is None:
        want(f"{where}: figures", {f: 0 for f in FIGURES}, row["figures"])
        return
    want(f"{where}: figures", {f: other[f] for f in FIGURES}, row["figures"])
    want(f"{where}: shops", other["shops"], {s["shop"]: s["handled"] for s in row.get("shops", [])})
    want(f"{where}: KPIs", [(k["name"], k["num"], k["den"], k["score_milli"]) for k in other["kpis"]],
         [(k["name"], k["num"], k["den"], k["points_milli"]) for k in row["kpis"]])
    want(f"{where}: total", other["score_milli"], row["total_milli"])
    want(f"{where}: tier", other["tier"] or "", row["tier"])
    tier = tiers.get(other["tier"], {})
    want(f"{where}: bonus", tier.get("bonus_fen", 0), row["bonus_fen"])
    want(f"{where}: perks", tier.get("perks", []), row["perks"])
    actions = list(tier.get("actions", []))
    if unqualified >= 2:  # seed's transfer_after_months
        actions.append("transfer_suggested")
    want(f"{where}: actions", actions, row["actions"])
    want(f"{where}: unqualified months running", unqualified, row["unqualified_months"])


def compare_shops(daemon, month, rows, others):
    bonus = daemon.json("month", "bonus", month)["bonus"]
    sums = {}
    for row in rows:
        other = others.get(row["agent"])
        shops = other["shops"] if other else {}
        shops = shops or {"": other["handled"] if other else 0}
        parts = oracle_report.split_bonus(row["bonus_fen"], shops)
        for shop, n in shops.items():
            sums[shop] = [a + b for a, b in zip(sums.get(shop, [0, 0, 0]), (1, n, parts[shop]))]
    want(f"{month}: bonus by shop", sums, {s["shop"]: [s["agents"], s["handled"], s["bonus_fen"]] for s in bonus["shops"]})
    want(f"{month}: order of shops", sorted(sums, key=oracle_report.by_name), [s["shop"] for s in bonus["shops"]])
    for key in ("bonus_fen", "projected_fen"):
        want(f"{month}: {key} of all shops", bonus[key], sum(s[key] for s in bonus["shops"]))
    return len(sums)


def state_of(daemon, month):
    return next(m for m in daemon.json("month", "list")["months"] if m["month"] == month)


def check_months(daemon, months=MONTHS):
    compared, paid, running = 0, 0, {}
    for month in months:
        tiers = {t["name"]: t for t in book_of(month)["tiers"]}
        entry = state_of(daemon, month)["closed"]
        rows = daemon.json("month", "show", month, "--pay")
        others = recompute(daemon, entry)
        want(f"{month}: who has a figure has a row", set(), set(others) - {r["agent"] for r in rows})
        for row in rows:
            agent = row["agent"]
            lowest = agent in others and others[agent]["tier"] == book_of(month)["tiers"][-1]["name"]
            running[agent] = running.get(agent, 0) + 1 if lowest else 0
            compare(month, row, others.get(agent), tiers, running[agent])
            compared += 1
            paid += row["bonus_fen"] > 0
        shops_n = compare_shops(daemon, month, rows, others)
        assert month < "2026" or shops_n >= 3, f"{shops_n} shops: the test sees too little"
    assert compared > paid > compared // 6, f"{paid} of {compared} rows are paid: the test sees too little"
    return compared


def close_all(daemon):
    heads = {}
    for month in MONTHS:
        daemon.ctl("month", "close", month, status=2)  # nobody named
        heads[month] = daemon.json("month", "close", month, "--by", "li")["entry"]["sha256"]
    return heads


LATE = [  # a conversation of January that nobody had told us of: asked, answered after 40 s, resolved, rated
    {"id": "late1", "ts": 1610000000000, "type": "message", "conversation": "L1", "from": "customer", "text": "?"},
    {"id": "late2", "ts": 1610000040000, "type": "message", "conversation": "L1", "from": "agent", "agent": "Becky"},
    {"id": "late3", "ts": 1610000050000, "type": "conversation.resolved", "conversation": "L1", "agent": "Becky"},
    {"id": "late4", "ts": 1610000060000, "type": "rating", "conversation": "L1", "score": 5},
]


def flip_byte(state, table, column, where):
    """One byte of a value, behind the back of everybody."""
    db = sqlite3.connect(os.path.join(state, "kefu.db"))
    (text,) = db.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
    at = text.index("handled") + 9
    changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:]
    db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (changed,))
    db.commit()
    db.close()
    return text


def put_back(state, text):
    db = sqlite3.connect(os.path.join(state, "kefu.db"))
    db.execute("UPDATE booked SET text = ? WHERE entry = 2 AND number = 3", (text,))
    db.commit()
    db.close()


def at_terminal(daemon, args, answer):
    """kefuctl as somebody at a terminal runs it, who answers its question; what it printed, and its status."""
    here, there = pty.openpty()
    run = subprocess.Popen([f"{BUILD}/kefuctl", *args, "--state", daemon.state], stdin=there, stdout=subprocess.PIPE)
    os.write(here, f"{answer}\n".encode())
    shown = run.communicate(timeout=60)[0].decode()
    os.close(here)
    os.close(there)
    return shown, run.returncode


def check_adjustments(daemon, closed):
    """The late conversation is Becky's one adjustment; accepted, it is in the book and the closed row is as it was."""
    found = daemon.json("month", "adjustments", "2021-01")["adjustments"]
    want("whose adjustments", ["Becky"], [a["agent"] for a in found])
    want("evidence", [["conversation", "L1"]], found[0]["evidence"])
    was, now = found[0]["from"]["figures"], found[0]["to"]["figures"]
    want("answered", was["answered"] + 1, now["answered"])
    want("difference", found[0]["to"]["bonus_fen"] - found[0]["from"]["bonus_fen"], found[0]["difference_fen"])
    want("none in February", [], daemon.json("month", "adjustments", "2021-02")["adjustments"])
    daemon.ctl("month", "accept", "2021-01", "Nobody", "--difference", "1", "--by", "li", status=1)
    accept = ("month", "accept", "2021-01", "Becky", "--by", "li", "--reason", "shown late")
    daemon.ctl(*accept, status=2)
    assert "say which difference" in daemon.said, daemon.said
    daemon.ctl(*accept, "--difference", "12.345", status=2)
    daemon.ctl(*accept, "--difference", "77777.77", status=1)
    assert "another one by now" in daemon.said, daemon.said
    shown, status = at_terminal(daemon, accept, "no")
    want("status of who says no", 2, status)
    want("still open", 1, len(daemon.json("month", "adjustments", "2021-01")["adjustments"]))
    shown, status = at_terminal(daemon, accept, "yes")
    want("status of who says yes", 0, status)
    assert "Becky" in shown and "difference" in shown, shown
    db = sqlite3.connect(os.path.join(daemon.state, "kefu.db"))
    (text, sha256) = db.execute("SELECT text, sha256 FROM book ORDER BY number DESC LIMIT 1").fetchone()
    db.close()
    entry = json.loads(text)
    want("head that is printed", sha256, shown.split()[-1])
    want("entry", ("adjusted", "accepted", found[0]["difference_fen"]),
         (entry["kind"], entry["decision"], entry["bonus_fen"]))
    want("adjustments left", [], daemon.json("month", "adjustments", "2021-01")["adjustments"])
    want("closed rows", closed, daemon.ctl("month", "show", "2021-01", "--pay", "--json"))
    daemon.ctl("month", "reopen", "2021-01", "--by", "li", "--reason", "x", status=1)
    return sha256


def excuse_some(daemon, path):
    """Some turns are excused, for all or for who answered, and some of that is undone; the rows tell whether both know."""
    asked = {}
    with open(path, encoding="utf-8") as f:
        for e in map(json.loads, f):
            if e["type"] == "message" and e["from"] in ("customer", "agent"):
                asked.setdefault(e["conversation"], []).append(e)
    turns = [m for m in asked.values() if any(e["from"] == "agent" for e in m)][:6]
    before = daemon.json("report", "--by", "month")["rows"]
    for k, messages in enumerate(turns):
        question, answer = messages[0], next(e for e in messages if e["from"] == "agent")
        what = (question, answer)[k % 2]
        who = ["--agent", answer["agent"]] if k % 3 == 0 else []
        done = daemon.json("appeal", "excuse", what["conversation"], what["id"], "--source", what.get("source", "default"),
                           "--reason", "the system was down", "--by", "li", *who)
        if k == 5:
            daemon.ctl("appeal", "undo", what["conversation"], done["ids"][0], "--source", "kefud", "--reason", "it was not",
                       "--by", "li")
    assert before != daemon.json("report", "--by", "month")["rows"], "the excuses changed nothing"


def check_simulator(folder):
    """A month of the simulator, with texts and late lines, closed and recomputed."""
    os.mkdir(folder)
    events = os.path.join(folder, "sim.ndjson")
    daemon = Kefud(folder).start()
    daemon.ctl("simulate", "--out", events, "--seed", "7", "--start", "2026-03-01T00:00:00+08:00", "--days", "31",
               "--agents", "12", "--conversations", "1500")
    daemon.ctl("load", events)
    excuse_some(daemon, events)
    daemon.ctl("month", "close", "2026-03", "--by", "li")
    n = check_months(daemon, ["2026-03"])
    print(f"{n} closed rows of the simulator agree")
    daemon.ctl("checkpoint")
    assert daemon.json("journal", "verify")["first_seq"] > 1, "the journal was not let go of"
    want("rows compared from the shelf", n, check_months(daemon, ["2026-03"]))
    daemon.ctl("month", "verify")
    daemon.stop()


def test(folder):
    check_simulator(os.path.join(folder, "simulator"))
    os.mkdir(os.path.join(folder, "rules"))
    for name, book in BOOKS.items():
        with open(os.path.join(folder, "rules", name + ".json"), "w") as f:
            json.dump(book, f)
    daemon = Kefud(folder, rulebooks_dir=os.path.join(folder, "rules")).start()
    daemon.ctl("load", DATA)
    daemon.ctl("month", "close", "2021-01", "--by", "li", "--reason", "x" * 513, status=1)
    daemon.ctl("month", "close", "2099-01", "--by", "li", status=1)
    assert "has not ended" in daemon.said, daemon.said
    heads = close_all(daemon)
    compared = check_months(daemon)
    print(f"{compared} closed rows agree with the second implementation")
    assert compared >= 24, compared
    want("verify", (3, compared, 0), tuple(daemon.json("month", "verify")[k] for k in ("entries", "rows", "damages")))
    before = {m: daemon.ctl("month", "show", m, "--pay", "--json") for m in MONTHS}

    daemon.load(LATE)
    for month in MONTHS:
        again = daemon.json("month", "close", month, "--by", "wang")
        assert again["already"], again
        want(f"{month}: head when closed again", heads[month], again["entry"]["sha256"])
        want(f"{month}: rows after late events", before[month], daemon.ctl("month", "show", month, "--pay", "--json"))
    check_months(daemon)
    head = check_adjustments(daemon, before["2021-01"])

    daemon.stop()
    daemon.start()
    want("the head after a restart", head, daemon.json("month", "list")["head"])
    assert f"head={head}".encode() in daemon.log_text(), "the head is not in the log"
    daemon.stop()
    text = flip_byte(daemon.state, "booked", "text", "entry = 2 AND number = 3")
    daemon.ctl("month", "verify", status=2)
    third = json.loads(before["2021-02"])[2]["agent"]
    assert f"month 2021-02, version 1 (entry 2, closed), row 3 of {third}:" in daemon.said, daemon.said
    put_back(daemon.state, text)
    daemon.ctl("month", "verify")


if __name__ == "__main__":
    sys.exit(main(test))
