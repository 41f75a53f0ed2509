#!/bin/sh
# The manuals know every option of kefud.json and every field and metric of a rulebook, and know no others. Of options
# also the default and the bounds are compared. The lists are taken from where the program takes them, and the manuals'
# examples are given to kefud -t.
set -eu
root=${KEFU_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
config_h=$root/include/kefu/model/config.h
rulebook_h=$root/include/kefu/model/rulebook.h
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

complain()
{
    printf '%s\n' "$*"
    failed=$((failed + 1))
}

# The options as "KIND|NAME|DEFAULT|LEAST|MOST|CHANGE"; least and most are of whole numbers, and of texts and paths in bytes.
options()
{
    sed -n '/^#define CONFIG_ROWS/,/^$/p' "$config_h" | tr -d '\\\n' |
        grep -oE '(TEXT|PATH|WHOLE|TRUTH)\([a-z_0-9]+, *("[^"]*"|[a-z0-9]+)(, *[0-9]+)*, *(RESTART|RELOAD),' |
        sed -E 's/, *(RESTART|RELOAD),$/|\1/
                s/^(WHOLE|TEXT)\(([a-z_0-9]+), *("[^"]*"|[0-9]+), *([0-9]+), *([0-9]+)\|/\1|\2|\3|\4|\5|/
                s/^PATH\(([a-z_0-9]+), *("[^"]*"), *([0-9]+)\|/PATH|\1|\2|\3|1024|/
                s/^TRUTH\(([a-z_0-9]+), *([a-z]+)\|/TRUTH|\1|\2|||/'
}

# What the manual $2 says under the item $1.
item()
{
    awk -v item="$1" '/^\.It Ic / { on = 0; n = split(substr($0, 8), names, / , (Ic )?/)
                                    for (i = 1; i <= n; i++) on = on || names[i] == item; next }
                      /^\.El/ { on = 0 } on' "$2" | tr '\n' ' '
}

# The items of manual $1 under its headings $2 (an extended regular expression).
items()
{
    awk -v heading="$2" '/^\.S[hs] / { on = substr($0, 5) ~ "^(" heading ")$" }
                         on && /^\.It Ic / { gsub(/ , (Ic )?/, "\n"); print substr($0, 8) }' "$1"
}

same_names()
{
    sort "$1" >"$1.sorted"
    sort "$2" >"$2.sorted"
    comm -23 "$1.sorted" "$2.sorted" | while read -r name; do echo "$3: $name is not documented"; done
    comm -13 "$1.sorted" "$2.sorted" | while read -r name; do echo "$3: there is no $name"; done
    cmp -s "$1.sorted" "$2.sorted" || failed=$((failed + 1))
}

says()
{
    case $text in
    *"$1"*) ;;
    *) complain "kefud.json(5): $name: the manual does not say \"$1\"" ;;
    esac
}

manual=$root/man/kefud.json.5
options >"$tmp/options"
cut -d'|' -f2 "$tmp/options" >"$tmp/known"
items "$manual" 'The site|Files|HTTP|The board|Redis|Queues and limits' >"$tmp/told"
same_names "$tmp/known" "$tmp/told" 'kefud.json(5)'
while IFS='|' read -r kind name default least most change; do
    text=$(item "$name" "$manual")
    case $kind-$least in
    WHOLE-*) says "Default $default, from $least to $most." ;;
    TEXT-0) says "t most $most bytes" ;;
    TEXT-*) says "$least to $most bytes" ;;
    PATH-0) ;;
    PATH-*) says "ot empty." ;;
    esac
    says "Default $default"
    case $change-$text in
    'RELOAD-'*'at a reload.'*) ;;
    RELOAD-* | *'at a reload.'*) complain "kefud.json(5): $name: is it $change?" ;;
    esac
done <"$tmp/options"
grep -q '^A path has at most 1024 bytes\.$' "$manual" || complain 'kefud.json(5): the longest path is not told'

manual=$root/man/kefud-rulebook.5
sed -nE 's/^ *(FIELD|OPTIONAL)\(([a-z_]+),.*/\2/p; s/^ *\{"([a-z_]+)", read_.*/\1/p' \
    "$root/daemon/model/rulebook.c" >"$tmp/known"
items "$manual" 'What and when|Limits|Working time|Phrases|Scores' >"$tmp/told"
same_names "$tmp/known" "$tmp/told" 'kefud-rulebook(5)'
[ "$(wc -l <"$tmp/known")" -ge 20 ] || complain "found only $(wc -l <"$tmp/known") fields in rulebook.c"

# The parts of KPIs, scores, labels and tiers, wherever the manual speaks of them.
sed -nE 's/^ *static const char \*const known\[\] = \{(.*), NULL\};/\1/p' "$root/daemon/model/rulebook_kpis.c" |
    grep -oE '[a-z_]+' | sort -u >"$tmp/known"
[ "$(wc -l <"$tmp/known")" -ge 12 ] || complain "found only $(wc -l <"$tmp/known") parts in rulebook_kpis.c"
while read -r name; do
    sed -n '/^\.Ss Scores/,/^\.Sh EXAMPLES/p' "$manual" | grep -qw -- "$name" ||
        complain "kefud-rulebook(5): $name is not documented"
done <"$tmp/known"

# The fields of an alert rule and of a channel, and the kinds of values.
fields_of()
{
    sed -nE '/^ *static const char \*const known\[\] = \{"name"/,/NULL\};/p' "$1" | grep -oE '"[a-z_]+"' | tr -d '"'
}
fields_of "$root/daemon/model/rulebook_alerts.c" >"$tmp/known"
items "$manual" Alerts >"$tmp/told"
same_names "$tmp/known" "$tmp/told" 'kefud-rulebook(5) Alerts'
fields_of "$root/daemon/model/channel.c" >"$tmp/known"
items "$root/man/kefud.json.5" CHANNELS >"$tmp/told"
same_names "$tmp/known" "$tmp/told" 'kefud.json(5) CHANNELS'
sed -n '/^#define ALERT_KINDS/,/^$/p' "$root/include/kefu/model/alert.h" | grep -oE '"[a-z_]+"' | tr -d '"' >"$tmp/known"
[ "$(wc -l <"$tmp/known")" -ge 15 ] || complain "found only $(wc -l <"$tmp/known") kinds of alerts"
while read -r name; do
    item when "$manual" | grep -qw -- "$name" || complain "kefud-rulebook(5) when: $name is not documented"
done <"$tmp/known"

# The fields of a token.
sed -n '/^ *static const char \*const known\[\] = {/,/};/p' "$root/daemon/model/access.c" |
    grep -oE '"[a-z_0-9]+"' | tr -d '"' >"$tmp/known"
items "$root/man/kefud.json.5" TOKENS >"$tmp/told"
same_names "$tmp/known" "$tmp/told" 'kefud.json(5) TOKENS'

sed -n '/^#define METRICS/,/^$/p' "$rulebook_h" | grep -oE '"[a-z_]+"' | tr -d '"' >"$tmp/known"
items "$manual" Metrics >"$tmp/told"
same_names "$tmp/known" "$tmp/told" 'kefud-rulebook(5) Metrics'

# The examples: kefud itself must find them well.
example()
{
    sed -n '/^\.Sh EXAMPLES/,$p' "$1" | sed -n '/^\.Bd/,/^\.Ed/p' | sed '/^\.[BE]d/d'
}

if [ -x "${KEFU_BUILD:-}/kefud" ]; then
    mkdir "$tmp/rulebooks"
    example "$root/man/kefud-rulebook.5" >"$tmp/rulebooks/example.json"
    example "$root/man/kefud.json.5" >"$tmp/kefud.json"
    "$KEFU_BUILD/kefud" -t -c "$tmp/kefud.json" >"$tmp/said" || complain "an example is refused: $(cat "$tmp/said")"
    grep -q 'example.json: ok' "$tmp/said" || complain "the example of a rulebook was not looked at"
fi

n=$(wc -l <"$tmp/options")
[ "$n" -ge 20 ] || complain "found only $n options in config.h"
echo "$n options, $failed complaints"
[ "$failed" = 0 ]
