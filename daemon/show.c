/* The pieces, one function each. It keeps true that no data is null and never 0, and that a shown total is cut. */
#include "kefu/daemon/show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/fix.h"
#include "kefu/base/tz.h"
#include "kefu/rules/score.h"

void show_time(struct buf *out, const char *name, int64_t at_ms)
{
    char text[32];
    if (at_ms == VIEW_NONE || at_ms == INT64_MAX) {
        buf_printf(out, "\"%s\":null,\"%s_ms\":null", name, name);
        return;
    }
    rfc3339_print(text, sizeof(text), at_ms);
    buf_printf(out, "\"%s\":\"%s\",\"%s_ms\":%" PRId64, name, text, name, at_ms);
}

void show_text(struct buf *out, struct str text)
{
    if (text.n) {
        buf_put_json(out, text);
    } else {
        buf_put_str(out, STR_LIT("null"));
    }
}

void show_number(struct buf *out, int64_t value)
{
    if (value == VIEW_NONE) {
        buf_put_str(out, STR_LIT("null"));
        return;
    }
    if (value < 0) {
        buf_put_byte(out, '-');
    }
    buf_put_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

void show_cut(struct buf *out, int64_t total_milli)
{
    if (total_milli == SCORE_NONE) {
        buf_put_str(out, STR_LIT("null"));
    } else {
        buf_printf(out, "\"%" PRId64 ".%02" PRId64 "\"", total_milli / 1000, total_milli % 1000 / 10);
    }
}

void show_label(struct buf *out, const struct label *l)
{
    buf_put_str(out, STR_LIT("{\"zh\":"));
    show_text(out, l->zh);
    buf_put_str(out, STR_LIT(",\"en\":"));
    show_text(out, l->en);
    buf_put_byte(out, '}');
}

void show_tier(struct buf *out, const struct tier *t)
{
    if (!t) {
        buf_put_str(out, STR_LIT("null"));
        return;
    }
    buf_put_str(out, STR_LIT("{\"name\":"));
    buf_put_json(out, t->name);
    buf_put_str(out, STR_LIT(",\"label\":"));
    show_label(out, &t->label);
    buf_printf(out, ",\"min_milli\":%" PRId64 "}", t->min_micro / 1000);
}

void show_figures(struct buf *out, const struct figures *f)
{
    char open = '{';
#define X(name)                                                                                                        \
    buf_put_byte(out, (uint8_t)open);                                                                                  \
    buf_put_str(out, STR_LIT("\"" #name "\":"));                                                                       \
    show_number(out, f->name);                                                                                         \
    open = ',';
    FIGURES(X)
#undef X
    buf_put_byte(out, '}');
}

static int64_t percentile(const struct hist *h, int permille)
{
    int64_t ms = h ? hist_percentile(h, permille) : -1;
    return ms < 0 ? VIEW_NONE : ms;
}

void show_responses(struct buf *out, const struct hist *h)
{
    static const int64_t edges_ms[] = {5000,  10000, 15000,  20000,  30000,  45000,
                                       60000, 90000, 120000, 180000, 300000, 600000};
    int64_t before_n = 0;
    buf_printf(out, "{\"n\":%" PRId64 ",\"p50_ms\":", h ? h->total : 0);
    show_number(out, percentile(h, 500));
    buf_put_str(out, STR_LIT(",\"p90_ms\":"));
    show_number(out, percentile(h, 900));
    buf_put_str(out, STR_LIT(",\"buckets\":["));
    for (size_t i = 0; i < sizeof(edges_ms) / sizeof(*edges_ms); i++) {
        int64_t upto_n = h ? hist_upto(h, edges_ms[i]) : 0;
        buf_put_str(out, STR_LIT("{\"upto_ms\":"));
        show_number(out, edges_ms[i]);
        buf_put_str(out, STR_LIT(",\"n\":"));
        show_number(out, upto_n - before_n);
        buf_put_str(out, STR_LIT("},"));
        before_n = upto_n;
    }
    buf_printf(out, "{\"upto_ms\":null,\"n\":%" PRId64 "}]}", h ? h->total - before_n : 0);
}

void show_percent(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c);
        if (plain && c) {
            buf_put_byte(out, c);
        } else {
            buf_printf(out, "%%%02X", c);
        }
    }
}

void show_conversation(struct buf *out, struct str template, struct str conversation)
{
    static const struct str hole = STR_LIT("{conversation}");
    const char *at = template.n ? memmem(template.p, template.n, hole.p, hole.n) : NULL;
    buf_put_str(out, STR_LIT("\"conversation\":"));
    show_text(out, conversation);
    buf_put_str(out, STR_LIT(",\"url\":"));
    if (!at || !conversation.n) {
        buf_put_str(out, STR_LIT("null"));
        return;
    }
    struct buf url = {0};
    size_t before_n = (size_t)(at - template.p);
    buf_put(&url, template.p, before_n);
    show_percent(&url, conversation);
    buf_put(&url, at + hole.n, template.n - before_n - hole.n);
    buf_put_json(out, buf_str(&url));
    buf_fini(&url);
}

void show_who(struct buf *out, const struct show_who *w)
{
    buf_put_str(out, STR_LIT("\"agent\":"));
    buf_put_json(out, w->agent);
    buf_put_str(out, STR_LIT(",\"name\":"));
    show_text(out, w->name);
    buf_put_str(out, STR_LIT(",\"team\":"));
    show_text(out, w->team);
    if (w->number) {
        buf_put_str(out, STR_LIT(",\"employee_no\":"));
        show_text(out, w->employee_no);
    }
}

/* --- scores ------------------------------------------------------------------------------------------------------- */

void show_kpi_head(struct buf *out, const struct kpi *k)
{
    buf_put_str(out, STR_LIT("\"name\":"));
    buf_put_json(out, k->name);
    buf_put_str(out, STR_LIT(",\"label\":"));
    show_label(out, &k->label);
    buf_printf(out, ",\"metric\":\"%.*s\"", STR_ARG(metric_name(k->metric)));
}

static int64_t weights_with_data(const struct show_scored *s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->score->kpis_n; i++) {
        sum += s->score->kpis[i].score_milli == SCORE_NONE ? 0 : s->rulebook->kpis[i].weight_micro;
    }
    return sum;
}

static void show_kpi(struct buf *out, const struct show_scored *s, size_t i, int64_t weights)
{
    const struct kpi *k = &s->rulebook->kpis[i];
    const struct kpi_score *score = &s->score->kpis[i];
    bool counts = score->score_milli != SCORE_NONE && weights > 0;
    struct kpi_score pair;
    int64_t samples;
    score_metric(k->metric, s->figures, s->had_orders, &pair, &samples);
    buf_put_byte(out, '{');
    show_kpi_head(out, k);
    buf_printf(out, ",\"weight_micro\":%" PRId64 ",\"num\":%" PRId64 ",\"den\":%" PRId64 ",\"value_micro\":",
               k->weight_micro, score->num, score->den);
    show_number(out, score->den > 0 ? (int64_t)((__int128)score->num * FIX_ONE / score->den) : VIEW_NONE);
    buf_printf(out, ",\"samples\":%" PRId64 ",\"min_samples\":%" PRId64 ",\"score_milli\":", samples, k->min_samples);
    show_number(out, score->score_milli);
    buf_put_str(out, STR_LIT(",\"part_milli\":"));
    show_number(out, counts ? fix_div_round((__int128)k->weight_micro * score->score_milli, weights) : VIEW_NONE);
    buf_put_str(out, STR_LIT(",\"part_max_milli\":"));
    show_number(out, counts ? fix_div_round((__int128)k->weight_micro * 100000, weights) : VIEW_NONE);
    buf_put_byte(out, '}');
}

void show_score(struct buf *out, const struct show_scored *s)
{
    int64_t weights = weights_with_data(s);
    buf_put_str(out, STR_LIT("{\"rulebook\":"));
    buf_put_json(out, s->rulebook->name);
    buf_put_str(out, STR_LIT(",\"total_milli\":"));
    show_number(out, s->score->total_milli);
    buf_put_str(out, STR_LIT(",\"total\":"));
    show_cut(out, s->score->total_milli);
    buf_put_str(out, STR_LIT(",\"tier\":"));
    show_tier(out, tier_of(s->rulebook, s->score->tier));
    buf_printf(out, ",\"complete\":%s,\"kpis\":[", s->score->complete ? "true" : "false");
    for (size_t i = 0; i < s->score->kpis_n; i++) {
        if (i) {
            buf_put_byte(out, ',');
        }
        show_kpi(out, s, i, weights);
    }
    buf_put_str(out, STR_LIT("]}"));
}
