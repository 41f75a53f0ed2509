"""P2: the fold alone, decoded events in memory, one core."""
import rig


def measure(home):
    path = rig.events(home, rig.scaled(1_000_000))
    pairs = []
    for _ in range(3):
        beside = rig.x(home)
        fold = rig.tool("fold", path)
        pairs.append((fold["events"] * 1e9 / fold["cpu_ns"], beside))
    ours, beside = rig.middle(pairs)
    return [rig.Row("P2", "fold alone", ours, beside, "X", "events/s", floor=4.0, aim=8.0,
                    note="by CPU time of the folding thread")]
