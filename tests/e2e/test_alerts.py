#!/usr/bin/env python3
# limit_s: 240
"""Alerts from events to robots with the real programs: who is told what, with which signature; acts by kefuctl; a robot that
answers every kind of error, drips and falls silent; and kills between sending and recording: nothing missed, at most one
duplicate a kill. KEFU_SOAK=1: 200 kills."""
import os
import re
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
import kefud_run
from alert_house import (DING_SECRET, WEBHOOK_SECRET, answers, ding_channel, event, hook_channel, kefud_with, rated, until,
                         waiting, waits, write)
from kefud_run import want
from robot_server import Robot, check_dingtalk, check_webhook, drip, silence, too_many

SOAK = bool(os.environ.get("KEFU_SOAK"))
KILLS = 200 if SOAK else 6


def alerts(k):
    return k.json("alert", "list")["alerts"]


def ids_of(hook):
    return [check_webhook(WEBHOOK_SECRET, g[2], g[4]) for g in hook.got]


def told_and_taken_on(k, ding, hook):
    k.load(waits("amy", "c1"))
    ding.wait_for(1)
    hook.wait_for(1)
    check_dingtalk(DING_SECRET, ding.got[0][1])
    check_webhook(WEBHOOK_SECRET, hook.got[0][2], hook.got[0][4])
    assert "【严重】等待 · AMY" in ding.texts()[0] and "触发:amy" in ding.texts()[0], ding.texts()
    assert "Raised: amy" in hook.texts()[0] and hook.got[0][3]["team"] == "AMY", hook.texts()
    rows = alerts(k)
    want("alerts on", [("wait", "firing", "amy")], [(a["rule"], a["state"], a["agent"]) for a in rows])
    k.ctl("alert", "ack", str(rows[0]["alert"]), "--by", "lead1")
    k.ctl("alert", "ack", "99999", "--by", "lead1", status=1)
    assert "no alert that is on" in k.said, k.said
    rows = alerts(k)
    want("taken on", ("acknowledged", "lead1"), (rows[0]["state"], rows[0]["acked_by"]))
    k.kill()
    k.start()
    rows = alerts(k)
    want("after a kill", ("acknowledged", "lead1"), (rows[0]["state"], rows[0]["acked_by"]))
    k.load([answers("amy", "c1")])


def silenced(k, ding):
    k.ctl("alert", "silence", "wait", "--agent", "bob", "--minutes", "5", "--by", "lead1", status=1)
    assert "reason" in k.said, k.said
    k.ctl("alert", "silence", "wait", "--agent", "bob", "--minutes", "5", "--reason", "drill", "--by", "lead1")
    k.load(waits("bob", "c2"))
    until("bob's alert", lambda: [a for a in alerts(k) if a.get("agent") == "bob" and a["state"] == "firing"])
    time.sleep(1)  # for what must not come: three times as long as a message gathers
    assert not [t for t in ding.texts() if "bob" in t], ding.texts()
    listed = k.json("alert", "list")
    want("muted", ["silenced"], [a.get("muted") for a in listed["alerts"] if a["agent"] == "bob"])
    k.ctl("alert", "unsilence", listed["silences"][0]["silence"], "--by", "lead1")
    until("bob's message", lambda: [t for t in ding.texts() if "触发:bob" in t])
    k.load([answers("bob", "c2")])


def resolved(ding):
    """Messages of one group keep five seconds between them; both came to their end meanwhile."""
    for agent in "amy", "bob":
        until(f"the end of {agent}'s", lambda: [t for t in ding.texts() if f"已解除:{agent}" in t])


def private(k, ding, hook):
    k.load([event("rating", conversation="c2", score=1, agent="bob")])
    until("the bad rating", lambda: [g for g in hook.got if g[3]["rule"] == "bad"])
    want("waiting for the group", 0, waiting(k, "group"))
    assert not [t for t in ding.texts() if "差评" in t], "a rating was told to a group"


def tested(k, ding):
    out = k.ctl("alert", "test", "group").decode()
    assert out.startswith("taken"), out
    ding.answers.append('{"errcode":310000,"errmsg":"sign not match"}')
    out = k.ctl("alert", "test", "group").decode()
    assert out.startswith("refused (code 310000)"), out
    k.ctl("alert", "test", "nobody", status=1)


def nothing_leaks(k, *robots):
    """Addresses and secrets in no log, message text nowhere."""
    log = k.log_text().decode()
    for secret in "TTT", "KKK", DING_SECRET, WEBHOOK_SECRET:
        assert secret not in log, secret
    for got in [g for r in robots for g in r.got]:
        assert "秘密" not in got[4].decode() and "secret words" not in got[4].decode()


def every_error(k, hook, bad):
    """The channel `bad` was answered 429, a drip, rubbish and 500 while all else went on: what the other webhook has heard
    is there in the end, in order."""
    until("the errors", lambda: not bad.answers, 90)
    until("nothing waiting", lambda: waiting(k, "bad") == 0 and waiting(k, "boss") == 0, 90)
    ids = ids_of(bad)
    order = [i for n, i in enumerate(ids) if i not in ids[:n]]
    want("order", sorted(order, key=lambda i: int(i.split("-")[1])), order)
    want("how many", len(set(ids_of(hook))), len(order))


def kills(k, hook):
    """kill -9 when the message has left: before its answer, or right behind it."""
    for i in range(KILLS):
        start, agent = len(hook.got), f"k{i}"

        def end(handler, late=i % 2):
            if late:
                handler.say(200, "")
            k.kill()

        hook.answers.append(end)
        k.load(rated(agent, agent))
        until("the message", lambda: not k.process)
        k.start()
        until("what was not recorded", lambda: waiting(k, "boss") == 0)
        ids = ids_of(hook)[start:]
        assert len(set(ids)) == 1 and len(ids) <= 2 and (i % 2 or len(ids) == 2), f"kill {i}: {ids}"


def metrics(k):
    port = re.findall(rb"evt=ready.*http=127.0.0.1:(\d+)", k.log_text())[-1].decode()
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return {name: int(value) for name, value in re.findall(r"^kefud_(\S+) (\d+)$", text, re.M)}


def counted(k):
    """What /metrics says of all this."""
    taken, raised = 'channel_messages_total{channel="boss"}', "alerts_raised_total"
    before = metrics(k)
    want("raised since the last kill", 0, before[raised])
    want("on", len([a for a in alerts(k) if a["state"] != "pending"]), before['alerts_on{severity="critical"}'])
    want("silences", 0, before["silences"])
    k.load(rated("zoe", "zoe"))
    until("the message", lambda: metrics(k)[taken] == before[taken] + 1)
    after = metrics(k)
    want("after one more", (1, 0, before['alerts_on{severity="critical"}'] + 1),
         (after[raised], after['channel_waiting{channel="boss"}'], after['alerts_on{severity="critical"}']))


def check_files(k, folder):
    """kefud -t says file, line and field."""
    write(folder, "bad.json", '{"channels": [\n {"name": "x", "kind": "dingtalk", "hears": ["lead"],\n  "personal": true,'
                              ' "url_file": "group.url"}]}')
    write(folder, "bad-kefud.json", {**k.settings, "channels_file": "bad.json"})
    out = subprocess.run([f"{kefud_run.BUILD}/kefud", "-t", "-c", f"{folder}/bad-kefud.json"], capture_output=True,
                         text=True)
    assert out.returncode == 78 and "bad.json:3 channels[0].personal" in out.stdout, out.stdout


def test(folder):
    ding, hook, bad = Robot(), Robot(), Robot()
    channels = [ding_channel(folder, ding), hook_channel(folder, hook), hook_channel(folder, bad, "bad")]
    bad.answers[:] = [too_many, "rubbish", drip, lambda h: h.say(500, "x")] + ([silence] if SOAK else [])
    k = kefud_with(folder, channels).start()
    told_and_taken_on(k, ding, hook)
    silenced(k, ding)
    private(k, ding, hook)
    tested(k, ding)
    resolved(ding)
    every_error(k, hook, bad)
    kills(k, hook)
    counted(k)
    nothing_leaks(k, ding, hook, bad)
    check_files(k, folder)
    k.stop()


sys.exit(kefud_run.main(test))
