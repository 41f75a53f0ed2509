#!/usr/bin/env python3
# limit_s: 400
"""docs/redis.md is true: its access lists are set, kefud and every example run with them as printed, and each example prints
what the comment behind it says. The tunnel of its chapter on TLS is built and kefud publishes through it."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

from shop import (HANDLED, NOW_MS, SOCK, TMP, child, control, redis, send, start_kefud, start_redis, stop_kefud, wait_for,
                  work, write_config)

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DOC = open(os.path.join(ROOT, "docs", "redis.md"), encoding="utf-8").read()
PYTHON = next((p for p in ("/usr/bin/python3", sys.executable)
               if subprocess.run([p, "-c", "import redis"], capture_output=True).returncode == 0), None)
BIN, NODE = os.path.join(TMP, "bin"), os.path.join(TMP, "node")


def named_in(page):
    """What the first columns of a page's tables name."""
    return {word for line in page.splitlines() if line.startswith("| ") for word in re.findall(r"`([^`]+)`", line.split(" | ")[0])}


def the_chinese_page_names_the_same():
    with open(os.path.join(ROOT, "docs", "redis.zh-CN.md"), encoding="utf-8") as f:
        page = f.read()
    assert named_in(page) == named_in(DOC), named_in(page) ^ named_in(DOC)
    for line in re.findall(r"^redis-cli .*?(?=  +#|$)", page, re.M):
        assert line in DOC, f"docs/redis.md does not run this: {line}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PORT = free_port()


def blocks(kind):
    """The blocks of a kind: the text, and what it prints or ""."""
    return re.findall(r"^```" + kind + r"\n(.*?)^```\n(?:<!-- prints: (.*?) -->)?", DOC, re.S | re.M)


def acl_users():
    lines = [l for text, _ in blocks("acl") for l in text.splitlines()]
    for line in lines:
        words = line.replace(">PASSWORD", ">pw").split()
        assert words[:2] == ["ACL", "SETUSER"], line
        redis(*words)
    return [l.split()[2] for l in lines]


def tools(user):
    """redis-cli as this user would have it set up, and the environment of the examples."""
    os.makedirs(BIN, exist_ok=True)
    with open(os.path.join(BIN, "redis-cli"), "w") as f:
        f.write(f'#!/bin/sh\nexec {shutil.which("redis-cli")} -p {PORT} --user {user} --pass pw --no-auth-warning "$@"\n')
    os.chmod(os.path.join(BIN, "redis-cli"), 0o755)
    return {**os.environ, "PATH": BIN + ":" + os.environ["PATH"], "REDIS_URL": f"redis://{user}:pw@127.0.0.1:{PORT}"}


def user_of(text):
    """Who would run an example: whoever may do what is in it."""
    if "tiers" in text:
        return "bot"
    if re.search(r"\bXADD\b|xAdd|xadd", text):
        return "shop"
    return "panel" if "side panel" in DOC[:DOC.index(text)][-600:] and "const agent" in text else "wallboard"


class Nudge(threading.Thread):
    """Keeps figures changing while an example looks."""

    def __init__(self):
        super().__init__(daemon=True)
        self.n, self.ended = 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.3):
            self.n += 1
            at = NOW_MS - 1000 + self.n
            send([{"id": f"nudge-{NOW_MS}-{time.monotonic_ns()}", "type": "message", "conversation": f"li.na-{self.n % HANDLED}",
                   "from": "system", "ts": at},
                  {"id": f"open-{time.monotonic_ns()}", "type": "conversation.assigned", "agent": "li.na",
                   "conversation": f"nudged-{time.monotonic_ns()}", "ts": at}])


def run_example(command, text, expected, env, cwd):
    """Until it has printed what it should; one that ends by itself must end well."""
    assert expected, f"no comment says what this prints:\n{text}"
    out_path = os.path.join(TMP, "out")
    pattern = re.compile(expected, re.S | re.M)
    with open(out_path, "wb") as out:
        p = child(*command, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=cwd, start_new_session=True)

    def printed():
        return open(out_path, encoding="utf-8").read()

    wait_for(f"this to print {expected}:\n{text}", lambda: p.poll() is not None or pattern.search(printed()), 20)
    if p.poll() is None and re.search(r"SUBSCRIBE|BLOCK|subscribe|for \(;;\)", text):
        os.killpg(p.pid, 9)
    else:
        assert p.wait(10) == 0, (text, printed())
    p.wait()
    assert pattern.search(printed()), f"{text}\nprinted, instead of {expected}:\n{printed()}"


def install_node():
    """The packages of the lock file; False: they are not to be had."""
    if not shutil.which("node") or not shutil.which("npm"):
        return False
    shutil.copytree(os.path.join(ROOT, "tests", "contract"), NODE, ignore=shutil.ignore_patterns("node_modules"))
    out = subprocess.run(["npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-progress"], cwd=NODE,
                         capture_output=True, text=True)
    if out.returncode:
        print(out.stderr[-600:])
    return out.returncode == 0


def check_examples():
    with_node, run_n = install_node(), 0
    for kind in ("sh", "js", "python"):
        found = blocks(kind)
        assert len(found) >= 3, (kind, len(found))
        for text, expected in found:
            if kind == "js" and not with_node or kind == "python" and not PYTHON:
                continue
            name = {"sh": os.path.join(TMP, "example.sh"), "js": os.path.join(NODE, "example.mjs"),
                    "python": os.path.join(TMP, "example.py")}[kind]
            with open(name, "w", encoding="utf-8") as f:
                f.write(text)
            command = {"sh": ["sh", "-e"], "js": ["node"], "python": [PYTHON]}[kind] + [name]
            run_example(command, text, expected, tools(user_of(text)), TMP)
            run_n += 1
    return run_n, with_node


def check_fed():
    """The three events of the chapter on streams have arrived."""
    def conversation():
        return control({"do": "status"})["counts"]["quarantined"] == 0 and "m-3" in exported()

    wait_for("the events of the examples", conversation)


def exported():
    out = subprocess.run([os.path.join(os.environ["KEFU_BUILD"], "kefuctl"), "journal", "export", "--state",
                          os.path.join(TMP, "state")], capture_output=True, text=True)
    return out.stdout


def check_names():
    """Every key and field that is in Redis is in the tables of the page, and the users can do no more than they must."""
    for field in redis("HGETALL", "{kefu}:agent:li.na"):
        assert f"`{re.sub(':[a-z_]+:', ':NAME:', field)}`" in DOC, field
    for field in redis("HGETALL", "{kefu}:meta"):
        assert f"`{field}`" in DOC, field
    for _, fields in redis("XRANGE", "{kefu}:tiers", "-", "+"):
        assert all(f"`{f}`" in DOC for f in fields[::2]), fields
    for key in redis("KEYS", "{kefu}:*"):
        kind = key.removeprefix("{kefu}:").split(":")[0]
        assert re.search(rf"^\| `{kind}(:[A-Z]+)?` \|", DOC, re.M), key
    for user, command in (("shop", "XRANGE chat - +"), ("panel", "HSET {kefu}:agent:li.na score 1"), ("bot", "HGETALL {kefu}:agent:li.na"),
                          ("wallboard", "DEL {kefu}:meta"), ("panel", "XRANGE {kefu}:tiers - +"), ("kefud", "GET other"),
                          ("kefud-streams", "FLUSHALL"), ("wallboard", "XREAD STREAMS {kefu}:tiers 0")):
        said = subprocess.run(["redis-cli", "-p", str(PORT), "--user", user, "--pass", "pw", "--no-auth-warning",
                               *command.split()], capture_output=True, text=True).stdout
        assert "NOPERM" in said, (user, command, said)


def certificates():
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=TMP)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "redis-ca.pem", "-days", "2",
            "-subj", "/CN=test ca")
    for name in ("redis.example", "kefud"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj",
                f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "redis-ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-copy_extensions", "copy", "-out", name + ".pem", "-days", "2")


def check_tunnel():
    """The file as printed, but for its paths, its ports, and where redis.example is."""
    stunnel = shutil.which("stunnel4") or shutil.which("stunnel")
    if not stunnel:
        return False
    certificates()
    tls_port, near_port = free_port(), free_port()
    child("redis-server", "--port", "0", "--tls-port", str(tls_port), "--tls-cert-file", "redis.example.pem", "--tls-key-file",
          "redis.example.key", "--tls-ca-cert-file", "redis-ca.pem", "--tls-auth-clients", "yes", "--save", "", cwd=TMP,
          stdout=subprocess.DEVNULL)
    (text, _), = blocks("ini")
    for printed, real in (("127.0.0.1:6390", f"127.0.0.1:{near_port}"), ("connect = redis.example:6380", f"connect = 127.0.0.1:{tls_port}"),
                          ("/etc/stunnel", TMP)):
        assert printed in text
        text = text.replace(printed, real)
    with open(os.path.join(TMP, "tunnel.conf"), "w") as f:
        f.write(f"foreground = yes\npid =\nsyslog = no\noutput = {TMP}/tunnel.log\n" + text)
    child(stunnel, os.path.join(TMP, "tunnel.conf"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def near(*args):
        return subprocess.run(["redis-cli", "-p", str(near_port), *args], capture_output=True, text=True).stdout.strip()

    wait_for("the tunnel", lambda: near("PING") == "PONG")
    write_config(redis_address=f"tcp:127.0.0.1:{near_port}")
    kefud = start_kefud()
    wait_for("figures behind the tunnel", lambda: near("HGET", "{kefu}:agent:li.na", "score") == "100.00")
    stop_kefud(kefud)
    return True


def main():
    start_redis("--port", str(PORT))
    users = acl_users()
    assert len(users) == 6, users
    with open(os.path.join(TMP, "pw"), "w") as f:
        f.write("pw\n")
    write_config(redis_username="kefud", redis_password_file="pw", streams="chat orders", streams_username="kefud-streams",
                 streams_password_file="pw")
    kefud = start_kefud()
    send(work("li.na", "售前", 5, HANDLED) + work("wang", "售前", 3, 0))
    wait_for("their tiers", lambda: redis("XLEN", "{kefu}:tiers") == 2)
    nudge = Nudge()
    run_n, with_node = check_examples()
    nudge.ended.set()
    nudge.join()
    check_names()
    if with_node and PYTHON:
        check_fed()
    redis_state = control({"do": "status"})["redis"]
    assert redis_state["state"] == "live" and redis_state["errors"] == 0, redis_state
    stop_kefud(kefud)
    tunnel = check_tunnel()
    missing = [what for what, there in (("npm's redis", with_node), ("python3-redis", PYTHON), ("stunnel4", tunnel)) if not there]
    print(f"{run_n} examples, {len(users)} users as printed in docs/redis.md")
    if missing:
        print("without " + ", ".join(missing) + ", which could not be had")
        sys.exit(77)


main()
