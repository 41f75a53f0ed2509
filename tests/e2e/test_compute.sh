#!/bin/bash
# kefuctl compute and simulate from outside: the totals of real histories, refused lines, exit statuses.
set -u
cd "$KEFU_ROOT" || exit 1
ctl=$KEFU_BUILD/kefuctl
work=${TMPDIR:-/tmp}
fail() { echo "FAILED: $*"; exit 1; }
same_rows() { python3 tests/e2e/same_rows.py "$1" "$2"; }

# Input that is partly bad: the good is computed, the bad is named by line, the status is 2.
cat >"$work/mixed.ndjson" <<'LINES'
{"id":"1","ts":1772409600000,"type":"message","conversation":"k","from":"customer"}

{"id":"1","ts":1772409600001,"type":"message","conversation":"k","from":"customer"}
{"id":"9","ts":"soon","type":"message","conversation":"k","from":"customer"}
{"id":"2","ts":"2026-03-02T08:00:10+08:00","type":"message","conversation":"k","from":"agent","agent":"A"}
LINES
"$ctl" compute "$work/mixed.ndjson" >"$work/out" 2>"$work/err"
[ $? = 2 ] || fail 'the status of partly bad input is not 2'
grep -q '"agent":"A","period":"2026-03","answered":1,"within":1,"missed":0,"response_sum":10000,' "$work/out" ||
    fail 'the good lines were not computed'
grep -q 'mixed.ndjson:3: .*came before' "$work/err" || fail 'the conflict in line 3 is not named'
grep -q 'mixed.ndjson:4: ts' "$work/err" || fail 'the bad time in line 4 is not named'
[ "$(grep -c 'mixed.ndjson:' "$work/err")" = 2 ] || fail 'more or fewer than two lines were refused'

# What comes after as_of is not there; standard input is a file like any other; a rulebook may say one thing only.
"$ctl" compute --as-of 2026-03-02T00:00:09Z - <"$work/mixed.ndjson" >"$work/out" 2>/dev/null
grep -q '"answered"' "$work/out" && fail 'an event after as_of was counted'
echo '{"response_target_ms": 5000}' >"$work/strict.json"
"$ctl" compute --rulebook "$work/strict.json" "$work/mixed.ndjson" 2>/dev/null | grep -q '"answered":1,"within":0' ||
    fail 'the rulebook given was not used'
echo '{"response_target_ms": -5}' >"$work/bad.json"
"$ctl" compute --rulebook "$work/bad.json" "$work/mixed.ndjson" >/dev/null 2>"$work/err"
[ $? = 1 ] || fail 'a bad rulebook was taken'
grep -q 'bad.json:1 response_target_ms' "$work/err" || fail 'a bad rulebook is refused without its place'

# Wrong usage is 2 and says how it is right; a missing file is 1; a daemon that is not there is 3.
"$ctl" compute 2>/dev/null; [ $? = 2 ] || fail 'no file: not 2'
"$ctl" compute --colour x 2>"$work/err"; [ $? = 2 ] || fail 'an unknown option: not 2'
grep -q 'kefuctl help compute' "$work/err" || fail 'an unknown option is refused without help'
"$ctl" compute /nonexistent 2>/dev/null; [ $? = 1 ] || fail 'a missing file: not 1'
"$ctl" status --state "$work" 2>/dev/null; [ $? = 3 ] || fail 'no daemon: not 3'
"$ctl" nonsense 2>/dev/null; [ $? = 2 ] || fail 'an unknown command: not 2'
for command in status agents agent report quarantine load compute token reload simulate; do
    "$ctl" help $command | grep -q "^kefuctl $command" || fail "no help for $command"
    "$ctl" $command --help >/dev/null || fail "$command --help"
done
# The manual knows every command and every option of its help.
for command in status agents agent report quarantine load compute token reload simulate; do
    grep -q "^\.It Cm $command" man/kefuctl.1 || fail "kefuctl(1) does not know $command"
    for option in $("$ctl" help $command | sed -n 's/^  --\([a-z-]*\).*/\1/p'); do
        grep -q "Fl -$option" man/kefuctl.1 || fail "kefuctl(1) does not know $command --$option"
    done
done
gzip -c "$work/mixed.ndjson" >"$work/mixed.ndjson.gz"
"$ctl" compute "$work/mixed.ndjson.gz" 2>&1 | grep -q zcat || fail 'gzip is refused without the mend'

# The simulator: the same seed the same bytes; exactly as many lines as asked for; whole files pass without a refusal.
"$ctl" simulate --out "$work/a" --days 3 --seed 5 && "$ctl" simulate --out - --days 3 --seed 5 >"$work/b" || fail simulate
cmp "$work/a" "$work/b" || fail 'the same seed gave other bytes'
"$ctl" compute "$work/a" >/dev/null || fail 'an invented event was refused'
[ "$("$ctl" simulate --out - --events 777 --ids short | wc -l)" = 777 ] || fail 'not 777 lines'

# Real histories, where they are at hand.
for name in helpdesk_ti pwc_callcenter; do
    events=../shared/data/$name.ndjson expected=../shared/data/$name.expected.json
    [ -r "$events" ] && [ -r "$expected" ] || { echo "($name is not here)"; continue; }
    "$ctl" compute --as-of 2027-01-01T00:00:00Z "$events" >"$work/$name.json" || fail "$name: status $?"
    same_rows "$expected" "$work/$name.json" || fail "$name: other totals"
    tac "$events" | "$ctl" compute --as-of 2027-01-01T00:00:00Z - "$events" >"$work/$name.twice.json" || fail "$name reversed"
    cmp "$work/$name.json" "$work/$name.twice.json" || fail "$name: reversed and twice gives other bytes"
done
echo ok
