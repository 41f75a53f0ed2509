#!/usr/bin/env python3
"""Channels change while kefud runs: a reload takes the list over whole or not at all; what waits goes to the channel that has
the name now, what waits for one that is gone is given up and logged; and a restart finds nothing of it again."""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(__file__))
import kefud_run
from alert_house import answers, ding_channel, hook_channel, kefud_with, rated, until, waiting, waits, write
from kefud_run import want
from robot_server import Robot, check_dingtalk

NOT_SIGNED = '{"errcode":310000,"errmsg":"sign not match"}'


def names(k):
    return [c["channel"] for c in k.json("alert", "list")["channels"]]


def logged(k, word):
    return until(word, lambda: [x for x in k.log_text().decode().splitlines() if word in x])[-1]


def refused(k, folder, channels, ding):
    """The list of before goes on, and the error names file, line and field; also if only a secret is not there."""
    write(folder, "channels.json", '{"channels": [\n  {"name": "group", "kind": "pager"}]}')
    k.ctl("reload", status=1)
    assert "channels.json:2 channels[0].kind" in k.said and "expected dingtalk" in k.said, k.said
    write(folder, "channels.json", {"channels": channels + [{**channels[0], "name": "more", "url_file": "nowhere.url"}]})
    k.ctl("reload", status=1)
    assert "nowhere.url" in k.said and "channels[2]" in k.said, k.said
    want("channels", ["group", "boss"], names(k))
    k.load(waits("amy", "c1"))
    ding.wait_for(1)
    k.load([answers("amy", "c1")])


def mended(k, folder, channels, ding):
    """What the vendor refused waits ten minutes, and goes at once when the secret was put right."""
    write(folder, "channels.json", {"channels": channels})
    n = len(ding.got)
    ding.answers.append(NOT_SIGNED)
    k.load(waits("bob", "c2"))
    ding.wait_for(n + 1)
    assert "code=310000" in logged(k, "channel_stuck")
    k.ctl("reload")
    want("after a reload that changed nothing", (n + 1, True), (len(ding.got), waiting(k, "group") > 0))
    write(folder, "group.secret", "another secret\n")
    k.ctl("reload")
    assert "channel=group change=changed" in logged(k, "evt=channel ")
    ding.wait_for(n + 2)
    check_dingtalk("another secret", ding.got[n + 1][1])
    until("nothing waits", lambda: waiting(k, "group") == 0)
    k.load([answers("bob", "c2")])


def moved(k, folder, channels, ding):
    """An address that never answered: what waits goes to the new one, with what is told from then on."""
    other = Robot()
    ding.server.shutdown()
    ding.server.server_close()
    k.load(waits("cat", "c3"))
    until("something waits", lambda: waiting(k, "group"))
    write(folder, "channels.json", {"channels": [ding_channel(folder, other), *channels[1:]]})
    k.process.send_signal(signal.SIGHUP)
    until("cat's message", lambda: [t for t in other.texts() if "触发:cat" in t])
    k.load([answers("cat", "c3")])


def removed_and_added(k, folder, ding, hook):
    """The webhook is taken off while something waits for it; another takes its place and hears from then on."""
    extra = Robot()
    hook.answers[:] = [lambda h: h.say(500, "")] * 3
    k.load(rated("dan", "c4"))
    until("something waits", lambda: waiting(k, "boss"))
    write(folder, "channels.json", {"channels": [hook_channel(folder, extra, "extra"), ding_channel(folder, ding)]})
    k.ctl("reload")
    assert "channel=boss change=removed dropped=1" in k.log_text().decode(), logged(k, "evt=channel ")
    want("channels", ["extra", "group"], names(k))
    k.ctl("alert", "test", "boss", status=1)
    assert k.ctl("alert", "test", "extra").decode().startswith("taken")
    n = len(extra.got)
    k.load(rated("eve", "c5"))
    extra.wait_for(n + 1)
    until("nothing is unsent", lambda: waiting(k, "extra") == 0)
    heard = len(hook.got)
    k.stop()
    k.start()
    assert "notice_dropped" not in k.log_text().decode(), "what was given up came again"
    want("channels after a restart", ["extra", "group"], names(k))
    want("heard by the one that is gone", heard, len(hook.got))


def none_at_all(k, folder):
    write(folder, "channels.json", {"channels": []})
    k.ctl("reload")
    want("channels", [], names(k))
    k.load(rated("fay", "c6"))
    until("fay's alert", lambda: [a for a in k.json("alert", "list")["alerts"] if a.get("agent") == "fay"])


def test(folder):
    ding, hook = Robot(), Robot()
    channels = [ding_channel(folder, ding), hook_channel(folder, hook)]
    k = kefud_with(folder, channels).start()
    refused(k, folder, channels, ding)
    mended(k, folder, channels, ding)
    moved(k, folder, channels, ding)
    removed_and_added(k, folder, Robot(), hook)
    none_at_all(k, folder)
    k.stop()


sys.exit(kefud_run.main(test))
