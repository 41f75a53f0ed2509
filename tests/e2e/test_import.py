#!/usr/bin/env python3
"""kefuctl import with the mappings of docs/examples: GBK and UTF-8, chat logs as 千牛 exporters write them, orders, ratings,
several nicknames of one person; a dry run; the same file again changes nothing; and PwC's call-centre table (made again from
../shared, where that is there) gives the very rows that are expected."""
import csv
import datetime
import json
import os
import signal
import subprocess
import sys
import time

BUILD, TMP = os.environ["KEFU_BUILD"], os.environ["TMPDIR"]
HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "docs", "examples")
SHARED = os.path.join(HERE, "..", "..", "..", "shared", "data", "pwc_callcenter.ndjson")
CONFIG, LOG = os.path.join(TMP, "kefud.json"), os.path.join(TMP, "kefud.log")
SECRET_WORDS = "我的手机号在这里"


def write(name, text, encoding="utf-8"):
    path = os.path.join(TMP, name)
    with open(path, "wb") as f:
        f.write(text.encode(encoding))
    return path


def ctl(*args, status=0):
    out = subprocess.run([os.path.join(BUILD, "kefuctl"), *args], capture_output=True, text=True)
    assert out.returncode == status, (args, out)
    return out.stdout, out.stderr


def imported(mapping, *args, status=0):
    return ctl("import", "--map", os.path.join(EXAMPLES, mapping), *args, status=status)


def events(mapping, *args, status=0):
    out, err = imported(mapping, "--out", "-", *args, status=status)
    return [json.loads(line) for line in out.splitlines()], err


CHATS = f"""客户ID,聊天记录
买家甲,"2026-03-02 10:00:00 买家甲：在吗
2026-03-02 10:00:20 店铺:小雅：在的亲
请说
2026-03-02 10:01:00 买家甲：{SECRET_WORDS}"
买家乙,"买家乙 2026-03-02 11:00:00
什么时候发货
店铺:阿强(2026-03-02 11:00:30):
今天"
"""
AGENTS = write("agents.json", json.dumps([{"agent": "yaya", "accounts": ["tb:店铺:小雅", "tb:店铺:小雅2", "rate:小雅"]}]))


def chats_in_any_encoding():
    want = [("买家甲", "customer", None, "在吗"), ("买家甲", "agent", "yaya", "在的亲\n请说"),
            ("买家甲", "customer", None, SECRET_WORDS), ("买家乙", "customer", None, "什么时候发货"),
            ("买家乙", "agent", "tb:店铺:阿强", "今天")]
    for encoding in ("utf-8", "utf-8-sig", "gbk"):
        found, err = events("qianniu-chat.json", "--agents", AGENTS, write("chats.csv", CHATS, encoding))
        assert [(e["customer"][3:], e["from"], e.get("agent"), e["text"]) for e in found] == want, (encoding, found)
        assert "tb:店铺:阿强" in err and "小雅" not in err, err
    assert len({e["conversation"] for e in found}) == 2
    assert "买家" not in json.dumps([[e["id"], e["conversation"]] for e in found], ensure_ascii=False)
    assert found[0]["ts"] == 1772416800000, found[0]


def orders_and_ratings():
    found, _ = events("orders.json", write("orders.csv", "订单编号,客服,类型,状态,实付金额,支付时间,退款时间\n"
                                           "1,小雅,推荐,已付款,\"1,234.50\",2026/3/2 9:00,-\n"
                                           "2,小雅,主商品,已退款,¥99,2026/3/2 9:01,2026年3月3日 10:00\n合计,合计,,,,,\n"))
    assert [(e["order"], e["kind"], e["amount_fen"], e["state"]) for e in found] == [
        ("orders:1", "cross", 123450, "paid"), ("orders:2", "main", 9900, "refunded")], found
    assert found[1]["ts"] == 1772503200000
    found, err = events("ratings.json", "--agents", AGENTS, write("ratings.csv", "会话编号\t旺旺昵称\t评价时间\t评价\n"
                                                                  "7\t小雅\t2026-03-02 09:00\t非常满意\n"
                                                                  "8\t小雅\t2026-03-02 09:01\t-\n"
                                                                  "9\t小雅\t2026-03-02 09:02\t99.71%\n"
                                                                  "10\t小雅\t2026-03-02 09:03\t很好\n"), status=2)
    assert [(e["score"], e.get("scale"), e["agent"]) for e in found] == [(5.0, None, "yaya"), (99.71, 100, "yaya")], found
    assert "ratings.csv:5: 评价: expected" in err and "rating: nothing stands for score" in err, err


def what_is_no_table_is_told():
    assert "x.csv, first row: there is no column \"聊天记录\"; it has: a, b" in imported("qianniu-chat.json", "--dry-run", write("x.csv", "a,b\n1,2\n"), status=1)[1]
    assert "never closed" in imported("qianniu-chat.json", "--dry-run", write("x.csv", "客户ID,聊天记录\na,\"b\n"), status=1)[1]
    assert "neither UTF-8 nor GBK" in imported("qianniu-chat.json", "--dry-run", write("x.csv", "a\xff\xff", "latin-1"), status=1)[1]
    wrong = write("m.json", '{"name": "x", "events": [\n {"type": "rating", "conversation": "a", "ts": "b", "scor": "c"}]}')
    assert "m.json:2 events[0].scor: rating has no such field; was score meant?" in ctl("import", "--dry-run", "--map", wrong, wrong, status=1)[1]


def twice_into_a_daemon():
    write("kefud.json", json.dumps({"state_dir": os.path.join(TMP, "state"), "http_listen": "", "redis_address": ""}))
    with open(LOG, "wb") as log:
        kefud = subprocess.Popen([os.path.join(BUILD, "kefud"), "-c", CONFIG], stderr=log)
    try:
        end = time.monotonic() + 30
        while b"evt=ready" not in open(LOG, "rb").read():
            assert time.monotonic() < end and kefud.poll() is None, open(LOG).read()
            time.sleep(0.02)
        chats = write("chats.csv", CHATS)
        assert "nothing was sent" in imported("qianniu-chat.json", "--dry-run", chats)[0]
        first, _ = imported("qianniu-chat.json", "-c", CONFIG, chats)
        assert "5 events: 5 new, 0 known already; 0 refused" in first, first
        before = ctl("report", "--json", "-c", CONFIG)[0]
        again, _ = imported("qianniu-chat.json", "-c", CONFIG, chats)
        assert "5 events: 0 new, 5 known already; 0 refused" in again, again
        assert json.loads(ctl("report", "--json", "-c", CONFIG)[0])["rows"] == json.loads(before)["rows"]
    finally:
        kefud.send_signal(signal.SIGTERM)
        kefud.wait(20)
    everything = open(LOG, "rb").read()
    for folder, _, names in os.walk(os.path.join(TMP, "state")):
        for name in names:
            everything += open(os.path.join(folder, name), "rb").read()
    for private in (SECRET_WORDS, "买家甲"):
        assert private.encode() not in everything, private


def pwc_as_a_table():
    calls, zone = {}, datetime.timezone(datetime.timedelta(hours=8))
    with open(SHARED, encoding="utf-8") as f:
        for line in f:
            e = json.loads(line)
            calls.setdefault(e["conversation"], []).append(e)

    def find(call, **wanted):
        return next((e for e in call if all(e.get(k) == v for k, v in wanted.items())), None)

    with open(os.path.join(TMP, "pwc.csv"), "w", encoding="utf-8-sig", newline="") as f:
        table = csv.writer(f)
        table.writerow(["Call Id", "Agent", "Date", "Time", "Topic", "Answered (Y/N)", "Resolved",
                        "Speed of answer in seconds", "AvgTalkDuration", "Satisfaction rating"])
        for name, call in calls.items():
            asked, answered = find(call, **{"from": "customer"}), find(call, **{"from": "agent"})
            ended, rated = find(call, type="conversation.resolved"), find(call, type="rating")
            at = datetime.datetime.fromtimestamp(asked["ts"] / 1000, zone)
            talk_s = ((ended["ts"] if ended else rated["ts"]) - answered["ts"]) // 1000 if answered else 0
            table.writerow([name, next(e["agent"] for e in call if "agent" in e), at.strftime("%Y-%m-%d"),
                            at.strftime("%H:%M:%S"), asked["text"], "Y" if answered else "N", "Y" if ended else "N",
                            (answered["ts"] - asked["ts"]) // 1000 if answered else "-",
                            f"{talk_s // 3600}:{talk_s // 60 % 60:02}:{talk_s % 60:02}" if answered else "-",
                            rated["score"] if rated else "-"])
    agents = {e["agent"] for call in calls.values() for e in call if "agent" in e}
    bound = write("pwc-agents.json", json.dumps([{"agent": a, "accounts": ["pwc:" + a]} for a in sorted(agents)]))
    out = os.path.join(TMP, "pwc.ndjson")
    imported("pwc-callcenter.json", "--agents", bound, "--out", out, os.path.join(TMP, "pwc.csv"))
    as_of = "2027-01-01T00:00:00Z"
    assert ctl("compute", "--as-of", as_of, out)[0] == ctl("compute", "--as-of", as_of, SHARED)[0]


chats_in_any_encoding()
orders_and_ratings()
what_is_no_table_is_told()
twice_into_a_daemon()
if os.path.exists(SHARED):
    pwc_as_a_table()
else:
    print("PwC's table is not there")
print("ok")
