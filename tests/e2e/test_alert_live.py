#!/usr/bin/env python3
"""Alerts on open boards: pushed as they are raised, taken on and over, and as silences come and go; to each who looks the own
list, and nothing where nothing is new; on a stream of their own, and along with a team's or an agent's."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
from alert_house import answers, event, rulebook
from board import Daemon, Stream, check, run, schema_of, want

TMP = os.environ["TMPDIR"]
rulebook(TMP)
d = Daemon({"rulebooks_dir": TMP + "/rulebooks"})
INGEST = d.token("ingest")[0]
LEAD_A, LEAD_B = (d.token("lead", teams=team, login=f"lead.{team}")[0] for team in "AB")
AMY, ADMIN, PAYROLL = d.token("agent", subject="amy")[0], d.token("admin")[0], d.token("payroll")[0]


def waits(agent, team, name):
    d.post(INGEST, [event("agent.profile", agent=agent, team=team), event("conversation.assigned", conversation=name, agent=agent),
                    event("message", conversation=name, **{"from": "customer"})])


def next_list(stream, seconds=10):
    """The next list of alerts; rows of the board are passed over."""
    while True:
        number, name, data = stream.event(seconds)
        if name == "alerts":
            want("an id", 0, number)
            check(data, schema_of("/v1/alerts", "get", 200), "event alerts")
            return [(a["rule"], a["state"], a.get("agent"), a.get("muted")) for a in data["alerts"] if a["state"] != "pending"]


def until_list(stream, wanted, seconds=10):
    end = time.monotonic() + seconds
    while (found := next_list(stream, end - time.monotonic())) != wanted:
        pass
    return found


def to_each_the_own():
    waits("bob", "B", "c0")
    d.post(INGEST, [answers("bob", "c0")])
    streams = {who: Stream(d.port, path, token) for who, path, token in (
        ("lead A", "/v1/alerts/live", LEAD_A), ("lead B", "/v1/teams/B/live?alerts=1", LEAD_B),
        ("amy", "/v1/alerts/live", AMY), ("admin", "/v1/agents/bob/live?alerts=1", ADMIN))}
    for who, s in streams.items():
        want(f"the first list of {who}", [], next_list(s))
    asked = time.time()
    waits("amy", "A", "c1")
    for who in "lead A", "amy", "admin":
        want(f"raised, to {who}", [("wait", "firing", "amy", None)], until_list(streams[who], [("wait", "firing", "amy", None)]))
    late = time.time() - asked - 1
    assert late < 1.5, f"{late} s after the deadline"
    number = d.get("/v1/alerts", LEAD_A)["alerts"][0]["alert"]
    want("an ack", 200, d.ask(f"/v1/alerts/{number}/ack", "POST", LEAD_A)[0])
    for who in "lead A", "amy", "admin":
        until_list(streams[who], [("wait", "acknowledged", "amy", None)])
    d.ctl("alert", "silence", "wait", "--team", "A", "--minutes", "5", "--reason", "drill", "--by", "x")
    for who in "lead A", "amy", "admin":
        until_list(streams[who], [("wait", "acknowledged", "amy", "silenced")])
    d.post(INGEST, [answers("amy", "c1")])
    for who in "lead A", "amy", "admin":
        until_list(streams[who], [])
    while streams["lead B"]._more(0.2):
        pass
    assert b"event: alerts" not in streams["lead B"].bytes, "another team's alert made news"
    for s in streams.values():
        s.close()


def only_where_asked_for_and_allowed():
    plain = Stream(d.port, "/v1/teams/A/live", LEAD_A)
    want("the first event", "snapshot", plain.event()[1])
    assert plain.quiet(0.3), plain.bytes
    plain.close()
    want("alerts to payroll", 404, Stream(d.port, "/v1/alerts/live", PAYROLL).status)
    want("alerts to nobody", 401, Stream(d.port, "/v1/alerts/live").status)
    token, name = d.token("lead", teams="A")
    s = Stream(d.port, "/v1/alerts/live", token)
    next_list(s)
    d.ctl("token", "revoke", name)
    want("the end", ("bye", {"why": "session"}), s.event()[1:])


def stop():
    d.stop()


run([to_each_the_own, only_where_asked_for_and_allowed, stop])
