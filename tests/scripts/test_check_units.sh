#!/bin/sh
# scripts/check-units finds the units of this tree well, and finds out one that is not.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
check=$KEFU_ROOT/scripts/check-units

"$check" || { echo "FAILED: the units as they are"; exit 1; }

# must_refuse WHAT PIECE-OF-THE-COMPLAINT SED-SCRIPT FILE…: a copy that was changed so.
must_refuse()
{
    what=$1 piece=$2 script=$3
    shift 3
    rm -rf "$tmp/units"
    cp -r "$KEFU_ROOT/systemd" "$tmp/units"
    for file; do
        sed -i "$script" "$tmp/units/$file"
    done
    if "$check" "$tmp/units" >"$tmp/said" 2>&1; then
        echo "FAILED: $what was not found"
        exit 1
    fi
    grep -q "$piece" "$tmp/said" || { echo "FAILED: $what: no \"$piece\" in: $(cat "$tmp/said")"; exit 1; }
}

must_refuse 'a service that is too exposed' 'kefud.service is too exposed' \
    '/^SystemCallFilter/d; /^CapabilityBoundingSet/d' kefud.service kefud@.service
must_refuse 'a template that is too exposed' 'kefud@shop1.service is too exposed' \
    '/^SystemCallFilter/d; /^CapabilityBoundingSet/d' kefud.service kefud@.service
must_refuse 'a key that systemd does not know' 'ProtectEverything' \
    's/^ProtectHome=/ProtectEverything=/' kefud.service kefud@.service
must_refuse 'a value that systemd does not know' 'protect system value' \
    's/^ProtectSystem=.*/ProtectSystem=much/' kefud.service kefud@.service
must_refuse 'a socket of a service that is not there' 'kefud.servise' 's/kefud.service/kefud.servise/' kefud.socket
must_refuse 'a template that lags behind' 'under other names' 's/^WatchdogSec=.*/WatchdogSec=7/' kefud.service
echo 'all as expected'
