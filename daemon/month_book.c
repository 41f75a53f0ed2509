/* Entries of the book in memory, and the way of one more to the disk.
 *
 * Keeps true: what is written can be read again; an entry is in memory only once it is durable; its event, itself and its
 * rows are one transaction; one is under way at a time, so that each knows the hash of the one before. */
#include "kefu/daemon/month_book.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/audited.h"

#define SALT_BYTES ((size_t)16)

static void take_entry(struct months *m, const struct book_entry *e)
{
    xgrow(&m->entries, &m->entries_cap, m->entries_n + 1, sizeof *m->entries);
    m->entries[m->entries_n++] = *e;
    snprintf(m->head, sizeof m->head, "%.*s", STR_ARG(e->sha256));
}

struct loading {
    struct months *m;
    int bad;
    struct err *e;
};

static void load_entry(void *arg, const struct book_text *t)
{
    struct loading *l = arg;
    struct book_entry entry;
    if (l->bad || book_read_entry(t, &l->m->arena, &entry, l->e)) {
        l->bad = -1;
        return;
    }
    take_entry(l->m, &entry);
}

static struct months *months_blank(const struct months_options *o)
{
    struct months *m = xcalloc(1, sizeof *m);
    m->o = *o;
    m->calendar_at_ms = m->keep_at_ms = INT64_MIN;
    memset(m->head, '0', BOOK_HEX_BYTES);
    return m;
}

/* The whole book into memory; without it, nothing. */
static struct months *read_book(struct months *m, int bad, struct err *e)
{
    struct loading l = {m, bad, e};
    if (bad || book_each_entry(&m->db, load_entry, &l, e) || l.bad) {
        months_free(m);
        return NULL;
    }
    return m;
}

struct months *months_new(const struct months_options *o, struct err *e)
{
    struct months *m = months_blank(o);
    return read_book(m, book_open(&m->db, o->store, e), e);
}

struct months *months_look(const char *db_path, struct err *e)
{
    struct months *m = months_blank(&(struct months_options){0});
    return read_book(m, book_look(&m->db, db_path, e), e);
}

struct db *months_db(struct months *m)
{
    return &m->db;
}

static void parcel_free(struct month_parcel *p)
{
    arena_fini(&p->arena);
    free(p->rows);
    free(p);
}

void months_free(struct months *m)
{
    if (!m)
        return;
    if (m->under_way)
        parcel_free(m->under_way);
    month_late_free(m);
    book_close(&m->db);
    arena_fini(&m->arena);
    free(m->entries);
    free(m);
}

void months_forget(struct months *m, void *arg)
{
    if (m->under_way && m->under_way->act.arg == arg)
        m->under_way->act.done = NULL;
}

/* Absent: the text, or nothing if it is null or not there. -1 with e: of another type. */
static int read_text(const cJSON *asked, const char *name, struct str *out, struct err *e)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(asked, name);
    *out = str_of(cJSON_GetStringValue(v));
    return !v || cJSON_IsNull(v) || cJSON_IsString(v) ? 0 : err_set(e, name, "expected a text");
}

static int read_switch(const cJSON *asked, const char *name, bool *out, struct err *e)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(asked, name);
    *out = cJSON_IsTrue(v);
    return !v || cJSON_IsNull(v) || cJSON_IsBool(v) ? 0 : err_set(e, name, "expected true or false");
}

static int read_seen(const cJSON *asked, struct month_act *act, struct err *e)
{
    char room[40];
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(asked, "difference_fen");
    act->has_seen = cJSON_IsNumber(v);
    bool is = act->has_seen && fix_parse_whole(json_literal(v, room, sizeof room), &act->seen_fen) == 0;
    return !v || is ? 0 : err_set(e, "difference_fen", "expected a whole number of fen");
}

int month_act_read(const cJSON *asked, struct month_act *act, struct err *e)
{
    return read_seen(asked, act, e) || read_text(asked, "reason", &act->reason, e) ||
                   read_text(asked, "agent", &act->agent, e) || read_text(asked, "proposal", &act->proposal, e) ||
                   read_switch(asked, "accept", &act->accept, e) || read_switch(asked, "force", &act->force, e)
               ? -1
               : 0;
}

int month_book_check(const struct months *m, const struct month_act *act, struct err *e)
{
    if (act->actor.n == 0 || act->actor.n > 128)
        return err_set(e, "actor", "expected the name of who does this, 1 to 128 bytes");
    if (act->reason.n > 512) {
        err_refuse(e, "reason_long", "reason", "found %zu bytes, expected at most 512", act->reason.n);
        return err_value(e, "512");
    }
    if (m->under_way)
        return err_refuse(e, "act_busy", "", "another act is under way; ask again in a moment");
    return 0;
}

static struct str random_hex(struct arena *arena)
{
    uint8_t bytes[SALT_BYTES];
    char *hex = arena_bytes(arena, 2 * SALT_BYTES + 1);
    digest_random(bytes, sizeof bytes);
    for (size_t i = 0; i < SALT_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return (struct str){hex, 2 * SALT_BYTES};
}

static struct str keep_buf(struct arena *arena, struct buf *b)
{
    struct str s = arena_copy(arena, buf_str(b));
    buf_fini(b);
    return s;
}

static struct str keep_sha256(struct arena *arena, struct str text)
{
    char hex[DIGEST_SHA256_HEX];
    digest_sha256_hex(hex, text);
    return arena_copy(arena, str_of(hex));
}

struct month_parcel *month_parcel_new(struct months *m, const struct month_act *act, enum book_kind kind)
{
    struct month_parcel *p = xcalloc(1, sizeof *p);
    p->months = m;
    p->act = *act;
    p->act.actor = arena_copy(&p->arena, act->actor);
    p->act.reason = arena_copy(&p->arena, act->reason);
    p->act.agent = arena_copy(&p->arena, act->agent);
    p->act.proposal = arena_copy(&p->arena, act->proposal);
    p->act.audit = arena_copy(&p->arena, act->audit);
    p->work.kind = p->entry.kind = kind;
    p->work.month = p->entry.month = act->month;
    p->entry.version = months_version(m, act->month);
    p->entry.actor = p->act.actor;
    p->entry.reason = p->act.reason;
    return p;
}

void month_parcel_row(struct month_parcel *p, struct book_row *row)
{
    struct buf identity = {0}, text = {0};
    char person[DIGEST_SHA256_HEX];
    size_t n = (size_t)p->entry.rows_n++;
    p->rows = xrealloc(p->rows, (n + 1) * sizeof *p->rows);
    struct book_text *t = &p->rows[n];
    t->number = row->number = (int64_t)n + 1;
    t->salt = random_hex(&p->arena);
    book_print_identity(&identity, row);
    t->identity = keep_buf(&p->arena, &identity);
    book_person(person, t->salt, t->identity);
    row->person = str_of(person);
    book_print_row(&text, row);
    t->text = keep_buf(&p->arena, &text);
    t->sha256 = keep_sha256(&p->arena, t->text);
    row->person = (struct str){0};
    struct book_row again;
    struct err why;
    if (book_read_row(t, &p->arena, &again, &why))
        p->unfit = arena_copy(&p->arena, row->agent);
}

/* Everything in the entry that hangs on the rows and on the entry before. */
static void finish_entry(struct month_parcel *p)
{
    struct months *m = p->months;
    struct buf text = {0};
    char rows_sha256[DIGEST_SHA256_HEX];
    book_rows_sha256(rows_sha256, p->rows, (size_t)p->entry.rows_n);
    p->entry.rows_sha256 = arena_copy(&p->arena, str_of(rows_sha256));
    p->entry.number = (int64_t)m->entries_n + 1;
    p->entry.prev = str_of(m->head);
    book_print_entry(&text, &p->entry);
    p->work.entry.number = p->entry.number;
    p->work.entry.text = keep_buf(&p->arena, &text);
    p->work.entry.sha256 = p->entry.sha256 = keep_sha256(&p->arena, p->work.entry.text);
    p->work.rows = p->rows;
    p->work.rows_n = (size_t)p->entry.rows_n;
}

static void log_entry(const struct book_entry *e)
{
    char month[16];
    struct str kind = book_kind_word(e->kind);
    civil_print_month(month, sizeof month, e->month);
    log_line(LOG_LEVEL_NOTE, "book",
             "month=%s entry=%" PRId64 " kind=%.*s version=%" PRId64 " rows=%" PRId64 " head=%.*s", month, e->number,
             STR_ARG(kind), e->version, e->rows_n, STR_ARG(e->sha256));
}

static void on_done(struct batch *b)
{
    struct month_parcel *p = b->owner;
    struct months *m = p->months;
    struct err e;
    struct book_entry entry = {0};
    bool durable = b->result == BATCH_STORED && b->verdicts[0] == VERDICT_ACCEPTED;
    m->under_way = NULL;
    if (durable && book_read_entry(&p->work.entry, &m->arena, &entry, &e) == 0) {
        take_entry(m, &entry);
        log_entry(&entry);
    }
    month_late_border(m, m->entries_n); /* a closing set it when it was sent */
    audited_log(b);
    if (p->act.done)
        p->act.done(p->act.arg, durable ? &entry : NULL);
    parcel_free(p);
    batch_free(b);
}

enum month_outcome month_book_send(struct month_parcel *p, struct event *event, struct err *e)
{
    struct ingest *in = pipeline_ingest(p->months->o.pipeline);
    if (p->unfit.n) {
        err_refuse(e, "figure_too_large", "agent",
                   "\"%.*s\" has a figure beyond 2^53, which the book cannot hold; find the order of that amount",
                   STR_ARG(p->unfit));
        (void)err_value(e, p->unfit.p);
        parcel_free(p);
        return MONTH_REFUSED;
    }
    struct batch *b = batch_new(STR_LIT("act"), on_done, p);
    struct event *to = batch_add_event(b);
    char month[16];
    int64_t now_ms = in->now_ms(in);
    p->entry.at_ms = now_ms;
    finish_entry(p);
    civil_print_month(month, sizeof month, p->act.month);
    event->ts = now_ms;
    event->source = STR_LIT("kefud");
    event->id = random_hex(&p->arena);
    event->subject = str_of(month);
    event->strs[EVENT_ACTOR] = p->act.actor;
    event->strs[EVENT_REASON] = p->act.reason;
    *to = event_copy(event, &b->arena);
    b->inputs_n = 1;
    b->book = &p->work;
    b->audit = p->act.audit;
    p->months->under_way = p;
    if (in->submit(in, b) == 0)
        return MONTH_UNDER_WAY;
    p->months->under_way = NULL;
    batch_free(b);
    parcel_free(p);
    return (enum month_outcome)err_refuse(e, "queue_full", "", "the queue is full; nothing was done, ask again");
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

struct rows_reading {
    struct month_rows *to;
    int bad;
    struct err *e;
};

void month_rows_fini(struct month_rows *r)
{
    free(r->list);
    arena_fini(&r->arena);
    *r = (struct month_rows){0};
}

static void read_row(void *arg, const struct book_text *t)
{
    struct rows_reading *r = arg;
    struct month_rows *to = r->to;
    xgrow(&to->list, &to->cap, to->n + 1, sizeof *to->list);
    if (r->bad == 0 && book_read_row(t, &to->arena, &to->list[to->n], r->e) == 0)
        to->n++;
    else
        r->bad = -1;
}

int months_entry_rows(const struct months *m, int64_t entry, struct month_rows *out, struct err *e)
{
    struct rows_reading r = {out, 0, e};
    *out = (struct month_rows){0};
    return book_each_row((struct db *)&m->db, entry, read_row, &r, e) || r.bad ? -1 : 0;
}

static int by_agent(const void *a, const void *b)
{
    return str_cmp(((const struct book_row *)a)->agent, ((const struct book_row *)b)->agent);
}

const struct book_row *months_find(const struct book_row *rows, size_t n, struct str agent)
{
    struct book_row key = {.agent = agent};
    return n && agent.n ? bsearch(&key, rows, n, sizeof *rows, by_agent) : NULL;
}

/* The second row of an adjustment is how the agent counts from then on. */
static int apply_adjustment(const struct months *m, const struct book_entry *entry, struct rows_reading *r)
{
    struct month_rows *to = r->to;
    size_t was_n = to->n;
    if (book_each_row((struct db *)&m->db, entry->number, read_row, r, r->e) || r->bad)
        return -1;
    if (to->n != was_n + 2)
        return err_set(r->e, "book", "an adjustment has not two rows; put the latest backup in its place");
    struct book_row now = to->list[was_n + 1];
    now.decided = entry->number;
    to->n = was_n;
    struct book_row *is = (struct book_row *)months_find(to->list, to->n, now.agent);
    if (is) {
        *is = now;
        return 0;
    }
    to->list[to->n++] = now;
    qsort(to->list, to->n, sizeof *to->list, by_agent);
    return 0;
}

/* As closed, and then every adjustment that is to be applied. */
static int rows_of(const struct months *m, int32_t month, bool rejected_too, struct rows_reading *r)
{
    const struct book_entry *closing = months_closing(m, month);
    *r->to = (struct month_rows){0};
    int bad = closing ? book_each_row((struct db *)&m->db, closing->number, read_row, r, r->e) : 0;
    bad = bad || r->bad ? -1 : 0;
    if (r->to->n)
        qsort(r->to->list, r->to->n, sizeof *r->to->list, by_agent);
    for (size_t i = 0; closing && !bad && i < m->entries_n; i++) {
        const struct book_entry *a = &m->entries[i];
        bool is_one = a->kind == BOOK_ADJUSTED && a->month == month && a->number > closing->number;
        if (is_one && (rejected_too || str_eq(a->decision, STR_LIT("accepted"))))
            bad = apply_adjustment(m, a, r);
    }
    return bad;
}

const struct book_entry *month_known_by(const struct months *m, const struct book_entry *closing,
                                        const struct book_row *row)
{
    return row && row->decided ? &m->entries[row->decided - 1] : closing;
}

int months_rows_now(const struct months *m, int32_t month, struct month_rows *out, struct err *e)
{
    struct rows_reading r = {out, 0, e};
    return rows_of(m, month, false, &r);
}

int months_rows_seen(const struct months *m, int32_t month, struct month_rows *out, struct err *e)
{
    struct rows_reading r = {out, 0, e};
    return rows_of(m, month, true, &r);
}
