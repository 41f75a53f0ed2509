/* A closed month as CSV (RFC 4180), and as the file that a payroll program imports.
 *
 * Keeps true: numbers are numbers, texts cannot become formulas, every line has as many cells as the first. */
#include "kefu/publish/month_export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/tz.h"

#define BOM "\xEF\xBB\xBF"

const char export_columns_frappe[] = "Employee=employee_no, Salary Component=component, Amount=amount_abs, "
                                     "Payroll Date=month_end, Ref=head";
const char export_columns_plain[] =
    "month=month, employee_no=employee_no, name=name, agent=agent, team=team, tier=tier, score=score, bonus=bonus, "
    "adjustment=adjustment, amount=amount";

int64_t export_adjusted_fen(const struct export_month *m, const struct book_row *row)
{
    int64_t fen = 0;
    for (size_t i = 0; row->agent.n && i < m->adjustments_n; i++)
        if (str_eq(m->adjustments[i].to->agent, row->agent))
            fen += m->adjustments[i].entry->bonus_fen;
    return fen;
}

void export_put_decimal(struct buf *out, int64_t value, int places)
{
    int64_t one = 1;
    for (int i = 0; i < places; i++)
        one *= 10;
    int64_t size = value < 0 ? -value : value;
    buf_printf(out, "%s%" PRId64 ".%0*" PRId64, value < 0 ? "-" : "", size / one, places, size % one);
}

void export_put_fen(struct buf *out, int64_t fen)
{
    export_put_decimal(out, fen, 2);
}

static bool is_in_rows(const struct export_month *m, struct str agent)
{
    for (size_t i = 0; i < m->rows_n; i++)
        if (str_eq(m->rows[i].agent, agent))
            return true;
    return false;
}

static bool came_before(const struct export_month *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (str_eq(m->adjustments[i].to->agent, m->adjustments[at].to->agent))
            return true;
    return false;
}

bool export_leaver(const struct export_month *m, size_t at, struct book_row *out)
{
    const struct book_row *of = m->adjustments[at].to;
    if (!of->agent.n || is_in_rows(m, of->agent) || came_before(m, at))
        return false;
    *out = (struct book_row){.agent = of->agent,
                             .name = of->name,
                             .employee_no = of->employee_no,
                             .team = of->team,
                             .kpis_n = m->rows_n ? m->rows[0].kpis_n : 0,
                             .total_milli = SCORE_NONE};
    for (size_t i = 0; i < out->kpis_n; i++)
        out->kpis[i].score_milli = SCORE_NONE;
    return true;
}

/* --- cells -------------------------------------------------------------------------------------------------------- */

/* Excel takes the wide forms, which Chinese keyboards make, for the narrow ones. */
static bool looks_like_formula(struct str s)
{
    static const char *const wide[] = {"\uff1d", "\uff0b", "\uff0d", "\uff20"}; /* = + - @ */
    bool looks = s.n && (strchr("=+-@", s.p[0]) != NULL || (unsigned char)s.p[0] < 0x20);
    for (size_t i = 0; s.n >= 3 && i < sizeof wide / sizeof *wide; i++)
        looks |= memcmp(s.p, wide[i], 3) == 0;
    return looks;
}

static void put_text(struct buf *out, struct str s)
{
    bool formula = looks_like_formula(s);
    buf_put_byte(out, '"');
    if (formula)
        buf_put_byte(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_put_byte(out, '"');
        buf_put_byte(out, (uint8_t)s.p[i]);
    }
    buf_put_byte(out, '"');
}

static void comma_text(struct buf *out, struct str s)
{
    buf_put_byte(out, ',');
    put_text(out, s);
}

static void comma_whole(struct buf *out, int64_t v)
{
    buf_printf(out, ",%" PRId64, v);
}

static void comma_score(struct buf *out, int64_t milli)
{
    buf_put_byte(out, ',');
    if (milli != SCORE_NONE)
        export_put_decimal(out, milli, 3);
}

static void comma_words(struct buf *out, const struct str *words, size_t n)
{
    struct buf all = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%.*s", i ? " " : "", STR_ARG(words[i]));
    comma_text(out, buf_str(&all));
    buf_fini(&all);
}

static void end_line(struct buf *out)
{
    buf_put_str(out, STR_LIT("\r\n"));
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void put_titles(struct buf *out, const struct export_month *m)
{
    buf_put_str(out,
                STR_LIT(BOM "\"agent\",\"name\",\"employee_no\",\"team\",\"days\",\"employed_days\",\"exempt_days\","
                            "\"handled\""));
    const struct book_row *first = m->rows_n ? &m->rows[0] : NULL;
    for (size_t i = 0; first && i < first->kpis_n; i++)
        for (int k = 0; k < 2; k++) {
            struct buf title = {0};
            buf_printf(&title, "%.*s %s", STR_ARG(first->kpis[i].name), k ? "points" : "value");
            comma_text(out, buf_str(&title));
            buf_fini(&title);
        }
    buf_put_str(out,
                STR_LIT(",\"score\",\"tier\",\"bonus\",\"adjustments\",\"amount\",\"perks\",\"actions\",\"rulebook\","
                        "\"version\",\"closed_by\",\"head\""));
    end_line(out);
}

static void put_row(struct buf *out, const struct export_month *m, const struct book_row *r)
{
    int64_t adjusted_fen = export_adjusted_fen(m, r);
    put_text(out, r->agent.n ? r->agent : r->person);
    comma_text(out, r->name);
    comma_text(out, r->employee_no);
    comma_text(out, r->team);
    comma_whole(out, r->days);
    comma_whole(out, r->employed_days);
    comma_whole(out, r->exempt_days);
    comma_whole(out, r->figures.handled);
    for (size_t i = 0; i < r->kpis_n; i++) {
        buf_put_byte(out, ',');
        if (r->kpis[i].den > 0)
            export_put_decimal(out, r->kpis[i].value_micro, 6);
        comma_score(out, r->kpis[i].score_milli);
    }
    comma_score(out, r->total_milli);
    comma_text(out, r->tier);
    const int64_t money[] = {r->bonus_fen, adjusted_fen, r->bonus_fen + adjusted_fen};
    for (size_t i = 0; i < 3; i++) {
        buf_put_byte(out, ',');
        export_put_fen(out, money[i]);
    }
    comma_words(out, r->perks, r->perks_n);
    comma_words(out, r->actions, r->actions_n);
    comma_text(out, m->closing->rulebook);
    comma_whole(out, m->closing->version);
    comma_text(out, m->closing->actor);
    comma_text(out, m->closing->sha256);
    end_line(out);
}

void export_csv(struct buf *out, const struct export_month *m)
{
    put_titles(out, m);
    for (size_t i = 0; i < m->rows_n; i++)
        put_row(out, m, &m->rows[i]);
    struct book_row leaver;
    for (size_t i = 0; i < m->adjustments_n; i++)
        if (export_leaver(m, i, &leaver))
            put_row(out, m, &leaver);
}

/* --- payroll ------------------------------------------------------------------------------------------------------ */

enum field {
    FIELD_NONE_,
    FIELD_AGENT,
    FIELD_NAME,
    FIELD_EMPLOYEE_NO,
    FIELD_TEAM,
    FIELD_TIER,
    FIELD_SCORE_,
    FIELD_BONUS,
    FIELD_ADJUSTMENT,
    FIELD_AMOUNT,
    FIELD_AMOUNT_ABS,
    FIELD_COMPONENT,
    FIELD_MONTH,
    FIELD_MONTH_END,
    FIELD_HEAD,
    FIELD_LITERAL
};
static const char *const field_names[] = {"",           "agent",     "name",  "employee_no", "team",
                                          "tier",       "score",     "bonus", "adjustment",  "amount",
                                          "amount_abs", "component", "month", "month_end",   "head"};

struct column {
    struct str title, literal;
    enum field field;
};
#define COLUMNS_MAX 32

static struct str trim(struct str s)
{
    while (s.n && s.p[0] == ' ')
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

static int read_column(struct str text, struct column *c, struct err *e)
{
    const char *is = text.n ? memchr(text.p, '=', text.n) : NULL;
    if (!is)
        return err_set(e, "columns", "found \"%.*s\", expected Title=field", STR_ARG(text));
    c->title = trim((struct str){text.p, (size_t)(is - text.p)});
    struct str field = trim((struct str){is + 1, text.n - (size_t)(is + 1 - text.p)});
    if (field.n >= 2 && field.p[0] == '\'' && field.p[field.n - 1] == '\'') {
        c->field = FIELD_LITERAL;
        c->literal = (struct str){field.p + 1, field.n - 2};
        return 0;
    }
    for (int i = FIELD_AGENT; i < FIELD_LITERAL; i++)
        if (str_eq(field, str_of(field_names[i]))) {
            c->field = (enum field)i;
            return 0;
        }
    return err_set(e, "columns",
                   "found the field \"%.*s\", expected agent, name, employee_no, team, tier, score, bonus, "
                   "adjustment, amount, amount_abs, component, month, month_end, head or 'a text'",
                   STR_ARG(field));
}

static int read_columns(const char *text, struct column *columns, size_t *n, struct err *e)
{
    struct str rest = str_of(text);
    *n = 0;
    while (rest.n) {
        const char *comma = memchr(rest.p, ',', rest.n);
        struct str one = {rest.p, comma ? (size_t)(comma - rest.p) : rest.n};
        if (*n == COLUMNS_MAX)
            return err_set(e, "columns", "found more than %d", COLUMNS_MAX);
        if (read_column(trim(one), &columns[(*n)++], e))
            return -1;
        rest = comma ? (struct str){comma + 1, rest.n - one.n - 1} : (struct str){0};
    }
    return *n ? 0 : err_set(e, "columns", "found none, expected Title=field, …");
}

struct payment {
    const struct export_month *m;
    const struct export_payroll *p;
    const struct book_row *row;
    int64_t adjusted_fen, amount_fen;
};

static void put_month_text(struct buf *out, const struct payment *y, bool end)
{
    char text[16];
    if (end)
        civil_print_day(text, sizeof text, civil_month_first(y->m->closing->month + 1) - 1);
    else
        civil_print_month(text, sizeof text, y->m->closing->month);
    put_text(out, str_of(text));
}

static void put_money(struct buf *out, const struct payment *y, enum field f)
{
    int64_t fen = y->amount_fen;
    if (f == FIELD_BONUS)
        fen = y->row->bonus_fen;
    else if (f == FIELD_ADJUSTMENT)
        fen = y->adjusted_fen;
    else if (f == FIELD_AMOUNT_ABS && fen < 0)
        fen = -fen;
    export_put_fen(out, fen);
}

static void put_field(struct buf *out, const struct payment *y, const struct column *c)
{
    const struct book_row *r = y->row;
    switch (c->field) {
    case FIELD_AGENT: put_text(out, r->agent.n ? r->agent : r->person); break;
    case FIELD_NAME: put_text(out, r->name); break;
    case FIELD_EMPLOYEE_NO: put_text(out, r->employee_no); break;
    case FIELD_TEAM: put_text(out, r->team); break;
    case FIELD_TIER: put_text(out, r->tier); break;
    case FIELD_SCORE_:
        if (r->total_milli != SCORE_NONE)
            export_put_decimal(out, r->total_milli, 3);
        break;
    case FIELD_BONUS:
    case FIELD_ADJUSTMENT:
    case FIELD_AMOUNT:
    case FIELD_AMOUNT_ABS: put_money(out, y, c->field); break;
    case FIELD_COMPONENT: put_text(out, str_of(y->amount_fen < 0 ? y->p->deduction : y->p->component)); break;
    case FIELD_MONTH: put_month_text(out, y, false); break;
    case FIELD_MONTH_END: put_month_text(out, y, true); break;
    case FIELD_HEAD: put_text(out, y->m->closing->sha256); break;
    case FIELD_LITERAL: put_text(out, c->literal); break;
    case FIELD_NONE_: break;
    }
}

struct layout {
    struct column columns[COLUMNS_MAX];
    size_t n;
};

/* -1: left out for want of an employee number. */
static int put_payment(struct buf *out, const struct payment *y, const struct layout *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->columns[i].field == FIELD_EMPLOYEE_NO && y->row->employee_no.n == 0)
            return -1;
    for (size_t i = 0; i < l->n; i++) {
        if (i)
            buf_put_byte(out, ',');
        put_field(out, y, &l->columns[i]);
    }
    end_line(out);
    return 0;
}

static void pay_leavers(struct buf *out, const struct payment *like, const struct layout *l, size_t *without_n)
{
    const struct export_month *m = like->m;
    for (size_t i = 0; i < m->adjustments_n; i++) {
        struct payment y = *like;
        struct book_row leaver;
        if (!export_leaver(m, i, &leaver))
            continue;
        y.row = &leaver;
        y.adjusted_fen = y.amount_fen = export_adjusted_fen(m, &leaver);
        *without_n += y.amount_fen && put_payment(out, &y, l) < 0;
    }
}

int export_payroll_csv(struct buf *out, const struct export_month *m, const struct export_payroll *p, size_t *without_n,
                       struct err *e)
{
    struct layout l = {.n = 0};
    const char *columns = strcmp(p->columns, "frappe") == 0  ? export_columns_frappe
                          : strcmp(p->columns, "plain") == 0 ? export_columns_plain
                                                             : p->columns;
    *without_n = 0;
    if (read_columns(columns, l.columns, &l.n, e))
        return -1;
    buf_put_str(out, STR_LIT(BOM));
    for (size_t i = 0; i < l.n; i++) {
        if (i)
            buf_put_byte(out, ',');
        put_text(out, l.columns[i].title);
    }
    end_line(out);
    struct payment y = {.m = m, .p = p};
    for (size_t i = 0; i < m->rows_n; i++) {
        y.row = &m->rows[i];
        y.adjusted_fen = export_adjusted_fen(m, y.row);
        y.amount_fen = y.row->bonus_fen + y.adjusted_fen;
        *without_n += y.amount_fen && put_payment(out, &y, &l) < 0;
    }
    pay_leavers(out, &y, &l, without_n);
    return 0;
}
