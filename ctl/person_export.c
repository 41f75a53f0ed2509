/* What is kept of a person, table by table. Keeps true: what it prints is as of one moment, and it writes nothing. A row that names
 * the person in a text that somebody wrote is printed, too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/intern.h"
#include "kefu/base/json.h"
#include "kefu/base/tz.h"
#include "kefu/ctl/person.h"
#include "kefu/ctl/reach.h"
#include "kefu/state/freeze.h"
#include "kefu/state/period.h"
#include "kefu/store/audit.h"
#include "kefu/store/book.h"
#include "kefu/store/reader.h"
#include "kefu/store/rows.h"
#include "kefu/store/shelf.h"

struct telling {
    const struct cli *cli;
    struct reader r;
    bool customer;
    struct str id;
    uint8_t hash[DIGEST_KEYED_BYTES]; /* of a customer */
    struct intern subjects;           /* a customer's conversations */
    bool finding;                     /* these are looked for, nothing is printed */
    int64_t entry;
    struct err *e;
};

static bool is_id(const struct telling *x, struct str s)
{
    return !x->customer && str_eq(s, x->id);
}

static bool is_customer(const struct telling *x, struct str s)
{
    return x->customer && s.n == sizeof x->hash && memcmp(s.p, x->hash, s.n) == 0;
}

static bool holds(const struct telling *x, struct str text)
{
    return text.n && x->id.n && memmem(text.p, text.n, x->id.p, x->id.n);
}

static bool is_of(const struct telling *x, const struct event *e)
{
    if (!x->customer)
        return is_id(x, e->subject) || is_id(x, e->strs[EVENT_AGENT]) || is_id(x, e->strs[EVENT_ACTOR]);
    return is_customer(x, e->strs[EVENT_CUSTOMER]) || intern_find(&x->subjects, e->subject) ||
           intern_find(&x->subjects, e->strs[EVENT_CONVERSATION]);
}

static void begin(struct buf *out, const char *what)
{
    buf_printf(out, "{\"what\":\"%s\"", what);
}

static void text(struct buf *out, const char *name, struct str s)
{
    buf_printf(out, ",\"%s\":", name);
    buf_put_json(out, s);
}

static void end(struct buf *out)
{
    printf("%.*s}\n", STR_ARG(buf_str(out)));
    buf_fini(out);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void take_event(void *arg, const struct event *e)
{
    struct telling *x = arg;
    struct buf out = {0};
    if (x->finding) {
        if (is_customer(x, e->strs[EVENT_CUSTOMER]) && event_subject_kind(e->type) == SUBJECT_CONVERSATION)
            intern_put(&x->subjects, e->subject);
        return;
    }
    if (!is_of(x, e))
        return;
    begin(&out, "event");
    buf_put_str(&out, STR_LIT(",\"event\":"));
    event_print_json(&out, e);
    end(&out);
}

static int take_subject(void *arg, const struct shelf_row *row, struct err *e)
{
    return shelf_row_events(row, take_event, arg, e);
}

static void take_row(void *arg, uint64_t seq, const struct event *e)
{
    (void)seq;
    take_event(arg, e);
}

static int each_event(struct telling *x)
{
    struct shelf_reading shelf = {.row = take_subject, .arg = x};
    struct store_replay journal = {.each = take_row, .arg = x};
    uint64_t seq = 0;
    if (shelf_look(&x->r.db, &seq, &shelf, x->e))
        return -1;
    uint64_t from = seq + 1 > x->r.first_seq ? seq + 1 : x->r.first_seq;
    return from <= x->r.last_seq ? journal_replay(&x->r.journal, from, x->r.last_seq, &journal, x->e) : 0;
}

/* --- sums --------------------------------------------------------------------------------------------------------- */

/* Behind the figures of a month. */
static void print_shops(struct buf *out, int32_t month, struct cursor *in)
{
    struct intern words = {0};
    struct shops shops = {0};
    size_t n = 0;
    intern_init(&words, 0);
    const struct shop_count *of = shops_decode(&shops, month, in, &words) ? NULL : shops_of(&shops, month, &n);
    for (size_t i = 0; i < n; i++) {
        buf_put_str(out, i ? STR_LIT(",") : STR_LIT(",\"shops\":{"));
        buf_put_json(out, intern_name(&words, of[i].shop));
        buf_printf(out, ":%" PRId64, of[i].handled);
    }
    buf_put_str(out, n ? STR_LIT("}") : STR_LIT(""));
    shops_fini(&shops);
    intern_fini(&words);
}

static void print_sum(int64_t kind, int32_t period, struct str blob)
{
    struct totals t = {0};
    struct cursor in = cursor_of(blob);
    struct buf out = {0};
    char name[16];
    if (totals_decode(&t, &in) == 0) {
        if (kind == SHELF_DAY)
            civil_print_day(name, sizeof name, period);
        else
            civil_print_month(name, sizeof name, period);
        begin(&out, "sum");
        text(&out, "period", str_of(name));
        buf_put_str(&out, STR_LIT(",\"figures\":{"));
        const char *comma = "";
#define X(field)                                                                                                       \
    buf_printf(&out, "%s\"" #field "\":%" PRId64, comma, t.figures.field);                                             \
    comma = ",";
        FIGURES(X)
#undef X
        (void)comma;
        buf_put_byte(&out, '}');
        if (kind == SHELF_MONTH)
            print_shops(&out, period, &in);
        end(&out);
    }
    hist_fini(&t.responses);
}

static int each_sum(struct telling *x)
{
    sqlite3_stmt *stmt = x->r.db.statements[SQL_TOTAL_EACH];
    int rc = SQLITE_DONE;
    while (stmt && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if (is_id(x, column_str(stmt, 0)) && sqlite3_column_int(stmt, 1) <= SHELF_MONTH)
            print_sum(sqlite3_column_int(stmt, 1), sqlite3_column_int(stmt, 2), column_str(stmt, 3));
    sqlite3_reset(stmt);
    return rc == SQLITE_DONE ? 0 : db_err(&x->r.db, x->e, "reading sums");
}

/* --- the book, and who looked ------------------------------------------------------------------------------------- */

static void take_closed(void *arg, const struct book_text *t)
{
    struct telling *x = arg;
    struct arena arena = {0};
    struct book_row row;
    struct err e;
    struct buf out = {0};
    if (book_read_row(t, &arena, &row, &e) == 0 && is_id(x, row.agent)) {
        begin(&out, "closed_row");
        buf_printf(&out, ",\"entry\":%" PRId64 ",\"identity\":%.*s,\"row\":%.*s", x->entry, STR_ARG(t->identity),
                   STR_ARG(t->text));
        end(&out);
    }
    arena_fini(&arena);
}

struct entries {
    struct telling *x;
    int64_t n;
};

static void take_entry(void *arg, const struct book_text *t)
{
    struct entries *all = arg;
    struct buf out = {0};
    all->n = t->number;
    if (!holds(all->x, t->text))
        return;
    begin(&out, "entry");
    buf_printf(&out, ",\"entry\":%.*s", STR_ARG(t->text));
    end(&out);
}

static int each_closed(struct telling *x)
{
    struct entries all = {x, 0};
    int bad = book_each_entry(&x->r.db, take_entry, &all, x->e);
    for (x->entry = 1; !bad && x->entry <= all.n; x->entry++)
        bad = book_each_row(&x->r.db, x->entry, take_closed, x, x->e);
    return bad ? -1 : 0;
}

static void take_line(void *arg, const struct audit_row *row)
{
    struct telling *x = arg;
    struct buf out = {0};
    if (!holds(x, row->line))
        return;
    begin(&out, "audit");
    buf_printf(&out, ",\"number\":%" PRId64 ",\"line\":%.*s", row->number, STR_ARG(row->line));
    end(&out);
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static void take_memory(void *arg, const struct memory_row *row)
{
    struct telling *x = arg;
    struct buf out = {0};
    if (!holds(x, row->subject) && !holds(x, row->blob))
        return;
    begin(&out, "remembered");
    text(&out, "rule", row->rule);
    text(&out, "subject", row->subject);
    end(&out);
}

static void take_effect(void *arg, const struct effect *f)
{
    struct telling *x = arg;
    struct buf out = {0};
    bool is = false;
    for (size_t i = 0; i < f->pairs_n; i++)
        is |= holds(x, f->pairs[i]);
    if (!is)
        return;
    begin(&out, "told");
    text(&out, "stream", f->stream);
    for (size_t i = 0; i + 1 < f->pairs_n; i += 2) {
        buf_put_byte(&out, ',');
        buf_put_json(&out, f->pairs[i]);
        buf_put_byte(&out, ':');
        buf_put_json(&out, f->pairs[i + 1]);
    }
    end(&out);
}

static void take_refused(void *arg, const struct quarantined *q)
{
    struct telling *x = arg;
    struct cursor in = cursor_of(q->record);
    struct event event;
    struct err e;
    struct buf out = {0};
    bool is = holds(x, q->id) || holds(x, q->reason);
    if (q->record.n && event_decode(&in, &event, &e) == 0)
        is |= is_of(x, &event);
    if (!is)
        return;
    begin(&out, "refused");
    text(&out, "id", q->id);
    text(&out, "reason", q->reason);
    buf_printf(&out, ",\"at\":%" PRId64, q->at_ms);
    end(&out);
}

static int each_other(struct telling *x)
{
    struct db *db = &x->r.db;
    return rows_each_memory(db, take_memory, x, x->e) || rows_each_unsent(db, take_effect, x, x->e) ||
                   rows_each_sent(db, 0, take_effect, x, x->e) || rows_each_quarantined(db, take_refused, x, x->e) ||
                   audit_each(db, take_line, x, x->e)
               ? -1
               : 0;
}

/* --- together ----------------------------------------------------------------------------------------------------- */

static int read_key(const struct cli *c, const char *state, uint8_t key[DIGEST_KEY_BYTES], struct err *e)
{
    char path[REACH_PATH_MAX + 16], *hex = NULL;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/customer.key", state);
    const char *file = cli_flag(c, "key") ? cli_value(c, "key") : path;
    if (json_read_file(file, 4096, &hex, &n, e))
        return -1;
    bool ok = n >= (size_t)2 * DIGEST_KEY_BYTES;
    for (size_t i = 0; ok && i < DIGEST_KEY_BYTES; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], 0}, *behind;
        key[i] = (uint8_t)strtoul(pair, &behind, 16);
        ok = behind == pair + 2;
    }
    free(hex);
    return ok ? 0 : err_set(e, file, "found no key, expected 32 hexadecimal digits");
}

static int print_all(struct telling *x)
{
    x->finding = x->customer;
    if (x->customer && each_event(x))
        return -1;
    x->finding = false;
    return each_event(x) || each_sum(x) || each_closed(x) || each_other(x) ? -1 : 0;
}

enum cli_exit person_export(const struct cli *c, bool customer, const char *id)
{
    char dir[REACH_PATH_MAX], path[REACH_PATH_MAX + 16];
    struct err e;
    struct telling x = {.cli = c, .customer = customer, .id = str_of(id), .e = &e};
    uint8_t key[DIGEST_KEY_BYTES];
    intern_init(&x.subjects, 0);
    int bad = reach_state(c, dir, sizeof dir, &e) || (customer && read_key(c, dir, key, &e));
    if (!bad && customer)
        digest_keyed(x.hash, key, x.id);
    snprintf(path, sizeof path, "%s/kefu.db", bad ? "" : dir);
    if (!bad && !(bad = reader_open(&x.r, path, &e))) {
        bad = reader_begin(&x.r, &e) || print_all(&x);
        reader_end(&x.r);
        reader_close(&x.r);
    }
    intern_fini(&x.subjects);
    if (bad)
        cli_say_err(c, &e);
    return bad ? CLI_FAILED : CLI_OK;
}
