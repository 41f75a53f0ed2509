"""P7 and P8: bytes on disk an event after a checkpoint; a start with a long journal behind the checkpoint.

Both ask for a checkpoint by `kefuctl checkpoint`, which answers when it is durable. P8 lets the daemon make none of its own
behind that one, or the tail would be shorter than it says, and reads the tail of the journal, as much
as was written after the checkpoint, with SQLite's own sum over its rows' payloads."""
import gzip
import json
import os
import sqlite3
import time

import rig

ALL_N, TAIL_N = 10_000_000, 1_200_000
PIECE_N = 1_000_000


def checkpoint(daemon):
    rig.kefuctl("checkpoint", "-c", daemon.config)


def gzip_bytes(path):
    """gzip -6 of the same lines without text."""
    class Counter:
        n = 0

        def write(self, piece):
            self.n += len(piece)
            return len(piece)

        def flush(self):
            pass

    out = Counter()
    with open(path, encoding="utf-8") as lines, gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6) as z:
        for line in lines:
            event = json.loads(line)
            event.pop("text", None)
            z.write((json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n").encode())
    return out.n


def measure_size(home):
    path = rig.events(home, rig.scaled(1_000_000))
    with rig.folder() as here, rig.Daemon(here) as daemon:
        rig.tool("send", daemon.ingest, path)
        checkpoint(daemon)
        size = rig.files_bytes(daemon.state)
    n = rig.scaled(1_000_000)
    return rig.Row("P7", "bytes on disk an event", size / n, gzip_bytes(path) / n, "gzip -6 without text", "bytes",
                   floor=3.0, aim=1.5, lower=True)


def fill(daemon, home, first, n):
    """n events, in pieces of a month of their own each, so that no file is large."""
    while n > 0:
        piece = min(n, rig.scaled(PIECE_N))
        path = os.path.join(home, "piece.ndjson")
        rig.kefuctl("simulate", "--out", path, "--agents", rig.AGENTS, "--ids", "short", "--events", piece, "--days", 28,
                    "--seed", first, "--start", f"{2024 + first // 12}-{first % 12 + 1:02d}-01T00:00:00+08:00")
        rig.tool("send", daemon.ingest, path)
        first, n = first + 1, n - piece
    return first


def tail_ns(daemon, after_seq):
    with sqlite3.connect(f"file:{daemon.state}/kefu.db?mode=ro", uri=True) as db:
        began = time.monotonic_ns()
        db.execute("SELECT sum(length(payload)) FROM journal WHERE seq > ?", (after_seq,)).fetchone()
        return time.monotonic_ns() - began


def measure_start(home):
    tail_n = rig.scaled(TAIL_N)
    with rig.folder() as here, rig.Daemon(here, checkpoint_events=TAIL_N + 1, checkpoint_s=86400) as daemon:
        checkpoint(daemon)
        piece = fill(daemon, home, 0, rig.scaled(ALL_N) - tail_n)
        checkpoint(daemon)
        after_seq = daemon.status()["journal"]["last_seq"]
        fill(daemon, home, piece, tail_n)
        at = daemon.status()
        if (at["checkpoint"]["seq"], at["journal"]["last_seq"]) != (after_seq, after_seq + tail_n):
            raise RuntimeError(f"the tail is not {tail_n} events: {at['checkpoint']}, {at['journal']}")
        daemon.process.kill()  # a stop may make a checkpoint of its own
        daemon.process.wait()
        reading_ns = tail_ns(daemon, after_seq)
        daemon.start()
        return rig.Row("P8", f"start, {rig.scaled(ALL_N):,} events, {tail_n:,} since the checkpoint", daemon.ready_ns / 1e9,
                       reading_ns / 1e9, "sum(length(payload)) of the tail", "s", kind="value", floor=2.0, aim=0.7,
                       lower=True)


def measure(home, which=("P7", "P8")):
    rows = []
    for name, what, how in (("P7", "bytes on disk an event", measure_size), ("P8", "start behind a checkpoint", measure_start)):
        if name not in which:
            continue
        try:
            rows.append(how(home))
        except rig.Unavailable as e:
            rows.append(rig.Row(name, what, note=f"not available: {e}"))
    return rows
