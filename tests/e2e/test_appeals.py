#!/usr/bin/env python3
"""Appeals from end to end: opened, accepted, rejected, undone, counted; each an event with its actor; refused at the doors for
events; and in a closed month an adjustment.
"""
import json
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kefud_run import Kefud, main, want
from test_month_export import JAN, chat, profile


def figures(daemon, agent):
    rows = daemon.json("report")["rows"]
    return next(r for r in rows if r["agent"] == agent)


def opened(daemon, about, message, conversation="c1", status=0):
    daemon.ctl("appeal", "open", "amy", "--conversation", conversation, "--about", about, "--message", message, "--source",
               "default", "--reason", "the lines were down", "--by", "amy", status=status)
    return [] if status else daemon.json("appeal", "list")["appeals"]


def refused_at_the_doors(daemon):
    act = {"id": "x1", "ts": JAN, "type": "turn.excused", "conversation": "c1", "message": "c1q", "reason": "r", "actor": "a"}
    closing = {"id": "x2", "ts": JAN, "type": "month.closed", "month": "2026-01", "actor": "a"}
    lines = "".join(json.dumps(e) + "\n" for e in (act, closing)).encode()
    daemon.ctl("load", "-", stdin=lines, status=2)
    assert "which a person does with kefuctl" in daemon.said, daemon.said


def decided_by_two_at_once(daemon):
    """Both are read by the daemon before either is on disk: one decides, the other hears that it came too late."""
    appeal = next(a["id"] for a in opened(daemon, "rating", "rate") if a["state"] == "open")
    leads = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    for reason, lead in enumerate(leads):
        lead.connect(os.path.join(daemon.state, "control.sock"))
        event = {"type": "appeal.decided", "agent": "amy", "appeal": appeal, "decision": "rejected", "reason": f"{reason}",
                 "actor": "lead"}
        lead.sendall(json.dumps({"do": "act", "event": event}).encode() + b"\n")
    answers = [json.loads(lead.makefile().readline()) for lead in leads]
    want("of two decisions", 1, sum(a.get("done") is True for a in answers))
    acts = [json.loads(l) for l in daemon.ctl("journal", "export").splitlines()]
    want("decisions of it", 1, sum(a["type"] == "appeal.decided" and a["appeal"] == appeal for a in acts))
    return acts


def test(folder):
    daemon = Kefud(folder).start()
    daemon.load([profile("amy")] + chat("c1", JAN, "amy", 90_000) + chat("c2", JAN + 600_000, "amy", 5000))
    daemon.load([{"id": "rate", "ts": JAN + 100_000, "type": "rating", "conversation": "c1", "score": 1}])
    refused_at_the_doors(daemon)
    want("before", (2, 1, 1), tuple(figures(daemon, "amy")[k] for k in ("answered", "within", "rating_n")))

    opened(daemon, "turn", "nothing", status=1)
    assert "there is no event" in daemon.said, daemon.said
    opened(daemon, "turn", "c1q", "c2", status=1)  # of another conversation
    assert "no message" in daemon.said, daemon.said
    opened(daemon, "rating", "c1q", status=1)
    assert "no rating" in daemon.said, daemon.said
    appeals = opened(daemon, "turn", "c1q")
    want("open", ["open"], [a["state"] for a in appeals])
    daemon.ctl("appeal", "accept", "amy", appeals[0]["id"], "--by", "lead", status=1)
    assert "reason" in daemon.said, daemon.said
    answer = daemon.json("appeal", "accept", "amy", appeals[0]["id"], "--by", "lead", "--reason", "they were")
    want("one event decides, one excuses", 2, len(answer["ids"]))
    want("excused", (1, 1), tuple(figures(daemon, "amy")[k] for k in ("answered", "within")))
    daemon.ctl("appeal", "reject", "amy", appeals[0]["id"], "--by", "lead", "--reason", "no", status=1)

    appeals = opened(daemon, "rating", "rate")
    ours = next(a for a in appeals if a["state"] == "open")
    daemon.ctl("appeal", "reject", "amy", ours["id"], "--by", "lead", "--reason", "a fair word")
    want("rejected", 1, figures(daemon, "amy")["rating_n"])
    want("counts", [{"agent": "amy", "opened": 2, "accepted": 1, "rejected": 1}], daemon.json("appeal", "list")["counts"])

    daemon.ctl("month", "close", "2026-01", "--by", "li")
    daemon.stop()
    daemon.start()  # decisions outlive a restart
    want("after a restart", (1, 1), tuple(figures(daemon, "amy")[k] for k in ("answered", "within")))
    undo = ("--source", "kefud", "--by", "boss", "--reason", "not true")
    daemon.ctl("appeal", "undo", "c1", answer["ids"][0], *undo, status=1)  # that it was decided; the excuse is what counts
    assert "no decision" in daemon.said, daemon.said
    undone = daemon.json("appeal", "undo", "c1", answer["ids"][1], *undo)
    daemon.ctl("appeal", "undo", "c1", undone["ids"][0], *undo, status=1)  # to be excused again it is excused again
    want("undone", (2, 1), tuple(figures(daemon, "amy")[k] for k in ("answered", "within")))
    found = daemon.json("month", "adjustments", "2026-01")["adjustments"]
    want("an adjustment", [("amy", [["conversation", "c1"]])], [(a["agent"], a["evidence"]) for a in found])
    again = opened(daemon, "turn", "c1q")[-1]["id"]
    said = daemon.ctl("appeal", "accept", "amy", again, "--by", "lead", "--reason", "after all")
    want("excused again", (1, 1), tuple(figures(daemon, "amy")[k] for k in ("answered", "within")))
    daemon.ctl("appeal", "undo", "c1", said.split()[-1], *undo)  # the id that accept prints
    want("undone again", (2, 1), tuple(figures(daemon, "amy")[k] for k in ("answered", "within")))
    daemon.ctl("appeal", "exempt", "amy", "--from", "2026-02-02", "--to", "2026-02-01", "--why", "leave", "--by", "li", status=1)
    daemon.ctl("appeal", "exempt", "amy", "--from", "2026-02-01", "--to", "2026-02-03", "--why", "leave", "--by", "li")
    want("exempt days", 3, daemon.json("month", "review", "2026-02")["rows"][0]["exempt_days"])
    acts = decided_by_two_at_once(daemon)
    actors = {a["type"]: a["actor"] for a in acts if a["source"] == "kefud"}
    want("who did what", {"appeal.opened": "amy", "appeal.decided": "lead", "turn.excused": "lead", "month.closed": "li",
                          "decision.undone": "boss", "agent.exempt": "li"}, actors)
    daemon.stop()
    export = os.path.join(folder, "export")
    with open(export, "wb") as f:
        f.write("".join(json.dumps(a) + "\n" for a in acts).encode())
    rows = json.loads(daemon.ctl("compute", export))["rows"]
    want("compute on the export", (2, 1), tuple(next(r for r in rows if r["agent"] == "amy")[k] for k in ("answered", "within")))


if __name__ == "__main__":
    sys.exit(main(test))
