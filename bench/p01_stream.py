"""P1: NDJSON over the unix socket → decoded, durable, folded, acknowledged, scores in Redis."""
import time

import rig


def final_figures_ns(redis):
    """When Redis showed the figures it ends with: all agents' hashes, asked until they rest for half a second."""
    seen, since = None, 0
    while True:
        keys = redis.ask("--raw", "KEYS", "{kefu}:agent:*").split()
        script = "local r = {} for i, k in ipairs(KEYS) do local h = redis.call('HMGET', k, 'answered', 'within', 'missed', 'rated') " \
                 "for j = 1, 4 do r[#r + 1] = tostring(h[j]) end end return table.concat(r, ' ')"
        now = time.monotonic_ns()
        figures = redis.ask("EVAL", script, len(keys), *sorted(keys))
        if figures != seen:
            seen, since = figures, now
        elif now - since > 500 * rig.MS:
            return since


def once(home):
    path = rig.events(home, rig.scaled(1_000_000))
    with rig.folder() as here, rig.Redis(here) as redis, rig.Daemon(here, redis) as daemon:
        sent = rig.tool("send", daemon.ingest, path)
        shown_ns = final_figures_ns(redis)
        status = daemon.status()
    if sent["accepted"] != sent["lines"] or status["counts"]["events"] != sent["lines"]:
        raise RuntimeError(f"P1: {sent['lines']} lines, {sent['accepted']} accepted, {status['counts']['events']} folded")
    ended_ns = max(sent["acked_ns"], shown_ns)
    return sent["lines"] * 1e9 / (ended_ns - sent["begun_ns"])


def measure(home):
    pairs = []
    for _ in range(3):
        beside = rig.x(home)
        pairs.append((once(home), beside))
    ours, beside = rig.middle(pairs)
    return [rig.Row("P1", "stream to Redis", ours, beside, "X", "events/s", floor=1.0, aim=2.5)]
