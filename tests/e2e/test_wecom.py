#!/usr/bin/env python3
# limit_s: 120
"""A running kefud with a 微信客服 beside it: it answers the question who it is, hears the bell and asks at once, goes on behind
an empty list, gets a fresh access token when the old one ends, and after a kill -9 begins at the cursor of its last commit."""
import base64
import hashlib
import http.server
import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kefud_run import Kefud, main, wait_for  # noqa: E402

TMP = os.environ["TMPDIR"]
TOKEN, AES_KEY, CORP, CORP_SECRET = "callbackToken", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "ww0123", "corp-secret-42"
NOW = int(time.time())
kefud = Kefud(TMP, collectors_file="collectors.json")

if not shutil.which("openssl"):
    print("openssl is not installed")
    sys.exit(77)


def write(name, value):
    with open(os.path.join(TMP, name), "w", encoding="utf-8") as f:
        f.write(value if isinstance(value, str) else json.dumps(value))


def row(n, origin, at, **more):
    return {"msgid": f"m{n}", "open_kfid": "wk1", "external_userid": "wm1", "send_time": at, "origin": origin,
            "msgtype": "text", "text": {"content": "在吗"}, **more}


class WeCom(http.server.BaseHTTPRequestHandler):
    pages = {"": ("c1", [row(1, 3, NOW - 100)], 1), "c1": ("c2", [], 1),
             "c2": ("c3", [row(2, 5, NOW - 90, servicer_userid="ZhangSan")], 0), "c3": ("c3", [], 0)}
    asked, tokens, good = [], 0, None
    rest_s, asked_at = 0, []  # it wants to be left alone for so long

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        assert self.path.startswith("/cgi-bin/gettoken") and query == {"corpid": CORP, "corpsecret": CORP_SECRET}, query
        WeCom.tokens += 1
        WeCom.good = f"access-{WeCom.tokens}"
        self.answer({"errcode": 0, "access_token": WeCom.good, "expires_in": 7200})

    def do_POST(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if WeCom.rest_s:
            WeCom.asked_at.append(time.monotonic())
            self.send_response(429)
            self.send_header("Retry-After", str(WeCom.rest_s))
            self.end_headers()
            return
        if query["access_token"] != WeCom.good:
            self.answer({"errcode": 42001, "errmsg": "access_token expired"})
            return
        WeCom.asked.append(body)
        cursor, rows, more = WeCom.pages[body["cursor"]]
        self.answer({"errcode": 0, "errmsg": "ok", "next_cursor": cursor, "has_more": more, "msg_list": rows})

    def answer(self, body):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


def seal(text):
    key = base64.b64decode(AES_KEY[:-1] + "A=")  # the last two bits are nobody's
    plain = os.urandom(16) + struct.pack(">I", len(text)) + text + CORP.encode()
    plain += bytes([32 - len(plain) % 32]) * (32 - len(plain) % 32)
    out = subprocess.run(["openssl", "enc", "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv", key[:16].hex()], input=plain,
                         capture_output=True, check=True)
    return base64.b64encode(out.stdout).decode()


def call(sealed, echo=False, stamp=None):
    status = kefud.json("status")["http"]
    stamp = str(stamp or int(time.time()))
    mac = hashlib.sha1("".join(sorted([TOKEN, stamp, "n1", sealed])).encode()).hexdigest()
    query = {"msg_signature": mac, "timestamp": stamp, "nonce": "n1"}
    if echo:
        query["echostr"] = sealed
    url = f"http://{status['address']}:{status['port']}/v1/hooks/kf?" + urllib.parse.urlencode(query)
    body = None if echo else f"<xml><ToUserName>a</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, ""


def accepted():
    return kefud.json("status")["counts"]["events"]


def a_platform_that_asks_for_a_rest_has_it():
    WeCom.rest_s = 65
    bell = b"<xml><Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[bell-2]]></Token></xml>"
    assert call(seal(bell)) == (200, "success")
    wait_for("two questions", lambda: len(WeCom.asked_at) == 2, limit_s=80)
    assert WeCom.asked_at[1] - WeCom.asked_at[0] >= 65, WeCom.asked_at
    WeCom.rest_s = 0


def test(_):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), WeCom)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    write("t", TOKEN)
    write("k", AES_KEY)
    write("s", CORP_SECRET)
    write("collectors.json", [{"name": "kf", "platform": "wecom", "account": CORP, "secret_file": "t", "key_file": "k",
                               "token_file": "s", "url": f"http://127.0.0.1:{server.server_port}", "allow_private": True,
                               "ask_every_s": 86400}])
    kefud.start()
    wait_for("what was said before", lambda: accepted() == 2)
    assert [a["cursor"] for a in WeCom.asked] == ["", "c1", "c2"], WeCom.asked

    assert call(seal(b"who are you"), echo=True) == (200, "who are you")
    assert call(seal(b"who are you"), echo=True, stamp=NOW - 400)[0] == 401
    assert call(base64.b64encode(os.urandom(64)).decode(), echo=True)[0] == 401

    bell = b"<xml><Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[bell-1]]></Token></xml>"
    WeCom.pages["c3"] = ("c4", [row(3, 3, NOW - 50)], 0)
    WeCom.pages["c4"] = ("c4", [], 0)
    WeCom.good = "another"  # the access token ends
    assert call(seal(bell)) == (200, "success")
    wait_for("the bell's answer", lambda: accepted() == 3)
    assert WeCom.asked[-1] == {"cursor": "c3", "token": "bell-1", "limit": 1000} and WeCom.tokens == 2, WeCom.asked

    kefud.kill()
    n = len(WeCom.asked)
    kefud.start()
    wait_for("the first question", lambda: len(WeCom.asked) > n)
    assert WeCom.asked[n]["cursor"] == "c4", WeCom.asked[n:]
    assert accepted() == 3
    assert [u["account"] for u in kefud.json("collector", "unbound")["unbound"]] == ["kf:ZhangSan"]
    if os.environ.get("KEFU_SOAK"):
        a_platform_that_asks_for_a_rest_has_it()
    kefud.stop()
    for private in (TOKEN, AES_KEY, CORP_SECRET, "access-1", "在吗"):
        assert private.encode() not in kefud.log_text(), private


sys.exit(main(test))
