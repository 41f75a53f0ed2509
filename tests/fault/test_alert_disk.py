#!/usr/bin/env python3
# limit_s: 170
"""A full disk is told of though nothing can be written: a robot hears within seconds, once, and with KEFU_SOAK also that there
is room again. On a real small file system."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
if sys.argv[1:] != ["mounted"]:
    for how in (["unshare", "-m"], ["unshare", "-rm"]):
        if subprocess.run([*how, "true"], capture_output=True).returncode == 0:
            os.execvp(how[0], [*how, sys.executable, os.path.abspath(__file__), "mounted"])
    print("no right to mount a small file system")
    sys.exit(77)

import json  # noqa: E402

import kefud_run  # noqa: E402
from kefud_run import Kefud, want  # noqa: E402
from robot_server import Robot  # noqa: E402


def message(n):
    return {"id": f"m{n}", "ts": 1772294400000, "type": "message", "conversation": f"c{n}", "from": "customer"}


def feed(k, first):
    """Sends through the socket until the daemon has no room; how many went in does not matter here."""
    lines = "".join(json.dumps(message(n)) + "\n" for n in range(first, first + 200)).encode()
    subprocess.run([f"{kefud_run.BUILD}/kefuctl", "load", "-", "--state", k.state], input=lines, capture_output=True,
                   timeout=3, check=False)


def test(folder):
    robot = Robot()
    state = os.path.join(folder, "state")
    os.makedirs(state)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", state]).returncode:
        return 77
    for name, text in {"url": f"http://{robot.host}/robot/send?access_token=T", "channels.json": json.dumps({"channels": [
            {"name": "ops", "kind": "dingtalk", "hears": ["ops"], "url_file": "url", "hosts": [robot.host],
             "allow_private": True}]})}.items():
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    k = Kefud(folder, channels_file="channels.json").start()
    with open(os.path.join(state, "filler"), "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"0" * 4096)
        except OSError:
            pass
    began, n = time.monotonic(), 0
    while not robot.got:
        assert time.monotonic() < began + 60, "the robot heard of nothing"
        try:
            feed(k, n)
        except subprocess.TimeoutExpired:
            pass # it waits for room, as it should
        n += 200
    assert "磁盘已满" in robot.texts()[0] and "已解除" not in robot.texts()[0], robot.texts()
    try:
        feed(k, n)  # full again and again, and nothing more is said of it
    except subprocess.TimeoutExpired:
        pass
    assert k.process.poll() is None, "kefud has ended"
    os.remove(os.path.join(state, "filler"))
    k.load([message(n + 1)])
    k.ctl("alert", "test", "ops")  # behind all that was to be said
    robot.wait_for(2, 30)
    want("messages of one full disk", 1, len([t for t in robot.texts() if "磁盘已满" in t]))
    if os.environ.get("KEFU_SOAK"):
        robot.wait_for(3, 90)
        assert any("已解除" in t for t in robot.texts()), robot.texts()
    k.stop()


sys.exit(kefud_run.main(test))
