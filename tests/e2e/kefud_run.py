"""A kefud of a test's own, and kefuctl beside it. Everything lives under a folder that the test gives."""
import json
import os
import signal
import subprocess
import sys
import time

BUILD = os.environ.get("KEFU_BUILD", "build")


class Kefud:
    """One state directory; start and stop as often as the test likes."""

    all = []

    def __init__(self, folder, **config):
        Kefud.all.append(self)
        self.state = os.path.join(folder, "state")
        self.config = os.path.join(folder, "kefud.json")
        self.log = os.path.join(folder, "kefud.log")
        self.process = None
        self.settings = {"state_dir": self.state, "http_listen": "127.0.0.1:0", "redis_address": "", **config}
        open(self.log, "w").close()

    def start(self, expect=None):
        """Starts and waits until it is ready; with `expect`, waits for its end with that exit status instead."""
        with open(self.config, "w") as f:
            json.dump(self.settings, f)
        at = os.path.getsize(self.log)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([f"{BUILD}/kefud", "-c", self.config], stderr=log)
        if expect is not None:
            status = self.process.wait(60)
            self.process = None
            assert status == expect, f"exit status {status}, expected {expect}: {self.log_text()[-500:]}"
            return self
        end = time.monotonic() + 60
        while b"evt=ready" not in self.log_text(at):
            assert self.process.poll() is None, f"kefud ended: {self.log_text(at)[-500:]}"
            assert time.monotonic() < end, "kefud was not ready in a minute"
            time.sleep(0.02)
        return self

    def log_text(self, at=0):
        with open(self.log, "rb") as f:
            f.seek(at)
            return f.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.process = None
        assert status == 0, f"exit status {status} after SIGTERM"

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def ctl(self, *args, status=0, stdin=None):
        """kefuctl with these arguments; its standard output as bytes."""
        run = subprocess.run([f"{BUILD}/kefuctl", *args, "--state", self.state], input=stdin, capture_output=True,
                             timeout=120)
        self.said = run.stderr.decode()
        assert run.returncode == status, f"kefuctl {args}: exit status {run.returncode}, expected {status}: {self.said}"
        return run.stdout

    def json(self, *args, **how):
        return json.loads(self.ctl(*args, "--json", **how))

    def decide(self, how, month, agent, *more):
        """Accepts or rejects an agent's adjustment as it is now."""
        found = self.json("month", "adjustments", month)["adjustments"]
        fen = next(a["difference_fen"] for a in found if a["agent"] == agent)
        amount = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"
        return self.json("month", how, month, agent, "--difference", amount, *more)

    def load(self, events):
        """Events as objects, through kefuctl load."""
        lines = "".join(json.dumps(e) + "\n" for e in events).encode()
        self.ctl("load", "-", stdin=lines)


def main(test, folder=None):
    folder = folder or os.environ["TMPDIR"]
    try:
        return test(folder) or 0
    except AssertionError as why:
        print(f"FAILED: {why}")
        raise
    finally:
        for one in Kefud.all:
            one.kill()


def wait_for(what, is_so, limit_s=30):
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, f"waited {limit_s} s in vain for {what}"
        time.sleep(0.02)


def want(what, expected, found):
    assert expected == found, f"{what}: expected {expected!r}, found {found!r}"


if __name__ == "__main__":
    sys.exit("a module of tests, not a test")
