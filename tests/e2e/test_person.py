#!/usr/bin/env python3
"""Erasing a person: names that nobody would invent are put everywhere they can come (events, profiles, orders, refused events,
closed rows, reasons, the audit log, Redis), the persons are erased while the daemon runs, and no byte of any file of the state
folder, of Redis or of its files holds them any more, in UTF-8 or escaped. Figures, closed rows and the chains are as before; what is sent
again is a duplicate, and brings no name back.
"""
import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kefud_run import Kefud, main, wait_for, want
from test_month_export import JAN, chat, profile

AGENT, NAME, NUMBER = "金丝雀客服7Q", "叶凋零", "工号甲子421"
CUSTOMER, CHAT, ORDER = "顾客画眉鸟9", "cw:顾客画眉鸟9:1", "订单画眉鸟77"
CANARIES = {"agent": [AGENT, NAME, NUMBER], "customer": [CUSTOMER, CHAT, ORDER]}


def spellings(text):
    return [text.encode(), json.dumps(text)[1:-1].encode(), text.encode("utf-16-le")]


def look(where, data, names, wanted=False):
    found = [n for n in names for s in spellings(n) if s in data]
    assert bool(found) == wanted, f"{where}: {'holds ' + str(found) if found else 'does not hold ' + str(names)}"


def start_redis(folder):
    sock = os.path.join(folder, "redis.sock")
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", sock, "--save", "", "--dir", folder,
                               "--rdbcompression", "no", "--appendonly", "yes"], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while subprocess.run(["redis-cli", "-s", sock, "ping"], capture_output=True).stdout != b"PONG\n":
        assert time.monotonic() < end, "redis-server does not answer"
        time.sleep(0.02)
    return server, sock


def redis(sock, *args):
    return subprocess.run(["redis-cli", "-s", sock, *args], capture_output=True, check=True).stdout


def redis_files(folder, sock):
    """Its files as they are after it has written them anew, which is what the manual says to do."""
    redis(sock, "SAVE")
    redis(sock, "BGREWRITEAOF")
    end = time.monotonic() + 30
    while b"aof_rewrite_in_progress:1" in redis(sock, "INFO", "persistence") or \
            b"aof_rewrite_scheduled:1" in redis(sock, "INFO", "persistence"):
        assert time.monotonic() < end, "the file is not written anew"
        time.sleep(0.05)
    data = b""
    for at, _, names in os.walk(os.path.join(folder, "appendonlydir")):
        for name in names:
            data += open(os.path.join(at, name), "rb").read()
    return data + open(os.path.join(folder, "dump.rdb"), "rb").read()


def state_files(daemon):
    return {n: open(os.path.join(daemon.state, n), "rb").read() for n in sorted(os.listdir(daemon.state))
            if os.path.isfile(os.path.join(daemon.state, n))}


def events():
    """January of two agents, one of whom left; a customer with a conversation and an order that bear the name."""
    told = [profile(AGENT, name=NAME, employee_no=NUMBER, left_on="2026-03-01"), profile("bob", employee_no="008")]
    told += chat("c1", JAN, AGENT, 5000) + chat("c2", JAN + 1000, "bob", 90_000)
    theirs = chat(CHAT, JAN + 2000, AGENT, 7000)
    for e in theirs:
        if e["type"] == "message":
            e["customer"], e["shop"] = CUSTOMER, "旗舰店"
    told += theirs
    told.append({"id": "o1", "source": "t", "ts": JAN + 9000, "type": "order", "order": ORDER, "agent": AGENT,
                 "kind": "cross", "amount_fen": 100, "state": "paid", "conversation": CHAT})
    return told


def put_everywhere(daemon, told):
    daemon.load(told)
    bad = [{"id": "b1", "source": "t", "ts": JAN, "type": "agent.status", "agent": AGENT, "status": AGENT},
           {**told[2], "ts": told[2]["ts"] + 1, "agent": AGENT, "from": "agent"},
           {"id": "b2", "source": "t", "ts": JAN, "type": "order", "order": ORDER, "agent": "bob", "kind": CUSTOMER,
            "amount_fen": 1, "state": "paid"}]
    daemon.ctl("load", "-", stdin="".join(json.dumps(e) + "\n" for e in bad).encode(), status=2)
    daemon.ctl("appeal", "exempt", AGENT, "--from", "2026-01-20", "--to", "2026-01-21", "--why", "leave", "--by", NAME)
    daemon.ctl("month", "close", "2026-01", "--by", NAME, "--reason", f"按{NAME}的要求")
    daemon.load(chat("late", JAN + 5000, AGENT, 90_000))
    wait_for("the late answer to be an adjustment", lambda: daemon.json("month", "adjustments", "2026-01")["adjustments"])
    daemon.decide("accept", "2026-01", AGENT, "--by", "li", "--reason", f"{CUSTOMER}说过")
    daemon.ctl("month", "slip", "2026-01", AGENT)
    lines = [json.loads(x) for x in daemon.ctl("audit", "list").splitlines()]
    lines = [x.get("line", x) for x in lines]
    lines = [x for x in lines if x["did"] != "pay.read" or x["agent"]]  # without those of who awaited the adjustment
    want("acts and looks in the audit log", ["agent.exempt", "month.close", "adjustment.accept", "pay.read"],
         [x["did"] for x in lines])
    me = pwd.getpwuid(os.getuid()).pw_name
    assert all(x["subject"] == me for x in lines) and lines[3]["agent"] == AGENT and lines[0]["login"] == NAME, lines


def rows_of(daemon):
    """Closed rows without who they are of, and figures by agent."""
    shown = daemon.json("month", "show", "2026-01", "--pay")
    who = ("agent", "name", "employee_no", "hired_on", "left_on", "person")
    closed = sorted(json.dumps({k: v for k, v in r.items() if k not in who}, sort_keys=True) for r in shown)
    report = [r for r in daemon.json("report", "--by", "month")["rows"]]
    live = sorted(json.dumps({k: v for k, v in r.items() if k != "agent"}, sort_keys=True) for r in report)
    return closed, live, daemon.json("month", "bonus", "2026-01")["bonus"]["shops"]


def sums_of(daemon, agent):
    """Figures and shops of the agent's months as they lie on the shelf."""
    lines = [json.loads(x) for x in daemon.ctl("person", "export", "agent", agent).splitlines()]
    sums = [(x["period"], x["figures"], x["shops"]) for x in lines if x["what"] == "sum" and "shops" in x]
    want("shops of the sums", [("2026-01", {"旗舰店": 1})], [(s[0], s[2]) for s in sums])
    return sums


def erase(daemon, kind, name, **how):
    answer = json.loads(daemon.ctl("person", "erase", kind, name, "--by", "王芳", "--reason", "asked for it", "--yes", "--early",
                                   "--json", **how))
    assert answer["person"].startswith("erased-") and answer["rows"] > 0, answer
    return answer


def erase_killed(daemon):
    """The same of the customer, and the daemon is killed as soon as the act is durable: the next start does it."""
    asked = subprocess.Popen([os.path.join(os.environ.get("KEFU_BUILD", "build"), "kefuctl"), "person", "erase", "customer",
                              CUSTOMER, "--by", "li", "--yes", "--state", daemon.state], stdout=subprocess.PIPE)
    at = os.path.getsize(daemon.log)
    end = time.monotonic() + 30
    while b"evt=start_anew" not in daemon.log_text(at):
        assert time.monotonic() < end, "it does not start anew"
        time.sleep(0.001)
    daemon.kill()
    daemon.start()
    out, _ = asked.communicate(timeout=60)
    want("exit status of an erasure over a kill", 0, asked.returncode)
    assert b"is now erased-" in out, out


def erase_hindered(daemon):
    """Damage hinders it: the daemon goes on and says why, and when it is mended a start does it; who reads the database for long
    meanwhile is waited for."""
    daemon.load([profile("cai", left_on="2026-02-01")])
    with sqlite3.connect(os.path.join(daemon.state, "kefu.db"), isolation_level=None, check_same_thread=False) as other:
        other.execute("UPDATE audit SET line = line || ' ' WHERE number = 1")
        daemon.ctl("person", "erase", "agent", "cai", "--by", "li", "--yes", status=1)
        assert "not done" in daemon.said and "start kefud anew" in daemon.said, daemon.said
        row = [x for x in daemon.json("person", "list")["persons"] if x["stage"] == "asked"]
        assert len(row) == 1 and "damaged" in row[0]["why"], row
        other.execute("UPDATE audit SET line = rtrim(line) WHERE number = 1")
        daemon.stop()
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM meta").fetchone()
        threading.Thread(target=lambda: wait_for("the start to wait", lambda: b"evt=database_in_use" in daemon.log_text()) or
                         other.execute("COMMIT")).start()
        daemon.start()
    wait_for("Redis to be cleaned", lambda: all(x["stage"] == "done" for x in daemon.json("person", "list")["persons"]))


def check_gone(folder, daemon, sock, names):
    for name, data in state_files(daemon).items():
        look(name, data, names)
    for key in redis(sock, "--scan").splitlines():
        look("a key of Redis", key, names)
        look(f"Redis {key}", redis(sock, "DUMP", key), names)
    look("files of Redis", redis_files(folder, sock), names)


def check_refusals(daemon):
    daemon.ctl("person", "erase", "agent", "bob", "--by", "li", "--yes", status=1)
    assert "employed" in daemon.said, daemon.said
    daemon.ctl("person", "erase", "agent", AGENT, "--by", "li", "--yes", status=1)
    assert "two years" in daemon.said, daemon.said
    daemon.ctl("person", "erase", "agent", AGENT, "--by", "li", "--reason", "x", "--early", status=1)
    assert "--yes" in daemon.said, daemon.said
    daemon.ctl("person", "erase", "agent", "nobody", "--by", "li", "--yes", status=1)
    daemon.ctl("person", "erase", "agent", AGENT, "--yes", status=2)
    with open(daemon.config, "r+") as f:  # which the start that does it would not take
        was = f.read()
        f.write("}")
        f.flush()
        daemon.ctl("person", "erase", "agent", AGENT, "--by", "li", "--reason", "x", "--early", "--yes", status=1)
        assert "mend this first" in daemon.said and daemon.config in daemon.said, daemon.said
        f.truncate(len(was.encode()))


def check_export(daemon):
    daemon.ctl("checkpoint")
    lines = [json.loads(x) for x in daemon.ctl("person", "export", "agent", AGENT).splitlines()]
    kinds = {x["what"] for x in lines}
    assert {"event", "sum", "closed_row", "refused"} <= kinds, kinds
    mine = [json.loads(x) for x in daemon.ctl("person", "export", "customer", CUSTOMER).splitlines()]
    events_of = [x["event"] for x in mine if x["what"] == "event"]
    assert {e.get("conversation") for e in events_of} == {CHAT}, events_of
    assert any(e["type"] == "order" for e in events_of)
    assert daemon.ctl("person", "export", "customer", "somebody else") == b""


def test(folder):
    if not shutil.which("redis-server"):
        print("redis-server is not installed")
        return 77
    server, sock = start_redis(folder)
    try:
        redis(sock, "XADD", "{kefu}:tiers", "1-1", "agent", AGENT, "from", "good")
        daemon = Kefud(folder, redis_address="unix:" + sock).start()
        told = events()
        put_everywhere(daemon, told)
        check_refusals(daemon)
        check_export(daemon)
        daemon.ctl("checkpoint")
        for name in CANARIES["agent"]:
            look("the database", b"".join(state_files(daemon).values()), [name], True)
        look("Redis", redis(sock, "--scan") + redis(sock, "DUMP", "{kefu}:tiers"), [AGENT], True)
        before, head = rows_of(daemon), daemon.json("month", "list")["head"]

        sums = sums_of(daemon, AGENT)
        person = erase(daemon, "agent", AGENT)
        want("sums", sums, sums_of(daemon, person["person"]))
        check_gone(folder, daemon, sock, CANARIES["agent"])
        look("the database", b"".join(state_files(daemon).values()), [CUSTOMER], True)
        erase_killed(daemon)
        check_gone(folder, daemon, sock, CANARIES["agent"] + CANARIES["customer"])
        want("figures", before, rows_of(daemon))
        daemon.ctl("month", "verify")
        daemon.ctl("audit", "verify")
        assert daemon.json("month", "list")["head"] != head  # the erasure is an entry
        shown = daemon.json("month", "show", "2026-01")
        assert person["person"] in [r.get("agent") for r in shown], shown

        answer = daemon.json("load", "-", stdin="".join(json.dumps(e) + "\n" for e in told).encode())
        want("sent again", (0, len(told)), (answer["accepted"], answer["duplicate"])) if "accepted" in answer else None
        daemon.load(chat("c9", int(time.time() * 1000) - 60_000, AGENT, 5000))  # the name comes, and stays out
        daemon.ctl("checkpoint")
        check_gone(folder, daemon, sock, CANARIES["agent"] + CANARIES["customer"])
        daemon.stop()
        n = len(daemon.ctl("audit", "list").splitlines())
        daemon.ctl("month", "slip", "2026-01")  # without a daemon the look is noted all the same
        daemon.ctl("person", "export", "agent", "bob")  # whose closed rows hold pay
        want("lines of the audit log", n + 2, len(daemon.ctl("audit", "list").splitlines()))
        daemon.ctl("audit", "verify")
        daemon.start()
        want("figures of January", before[0], rows_of(daemon)[0])
        check_gone(folder, daemon, sock, CANARIES["agent"] + CANARIES["customer"])
        erase_hindered(daemon)
        forge(daemon)
    finally:
        server.kill()
        server.wait()


def forge(daemon):
    """A closed row given to somebody else without an erasure is found."""
    daemon.stop()
    with sqlite3.connect(os.path.join(daemon.state, "kefu.db")) as db:
        db.execute("UPDATE booked SET identity = replace(identity, 'erased-', 'erased_') WHERE salt = '' AND identity <> ''")
    daemon.ctl("month", "verify", status=2)


if __name__ == "__main__":
    sys.exit(main(test))
