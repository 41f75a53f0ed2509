#!/usr/bin/env python3
"""F20: kefud under 1,000 events a second with a Redis beside it, for KEFU_SOAK_S seconds (600), only with KEFU_SOAK set.

New events take memory by right, so three things are asked. While everything is sent again and again, nothing may grow:
memory at most 0.1 % an hour (or a quarter of a MiB, which is less than that cannot be told from the allocator's breath).
After all the new events a process that took them one by one holds little more than one started on the same store.
Descriptors are the same from the first sample to the last, and the write-ahead log stays bounded. Prints the figures.
"""
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import kefud_run  # noqa: E402
from kefud_run import BUILD, wait_for  # noqa: E402

TMP = os.environ["TMPDIR"]
RATE, BREATH_BYTES, WAL_MAX_BYTES = 1000, 256 << 10, 80 << 20
SECONDS = int(os.environ.get("KEFU_SOAK_S", "600"))
STATE, SOCK = os.path.join(TMP, "state"), os.path.join(TMP, "redis.sock")


class Kefud(kefud_run.Kefud):
    def connect(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.connect(os.path.join(STATE, name))
        return s

    def events(self):
        """Asked on a connection of its own, so that connections come and go."""
        with self.connect("control.sock") as s:
            s.sendall(b'{"do":"status"}\n')
            return json.loads(s.makefile().readline())["counts"]["events"]

    def memory(self):
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def settle(kefud):
    """Until nobody of ours is connected any more."""
    last = None
    while last != kefud.descriptors():
        last = kefud.descriptors()
        time.sleep(0.2)


class Phase:
    """Lines sent at RATE a second, from the start again when they are over, with a sample each second."""

    def __init__(self, kefud, lines):
        self.kefud, self.lines, self.at = kefud, lines, 0
        self.sock = kefud.connect("ingest.sock")
        self.sock.setblocking(False)
        self.samples, self.sent, self.acked, self.rest, self.wal = [], 0, 0, b"", 0

    def hear(self):
        try:
            while piece := self.sock.recv(1 << 16):
                *whole, self.rest = (self.rest + piece).split(b"\n")
                for line in whole:
                    answer = json.loads(line)
                    assert not answer["rejected"], answer["rejected"][:3]
                    self.acked = answer["ack"]
        except BlockingIOError:
            pass

    def send(self, n):
        piece = b"".join(self.lines[(self.at + i) % len(self.lines)] for i in range(n))
        self.at, self.sent = self.at + n, self.sent + n
        self.sock.setblocking(True)
        self.sock.sendall(piece)
        self.sock.setblocking(False)
        self.hear()

    def sample(self):
        self.kefud.events()
        self.samples.append((time.monotonic(), self.kefud.memory(), self.kefud.descriptors()))
        self.wal = max(self.wal, os.path.getsize(os.path.join(STATE, "kefu.db-wal")))

    def run(self, seconds):
        began = time.monotonic()
        for tick in range(seconds * 10):
            self.send(RATE // 10)
            if tick % 10 == 9:
                self.sample()
            time.sleep(max(0, began + (tick + 1) / 10 - time.monotonic()))
        self.took = time.monotonic() - began
        wait_for("the last acknowledgement", lambda: self.hear() or self.acked == self.sent, 60)
        self.sock.close()
        settle(self.kefud)

    def slope(self):
        """Bytes an hour, from the middle of the first third to that of the last, and bytes in all."""
        third = max(1, len(self.samples) // 3)
        first, last = self.samples[:third], self.samples[-third:]
        grown = statistics.median(m for _, m, _ in last) - statistics.median(m for _, m, _ in first)
        hours = (statistics.mean(t for t, _, _ in last) - statistics.mean(t for t, _, _ in first)) / 3600
        return grown / hours, grown


def make_lines(n):
    path = os.path.join(TMP, "events.ndjson")
    subprocess.run([os.path.join(BUILD, "kefuctl"), "simulate", "--out", path, "--events", str(n), "--days", "20"],
                   check=True)
    with open(path, "rb") as f:
        return f.readlines()


def start_redis():
    redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", SOCK, "--save", "", "--dir", TMP],
                             stdout=subprocess.DEVNULL)
    wait_for("redis-server", lambda: os.path.exists(SOCK), 60)
    return redis


def flat(phase, what):
    # The connection of the sample itself and the background look's view of the store come and go, and in the first seconds
    # Redis is still to come: what leaks stays, and moves the middle.
    all_counts = [d for _, _, d in phase.samples[5:]]
    third, counts = max(1, len(all_counts) // 3), sorted(set(all_counts))
    first, last = statistics.median(all_counts[:third]), statistics.median(all_counts[-third:])
    assert last <= first + 1 and counts[-1] - counts[0] <= 3, f"{what}: descriptors {all_counts}"
    assert phase.wal <= WAL_MAX_BYTES, f"{what}: the log grew to {phase.wal} bytes"
    return f"descriptors {counts}, log at most {phase.wal / 2**20:.1f} MiB, {phase.sent / phase.took:.0f} events/s"


def test(folder):
    fresh_s = max(20, SECONDS // 2)
    again_s = max(20, SECONDS - fresh_s)
    lines = make_lines(fresh_s * RATE)
    kefud = Kefud(folder, http_listen="", redis_address="unix:" + SOCK).start()
    fresh = Phase(kefud, lines)
    fresh.run(fresh_s)
    assert kefud.events() == len(lines)
    grown = kefud.memory()
    print(f"{len(lines)} new events: {grown / 2**20:.1f} MiB; {flat(fresh, 'new events')}")

    again = Phase(kefud, lines)
    again.run(again_s)
    assert kefud.events() == len(lines), "a repeat was counted"
    rate, bytes_n = again.slope()
    percent = 100 * rate / grown
    print(f"{again.sent} sent again: {bytes_n / 1024:.0f} KiB more, {percent:.3f} % an hour; {flat(again, 'again')}")
    assert bytes_n <= BREATH_BYTES or percent <= 0.1, f"memory grows by {percent:.3f} % an hour"

    old = kefud.memory()
    kefud.stop()
    kefud.start()
    young = kefud.memory()
    kefud.stop()
    print(f"after it {old / 2**20:.1f} MiB, started anew {young / 2**20:.1f} MiB")
    assert old <= young * 1.25 + (8 << 20), f"{old} bytes are held, a fresh start holds {young}"


if not os.environ.get("KEFU_SOAK"):
    print("only with KEFU_SOAK=1 (make soak)")
    sys.exit(77)
if not shutil.which("redis-server"):
    print("redis-server is not installed")
    sys.exit(77)
server = start_redis()
try:
    status = kefud_run.main(test)
finally:
    server.kill()
    server.wait()
sys.exit(status)
