#!/usr/bin/env python3
# limit_s: 120
"""kefuctl watch under a terminal of the test's own (a pty), with nothing but a Redis: what it shows in both languages, that it
fits the window at every size, says when Redis or kefud are away, and gives the terminal back however it ends."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import unicodedata

from shop import BUILD, KEFUCTL, SOCK, TMP, redis, start_redis, wait_for

ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"
ARGS = ["--redis", "unix:" + SOCK]


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Terminal:
    def __init__(self, *args, lines=24, columns=100, lang="zh", env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env or {})
            time.sleep(0.2)  # until the window has its size and what it was like is noted
            os.execv(KEFUCTL, [KEFUCTL, "watch", *args, *ARGS, "--lang", lang])
        self.resize(lines, columns)
        self.before = termios.tcgetattr(self.fd)
        self.out = b""

    def resize(self, lines, columns):
        self.lines, self.columns = lines, columns
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, pause_s=0.02):
        while select.select([self.fd], [], [], pause_s)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                return
            if not piece:
                return
            self.out += piece

    def page(self):
        """The lines of the last whole page, without colours."""
        self.read()
        pages = self.out.split(b"\033[H")[1:]
        whole = [p.split(b"\033[J")[0] for p in pages if b"\033[J" in p]
        text = re.sub(r"\033\[[0-9;]*[mK]", "", whole[-1].decode()) if whole else ""
        assert "\033" not in text, repr(text)
        return re.sub(r"\r+\n", "\n", text).split("\n")  # the pty adds a return of its own

    def shows(self, what, limit_s=10):
        wait_for(f"the page to show {what!r}: {self.page()}", lambda: any(what in l for l in self.page()), limit_s)
        return self.page()

    def type(self, keys):
        os.write(self.fd, keys)

    def end(self):
        """Waits for its end, and wants the terminal as it was. Its exit status."""
        ended = []
        wait_for("the end", lambda: self.read(0) or ended.extend(os.waitpid(self.pid, os.WNOHANG)) or ended[-2])
        self.read()
        assert self.out.rstrip(b"\r\n").endswith(LEAVE), self.out[-200:]
        assert self.out.count(ENTER) == self.out.count(LEAVE) and b"\033[?25h" + LEAVE in self.out
        assert termios.tcgetattr(self.fd) == self.before, "the terminal is not as it was"
        os.close(self.fd)
        return os.waitstatus_to_exitcode(ended[-1])


def put(agent, team, **fields):
    redis("HSET", "{kefu}:agent:" + agent, "team", team, *[w for k, v in fields.items() for w in (k, str(v))])


def fill():
    now = int(time.time() * 1000)
    redis("HSET", "{kefu}:meta", "version", "0.1.0", "epoch", "1", "seq", "1", "rulebook", "seed", "period", "2026-11")
    redis("SET", "{kefu}:alive", "1")
    put("li.na", "售前组", score="89.99", tier="good", provisional=0, waiting=2, open=5, answered=40, within=38, missed=1,
        rated=12, rating_mean="4.666", oldest_wait_at=now - 45_000, **{"kpi:response:value": "0.9500",
                                                                      "kpi:response:points": "95.00"})
    put("wang", "售前组", score="95.10", tier="excellent", provisional=1, waiting=0, open=1, answered=9, within=9, missed=0)
    put("sun", "售后组", score="61.00", tier="unqualified", provisional=0, waiting=1, open=2, answered=3, within=1,
        missed=7, oldest_wait_at=now - 3_700_000)
    put("new", "售后组", waiting=0, open=0, answered=0, within=0, missed=0)


def fits(t):
    page = t.page()
    assert len(page) <= t.lines, (len(page), t.lines)
    assert all(width(l) <= t.columns for l in page), (t.columns, page)
    return page


def check_pages():
    t = Terminal()
    page = t.shows("li.na")
    assert "全部客服" in page[0] and "2026-11" in page[0] and "4 人" in page[0], page
    rows = [l.split() for l in page[3:7]]
    assert [r[0] for r in rows] == ["wang", "li.na", "sun", "new"], rows
    assert rows[0][1:4] == ["售前组", "95.10", "优秀*"] and rows[1][3] == "良好" and rows[3][2] == "-", rows
    assert re.fullmatch("0:4[5-9]|0:5.", rows[1][5]) and rows[2][5].startswith("1:01:4"), rows
    assert b"\033[1;31mli.na" in t.out and b"\033[1;31mwang" not in t.out
    put("li.na", "售前组", score="96.00")
    wait_for("the new order", lambda: t.page()[3].startswith("li.na"))
    t.type(b"s")
    wait_for("the order by waits", lambda: t.page()[3].startswith("sun"))
    for lines, columns in ((24, 40), (6, 100), (3, 12), (1, 1), (50, 200)):
        before = len(t.out)
        t.resize(lines, columns)
        wait_for("a page after resizing", lambda: t.read() or b"\033[J" in t.out[before:])
        time.sleep(0.1)  # the page that was under way when the size changed has gone by
        fits(t)
    t.type(b"q")
    assert t.end() == 0


def check_scrolling():
    for i in range(40):
        put(f"m{i:02}", "大组", score=f"{50 - i}.00", waiting=0)
    t = Terminal("大组", lines=14)
    assert t.shows("m00")[3].startswith("m00") and len(fits(t)) <= 14
    t.type(b"\033[B")
    wait_for("one down", lambda: t.page()[3].startswith("m01"))
    t.type(b" ")
    wait_for("a page down", lambda: t.page()[3].startswith("m11"))
    t.type(b"bk")
    wait_for("back", lambda: t.page()[3].startswith("m01"))
    t.type(b"\x03")  # Ctrl-C
    assert t.end() == 0
    redis("DEL", *[f"{{kefu}}:agent:m{i:02}" for i in range(40)])


def check_english_team_and_agent():
    t = Terminal("售前组", lang="en")
    page = t.shows("li.na")
    assert "2 agents" in page[0] and not any("sun" in l for l in page) and "tier" in page[2], page
    assert any("excellent*" in l for l in page), page
    os.kill(t.pid, signal.SIGTERM)
    assert t.end() == 0
    t = Terminal("li.na", lang="en")
    page = t.shows("KPI response")
    assert any(l.startswith("KPI response") and "95.00 points" in l and "0.9500" in l for l in page), page
    os.kill(t.pid, signal.SIGHUP)
    assert t.end() == 0
    t = Terminal("nobody", lang="en")
    t.shows("no such agent or team")
    t.type(b"q")
    assert t.end() == 0


def check_away(server):
    t = Terminal()
    t.shows("li.na")
    redis("DEL", "{kefu}:alive")
    t.shows("kefud 没有在运行")
    server.kill()
    server.wait()
    t.shows("连不上 Redis")
    assert any("li.na" in l for l in t.page())  # the last there was
    start_redis()
    fill()
    wait_for("Redis to be found again", lambda: not any("连不上" in l or "没有" in l for l in t.page()))
    os.kill(t.pid, signal.SIGTSTP)
    wait_for("its stop", lambda: open(f"/proc/{t.pid}/stat").read().split(") ")[1][0] == "T")
    t.read()
    assert t.out.endswith(LEAVE) and termios.tcgetattr(t.fd) == t.before
    os.kill(t.pid, signal.SIGCONT)
    wait_for("the page after fg", lambda: t.read() or t.out.count(ENTER) == 2)
    t.type(b"q")
    assert t.end() == 0


def run(*args, status=0):
    out = subprocess.run([KEFUCTL, "watch", *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=TMP)
    assert out.returncode == status, (args, out.returncode, out.stdout, out.stderr)
    return out.stdout if status == 0 else out.stderr


def check_once():
    page = run("--lang", "zh", *ARGS)
    assert "\033" not in page and "li.na" in page and "优秀*" in page, page
    said = json.loads(run("--json", *ARGS))
    assert said["alive"] and said["meta"]["period"] == "2026-11" and said["agents"][0]["agent"] == "wang", said
    assert "no answer" in run("--once", "--redis", "unix:" + os.path.join(TMP, "nothing.sock"), status=3)
    assert "one agent or one team" in run("a", "b", *ARGS, status=2)
    assert "expected the path" in run("--redis", "redis.example:6379", status=1)
    redis("ACL", "SETUSER", "panel", "on", ">pw", "~{kefu}:*", "+@read", "+@connection", "-keys")
    with open(os.path.join(TMP, "pw"), "w") as f:
        f.write("pw\n")
    with open(os.path.join(TMP, "kefud.json"), "w") as f:
        json.dump({"redis_address": "unix:" + SOCK, "redis_username": "panel", "redis_password_file": "pw"}, f)
    assert "li.na" in run("售前组")  # ./kefud.json says where
    redis("ACL", "SETUSER", "panel", "-hgetall")
    assert "NOPERM" in run("售前组", status=3)
    redis("ACL", "SETUSER", "panel", "+hgetall")
    redis("HSET", "{kefu}:agent:evil\033[2J", "team", "x\033]0;y\007", "score", "1")
    assert "\033" not in run("--once") and "\007" not in run("--once")


def main():
    assert BUILD
    server = start_redis()
    fill()
    check_pages()
    check_scrolling()
    check_english_team_and_agent()
    check_away(server)
    check_once()
    print("pages, sizes, keys, both languages, Redis and kefud away; the terminal was given back each time")


main()
