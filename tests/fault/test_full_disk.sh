#!/bin/bash
# F5: the disk is full for a while (60 s with KEFU_SOAK, else 4). Senders get 503 with Retry-After and nothing of theirs is
# taken, the daemon lives and answers, and goes on by itself within 5 s when there is room. On a real small file system.
# limit_s: 170
set -u
if [ "${1:-}" != mounted ]; then
    # A mount of our own, as root or in a namespace where we are.
    unshare -m true 2>/dev/null && exec unshare -m "$0" mounted
    unshare -rm true 2>/dev/null && exec unshare -rm "$0" mounted
    echo 'no right to mount a small file system'
    exit 77
fi
. "$(dirname "$0")/../e2e/daemon.sh"
cd "$KEFU_ROOT" || exit 1
mkdir -p "$state"
mount -t tmpfs -o size=3m,mode=700 tmpfs "$state" || { echo 'no right to mount a small file system'; exit 77; }
full_s=$([ -n "${KEFU_SOAK:-}" ] && echo 60 || echo 4)
accepted=0
sent=0

# Posts 50 events that were never sent before; sets $status and $headers.
post_fresh()
{
    sent=$((sent + 1))
    seq 1 50 | sed "s/.*/{\"id\":\"p$sent-&\",\"ts\":1772294400000,\"type\":\"message\",\"conversation\":\"c$sent\",\"from\":\"customer\"}/" \
        >"$TMPDIR/body"
    post -D "$TMPDIR/headers" -o "$TMPDIR/answer" --data-binary "@$TMPDIR/body" >"$TMPDIR/status"
    status=$(tail -1 "$TMPDIR/status")
    [ "$status" != 200 ] || accepted=$((accepted + 50))
}

start
token=$("$kefuctl" token add --role ingest 2>/dev/null) || fail 'token add'
post_fresh
want 'a post while there is room' 200 "$status"

dd if=/dev/zero of="$state/filler" bs=4096 2>/dev/null
until post_fresh; [ "$status" != 200 ]; do
    [ "$sent" -lt 500 ] || fail 'the disk does not get full'
done
SECONDS=0
refused=0
while [ $SECONDS -lt "$full_s" ]; do
    want 'a post while the disk is full' 503 "$status"
    want_in 'its header' 'Retry-After: ' "$(cat "$TMPDIR/headers")"
    kill -0 "$pid" || fail 'the daemon has ended'
    "$kefuctl" status --json >"$TMPDIR/now" || fail 'it does not answer'
    want_in 'status' '"ready":true' "$(cat "$TMPDIR/now")"
    want_in 'events' "\"events\":$accepted" "$(cat "$TMPDIR/now")"
    refused=$((refused + 1))
    post_fresh
done

rm "$state/filler"
SECONDS=0
until post_fresh; [ "$status" = 200 ]; do
    [ $SECONDS -le 5 ] || fail 'it does not go on within 5 s'
done
echo "$refused posts refused in $full_s s, going on after $SECONDS s"
want_in 'events' "\"events\":$accepted" "$("$kefuctl" status --json)"

# What was answered 503 is not there, what was answered 200 is, also after a kill.
kill -9 "$pid"
wait "$pid" 2>/dev/null
start
want_in 'events after a kill' "\"events\":$accepted" "$("$kefuctl" status --json)"
want_in 'verify' ' 0 places are damaged' "$("$kefuctl" verify)"
stop
exit 0
