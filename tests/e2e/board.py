"""For tests of the board: a kefud of one's own, HTTP without a library between, server-sent events, docs/openapi.json.

The part of JSON Schema that docs/openapi.json uses is checked here, strictly: a field that the document does not name is as wrong
as one that is missing."""
import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = os.environ["KEFU_ROOT"]
BUILD = os.environ["KEFU_BUILD"]
DOC = json.load(open(ROOT + "/docs/openapi.json"))


class Wrong(Exception):
    """What is not as it should be, and where."""


def want(what, expected, found):
    if expected != found:
        raise Wrong(f"{what}: expected {expected!r}, found {found!r}")


# --- docs/openapi.json ------------------------------------------------------------------------------------------------

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "null": type(None)}


def is_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def check(value, schema, where):
    """Raises Wrong unless the value is as the schema says."""
    if "$ref" in schema:
        node = DOC
        for part in schema["$ref"][2:].split("/"):
            node = node[part]
        return check(value, node, where)
    if "anyOf" in schema:
        errors = []
        for one in schema["anyOf"]:
            try:
                return check(value, one, where)
            except Wrong as e:
                errors.append(str(e))
        raise Wrong(" or ".join(errors))
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(is_type(value, t) for t in types):
        raise Wrong(f"{where}: found {str(value)[:60]}, expected {types}")
    if "enum" in schema and value not in schema["enum"]:
        raise Wrong(f"{where}: found {value!r}, expected one of {schema['enum']}")
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        raise Wrong(f"{where}: found {value!r}, expected {schema['pattern']}")
    if isinstance(value, list):
        for i, item in enumerate(value):
            check(item, schema["items"], f"{where}[{i}]")
    if isinstance(value, dict):
        check_object(value, schema, where)
    return None


def check_object(value, schema, where):
    props, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for name in schema.get("required", []):
        if name not in value:
            raise Wrong(f"{where}: {name} is missing")
    for name, v in value.items():
        if name in props:
            check(v, props[name], f"{where}.{name}")
        elif isinstance(rest, dict) and name in schema["propertyNames"]["enum"]:
            check(v, rest, f"{where}.{name}")
        else:
            raise Wrong(f"{where}: {name} is not in the document")


def schema_of(path, method, status):
    """The schema of an answer by the document's path, or None: it has no body."""
    answer = DOC["paths"][path][method]["responses"][str(status)]
    if "$ref" in answer:
        answer = DOC["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    content = answer.get("content", {}).get("application/json")
    return content and content["schema"]


# --- the daemon -------------------------------------------------------------------------------------------------------

class Daemon:
    """A kefud under $TMPDIR. `config` is added to kefud.json; `limits` is a shell prefix such as "ulimit -n 64;"."""

    def __init__(self, config=None, name="kefud", limits=""):
        self.dir = os.path.join(os.environ.get("TMPDIR") or tempfile.mkdtemp(), name)
        os.makedirs(self.dir, exist_ok=True)
        self.config, self.log = self.dir + "/kefud.json", self.dir + "/kefud.log"
        self.limits = limits
        base = {"state_dir": self.dir + "/state", "http_listen": "127.0.0.1:0", "redis_address": "", **(config or {})}
        with open(self.config, "w") as f:
            json.dump(base, f)
        self.start()

    def start(self):
        self.err = open(self.log, "a+")
        at = os.fstat(self.err.fileno()).st_size
        self.process = subprocess.Popen(["bash", "-c", f"{self.limits} exec {BUILD}/kefud -c {self.config}"],
                                        stderr=self.err, stdin=subprocess.DEVNULL)
        for _ in range(1000):
            text = self.log_text()[at:]
            ready = re.search(r"evt=ready.* http=127.0.0.1:(\d+)", text)
            if ready:
                self.port = int(ready.group(1))
                return
            if self.process.poll() is not None:
                raise Wrong("kefud ended before it was ready: " + text[-500:])
            time.sleep(0.02)
        raise Wrong("kefud did not become ready")

    def log_text(self):
        with open(self.log) as f:
            return f.read()

    def stop(self):
        self.process.terminate()
        want("exit status of kefud", 0, self.process.wait(20))
        self.err.close()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def ctl(self, *args, status=0, stdin=None):
        r = subprocess.run([BUILD + "/kefuctl", *args, "-c", self.config], input=stdin, capture_output=True, text=True, timeout=60)
        if r.returncode != status:
            raise Wrong(f"kefuctl {args}: expected status {status}, found {r.returncode}: {r.stderr[-500:]}")
        return r.stdout

    def token(self, role, **options):
        """Clear text and id of a new token."""
        args = [x for k, v in options.items() for x in ("--" + k, v)]
        clear = self.ctl("token", "add", "--role", role, *args).strip()
        found = json.loads(self.ctl("token", "list", "--json"))["tokens"][-1]["id"]
        return clear, found

    def ask(self, path, method="GET", token=None, headers=None, body=None):
        """(status, headers, body) of one request over a connection of its own."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = "Bearer " + token
        c.request(method, path, body=body, headers=headers)
        r = c.getresponse()
        answer = r.status, {k.lower(): v for k, v in r.getheaders()}, r.read()
        c.close()
        return answer

    def get(self, path, token, doc=None, **headers):
        """The JSON of a 200, held against the document's path `doc` (the path itself if absent)."""
        status, _, body = self.ask(path, token=token, headers=headers)
        if status != 200:
            raise Wrong(f"GET {path}: {status} {body[:200]}")
        value = json.loads(body)
        check(value, schema_of(doc or path.split("?")[0], "get", 200), path)
        return value

    def post(self, token, events):
        text = "\n".join(json.dumps(e) for e in events)
        status, _, body = self.ask("/v1/events", "POST", token, body=text.encode())
        want("POST /v1/events", 200, status)
        want("rejected events", [], json.loads(body)["rejected"])


def quote(text):
    return urllib.parse.quote(text, safe="")


class Stream:
    """A board that is open: its events as (id, name, data)."""

    def __init__(self, port, path, token=None, headers=None, receive_bytes=None):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect(("127.0.0.1", port))
        lines = [f"GET {path} HTTP/1.1", "Host: a"] + [f"{k}: {v}" for k, v in (headers or {}).items()]
        if token:
            lines.append("Authorization: Bearer " + token)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.bytes, self.ended = b"", False
        self.head = self._until(b"\r\n\r\n", 10)
        self.status = int(self.head.split()[1])

    def _more(self, seconds):
        ready, _, _ = select.select([self.socket], [], [], max(0, seconds))
        if not ready:
            return False
        got = self.socket.recv(65536)
        self.ended = not got
        self.bytes += got
        return bool(got)

    def _until(self, mark, seconds):
        end = time.monotonic() + seconds
        while mark not in self.bytes:
            if self.ended or not self._more(end - time.monotonic()):
                raise Wrong(f"no {mark!r} within {seconds} s; ended: {self.ended}; so far: {self.bytes[:200]!r}")
        piece, self.bytes = self.bytes.split(mark, 1)
        return piece

    def event(self, seconds=10):
        """The next event; lines of comment and the retry are passed over."""
        while True:
            fields = {}
            for line in self._until(b"\n\n", seconds).decode().split("\n"):
                name, _, value = line.partition(":")
                fields[name] = value.strip()
            if "data" in fields:
                return int(fields.get("id", 0)), fields.get("event"), json.loads(fields["data"])

    def quiet(self, seconds):
        """True: nothing comes for so long."""
        return not self._more(seconds) and not self.ended

    def close(self):
        self.socket.close()


def run(tests):
    """Runs the tests in order; the first that is wrong ends it."""
    for t in tests:
        begun = time.monotonic()
        try:
            t()
        except Wrong as e:
            print(f"FAILED: {t.__name__}: {e}")
            sys.exit(1)
        print(f"ok {time.monotonic() - begun:6.2f} s  {t.__name__}")
