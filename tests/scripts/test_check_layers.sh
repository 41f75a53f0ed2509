#!/bin/sh
# The layer check itself: in small made-up trees, each edge of the table passes and each other edge fails, from sources
# and from headers alike; so does what cannot be placed. The expected table is written out here a second time on purpose.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
check=$root/scripts/check-layers
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0

# Layers as "name source-folder".
layers='base:daemon/base model:daemon/model state:daemon/state store:daemon/store views:daemon/views
publish:daemon/publish collectors:collectors rules:rules daemon:daemon ctl:ctl'

allowed()
{
    case $1-$2 in
    base-base | model-base | model-model) ;;
    collectors-base | collectors-model | collectors-collectors) ;;
    state-base | state-model | state-state) ;;
    store-base | store-model | store-store) ;;
    publish-base | publish-model | publish-publish) ;;
    rules-base | rules-model | rules-state | rules-rules) ;;
    views-base | views-model | views-state | views-views) ;;
    daemon-* | ctl-*) ;;
    *) return 1 ;;
    esac
}

# expect pass|fail WHAT FILE LINE: a tree that holds FILE with LINE, and one harmless file.
expect()
{
    n=$((n + 1))
    rm -rf "$tmp/t"
    mkdir -p "$tmp/t/daemon/base" "$tmp/t/$(dirname "$3")"
    printf '#include <stdio.h>\n' > "$tmp/t/daemon/base/harmless.c"
    printf '/* a comment */\n%s\n' "$4" > "$tmp/t/$3"
    if "$check" "$tmp/t" > "$tmp/out" 2>&1; then got=pass; else got=fail; fi
    if [ $got = fail ] && ! grep -q "^$3:[0-9]*: " "$tmp/out"; then got="fail without naming the file"; fi
    [ "$got" = "$1" ] && return
    failed=$((failed + 1))
    printf 'expected %s, got %s: %s (%s: %s)\n' "$1" "$got" "$2" "$3" "$4"
}

for from in $layers; do
    for to in $layers; do
        if allowed "${from%%:*}" "${to%%:*}"; then want=pass; else want=fail; fi
        expect $want "source ${from%%:*} -> ${to%%:*}" "${from#*:}/x.c" "#include \"kefu/${to%%:*}/y.h\""
        expect $want "header ${from%%:*} -> ${to%%:*}" "include/kefu/${from%%:*}/x.h" "#include \"kefu/${to%%:*}/y.h\""
    done
done
expect pass 'a library header' daemon/store/x.c '#include <sqlite3.h>'
expect pass 'a library header in a folder' daemon/base/x.c '#include <event2/event.h>'
expect pass 'a private header beside the file' daemon/store/x.c '#include "rows.h"'
expect pass 'a comment that names a header' daemon/base/x.c '/* see "kefu/state/site.h" */'
expect fail 'spaces around the include' daemon/base/x.c '  #  include  "kefu/model/event.h"'
expect fail 'no space before the name' daemon/base/x.c '#include"kefu/model/event.h"'
expect fail 'angle brackets do not hide an edge' daemon/base/x.c '#include <kefu/model/event.h>'
expect fail 'a path upwards' daemon/base/x.c '#include "../state/site.h"'
expect fail 'a path through the folders' daemon/base/x.c '#include "kefu/base/../state/site.h"'
expect fail 'a path from the root' rules/x.c '#include "daemon/store/rows.h"'
expect fail 'an unknown layer' daemon/x.c '#include "kefu/stuff/x.h"'
expect fail 'a header of no layer' daemon/x.c '#include "kefu/all.h"'
expect fail 'a file in an unknown folder' daemon/stuff/x.c '#include <stdio.h>'
expect fail 'a header directly under include/kefu' include/kefu/all.h '#include <stdio.h>'
expect fail 'a macro as include' daemon/base/x.c '#include HEADER'

mkdir "$tmp/empty"
n=$((n + 1))
if "$check" "$tmp/empty" > /dev/null 2>&1; then
    failed=$((failed + 1))
    echo 'expected fail, got pass: a tree without C files'
fi
echo "$n trees, $failed not as expected"
[ $failed = 0 ]
