/* The words of alerts, by table. */
#include "kefu/model/alert.h"

#include <stddef.h>

static const struct {
    struct str name;
    enum alert_unit unit;
    uint32_t scopes, traits;
} kinds[] = {{{"", 0}, UNIT_COUNT, 0, 0},
#define X(name, text, unit, scopes, traits) {{text, sizeof(text) - 1}, unit, scopes, traits},
             ALERT_KINDS(X)
#undef X
};
_Static_assert(sizeof kinds / sizeof *kinds == ALERT_KINDS_N, "each kind has its row");

struct str alert_kind_name(enum alert_kind k)
{
    return kinds[k].name;
}

enum alert_unit alert_kind_unit(enum alert_kind k)
{
    return kinds[k].unit;
}

uint32_t alert_kind_scopes(enum alert_kind k)
{
    return kinds[k].scopes;
}

uint32_t alert_kind_traits(enum alert_kind k)
{
    return kinds[k].traits;
}

struct str alert_scope_name(enum alert_scope s)
{
    static const struct str names[] = {
        {"", 0}, STR_LIT("agent"), STR_LIT("team"), {"", 0}, STR_LIT("site"),
    };
    return names[s];
}

struct str alert_severity_name(enum alert_severity s)
{
    static const struct str names[] = {{"", 0}, STR_LIT("info"), STR_LIT("warning"), STR_LIT("critical")};
    return names[s];
}

uint32_t alert_hears_bit(struct str word)
{
    static const struct str words[] = {STR_LIT("agent"), STR_LIT("lead"), STR_LIT("payroll"), STR_LIT("ops")};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(word, words[i]))
            return UINT32_C(1) << i;
    return 0;
}
