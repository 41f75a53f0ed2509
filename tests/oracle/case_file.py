"""Case files: {"name", "as_of", "rulebook", "by"?, "spec"?, "events", "rows"}.

Written one event and one row a line, so that a difference can be read.
"""
import json

import kefu_oracle

FIRST = ("id", "source", "ts", "type", "conversation")


def line(value):
    return json.dumps(value, ensure_ascii=False)


def event_line(event):
    ordered = {key: event[key] for key in FIRST if key in event}
    ordered.update(event)
    return line(ordered)


def rows_of(case):
    return kefu_oracle.report(case["events"], case["rulebook"], case["as_of"],
                              case.get("by", "month"))["rows"]


def write(path, case):
    head = ['"name": ' + line(case["name"])]
    if "spec" in case:
        head.append('\n"spec": ' + line(case["spec"]))
    head.append('\n"as_of": %d' % case["as_of"])
    if "by" in case:
        head.append('"by": ' + line(case["by"]))
    head.append('"rulebook": ' + line(case["rulebook"]))
    events = ",\n".join(event_line(e) for e in case["events"])
    rows = ",\n".join(line(row) for row in case["rows"])
    path.write_text("{%s,\n\"events\": [\n%s\n],\n\"rows\": [\n%s\n]}\n" % (
        ", ".join(head).replace(", \n", ",\n"), events, rows),
        encoding="utf-8")
