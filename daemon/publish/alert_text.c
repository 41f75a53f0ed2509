/* Templates of notices. Decimals are cut, never rounded up, as everywhere a figure is shown. */
#include "kefu/publish/alert_text.h"

#include <inttypes.h>
#include <string.h>

#include "kefu/base/fix.h"

struct words { /* of one language */
    const char *severity[4];
    const char *as[TOLD_N];
    const char *between, *colon, *dot;
    const char *seconds, *stars, *points;
};

static const struct words zh = {
    {"", "提示", "警告", "严重"}, {"触发", "仍在持续", "已解除"}, "、", ":", " · ", " 秒", " 星", " 分"};
static const struct words en = {{"", "info", "warning", "critical"},
                                {"Raised", "Still on", "Resolved"},
                                ", ",
                                ": ",
                                " · ",
                                " s",
                                " stars",
                                " points"};

static const struct words *words_of(const struct alert_notice *a)
{
    return a->english ? &en : &zh;
}

void alert_put_plain(struct buf *out, struct str s)
{
    static const char marks[] = "<>@*[]#`_~|\\&";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7F) {
            buf_put_byte(out, ' ');
        } else if (memchr(marks, c, sizeof marks - 1)) { /* U+FF01 … U+FF5E are those of U+0021 … U+007E */
            unsigned code = 0xFF00U + c - 0x20U;
            buf_put_byte(out, (uint8_t)(0xE0U | code >> 12));
            buf_put_byte(out, (uint8_t)(0x80U | (code >> 6 & 0x3FU)));
            buf_put_byte(out, (uint8_t)(0x80U | (code & 0x3FU)));
        } else {
            buf_put_byte(out, c);
        }
    }
}

void alert_put_decimal(struct buf *out, int64_t micro, int decimals)
{
    int64_t step = FIX_ONE;
    for (int i = 0; i < decimals; i++)
        step /= 10;
    int64_t units = micro / step, one = FIX_ONE / step;
    buf_printf(out, "%s%" PRId64 ".%0*" PRId64, units < 0 ? "-" : "", imaxabs(units / one), decimals,
               imaxabs(units % one));
}

void alert_put_value(struct buf *out, enum alert_unit unit, int64_t value_micro, bool english)
{
    const struct words *w = english ? &en : &zh;
    if (unit == UNIT_SHARE) {
        alert_put_decimal(out, value_micro * 100, 1);
        buf_put_str(out, STR_LIT("%"));
    } else if (unit == UNIT_STARS || unit == UNIT_POINTS) {
        alert_put_decimal(out, value_micro, 1);
        buf_put_str(out, str_of(unit == UNIT_STARS ? w->stars : w->points));
    } else {
        buf_printf(out, "%" PRId64 "%s", value_micro / FIX_ONE, unit == UNIT_SECONDS ? w->seconds : "");
    }
}

void alert_title(struct buf *out, const struct alert_notice *a)
{
    const struct words *w = words_of(a);
    const struct alert_rule *r = a->rule;
    buf_printf(out, a->english ? "[%s] " : "【%s】", w->severity[r->severity]);
    alert_put_plain(out, a->english ? r->en : r->zh);
    if (a->team.n) {
        buf_put_str(out, str_of(w->dot));
        alert_put_plain(out, a->team);
    }
}

static void put_item(struct buf *out, const struct alert_notice *a, const struct alert_item *i)
{
    bool tier = a->rule->kind == ALERT_TIER_UP || a->rule->kind == ALERT_TIER_DOWN;
    alert_put_plain(out, i->who);
    if (i->as == TOLD_RESOLVED || tier)
        return;
    if (i->who.n)
        buf_put_byte(out, ' ');
    alert_put_value(out, alert_kind_unit(a->rule->kind), i->value_micro, a->english);
}

static void put_line(struct buf *out, const struct alert_notice *a, enum alert_told_as as)
{
    const struct words *w = words_of(a);
    size_t n = 0;
    size_t before = out->n;
    for (size_t i = 0; i < a->n; i++) {
        if (a->items[i].as != as)
            continue;
        if (n == 0)
            buf_printf(out, "%s%s", before ? "\n" : "", w->as[as]);
        size_t head = out->n;
        if (n < ALERT_TEXT_ITEMS) {
            buf_put_str(out, str_of(n ? w->between : w->colon));
            size_t at = out->n;
            put_item(out, a, &a->items[i]);
            out->n = out->n == at ? head : out->n; /* a resolved one of the site: the word says it all */
        }
        n++;
    }
    if (n > ALERT_TEXT_ITEMS)
        buf_printf(out, a->english ? " and %zu more" : " 等 %zu 项", a->english ? n - ALERT_TEXT_ITEMS : n);
}

void alert_text(struct buf *out, const struct alert_notice *a)
{
    struct buf text = {0};
    for (int as = 0; as < TOLD_N; as++)
        put_line(&text, a, (enum alert_told_as)as);
    buf_put_str(out, buf_str(&text));
    buf_fini(&text);
}

void alert_items_json(struct buf *out, const struct alert_notice *a)
{
    static const char *const states[TOLD_N] = {"firing", "again", "resolved"};
    buf_put_byte(out, '[');
    for (size_t i = 0; i < a->n && i < ALERT_TEXT_ITEMS; i++) {
        const struct alert_item *item = &a->items[i];
        buf_printf(out, "%s{\"alert\":%" PRIu64 ",\"state\":\"%s\",\"subject\":", i ? "," : "", item->number,
                   states[item->as]);
        buf_put_json(out, item->who);
        buf_put_str(out, STR_LIT(",\"value\":"));
        alert_put_decimal(out, item->value_micro, 6);
        buf_put_byte(out, '}');
    }
    buf_put_byte(out, ']');
}
