"""A robot's server for tests: takes what kefud posts, remembers it, answers as the test says."""
import base64
import hashlib
import hmac
import http.server
import json
import threading
import time


class Robot:
    """Listens on loopback; `answers` is a list of what to answer next: a body, or a function of the handler that answers
    itself. When it is empty the answer is {"errcode":0}."""

    def __init__(self):
        self.got, self.answers, self.lock = [], [], threading.Lock()
        robot = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with robot.lock:
                    robot.got.append((time.monotonic(), self.path, dict(self.headers), json.loads(body), body))
                    answer = robot.answers.pop(0) if robot.answers else '{"errcode":0,"code":0,"errmsg":"ok"}'
                try:
                    answer(self) if callable(answer) else self.say(200, answer)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def say(self, status, body, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"

    def wait_for(self, n, limit_s=30, what="messages"):
        end = time.monotonic() + limit_s
        while len(self.got) < n:
            assert time.monotonic() < end, f"{what}: {len(self.got)} of {n} came: {[g[3] for g in self.got]}"
            time.sleep(0.02)
        return self.got

    def texts(self):
        return [g[3].get("markdown", {}).get("text") or g[3].get("text") or json.dumps(g[3]) for g in self.got]


def drip(handler):
    """An answer that comes a byte at a time, more slowly than anybody waits."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.1)


def silence(handler):
    time.sleep(15)


def too_many(handler):
    handler.say(429, "", Retry_After="2")


def check_dingtalk(secret, path):
    """The signature of a DingTalk call, computed anew."""
    import urllib.parse
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
    ts = query["timestamp"][0]
    mac = hmac.new(secret.encode(), f"{ts}\n{secret}".encode(), hashlib.sha256).digest()
    assert query["sign"][0] == base64.b64encode(mac).decode(), path
    assert abs(int(ts) / 1000 - time.time()) < 60


def check_webhook(secret, headers, body):
    """The signature of a Standard Webhook."""
    h = {k.lower(): v for k, v in headers.items()}
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{h['webhook-id']}.{h['webhook-timestamp']}.".encode() + body
    mac = hmac.new(key, signed, hashlib.sha256).digest()
    assert h["webhook-signature"] == "v1," + base64.b64encode(mac).decode()
    return h["webhook-id"]


if __name__ == "__main__":
    raise SystemExit("a module of tests, not a test")
