#!/usr/bin/env python3
# limit_s: 240
"""kefud under a service manager: this script plays the manager's part of systemd's protocol, with the real program.

It holds the listening sockets and hands them over by name, hears what is told on NOTIFY_SOCKET, and asks for a sign of
life. Shown: READY comes after recovery and never before; signs of life come twice as often as asked for and more, and
stop when the process or only its writer stands still; a reload and a stop are told; connections made while kefud is away
are served by the next one; secrets come as credentials; what was handed over wrongly is refused.
"""
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

BUILD, TMP = os.environ["KEFU_BUILD"], os.environ["TMPDIR"]
SLOW = 10 if BUILD.endswith(("san", "tsan")) else 1
PATIENCE_S = 30 * SLOW
STATE = os.path.join(TMP, "state")
CONFIG = os.path.join(TMP, "kefud.json")
LOG = os.path.join(TMP, "kefud.log")
START_MS = 1767578400000


def unix_listener(name, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(os.path.join(TMP, name))
    if kind == socket.SOCK_STREAM:
        s.listen(128)
    return s


def write_config(**more):
    with open(CONFIG, "w") as f:
        json.dump({"state_dir": STATE, "http_listen": "", "redis_address": "", **more}, f)


class Manager:
    """Sockets that outlive the daemon, and the datagrams it sends: one list of (seconds, {name: value})."""

    def __init__(self):
        self.notify = unix_listener("notify", socket.SOCK_DGRAM)
        http = socket.socket()
        http.bind(("127.0.0.1", 0))
        http.listen(511)
        self.http_at = http.getsockname()
        self.doors = {"http": http, "ingest": unix_listener("ingest.sock"), "control": unix_listener("control.sock")}
        self.pid, self.heard = None, []

    def spawn(self, doors=None, **environment):
        """Forks by hand: LISTEN_PID must be the child's own number, and its descriptors start at 3."""
        doors = self.doors if doors is None else doors
        env = {**os.environ, "NOTIFY_SOCKET": os.path.join(TMP, "notify"), "LISTEN_FDS": str(len(doors)),
               "LISTEN_FDNAMES": ":".join(name.split("/")[0] for name in doors), **environment}
        self.pid = os.fork()
        if self.pid == 0:
            try:
                high = [fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 100) for s in doors.values()]
                for i, fd in enumerate(high):
                    os.dup2(fd, 3 + i)
                os.dup2(os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
                os.closerange(3 + len(high), 1024)
                kefud = os.path.join(BUILD, "kefud")
                os.execve(kefud, [kefud, "-c", CONFIG], {**env, "LISTEN_PID": str(os.getpid())})
            finally:
                os._exit(127)

    def hear(self, within_s):
        """The next word, or None if none comes in that time."""
        if not select.select([self.notify], [], [], max(0, within_s))[0]:
            return None
        word = dict(line.split("=", 1) for line in self.notify.recv(65536).decode().split("\n"))
        self.heard.append((time.monotonic(), word))
        return word

    def await_word(self, name, value="1"):
        end = time.monotonic() + PATIENCE_S
        while True:
            word = self.hear(end - time.monotonic())
            assert word is not None, f"{name}={value} did not come; heard {self.heard[-5:]}; log: {open(LOG).read()[-2000:]}"
            if word.get(name) == value:
                return word

    def forget(self):
        while self.hear(0):
            pass
        self.heard = []

    def wait(self):
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = None
        return status

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        self.await_word("STOPPING")
        status = self.wait()
        assert status == 0, (status, open(LOG).read()[-2000:])


def ask(request, path="control.sock"):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(PATIENCE_S)
        s.connect(os.path.join(TMP, path))
        s.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(s.makefile().readline())


def event(i):
    return json.dumps({"id": f"e{i}", "ts": START_MS + i, "type": "message", "conversation": "c1", "from": "customer"})


def post_text(token, body):
    return (f"POST /v1/events HTTP/1.1\r\nHost: k\r\nAuthorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n"
            f"Connection: close\r\n\r\n{body}").encode()


def read_all(s):
    answer = b""
    while piece := s.recv(65536):
        answer += piece
    return answer


def load(n, first=0):
    """n events over the unix socket, to the last acknowledgement."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(PATIENCE_S)
        s.connect(os.path.join(TMP, "ingest.sock"))
        threading.Thread(target=lambda: (s.sendall("\n".join(map(event, range(first, first + n))).encode()),
                                         s.shutdown(socket.SHUT_WR))).start()
        answers = [json.loads(line) for line in s.makefile()]
    assert answers[-1]["ack"] == n, answers[-1]


def ready_is_said_after_recovery(m):
    m.spawn()
    m.await_word("READY")
    status = ask({"do": "status"})
    assert status["ready"] and status["http"] == {"address": "127.0.0.1", "port": m.http_at[1]}, status
    assert status["ingest_socket"] == os.path.join(TMP, "ingest.sock"), status
    load(60000)
    m.stop()
    m.forget()
    m.spawn()
    m.await_word("READY")
    words = [w for _, w in m.heard]
    extended = [w for w in words if "EXTEND_TIMEOUT_USEC" in w]
    assert words[-1].get("READY") and words[:-1] == extended, words  # nothing else, and READY is the last of it
    assert extended[0]["STATUS"] == "opening the store" and int(extended[0]["EXTEND_TIMEOUT_USEC"]) > 0, words
    assert any(w["STATUS"].startswith("replaying the journal: ") for w in extended), words
    assert ask({"do": "status"})["counts"]["events"] == 60000
    m.stop()


def a_start_that_fails_is_never_ready(m):
    """Recovery cannot end well: the key of the store is gone."""
    key = os.path.join(STATE, "customer.key")
    os.rename(key, key + ".away")
    m.forget()
    m.spawn()
    assert m.wait() == 74
    while m.hear(0):
        pass
    assert m.heard and not any("READY" in w for _, w in m.heard), m.heard
    os.rename(key + ".away", key)


def a_start_can_be_ended(m):
    """It hangs in the midst of recovery, at a key that is a pipe: a stop ends it; a reload is not lost."""
    key = os.path.join(TMP, "pipe")
    os.mkfifo(key, 0o600)
    write_config(customer_key_file=key)
    for end in (True, False):
        m.forget()
        m.spawn()
        m.await_word("STATUS", "opening the store")
        os.kill(m.pid, signal.SIGHUP)
        if end:
            os.kill(m.pid, signal.SIGTERM)
            assert m.wait() == -signal.SIGTERM
            continue
        with open(os.path.join(STATE, "customer.key")) as own, open(key, "w") as f:
            f.write(own.read())
        m.await_word("READY")
        m.await_word("RELOADING")
        m.await_word("READY")
        m.stop()
    write_config()


def files_of_what_was_handed_over_stay(m):
    for name in ("ingest.sock", "control.sock"):
        assert os.path.exists(os.path.join(TMP, name)), f"{name} is gone"
    assert not os.path.exists(os.path.join(STATE, "ingest.sock"))


def signs_of_life(m):
    """Asked for one in 2 s: at most 1 s from one to the next. None while the process stands; more when it goes on."""
    interval_s = 2.0
    m.spawn(WATCHDOG_USEC=str(int(interval_s * 1e6)))
    m.await_word("READY")
    m.forget()
    for _ in range(6):
        m.await_word("WATCHDOG")
    at = [t for t, w in m.heard if "WATCHDOG" in w]
    gaps = [b - a for a, b in zip(at, at[1:])]
    assert max(gaps) <= interval_s / 2 * SLOW, gaps
    os.kill(m.pid, signal.SIGSTOP)
    os.waitpid(m.pid, os.WUNTRACED)  # it stands from here on
    m.forget()
    assert m.hear(interval_s) is None, m.heard
    os.kill(m.pid, signal.SIGCONT)
    m.await_word("WATCHDOG")
    print(f"signs of life: at most {max(gaps):.2f} s apart, {interval_s:.0f} s allowed")


PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000


def ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(request, tid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def a_writer_that_stands_still(m):
    """The writer's thread alone is halted, as by a disk that hangs: the loop lives, and yet must not be called alive."""
    tids = [int(t) for t in os.listdir(f"/proc/{m.pid}/task")]
    names = {t: open(f"/proc/{m.pid}/task/{t}/comm", encoding="ascii").read().strip() for t in tids}
    writer = next(t for t in tids if names[t] == "kefud-writer")
    try:
        ptrace(PTRACE_SEIZE, writer)
    except OSError as e:
        print(f"not shown: the writer alone standing still; this machine allows no ptrace ({e})")
        return
    ptrace(PTRACE_INTERRUPT, writer)
    os.waitpid(writer, WALL)
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE_S)
    s.connect(os.path.join(TMP, "ingest.sock"))
    s.sendall(event(700000).encode() + b"\n")
    began = time.monotonic()
    m.forget()
    m.await_word("STATUS", "the disk does not answer")
    silent_s = time.monotonic() - began
    alive = [t - began for t, w in m.heard if "WATCHDOG" in w]
    assert 9 <= silent_s <= 13 * SLOW, silent_s
    assert len(alive) >= 10 and alive[-1] <= silent_s, alive  # it was called alive until then
    m.forget()
    assert m.hear(2.0) is None, m.heard  # and not after
    assert ask({"do": "status"})["ready"]  # though the loop answers
    ptrace(PTRACE_DETACH, writer)
    m.await_word("WATCHDOG")
    assert json.loads(s.makefile().readline())["accepted"] == 1
    s.close()
    print(f"the writer halted: no sign of life after {silent_s:.1f} s")


def reloads_are_told(m):
    m.forget()
    before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    os.kill(m.pid, signal.SIGHUP)
    word = m.await_word("RELOADING")
    assert before_us <= int(word["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000 + 1000, word
    assert m.await_word("READY")["STATUS"] == "ready; reloaded"
    write_config(group_ms=5)
    os.kill(m.pid, signal.SIGHUP)
    m.await_word("RELOADING")
    assert m.await_word("READY")["STATUS"] == "ready; the last reload was refused"
    write_config()
    m.stop()


def served_all_the_while(m, token, first, meanwhile):
    """Four clients without a pause, each request a connection of its own, while something is done with kefud: each is answered,
    and stored once. How many they were."""
    before = ask({"do": "status"})["counts"]["events"]
    done, sent, bad = threading.Event(), [0] * 4, []

    def client(k):
        while not done.is_set() and not bad:
            try:
                with socket.create_connection(m.http_at, PATIENCE_S) as s:
                    s.sendall(post_text(token, event(first + 1000000 * k + sent[k])))
                    answer = read_all(s)
            except OSError as e:
                answer = repr(e).encode()
            if answer.startswith(b"HTTP/1.1 200 ") and b'"accepted": 1' in answer:
                sent[k] += 1
            else:
                bad.append(answer)

    threads = [threading.Thread(target=client, args=(k,)) for k in range(len(sent))]
    for thread in threads:
        thread.start()

    def some_more():
        seen = sum(sent)
        while sum(sent) < seen + 10 and not bad:
            time.sleep(0.001)

    some_more()
    others = meanwhile(some_more)
    some_more()
    done.set()
    for thread in threads:
        thread.join()
    assert not bad, (sent, bad)
    events = ask({"do": "status"})["counts"]["events"]
    assert events == before + sum(sent) + others, (events, before, sent, others)
    return sum(sent)


def no_connection_is_refused(m):
    """While kefud is stopped and started ten times; then some that are made while nobody runs."""
    m.spawn()
    m.await_word("READY")
    token = ask({"do": "token_add", "role": "ingest"})["token"]

    def restarts(some_more):
        for _ in range(10):
            m.stop()
            m.spawn()
            m.await_word("READY")
            some_more()
        return 0

    sent_n = served_all_the_while(m, token, 1000000, restarts)
    m.stop()

    waiting = socket.create_connection(m.http_at, PATIENCE_S)
    waiting.sendall(post_text(token, event(9000000)))
    lines = socket.socket(socket.AF_UNIX)
    lines.settimeout(PATIENCE_S)
    lines.connect(os.path.join(TMP, "ingest.sock"))
    lines.sendall(event(9000001).encode())
    lines.shutdown(socket.SHUT_WR)
    m.spawn()
    assert b'"accepted": 1' in read_all(waiting)
    assert json.loads(lines.makefile().readlines()[-1])["ack"] == 1
    m.await_word("READY")
    m.stop()
    print(f"{sent_n} requests over 10 restarts: all served")


def erasing_keeps_the_sockets(m):
    """The daemon starts anew in its process, with the sockets that were handed to it. Nobody is refused, the manager is not told of
    a stop, but of how long the new one may take."""
    m.spawn(WATCHDOG_USEC="2000000")
    m.await_word("READY")
    token = ask({"do": "token_add", "role": "ingest"})["token"]
    pid, at = m.pid, os.path.getsize(LOG)

    def erase(some_more):
        for name in ("ann", "ben", "cem"):
            profile = {"id": name, "ts": START_MS, "type": "agent.profile", "agent": name, "left_on": "2026-01-01"}
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(os.path.join(TMP, "ingest.sock"))
                s.sendall(json.dumps(profile).encode())
                s.shutdown(socket.SHUT_WR)
                assert json.loads(s.makefile().readlines()[-1])["ack"] == 1
            subprocess.run([os.path.join(BUILD, "kefuctl"), "person", "erase", "agent", name, "--by", "li", "--yes", "--state", TMP],
                           check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE_S)
            some_more()
        return 3  # profiles; the acts are in no list

    m.forget()
    sent_n = served_all_the_while(m, token, 20000000, erase)
    while m.hear(0.1):
        pass
    words = [w for _, w in m.heard]
    assert m.pid == pid and not any("STOPPING" in w for w in words), words
    said = [int(w["EXTEND_TIMEOUT_USEC"]) for w in words if w.get("STATUS") == "opening the store"]
    assert len(said) == 3 and min(said) > 60_000_000, said  # for which systemd misses no sign of life (test_systemd.sh)
    with open(LOG, encoding="utf-8") as f:
        f.seek(at)
        assert f.read().count("evt=erased") == 3
    files_of_what_was_handed_over_stay(m)
    m.stop()
    print(f"{sent_n} requests over 3 erasures: all served")


def http_may_be_a_unix_socket(m):
    http = unix_listener("http.sock")
    m.spawn(doors={**m.doors, "http": http})
    m.await_word("READY")
    assert ask({"do": "status"})["http"] == {"address": os.path.join(TMP, "http.sock"), "port": 0}
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(TMP, "http.sock"))
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: k\r\nConnection: close\r\n\r\n")
        assert read_all(s).startswith(b"HTTP/1.1 200 ")
    m.stop()


def what_is_handed_over_wrongly_is_refused(m):
    far = socket.socket()
    far.bind(("0.0.0.0", 0))
    far.listen(1)
    spoken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for doors, status, reason in (({"kefud": m.doors["http"]}, 78, "none of ours"),
                                  ({"http/1": m.doors["http"], "http/2": m.doors["http"]}, 78, "came twice"),
                                  ({"ingest": m.doors["http"]}, 78, "no listening unix stream"),
                                  ({"control": spoken}, 78, "no listening unix stream"),
                                  ({"http": far}, 74, "no loopback address")):
        open(LOG, "w").close()
        m.spawn(doors=doors)
        found = m.wait()
        assert found == status and reason in open(LOG).read(), (doors.keys(), found, open(LOG).read())


def secrets_are_handed_over(m):
    credentials = os.path.join(TMP, "credentials")
    os.mkdir(credentials)
    global STATE
    own, STATE = STATE, os.path.join(TMP, "state2")
    write_config(customer_key_file="credential:customer-key")
    m.spawn(CREDENTIALS_DIRECTORY=credentials)
    assert m.wait() == 74 and "no such credential" in open(LOG).read()
    open(LOG, "w").close()
    with open(os.path.join(credentials, "customer-key"), "w") as f:
        f.write("00112233445566778899aabbccddeeff")
    os.chmod(f.name, 0o440)  # as an access list makes it look
    for _ in range(2):
        m.spawn(CREDENTIALS_DIRECTORY=credentials)
        m.await_word("READY")
        assert not os.path.exists(os.path.join(STATE, "customer.key"))
        m.stop()
    with open(f.name, "w") as f:
        f.write("ffeeddccbbaa99887766554433221100")
    m.spawn(CREDENTIALS_DIRECTORY=credentials)
    assert m.wait() == 74 and "not the key" in open(LOG).read()
    STATE = own
    write_config(redis_password_file="credential:redis-password")
    with open(os.path.join(credentials, "redis-password"), "w") as f:
        f.write("secret\n")
    m.spawn(CREDENTIALS_DIRECTORY=credentials)
    m.await_word("READY")
    with open(f"/proc/{m.pid}/environ", "rb") as f:
        assert b"secret" not in f.read()
    m.stop()
    m.spawn()
    assert m.wait() == 78 and "there are no credentials here" in open(LOG).read()
    checked = subprocess.run([os.path.join(BUILD, "kefud"), "-t", "-c", CONFIG], capture_output=True, text=True)
    assert checked.returncode == 0 and "credential:redis-password: not looked at" in checked.stdout, checked
    write_config()


def main():
    write_config()
    m = Manager()
    try:
        for part in (ready_is_said_after_recovery, a_start_that_fails_is_never_ready, a_start_can_be_ended,
                     files_of_what_was_handed_over_stay, signs_of_life, a_writer_that_stands_still, reloads_are_told, no_connection_is_refused,
                     erasing_keeps_the_sockets, http_may_be_a_unix_socket, what_is_handed_over_wrongly_is_refused, secrets_are_handed_over):
            part(m)
            print("ok:", part.__name__.replace("_", " "), flush=True)
    finally:
        if m.pid:
            os.kill(m.pid, signal.SIGKILL)


main()
