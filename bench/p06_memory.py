"""P6: the weight of open conversations of 12 messages, all indexes included."""
import rig


def measure(home):
    del home
    m = rig.tool("memory", rig.scaled(1_000_000))
    return [rig.Row("P6", f"{m['open']:,} open conversations", m["bytes"], 24 * m["messages"], "24 bytes × messages",
                    "bytes", floor=4.0, aim=2.5, lower=True)]
