#!/bin/bash
# kefuctl journal, backup, restore, verify, and the background look, on the store of a real daemon, running and stopped:
# F7 (damage that a start meets, and damage it does not), an export that gives the same figures, a restored backup that does.
# limit_s: 300
set -u
. "$(dirname "$0")/daemon.sh"
cd "$KEFU_ROOT" || exit 1
events=$TMPDIR/events.ndjson
exported=$TMPDIR/exported.ndjson
db=$state/kefu.db

refuses() # what, exit status, piece of the message, command…
{
    local what=$1 status=$2 piece=$3 said
    shift 3
    said=$("$@" 2>&1)
    want "$what: exit status" "$status" $?
    want_in "$what" "$piece" "$said"
}

report() # file
{
    "$kefuctl" report --json >"$1" || fail "kefuctl report: $?"
}

same_rows() # what, expected, found
{
    python3 tests/e2e/same_rows.py "$2" "$3" || fail "$1: other rows"
}

sql() # statement; only while nobody has the store open
{
    python3 - "$db" "$1" <<'END' || fail "sql: $1"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.executescript(sys.argv[2])
db.commit()
END
}

fails_to_start() # piece of the message
{
    "$kefud" -c "$config" 2>"$log"
    want "exit status of a start on a damaged store" 74 $?
    want_in "the start's message" "$1" "$(cat "$log")"
}

# A history with texts: closers, questions, placeholders, and customers who come back.
python3 - "$events" <<'END'
import json, random, sys
r = random.Random(7)
texts = ["在吗", "谢谢", "好的", "什么时候发货?", "ok", "谢谢,那什么时候发货", "", "稍等"]
t, out = 1740787200000, open(sys.argv[1], "w")
def put(**e):
    global t, n
    t += r.randrange(1000, 60000)
    n += 1
    out.write(json.dumps({"id": "e%d" % n, "source": "t", "ts": t, **e}, ensure_ascii=False) + "\n")
n = 0
for c in range(400):
    about = {"conversation": "c%d" % c}
    put(type="conversation.opened", customer="user%d" % r.randrange(60), shop="s", **about)
    for m in range(r.randrange(2, 12)):
        who = r.choice(["customer", "customer", "agent"])
        put(type="message", **{"from": who}, text=r.choice(texts), **about, **({"agent": "a%d" % (c % 5)} if who == "agent" else {}))
    put(type="conversation.resolved", by="agent", agent="a%d" % (c % 5), **about)
    if c % 3 == 0:
        put(type="rating", score=r.randrange(1, 6), **about)
END
cat >"$TMPDIR/rules.json" <<'END'
{"name": "t", "effective_from": "2025-01", "placeholder_phrases": ["稍等"]}
END
mkdir "$TMPDIR/rules" && cp "$TMPDIR/rules.json" "$TMPDIR/rules/t.json"
rules="\"rulebooks_dir\": \"$TMPDIR/rules\""
lines=$(wc -l <"$events")

start "$rules, \"journal_keep_days\": 7"
"$kefuctl" load --quiet "$events" >/dev/null || fail 'load'
report "$TMPDIR/first"

# --- beside the running daemon
want_in 'journal verify' "$lines events from 1 to $lines are whole, 0 are set aside, 0 places" "$("$kefuctl" journal verify)"
want_in 'verify' ' 0 places are damaged' "$("$kefuctl" verify)"
"$kefuctl" journal export >"$exported" || fail "export: $?"
want 'lines exported' "$lines" "$(wc -l <"$exported")"
want 'texts in the export' 0 "$(grep -c '"text":' "$exported")"
want 'customers by name in the export' 0 "$(grep -c 'user[0-9]' "$exported")"
want 'a part' 6 "$("$kefuctl" journal export --from 5 --to 10 | wc -l)"
want 'the same lines' "$(sed -n 5,10p "$exported")" "$("$kefuctl" journal export --from 5 --to 10)"
refuses 'a range that is not there' 2 'expected a whole number from 1' "$kefuctl" journal export --from $((lines + 1))
"$kefuctl" backup "$TMPDIR/backup" >/dev/null || fail "backup: $?"
want 'mode of the backup' 600 "$(stat -c %a "$TMPDIR/backup")"
want 'beside the backup' "$TMPDIR/backup" "$(echo "$TMPDIR"/backup*)"
want_in 'verify of the backup' ' 0 places are damaged' "$("$kefuctl" verify "$TMPDIR/backup")"
refuses 'set-aside beside a daemon' 1 'open in another kefud' "$kefuctl" journal set-aside 1
refuses 'restore beside a daemon' 1 'open in another kefud' "$kefuctl" restore "$TMPDIR/backup"

# The export once more into the same store: what had no text is known, the rest is a conflict, the figures are the same.
"$kefuctl" load --quiet "$exported" >/dev/null 2>&1
want 'exit status of a load with conflicts' 2 $?
report "$TMPDIR/again"
same_rows 'export loaded into its own store' "$TMPDIR/first" "$TMPDIR/again"
post_last=$("$kefuctl" status --json | sed 's/.*"last_seq":\([0-9]*\).*/\1/')
want 'events after it' "$lines" "$post_last"
stop

# --- stopped: the same looks
want_in 'journal verify when stopped' ' 0 places are damaged' "$("$kefuctl" journal verify)"
"$kefuctl" journal export | cmp - "$exported" || fail 'the export of a stopped store is another'
want_in 'verify when stopped' ' 0 places are damaged' "$("$kefuctl" verify)"

# --- an export into a new store, under a new key
mv "$state" "$TMPDIR/first-state"
start "$rules"
"$kefuctl" load --quiet "$exported" >/dev/null || fail "load of the export: $?"
report "$TMPDIR/from-export"
same_rows 'from the export' "$TMPDIR/first" "$TMPDIR/from-export"
# Once a checkpoint holds them, the journal lets them go; the export is the same in another order.
"$kefuctl" journal export | sort >"$TMPDIR/before"
"$kefuctl" checkpoint >/dev/null || fail 'checkpoint'
"$kefuctl" journal export >"$TMPDIR/after" || fail "export after a checkpoint: $?"
sort "$TMPDIR/after" | cmp - "$TMPDIR/before" || fail 'the export after a checkpoint is another'
# Whoever asks for it hears that it is under way, before the answer.
python3 - "$state/control.sock" <<'END' || fail 'progress of a checkpoint'
import json, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.settimeout(60)
    answers = s.makefile()
    s.sendall(b'{"do": "checkpoint", "progress": 1}\n')
    refused = json.loads(next(answers))
    s.sendall(b'{"do": "checkpoint", "progress": true}\n')
    first = last = json.loads(next(answers))
    while "progress" in last:
        last = json.loads(next(answers))
assert refused["ok"] is False and "progress" in refused["error"], refused
assert set(first["progress"]) == {"doing", "done", "of", "full"}, first
assert last["ok"] is True and last["seq"] > 0, last
END
refuses 'a part that the journal has no longer' 2 'expected a whole number from' "$kefuctl" journal export --from 1
stop
rm -rf "$state"
mv "$TMPDIR/first-state" "$state"

# --- F7: damage that a start meets
row=$(python3 - "$db" <<'END'
import sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute("SELECT seq, n FROM journal ORDER BY seq").fetchall()
seq, n = rows[len(rows) // 2]
print(seq, n)
END
)
seq=${row% *} n=${row#* }
sql "UPDATE journal SET payload = CAST(substr(payload, 1, 9) || x'00' || substr(payload, 11) AS BLOB) WHERE seq = $seq"
fails_to_start "kefuctl journal set-aside $seq"
refuses 'verify of it' 2 "journal $seq" "$kefuctl" verify
refuses 'journal verify of it' 2 "journal $seq" "$kefuctl" journal verify
refuses 'export of it' 1 "journal $seq" "$kefuctl" journal export
refuses 'backup of it' 1 "journal $seq" "$kefuctl" backup "$TMPDIR/bad"
[ ! -e "$TMPDIR/bad" ] && [ ! -e "$TMPDIR/bad.part" ] || fail 'a backup of a damaged store was left'
refuses 'a sound row' 1 'is sound' "$kefuctl" journal set-aside 1
want_in 'set-aside' "The events $seq to $((seq + n - 1)) are set aside" "$("$kefuctl" journal set-aside "$seq")"
start "$rules"
want_in 'status' "\"set_aside\":$n" "$("$kefuctl" status --json)"
refuses 'verify says that some are aside' 0 "$n are set aside, 0 places" "$kefuctl" journal verify
stop
refuses 'again' 1 'already' "$kefuctl" journal set-aside "$seq"

# --- the backup puts it right
want_in 'restore' "is in place" "$("$kefuctl" restore "$TMPDIR/backup")"
[ -e "$db.before-restore-1" ] || fail 'the old database was not kept'
start "$rules"
report "$TMPDIR/restored"
same_rows 'from the backup' "$TMPDIR/first" "$TMPDIR/restored"
want_in 'status after restoring' '"set_aside":0' "$("$kefuctl" status --json)"
stop
head -c 40000 "$TMPDIR/backup" >"$TMPDIR/cut"
refuses 'restore of half a file' 1 'put the latest backup' "$kefuctl" restore "$TMPDIR/cut"
refuses 'restore of no database' 1 'not a database' "$kefuctl" restore "$exported"
refuses 'restore of nothing' 1 'opening' "$kefuctl" restore "$TMPDIR/nothing"
start "$rules"
stop

# --- F7: damage that no start meets is found in the background, and told
sql "INSERT INTO position(site, key, checksum, value) VALUES(1, 'elsewhere', 1, x'31')"
start "$rules, \"scrub_rows_s\": 100000"
SECONDS=0
until grep -q evt=damage "$log"; do
    [ $SECONDS -lt 30 ] || fail 'the background look has found nothing'
    sleep 0.05
done
want_in 'the log' 'table position, row elsewhere' "$(grep evt=damage "$log")"
want_in 'status' '"damage":{"found":1' "$("$kefuctl" status --json)"
stop
exit 0
