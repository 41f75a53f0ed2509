#!/usr/bin/env python3
"""Pay is private: amounts that nobody would invent are closed, reviewed, adjusted and exported, and stand in no byte of
Redis (data and traffic), of the log, of any answer over HTTP, of a journal's export or of the answers of kefuctl that are
not asked for pay. They do stand where pay is asked for, so the test can fail.
"""
import http.client
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kefud_run import Kefud, main
from test_month_export import JAN, chat, profile

AMOUNTS = [7654321, 1357913]
PARTS = []  # of them, by shop
PATHS = ["/", "/healthz", "/readyz", "/metrics", "/v1/session", "/v1/me", "/v1/agents", "/v1/agents/amy", "/v1/agents/amy/periods/2026-01",
         "/v1/agents/amy/explain/2026-01", "/v1/agents/amy/whatif", "/v1/months", "/v1/months/2026-01", "/v1/months/2026-01/review",
         "/v1/months/2026-01/proposals", "/v1/appeals", "/v1/alerts", "/v1/rulebook", "/v1/boards", "/v1/teams", "/v1/teams/red",
         "/v1/teams/red/leaderboard", "/v1/events"]
PAY = ["/v1/agents/amy/pay/2026-01", "/v1/agents/amy/pay/2026-01/slip", "/v1/pay/2026-01", "/v1/pay/2026-01/bonus",
       "/v1/pay/2026-01/adjustments", "/v1/pay/2026-01/files/csv", "/v1/pay/2026-01/files/payroll", "/v1/pay/2026-01/files/slips",
       "/v1/pay/2026-01/files/xlsx", "/v1/pay/2026-01/perks", "/v1/pay/2026-01/trail"]
SILENT = PAY[-3:]  # squeezed, or without money
ROLES = {"agent": ["--subject", "bob"], "lead": ["--teams", "red", "--login", "zhao"], "hr": [], "admin": ["--login", "sun"], "payroll": ["--login", "li"]}
RULES = {"name": "pay", "effective_from": "2020-01", "tier_min_handled": 1, "kpis": [
    {"name": "quick", "metric": "reply_within_rate", "weight": 1, "score": {"zero_at": 0, "full_at": 1}}],
    "tiers": [{"name": "gold", "min": 90, "bonus_fen": AMOUNTS[0]}, {"name": "tin", "min": 0, "bonus_fen": AMOUNTS[1]}]}


def spellings():
    """How an amount might be written: fen, yuan, with commas, as bytes of integers; differences too."""
    for fen in AMOUNTS + [sum(AMOUNTS), 2 * AMOUNTS[0], 2 * AMOUNTS[1], AMOUNTS[0] - AMOUNTS[1], 2 * AMOUNTS[0] + AMOUNTS[1], 2 * AMOUNTS[1] + AMOUNTS[0]] + PARTS:
        for text in (f"{fen}", f"{fen / 100:.2f}", f"{fen / 100:,.2f}", f"{fen:,}"):
            yield text.encode()
        for size in (4, 8):
            yield fen.to_bytes(size, "little")
            yield fen.to_bytes(size, "big")


def look(where, data):
    for spelling in spellings():
        assert spelling not in data, f"pay in {where}: {spelling!r}"


def start_redis(folder):
    sock = os.path.join(folder, "redis.sock")
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", sock, "--save", "", "--dir", folder,
                               "--rdbcompression", "no"], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while subprocess.run(["redis-cli", "-s", sock, "ping"], capture_output=True).stdout != b"PONG\n":
        assert time.monotonic() < end, "redis-server does not answer"
        time.sleep(0.02)
    return server, sock


def ask(at, path, token=None, body=None):
    c = http.client.HTTPConnection(at["address"], at["port"], timeout=20)
    c.request("POST" if body else "GET", path, body, {"Authorization": "Bearer " + token} if token else {})
    answer = c.getresponse()
    return str(answer.getheaders()).encode() + answer.read()


def over_http(daemon):
    """Every role on every path: nothing but on the interfaces of pay, and there only to payroll. Acts answer without money."""
    at = daemon.json("status")["http"]
    tokens = {r: daemon.ctl("token", "add", "--role", r, *more).decode().strip() for r, more in ROLES.items()}
    for path in PATHS + PAY:
        look(f"GET {path}", ask(at, path))
    for role, token in tokens.items():
        for path in PATHS + (PAY if role != "payroll" else SILENT):
            look(f"GET {path} by {role}", ask(at, path, token))
    for path in PAY:
        assert path in SILENT or any(s in ask(at, path, tokens["payroll"]) for s in spellings()), f"not even {path} shows pay"
    late = json.loads(ask(at, "/v1/pay/2026-01/adjustments", tokens["payroll"]).split(b"]", 1)[1])["adjustments"]
    difference = next(a["difference_fen"] for a in late if a["agent"] == "bob")
    acts = {"/v1/pay/2026-01/close": {"confirm": "2026-01"}, "/v1/pay/2026-01/reopen": {"confirm": "2026-01", "reason": "x"},
            "/v1/pay/2026-01/adjustments/bob": {"accept": False, "difference_fen": difference}}
    for path, body in acts.items():
        look(f"POST {path}", ask(at, path, tokens["payroll"], json.dumps(body)))


def live_and_close(daemon):
    daemon.load([profile("amy", employee_no="007", team="red"), profile("bob", employee_no="008", team="red")])
    daemon.load(chat("c1", JAN, "amy", 5000) + chat("c2", JAN, "bob", 90_000))
    daemon.load([{"id": f"in{i}{c}", "ts": JAN + i, "type": "conversation.opened", "conversation": c, "shop": s}
                 for i, (c, s) in enumerate((("c1", "north"), ("c2", "south")))])
    daemon.load(chat("n1", int(time.time() * 1000) - 200_000, "amy", 5000))
    open_ones = [daemon.ctl("month", "review", "2026-01"), daemon.ctl("agents"), daemon.ctl("report", "--json")]
    daemon.ctl("month", "close", "2026-01", "--by", "li")
    daemon.load(chat("c3", JAN + 5, "amy", 90_000))
    open_ones += [daemon.ctl("month", "adjustments", "2026-01")]
    daemon.decide("accept", "2026-01", "amy", "--by", "li")
    daemon.ctl("month", "reopen", "2026-01", "--by", "li", "--reason", "x", status=1)
    shops = daemon.json("month", "bonus", "2026-01")["bonus"]["shops"]
    PARTS.extend(s["bonus_fen"] for s in shops if s["bonus_fen"] not in AMOUNTS)
    assert len(PARTS) >= 2 and min(PARTS) > 100_000, f"nothing is split: {shops}"
    return open_ones + [daemon.ctl("month", "show", "2026-01"), daemon.ctl("month", "show", "2026-01", "--json"),
                        daemon.ctl("month", "list"), daemon.ctl("status"), daemon.ctl("month", "verify")]


def test(folder):
    if not shutil.which("redis-server"):
        print("redis-server is not installed")
        return 77
    os.mkdir(os.path.join(folder, "rules"))
    with open(os.path.join(folder, "rules", "pay.json"), "w") as f:
        json.dump(RULES, f)
    server, sock = start_redis(folder)
    traffic_path = os.path.join(folder, "traffic")
    with open(traffic_path, "wb") as traffic:
        monitor = subprocess.Popen(["redis-cli", "-s", sock, "monitor"], stdout=traffic)
        try:
            daemon = Kefud(folder, rulebooks_dir=os.path.join(folder, "rules"), redis_address="unix:" + sock,
                           log_level=7).start()
            for i, out in enumerate(live_and_close(daemon)):
                look(f"answer {i} of kefuctl", out)
            daemon.load(chat("c4", JAN + 9, "bob", 5000) + chat("c5", JAN + 11, "bob", 5000) + [
                {"id": f"b{i}{k}", "ts": JAN + i, "type": "message", "conversation": f"b{i}", "from": who, **more}
                for i in range(20, 40) for k, (who, more) in enumerate([("customer", {"text": "?"}), ("agent", {"agent": "bob"})])])
            over_http(daemon)
            look("the journal's export", daemon.ctl("journal", "export"))
            end = time.monotonic() + 20
            while b"agent:amy" not in open(traffic_path, "rb").read() and time.monotonic() < end:
                time.sleep(0.05)
            subprocess.run(["redis-cli", "-s", sock, "save"], check=True, capture_output=True)
            paid = daemon.ctl("month", "show", "2026-01", "--pay", "--json")
            daemon.stop()
        finally:
            monitor.kill()
            server.kill()
            monitor.wait()
            server.wait()
    seen = open(traffic_path, "rb").read()
    assert b"agent:amy" in seen, "nothing was published: the test sees nothing"
    look("what was sent to Redis", seen)
    look("Redis's data", open(os.path.join(folder, "dump.rdb"), "rb").read())
    look("the log", daemon.log_text())
    assert str(AMOUNTS[0]).encode() in paid, "not even --pay shows pay"
    return 0


if __name__ == "__main__":
    sys.exit(main(test))
