# Functions for tests that start a kefud of their own; read with `.`, not run. Everything lives under $TMPDIR.
#
# start [json members…]   writes kefud.json (with what is given added) and starts kefud; waits until it is ready
# stop                    ends it with SIGTERM and wants exit status 0
# post ARGS…              curl to /v1/events with the token in $token; prints the body, then the status on a line of its own
# want WHAT EXPECTED FOUND; want_in WHAT PIECE TEXT
kefud=$KEFU_BUILD/kefud
kefuctl=$KEFU_BUILD/kefuctl
state=$TMPDIR/state
log=$TMPDIR/kefud.log
config=$TMPDIR/kefud.json
export KEFU_STATE=$state
pid=

fail()
{
    echo "FAILED: $*"
    tail -5 "$log" 2>/dev/null
    exit 1
}

want()
{
    [ "$2" = "$3" ] || fail "$1: expected $2, found $3"
}

want_in()
{
    case $3 in
    *"$2"*) ;;
    *) fail "$1: expected to find $2 in: $3" ;;
    esac
}

write_config()
{
    cat > "$config" <<END
{"state_dir": "$state", "http_listen": "127.0.0.1:0", "redis_address": ""${1:+, $1}}
END
}

# Waits for the line "ready" of the start that is under way, as long as the process lives.
await_ready()
{
    until grep -q evt=ready "$log"; do
        kill -0 "$pid" 2>/dev/null || fail "kefud ended before it was ready"
        sleep 0.02
    done
    address=$(sed -n 's/.*evt=ready.* http=\([^ ]*\).*/\1/p' "$log")
}

start()
{
    write_config "$@"
    : > "$log" # or the line of the last start would be taken for this one's
    "$kefud" -c "$config" 2> "$log" &
    pid=$!
    trap 'kill -9 $pid 2>/dev/null' EXIT
    await_ready
}

stop()
{
    kill -TERM "$pid"
    wait "$pid"
    want "exit status after SIGTERM" 0 $?
    pid=
}

post()
{
    curl -s -w '\n%{http_code}\n' -H "Authorization: Bearer $token" "$@" "http://$address/v1/events"
}
