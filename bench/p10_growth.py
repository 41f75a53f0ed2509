"""P10: what an event costs as the site grows: by conversations, and by agents."""
import rig

EVENTS_N = 200_000
SIZES = (100_000, 400_000, 1_600_000)
MORE_AGENTS = 3_000


def measure(home):
    del home
    n, sizes = rig.scaled(EVENTS_N), [rig.scaled(s) for s in SIZES]
    grown = rig.tool("grow", rig.AGENTS, n, *sizes)
    wide = rig.tool("grow", MORE_AGENTS, n, sizes[0])
    first = grown[0]["ps_per_event"] / 1000
    rows = [rig.Row("P10", f"an event at {g['conversations']:,} conversations", g["ps_per_event"] / 1000, first,
                    f"at {sizes[0]:,}", "ns", floor=1.3, aim=1.1, lower=True) for g in grown[1:]]
    rows.append(rig.Row("P10", f"an event with {MORE_AGENTS:,} agents", wide[0]["ps_per_event"] / 1000, first,
                        f"with {rig.AGENTS}", "ns", floor=1.3, aim=1.1, lower=True))
    return rows
