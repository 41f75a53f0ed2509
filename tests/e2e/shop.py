"""A kefud with a real Redis, for tests: starts both under $TMPDIR, sends events, asks, waits for conditions. Everything it
started is killed at the end. Imported, not run; exits with 77 where Redis is not installed."""
import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import time

BUILD, TMP = os.environ["KEFU_BUILD"], os.environ["TMPDIR"]
SOCK, STATE, CONFIG = (os.path.join(TMP, name) for name in ("redis.sock", "state", "kefud.json"))
KEFUD, KEFUCTL = os.path.join(BUILD, "kefud"), os.path.join(BUILD, "kefuctl")
LOG = os.path.join(TMP, "kefud.log")
SOAK = bool(os.environ.get("KEFU_SOAK"))
SANITIZED = os.path.basename(BUILD) in ("san", "tsan")  # whose times say nothing
LIMIT_S = 30

if not shutil.which("redis-server") or not shutil.which("redis-cli"):
    print("redis-server and redis-cli are not installed")
    sys.exit(77)

children = []


@atexit.register
def _kill_children():
    for child in children:
        if child.poll() is None:
            child.kill()
            child.wait()


def child(*args, **options):
    children.append(subprocess.Popen(args, **options))
    return children[-1]


def redis(*args):
    """A command; its reply as JSON says it. An error ends the test."""
    out = subprocess.run(["redis-cli", "-s", SOCK, "--json", "-e", *args], capture_output=True, text=True)
    assert out.returncode == 0, (args, out.stdout, out.stderr)
    return json.loads(out.stdout)


def wait_for(what, is_so, limit_s=LIMIT_S, pause_s=0.02):
    end = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > end:
            sys.exit(f"waited {limit_s} s in vain: {what}")
        time.sleep(pause_s)


def start_redis(*options):
    p = child("redis-server", "--port", "0", "--unixsocket", SOCK, "--save", "", "--dir", TMP, *options,
              stdout=subprocess.DEVNULL)
    wait_for("redis-server", lambda: subprocess.run(["redis-cli", "-s", SOCK, "ping"], capture_output=True).stdout ==
             b"PONG\n")
    return p


def write_config(**members):
    # In a zone where the month is not just beginning: what happened a quarter of an hour ago must be of this month.
    zone = "Etc/GMT-12" if time.gmtime().tm_mday == 1 and time.gmtime().tm_hour < 2 else "UTC"
    with open(CONFIG, "w") as config:
        json.dump({"state_dir": STATE, "http_listen": "", "redis_address": "unix:" + SOCK, "timezone": zone, **members},
                  config)


def start_kefud():
    with open(LOG, "wb") as log:
        p = child(KEFUD, "-c", CONFIG, stderr=log)
    wait_for("kefud", lambda: p.poll() is not None or b"evt=ready" in open(LOG, "rb").read())
    assert p.poll() is None, open(LOG).read()
    return p


def stop_kefud(p):
    p.terminate()
    assert p.wait(60) == 0, open(LOG).read()


def connect(name="ingest.sock"):
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.path.join(STATE, name))
    return s


def control(request):
    with connect("control.sock") as s:
        s.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(s.makefile().readline())
    assert answer["ok"], answer
    return answer


def report():
    return control({"do": "report", "by": "month"})["report"]["rows"]


def send(lines, wait=True):
    """Events as objects; waits until all are acknowledged, unless told not to."""
    s = connect()
    s.sendall(b"".join(json.dumps(l).encode() + b"\n" for l in lines))
    if wait:
        s.shutdown(socket.SHUT_WR)
        answers = [json.loads(l) for l in s.makefile()]
        assert answers[-1]["ack"] == len(lines) and not any(a["rejected"] for a in answers), answers
        s.close()
    return s


HANDLED = 12
NOW_MS = int(time.time() * 1000)


def work(agent, team, score, orders):
    """A quarter of an hour's work of an agent: all answered in time, rated with `score`, some cross-sales."""
    lines = [{"id": f"{agent}-p", "type": "agent.profile", "agent": agent, "team": team}]
    for i in range(HANDLED):
        at, chat = NOW_MS - 900_000 + i * 60_000, f"{agent}-{i}"
        lines += [
            {"id": f"{chat}-q", "type": "message", "conversation": chat, "from": "customer", "ts": at, "text": "在吗"},
            {"id": f"{chat}-a", "type": "message", "conversation": chat, "from": "agent", "agent": agent, "ts": at + 5000},
            {"id": f"{chat}-r", "type": "conversation.resolved", "conversation": chat, "ts": at + 9000},
            {"id": f"{chat}-s", "type": "rating", "conversation": chat, "score": score, "ts": at + 10000},
        ]
        if i < orders:
            lines.append({"id": f"{chat}-o", "type": "order", "order": chat, "agent": agent, "kind": "cross",
                          "amount_fen": 100, "state": "paid", "ts": at + 11000})
    return [{"ts": NOW_MS - 900_000, **l} for l in lines]


def add(stream, lines):
    """XADDs lines of JSON under the field e, many at a time."""
    pipe = subprocess.Popen(["redis-cli", "-s", SOCK, "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out = []
    for line in lines:
        words = ["XADD", stream, "*", "e", line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)]
        out.append(b"*%d\r\n" % len(words) +
                   b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words))
    said = pipe.communicate(b"".join(out))[0].decode()
    assert f"errors: 0, replies: {len(out)}" in said, said


def simulate(events, seed=1, days=3, **options):
    """Lines of an invented shop."""
    args = [w for k, v in options.items() for w in (f"--{k}", str(v))]
    out = subprocess.run([KEFUCTL, "simulate", "--out", "-", "--events", str(events), "--seed", str(seed), "--days",
                          str(days), *args], capture_output=True, text=True, check=True)
    return out.stdout.splitlines()
