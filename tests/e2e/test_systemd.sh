#!/bin/bash
# limit_s: 180
# The units as they are installed, under a real systemd that is booted for this test alone: in namespaces and a control group
# of its own, with nothing of the machine's /etc, /run, /var/lib and network to lose. Needs root and a kernel that allows
# it; is skipped elsewhere, and then tests/e2e/test_supervised.py shows the same with a systemd that is played.
set -u
systemd=/lib/systemd/systemd
root=$TMPDIR/root

skip()
{
    echo "$*"
    exit 77
}

# Process 1 of the new namespaces. What it mounts is seen here only.
if [ "${1:-}" = boot ]; then
    set -e
    mount --make-rprivate /
    mount -t tmpfs tmpfs /run
    mkdir -p /run/lock /run/etc /run/machine
    mount -t tmpfs tmpfs /run/machine
    mkdir /run/machine/upper /run/machine/work
    mount -t overlay -o lowerdir=/etc,upperdir=/run/machine/upper,workdir=/run/machine/work overlay /etc
    mount -t tmpfs tmpfs /var/lib
    mount --bind "$root/usr/local" /usr/local
    umount -R /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mount -t proc proc /proc
    mount --make-rshared / # systemd puts credentials where its children see them
    # The loopback of the new network: SIOCSIFFLAGS, IFF_UP.
    python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 1))'
    export container=kefu-test SYSTEMD_UNIT_PATH=$TMPDIR/units:/usr/local/lib/systemd/system
    exec $systemd --system --unit=basic.target --show-status=no --log-target=console
fi

case $KEFU_BUILD in
*/san | */tsan) skip 'sanitizers need what the sandbox forbids' ;;
esac
[ "$(id -u)" = 0 ] || skip 'only root can boot a systemd of its own'
[ -x $systemd ] || skip 'there is no systemd'
groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
group=$groups/kefu-test-$$
[ -n "$groups" ] && mkdir "$group" 2>/dev/null || skip 'no control group can be made here'
booted=

finish()
{
    [ -z "$booted" ] || { disown "$booted"; kill -KILL "$booted"; } 2>/dev/null # process 1 of the namespaces goes with it
    wait 2>/dev/null
    for _ in $(seq 100); do # until the kernel has let go of the last of them
        find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
        [ -d "$group" ] || break
        sleep 0.05
    done
}
trap finish EXIT

"$KEFU_ROOT/scripts/install" "$KEFU_BUILD" "$root" /usr/local /usr/local/lib/systemd/system || exit 1
mkdir -p "$TMPDIR/units/kefud.service.d" "$TMPDIR/units/kefud@.service.d"
for target in basic sysinit sockets shutdown umount network time-sync; do
    printf '[Unit]\nDefaultDependencies=no\n' > "$TMPDIR/units/$target.target"
done
# There is no journal; and half a minute would be long to wait for the watchdog.
printf '[Service]\nStandardError=append:/run/kefud.log\nWatchdogSec=2\n' |
    tee "$TMPDIR/units/kefud.service.d/test.conf" > "$TMPDIR/units/kefud@.service.d/test.conf"

(
    echo "$BASHPID" > "$group/cgroup.procs" || exit 1
    exec unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup "$0" boot
) > "$TMPDIR/boot.log" 2>&1 &
booted=$!
one=
for _ in $(seq 200); do
    one=$(pgrep -P $booted | head -n 1)
    [ -z "$one" ] || nsenter -t "$one" -m test -S /run/systemd/private 2>/dev/null && break
    kill -0 $booted 2>/dev/null || break
    sleep 0.05
done
nsenter -t "$one" -m test -S /run/systemd/private 2>/dev/null || skip "no systemd of its own here: $(tail -n 1 "$TMPDIR/boot.log")"

cat > "$TMPDIR/inside.sh" <<'END'
set -u
fail()
{
    echo "FAILED: $*"
    systemctl status --no-pager -n 0 'kefud*' | head -40
    tail -n 20 /run/kefud.log
    exit 1
}
property() { systemctl show -p "$2" --value "$1"; }
want() { [ "$2" = "$3" ] || fail "$1: expected $2, found $3"; }
until_true() # WHAT COMMAND…: for at most 30 s
{
    what=$1
    shift
    for _ in $(seq 600); do "$@" && return; sleep 0.05; done
    fail "$what did not come"
}
event() { printf '{"id":"%s","ts":"2026-01-05T10:01:00+08:00","type":"message","conversation":"c1","from":"customer"}' "$1"; }
# The path to the daemon (curl's arguments), then the id.
post() { curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" -d "$(event "$2")" $1/v1/events; }
events() { kefuctl status --json -c "$1" | sed -n 's/.*"events":\([0-9]*\),.*/\1/p'; }
http=http://127.0.0.1:7787

mkdir -p /etc/kefud /etc/credstore
sed 's|"redis_address".*|"redis_address": ""|' /usr/local/share/kefud/kefud.json > /etc/kefud/kefud.json
systemctl start kefud.service || fail "start"
want "status" ready "$(property kefud StatusText)"
pid=$(property kefud MainPID)
for line in 'CapEff:.0*$' 'CapBnd:.0*$' 'NoNewPrivs:.1' 'Seccomp:.2'; do
    grep -q "^$line" "/proc/$pid/status" || fail "the process has not $line"
done
! grep -q '^Uid:.0' "/proc/$pid/status" || fail "it runs as root"
want "mode of its state" 700 "$(stat -L -c %a /var/lib/kefud)"

# Events come in by each way, also while it is restarted.
token=$(kefuctl token add --role ingest 2>/dev/null) || fail "token add"
want "POST" 200 "$(post $http m1)"
event m2 > /run/m2.ndjson
kefuctl load /run/m2.ndjson > /dev/null || fail "load"
(i=0; while [ ! -e /run/done ]; do post $http "r$i"; echo; i=$((i + 1)); done) > /run/posts &
began=$(date +%s%N)
for _ in 1 2 3 4 5; do systemctl restart kefud || fail "restart"; done
ms=$((($(date +%s%N) - began) / 1000000))
touch /run/done
wait
want "answers that were not 200 while it was restarted" '' "$(grep -v '^200$' /run/posts | sort | uniq -c)"
want "events after the restarts" $((2 + $(wc -l < /run/posts))) "$(events /etc/kefud/kefud.json)"
echo "$(wc -l < /run/posts) requests over 5 restarts in $ms ms: all served"

# A reload says how it went.
systemctl reload kefud || fail "reload"
want "status" 'ready; reloaded' "$(property kefud StatusText)"
cp /etc/kefud/kefud.json /run/good.json
echo '{"run_dir": "/run/kefud", "nothing": 1}' > /etc/kefud/kefud.json
! systemctl reload kefud 2> /dev/null || fail "a bad file was reloaded"
cp /run/good.json /etc/kefud/kefud.json
want "after a bad reload" active "$(property kefud ActiveState)"

# An erasure starts it anew in its process. Somebody reads the database meanwhile, so that the start takes three times as long as
# signs of life may be missing: it is waited for.
pid=$(property kefud MainPID) restarts=$(property kefud NRestarts)
echo '{"id":"p1","ts":"2026-01-05T10:01:00+08:00","type":"agent.profile","agent":"gone","left_on":"2026-01-05"}' |
    kefuctl load - > /dev/null || fail "load of a profile"
python3 -c 'import sqlite3, time
db = sqlite3.connect("file:/var/lib/kefud/kefu.db?mode=ro", uri=True, isolation_level=None)
db.execute("BEGIN")
db.execute("SELECT count(*) FROM meta").fetchone()
open("/run/reading", "w").close()
time.sleep(6)' &
until_true "a reader of the database" [ -e /run/reading ]
kefuctl person erase agent gone --by li --yes > /dev/null || fail "person erase"
wait $!
want "the process that erased" "$pid $restarts" "$(property kefud MainPID) $(property kefud NRestarts)"
grep -q evt=database_in_use /run/kefud.log || fail "the start did not wait"

# The loop stands: it is killed and started again, and nothing is lost.
before=$(events /etc/kefud/kefud.json)
kill -STOP "$(property kefud MainPID)"
restarted() { [ "$(property kefud NRestarts)" -ge 1 ] && [ "$(property kefud ActiveState)" = active ]; }
until_true "a restart by the watchdog" restarted
want "events after it" "$before" "$(events /etc/kefud/kefud.json)"

# Stopped: the sockets stay, and who knocks starts it.
systemctl stop kefud 2> /dev/null || fail "stop"
want "its end" success "$(property kefud Result)"
[ -S /run/kefud/ingest.sock ] && [ -S /run/kefud/control.sock ] || fail "the sockets have gone with it"
want "by a request" 200 "$(curl -s -o /dev/null -w '%{http_code}' $http/readyz)"
want "started" active "$(property kefud ActiveState)"

# A company beside it: its own state, sockets and secrets.
echo 00112233445566778899aabbccddeeff > /etc/credstore/kefud-shop1.customer-key
chmod 600 /etc/credstore/kefud-shop1.customer-key
cat > /etc/kefud/shop1.json <<CONFIG
{"state_dir": "/var/lib/kefud-shop1", "run_dir": "/run/kefud-shop1", "redis_address": "",
 "customer_key_file": "credential:customer-key"}
CONFIG
systemctl start kefud@shop1 || fail "start of a company"
token=$(kefuctl token add --role ingest -c /etc/kefud/shop1.json 2>/dev/null) || fail "token add of a company"
want "POST by a unix socket" 200 "$(post "--unix-socket /run/kefud-shop1/http.sock http://k" m1)"
want "its events" 1 "$(events /etc/kefud/shop1.json)"
want "the other's" "$before" "$(events /etc/kefud/kefud.json)"
[ ! -e /var/lib/kefud-shop1/customer.key ] || fail "the key was written beside the store"
want "who may open its HTTP" "660 www-data" "$(stat -c '%a %G' /run/kefud-shop1/http.sock)"

# F5. Its disk is full for longer than a silence is borne: senders are told to come again, nothing is killed, and it goes
# on by itself when there is room.
mkdir -p /var/lib/private/kefud-shop3
mount -t tmpfs -o size=2m,mode=700 tmpfs /var/lib/private/kefud-shop3 || fail "no small disk"
ln -s private/kefud-shop3 /var/lib/kefud-shop3
sed 's/shop1/shop3/g; s/,$/}/; /customer_key/d' /etc/kefud/shop1.json > /etc/kefud/shop3.json
systemctl start kefud@shop3 || fail "start on a small disk"
pid=$(property kefud@shop3 MainPID)
token=$(kefuctl token add --role ingest -c /etc/kefud/shop3.json 2>/dev/null) || fail "token add on a small disk"
shop3="--unix-socket /run/kefud-shop3/http.sock http://k"
want "POST on a small disk" 200 "$(post "$shop3" m0)"
cat /dev/zero > /var/lib/private/kefud-shop3/ballast 2> /dev/null
n=0
full() { n=$((n + 1)); [ "$(post "$shop3" "f$n")" = 503 ]; }
until_true "a full disk" full
end=$(($(date +%s) + 14)) tries=0
while [ "$(date +%s)" -lt $end ]; do
    full || fail "an event was taken, and there was no room"
    tries=$((tries + 1))
done
curl -s -D - -o /dev/null -H "Authorization: Bearer $token" -d "$(event x)" $shop3/v1/events | grep -qi '^retry-after:' ||
    fail "no Retry-After"
want "ready on a full disk" 1 "$(kefuctl status --json -c /etc/kefud/shop3.json | grep -c '"ready":true')"
rm /var/lib/private/kefud-shop3/ballast
end=$(($(date +%s) + 5))
until [ "$(post "$shop3" "g")" = 200 ]; do [ "$(date +%s)" -le $end ] || fail "no event is taken 5 s after there is room"; done
want "the process" "$pid" "$(property kefud@shop3 MainPID)"
echo "a full disk for 14 s: $tries times 503, not killed, and it went on"

# What another start would not mend is not started again.
echo '{"nothing": 1}' > /etc/kefud/shop2.json
! systemctl start kefud@shop2 2> /dev/null || fail "a bad file was taken"
want "restarts after status 78" 0 "$(property kefud@shop2 NRestarts)"
echo "all as expected"
END
PATH=/usr/local/bin:$PATH nsenter -t "$one" -m -p -u -i -n -C bash "$TMPDIR/inside.sh"
