#!/bin/bash
# Events into a running kefud by HTTP and by socket, as others send them: what is taken, what is refused and why, what is still
# there after a restart, and what must never reach the disk.
set -u
. "$(dirname "$0")/daemon.sh"

event() # id, minute, the other members
{
    printf '{"id":"%s","ts":"2026-01-05T10:%02d:00+08:00",%s}' "$1" "$2" "$3"
}
question='"type":"message","conversation":"c1","from":"customer","customer":"CANARY-CUSTOMER","text":"CANARY-TEXT"'
answer='"type":"message","conversation":"c1","from":"agent","agent":"amy"'

start
token=$("$kefuctl" token add --role ingest 2>/dev/null) || fail "token add"

# Who may not write hears 401, and nothing else.
for bad in "" wrong "$("$kefuctl" token add --role agent --subject amy 2>/dev/null)"; do
    want_in "401" $'\n401' "$(token=$bad post -d "$(event a 1 "$question")")"
done
want_in "no events yet" '"events":0' "$("$kefuctl" status --json)"

# One event, an array, NDJSON.
want '200 of one' $'{"accepted": 1, "duplicate": 0, "rejected": []}\n\n200' "$(post -d "$(event m1 1 "$question")")"
want '200 of an array' $'{"accepted": 2, "duplicate": 0, "rejected": []}\n\n200' \
    "$(post -d "[$(event m2 2 "$answer"), $(event m3 3 "$question")]")"
lines=$(for i in 4 5 6; do event "m$i" $i "$answer"; echo; done)
want '200 of NDJSON' $'{"accepted": 3, "duplicate": 0, "rejected": []}\n\n200' "$(post --data-binary "$lines")"
want 'the same again' $'{"accepted": 0, "duplicate": 3, "rejected": []}\n\n200' "$(post --data-binary "$lines")"

# One bad of ten: nine are stored, the tenth is named.
ten=$(for i in 10 11 12 13 14 15 16 17 18; do event "m$i" $i "$answer"; echo; done; event m19 19 '"type":"message"')
found=$(post --data-binary "$ten")
want_in 'nine of ten' '"accepted": 9, "duplicate": 0, "rejected": [{"index": 9, "id": "m19", "reason": "conversation' "$found"

# Other content under a known identity: the first wins.
found=$(post -d "$(event m1 2 "$question")")
want_in 'a conflict' '"accepted": 0, "duplicate": 0, "rejected": [{"index": 0, "id": "m1"' "$found"
want_in 'is quarantined' '"kind": "conflict"' "$("$kefuctl" quarantine --json)"
want_in 'tried again, it is refused again' '"rejected": 1' "$("$kefuctl" quarantine retry --json)"
"$kefuctl" quarantine retry >/dev/null
want 'exit status of a retry that was refused' 2 $?

# From the future: kept for later.
found=$(post -d "{\"id\":\"f1\",\"ts\":\"2099-01-01T00:00:00Z\",$question}")
want_in 'from the future' '"rejected": [{"index": 0, "id": "f1", "reason": "ts' "$found"
want_in 'kept' '"kind": "future"' "$("$kefuctl" quarantine --json)"

# A token bound to sources writes no other.
bound=$("$kefuctl" token add --role ingest --sources shop1,shop2 2>/dev/null) || fail "token add --sources"
want_in 'own source' '"accepted": 1' "$(token=$bound post -d "$(event s1 1 "$question,\"source\":\"shop2\"")")"
want_in 'another source' '"accepted": 0, "duplicate": 0, "rejected": [{"index": 0' \
    "$(token=$bound post -d "$(event s2 1 "$question,\"source\":\"shop3\"")")"
long=$(printf '%0129d' 1)
for bad in --sources= --sources=a,"$long" --subject="$long"; do # what could not be read again, or would mean more than was meant
    "$kefuctl" token add --role ingest "$bad" > /dev/null 2>&1 && fail "token add took ${bad:0:20}"
done
"$kefuctl" reload > /dev/null || fail "the tokens file cannot be read again"
"$kefuctl" token revoke "$("$kefuctl" token list --json | python3 -c 'import json, sys
print([t["id"] for t in json.load(sys.stdin)["tokens"] if t["sources"]][0])')" > /dev/null || fail "token revoke"
want_in 'revoked' $'\n401' "$(token=$bound post -d "$(event s3 1 "$question,\"source\":\"shop2\"")")"

# What is no request of ours.
head -c 1100000 /dev/zero | tr '\0' ' ' > "$TMPDIR/large"
want_in '413' $'\n413' "$(post -H 'Expect:' --data-binary "@$TMPDIR/large")"
want_in '411' $'\n411' "$(post -H 'Transfer-Encoding: chunked' -d '{}')"
want '404' 404 "$(curl -s -o /dev/null -w '%{http_code}' "http://$address/v1/nothing")"
want '405' 405 "$(curl -s -o /dev/null -w '%{http_code}' "http://$address/v1/events")"
want 'healthz' 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$address/healthz")"
want 'readyz' 200 "$(curl -s -o /dev/null -w '%{http_code}' "http://$address/readyz")"

# By socket: acknowledgements in order, a bad line named, a last word after the half-close.
python3 - "$state/ingest.sock" <<'END' || fail "socket"
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
good = lambda i: json.dumps({"id": f"k{i}", "ts": 1767578400000 + i, "type": "message", "conversation": "c2",
                             "from": "customer"})
lines = [good(0), "", "no json", good(1), good(0), json.dumps({"id": "m1", "ts": 1, "type": "conversation.opened",
         "conversation": "c9"}), "x" * (3 << 20), good(2)]
s.sendall("\n".join(lines).encode())  # the last line has no line feed
s.shutdown(socket.SHUT_WR)
answers = [json.loads(l) for l in s.makefile()]
acks = [a["ack"] for a in answers]
rejected = {r["line"]: r for a in answers for r in a["rejected"]}
assert acks == sorted(acks) and acks[-1] == len(lines), acks
assert sum(a["accepted"] for a in answers) == 3, answers
assert sum(a["duplicate"] for a in answers) == 1, answers
assert sorted(rejected) == [3, 6, 7], rejected
assert rejected[6]["id"] == "m1" and "1 MiB" in rejected[7]["reason"], rejected
END

# A second kefud on the same store ends, and the first does not notice.
"$kefud" -c "$config" 2> "$TMPDIR/second.log"
want "a second daemon's exit status" 74 $?
want_in 'its reason' "open in another kefud" "$(cat "$TMPDIR/second.log")"
want_in 'the first lives' '"ready":true' "$("$kefuctl" status --json)"

# SIGHUP with a file that is not well changes nothing; with a good one it is taken.
cp "$config" "$TMPDIR/good.json"
echo '{"state_dir": 5}' > "$config"
"$kefuctl" reload > /dev/null 2> "$TMPDIR/reload.log" && fail "a bad file was taken"
want_in 'the reason' 'state_dir' "$(cat "$TMPDIR/reload.log")"
write_config '"log_level": 7, "group_ms": 5'
"$kefuctl" reload > /dev/null 2> "$TMPDIR/reload.log" && fail "an option that needs a restart was taken"
want_in 'which one' 'group_ms' "$(cat "$TMPDIR/reload.log")"
write_config '"demo": true'
"$kefuctl" reload > /dev/null 2> "$TMPDIR/reload.log" && fail "a daemon became a playground while it ran"
want_in 'place and mend' "$config:1 demo: found true, but kefud runs with false; restart kefud" "$(cat "$TMPDIR/reload.log")"
want_in 'still none' '"demo":false' "$("$kefuctl" status --json)"
write_config '"log_level": 7'
reloads=$(grep -c 'evt=reload done=1' "$log")
kill -HUP "$pid"
until [ "$(grep -c 'evt=reload done=1' "$log")" -gt "$reloads" ]; do
    kill -0 "$pid" || fail "SIGHUP ended it"
    sleep 0.02
done
cp "$TMPDIR/good.json" "$config"
stop

# Rulebooks: new ones for months to come are taken; none that is in force is changed.
mkdir "$TMPDIR/books"
start "\"rulebooks_dir\": \"$TMPDIR/books\""
echo '{"name": "next", "effective_from": "2099-01", "response_target_ms": 20000}' > "$TMPDIR/books/next.json"
"$kefuctl" reload > /dev/null || fail "a new rulebook was not taken"
grep -q 'evt=rulebook name=next adopted=1' "$log" || fail "it is not told that a rulebook was taken"
sed -i s/20000/25000/ "$TMPDIR/books/next.json"
"$kefuctl" reload > /dev/null 2> "$TMPDIR/reload.log" && fail "a rulebook was changed under its name"
want_in 'it is named' 'books/next.json:1 name' "$(cat "$TMPDIR/reload.log")"
rm "$TMPDIR/books/next.json"
"$kefuctl" reload > /dev/null 2> "$TMPDIR/reload.log" && fail "an adopted rulebook could be taken away"
want_in 'it is named' 'rulebooks_dir: the rulebook "next" is in force' "$(cat "$TMPDIR/reload.log")"
echo '{"name": "late", "effective_from": "2020-01"}' > "$TMPDIR/books/late.json"
echo '{"name": "next", "effective_from": "2099-01", "response_target_ms": 20000}' > "$TMPDIR/books/next.json"
"$kefuctl" reload > /dev/null 2> "$TMPDIR/reload.log" && fail "a rulebook for a month that has begun was taken"
want_in 'it is named' 'books/late.json:1 effective_from' "$(cat "$TMPDIR/reload.log")"
stop
start

# Stopped and started: the same figures, the same quarantine.
"$kefuctl" report --by day --json | sed 's/"as_of":[^,]*//' > "$TMPDIR/before"
stop
[ ! -e "$state/control.sock" ] && [ ! -e "$state/ingest.sock" ] || fail "sockets were left behind"
start
"$kefuctl" report --by day --json | sed 's/"as_of":[^,]*//' > "$TMPDIR/after"
cmp "$TMPDIR/before" "$TMPDIR/after" || fail "other figures after a restart"
want_in 'quarantine after a restart' '"kind": "future"' "$("$kefuctl" quarantine --json)"
want_in 'a duplicate after a restart' '"duplicate": 3' "$(post --data-binary "$lines")"

# Killed: its sockets are stale, and are replaced.
kill -9 "$pid"
wait "$pid" 2>/dev/null
start
want_in 'a duplicate after a kill' '"duplicate": 3' "$(post --data-binary "$lines")"

# Message text and customer ids are nowhere.
! grep -rlE 'CANARY-(TEXT|CUSTOMER)' "$state" "$log" || fail "private data on disk"
stop

# The key gone, the events there: it refuses to start.
mv "$state/customer.key" "$TMPDIR/key"
"$kefud" -c "$config" 2> "$log"
want "exit status without the key" 74 $?
want_in 'its reason' 'key is missing' "$(cat "$log")"
echo "0123456789abcdef0123456789abcdef" > "$state/customer.key"
chmod 600 "$state/customer.key"
"$kefud" -c "$config" 2> "$log"
want "exit status with another key" 74 $?
mv "$TMPDIR/key" "$state/customer.key"

# Arguments and configuration.
"$kefud" --nothing 2> /dev/null
want "exit status of a wrong option" 64 $?
echo '{"nothing": 1}' > "$config"
"$kefud" -c "$config" 2> /dev/null
want "exit status of a wrong file" 78 $?
"$kefud" -t -c "$config" > "$TMPDIR/check"
want "kefud -t of a wrong file" 78 $?
want_in 'kefud -t names it' 'nothing' "$(cat "$TMPDIR/check")"
"$kefud" -t -c "$TMPDIR/good.json" > /dev/null
want "kefud -t of a good file" 0 $?
echo "all as expected"
