#!/usr/bin/env python3
"""An independent reference of the figures: slow, plain, exact.

    kefu_oracle.py [--rulebook FILE] [--as-of TS] [--by day|month] EVENTS.ndjson...

Prints the same JSON object as `kefuctl compute`.  It recomputes everything
from the set of events for the given as_of; it shares no code with the daemon,
so that an error must be made twice to stay unseen.  Bad lines and conflicts go
to standard error and make the exit status 2.
"""
import argparse
import json
import sys

import oracle_events
import oracle_report
import oracle_rulebook


def report_of(accepted, overrides=None, as_of=None, by="month", shops=False):
    """The report object over accepted events (an oracle_events.Set)."""
    book = oracle_rulebook.Rulebook(overrides)
    events = list(accepted.events.values())
    if as_of is None:
        as_of = max((e["ts"] for e in events), default=0)
    elif isinstance(as_of, str):
        as_of = oracle_events.a_time(as_of)
    return {"rulebook": book.name, "as_of": as_of,
            "rows": oracle_report.rows(book, events, as_of, by, shops)}


def report(events, rulebook=None, as_of=None, by="month"):
    """The report object over events as read from JSON; bad ones raise."""
    accepted = oracle_events.Set()
    for event in events:
        accepted.add_object(event)
    return report_of(accepted, rulebook, as_of, by)


def load(accepted, name, stream):
    """Adds the lines of a stream; returns how many were refused."""
    refused = 0
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            accepted.add_line(line)
        except oracle_events.Bad as why:
            print("%s:%d: %s" % (name, number, why), file=sys.stderr)
            refused += 1
    return refused


def as_time(text):
    try:
        return oracle_events.a_time(int(text) if text.lstrip("-").isdigit()
                                    else text)
    except oracle_events.Bad as why:
        raise argparse.ArgumentTypeError(str(why)) from None


def print_report(result):
    rows = ",\n".join(json.dumps(row, ensure_ascii=False,
                                 separators=(",", ":"))
                      for row in result["rows"])
    print('{"rulebook":%s,"as_of":%d,"rows":[\n%s\n]}' % (
        json.dumps(result["rulebook"], ensure_ascii=False), result["as_of"],
        rows))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rulebook")
    parser.add_argument("--as-of", type=as_time)
    parser.add_argument("--by", choices=("day", "month"), default="month")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    overrides = (oracle_rulebook.read_rulebook(args.rulebook)
                 if args.rulebook else None)
    accepted, refused = oracle_events.Set(), 0
    for name in args.files:
        if name == "-":
            refused += load(accepted, "-", sys.stdin.buffer)
            continue
        with open(name, "rb") as stream:
            refused += load(accepted, name, stream)
    print_report(report_of(accepted, overrides, args.as_of, args.by))
    return 2 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
