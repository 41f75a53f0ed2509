#!/bin/bash
# The example of nginx in front of kefud: nginx finds it well-formed, and events come through it over TLS, by port and by unix
# socket; what is not of the API does not.
set -u
. "$(dirname "$0")/daemon.sh"
command -v nginx > /dev/null || { echo "there is no nginx; Debian has it in the package nginx"; exit 77; }
event='{"id":"ID","ts":"2026-01-05T10:01:00+08:00","type":"message","conversation":"c1","from":"customer"}'

start
token=$("$kefuctl" token add --role ingest 2>/dev/null) || fail "token add"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=kefu.example.com \
    -addext subjectAltName=DNS:kefu.example.com -keyout "$TMPDIR/key" -out "$TMPDIR/cert" 2> "$TMPDIR/openssl.log" ||
    fail "no certificate: $(cat "$TMPDIR/openssl.log")"

# The example, with nothing changed but places; a free port, for nginx cannot be asked for any.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -e "s|listen 443 |listen 127.0.0.1:$port |; s|/etc/nginx/kefu.example.com.pem|$TMPDIR/cert|" \
    -e "s|/etc/nginx/kefu.example.com.key|$TMPDIR/key|; s|http://127.0.0.1:7787|http://$address|" \
    "$KEFU_ROOT/systemd/nginx.conf" > "$TMPDIR/site.conf"
want "places that were changed" 4 "$(diff "$KEFU_ROOT/systemd/nginx.conf" "$TMPDIR/site.conf" | grep -c '^>')"
cat > "$TMPDIR/nginx.conf" <<END
daemon off;
master_process off;
pid $TMPDIR/nginx.pid;
error_log $TMPDIR/nginx.log;
events {}
http {
    access_log $TMPDIR/access.log;
    client_body_temp_path $TMPDIR/body;
    proxy_temp_path $TMPDIR/proxy;
    fastcgi_temp_path $TMPDIR/fastcgi;
    uwsgi_temp_path $TMPDIR/uwsgi;
    scgi_temp_path $TMPDIR/scgi;
    include $TMPDIR/site.conf;
}
END
nginx -t -c "$TMPDIR/nginx.conf" 2> "$TMPDIR/check.log" || fail "nginx -t: $(cat "$TMPDIR/check.log")"
! grep -q warn "$TMPDIR/check.log" || fail "nginx -t: $(cat "$TMPDIR/check.log")"
nginx -c "$TMPDIR/nginx.conf" 2> "$TMPDIR/check.log" &
nginx_pid=$!
trap 'kill -9 $pid $nginx_pid 2>/dev/null' EXIT

through() # id, curl's arguments: the status
{
    curl -s -o "$TMPDIR/answer" -w '%{http_code}' --cacert "$TMPDIR/cert" --resolve "kefu.example.com:$port:127.0.0.1" \
        -H "Authorization: Bearer $token" -d "${event/ID/$1}" "${@:2}" "https://kefu.example.com:$port${path:-/v1/events}"
}

until through m1 > /dev/null; do
    kill -0 $nginx_pid || fail "nginx ended: $(cat "$TMPDIR/nginx.log")"
    sleep 0.02
done
want "an event over TLS" 200 "$(through m2)"
want_in "it was taken" '"accepted": 1' "$(cat "$TMPDIR/answer")"
want "one whose body comes in chunks" 200 "$(through m3 -H 'Transfer-Encoding: chunked')"
want "events" 3 "$("$kefuctl" status --json | sed -n 's/.*"events":\([0-9]*\),.*/\1/p')"
want "without a token" 401 "$(token=none through m4)"
head -c 1100000 /dev/zero | tr '\0' ' ' > "$TMPDIR/large"
want "a body that is too long" 413 "$(through m5 -H 'Expect:' --data-binary "@$TMPDIR/large")"
want "what is not of the API" 404 "$(path=/healthz through m6)"
! grep -qF "$token" "$TMPDIR/access.log" "$TMPDIR/nginx.log" || fail "a token is in nginx' logs"

# The other form, of one company of several: a unix socket.
sed -i "s|proxy_pass http://$address;|proxy_pass http://unix:$TMPDIR/http.sock:;|" "$TMPDIR/site.conf"
nginx -t -c "$TMPDIR/nginx.conf" 2> "$TMPDIR/check.log" || fail "nginx -t: $(cat "$TMPDIR/check.log")"
kill -TERM $nginx_pid
wait $nginx_pid
stop
echo "all as expected"
