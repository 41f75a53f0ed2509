#!/bin/sh
# `make install` puts programs, manuals, rulebooks, examples and units under DESTDIR, with the paths of PREFIX in them, and
# nothing anywhere else; `make uninstall` takes exactly that away again and leaves what others put beside it.
set -eu
cd "$KEFU_ROOT"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

case $KEFU_BUILD in
*/san) mode=SAN=1 ;;
*/tsan) mode=TSAN=1 ;;
*) mode= ;;
esac
# Nothing is built here: what is there is newer than its sources, or `make test` would have built it.
run_make()
{
    make --no-print-directory $mode -o build -o "${KEFU_BUILD#"$KEFU_ROOT"/}/kefud" -o "${KEFU_BUILD#"$KEFU_ROOT"/}/kefuctl" \
        "$@" >"$tmp/make.log" 2>&1
}

files()
{
    (cd "$1" && find . ! -type d | sort)
}

for prefix in /usr/local /usr /opt/shop/kefud; do
    root=$tmp/root
    mkdir -p "$root$prefix/bin" "$root/etc"
    echo other >"$root$prefix/bin/other"
    run_make install DESTDIR="$root" PREFIX=$prefix || fail "install: $(cat "$tmp/make.log")"
    for file in bin/kefud bin/kefuctl share/man/man8/kefud.8 share/man/man5/kefud.json.5 share/man/man5/kefud-rulebook.5 \
        share/man/man1/kefuctl.1 share/kefud/rulebooks/seed.json share/kefud/import/ratings.json share/kefud/kefud.json share/kefud/nginx.conf \
        lib/systemd/system/kefud.service lib/systemd/system/kefud@.service lib/systemd/system/kefud.socket \
        lib/systemd/system/kefud@.socket; do
        [ -s "$root$prefix/$file" ] || fail "$prefix/$file is not there"
    done
    [ "$(find "$root" -newer "$root$prefix/bin/other" -type f ! -path "$root$prefix/*" | wc -l)" = 0 ] ||
        fail "files outside of $prefix"
    [ "$(stat -c %a "$root$prefix/bin/kefud" "$root$prefix/share/kefud/kefud.json" | tr '\n' ' ')" = '755 644 ' ] ||
        fail "modes under $prefix"

    # Every program that a unit names is there, under this prefix; and the example is a configuration.
    sed -n 's/^Exec[A-Za-z]*=[+!@:-]*\([^ ]*\).*/\1/p' "$root$prefix"/lib/systemd/system/*.service | sort -u >"$tmp/named"
    printf '%s\n' "$prefix/bin/kefuctl" "$prefix/bin/kefud" | cmp -s - "$tmp/named" || fail "units name $(cat "$tmp/named")"
    if [ $prefix != /usr/local ]; then
        ! grep -rn /usr/local/ "$root$prefix/lib" || fail "a path was not set to $prefix"
    fi
    "$root$prefix/bin/kefud" -t -c "$root$prefix/share/kefud/kefud.json" >"$tmp/said" || fail "the example: $(cat "$tmp/said")"
    "$root$prefix/bin/kefuctl" --version >/dev/null || fail "the installed kefuctl does not run"

    # Once more is the same; then all goes but what is not ours.
    files "$root" >"$tmp/once"
    run_make install DESTDIR="$root" PREFIX=$prefix || fail "install again: $(cat "$tmp/make.log")"
    files "$root" | cmp -s - "$tmp/once" || fail "installing again brought other files"
    run_make uninstall DESTDIR="$root" PREFIX=$prefix || fail "uninstall: $(cat "$tmp/make.log")"
    [ "$(files "$root")" = ".$prefix/bin/other" ] || fail "after uninstall there are: $(files "$root")"
    [ ! -e "$root$prefix/share/kefud" ] || fail "our own folder is left"
    rm -rf "$root"
done

run_make install DESTDIR="$tmp/root" PREFIX=/opt/kefud UNITDIR=/etc/systemd/system || fail "UNITDIR: $(cat "$tmp/make.log")"
grep -q '^ExecStart=/opt/kefud/bin/kefud ' "$tmp/root/etc/systemd/system/kefud.service" || fail "UNITDIR was not heeded"
for bad in relative "/opt/my kefud" '/opt/a|b'; do
    ! run_make install DESTDIR="$tmp/root" PREFIX="$bad" || fail "PREFIX=$bad was taken"
done
echo 'all as expected'
