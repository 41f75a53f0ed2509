#!/usr/bin/env python3
# limit_s: 600
"""Redis streams as a source, with the real programs: F3, F9 and F10 from the other side. kefud or Redis killed at random,
Redis stopped, flushed, the stream trimmed: the figures are those of the same events loaded from a file, or the loss is
counted. Prints its seed; KEFU_SEED takes it back. KEFU_SOAK: 100 kills instead of 10."""
import json
import os
import random
import signal
import subprocess
import time

from shop import (CONFIG, KEFUCTL, LOG, SANITIZED, SOAK, TMP, add, control, redis, report, simulate, start_kefud, start_redis,
                  stop_kefud, wait_for, write_config)

KILLS = 100 if SOAK else 10
EVENTS = 40000 if SOAK else 8000
CATCH_UP_N = 300000 if SOAK else 60000
LIVE_RATE = 5000


def status():
    return {s["stream"]: s for s in control({"do": "status"})["streams"]}


def events_n():
    return control({"do": "status"})["counts"]["events"]


def all_read(*streams):
    for s in streams or ("chat", "orders"):
        pending = redis("XPENDING", s, "kefud")[0]
        group = redis("XINFO", "GROUPS", s)[0]
        if pending or group["last-delivered-id"] != redis("XINFO", "STREAM", s)["last-generated-id"]:
            return False
    return True


def expected(lines):
    """The report of the same events out of a file."""
    path = os.path.join(TMP, "events.ndjson")
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    out = subprocess.run([KEFUCTL, "compute", "--as-of", "2027-06-01T00:00:00Z", path], capture_output=True, text=True,
                         check=True)
    return json.loads(out.stdout)["rows"]


def check_kills(rng, kefud, server, lines):
    """Two streams, each with half of the conversations; between the kills come more entries, and some of them twice."""
    parts = [lines[i * len(lines) // KILLS:(i + 1) * len(lines) // KILLS] for i in range(KILLS)]
    for part in parts:
        for stream, half in (("chat", 0), ("orders", 1)):
            add(stream, [l for l in part if hash_of(l) % 2 == half] + rng.sample(part, 5))
        time.sleep(rng.random() * 0.1)
        if rng.random() < 0.7:
            kefud.send_signal(signal.SIGKILL)
            kefud.wait()
            kefud = start_kefud()
        else:
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = start_redis("--appendonly", "yes", "--appendfsync", "always")
    wait_for("all to be read", all_read, limit_s=60)
    assert events_n() == len(lines), (events_n(), len(lines))
    s = status()
    assert not any(s[k]["lost"] or s[k]["dead"] for k in s), s
    return kefud, server


def hash_of(line):
    e = json.loads(line)
    return sum((e.get("conversation") or e.get("order") or e["agent"]).encode())


def check_stopped(server):
    """SIGSTOP: kefud notices, says so, and goes on where it was."""
    server.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    wait_for("the stop to be noticed", lambda: b"redis_lost" in open(LOG, "rb").read(), limit_s=12)
    noticed = time.monotonic() - began
    server.send_signal(signal.SIGCONT)
    before = events_n()
    wait_for("reading again", lambda: status()["chat"]["state"] == "reading", limit_s=30)
    add("chat", [one("after-stop")])
    wait_for("what came after the stop", lambda: events_n() == before + 1)
    assert noticed < 10, noticed  # 7 s, and what a busy machine adds
    return noticed


def one(name, **members):
    return {"id": name, "type": "agent.status", "agent": "amy", "status": "online", "ts": int(time.time() * 1000), **members}


def check_flushed():
    before = events_n()
    redis("FLUSHALL")
    add("chat", [one(f"flushed-{i}") for i in range(100)])
    wait_for("what came after FLUSHALL", lambda: events_n() == before + 100)


def check_trimmed(kefud):
    """F10: kefud dies with entries pending, they are trimmed, and the loss is told in status, log and quarantine."""
    kefud.send_signal(signal.SIGKILL)
    kefud.wait()
    add("chat", [one(f"lost-{i}") for i in range(50)])
    # As if it had asked for them and died before they were durable.
    redis("XREADGROUP", "GROUP", "kefud", "kefud", "COUNT", "50", "STREAMS", "chat", ">")
    wait_for("delivery", lambda: redis("XPENDING", "chat", "kefud")[0] == 50)
    before_n = 10
    redis("XTRIM", "chat", "MAXLEN", str(before_n))
    kefud = start_kefud()
    wait_for("the loss", lambda: status()["chat"]["lost"] == 50 - before_n)
    assert b"evt=stream_lost" in open(LOG, "rb").read()
    rows = control({"do": "quarantine", "limit": 10})["rows"]
    assert any("40 entries from about here on were trimmed" in r["reason"] and r["way"] == "stream" for r in rows), rows
    assert redis("XPENDING", "chat", "kefud")[0] == 0
    wait_for("the alert", lambda: ("source_lost", "chat", 40.0) in [(a["rule"], a["subject"], a["value"])
             for a in control({"do": "alert_list"})["alerts"] if "subject" in a])
    return kefud


def check_restored(kefud):
    """A store restored from a backup asks the stream again for what it does not have."""
    backup = os.path.join(TMP, "backup.db")
    wait_for("all to be read", lambda: all_read("chat"))
    subprocess.run([KEFUCTL, "backup", "-c", CONFIG, backup], check=True, stdout=subprocess.DEVNULL)
    before = events_n()
    add("chat", [one(f"since-{i}") for i in range(30)])
    wait_for("the events after the backup", lambda: events_n() == before + 30)
    stop_kefud(kefud)
    subprocess.run([KEFUCTL, "restore", "-c", CONFIG, backup], check=True, stdout=subprocess.DEVNULL)
    kefud = start_kefud()
    wait_for("the events after the backup, again", lambda: events_n() == before + 30)
    return kefud


def cpu_s(p):
    """Processor time that it has used, all threads together."""
    with open(f"/proc/{p.pid}/stat") as f:
        return sum(map(int, f.read().rsplit(") ", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def check_catch_up(kefud):
    """What piled up is read at five times the rate at which it can come, at least: by the processor time that it takes, since a
    test shares the machine; by the clock in the soak."""
    stop_kefud(kefud)
    redis("DEL", "chat")
    lines = simulate(CATCH_UP_N, seed=5, ids="short")
    for i in range(0, len(lines), 50000):
        add("chat", lines[i:i + 50000])
    kefud = start_kefud()
    began, began_cpu_s = time.monotonic(), cpu_s(kefud)
    wait_for("all of it", lambda: all_read("chat"), limit_s=120, pause_s=0.01)
    rate, cpu_rate = len(lines) / (time.monotonic() - began), len(lines) / max(cpu_s(kefud) - began_cpu_s, 0.01)
    print(f"caught up with {len(lines)} entries at {rate:.0f} a second, {cpu_rate:.0f} a second of processor time")
    assert cpu_rate >= 5 * LIVE_RATE or SANITIZED, cpu_rate
    assert not SOAK or rate >= 5 * LIVE_RATE, rate
    return kefud


def main():
    seed = int(os.environ.get("KEFU_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed} (KEFU_SEED={seed} repeats it)")
    write_config(streams="chat orders", timezone="Asia/Shanghai")  # as compute counts
    server = start_redis("--appendonly", "yes", "--appendfsync", "always")
    kefud = start_kefud()
    lines = simulate(EVENTS, seed=seed % 1000, days=20)
    kefud, server = check_kills(random.Random(seed), kefud, server, lines)
    stop_kefud(kefud)
    subprocess.run([KEFUCTL, "verify", "-c", CONFIG], check=True, stdout=subprocess.DEVNULL)
    kefud = start_kefud()
    assert sorted(figures(report())) == sorted(figures(expected(lines)))
    noticed = check_stopped(server)
    check_flushed()
    kefud = check_restored(check_trimmed(kefud))
    stop_kefud(check_catch_up(kefud))
    print(f"{KILLS} kills, a stop noticed after {noticed:.1f} s, a flush, a trim, a restored store: all there, or counted")


def figures(rows):
    """What does not depend on when it is asked for."""
    return [json.dumps([r["agent"], r["period"], r["answered"], r["within"], r["response_sum"], r["rating_n"],
                        r["rating_sum"], r["cross"], r["cross_fen"]]) for r in rows]


main()
