#!/bin/bash
# A history into a running daemon over HTTP, by kefuctl load, and by kefuctl load through a kill -9: the same rows each time,
# and the same as kefuctl compute gives of the file; real histories have the totals that stand beside them.
# limit_s: 400
set -u
. "$(dirname "$0")/daemon.sh"
cd "$KEFU_ROOT" || exit 1
events=$TMPDIR/events.ndjson

same_rows() # what, expected, found
{
    python3 tests/e2e/same_rows.py "$2" "$3" || fail "$1: other rows"
}

fresh() # a daemon that knows nothing
{
    [ -z "$pid" ] || stop
    rm -rf "$state"
    start
}

# Posts a file in requests of 2,000 lines.
post_file()
{
    local piece
    rm -rf "$TMPDIR/pieces"
    mkdir "$TMPDIR/pieces"
    split -l 2000 "$1" "$TMPDIR/pieces/"
    token=$("$kefuctl" token add --role ingest 2>/dev/null) || fail 'token add'
    for piece in "$TMPDIR"/pieces/*; do
        want_in "POST of $piece" $'\n200' "$(post --data-binary "@$piece")"
    done
}

report() # file
{
    "$kefuctl" report --json >"$1" || fail "kefuctl report: $?"
}

# Long ago: every deadline has passed, so that the figures do not depend on when they are asked for.
"$kefuctl" simulate --out "$events" --start 2025-03-01T00:00:00+08:00 --days 25 || fail 'simulate'
lines=$(wc -l <"$events")
"$kefuctl" compute "$events" --as-of 2026-01-01T00:00:00Z >"$TMPDIR/computed" || fail 'compute'

fresh
post_file "$events"
report "$TMPDIR/http"
same_rows 'over HTTP' "$TMPDIR/computed" "$TMPDIR/http"

fresh
want 'a load of it' "{\"lines\":$lines,\"accepted\":$lines,\"duplicate\":0,\"rejected\":0}" \
    "$("$kefuctl" load --json "$events" | sed 's/,"ms":[0-9]*//')"
report "$TMPDIR/loaded"
same_rows 'by load' "$TMPDIR/computed" "$TMPDIR/loaded"
want 'the same again' "{\"lines\":$lines,\"accepted\":0,\"duplicate\":$lines,\"rejected\":0}" \
    "$("$kefuctl" load --json "$events" | sed 's/,"ms":[0-9]*//')"
report "$TMPDIR/twice"
same_rows 'loaded twice' "$TMPDIR/computed" "$TMPDIR/twice"

# In no order at all: every event makes old deadlines due again, so that the loop has no rest while commits come back.
fresh
shuf --random-source="$events" "$events" >"$TMPDIR/shuffled"
want_in 'a load in no order' "\"accepted\":$lines," "$(timeout 100 "$kefuctl" load --json "$TMPDIR/shuffled")"
report "$TMPDIR/shuffled.report"
same_rows 'loaded in no order' "$TMPDIR/computed" "$TMPDIR/shuffled.report"

# Killed in the middle: kefuctl waits for the next start and goes on by itself; then all of it once more.
fresh
mkfifo "$TMPDIR/pipe"
"$kefuctl" load --json - <"$TMPDIR/pipe" >"$TMPDIR/summary" &
loading=$!
exec 8>"$TMPDIR/pipe"
head -n 30000 "$events" >&8
counted() { "$kefuctl" status --json | sed 's/.*"events":\([0-9]*\).*/\1/'; }
until [ "$(counted)" -ge 20000 ]; do
    kill -0 $loading 2>/dev/null || fail 'load ended early'
done
kill -9 "$pid"
wait "$pid" 2>/dev/null
tail -n +30001 "$events" >&8 &
feeding=$!
start 8>&- # the new daemon must not hold the pipe open
wait $feeding
exec 8>&-
wait $loading
want 'exit status of a load through a kill' 0 $?
want_in 'every line acknowledged' "\"lines\":$lines," "$(cat "$TMPDIR/summary")"
want_in 'no line refused' '"rejected":0' "$(cat "$TMPDIR/summary")"
report "$TMPDIR/killed"
same_rows 'through a kill' "$TMPDIR/computed" "$TMPDIR/killed"
want_in 'all known after the kill' "\"accepted\":0,\"duplicate\":$lines," "$("$kefuctl" load --json "$events")"
report "$TMPDIR/again"
same_rows 'repeated after the kill' "$TMPDIR/computed" "$TMPDIR/again"

# Bad lines are named by file and line, the others are taken; several files count their lines each.
printf '%s\n' '{"id":"b1","ts":"2025-01-01T00:00:00Z","type":"agent.status","agent":"kefu01","status":"online"}' \
    '' 'nonsense' >"$TMPDIR/one"
printf '%s' '{"id":"b2","ts":1735689600000,"type":"agent.status","agent":"kefu01","status":"asleep"}' >"$TMPDIR/two"
"$kefuctl" load "$TMPDIR/one" "$TMPDIR/two" >"$TMPDIR/out" 2>"$TMPDIR/err"
want 'exit status with refused lines' 2 $?
want_in 'the summary' '4 lines' "$(cat "$TMPDIR/out")"
want_in 'the summary' '1 new, 0 known already, 2 refused' "$(cat "$TMPDIR/out")"
want_in 'line 3 of the first' "$TMPDIR/one:3: " "$(cat "$TMPDIR/err")"
want_in 'line 1 of the second' "$TMPDIR/two:1: status" "$(cat "$TMPDIR/err")"
"$kefuctl" load "$TMPDIR/one" /nonexistent >/dev/null 2>&1
want 'exit status without a file' 1 $?
gzip -c "$TMPDIR/one" >"$TMPDIR/one.gz"
want_in 'gzip' 'zcat FILE | kefuctl' "$("$kefuctl" load "$TMPDIR/one.gz" 2>&1)"
"$kefuctl" simulate --live >/dev/null 2>"$TMPDIR/err"
want 'invented events for a daemon that is no demo' 1 $?
want_in 'the refusal' '"demo": true' "$(cat "$TMPDIR/err")"

# Real histories, where they are at hand: the totals that stand beside them, or else those of kefuctl compute.
for name in helpdesk_ti pwc_callcenter irc_stripe servicenow_uci; do
    history=../shared/data/$name.ndjson expected=../shared/data/$name.expected.json
    if [ -r "$history.gz" ]; then
        zcat "$history.gz" >"$TMPDIR/$name.ndjson"
        history=$TMPDIR/$name.ndjson
    fi
    [ -r "$history" ] || { echo "($name is not here)"; continue; }
    "$kefuctl" compute "$history" --as-of 2026-01-01T00:00:00Z >"$TMPDIR/$name.computed" || fail "$name: compute"
    [ ! -r "$expected" ] || same_rows "$name computed" "$expected" "$TMPDIR/$name.computed"
    fresh
    post_file "$history"
    report "$TMPDIR/$name"
    same_rows "$name over HTTP" "$TMPDIR/$name.computed" "$TMPDIR/$name"
    [ ! -r "$expected" ] || same_rows "$name over HTTP, as expected" "$expected" "$TMPDIR/$name"
    "$kefuctl" load "$history" >/dev/null || fail "$name: load again"
    report "$TMPDIR/$name"
    same_rows "$name over HTTP and by load" "$TMPDIR/$name.computed" "$TMPDIR/$name"
done
stop
"$kefuctl" load "$events" >/dev/null 2>&1
want 'exit status without a daemon' 3 $?
echo ok
