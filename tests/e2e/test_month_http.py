#!/usr/bin/env python3
"""Months over HTTP: reviewed, closed by a named person, opened again, adjusted, contested, proposed about, exported, tried under
another rulebook. The files are those of kefuctl to the byte; each act is an event with its actor, an entry of the book and a line in
the audit log; nobody else may. Every answer is held against docs/openapi.json."""
import json
import os
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(__file__))
from board import Daemon, Wrong, check, quote, run, schema_of, want  # noqa: E402

RED, BLUE = "红队", "blue"
JAN = 1767578400000  # 2026-01-05 in Shanghai
DAY = 86400_000
GOLD, TIN = 7770001, 1230007  # amounts that nobody would invent
RULES = {"name": "pay", "effective_from": "2020-01", "tier_min_handled": 1, "prorate_counts": True, "exempt_days_left_out": True,
         "appeal_days": 0, "kpis": [{"name": "quick", "metric": "reply_within_rate", "weight": 1,
                                     "score": {"zero_at": 0, "full_at": 1}}],
         "tiers": [{"name": "gold", "label": {"zh": "金", "en": "Gold"}, "min": 90, "bonus_fen": GOLD},
                   {"name": "tin", "min": 0, "bonus_fen": TIN, "actions": ["training_required"]}]}
TMP = os.environ["TMPDIR"]

os.makedirs(TMP + "/rules")
json.dump(RULES, open(TMP + "/rules/pay.json", "w"))
d = Daemon({"rulebooks_dir": TMP + "/rules", "site": "晨光小店"})
T = {"amy": d.token("agent", subject="amy"), "bob": d.token("agent", subject="bob"), "red": d.token("lead", teams=RED, login="zhao"),
     "payroll": d.token("payroll", login="li.na"), "nameless": d.token("payroll"), "hr": d.token("hr", login="qian"),
     "admin": d.token("admin", login="sun")}
INGEST = d.token("ingest")[0]


def chat(name, at, agent, wait_ms, stars=None, **names):
    yield {"id": name + "q", "ts": at, "type": "message", "conversation": name, "from": "customer", "text": "?", **names}
    yield {"id": name + "a", "ts": at + wait_ms, "type": "message", "conversation": name, "from": "agent", "agent": agent}
    yield {"id": name + "r", "ts": at + wait_ms + 1, "type": "conversation.resolved", "conversation": name}
    if stars:
        yield {"id": name + "s", "ts": at + wait_ms + 2, "type": "rating", "conversation": name, "score": stars}


def profile(agent, team, **fields):
    return {"id": "p" + agent, "ts": JAN - 9 * DAY, "type": "agent.profile", "agent": agent, "team": team, "name": "名" + agent, **fields}


def get(who, path, doc):
    return d.get(path, T[who][0], doc)


def post(who, path, doc, body, status=200, headers=None):
    """The answer to an act, held against the document; refusals too."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    found, _, answer = d.ask(path, "POST", T[who][0], headers, json.dumps(body).encode())
    if found != status:
        raise Wrong(f"POST {path} by {who}: expected {status}, found {found}: {answer[:300]}")
    value = json.loads(answer)
    check(value, schema_of(doc, "post", status), path)
    return value


def audit():
    return [json.loads(x)["line"] for x in d.ctl("audit", "list").splitlines()]


def the_events_of_january():
    d.post(INGEST, [profile("amy", RED, employee_no="007"), profile("bob", RED, employee_no="008"), profile("cai", BLUE, hired_on="2026-01-12")])
    d.post(INGEST, [*chat("c1", JAN, "amy", 5000, 1), *chat("c2", JAN + 1, "bob", 90_000, shop="outlet"),
                    *chat("c3", JAN + 9 * DAY, "cai", 1000, shop="旗舰店"), *chat("c3b", JAN + 10 * DAY, "cai", 1000, shop="outlet"),
                    *chat("c3c", JAN + 11 * DAY, "cai", 1000, shop="outlet")])
    d.ctl("appeal", "exempt", "cai", "--from", "2026-01-20", "--to", "2026-01-22", "--why", "leave", "--by", "zhao")
    months = get("payroll", "/v1/months", "/v1/months")["months"]
    want("January", ["review"], [m["state"] for m in months if m["month"] == "2026-01"])
    review = get("payroll", "/v1/months/2026-01/review", "/v1/months/{month}/review")
    want("review", (3, 0, 0), tuple(review[k] for k in ("rows", "fcr_pending", "quarantined")))
    want("a lead's review", (2, None), tuple(get("red", "/v1/months/2026-01/review", "/v1/months/{month}/review")[k]
                                             for k in ("rows", "quarantined")))
    table = get("payroll", "/v1/months/2026-01", "/v1/months/{month}")
    want("table in review", ("provisional", False, 3), (table["state"], table["signed"], len(table["rows"])))


def a_month_is_closed_by_a_named_person_who_typed_its_name():
    path, doc, right = "/v1/pay/2026-01/close", "/v1/pay/{month}/close", {"confirm": "2026-01"}
    post("payroll", path, doc, {"confirm": "2026-02"}, 400)
    post("payroll", path, doc, right, 403, {"Origin": "https://evil.test"})
    post("payroll", path, doc, right, 403, {"Sec-Fetch-Site": "cross-site"})
    post("nameless", path, doc, right, 403)
    for who in ("amy", "red", "hr", "admin"):
        post(who, path, doc, right, 404)
    for name, body in (("no body", b""), ("rubbish", b"{"), ("an array", b"[]"), ("too long", b'{"confirm":"' + b"x" * 9000 + b'"}')):
        want(name, 400, d.ask(path, "POST", T["payroll"][0], None, body)[0])
    post("payroll", "/v1/pay/2199-01/close", doc, {"confirm": "2199-01"}, 404)
    running = time.strftime("%Y-%m")
    post("payroll", f"/v1/pay/{running}/close", doc, {"confirm": running}, 400)
    first = post("payroll", path, doc, right)
    want("closed", (False, "li.na", "closed"), (first["already"], first["entry"]["actor"], first["entry"]["kind"]))
    again = post("payroll", path, doc, right)
    want("again", (True, first["entry"]["sha256"]), (again["already"], again["entry"]["sha256"]))
    want("head", first["entry"]["sha256"], get("hr", "/v1/months", "/v1/months")["head"])
    line = [x for x in audit() if x["did"] == "month.close"]
    want("its line", [("li.na", "2026-01", T["payroll"][1])], [(x["login"], x["month"], x["token"]) for x in line])
    want("its event", ["li.na"], [e["actor"] for e in journal() if e["type"] == "month.closed"])


def journal():
    return [json.loads(x) for x in d.ctl("journal", "export").splitlines()]


def the_table_and_pay_are_the_books():
    table = get("red", "/v1/months/2026-01", "/v1/months/{month}")
    want("a lead's table", ("closed", True, ["amy", "bob"]), (table["state"], table["signed"], [r["agent"] for r in table["rows"]]))
    want("scores", [100000, 0], [r["score"]["total_milli"] for r in table["rows"]])
    pay = get("payroll", "/v1/pay/2026-01", "/v1/pay/{month}")
    want("pay", ("closed", True, 2 * GOLD + TIN), (pay["state"], pay["signed"], pay["total_fen"]))
    one = d.get("/v1/pay/2026-01?limit=1", T["payroll"][0], "/v1/pay/{month}")
    want("a page", (["amy"], "amy"), ([r["agent"] for r in one["rows"]], one["next"]))
    rest = d.get("/v1/pay/2026-01?after=amy", T["payroll"][0], "/v1/pay/{month}")
    want("the rest", (["bob", "cai"], None), ([r["agent"] for r in rest["rows"]], rest["next"]))
    mine = get("amy", "/v1/agents/amy/pay/2026-01", "/v1/agents/{agent}/pay/{month}")["pay"]
    want("one's own", ("closed", GOLD), (mine["state"], mine["bonus_fen"]))
    bonus = get("payroll", "/v1/pay/2026-01/bonus", "/v1/pay/{month}/bonus")
    want("by team", {RED: GOLD + TIN, BLUE: GOLD}, {t["team"]: t["bonus_fen"] for t in bonus["teams"]})
    want("by shop", [("outlet", 2, 3, GOLD * 2 // 3 + 1 + TIN), ("旗舰店", 1, 1, GOLD // 3), ("", 1, 1, GOLD)],
         [(s["shop"], s["agents"], s["handled"], s["bonus_fen"]) for s in bonus["shops"]])
    want("also as projected", [s["bonus_fen"] for s in bonus["shops"]], [s["projected_fen"] for s in bonus["shops"]])
    for who in ("amy", "red", "hr", "admin"):
        want(f"by shop for {who}", 404, d.ask("/v1/pay/2026-01/bonus", token=T[who][0])[0])


FILES = {"csv": ["export", "2026-01"], "xlsx": ["export", "2026-01", "--format", "xlsx"],
         "payroll": ["export", "2026-01", "--format", "payroll"], "slips": ["slip", "2026-01"], "slips?lang=en": ["slip", "2026-01", "--lang", "en"],
         "payroll?columns=" + quote("工号=employee_no, 金额=amount"): ["export", "2026-01", "--format", "payroll", "--columns",
                                                                   "工号=employee_no, 金额=amount"]}


def kefuctls(args):
    out = TMP + "/kefuctls"
    d.ctl("month", *args, "--out", out, status=2 if "payroll" in args else 0)
    return open(out, "rb").read()


def files_are_kefuctls_to_the_byte():
    for name, args in FILES.items():
        status, headers, body = d.ask("/v1/pay/2026-01/files/" + name, token=T["payroll"][0])
        want(name, (200, "no-store"), (status, headers["cache-control"]))
        want(f"bytes of {name}", True, body == kefuctls(args))
        want(f"left out of {name}", "1" if "payroll" in name else None, headers.get("x-kefud-without-employee-no"))
        _, _, utf8 = headers["content-disposition"].partition("filename*=UTF-8''")
        words = {"csv": "绩效", "xlsx": "绩效", "payroll": "工资导入", "slips": "工资条"}[name.split("?")[0]]
        assert urllib.parse.unquote(utf8).startswith(f"{words} 晨光小店 2026-01"), headers["content-disposition"]
    did = [x["did"] for x in audit()]
    want("lines", (1, 1, 2, 2), tuple(did.count(x) for x in ("export.csv", "export.xlsx", "export.payroll", "slip.read")))
    want("no such format", 404, d.ask("/v1/pay/2026-01/files/pdf", token=T["payroll"][0])[0])
    want("columns that are none", 400, d.ask("/v1/pay/2026-01/files/payroll?columns=a", token=T["payroll"][0])[0])
    want("not closed", 400, d.ask(f"/v1/pay/{time.strftime('%Y-%m')}/files/csv", token=T["payroll"][0])[0])
    for who in ("amy", "red", "hr", "admin"):
        want(f"a file for {who}", 404, d.ask("/v1/pay/2026-01/files/csv", token=T[who][0])[0])


def a_slip_is_its_agents_and_says_what_was_left_out():
    status, headers, body = d.ask("/v1/agents/amy/pay/2026-01/slip", token=T["amy"][0])
    want("own slip", (200, True), (status, body == kefuctls(["slip", "2026-01", "amy"])))
    assert "sandbox" in headers["content-security-policy"], headers
    want("another's slip", 404, d.ask("/v1/agents/bob/pay/2026-01/slip", token=T["amy"][0])[0])
    want("a lead", 404, d.ask("/v1/agents/amy/pay/2026-01/slip", token=T["red"][0])[0])
    want("its line", "amy", audit()[-1]["agent"])
    text = d.ask("/v1/agents/cai/pay/2026-01/slip", token=T["payroll"][0])[2].decode()
    for part in ("3 (2026-01-20至2026-01-22)", "在职 20 天，减去请假培训 3 天，为全月 31 天中的 17 天", "不计入以上指标：2026-01-20至2026-01-22"):
        assert part in text, f"{part} is not on the slip: {text}"
    text = d.ask("/v1/agents/cai/pay/2026-01/slip?lang=en", token=T["payroll"][0])[2].decode()
    assert "20 employed, less 3 of leave and training, of the month's 31 days, which makes 17" in text, text
    assert "days worked" not in d.ask("/v1/agents/amy/pay/2026-01/slip?lang=en", token=T["amy"][0])[2].decode()


def item_of(kind):
    items = d.get("/v1/agents/amy/explain/2026-01?limit=50", T["amy"][0], "/v1/agents/{agent}/explain/{period}")["items"]
    return next(i for i in items if i["kind"] == kind)


def an_agent_contests_a_lead_decides_and_it_can_be_undone():
    path, doc = "/v1/agents/amy/appeals", "/v1/agents/{agent}/appeals"
    rating, turn = item_of("rating"), item_of("answer")
    about = {"conversation": "c1", "about": "rating", "day": rating["day"], "score_milli": rating["score_milli"], "reason": "买家填错了"}
    post("bob", path, doc, about, 404)
    post("red", path, doc, about, 404)
    post("amy", path, doc, {**about, "day": "2026-01-06"}, 400)
    post("amy", path, doc, {**about, "reason": ""}, 400)
    post("amy", path, doc, about, 403, {"Origin": "https://evil.test"})
    first = post("amy", path, doc, about)["ids"][0]
    second = post("amy", path, doc, {"conversation": "c1", "about": "turn", "asked_ms": turn["asked_ms"], "reason": "系统故障"})["ids"][0]
    want("seen by", [2, 0, 2, 2], [len(get(w, "/v1/appeals", "/v1/appeals")["appeals"]) for w in ("amy", "bob", "red", "hr")])
    named = {a["id"]: a["message"] for a in get("amy", "/v1/appeals", "/v1/appeals")["appeals"]}
    want("what is contested", {first: "c1s", second: "c1q"}, named)
    one = "/v1/agents/{agent}/appeals/{appeal}"
    for who in ("amy", "payroll", "hr"):
        post(who, f"{path}/{first}", one, {"accept": True, "reason": "属实"}, 404)
    post("red", f"{path}/{first}", one, {"reason": "属实"}, 400)
    done = post("red", f"{path}/{first}", one, {"accept": True, "reason": "属实"})
    want("one event decides, one voids", 2, len(done["ids"]))
    post("red", f"{path}/{first}", one, {"accept": True, "reason": "属实"}, 400)
    post("admin", f"{path}/{second}", one, {"accept": False, "reason": "录音为证"})
    states = {a["id"]: (a["state"], a["decided_by"], a.get("undone")) for a in get("red", "/v1/appeals", "/v1/appeals")["appeals"]}
    want("decided", {first: ("accepted", "zhao", False), second: ("rejected", "sun", None)}, states)
    post("admin", f"{path}/{second}/undo", one + "/undo", {"reason": "查实"}, 400)
    post("red", f"{path}/{first}/undo", one + "/undo", {"reason": "查实"})
    post("red", f"{path}/{first}/undo", one + "/undo", {"reason": "查实"}, 400)
    want("undone", [True], [a["undone"] for a in get("red", "/v1/appeals", "/v1/appeals")["appeals"] if a["id"] == first])
    want("since a later month", 0, len(d.get(f"/v1/appeals?since={time.strftime('%Y-%m')}", T["red"][0], "/v1/appeals")["appeals"])
         if time.strftime("%Y-%m") > "2026-12" else 0)
    want("lines", ["appeal.opened"] * 2 + ["appeal.decided"] * 2 + ["decision.undone"],
         [x["did"] for x in audit() if x["did"].startswith(("appeal", "decision"))])
    actors = [(e["type"], e["actor"]) for e in journal() if e["source"] == "kefud" and e["type"] in ("appeal.opened", "rating.voided", "decision.undone")]
    want("who", [("appeal.opened", "amy"), ("appeal.opened", "amy"), ("rating.voided", "zhao"), ("decision.undone", "zhao")], actors)


def a_proposal_is_confirmed_by_who_may():
    path, doc = "/v1/months/2026-01/proposals", "/v1/months/{month}/proposals"
    want("whose", [["bob"], ["bob"], [], ["bob"]], [[p["agent"] for p in get(w, path, doc)["proposals"]] for w in ("red", "bob", "amy", "payroll")])
    body = {"proposal": "training_required", "accept": True, "reason": "面谈后"}
    for who in ("bob", "payroll"):
        post(who, path + "/bob", doc + "/{agent}", body, 404)
    post("red", path + "/bob", doc + "/{agent}", {**body, "proposal": "praise"}, 400)
    post("hr", path + "/bob", doc + "/{agent}", body)
    want("confirmed", [("accepted", "qian")], [(p["state"], p["decided_by"]) for p in get("bob", path, doc)["proposals"]])
    post("red", path + "/bob", doc + "/{agent}", body, 400)


def what_came_late_is_an_adjustment_that_is_decided_as_it_was_seen():
    path, doc = "/v1/pay/2026-01/adjustments", "/v1/pay/{month}/adjustments"
    d.post(INGEST, list(chat("c4", JAN + 7, "amy", 90_000)))
    end = time.monotonic() + 20
    late = get("payroll", path, doc)["adjustments"]
    while ["conversation", "c4"] not in late[0]["evidence"] and time.monotonic() < end:  # written in a commit of its own
        late = get("payroll", path, doc)["adjustments"]
    want("late", [("amy", TIN - GOLD, [["conversation", "c1"], ["conversation", "c4"]])],
         [(a["agent"], a["difference_fen"], a["evidence"]) for a in late])
    body = {"accept": True, "difference_fen": TIN - GOLD, "reason": "属实"}
    post("payroll", path + "/amy", doc + "/{agent}", {**body, "difference_fen": 1}, 409)
    post("payroll", path + "/bob", doc + "/{agent}", body, 409)
    post("hr", path + "/amy", doc + "/{agent}", body, 404)
    reopen = {"confirm": "2026-01", "reason": "导入有误"}
    post("payroll", "/v1/pay/2026-01/reopen", "/v1/pay/{month}/reopen", {**reopen, "reason": ""}, 400)
    post("payroll", "/v1/pay/2026-01/reopen", "/v1/pay/{month}/reopen", reopen)
    want("review again", "review", get("red", "/v1/months/2026-01/review", "/v1/months/{month}/review")["status"]["state"])
    want("of an open month", [], get("payroll", path, doc)["adjustments"])
    second = post("payroll", "/v1/pay/2026-01/close", "/v1/pay/{month}/close", {"confirm": "2026-01"})
    want("second version", 2, second["entry"]["version"])
    old = d.ask("/v1/pay/2026-01/files/csv?version=1", token=T["payroll"][0])[2]
    new = d.ask("/v1/pay/2026-01/files/csv", token=T["payroll"][0])[2]
    want("both versions", (True, False), (b"77700.01" in old.splitlines()[1], b"77700.01" in new.splitlines()[1]))
    d.post(INGEST, [*chat("c5", JAN + 9, "cai", 90_000), *chat("c6", JAN + 10, "cai", 90_000)])
    late = get("payroll", path, doc)["adjustments"]
    want("late again", ["cai"], [a["agent"] for a in late])
    post("payroll", path + "/cai", doc + "/{agent}", {"accept": False, "difference_fen": late[0]["difference_fen"]})
    want("dropped", [], get("payroll", path, doc)["adjustments"])
    trail = get("payroll", "/v1/pay/2026-01/trail", "/v1/pay/{month}/trail")
    want("appeals on the trail", [("amy", "accepted", True), ("amy", "rejected", None)],
         sorted((a["agent"], a["state"], a.get("undone")) for a in trail["appeals"]))
    want("who took one back", [True], [bool(a["undone_by"] and a["undone_at"] >= a["decided_at"]) for a in trail["appeals"] if a.get("undone")])
    want("of another month", [], get("payroll", "/v1/pay/2026-02/trail", "/v1/pay/{month}/trail")["appeals"])
    kinds = [(x["entry"]["kind"], x["agent"]) for x in trail["entries"]]
    want("trail", [("closed", None), ("proposal", "bob"), ("reopened", None), ("closed", None), ("adjusted", "cai")], kinds)
    assert {"month.close", "month.reopen", "adjustment.reject", "proposal.confirm", "export.csv"} <= {x["did"] for x in trail["looks"]}


def a_rulebook_is_tried_beside_the_daemon():
    new = {**RULES, "name": "draft", "response_target_ms": 120000}
    text = json.dumps(new).encode()

    def begin(body, status=202, who="payroll", query="?month=2026-01"):
        found, _, answer = d.ask("/v1/backtests" + query, "POST", T[who][0], None, body)
        want(f"POST of {body[:20]} by {who}", status, found)
        value = json.loads(answer)
        check(value, schema_of("/v1/backtests", "post", status), "/v1/backtests")
        return value.get("id")

    def ended(name):
        end = time.monotonic() + 60
        while True:
            found = get("payroll", "/v1/backtests/" + name, "/v1/backtests/{backtest}")
            if found["state"] != "running":
                return found
            if time.monotonic() > end:
                raise Wrong("the backtest does not end")
            time.sleep(0.02)

    begin(b"", 400)
    for who in ("amy", "red", "hr", "admin"):
        begin(text, 404, who)
    bad = ended(begin(b'{"name": "x", "kpis": 3}'))
    want("no rulebook", "refused", bad["state"])
    assert "kpis" in bad["error"], bad
    first = begin(text)
    begin(text, 503)
    found = ended(first)["result"]
    rows = {r["agent"]: (r["was"]["tier"], r["then"]["tier"], r["difference_fen"]) for r in found["rows"]}
    want("who changes", {a: ("tin", "gold", GOLD - TIN) for a in ("amy", "bob", "cai")}, rows)
    want("sum", (3, 3 * TIN, 3 * GOLD), (found["changed"], found["was_fen"], found["then_fen"]))
    open(TMP + "/draft.json", "wb").write(text)
    told = json.loads(d.ctl("backtest", "--rulebook", TMP + "/draft.json", "--month", "2026-01", "--json"))
    want("the same as kefuctl's", told, found)
    want("what is left behind", [], [n for n in os.listdir(TMP) if "backtest" in n])
    want("gone", 404, d.ask("/v1/backtests/" + "0" * 32, token=T["payroll"][0])[0])
    want("another role", 404, d.ask("/v1/backtests/" + first, token=T["hr"][0])[0])


def who_has_left_is_still_paid_what_was_found_late():
    d.post(INGEST, [profile("bob", RED, left_on="2026-01-31") | {"id": "pbob2", "ts": JAN}])
    d.post(INGEST, [e for i in range(20) for e in chat(f"late{i}", JAN + 20 + i, "bob", 1000)])
    late = get("payroll", "/v1/pay/2026-01/adjustments", "/v1/pay/{month}/adjustments")["adjustments"]
    want("late", [("bob", GOLD - TIN)], [(a["agent"], a["difference_fen"]) for a in late])
    post("payroll", "/v1/pay/2026-01/adjustments/bob", "/v1/pay/{month}/adjustments/{agent}", {"accept": True, "difference_fen": GOLD - TIN})
    post("payroll", "/v1/pay/2026-02/close", "/v1/pay/{month}/close", {"confirm": "2026-02"})
    rows = {r["agent"]: r for r in get("payroll", "/v1/pay/2026-02", "/v1/pay/{month}")["rows"]}
    want("paid", (None, GOLD - TIN, GOLD - TIN), tuple(rows["bob"][k] for k in ("bonus_fen", "adjusted_fen", "amount_fen")))
    want("in the table", False, "bob" in {r["agent"] for r in get("payroll", "/v1/months/2026-02", "/v1/months/{month}")["rows"]})


def nothing_of_it_is_in_the_log():
    log = d.log_text()
    want("pay in the log", [], [x for x in (str(GOLD), str(TIN), "77700.01", "12300.07") if x in log])
    want("names and reasons in the log", [], [x for x in ("名amy", "买家填错了", "导入有误") if x in log])
    d.ctl("audit", "verify")
    d.ctl("month", "verify")
    body = json.dumps({**RULES, "name": "last"}).encode()
    end = time.monotonic() + 20
    while not any("backtest" in at and "kefu.db" in files for at, _, files in os.walk(TMP)):
        if time.monotonic() > end:
            raise Wrong("there is no copy")
        d.ask("/v1/backtests", "POST", T["payroll"][0], None, body)  # one that is quick ends before it is seen; then another
    d.stop()  # it ends with the daemon, and its copy goes with it
    want("what is left behind", [], [n for n in os.listdir(TMP) if "backtest" in n])


try:
    run([the_events_of_january, a_month_is_closed_by_a_named_person_who_typed_its_name, the_table_and_pay_are_the_books,
         files_are_kefuctls_to_the_byte, a_slip_is_its_agents_and_says_what_was_left_out,
         an_agent_contests_a_lead_decides_and_it_can_be_undone, a_proposal_is_confirmed_by_who_may,
         what_came_late_is_an_adjustment_that_is_decided_as_it_was_seen, a_rulebook_is_tried_beside_the_daemon,
         who_has_left_is_still_paid_what_was_found_late,
         nothing_of_it_is_in_the_log])
finally:
    d.kill()
