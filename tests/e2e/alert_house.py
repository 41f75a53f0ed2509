"""For tests of alerts: a kefud with robots, rules that fire within a second, events stamped now."""
import json
import os
import time

from kefud_run import Kefud

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DING_SECRET = "this is secret"
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


def ding_channel(folder, robot, name="group"):
    """A DingTalk robot that hears as lead; its files are written."""
    write(folder, f"{name}.url", f"http://{robot.host}/robot/send?access_token=TTT\n")
    write(folder, f"{name}.secret", DING_SECRET + "\n")
    return {"name": name, "kind": "dingtalk", "hears": ["lead"], "url_file": f"{name}.url", "secret_file": f"{name}.secret",
            "hosts": [robot.host], "allow_private": True}


def hook_channel(folder, robot, name="boss", **more):
    """A webhook of one person, in English."""
    write(folder, f"{name}.url", f"http://{robot.host}/in?key=KKK\n")
    write(folder, f"{name}.secret", WEBHOOK_SECRET + "\n")
    return {"name": name, "kind": "webhook", "hears": ["lead"], "personal": True, "lang": "en", "url_file": f"{name}.url",
            "secret_file": f"{name}.secret", "hosts": [robot.host], "allow_private": True, **more}


def kefud_with(folder, channels, **options):
    rulebook(folder)
    write(folder, "channels.json", {"channels": channels})
    return Kefud(folder, channels_file="channels.json", rulebooks_dir="rulebooks", **options)


def waits(agent, name):
    """A customer of the agent, who is of a team of that name, begins to wait now."""
    return [event("agent.profile", agent=agent, team=agent.upper()),
            event("conversation.assigned", conversation=name, agent=agent),
            event("message", conversation=name, **{"from": "customer"}, text="秘密 secret words")]


def answers(agent, name):
    return event("message", conversation=name, **{"from": "agent"}, agent=agent)


def rated(agent, name):
    """One star for an agent who is of a team of that name."""
    t = now() - 60000
    return [event("agent.profile", agent=agent, team=agent.upper()),
            event("conversation.assigned", t, conversation=name, agent=agent),
            event("message", t + 1000, conversation=name, **{"from": "customer"}),
            event("message", t + 2000, conversation=name, **{"from": "agent"}, agent=agent),
            event("rating", conversation=name, score=1, agent=agent)]


def until(what, truth, limit_s=30):
    end = time.monotonic() + limit_s
    while not (found := truth()):
        assert time.monotonic() < end, f"{what}: waited {limit_s} s in vain"
        time.sleep(0.05)
    return found


def waiting(k, channel):
    """Messages that wait for a channel; None: there is none of that name."""
    return {c["channel"]: c["waiting"] for c in k.json("alert", "list")["channels"]}.get(channel)


if __name__ == "__main__":
    raise SystemExit("a module of tests, not a test")
