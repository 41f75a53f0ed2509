"""From folded conversations and orders to the rows of the report.

Keeps true: each fact is counted once, in the row of its agent and its own
day; a row exists only if it has a figure; scores are exact fractions rounded
once, half away from zero.
"""
from fractions import Fraction

from oracle_fold import Conversation, utf8
from oracle_rulebook import exact6, round_away

FIGURES = (
    "answered", "within", "missed", "response_sum", "first_n", "first_sum",
    "first_within", "handled", "resolved", "resolved_within", "fcr_pass",
    "fcr_fail", "fcr_pending", "resolve_sum", "rating_n", "rating_sum",
    "rating_good", "cross", "cross_fen")


class Tally:
    """The figures by (agent, period)."""

    def __init__(self, period_of):
        self.period_of = period_of
        self.rows, self.responses, self.shops = {}, {}, {}

    def add(self, agent, at, **figures):
        key = (agent, self.period_of(at))
        row = self.rows.setdefault(key, dict.fromkeys(FIGURES, 0))
        for name, value in figures.items():
            row[name] += value

    def handled(self, agent, at, shop):
        self.add(agent, at, handled=1)
        of = self.shops.setdefault((agent, self.period_of(at)), {})
        of[shop or ""] = of.get(shop or "", 0) + 1

    def response(self, agent, at, value):
        key = (agent, self.period_of(at))
        self.responses.setdefault(key, []).append(value)


def percentile(values, percent):
    """Exact nearest rank; None of nothing."""
    if not values:
        return None
    rank = -(-len(values) * percent // 100)
    return sorted(values)[rank - 1]


# ------------------------------------------------------------------ counting

def count_waits(tally, book, conversation):
    for fact in conversation.facts:
        if fact[0] == "miss":
            _, agent, at = fact
            tally.add(agent, at, missed=1)
            continue
        _, agent, at, response, is_first = fact
        within = int(response <= book.at(at).response_target_ms)
        tally.add(agent, at, answered=1, within=within, response_sum=response)
        tally.response(agent, at, response)
        if is_first:
            tally.add(agent, at, first_n=1, first_sum=response,
                      first_within=within)


def same_customer(one, other):
    if one is other:
        return True
    if one.customer is None or one.customer != other.customer:
        return False
    if one.shop != other.shop:
        return False
    return None in (one.topic, other.topic) or one.topic == other.topic


def contacts_by_customer(conversations):
    """{customer: [conversation]} so that a search need not read them all."""
    known = {}
    for conversation in conversations:
        if conversation.customer is not None:
            known.setdefault(conversation.customer, []).append(conversation)
    return known


def first_contact(book, episode, conversation, relatives, as_of):
    """"fail", "pending" or "pass" of a resolved episode."""
    start = episode.resolved_at
    end = start + book.at(episode.ended["ts"]).fcr_window_ms
    for other in relatives:
        if not same_customer(conversation, other):
            continue
        for again in other.episodes:
            if again is episode or again.customer_at is None:
                continue
            if start <= again.customer_at < end:
                return "fail"
    return "pending" if as_of < end else "pass"


def owners_clock(episode):
    """When the owner's resolution clock started."""
    owner, human = episode.owner, episode.first_human_at
    if episode.carried == owner:
        return max(human, episode.start)
    return max(human, episode.first_touch.get(owner, human))


def count_episode(tally, book, conversation, episode, relatives, as_of):
    if episode.ended is None or not episode.counts():
        return
    owner, day = episode.owner, episode.ended["ts"]
    tally.handled(owner, day, conversation.shop)
    if episode.resolved_at is None:
        return
    contact = first_contact(book, episode, conversation, relatives, as_of)
    tally.add(owner, day, resolved=1, **{"fcr_" + contact: 1})
    if episode.first_human_at is None:
        return
    took = book.hours.worked(owners_clock(episode), episode.resolved_at)
    dropped = episode.over_wait and episode.ended["by"] == "agent"
    good = (took <= book.at(day).resolution_limit_ms and contact != "fail"
            and not dropped)
    tally.add(owner, day, resolve_sum=took, resolved_within=int(good))


def count_idle(tally, book, conversation, as_of):
    episode = conversation.episode
    if episode is None or not episode.counts():
        return
    last = episode.last_moved()
    if as_of - last >= book.at(last).idle_after_ms:
        tally.handled(episode.owner, last, conversation.shop)


def milli_stars(event):
    return round_away(Fraction(event["score"]) * 5000 / event["scale"])


def count_rating(tally, event, agent):
    value = milli_stars(event)
    tally.add(agent, event["ts"], rating_n=1, rating_sum=value,
              rating_good=int(value >= 4000))


def rating_credit(episode, event):
    if event["agent"] is not None:
        return event["agent"]
    if not episode.human_hands:
        return None
    chain = (episode.owner if episode.ended else None,
             episode.last_to_serve(), episode.end_assignee)
    return next((agent for agent in chain if agent is not None), None)


def count_ratings(tally, conversation):
    for event in conversation.early_ratings:
        if event["agent"] is not None:
            count_rating(tally, event, event["agent"])
    for episode in conversation.episodes:
        if episode.ratings:
            latest = episode.ratings[-1]
            count_rating(tally, latest, rating_credit(episode, latest))


def count_orders(tally, book, events):
    orders = {}
    for event in events:
        orders.setdefault(event["order"], []).append(event)
    for group in orders.values():
        paid = [e for e in group if e["state"] == "paid"]
        if not paid or len(paid) < len(group):
            continue
        last = max(paid, key=lambda e: (e["ts"], utf8(e["source"]),
                                        utf8(e["id"])))
        if (last["kind"] == "cross"
                and last["amount_fen"] >= book.at(last["ts"]).cross_sell_min_fen):
            tally.add(last["agent"], last["ts"], cross=1,
                      cross_fen=last["amount_fen"])


# -------------------------------------------------------------------- scores

def pair(metric, row, any_order):
    """(num, den, samples) of a metric."""
    asked = row["answered"] + row["missed"]
    known = row["fcr_pass"] + row["fcr_fail"]
    return {
        "reply_within_rate": (row["within"], asked, asked),
        "first_reply_within_rate": (row["first_within"], row["first_n"],
                                    row["first_n"]),
        "response_mean_seconds": (row["response_sum"], 1000 * row["answered"],
                                  row["answered"]),
        "first_response_mean_seconds": (row["first_sum"],
                                        1000 * row["first_n"],
                                        row["first_n"]),
        "resolved_within_rate": (row["resolved_within"], row["handled"],
                                 row["handled"]),
        "resolved_rate": (row["resolved"], row["handled"], row["handled"]),
        "fcr_rate": (row["fcr_pass"], known, known),
        "rating_mean": (row["rating_sum"], 1000 * row["rating_n"],
                        row["rating_n"]),
        "rating_good_rate": (row["rating_good"], row["rating_n"],
                             row["rating_n"]),
        "cross_sell_orders": (row["cross"], int(any_order), 1),
    }[metric]


def between(value, x0, y0, x1, y1):
    return y0 + (value - x0) * (y1 - y0) / (x1 - x0)


def points_of(value, score):
    """Points 0 to 100, an exact fraction."""
    if "points" not in score:
        zero, full = exact6(score["zero_at"]), exact6(score["full_at"])
        share = (value - zero) / (full - zero)
        return 100 * min(max(share, Fraction(0)), Fraction(1))
    curve = [(exact6(x), exact6(y)) for x, y in score["points"]]
    if value <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in zip(curve, curve[1:]):
        if value <= x1:
            return between(value, x0, y0, x1, y1)
    return curve[-1][1]


def score_kpi(kpi, num, den, samples):
    if den == 0 or samples < kpi.get("min_samples", 1):
        return None
    return round_away(1000 * points_of(Fraction(num, den), kpi["score"]))


def total_score(kpis, scores):
    known = [(exact6(kpi["weight"]), score)
             for kpi, score in zip(kpis, scores) if score is not None]
    weights = sum((weight for weight, _ in known), Fraction(0))
    if weights == 0:
        return None
    return round_away(sum(w * s for w, s in known) / weights)


def tier_of(book, row, total):
    if total is None or row["handled"] < book.tier_min_handled:
        return None
    reached = [tier for tier in book.tiers
               if exact6(tier["min"]) * 1000 <= total]
    if not reached:
        return None
    return max(reached, key=lambda tier: exact6(tier["min"]))["name"]


def by_name(shop):
    """Shops by the bytes of their names, no shop last."""
    return shop == "", utf8(shop)


def split_bonus(fen, shops):
    """{shop: fen} by {shop: handled}: largest remainders, then names; all to
    no shop if nothing was handled (docs/months.md)."""
    whole = sum(shops.values())
    if whole == 0:
        return {"": fen}
    exact = {shop: Fraction(fen * n, whole) for shop, n in shops.items()}
    parts = {shop: int(share) for shop, share in exact.items()}
    cut_most = sorted(exact, key=lambda s: (parts[s] - exact[s], by_name(s)))
    for shop in cut_most[:fen - sum(parts.values())]:
        parts[shop] += 1
    return parts


def finish_row(book, key, figures, responses, any_order, scored):
    agent, period = key
    row = {"agent": agent, "period": period, **figures}
    row["response_p50"] = percentile(responses, 50)
    row["response_p90"] = percentile(responses, 90)
    scored = scored and agent is not None
    row["kpis"], scores = [], []
    for kpi in book.kpis:
        num, den, samples = pair(kpi["metric"], figures, any_order)
        score = score_kpi(kpi, num, den, samples) if scored else None
        scores.append(score)
        row["kpis"].append({"name": kpi["name"], "num": num, "den": den,
                            "score_milli": score})
    row["score_milli"] = total_score(book.kpis, scores) if scored else None
    row["tier"] = tier_of(book, figures, row["score_milli"])
    return row


# -------------------------------------------------------------------- report

def fold_all(book, events, as_of):
    lists = {}
    for event in events:
        if event["type"] not in ("order", "agent.profile", "agent.status"):
            lists.setdefault(event["conversation"], []).append(event)
    return [Conversation(book, lists[name], as_of) for name in sorted(lists)]


def rows(book, events, as_of, by, shops=False):
    """The rows over a set of accepted events; `shops`: with {shop: handled},
    "" if none was named, which the report does not show."""
    events = [e for e in events if e["ts"] <= as_of]
    period_of = book.hours.day if by == "day" else book.hours.month
    tally = Tally(period_of)
    conversations = fold_all(book, events, as_of)
    known = contacts_by_customer(conversations)
    for conversation in conversations:
        relatives = known.get(conversation.customer, [conversation])
        count_waits(tally, book, conversation)
        for episode in conversation.episodes:
            count_episode(tally, book, conversation, episode, relatives, as_of)
        count_idle(tally, book, conversation, as_of)
        count_ratings(tally, conversation)
    orders = [e for e in events if e["type"] == "order"]
    count_orders(tally, book, orders)
    with_orders = {period_of(e["ts"]) for e in orders}
    keys = sorted((k for k, row in tally.rows.items() if any(row.values())),
                  key=lambda k: (k[0] is not None, utf8(k[0] or ""), k[1]))
    out = [finish_row(book.in_force(key[1]), key, tally.rows[key],
                      tally.responses.get(key, []), key[1] in with_orders,
                      by == "month") for key in keys]
    for key, row in zip(keys, out):
        if shops:
            of = tally.shops.get(key, {})
            row["shops"] = of if set(of) != {""} else {}
    return out
