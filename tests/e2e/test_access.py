#!/usr/bin/env python3
"""F18: every role × every endpoint × self, teammate, other team: exactly the table in docs/access.md; refusals identical to what
is not there; figures of pay nowhere but on the interfaces of pay."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from board import DOC, ROOT, Daemon, Stream, Wrong, quote, run, want  # noqa: E402

# The part of docs/access.md that each path belongs to. A path that the document gains must be put here, or the test fails.
PARTS = {
    "/v1/me": "me", "/v1/me/live": "me",
    "/v1/agents": "agents", "/v1/agents/{agent}": "agents", "/v1/agents/{agent}/live": "agents",
    "/v1/agents/{agent}/periods/{period}": "agents", "/v1/agents/{agent}/explain/{period}": "agents",
    "/v1/agents/{agent}/whatif": "agents", "/v1/agents/{agent}/pay/{month}": "pay",
    "/v1/teams": "teams", "/v1/teams/{team}": "teams", "/v1/teams/{team}/live": "teams",
    "/v1/teams/{team}/leaderboard": "leaderboard", "/v1/months/{month}": "months", "/v1/pay/{month}": "payroll",
    "/v1/rulebook": "rulebook", "/v1/alerts": "alerts", "/v1/alerts/live": "alerts",
    "/v1/months": "rulebook", "/v1/months/{month}/review": "months", "/v1/months/{month}/proposals": "proposals",
    "/v1/appeals": "appeals", "/v1/agents/{agent}/pay/{month}/slip": "pay", "/v1/pay/{month}/bonus": "payroll",
    "/v1/pay/{month}/perks": "payroll", "/v1/pay/{month}/adjustments": "payroll", "/v1/pay/{month}/trail": "payroll",
    "/v1/pay/{month}/files/{format}": "payroll", "/v1/backtests/{backtest}": "payroll",
}
NOT_CLOSED = {"/v1/agents/{agent}/pay/{month}/slip", "/v1/pay/{month}/files/{format}"}  # 400 to whom they are for
NO_SUCH = {"/v1/backtests/{backtest}"}  # there is none here: test_month_http.py has one
ROLES = ["agent", "lead", "payroll", "hr", "ingest", "admin"]
RED, BLUE = "红队", "blue"
PEOPLE = {"red/1": RED, "red2": RED, "blue1": BLUE}  # red/1 is who "agent" is; lead leads the red
ME = "red/1"
CANARIES = ["7770001", "7770002", "canary_perk", "canary_action"]
MONTH = time.strftime("%Y-%m", time.gmtime(time.time() + 8 * 3600))
TMP = os.environ["TMPDIR"]


def table():
    """{part: {role: reach}} out of docs/access.md."""
    rows = [[c.strip() for c in line.strip().strip("|").split("|")] for line in open(ROOT + "/docs/access.md")
            if line.startswith("| ")]
    want("roles of docs/access.md", ["part"] + ROLES, rows[0])
    return {r[0]: dict(zip(ROLES, r[1:])) for r in rows[2:]}


def start_redis():
    sock = TMP + "/redis.sock"
    if not shutil.which("redis-server"):
        return None, ""
    p = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", sock, "--save", "", "--dir", TMP],
                         stdout=subprocess.DEVNULL)
    for _ in range(500):
        if subprocess.run(["redis-cli", "-s", sock, "ping"], capture_output=True).stdout == b"PONG\n":
            break
        time.sleep(0.02)
    return p, "unix:" + sock


def write_rulebook(folder):
    os.makedirs(folder, exist_ok=True)
    tiers = [{"name": "top", "label": {"zh": "顶", "en": "Top"}, "min": 50, "bonus_fen": 7770001, "perks": ["canary_perk"]},
             {"name": "low", "label": {"zh": "低", "en": "Low"}, "min": 0, "bonus_fen": 7770002, "actions": ["canary_action"]}]
    with open(folder + "/canary.json", "w") as f:
        json.dump({"name": "canary", "effective_from": MONTH, "tier_min_handled": 1, "tiers": tiers, "alerts": [
            {"name": "wait", "label": {"zh": "等待", "en": "Waiting"}, "when": "wait", "scope": "agent", "severity": "warning",
             "raise": 1, "hears": ["lead"]}]}, f)


def work(agent, team):
    now = int(time.time() * 1000)
    yield {"id": f"{agent}-p", "type": "agent.profile", "agent": agent, "team": team, "name": "名" + agent, "ts": now - 90000}
    for i in range(3):
        at, chat = now - 60000 + i * 10000, f"{agent}-{i}"
        yield {"id": chat + "q", "type": "message", "conversation": chat, "from": "customer", "ts": at, "text": "在吗"}
        yield {"id": chat + "a", "type": "message", "conversation": chat, "from": "agent", "agent": agent, "ts": at + 4000}
        yield {"id": chat + "r", "type": "conversation.resolved", "conversation": chat, "agent": agent, "ts": at + 5000}


redis, redis_address = start_redis()
write_rulebook(TMP + "/rulebooks")
d = Daemon({"rulebooks_dir": TMP + "/rulebooks", "redis_address": redis_address, "site": "某店"})
TOKENS = {"agent": d.token("agent", subject=ME), "lead": d.token("lead", teams=RED, login="lin"), "payroll": d.token("payroll"),
          "hr": d.token("hr"), "ingest": d.token("ingest"), "admin": d.token("admin", login="root")}
d.post(TOKENS["ingest"][0], [e for a, t in PEOPLE.items() for e in work(a, t)])


def fill(path, agent, team):
    return (path.replace("{agent}", quote(agent)).replace("{team}", quote(team)).replace("{period}", MONTH)
            .replace("{month}", MONTH).replace("{format}", "csv").replace("{backtest}", "0"))


def raw(path, token):
    """The bytes of an answer. A stream's are cut behind its head."""
    if path.endswith("/live"):
        s = Stream(d.port, path, token)
        s.close()
        return s.status, b""
    status, headers, body = d.ask(path, token=token)
    return status, json.dumps(sorted(headers.items())).encode() + body


def may(reach, role, agent, team):
    """What the table means for a path about this agent (None: about the team, or about everybody)."""
    if reach == "all":
        return True
    if reach == "teams":
        return team == RED
    return reach == "own" and (agent == ME if agent else team == RED)


def every_path_of_the_document_has_its_part():
    paths = {p for p, m in DOC["paths"].items() if "get" in m and p != "/v1/session"}
    want("paths with a part", paths, set(PARTS))
    want("parts", set(table()), set(PARTS.values()))


def who_is_not_logged_in_hears_401_and_nothing_else():
    for path in PARTS:
        for token in (None, TOKENS["ingest"][0]):
            want(f"{path} without a log-in", 401, raw(fill(path, ME, RED), token)[0])
    wrong = [raw(fill(path, ME, RED), "kefu_" + "x" * 43)[0] for path in PARTS]
    want("wrong tokens", [401] * 10 + [429] * (len(PARTS) - 10), wrong)  # ten a minute


def the_table_is_what_holds():
    reaches, seen = table(), 0
    gone = {}
    for path, part in PARTS.items():
        for role in ROLES:
            for agent, team in PEOPLE.items():
                if role == "ingest":
                    continue
                about_agent = agent if "{agent}" in path or path.startswith("/v1/me") else None
                if path.startswith("/v1/me"):
                    agent, team = ME, RED
                    about_agent = ME
                reach = reaches[part][role]
                if "{agent}" in path or "{team}" in path or path.startswith("/v1/me"):
                    allowed = may(reach, role, about_agent, team)
                else:
                    allowed = reach not in ("–", "setting")
                status, answer = raw(fill(path, agent, team), TOKENS[role][0])
                allowed = allowed and path not in NO_SUCH
                want(f"{role} asks {path} about {agent} of {team}", (400 if path in NOT_CLOSED else 200) if allowed else 404, status)
                if not allowed:
                    missing = gone.setdefault(role, raw("/v1/no/such/thing", TOKENS[role][0]))
                    if not path.endswith("/live"):
                        want(f"refusal of {path} to {role}", missing, (status, answer))
                seen += 1
    if seen < 5 * len(PARTS) * 3:
        raise Wrong("the walk is too short")


def an_agent_that_is_not_there_looks_like_one_that_is_not_shown():
    for role in ("agent", "lead"):
        for path in PARTS:
            if "{agent}" in path and not path.endswith("/live"):
                hidden = raw(fill(path, "blue1", BLUE), TOKENS[role][0])
                want(f"{path} to {role}", raw(fill(path, "nobody", "none"), TOKENS[role][0]), hidden)
    want("a team not led", raw("/v1/teams/none", TOKENS["lead"][0]), raw("/v1/teams/" + BLUE, TOKENS["lead"][0]))


def lists_hold_those_whom_one_sees_and_no_others():
    everybody = sorted(PEOPLE, key=lambda a: a.encode())
    for role, agents in {"lead": ["red/1", "red2"], "hr": everybody, "payroll": everybody, "admin": everybody}.items():
        token = TOKENS[role][0]
        want(f"agents of {role}", agents, [a["agent"] for a in d.get("/v1/agents", token)["agents"]])
        rows = d.get(f"/v1/months/{MONTH}", token, "/v1/months/{month}")["rows"]
        want(f"month rows of {role}", agents, [r["agent"] for r in rows])
        foreign = d.get(f"/v1/agents?team={BLUE}", token)["agents"]
        want(f"blue agents of {role}", [] if role == "lead" else ["blue1"], [a["agent"] for a in foreign])
    want("teams of lead", [RED], [t["team"] for t in d.get("/v1/teams", TOKENS["lead"][0])["teams"]])
    want("teams of admin", sorted([RED, BLUE]), [t["team"] for t in d.get("/v1/teams", TOKENS["admin"][0])["teams"]])
    want("an agent's list", [ME], [a["agent"] for a in d.get("/v1/agents", TOKENS["agent"][0])["agents"]])


def the_leaderboard_is_the_settings():
    path, token = f"/v1/teams/{quote(RED)}/leaderboard", TOKENS["agent"][0]
    want("leaderboard, off", 404, raw(path, token)[0])
    config = json.load(open(d.config))
    json.dump({**config, "leaderboard": True}, open(d.config, "w"))
    d.ctl("reload")
    rows = d.get(path, token, "/v1/teams/{team}/leaderboard")["rows"]
    want("the own team", ["red/1", "red2"], sorted(r["agent"] for r in rows))
    want("another team", 404, raw(f"/v1/teams/{BLUE}/leaderboard", token)[0])
    json.dump(config, open(d.config, "w"))
    d.ctl("reload")
    want("leaderboard, off again", 404, raw(path, token)[0])


def alerts_are_for_those_they_concern():
    now = int(time.time() * 1000)
    for agent in ("red2", "blue1"):
        d.post(TOKENS["ingest"][0], [{"id": agent + "w1", "type": "conversation.assigned", "conversation": agent + "w", "agent": agent,
                                      "ts": now}, {"id": agent + "w2", "type": "message", "conversation": agent + "w",
                                                   "from": "customer", "ts": now}])

    def seen(role):
        return {a["agent"]: a["alert"] for a in d.get("/v1/alerts", TOKENS[role][0])["alerts"] if a["state"] != "pending"}

    end = time.monotonic() + 20
    while set(seen("admin")) != {"red2", "blue1"}:
        if time.monotonic() > end:
            raise Wrong(f"alerts of admin: {seen('admin')}")
        time.sleep(0.05)
    want("alerts of lead", ["red2"], list(seen("lead")))
    want("alerts of agent", [], list(seen("agent")))
    red, blue = seen("admin")["red2"], seen("admin")["blue1"]

    def act(role, method, path, body=None, origin=None):
        text = json.dumps(body).encode() if body else b""
        headers = {"Content-Type": "application/json", **({"Origin": origin} if origin else {})}
        status, _, answer = d.ask(path, method=method, body=text, token=TOKENS[role][0], headers=headers)
        return status, json.loads(answer) if answer else None

    want("a lead takes on another team's", 404, act("lead", "POST", f"/v1/alerts/{blue}/ack")[0])
    want("an agent takes one on", 404, act("agent", "POST", f"/v1/alerts/{red}/ack")[0])
    want("payroll takes one on", 404, act("payroll", "POST", f"/v1/alerts/{red}/ack")[0])
    want("another site's page", 403, act("lead", "POST", f"/v1/alerts/{red}/ack", origin="https://evil.test")[0])
    want("a lead takes on the own team's", 200, act("lead", "POST", f"/v1/alerts/{red}/ack")[0])
    states = {a["agent"]: a["state"] for a in d.get("/v1/alerts", TOKENS["admin"][0])["alerts"]}
    want("states", {"red2": "acknowledged", "blue1": "firing"}, states)
    silence = {"rule": "wait", "minutes": 5, "reason": "drill"}
    want("a lead silences the house", 404, act("lead", "POST", "/v1/silences", silence)[0])
    want("a lead silences another team", 404, act("lead", "POST", "/v1/silences", {**silence, "team": BLUE})[0])
    want("a lead silences another's agent", 404, act("lead", "POST", "/v1/silences", {**silence, "agent": "blue1"})[0])
    want("no reason", 400, act("lead", "POST", "/v1/silences", {"rule": "wait", "minutes": 5, "team": RED})[0])
    status, answer = act("admin", "POST", "/v1/silences", {**silence, "team": BLUE})
    want("an admin silences a team", 200, status)
    want("silences a lead sees", [], d.get("/v1/alerts", TOKENS["lead"][0])["silences"])
    want("a lead ends another team's", 404, act("lead", "DELETE", "/v1/silences/" + answer["id"])[0])
    want("an admin ends it", 200, act("admin", "DELETE", "/v1/silences/" + answer["id"])[0])
    want("silences left", [], d.get("/v1/alerts", TOKENS["admin"][0])["silences"])


def team_now(agent, team):
    d.post(TOKENS["ingest"][0], [{"id": f"{agent}-{team}-{time.monotonic_ns()}", "type": "agent.profile", "agent": agent,
                                  "team": team, "ts": int(time.time() * 1000)}])


def whoever_moves_away_is_not_shown_again():
    s = Stream(d.port, "/v1/agents/red2/live", TOKENS["lead"][0])
    want("the team at first", RED, s.event()[2]["agent"]["team"])
    team_now("red2", BLUE)
    want("what comes next", "bye", s.event()[1])
    team_now("red2", RED)
    s.close()
    clear, number = d.token("admin")
    s = Stream(d.port, "/v1/agents/red2/live", clear)
    s.event()
    d.ctl("token", "revoke", number)
    team_now("red2", "third")
    want("what comes after a token has gone", "bye", s.event()[1])
    team_now("red2", RED)
    s.close()


def nobody_unknown_is_lent_memory_for_a_body():
    for method, path in (("POST", "/v1/session"), ("POST", "/v1/silences"), ("GET", "/healthz"), ("GET", "/v1/me")):
        with socket.create_connection(("127.0.0.1", d.port), timeout=20) as s:
            s.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n".encode())
            want(f"{method} {path} with a million bytes to come", b"HTTP/1.1 413", s.recv(12))


def holds_canary(text):
    return [c for c in CANARIES if c in text]


def pay_is_on_its_interfaces_and_nowhere_else():
    pay = d.get(f"/v1/agents/{quote(ME)}/pay/{MONTH}", TOKENS["agent"][0], "/v1/agents/{agent}/pay/{month}")
    want("the canaries, where they belong", CANARIES, holds_canary(json.dumps(pay)))
    for path, part in PARTS.items():
        for role in ROLES:
            if part in ("pay", "payroll"):
                continue
            for agent, team in PEOPLE.items():
                if path.endswith("/live"):
                    s = Stream(d.port, fill(path, agent, team), TOKENS[role][0])
                    text = json.dumps(s.event()) if s.status == 200 else ""
                    s.close()
                else:
                    text = d.ask(fill(path, agent, team), token=TOKENS[role][0])[2].decode()
                want(f"canaries of {path} to {role}", [], holds_canary(text))
    for path in ("/metrics", "/healthz", "/readyz", "/"):
        want(f"canaries of {path}", [], holds_canary(d.ask(path)[2].decode()))
    names = [n for n in ("名red", "红队", "red/1", "blue1") if n in d.ask("/metrics")[2].decode()]
    want("names in /metrics", [], names)
    want("canaries in the log", [], holds_canary(d.log_text()))
    want("names in the log", [], [n for n in ("名red", "名blue") if n in d.log_text()])


def nor_in_redis():
    if not redis:
        return
    def ask(*args):
        return subprocess.run(["redis-cli", "-s", TMP + "/redis.sock", *args], capture_output=True, text=True).stdout
    keys = ask("KEYS", "*").split()
    if not any("agent:" in k for k in keys):
        raise Wrong("nothing is in Redis, so the look would prove nothing")
    for k in keys:
        kind = ask("TYPE", k).strip()
        how = {"hash": ["HGETALL", k], "zset": ["ZRANGE", k, "0", "-1", "WITHSCORES"], "stream": ["XRANGE", k, "-", "+"]}
        want(f"canaries of {k}", [], holds_canary(ask(*how.get(kind, ["GET", k]))))


def every_look_at_pay_is_in_the_audit_log():
    before = [json.loads(line)["line"] for line in d.ctl("audit", "list").splitlines()]
    d.get(f"/v1/pay/{MONTH}", TOKENS["payroll"][0], "/v1/pay/{month}")
    d.get(f"/v1/agents/{quote('blue1')}/pay/{MONTH}", TOKENS["payroll"][0], "/v1/agents/{agent}/pay/{month}")
    d.ask(f"/v1/agents/{quote('blue1')}/pay/{MONTH}", token=TOKENS["agent"][0])  # refused: nobody looked
    new = [json.loads(line)["line"] for line in d.ctl("audit", "list").splitlines()][len(before):]
    want("new lines", [(TOKENS["payroll"][1], None), (TOKENS["payroll"][1], "blue1")], [(x["token"], x["agent"]) for x in new])
    head = re.search(r"head is ([0-9a-f]{64})", d.ctl("audit", "verify")).group(1)
    if f"head={head}" not in d.log_text():
        raise Wrong("the head of the chain is not in the log")


def a_line_that_was_changed_breaks_the_chain():
    import sqlite3
    d.stop()
    db = sqlite3.connect(d.dir + "/state/kefu.db")
    lines = db.execute("SELECT number, line, hash, checksum FROM audit ORDER BY number").fetchall()
    db.execute("DELETE FROM audit WHERE number = ?", (lines[0][0],))  # every row that is left is whole in itself
    db.commit()
    d.ctl("audit", "verify", status=2)
    db.execute("INSERT INTO audit(number, site, line, hash, checksum) VALUES(?, 1, ?, ?, ?)", lines[0])
    db.commit()
    db.close()
    d.ctl("audit", "verify")


try:
    run([every_path_of_the_document_has_its_part, who_is_not_logged_in_hears_401_and_nothing_else, the_table_is_what_holds,
         an_agent_that_is_not_there_looks_like_one_that_is_not_shown, lists_hold_those_whom_one_sees_and_no_others,
         the_leaderboard_is_the_settings, alerts_are_for_those_they_concern, whoever_moves_away_is_not_shown_again,
         nobody_unknown_is_lent_memory_for_a_body, pay_is_on_its_interfaces_and_nowhere_else, nor_in_redis,
         every_look_at_pay_is_in_the_audit_log, a_line_that_was_changed_breaks_the_chain])
finally:
    d.kill()
    if redis:
        redis.terminate()
        redis.wait()
