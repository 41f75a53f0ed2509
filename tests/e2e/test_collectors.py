#!/usr/bin/env python3
# limit_s: 120
"""A running kefud with a Chatwoot beside it: deliveries that prove themselves count once however often they come, others are
refused; what was lost is asked for, also across a kill -9; collectors.json is taken over by a reload whole or not at all; no
message text and no secret is in the log or on the disk."""
import hashlib
import hmac
import http.server
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kefud_run import BUILD, Kefud, main, wait_for  # noqa: E402

TMP = os.environ["TMPDIR"]
SECRET, TOKEN, TEXT = "hook-secret-4711", "api-token-0815", "where is my pink parcel"
NOW = int(time.time())
BASE = NOW - 3600
kefud = Kefud(TMP, collectors_file="collectors.json", agents_file="agents.json")


def write(name, value):
    path = os.path.join(TMP, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(value if isinstance(value, str) else json.dumps(value))
    return path


# --- a Chatwoot -------------------------------------------------------------------------------------------------------

def message(number, chat, at, sender, kind):
    m = {"id": number, "content": TEXT, "content_type": "text", "content_attributes": {}, "message_type": kind,
         "private": False, "created_at": at, "sender": {"id": sender}}
    if kind == 1:
        m["sender"]["type"] = "user"
    return m


CHATS = {n: [message(n * 10, n, BASE + n * 60, 900 + n, 0), message(n * 10 + 1, n, BASE + n * 60 + 20, 31, 1)]
         for n in range(1, 31)}


class Chatwoot(http.server.BaseHTTPRequestHandler):
    asked, refuse_from = [], None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        parts, query = url.path.strip("/").split("/"), dict(urllib.parse.parse_qsl(url.query))
        Chatwoot.asked.append(self.path)
        assert parts[:5] == ["api", "v1", "accounts", "7", "conversations"], self.path
        if self.headers["api_access_token"] != TOKEN:
            self.answer(401, {})
        elif Chatwoot.refuse_from and len(Chatwoot.asked) > Chatwoot.refuse_from:
            self.answer(500, {})
        elif len(parts) == 5:
            at = (int(query["page"]) - 1) * 25
            newest = sorted(CHATS, key=lambda n: -CHATS[n][-1]["created_at"])[at:at + 25]
            self.answer(200, {"data": {"payload": [{"id": n, "created_at": CHATS[n][0]["created_at"], "status": "open",
                                                    "updated_at": CHATS[n][-1]["created_at"] + 0.5, "messages": [],
                                                    "last_activity_at": CHATS[n][-1]["created_at"]} for n in newest]}})
        else:
            older = [m for m in CHATS[int(parts[5])] if m["id"] < int(query.get("before", 1 << 40))]
            self.answer(200, {"meta": {}, "payload": older})

    def answer(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


# --- a kefud ----------------------------------------------------------------------------------------------------------

def ctl(*args, status=0):
    return kefud.ctl(*args, status=status).decode() + kefud.said


def collector(name):
    rows = kefud.json("collector", "list")["collectors"]
    return next(r for r in rows if r["name"] == name)


def address():
    return kefud.json("status")["http"]


def send(body, secret=SECRET, at=None, path="/v1/hooks/cw7", method="POST"):
    text = json.dumps(body).encode()
    stamp = str(at or int(time.time()))
    mac = hmac.new(secret.encode(), stamp.encode() + b"." + text, hashlib.sha256).hexdigest()
    where = address()
    r = urllib.request.Request(f"http://{where['address']}:{where['port']}{path}", data=text if method == "POST" else None,
                               method=method, headers={"X-Chatwoot-Timestamp": stamp, "X-Chatwoot-Signature": "sha256=" + mac})
    try:
        with urllib.request.urlopen(r, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as e:
        return e.code


def hook(m, chat):
    return {**m, "event": "message_created", "message_type": ["incoming", "outgoing"][m["message_type"]],
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(m["created_at"])),
            "account": {"id": 7}, "conversation": {"id": chat, "messages": [], "status": "open"}}


def test(_):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chatwoot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write("secret", SECRET + "\n")
    write("token", TOKEN + "\n")
    one = {"name": "cw7", "platform": "chatwoot", "secret_file": "secret", "token_file": "token", "account": "7",
           "url": f"http://127.0.0.1:{server.server_port}", "allow_private": True, "ask_every_s": 10}
    write("collectors.json", [one])
    write("agents.json", [{"agent": "ada", "accounts": ["cw7:31"]}])
    Chatwoot.refuse_from = 8
    kefud.start()
    checked = subprocess.run([os.path.join(BUILD, "kefud"), "-t", "-c", kefud.config], capture_output=True, text=True)
    assert checked.returncode == 0 and "collectors.json: ok" in checked.stdout, checked

    # a delivery, repeated; and what does not prove itself
    assert send(hook(CHATS[30][0], 30)) == 200
    assert send(hook(CHATS[30][0], 30), at=int(time.time()) - 5) == 200
    assert send(hook(CHATS[30][1], 30), secret="another") == 401
    assert send(hook(CHATS[30][1], 30), at=int(time.time()) - 310) == 401
    assert send(hook(CHATS[30][1], 30), path="/v1/hooks/nobody") == 404
    assert send(None, method="GET") == 405
    assert send({"event": "contact_created"}) == 200
    assert send([1]) == 200  # proved, but not understood: quarantine
    row = collector("cw7")
    assert row["refused"] == 2 and row["ignored"] >= 1 and row["rejected"] == 1, row
    where = address()
    with urllib.request.urlopen(f"http://{where['address']}:{where['port']}/metrics", timeout=10) as answer:
        shown = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line[0] != "#")
    assert shown['kefud_collector_refused_total{collector="cw7"}'] == "2", shown
    assert int(shown['kefud_collector_heard_milliseconds{collector="cw7"}']) == row["heard_at"], (shown, row)
    assert int(shown['kefud_collector_deliveries_total{collector="cw7"}']) == row["deliveries"], (shown, row)
    stamps = {m["created_at"] * 1000 for chat in CHATS.values() for m in chat}  # it may be asking already
    assert int(shown['kefud_source_last_event_milliseconds{source="cw7"}']) in stamps, shown

    # asked for in the middle of a kill: the fake fails from its ninth answer on, so the sweep is not over
    wait_for("failing", lambda: collector("cw7").get("trouble", "") != "")
    kefud.kill()
    Chatwoot.refuse_from = None
    kefud.start()
    wait_for("the sweep", lambda: collector("cw7")["accepted"] > 0 and len(Chatwoot.asked) > 40)

    def whole():
        rows = kefud.json("report")["rows"]
        return [r["answered"] for r in rows if r["agent"] == "ada"] == [30]

    wait_for("all answers", whole)
    assert kefud.json("collector", "unbound")["unbound"] == []

    # a reload: refused whole with the line, then taken over
    write("collectors.json", [one, {"name": "cw7", "platform": "zendesk", "secret_file": "secret"}])
    assert "another collector has this name" in ctl("reload", status=1)
    assert send(hook(CHATS[30][0], 30)) == 200
    write("collectors.json", [{"name": "zd", "platform": "zendesk", "secret_file": "secret"}])
    ctl("reload")
    assert send(hook(CHATS[30][0], 30)) == 404
    assert send({}, path="/v1/hooks/zd") == 401
    kefud.stop()

    everything = kefud.log_text()
    for folder, _, names in os.walk(os.path.join(TMP, "state")):
        for name in names:
            everything += open(os.path.join(folder, name), "rb").read()
    for private in (TEXT, SECRET, TOKEN):
        assert private.encode() not in everything, private


sys.exit(main(test))
