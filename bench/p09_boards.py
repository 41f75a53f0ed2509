"""P9: 2,000 open boards (1,800 agents' own, 200 leads' of 30 agents), 300 agents that change 10 times a second; beside it, Redis'
pub/sub with the same bytes to as many subscribers."""
import hashlib
import json
import os
import subprocess
import time

import rig

OWN, LEADS, TEAM = 1800, 200, 30
CHANGES_A_SECOND = 10
SECONDS = 15


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tokens(here, boards):
    """tokens.json with a token a board, and the list for bench/boards: 2,000 runs of kefuctl would take minutes."""
    rows, listed = [], []
    for i, (path, more) in enumerate(boards):
        clear = f"kefu_bench{i:033d}"
        rows.append({"id": f"b{i}", "sha256": hashlib.sha256(clear.encode()).hexdigest(), **more})
        listed.append(f"{path} {clear}\n")
    with open(os.path.join(here, "tokens.json"), "w", encoding="utf-8") as f:
        json.dump({"tokens": rows}, f)
    with open(os.path.join(here, "boards"), "w", encoding="utf-8") as f:
        f.writelines(listed)
    return os.path.join(here, "tokens.json"), os.path.join(here, "boards")


def changes(here, agents, seconds):
    """Each agent goes busy and comes back, ten times a second: whole rows change."""
    path = os.path.join(here, "changes.ndjson")
    now = int(time.time() * 1000) - 3_600_000
    with open(path, "w", encoding="utf-8") as out:
        for k in range(CHANGES_A_SECOND * seconds):
            for a in agents:
                out.write(json.dumps({"id": f"s{k}-{a}", "type": "agent.status", "agent": a, "ts": now + k,
                                      "status": ("online", "busy")[k % 2]}) + "\n")
    return path


def figures(home, here, agents):
    """A month of chats, so that rows have all that a row can have, and the teams."""
    teams = os.path.join(here, "teams.ndjson")
    with open(teams, "w", encoding="utf-8") as out:
        for i, a in enumerate(agents):
            out.write(json.dumps({"id": f"t{a}", "type": "agent.profile", "agent": a, "team": f"team{i // TEAM}",
                                  "ts": int(time.time() * 1000)}) + "\n")
    return teams, rig.events(home, rig.scaled(200_000))


def boards_of(agents):
    own = [(f"/v1/agents/{a}/live", {"role": "agent", "subject": a}) for a in agents]
    teams = [f"team{i}" for i in range(len(agents) // TEAM)]
    leads = [(f"/v1/teams/{t}/live", {"role": "lead", "teams": [t]}) for t in teams]
    return ([own[i % len(own)] for i in range(max(1, OWN // rig.SCALE))] +
            [leads[i % len(leads)] for i in range(max(1, LEADS // rig.SCALE))])


def ours(home, here, agents):
    boards = boards_of(agents)
    tokens_file, listed = tokens(here, boards)
    with rig.Daemon(here, tokens_file=tokens_file, boards_max=len(boards)) as daemon:
        for path in figures(home, here, agents):
            rig.tool("send", daemon.ingest, path)
        load = subprocess.Popen([os.path.join(rig.BUILD, "bench", "send"), daemon.ingest, changes(here, agents, SECONDS + 20),
                                 str(CHANGES_A_SECOND * len(agents))], stdout=subprocess.DEVNULL)
        try:
            time.sleep(1)
            began, used = time.monotonic(), cpu_s(daemon.process.pid)
            found = rig.tool("boards", "http", daemon.port, listed, SECONDS)
            found["cores"] = (cpu_s(daemon.process.pid) - used) / (time.monotonic() - began)
            found["busy"] = load.poll() is None
        finally:
            rig.end(load)
    return found, boards


def redis_beside(here, boards, mean_bytes):
    listed = os.path.join(here, "channels")
    with open(listed, "w", encoding="utf-8") as f:
        f.writelines(f"ch{i} {mean_bytes}\n" for i in range(len(boards)))
    with rig.Redis(here) as redis:
        sender = subprocess.Popen([os.path.join(rig.BUILD, "bench", "boards"), "publish", redis.socket, listed, str(SECONDS + 3)])
        try:
            used = cpu_s(redis.process.pid)
            found = rig.tool("boards", "redis", redis.socket, listed, SECONDS)
            found["cores"] = (cpu_s(redis.process.pid) - used) / (SECONDS + 1)
        finally:
            rig.end(sender)
    return found


def measure(home):
    agents = [f"a{i:015d}" for i in range(rig.AGENTS)]
    with rig.folder() as here:
        found, boards = ours(home, here, agents)
    with rig.folder() as here:
        beside = redis_beside(here, boards, max(64, found["bytes"] // found["pushes"]))
    what = f"{found['boards']:,} boards, {found['pushes'] / SECONDS:,.0f} pushes/s of {found['bytes'] / found['pushes'] / 1000:.1f} kB"
    note = "" if found["busy"] else "the load ended before the boards"
    common = {"beside_what": "Redis pub/sub", "kind": "value", "lower": True, "note": note}
    return [rig.Row("P9 p99", what + ": as_of to read", found["p99_ns"] / rig.MS, beside["p99_ns"] / rig.MS, unit="ms", floor=250,
                    aim=100, **common),
            rig.Row("P9 CPU", "the daemon meanwhile", found["cores"], beside["cores"], unit="cores", floor=1, aim=0.5, **common)]
