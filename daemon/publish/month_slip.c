/* Pay slips: what an agent is paid and how each figure came about, on a sheet to be printed.
 *
 * Keeps true: everything that is not ours is escaped; nothing is loaded from anywhere. */
#include "kefu/publish/month_export.h"

#include <inttypes.h>
#include <stdio.h>

#include "kefu/base/tz.h"

enum word {
    W_SLIP,
    W_AGENT,
    W_NO,
    W_TEAM,
    W_DAYS,
    W_EXEMPT,
    W_KPI,
    W_FIGURE,
    W_VALUE,
    W_POINTS,
    W_WEIGHT,
    W_PART,
    W_NO_DATA,
    W_SCORE,
    W_TIER,
    W_NOT_RATED,
    W_BONUS,
    W_ADJUSTED,
    W_AMOUNT,
    W_PERKS,
    W_ACTIONS,
    W_RULEBOOK,
    W_CLOSED,
    W_HEAD,
    W_HANDLED,
    W_MOVE,
    W_GRACE,
    W_HOW,
    W_PRORATED,
    W_LEFT_OUT,
    W_TO,
    W_N
};

static const char *const words[W_N][2] = {
    [W_SLIP] = {"绩效工资条", "Pay slip"},
    [W_AGENT] = {"客服", "Agent"},
    [W_NO] = {"工号", "Employee no."},
    [W_TEAM] = {"班组", "Team"},
    [W_DAYS] = {"在职天数", "Days employed"},
    [W_EXEMPT] = {"请假培训天数", "Days of leave and training"},
    [W_KPI] = {"指标", "KPI"},
    [W_FIGURE] = {"分子 / 分母", "Count / of"},
    [W_VALUE] = {"数值", "Value"},
    [W_POINTS] = {"得分", "Points"},
    [W_WEIGHT] = {"权重", "Weight"},
    [W_PART] = {"占总分", "Part of the score"},
    [W_NO_DATA] = {"无数据，不计入", "no data: does not count"},
    [W_SCORE] = {"总分", "Score"},
    [W_TIER] = {"等级", "Tier"},
    [W_NOT_RATED] = {"未评定", "not rated"},
    [W_BONUS] = {"奖金", "Bonus"},
    [W_ADJUSTED] = {"以前月份的调整", "Adjustments of earlier months"},
    [W_AMOUNT] = {"合计", "Amount"},
    [W_PERKS] = {"权益", "Perks"},
    [W_ACTIONS] = {"待办", "Actions"},
    [W_RULEBOOK] = {"规则", "Rulebook"},
    [W_CLOSED] = {"关账", "Closed"},
    [W_HEAD] = {"账本校验值", "Head of the book"},
    [W_HANDLED] = {"接待会话", "Conversations handled"},
    [W_MOVE] = {"调入", "moved to"},
    [W_GRACE] = {"新人保护月：本月结果不带来不利后果", "A new hire's month of grace: its outcome does no harm"},
    [W_HOW] = {"总分 = 各有数据指标的 得分 × 权重 之和 ÷ 权重之和",
               "Score = sum of points × weight ÷ sum of weights, over the KPIs with data"},
    [W_PRORATED] =
        {"计数类目标按在岗天数折算：在职 %d 天，减去请假培训 %d 天，为全月 %d 天中的 %d 天。",
         "Targets that are counts are for the days worked: %d employed, less %d of leave and training, of the "
         "month's %d days, which makes %d."},
    [W_LEFT_OUT] = {"请假培训日的数据不计入以上指标：",
                    "Figures of these days of leave and training are left out above: "},
    [W_TO] = {"至", " to "},
};

struct slip {
    struct buf *out;
    const struct export_month *m;
    const struct book_row *row;
    bool zh;
};

static struct str word(const struct slip *s, enum word w)
{
    return str_of(words[w][s->zh ? 0 : 1]);
}

static void put_safe(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '&')
            buf_put_str(out, STR_LIT("&amp;"));
        else if (s.p[i] == '<')
            buf_put_str(out, STR_LIT("&lt;"));
        else if (s.p[i] == '>')
            buf_put_str(out, STR_LIT("&gt;"));
        else if (s.p[i] == '"')
            buf_put_str(out, STR_LIT("&quot;"));
        else
            buf_put_byte(out, (uint8_t)s.p[i]);
    }
}

static void put(const struct slip *s, const char *text)
{
    buf_put_str(s->out, str_of(text));
}

static void cell(const struct slip *s, struct str text)
{
    put(s, "<td>");
    put_safe(s->out, text);
    put(s, "</td>");
}

static void line_begin(const struct slip *s, enum word w)
{
    put(s, "<tr><th>");
    put_safe(s->out, word(s, w));
    put(s, "</th><td>");
}

static void line_end(const struct slip *s)
{
    put(s, "</td></tr>\n");
}

static void text_line(const struct slip *s, enum word w, struct str text)
{
    if (!text.n)
        return;
    line_begin(s, w);
    put_safe(s->out, text);
    line_end(s);
}

static void whole_line(const struct slip *s, enum word w, int64_t v)
{
    line_begin(s, w);
    buf_printf(s->out, "%" PRId64, v);
    line_end(s);
}

static void money_line(const struct slip *s, enum word w, int64_t fen)
{
    line_begin(s, w);
    put(s, "¥");
    export_put_fen(s->out, fen);
    line_end(s);
}

/* What people read of words that every rulebook may use; its own words stand as they are. */
static struct str known(const struct slip *s, struct str name)
{
    static const char *const list[][3] = {{"promotion_eligible", "可参与晋升", "eligible for promotion"},
                                          {"shift_choice", "可自选班次", "choice of shift"},
                                          {"training_offered", "可参加培训", "training offered"},
                                          {"training_required", "须参加培训", "training required"},
                                          {"transfer_suggested", "建议调岗", "transfer suggested"},
                                          {"team_lead_proposed", "推荐晋升组长", "proposed as team lead"}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (str_eq(name, str_of(list[i][0])))
            return str_of(list[i][s->zh ? 1 : 2]);
    return name;
}

static void words_line(const struct slip *s, enum word w, const struct str *list, size_t n)
{
    if (n == 0)
        return;
    line_begin(s, w);
    for (size_t i = 0; i < n; i++) {
        put(s, i ? ", " : "");
        put_safe(s->out, known(s, list[i]));
    }
    line_end(s);
}

/* What people read of a name in the rulebook. */
static struct str labelled(const struct slip *s, const struct label *l, struct str name)
{
    struct str text = s->zh ? l->zh : l->en;
    return text.n ? text : name;
}

static struct str kpi_label(const struct slip *s, struct str name)
{
    const struct rulebook *r = s->m->rulebook;
    for (size_t i = 0; r && i < r->kpis_n; i++)
        if (str_eq(r->kpis[i].name, name))
            return labelled(s, &r->kpis[i].label, name);
    return name;
}

static struct str tier_label(const struct slip *s, struct str name)
{
    const struct rulebook *r = s->m->rulebook;
    for (size_t i = 0; r && i < r->tiers_n; i++)
        if (str_eq(r->tiers[i].name, name))
            return labelled(s, &r->tiers[i].label, name);
    return name.n ? name : word(s, W_NOT_RATED);
}

static int64_t weights_of(const struct book_row *r)
{
    int64_t sum = 0;
    for (size_t i = 0; i < r->kpis_n; i++)
        sum += r->kpis[i].score_milli == SCORE_NONE ? 0 : r->kpis[i].weight_micro;
    return sum;
}

/* Millionths without the zeros at their end. */
static void put_micro(struct buf *out, int64_t micro)
{
    export_put_decimal(out, micro, 6);
    while (out->p[out->n - 1] == '0')
        out->n--;
    out->n -= out->p[out->n - 1] == '.';
}

static void kpi_row(const struct slip *s, const struct book_kpi *k)
{
    int64_t weights = weights_of(s->row);
    put(s, "<tr>");
    cell(s, kpi_label(s, k->name));
    buf_printf(s->out, "<td>%" PRId64 " / %" PRId64 "</td><td>", k->num, k->den);
    if (k->den > 0)
        put_micro(s->out, k->value_micro);
    put(s, "</td><td>");
    if (k->score_milli == SCORE_NONE)
        put_safe(s->out, word(s, W_NO_DATA));
    else
        export_put_decimal(s->out, k->score_milli, 3);
    put(s, "</td><td>");
    put_micro(s->out, k->weight_micro);
    put(s, "</td><td>");
    if (k->score_milli != SCORE_NONE && weights > 0)
        export_put_decimal(s->out, (int64_t)((__int128)k->score_milli * k->weight_micro / weights), 3);
    put(s, "</td></tr>\n");
}

static void kpi_table(const struct slip *s)
{
    static const enum word heads[] = {W_KPI, W_FIGURE, W_VALUE, W_POINTS, W_WEIGHT, W_PART};
    put(s, "<table class=\"kpis\"><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        put(s, "<th>");
        put_safe(s->out, word(s, heads[i]));
        put(s, "</th>");
    }
    put(s, "</tr>\n");
    for (size_t i = 0; i < s->row->kpis_n; i++)
        kpi_row(s, &s->row->kpis[i]);
    put(s, "</table>\n<p>");
    put_safe(s->out, word(s, W_HOW));
    put(s, "</p>\n");
}

static void spans(const struct slip *s)
{
    char day[16];
    for (size_t i = 0; i < s->row->exempt_n; i++) {
        const struct book_span *x = &s->row->exempt[i];
        civil_print_day(day, sizeof day, x->from);
        buf_printf(s->out, "%s%s", i ? (s->zh ? "、" : ", ") : "", day);
        if (x->to > x->from) {
            civil_print_day(day, sizeof day, x->to);
            buf_printf(s->out, "%.*s%s", STR_ARG(word(s, W_TO)), day);
        }
    }
}

/* The sentence with its %d filled in, in their order. */
static void sentence(const struct slip *s, enum word w, const int64_t *numbers)
{
    struct str text = word(s, w);
    put(s, "<p>");
    for (size_t i = 0; i < text.n; i++) {
        if (i + 1 < text.n && text.p[i] == '%' && text.p[i + 1] == 'd') {
            buf_printf(s->out, "%" PRId64, *numbers++);
            i++;
        } else {
            buf_put_byte(s->out, (uint8_t)text.p[i]);
        }
    }
    put(s, "</p>\n");
}

/* What the rulebook did about days on which the agent did not work. */
static void days_in_words(const struct slip *s)
{
    const struct book_row *r = s->row;
    const struct rulebook *rules = s->m->rulebook;
    int64_t worked = r->employed_days - r->exempt_days;
    if (rules && rules->prorate_counts && worked != r->days)
        sentence(s, W_PRORATED, (const int64_t[]){r->employed_days, r->exempt_days, r->days, worked});
    if (rules && rules->exempt_days_left_out && r->exempt_days) {
        put(s, "<p>");
        put_safe(s->out, word(s, W_LEFT_OUT));
        spans(s);
        put(s, "</p>\n");
    }
}

static void person_table(const struct slip *s)
{
    const struct book_row *r = s->row;
    char day[16];
    put(s, "<table>");
    line_begin(s, W_AGENT);
    put_safe(s->out, r->name.n ? r->name : r->agent.n ? r->agent : r->person);
    if (r->name.n && r->agent.n) {
        put(s, " (");
        put_safe(s->out, r->agent);
        put(s, ")");
    }
    line_end(s);
    text_line(s, W_NO, r->employee_no);
    line_begin(s, W_TEAM);
    put_safe(s->out, r->team);
    for (size_t i = 0; i < r->moves_n; i++) {
        civil_print_day(day, sizeof day, r->moves[i].day);
        buf_printf(s->out, "; %s %.*s ", day, STR_ARG(word(s, W_MOVE)));
        put_safe(s->out, r->moves[i].team);
    }
    line_end(s);
    whole_line(s, W_DAYS, r->employed_days);
    line_begin(s, W_EXEMPT);
    buf_printf(s->out, "%" PRId64, r->exempt_days);
    if (r->exempt_n) {
        put(s, " (");
        spans(s);
        put(s, ")");
    }
    line_end(s);
    whole_line(s, W_HANDLED, r->figures.handled);
    put(s, "</table>\n");
}

static void pay_table(const struct slip *s)
{
    const struct book_row *r = s->row;
    int64_t adjusted_fen = export_adjusted_fen(s->m, r);
    put(s, "<table>");
    line_begin(s, W_SCORE);
    if (r->total_milli != SCORE_NONE)
        export_put_decimal(s->out, r->total_milli, 3);
    line_end(s);
    text_line(s, W_TIER, tier_label(s, r->tier));
    money_line(s, W_BONUS, r->bonus_fen);
    money_line(s, W_ADJUSTED, adjusted_fen);
    money_line(s, W_AMOUNT, r->bonus_fen + adjusted_fen);
    words_line(s, W_PERKS, r->perks, r->perks_n);
    words_line(s, W_ACTIONS, r->actions, r->actions_n);
    put(s, "</table>\n");
    if (r->grace) {
        put(s, "<p>");
        put_safe(s->out, word(s, W_GRACE));
        put(s, "</p>\n");
    }
}

static void foot(const struct slip *s)
{
    const struct book_entry *c = s->m->closing;
    char at[32];
    rfc3339_print(at, sizeof at, c->at_ms);
    put(s, "<table class=\"foot\">");
    text_line(s, W_RULEBOOK, c->rulebook);
    line_begin(s, W_CLOSED);
    put_safe(s->out, c->actor);
    buf_printf(s->out, ", %s", at);
    line_end(s);
    text_line(s, W_HEAD, c->sha256);
    put(s, "</table>\n");
}

static void put_slip(const struct slip *s)
{
    char month[16];
    civil_print_month(month, sizeof month, s->m->closing->month);
    buf_printf(s->out, "<section><h1>%.*s %s</h1>\n", STR_ARG(word(s, W_SLIP)), month);
    person_table(s);
    kpi_table(s);
    days_in_words(s);
    pay_table(s);
    foot(s);
    put(s, "</section>\n");
}

#define STYLE                                                                                                            \
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em;color:#111;background:#fff}"                                     \
    "section{page-break-after:always;max-width:50em}table{border-collapse:collapse;margin:0 0 1em}"                      \
    "th,td{border:1px solid #999;padding:.2em .6em;text-align:left}.kpis td+td{text-align:right}"                        \
    ".foot{font-size:11px;color:#444}.foot td{word-break:break-all}.kpis{width:100%}.kpis td:first-child{min-width:5em}" \
    "@media(max-width:600px){body{margin:1em;font-size:12px}th,td{padding:.2em .3em}}"

size_t export_slips(struct buf *out, const struct export_month *m, struct str agent, bool zh)
{
    size_t n = 0;
    struct slip s = {out, m, NULL, zh};
    buf_printf(out,
               "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
               "content=\"width=device-width\"><title>%.*s</title><style>%s</style></head>"
               "<body>\n",
               zh ? "zh-CN" : "en", STR_ARG(word(&s, W_SLIP)), STYLE);
    for (size_t i = 0; i < m->rows_n; i++) {
        if (agent.n && !str_eq(m->rows[i].agent, agent))
            continue;
        s.row = &m->rows[i];
        put_slip(&s);
        n++;
    }
    put(&s, "</body></html>\n");
    return n;
}
