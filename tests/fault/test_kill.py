#!/usr/bin/env python3
# limit_s: 600
"""F1 and F2: kefud killed (kill -9) at random points of a load and started again, the load repeated from its start.

What must hold: no acknowledged event is lost, none is counted twice, it is ready again in 2 s, and in the end the figures
are those of a run that nobody disturbed. Prints its seed; KEFU_SEED takes it back. KEFU_SOAK: 1,000 kills instead of 20, or as many as KEFU_SOAK_S seconds have room for.
"""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

BUILD, TMP = os.environ["KEFU_BUILD"], os.environ["TMPDIR"]
KILLS = 1000 if os.environ.get("KEFU_SOAK") else 20
SOAK_S = float(os.environ.get("KEFU_SOAK_S", "inf")) if os.environ.get("KEFU_SOAK") else float("inf")
READY_S = 2.0 if not BUILD.endswith(("san", "tsan")) else 20.0
START_MS = 1767578400000  # long ago: every deadline has passed, so figures do not depend on when they are asked for


def make_load(rng, chats):
    """Chats of several agents, shuffled a little: waits, transfers, ratings, orders, recalls, late lines."""
    lines, n = [], 0

    def add(ts, **members):
        nonlocal n
        n += 1
        lines.append((ts, json.dumps({"id": f"e{n}", "ts": ts, **members})))
        return f"e{n}"

    for c in range(chats):
        at, chat, agent = START_MS + rng.randrange(20 * 86400_000), f"c{c}", f"a{rng.randrange(12)}"
        add(at, type="conversation.opened", conversation=chat, customer=f"u{rng.randrange(chats // 3 + 1)}", shop="s")
        if rng.random() < 0.6:
            add(at + 5, type="conversation.assigned", conversation=chat, agent=agent)
        for _ in range(rng.randrange(1, 6)):
            at += rng.randrange(1000, 90_000)
            asked = add(at, type="message", conversation=chat, **{"from": "customer"}, text=rng.choice(["在吗", "谢谢", "?"]))
            if rng.random() < 0.05:
                add(at + 500, type="message.recalled", conversation=chat, message=asked)
            at += rng.randrange(1000, 60_000)
            if rng.random() < 0.1:
                agent = f"a{rng.randrange(12)}"
                add(at - 500, type="conversation.assigned", conversation=chat, agent=agent, by="supervisor")
            add(at, type="message", conversation=chat, **{"from": "agent"}, agent=agent)
        if rng.random() < 0.8:
            add(at + 9000, type="conversation.resolved", conversation=chat)
        if rng.random() < 0.5:
            rated = add(at + 20_000, type="rating", conversation=chat, score=rng.randrange(1, 6))
            if rng.random() < 0.1:
                add(at + 30_000, type="rating.voided", conversation=chat, rating=rated, reason="test")
        if rng.random() < 0.2:
            add(at + 40_000, type="order", order=f"o{c}", agent=agent, kind="cross", amount_fen=990, state="paid")
    lines.sort(key=lambda l: l[0] + rng.randrange(3_600_000))
    return [l.encode() + b"\n" for _, l in lines]


class Daemon:
    def __init__(self, name):
        self.state = os.path.join(TMP, name)
        self.config = os.path.join(TMP, name + ".json")
        self.log = os.path.join(TMP, name + ".log")
        with open(self.config, "w") as f:
            json.dump({"state_dir": self.state, "http_listen": "", "redis_address": ""}, f)

    def start(self):
        began = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([os.path.join(BUILD, "kefud"), "-c", self.config], stderr=log)
        while b"evt=ready" not in open(self.log, "rb").read():
            if self.process.poll() is not None:
                sys.exit("kefud did not start:\n" + open(self.log).read())
            time.sleep(0.005)
        return time.monotonic() - began

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait() == 0, open(self.log).read()

    def connect(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.connect(os.path.join(self.state, name))
        return s

    def ask(self, **request):
        s = self.connect("control.sock")
        s.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(s.makefile().readline())
        assert answer["ok"], answer
        return answer

    def rows(self, by):
        return self.ask(do="report", by=by)["report"]["rows"]

    def load(self, lines):
        """All of the lines, to the last acknowledgement."""
        s = self.connect("ingest.sock")
        Feeder(s, lines).run(None)
        s.close()


class Feeder:
    """Sends lines and counts acknowledgements until the end, or until a moment at which it kills the daemon."""

    def __init__(self, sock, lines):
        self.sock, self.data, self.lines_n, self.acked = sock, b"".join(lines), len(lines), 0
        self.rejected = []

    def take(self, rest):
        *whole, rest = rest.split(b"\n")
        for line in whole:
            answer = json.loads(line)
            self.acked = answer["ack"]
            self.rejected += answer["rejected"]
        return rest

    def run(self, kill_at):
        sent, rest, shut = 0, b"", False
        self.sock.setblocking(False)
        while True:
            if kill_at is not None and time.monotonic() >= kill_at:
                return
            try:
                if sent < len(self.data):
                    sent += self.sock.send(self.data[sent:sent + 65536])
                elif not shut:
                    self.sock.shutdown(socket.SHUT_WR)
                    shut = True
            except BlockingIOError:
                pass
            try:
                piece = self.sock.recv(1 << 20)
                if not piece:
                    break
                rest = self.take(rest + piece)
            except BlockingIOError:
                time.sleep(0.0002)
        assert self.acked == self.lines_n, (self.acked, self.lines_n)
        assert not self.rejected, self.rejected[:3]

    def last_words(self):
        """What the daemon still said before it was killed."""
        rest = b""
        try:
            while piece := self.sock.recv(1 << 20):
                rest = self.take(rest + piece)
        except (BlockingIOError, ConnectionError):
            pass
        return self.acked


def main():
    seed = int(os.environ.get("KEFU_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed} (KEFU_SEED={seed} repeats it)")
    rng = random.Random(seed)
    lines = make_load(rng, 3000)

    calm = Daemon("calm")
    calm.start()
    began = time.monotonic()
    calm.load(lines)
    took = time.monotonic() - began
    expected = {by: calm.rows(by) for by in ("month", "day")}
    assert len(expected["day"]) > 50
    calm.stop()

    hurt, slowest, unheard, kills, until = Daemon("hurt"), 0.0, 0, 0, time.monotonic() + SOAK_S
    for k in range(KILLS):
        if time.monotonic() > until:
            break
        kills += 1
        slowest = max(slowest, hurt.start())
        part = lines[: max(1, len(lines) * (k % 20 + 1) // 20)]
        sock = hurt.connect("ingest.sock")
        feeder = Feeder(sock, part)
        feeder.run(time.monotonic() + rng.random() * took * len(part) / len(lines))
        hurt.kill()
        acked = feeder.last_words()
        sock.close()
        slowest = max(slowest, hurt.start())
        have = hurt.ask(do="status")["counts"]["events"]
        assert have >= acked, f"kill {k}: {acked} lines were acknowledged, {have} events are there"
        unheard += have > acked
        hurt.kill()
        if k % 20 == 19 and k + 1 < KILLS:
            shutil.rmtree(hurt.state)

    slowest = max(slowest, hurt.start())
    hurt.load(lines)
    assert hurt.ask(do="status")["counts"]["events"] == len(lines)
    for by in ("month", "day"):
        assert hurt.rows(by) == expected[by], f"other figures by {by} than undisturbed"
    hurt.stop()
    print(f"{kills} kills over {len(lines)} events: figures the same; {unheard} times more was durable than was "
          f"acknowledged; slowest start {slowest:.2f} s")
    assert slowest <= READY_S, f"ready after {slowest:.2f} s, expected {READY_S} s"


main()
