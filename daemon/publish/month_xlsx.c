/* A closed month as a workbook of four sheets, by libxlsxwriter.
 *
 * Keeps true: numbers are number cells, with their formats; the file's only date is that of the closing, so that it comes out
 * the same each time. Money is divided by a hundred here and nowhere else: cells know no integers. */
#include "kefu/publish/month_export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xlsxwriter.h>

#include "kefu/base/tz.h"

struct book_file {
    lxw_workbook *book;
    lxw_worksheet *sheet;
    lxw_row_t row;
    lxw_col_t col;
    lxw_format *head, *money, *points, *ratio;
};

static void put_text(struct book_file *f, struct str s)
{
    struct buf text = {0};
    buf_put_str(&text, s);
    buf_put_byte(&text, 0);
    if (s.n)
        worksheet_write_string(f->sheet, f->row, f->col, text.p, NULL);
    f->col++;
    buf_fini(&text);
}

/* A cell of a workbook is a double, and the library takes nothing else. Whole fen, milli and micro become one here, at the
 * very end, and nothing is reckoned with it: each prints as the decimal that it was. */
static void put_number(struct book_file *f, double v, lxw_format *format)
{
    worksheet_write_number(f->sheet, f->row, f->col++, v, format);
}

static void put_whole(struct book_file *f, int64_t v)
{
    put_number(f, (double)v, NULL);
}

static void put_fen(struct book_file *f, int64_t fen)
{
    put_number(f, (double)fen / 100, f->money);
}

static void put_score(struct book_file *f, int64_t milli)
{
    if (milli == SCORE_NONE)
        f->col++;
    else
        put_number(f, (double)milli / 1000, f->points);
}

static void end_row(struct book_file *f)
{
    f->row++;
    f->col = 0;
}

static void put_words(struct book_file *f, const struct str *words, size_t n)
{
    struct buf all = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%.*s", i ? " " : "", STR_ARG(words[i]));
    put_text(f, buf_str(&all));
    buf_fini(&all);
}

static void begin_sheet(struct book_file *f, const char *name, const char *const *titles, size_t n)
{
    f->sheet = workbook_add_worksheet(f->book, name);
    f->row = 0;
    for (size_t i = 0; i < n; i++)
        worksheet_write_string(f->sheet, 0, (lxw_col_t)i, titles[i], f->head);
    worksheet_freeze_panes(f->sheet, 1, 0);
    worksheet_set_column(f->sheet, 0, (lxw_col_t)(n - 1), 14, NULL);
    end_row(f);
}
#define BEGIN(f, name, titles) begin_sheet((f), (name), (titles), sizeof(titles) / sizeof *(titles))

static struct str who(const struct book_row *r)
{
    return r->agent.n ? r->agent : r->person;
}

static void put_summary_row(struct book_file *f, const struct export_month *m, const struct book_row *r)
{
    int64_t adjusted_fen = export_adjusted_fen(m, r);
    put_text(f, who(r));
    put_text(f, r->name);
    put_text(f, r->employee_no);
    put_text(f, r->team);
    put_whole(f, r->days);
    put_whole(f, r->employed_days);
    put_whole(f, r->exempt_days);
    put_whole(f, r->figures.handled);
    put_score(f, r->total_milli);
    put_text(f, r->tier);
    put_fen(f, r->bonus_fen);
    put_fen(f, adjusted_fen);
    put_fen(f, r->bonus_fen + adjusted_fen);
    put_words(f, r->perks, r->perks_n);
    put_words(f, r->actions, r->actions_n);
    end_row(f);
}

static void put_summary(struct book_file *f, const struct export_month *m)
{
    static const char *const titles[] = {"agent",         "name",        "employee_no", "team",  "days",
                                         "employed_days", "exempt_days", "handled",     "score", "tier",
                                         "bonus",         "adjustments", "amount",      "perks", "actions"};
    struct book_row leaver;
    BEGIN(f, "summary", titles);
    for (size_t i = 0; i < m->rows_n; i++)
        put_summary_row(f, m, &m->rows[i]);
    for (size_t i = 0; i < m->adjustments_n; i++)
        if (export_leaver(m, i, &leaver))
            put_summary_row(f, m, &leaver);
}

static void put_kpis(struct book_file *f, const struct export_month *m)
{
    static const char *const titles[] = {"agent", "kpi", "num", "den", "samples", "value", "weight", "points"};
    BEGIN(f, "KPIs", titles);
    for (size_t i = 0; i < m->rows_n; i++) {
        const struct book_row *r = &m->rows[i];
        for (size_t k = 0; k < r->kpis_n; k++) {
            const struct book_kpi *x = &r->kpis[k];
            put_text(f, who(r));
            put_text(f, x->name);
            put_whole(f, x->num);
            put_whole(f, x->den);
            put_whole(f, x->samples);
            if (x->den > 0)
                put_number(f, (double)x->value_micro / 1e6, f->ratio);
            else
                f->col++;
            put_number(f, (double)x->weight_micro / 1e6, NULL);
            put_score(f, x->score_milli);
            end_row(f);
        }
    }
}

static void put_adjustments(struct book_file *f, const struct export_month *m)
{
    static const char *const titles[] = {"agent",      "of month",    "score before", "score",    "tier before", "tier",
                                         "difference", "accepted by", "reason",       "evidence", "subjects"};
    BEGIN(f, "adjustments", titles);
    for (size_t i = 0; i < m->adjustments_n; i++) {
        const struct export_adjustment *a = &m->adjustments[i];
        char month[16];
        civil_print_month(month, sizeof month, a->entry->month);
        put_text(f, who(a->to));
        put_text(f, str_of(month));
        put_score(f, a->from->total_milli);
        put_score(f, a->to->total_milli);
        put_text(f, a->from->tier);
        put_text(f, a->to->tier);
        put_fen(f, a->entry->bonus_fen);
        put_text(f, a->entry->actor);
        put_text(f, a->entry->reason);
        put_words(f, a->entry->evidence, a->entry->evidence_n);
        put_whole(f, a->entry->evidence_all_n);
        end_row(f);
    }
}

static void put_pair(struct book_file *f, const char *name, struct str value)
{
    put_text(f, str_of(name));
    put_text(f, value);
    end_row(f);
}

static void put_closing(struct book_file *f, const struct export_month *m)
{
    char text[32];
    const struct book_entry *c = m->closing;
    civil_print_month(text, sizeof text, c->month);
    put_pair(f, "month", str_of(text));
    put_text(f, STR_LIT("version"));
    put_whole(f, c->version);
    end_row(f);
    put_pair(f, "closed by", c->actor);
    rfc3339_print(text, sizeof text, c->at_ms);
    put_pair(f, "closed at", str_of(text));
    rfc3339_print(text, sizeof text, c->as_of);
    put_pair(f, "figures as of", str_of(text));
    put_text(f, STR_LIT("last event"));
    put_whole(f, (int64_t)c->last_seq);
    end_row(f);
    put_pair(f, "head", c->sha256);
    put_pair(f, "rulebook", c->rulebook);
    put_pair(f, "rulebook SHA-256", c->rulebook_sha256);
}

static void put_rulebook(struct book_file *f, const struct export_month *m)
{
    static const char *const titles[] = {"what", "value", "weight", "min samples", "curve"};
    const struct rulebook *r = m->rulebook;
    BEGIN(f, "rulebook", titles);
    put_closing(f, m);
    for (size_t i = 0; r && i < r->kpis_n; i++) {
        struct buf curve = {0};
        for (size_t k = 0; k < r->kpis[i].points_n; k++) {
            buf_put_str(&curve, k ? STR_LIT("; ") : STR_LIT(""));
            export_put_decimal(&curve, r->kpis[i].points[k].value_micro, 6);
            buf_put_str(&curve, STR_LIT(": "));
            export_put_decimal(&curve, r->kpis[i].points[k].points_micro, 6);
        }
        put_text(f, r->kpis[i].name);
        put_text(f, metric_name(r->kpis[i].metric));
        put_number(f, (double)r->kpis[i].weight_micro / 1e6, NULL);
        put_whole(f, r->kpis[i].min_samples);
        put_text(f, buf_str(&curve));
        end_row(f);
        buf_fini(&curve);
    }
    for (size_t i = 0; r && i < r->tiers_n; i++) {
        put_text(f, r->tiers[i].name);
        put_number(f, (double)r->tiers[i].min_micro / 1e6, f->points);
        put_fen(f, r->tiers[i].bonus_fen);
        end_row(f);
    }
}

int export_xlsx(const char *path, const struct export_month *m, struct err *e)
{
    struct book_file f = {.book = workbook_new(path)};
    if (!f.book)
        return err_set(e, path, "cannot be made");
    lxw_doc_properties properties = {.title = (char *)"kefud", .created = (time_t)(m->closing->at_ms / 1000)};
    workbook_set_properties(f.book, &properties);
    f.head = workbook_add_format(f.book);
    format_set_bold(f.head);
    f.money = workbook_add_format(f.book);
    format_set_num_format(f.money, "#,##0.00");
    f.points = workbook_add_format(f.book);
    format_set_num_format(f.points, "0.000");
    f.ratio = workbook_add_format(f.book);
    format_set_num_format(f.ratio, "0.000000");
    put_summary(&f, m);
    put_kpis(&f, m);
    put_adjustments(&f, m);
    put_rulebook(&f, m);
    lxw_error bad = workbook_close(f.book);
    return bad ? err_set(e, path, "cannot be written: %s", lxw_strerror(bad)) : 0;
}
