#!/bin/bash
# The board in a real Chromium, against a real kefud and a real Redis: what agents, leads and payroll see, live, in both
# languages and themes, on a phone, by keyboard and screen reader, over restarts.
# limit_s: 600
set -eu
cd "$KEFU_ROOT/tests/e2e/pages"
if [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --silent
    touch node_modules/.package-lock.json
fi
exec node --test all.mjs
