"""P11: an idle daemon that knows 300 agents: resident memory, and how often it wakes a second."""
import os
import subprocess
import time

import rig

IDLE_S = 20


def look(pid, seconds):
    """(resident MB, voluntary switches a second of all threads): who sleeps and is woken, switches voluntarily."""
    before = rig.process_status(pid, "voluntary_ctxt_switches")
    time.sleep(seconds)
    wakes = (rig.process_status(pid, "voluntary_ctxt_switches") - before) / seconds
    return rig.process_status(pid, "VmRSS") / 1000, wakes


def measure(home):
    seconds = max(2, IDLE_S // rig.SCALE)
    bare = subprocess.Popen([os.path.join(rig.BUILD, "bench", "bare_http")], stdout=subprocess.PIPE)
    try:
        bare.stdout.readline()
        bare_mb, bare_wakes = look(bare.pid, 2)
    finally:
        rig.end(bare)
    with rig.folder() as here, rig.Redis(here) as redis, rig.Daemon(here, redis) as daemon:
        rig.tool("send", daemon.ingest, rig.events(home, 5_000))
        time.sleep(2)  # what is still to be shown is shown
        mb, wakes = look(daemon.process.pid, seconds)
        agents = daemon.status()["counts"]["agents"]
    return [rig.Row("P11", f"idle, {agents} agents: RSS", mb, bare_mb, "bare event loop", "MB", kind="value", floor=20,
                    aim=10, lower=True),
            rig.Row("P11", f"idle, {agents} agents: wake-ups", wakes, bare_wakes, "bare event loop", "1/s", kind="value",
                    floor=15, aim=5, lower=True)]
