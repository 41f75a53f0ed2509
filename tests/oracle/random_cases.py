#!/usr/bin/env python3
"""Small nasty random histories with the rows the oracle gives for them.

    random_cases.py --seed N --count M --out DIR

Many ties, values exactly at a limit and one millisecond beside it, ids that
are prefixes of one another or not ASCII.  The same seed gives the same files.
Every event is one that the door accepts; identities are unique.
"""
import argparse
import datetime as dt
import random
from pathlib import Path

import case_file

HOUR, DAY = 3_600_000, 86_400_000
# UTF-8 order is neither the order of UTF-16 nor that of signed bytes.
AGENTS = ("a", "a1", "a10", "a2", "b2", "é", "客服", "\uff5e", "😀")
SOURCES = ("default", "s", "s1", "s10", "é", "\uff5e", "😀")
CUSTOMERS = ("u", "u1", "u1\uff5e")
SHOPS, TOPICS = ("p", "p1"), ("t", "t1")
ID_PARTS = ("a", "b", "1", "2", "z", "é", "商", "\uff5e", "😀")
TEXTS = ("在吗", "什么时候发货", "谢谢", "谢谢啦🌹", "谢谢?", "👍", "", " ", "OK",
         "Thank You!", "好的好的", "啊", "哦", "在的", "在的呢~", "没问题", "嗯嗯，收到", "hi")
ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Asia/Kathmandu")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# A month border, a leap-free February's end, a year's end, a quiet Tuesday.
BASES = ("2026-03-03T10:00:00", "2026-03-31T23:59:00", "2026-02-28T23:50:00",
         "2025-12-31T23:30:00", "2026-03-06T17:59:00", "2026-03-04T08:59:30")
METRICS = ("reply_within_rate", "first_reply_within_rate",
           "response_mean_seconds", "first_response_mean_seconds",
           "resolved_within_rate", "resolved_rate", "fcr_rate", "rating_mean",
           "rating_good_rate", "cross_sell_orders")


# ---------------------------------------------------------------- rulebooks

def some_hours(rng):
    kind = rng.choice((0, 0, 1, 2, 2, 3, 3, 4))
    if kind == 0:
        return {d: [["09:00", "18:00"]] for d in DAYS[:5]}
    if kind == 1:
        return {d: [["22:00", "02:00"]] for d in DAYS}
    if kind == 2:
        return {d: [["08:30", "12:00"], ["11:00", "18:00"], ["20:00", "20:00"]]
                for d in rng.sample(DAYS, 4)}
    if kind == 3:
        return {d: [["09:00", "12:00"], ["13:30", "00:00"]] for d in DAYS}
    return {}


def some_special(rng, base):
    day = dt.datetime.fromtimestamp(base / 1000, dt.timezone.utc).date()
    out = {}
    for _ in range(rng.randint(1, 3)):
        date = day + dt.timedelta(days=rng.randint(-1, 3))
        out[date.isoformat()] = rng.choice(
            ([], [["10:00", "16:00"]], [["23:00", "01:00"]],
             [["00:00", "00:00"]]))
    return out


def some_kpi(rng, number):
    metric = rng.choice(METRICS)
    top = 120 if metric.endswith("seconds") else 5 if metric in (
        "rating_mean", "cross_sell_orders") else 1
    kpi = {"name": "k%d" % number, "metric": metric,
           "weight": rng.choice((1, 3, 10, 33.3, 0.7))}
    if rng.random() < 0.4:
        kpi["min_samples"] = rng.randint(1, 3)
    if rng.random() < 0.5:
        ends = [round(rng.uniform(0, top), rng.randint(0, 6)),
                round(rng.uniform(0, top), rng.randint(1, 6))]
        if ends[0] == ends[1]:
            ends = [0, top]
        kpi["score"] = {"zero_at": ends[0], "full_at": ends[1]}
    else:
        xs = sorted({round(rng.uniform(0, top), rng.randint(1, 4))
                     for _ in range(rng.randint(2, 4))} | {top})
        kpi["score"] = {"points": [
            [x, round(rng.uniform(0, 100), rng.randint(0, 3))] for x in xs]}
    return kpi


def some_rulebook(rng, base):
    book = {}

    def maybe(chance, key, value):
        if rng.random() < chance:
            book[key] = value
    maybe(.3, "response_target_ms", rng.choice((1, 1000, 10_000, 60_000)))
    maybe(.3, "resolution_limit_ms", rng.choice((1000, 60_000, HOUR)))
    maybe(.3, "fcr_window_ms", rng.choice((1000, 60_000, HOUR)))
    maybe(.3, "abandon_after_ms", rng.choice((1000, 30_000, 60_000)))
    maybe(.3, "idle_after_ms", rng.choice((1000, 60_000, HOUR)))
    maybe(.35, "timeout_counts_as", "resolved_at_last_reply")
    maybe(.3, "timezone", rng.choice(ZONES))
    maybe(.25, "service_hours", some_hours(rng))
    maybe(.15, "special_days", some_special(rng, base))
    maybe(.25, "placeholder_phrases", rng.choice((["在的"], ["在的", "您好"])))
    maybe(.1, "closing_phrases", ["没问题", "Thank You", "好的"])
    maybe(.1, "closing_particles", ["哦", "呢"])
    maybe(.3, "cross_sell_min_fen", rng.choice((1, 100)))
    maybe(.6, "tier_min_handled", rng.randint(0, 2))
    maybe(.4, "kpis", [some_kpi(rng, i) for i in range(rng.randint(1, 5))])
    maybe(.2, "tiers", [{"name": "t%d" % m, "min": m} for m in (0, 33.3, 70)])
    return book


# ----------------------------------------------------------------- histories

class Story:
    """One case on its way: the events so far, the ids used, the clock."""

    def __init__(self, rng, seed, number):
        self.rng = rng
        zone = dt.timezone(dt.timedelta(hours=8))
        self.base = int(dt.datetime.fromisoformat(rng.choice(BASES)).replace(
            tzinfo=zone).timestamp()) * 1000
        self.book = some_rulebook(rng, self.base)
        self.name = "random-%d-%03d" % (seed, number)
        self.agents = rng.sample(AGENTS, rng.randint(1, 4))
        self.customers = rng.sample(CUSTOMERS, rng.randint(2, 3))
        self.sources = rng.sample(SOURCES, rng.randint(1, 3))
        self.taken, self.events = set(), []
        self.limits = [self.book.get(key, usual) for key, usual in (
            ("response_target_ms", 30_000), ("abandon_after_ms", 600_000),
            ("resolution_limit_ms", 600_000), ("idle_after_ms", DAY),
            ("fcr_window_ms", DAY))]

    def step_ms(self):
        rng = self.rng
        roll = rng.random()
        if roll < .35:
            return 0
        if roll < .70:
            limit = rng.choice(self.limits[:2] * 3 + self.limits)
            return max(0, limit + rng.choice((-1, 0, 0, 1)))
        if roll < .80:
            return self.limits[0] // 2
        return rng.choice((1, 999, 1000, 5000, 5000, 20_000, 20_000, 60_000,
                           60_000, HOUR, 9 * HOUR))

    def identity(self):
        while True:
            source = self.rng.choice(self.sources)
            made = "".join(self.rng.choice(ID_PARTS)
                           for _ in range(self.rng.randint(1, 3)))
            if (source, made) not in self.taken:
                self.taken.add((source, made))
                return source, made

    def add(self, kind, at, /, **fields):
        source, made = self.identity()
        event = {"id": made, "ts": at, "type": kind}
        if source != "default" or self.rng.random() < .5:
            event["source"] = source
        event.update((k, v) for k, v in fields.items() if v is not Ellipsis)
        self.events.append(event)
        return event

    def maybe(self, chance, value):
        return value if self.rng.random() < chance else Ellipsis

    def agent(self):
        return self.rng.choice(self.agents)


def say(story, name, at):
    rng = story.rng
    who = rng.choices(("customer", "agent", "bot", "system"), (9, 8, 1.5, .4))[0]
    fields = {"from": who}
    if who == "agent":
        fields["agent"] = story.agent()
    if who == "customer" or rng.random() < .1:
        fields["customer"] = story.maybe(.7, rng.choice(story.customers))
        fields["shop"] = story.maybe(.2, rng.choice(SHOPS))
    story.add("message", at, conversation=name,
              text=story.maybe(.8, rng.choice(TEXTS)),
              private=story.maybe(.1, rng.random() < .7),
              auto=story.maybe(.1, rng.random() < .7),
              closing=story.maybe(.06, rng.random() < .5), **fields)


def assign(story, name, at):
    agent = None if story.rng.random() < .3 else story.agent()
    story.add("conversation.assigned", at, conversation=name, agent=agent,
              by=story.maybe(.6, story.rng.choice(
                  ("system", "supervisor", "agent", "agent"))))


def resolve(story, name, at):
    story.add("conversation.resolved", at, conversation=name,
              by=story.maybe(.8, story.rng.choice(
                  ("agent", "customer", "bot", "timeout", "timeout"))),
              agent=story.maybe(.5, story.agent()))


def opened(story, name, at):
    rng = story.rng
    story.add("conversation.opened", at, conversation=name,
              customer=story.maybe(.6, rng.choice(story.customers)),
              shop=story.maybe(.3, rng.choice(SHOPS)),
              channel=story.maybe(.2, "web"),
              topic=story.maybe(.4, rng.choice(TOPICS)))


def bare(kind):
    def act(story, name, at):
        story.add(kind, at, conversation=name)
    return act


def rate(story, name, at):
    rng = story.rng
    scale = rng.choice((1, 3, 5, 5, 7, 10, 100))
    milli = rng.choice((scale * 800, scale * 800 - 1, scale * 1000,
                        rng.randint(1, scale * 1000)))
    story.add("rating", at, conversation=name, score=milli / 1000,
              scale=Ellipsis if scale == 5 and rng.random() < .5 else scale,
              agent=story.maybe(.3, story.agent()))


def point_at(story, name, at, kind, field):
    """A recall or a void: mostly of something here, at times of nothing."""
    rng = story.rng
    wanted = "rating" if field == "rating" else "message"
    there = [e for e in story.events if e["type"] == wanted
             and (e["conversation"] == name or rng.random() < .1)]
    if not there:
        return
    what = rng.choice(there[-4:])
    source = (what.get("source", "default") if rng.random() < .85
              else rng.choice(story.sources))
    extra = {"reason": "x"} if field == "rating" else {}
    story.add(kind, at - rng.choice((0, 0, 0, 1, 5000)), conversation=name,
              of_source=source if rng.random() < .9 else Ellipsis,
              **{field: what["id"]}, **extra)


def tussle(story, name, at):
    """A question that changes hands a few times, near the limits."""
    rng = story.rng
    target, abandon = story.limits[:2]
    story.add("message", at, conversation=name, text="在吗",
              **{"from": "customer"})
    for _ in range(rng.randint(1, 4)):
        at += rng.choice((0, 1, target // 2, target - 1, target, abandon // 2))
        assign(story, name, at)
    at += rng.choice((0, 1, target // 2, target, abandon))
    rng.choice((say, say, resolve, bare("conversation.handoff"),
                lambda *_: None))(story, name, at)
    return at


def recall(story, name, at):
    point_at(story, name, at, "message.recalled", "message")


def void(story, name, at):
    point_at(story, name, at, "rating.voided", "rating")


def excuse(story, name, at):
    """A turn, by its question, its answer or something else; for all or one."""
    rng = story.rng
    there = [e for e in story.events if e["type"] == "message"
             and (e["conversation"] == name or rng.random() < .1)]
    if not there:
        return
    what = rng.choice(there[-4:])
    agent = {"agent": story.agent()} if rng.random() < .4 else {}
    story.add("turn.excused", at, conversation=name, message=what["id"],
              of_source=what.get("source", "default"), reason="x", actor="li",
              **agent)


def undo(story, name, at):
    """A decision of a lead, or at times something that is none."""
    rng = story.rng
    there = [e for e in story.events if e.get("conversation") == name and
             (e["type"] in ("turn.excused", "rating.voided") or rng.random() < .1)]
    if not there:
        return
    what = rng.choice(there[-3:])
    story.add("decision.undone", at, conversation=name, decision=what["id"],
              of_source=what.get("source", "default"), reason="x", actor="li")


def order(story, _name, at):
    rng = story.rng
    story.add("order", at, order=rng.choice(("o", "o1", "o2", "o3")),
              agent=story.agent(), kind=rng.choice(("cross", "cross", "main")),
              amount_fen=rng.choice((0, 1, 99, 100, 101, 5000)),
              state=rng.choice(("paid", "paid", "paid", "refunded")))


ACTS = ((say, 22), (assign, 6), (resolve, 5), (opened, 1), (rate, 2),
        (tussle, 3), (bare("conversation.reopened"), .6),
        (bare("conversation.handoff"), 1),
        (recall, 1), (void, 1), (order, .8),
        (excuse, 2.5), (undo, 1.5))


def as_of(story):
    rng = story.rng
    last = max(e["ts"] for e in story.events)
    roll = rng.random()
    if roll < .5:
        return last + 40 * DAY
    at = rng.choice(story.events)["ts"] if roll < .75 else last
    return max(story.base, at + rng.choice((-1, 0, 1)) + rng.choice(
        [0, 0] + story.limits))


def random_case(seed, number):
    rng = random.Random("%d/%d" % (seed, number))
    story = Story(rng, seed, number)
    names = rng.sample(("k", "k1", "k2", "é", "\uff5e", "😀"),
                       rng.choice((1, 1, 1, 2, 2, 2, 3, 4, 6)))
    acts, weights = zip(*ACTS)
    clocks = {name: story.base + rng.choice((0, 0, 1, 30_000, HOUR))
              for name in names}
    for _ in range(rng.randint(4, 16 + 8 * len(names))):
        name = rng.choice(names)
        clocks[name] += story.step_ms()
        act = rng.choices(acts, weights)[0]
        clocks[name] = act(story, name, clocks[name]) or clocks[name]
    if not story.events:
        say(story, names[0], story.base)
    rng.shuffle(story.events)
    case = {"name": story.name, "as_of": as_of(story), "rulebook": story.book,
            "events": story.events}
    if rng.random() < .25:
        case["by"] = "day"
    case["rows"] = case_file.rows_of(case)
    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for number in range(args.count):
        case = random_case(args.seed, number)
        case_file.write(args.out / (case["name"] + ".json"), case)
    print("%d cases, seed %d, in %s" % (args.count, args.seed, args.out))


if __name__ == "__main__":
    main()
