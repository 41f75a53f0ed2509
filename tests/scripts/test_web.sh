#!/bin/sh
# The board's own code without a browser: figures, words, what is built of it.
set -eu
exec node "$KEFU_ROOT/web/test/run.mjs"
