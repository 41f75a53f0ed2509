#!/usr/bin/env python3
# limit_s: 240
"""Alerts from events to robots with the real programs: who is told what, with which signature; acts by kefuctl; a robot that
answers every kind of error, drips and falls silent; and kills between sending and recording: nothing missed, at most one
duplicate a kill. KEFU_SOAK=1: 200 kills."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import kefud_run
from kefud_run import Kefud, want
from robot_server import Robot, check_dingtalk, check_webhook, drip, silence, too_many

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SOAK = bool(os.environ.get("KEFU_SOAK"))
KILLS = 200 if SOAK else 6
next_id = 0


def now():
    return int(time.time() * 1000)


def event(kind, ts=None, **fields):
    global next_id
    next_id += 1
    return {"id": f"e{next_id}", "source": "test", "ts": ts or now(), "type": kind, **fields}


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as f:
        f.write(text if isinstance(text, str) else json.dumps(text))


def rulebook(folder):
    """Waits of a second, so that the test need not last; ratings critical, whose messages follow each other fast."""
    label = {"zh": "等待", "en": "Waiting"}
    os.makedirs(os.path.join(folder, "rulebooks"), exist_ok=True)
    write(folder, "rulebooks/fast.json", {
        "name": "fast", "effective_from": "2026-01", "alerts": [
            {"name": "wait", "label": label, "when": "wait", "scope": "agent", "severity": "critical", "raise": 1,
             "keep_firing_s": 1, "hears": ["agent", "lead"]},
            {"name": "bad", "label": {"zh": "差评", "en": "Bad"}, "when": "rating", "scope": "agent", "severity": "critical",
             "raise": 2, "hears": ["lead"]}]})


def kefud_with(folder, ding, hook):
    rulebook(folder)
    write(folder, "ding.url", f"http://{ding.host}/robot/send?access_token=TTT\n")
    write(folder, "ding.secret", "this is secret\n")
    write(folder, "hook.url", f"http://{hook.host}/in?key=KKK\n")
    write(folder, "hook.secret", WEBHOOK_SECRET + "\n")
    write(folder, "channels.json", {"channels": [
        {"name": "group", "kind": "dingtalk", "hears": ["lead"], "url_file": "ding.url", "secret_file": "ding.secret",
         "hosts": [ding.host], "allow_private": True},
        {"name": "boss", "kind": "webhook", "hears": ["lead"], "personal": True, "lang": "en", "url_file": "hook.url",
         "secret_file": "hook.secret", "hosts": [hook.host], "allow_private": True}]})
    return Kefud(folder, channels_file="channels.json", rulebooks_dir="rulebooks")


def conversation(agent, name):
    return [event("agent.profile", agent=agent, team="A"), event("conversation.assigned", conversation=name, agent=agent),
            event("message", conversation=name, **{"from": "customer"}, text="秘密 secret words")]


def told_and_taken_on(k, ding, hook):
    k.load(conversation("amy", "c1"))
    ding.wait_for(1)
    hook.wait_for(1)
    check_dingtalk("this is secret", ding.got[0][1])
    check_webhook(WEBHOOK_SECRET, hook.got[0][2], hook.got[0][4])
    assert "【严重】等待 · A" in ding.texts()[0] and "触发:amy" in ding.texts()[0], ding.texts()
    assert "Raised: amy" in hook.texts()[0] and hook.got[0][3]["team"] == "A", hook.texts()
    rows = k.json("alert", "list")["alerts"]
    want("alerts on", [("wait", "firing", "amy")], [(a["rule"], a["state"], a["agent"]) for a in rows])
    k.ctl("alert", "ack", str(rows[0]["alert"]), "--actor", "lead1")
    k.ctl("alert", "ack", "99999", "--actor", "lead1", status=1)
    assert "no alert that is on" in k.said, k.said
    rows = k.json("alert", "list")["alerts"]
    want("taken on", ("acknowledged", "lead1"), (rows[0]["state"], rows[0]["acked_by"]))
    k.kill()
    k.start()
    rows = k.json("alert", "list")["alerts"]
    want("after a kill", ("acknowledged", "lead1"), (rows[0]["state"], rows[0]["acked_by"]))
    k.load([event("message", conversation="c1", **{"from": "agent"}, agent="amy")])
    ding.wait_for(2)
    assert "已解除:amy" in ding.texts()[1], ding.texts()


def silenced(k, ding):
    n = len(ding.got)
    k.ctl("alert", "silence", "wait", "--minutes", "5", "--actor", "lead1", status=1)
    assert "reason" in k.said, k.said
    k.ctl("alert", "silence", "wait", "--minutes", "5", "--reason", "drill", "--actor", "lead1")
    k.load(conversation("bob", "c2"))
    time.sleep(4)
    want("messages under a silence", n, len(ding.got))
    listed = k.json("alert", "list")
    want("muted", ["silenced"], [a.get("muted") for a in listed["alerts"]])
    k.ctl("alert", "unsilence", listed["silences"][0]["silence"], "--actor", "lead1")
    ding.wait_for(n + 1)
    k.load([event("message", conversation="c2", **{"from": "agent"}, agent="bob")])
    ding.wait_for(n + 2)


def private(k, ding, hook):
    n, m = len(ding.got), len(hook.got)
    k.load([event("rating", conversation="c2", score=1, agent="bob")])
    hook.wait_for(m + 1)
    assert hook.got[-1][3]["rule"] == "bad"
    time.sleep(1)
    want("messages of the group", n, len(ding.got))


def tested(k, ding):
    out = k.ctl("alert", "test", "group").decode()
    assert out.startswith("taken"), out
    ding.answers.append('{"errcode":310000,"errmsg":"sign not match"}')
    out = k.ctl("alert", "test", "group").decode()
    assert out.startswith("refused (code 310000)"), out
    k.ctl("alert", "test", "nobody", status=1)


def nothing_leaks(k, ding, hook):
    """Addresses and secrets in no log, message text nowhere."""
    log = k.log_text().decode()
    for secret in "TTT", "KKK", "this is secret", WEBHOOK_SECRET:
        assert secret not in log, secret
    for got in ding.got + hook.got:
        assert "秘密" not in got[4].decode() and "secret words" not in got[4].decode()


def every_error(k, hook):
    """429, silence, drips, rubbish: all is there in the end, in order."""
    start = len(hook.got)
    hook.answers[:] = [too_many, drip, lambda h: h.say(500, "x")] + ([silence] if SOAK else [])
    for i in range(3):
        k.load([event("agent.profile", agent=f"x{i}", team=f"X{i}"), *conversation_answered(f"x{i}", f"x{i}")])
        time.sleep(1.5)
    ids = wait_for_ids(hook, start, 3, 90)
    order = [i for n, i in enumerate(ids) if i not in ids[:n]]
    want("order", sorted(order, key=lambda i: int(i.split("-")[1])), order)
    want("taken", 3, len(order))


def conversation_answered(agent, name):
    t = now() - 60000
    return [event("conversation.assigned", t, conversation=name, agent=agent),
            event("message", t + 1000, conversation=name, **{"from": "customer"}),
            event("message", t + 2000, conversation=name, **{"from": "agent"}, agent=agent),
            event("rating", conversation=name, score=1, agent=agent)]


def wait_for_ids(hook, start, n, limit_s):
    end = time.monotonic() + limit_s
    while True:
        ids = [check_webhook(WEBHOOK_SECRET, g[2], g[4]) for g in hook.got[start:]]
        if len(set(ids)) >= n and not hook.answers:
            return ids
        assert time.monotonic() < end, f"{len(set(ids))} of {n} messages came"
        time.sleep(0.05)


def kills(k, hook):
    """kill -9 when the message has left: before its answer, or right behind it."""
    for i in range(KILLS):
        start, agent = len(hook.got), f"k{i}"

        def end(handler, late=i % 2):
            if late:
                handler.say(200, "")
            k.kill()

        hook.answers.append(end)
        k.load([event("agent.profile", agent=agent, team=f"K{i}"), *conversation_answered(agent, agent)])
        limit = time.monotonic() + 30
        while k.process:
            assert time.monotonic() < limit, "the message did not come"
            time.sleep(0.005)
        k.start()
        time.sleep(1.2 if i % 2 else 0)
        ids = wait_for_ids(hook, start, 1, 30)
        if not i % 2:
            hook.wait_for(start + 2)
            ids = [check_webhook(WEBHOOK_SECRET, g[2], g[4]) for g in hook.got[start:]]
        assert len(set(ids)) == 1 and len(ids) <= 2, f"kill {i}: {ids}"


def check_files(k, folder):
    """kefud -t says file, line and field."""
    import subprocess
    write(folder, "bad.json", '{"channels": [\n {"name": "x", "kind": "dingtalk", "hears": ["lead"],\n  "personal": true,'
                              ' "url_file": "ding.url"}]}')
    write(folder, "bad-kefud.json", {**k.settings, "channels_file": "bad.json"})
    out = subprocess.run([f"{kefud_run.BUILD}/kefud", "-t", "-c", f"{folder}/bad-kefud.json"], capture_output=True,
                         text=True)
    assert out.returncode == 78 and "bad.json:3 channels[0].personal" in out.stdout, out.stdout


def test(folder):
    ding, hook = Robot(), Robot()
    k = kefud_with(folder, ding, hook).start()
    told_and_taken_on(k, ding, hook)
    silenced(k, ding)
    private(k, ding, hook)
    tested(k, ding)
    every_error(k, hook)
    kills(k, hook)
    nothing_leaks(k, ding, hook)
    check_files(k, folder)
    k.stop()


sys.exit(kefud_run.main(test))
