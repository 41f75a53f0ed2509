#!/usr/bin/env python3
"""Under one name a rulebook never changes, and a new one holds from a month that has not begun: a start and a reload that
find otherwise are refused, with what to do; a rulebook that has not begun may be taken away, but its name stays taken.
"""
import json
import os
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kefud_run import Kefud, main


def write(folder, name, **fields):
    with open(os.path.join(folder, "rules", name + ".json"), "w") as f:
        json.dump({"name": name, **fields}, f)


def refused(daemon, *pieces):
    daemon.start(expect=78)
    said = daemon.log_text().decode().splitlines()[-1]
    for piece in pieces:
        assert piece in said, f"expected {piece!r} in: {said}"


def collectors(folder, *names):
    with open(os.path.join(folder, "collectors.json"), "w") as f:
        json.dump([{"name": n, "platform": "chatwoot", "secret_file": "secret", "signed": False} for n in names], f)


def deliver(daemon, name):
    """What a delivery to this collector is answered with."""
    http = daemon.json("status")["http"]
    body = json.dumps({"event": "conversation_typing_on"}).encode()
    url = f"http://{http['address']}:{http['port']}/v1/hooks/{name}?key=s3cret"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as e:
        return e.code


def test(folder):
    os.mkdir(os.path.join(folder, "rules"))
    daemon = Kefud(folder, rulebooks_dir=os.path.join(folder, "rules"), collectors_file="collectors.json")
    collectors(folder, "cw1")
    with open(os.path.join(folder, "secret"), "w") as f:
        f.write("s3cret\n")
    write(folder, "first", effective_from="2020-01")
    daemon.start()  # an empty store takes any
    daemon.load([{"id": "1", "ts": 1600000000000, "type": "message", "conversation": "c", "from": "customer"}])
    daemon.stop()

    # whom alerts wake is no figure, and may change at any time
    write(folder, "first", effective_from="2020-01", alerts=[])
    daemon.start()
    write(folder, "first", effective_from="2020-01")
    daemon.ctl("reload")
    assert b"name=first adopted=1" in daemon.log_text(), "a reload takes other alerts over"
    daemon.stop()
    write(folder, "first", effective_from="2020-01", response_target_ms=31000)
    refused(daemon, '"first"', "under one name a rulebook never changes")
    write(folder, "first", effective_from="2020-01")
    write(folder, "second", effective_from="2020-02")
    refused(daemon, '"second"', "is new and holds from a month that has begun")
    os.remove(os.path.join(folder, "rules", "second.json"))
    os.remove(os.path.join(folder, "rules", "first.json"))
    refused(daemon, '"first"', "put its file")

    write(folder, "first", effective_from="2020-01")
    write(folder, "later", effective_from="2098-01")
    daemon.start()
    daemon.stop()
    os.remove(os.path.join(folder, "rules", "later.json"))
    daemon.start()  # it had not begun
    write(folder, "later", effective_from="2098-02")
    collectors(folder, "cw2")
    for _ in range(3):
        daemon.ctl("reload", status=1)
        assert "under one name a rulebook never changes" in daemon.said, daemon.said
        answers = deliver(daemon, "cw1"), deliver(daemon, "cw2")
        assert answers == (200, 404), f"of a reload that was refused nothing is taken over, but hooks answer {answers}"
    os.remove(os.path.join(folder, "rules", "later.json"))
    write(folder, "last", effective_from="2098-03")
    daemon.ctl("reload")
    daemon.stop()
    write(folder, "last", effective_from="2098-03", response_target_ms=1)
    refused(daemon, '"last"', "under one name a rulebook never changes")


if __name__ == "__main__":
    sys.exit(main(test))
