#!/bin/bash
# The demo, as a stranger runs it: scores stand in Redis and move, tools answer, and nothing is left behind.
set -u
cd "$KEFU_ROOT" || exit 1
export KEFU_DEMO_DIR=${TMPDIR:-/tmp}/demo KEFU_DEMO_SECONDS=20
log=${TMPDIR:-/tmp}/demo.log
redis() { redis-cli --raw -s "$KEFU_DEMO_DIR/redis.sock" "$@" 2>/dev/null; }
fail() { echo "FAILED: $*"; cat "$log"; kill "$demo" 2>/dev/null; wait "$demo"; exit 1; }

# until_true SECONDS COMMAND…
until_true()
{
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] && kill -0 "$demo" 2>/dev/null || return 1
        sleep 0.1
    done
}

: >"$log"
scripts/demo >"$log" 2>&1 </dev/null &
demo=$!
loaded() { grep -q 'past 30 days: [0-9]* events' "$log"; }
until_true 60 loaded || fail 'the past month was not loaded'

scores() { for team in 售前组 售后组 会员组; do redis ZREVRANGE "{kefu}:board:$team" 0 -1 WITHSCORES; done; }
on_board() { [ -n "$(scores)" ]; }
until_true 10 on_board || fail 'no score is on any board'
first=$(scores)
moved() { [ "$(scores)" != "$first" ]; }
until_true 15 moved || fail 'no score on the boards moved'
[ "$(redis HGET '{kefu}:agent:kefu01' as_of)" ] || fail 'no hash of an agent'
[ "$(redis TTL '{kefu}:alive')" -gt 0 ] || fail 'no sign of life'
heard=$(timeout 5 redis-cli --raw -s "$KEFU_DEMO_DIR/redis.sock" SUBSCRIBE '{kefu}:scores' | grep -c '^message$')
[ "$heard" -gt 0 ] || fail 'nothing was published'

"$KEFU_BUILD/kefuctl" agents -c "$KEFU_DEMO_DIR/kefud.json" | grep -q 林晓雯 || fail 'kefuctl agents does not know the team'
"$KEFU_BUILD/kefuctl" agent kefu01 -c "$KEFU_DEMO_DIR/kefud.json" >/dev/null || fail 'kefuctl agent'
board=$(sed -n 's|.*the board *\(http://[^ ]*\)$|\1|p' "$log")
for who in 'an agent' 'a lead' payroll 'everything else'; do
    token=$(sed -n "s|.*/ $who *\(kefu_.*\)|\1|p" "$log")
    curl -sf -H 'Content-Type: application/json' -d "{\"token\": \"$token\"}" "${board}v1/session" >/dev/null ||
        fail "the log-in of $who does not open the board"
done
scripts/demo >"$log.2" 2>&1 </dev/null && fail 'a second demo in the same folder was not refused'
grep -q 'already' "$log.2" || fail 'the refusal does not say why'
pids=$(fuser "$KEFU_DEMO_DIR/lock" 2>/dev/null; redis INFO server | sed -n 's/^process_id:\([0-9]*\).*/\1/p')
[ -n "$pids" ] || fail 'no process id of redis-server'

wait $demo
status=$?
[ $status = 0 ] || fail "ended with status $status"
for pid in $pids; do
    kill -0 "$pid" 2>/dev/null && fail "process $pid is still there"
done
[ ! -e "$KEFU_DEMO_DIR" ] || fail "$KEFU_DEMO_DIR was left behind"
grep -q '→' "$log" || fail 'the demo told of no score that moved'
echo ok
