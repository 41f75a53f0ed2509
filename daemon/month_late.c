/* What came late for closed months, on its way to the store: a row of rule memory for each (month, agent, subject), with the
 * site's time and the last event of the journal by which it last changed something. The evidence of adjustments.
 *
 * Keeps true: no fall loses any. It is made of events in the journal; the store has it before a checkpoint holds the figures
 * that it changed (site_owe_late); what was not there yet is made again when the journal is replayed, by the border between
 * before and after a decision that the book holds. What a full disk refused is sent again. */
#include "kefu/daemon/month_book.h"

#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/month_late.h"
#include "kefu/store/rows.h"

#define RULE_LATE STR_LIT("late")

struct late_parcel {
    struct months *months;
    struct book_work work;
    struct arena arena;
    struct memory_row *rows; /* owned */
};

static struct str kind_word(enum subject_kind kind)
{
    return kind == SUBJECT_ORDER ? STR_LIT("order") : STR_LIT("conversation");
}

static void put_key(struct buf *out, int32_t month, struct str agent)
{
    char text[16];
    civil_print_month(text, sizeof text, month);
    buf_printf(out, "[\"%s\",", text);
    buf_put_json(out, agent);
    buf_put_byte(out, ',');
}

static void take_late(void *arg, const struct site_late *late)
{
    struct months *m = arg;
    struct buf key = {0}, at = {0};
    if (!late->agent.n)
        return; /* nobody's waits are nobody's pay */
    put_key(&key, late->month, late->agent);
    buf_put_json(&key, kind_word(late->kind));
    buf_put_byte(&key, ',');
    buf_put_json(&key, late->key);
    buf_put_byte(&key, ']');
    buf_put_svar(&at, site_as_of(m->o.site));
    buf_put_uvar(&at, m->late_seq);
    xgrow(&m->late_rows, &m->late_cap, m->late_n + 1, sizeof *m->late_rows);
    m->late_rows[m->late_n++] = (struct memory_row){RULE_LATE, arena_copy(&m->late_arena, buf_str(&key)),
                                                    arena_copy(&m->late_arena, buf_str(&at))};
    buf_fini(&key);
    buf_fini(&at);
}

bool month_late_is_owed(const struct months *m)
{
    return m->late || m->late_n;
}

/* All that the site has to tell, as of this event. */
static void take_all(struct months *m, uint64_t seq)
{
    m->late_seq = seq;
    site_take_late(m->o.site, take_late, m);
    site_owe_late(m->o.site, month_late_is_owed(m));
}

void month_late_look(struct months *m)
{
    if (site_has_late(m->o.site))
        take_all(m, checkpoint_seq(pipeline_checkpoint(m->o.pipeline)));
}

/* --- borders ------------------------------------------------------------------------------------------------------ */

/* Months are closed in their order, and the last one alone is opened again. */
void month_late_border(const struct months *m, size_t n)
{
    int32_t first = INT32_MAX, before = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        const struct book_entry *e = &m->entries[i];
        if (e->kind == BOOK_CLOSED) {
            first = e->month < first ? e->month : first;
            before = e->month + 1;
        } else if (e->kind == BOOK_REOPENED) {
            before = e->month > first ? e->month : INT32_MIN;
        }
    }
    site_close_before(m->o.site, before);
}

/* The site as it stood when the entry was made: what changed by then is not late for it. */
static void go_past(struct months *m, const struct book_entry *e)
{
    int64_t as_of = site_as_of(m->o.site);
    site_advance(m->o.site, e->as_of > as_of ? e->as_of : as_of, SIZE_MAX);
    take_all(m, e->last_seq);
}

void months_replaying(struct months *m, uint64_t seq)
{
    while (m->replayed_n < m->entries_n && m->entries[m->replayed_n].last_seq < seq) {
        const struct book_entry *e = &m->entries[m->replayed_n];
        if (e->last_seq)
            go_past(m, e);
        m->replayed_n++;
        if (e->kind == BOOK_CLOSED || e->kind == BOOK_REOPENED)
            month_late_border(m, m->replayed_n);
    }
}

/* --- to the store ------------------------------------------------------------------------------------------------- */

static void parcel_free(struct late_parcel *p)
{
    arena_fini(&p->arena);
    free(p->rows);
    free(p);
}

/* Rows that did not get to the disk go with the next ones. */
static void keep_rows(struct months *m, const struct late_parcel *p)
{
    for (size_t i = 0; i < p->work.late_n; i++) {
        xgrow(&m->late_rows, &m->late_cap, m->late_n + 1, sizeof *m->late_rows);
        m->late_rows[m->late_n++] = (struct memory_row){RULE_LATE, arena_copy(&m->late_arena, p->rows[i].subject),
                                                        arena_copy(&m->late_arena, p->rows[i].blob)};
    }
}

static void on_done(struct batch *b)
{
    struct late_parcel *p = b->owner;
    if (b->result != BATCH_STORED)
        keep_rows(p->months, p);
    p->months->late = NULL;
    site_owe_late(p->months->o.site, month_late_is_owed(p->months));
    parcel_free(p);
    batch_free(b);
}

void month_late_turn(struct months *m)
{
    struct ingest *in = pipeline_ingest(m->o.pipeline);
    month_late_look(m);
    if (m->late || m->late_n == 0)
        return;
    struct late_parcel *p = xcalloc(1, sizeof *p);
    *p = (struct late_parcel){.months = m, .arena = m->late_arena, .rows = m->late_rows};
    p->work.late = p->rows;
    p->work.late_n = m->late_n;
    m->late_arena = (struct arena){0};
    m->late_rows = NULL;
    m->late_n = m->late_cap = 0;
    m->late = p;
    struct batch *b = batch_new(STR_LIT("late"), on_done, p);
    b->book = &p->work;
    if (in->submit(in, b) < 0) {
        b->result = BATCH_FULL;
        on_done(b);
    }
}

void month_late_free(struct months *m)
{
    if (m->late)
        parcel_free(m->late);
    arena_fini(&m->late_arena);
    free(m->late_rows);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct reading {
    struct str begins; /* the key up to the subject */
    const struct book_entry *since;
    struct arena *arena;
    struct month_evidence *out;
};

/* Rows of before had no event with their time. */
static bool is_known(const struct book_entry *e, struct str blob)
{
    struct cursor at = cursor_of(blob);
    int64_t as_of = cursor_svar(&at);
    uint64_t seq = at.p < at.end ? cursor_uvar(&at) : 0;
    return as_of <= e->as_of && seq <= e->last_seq;
}

static void read_row(void *arg, const struct memory_row *row)
{
    struct reading *r = arg;
    size_t n = r->begins.n;
    if (!str_eq(row->rule, RULE_LATE) || row->subject.n <= n || memcmp(row->subject.p, r->begins.p, n) != 0 ||
        is_known(r->since, row->blob))
        return;
    struct str rest = {row->subject.p + n, row->subject.n - n - 1}; /* "conversation","c1" */
    if (r->out->n < BOOK_WORDS_MAX)
        r->out->words[r->out->n++] = arena_copy(r->arena, rest);
    r->out->all_n++;
}

int month_evidence(const struct months *m, const struct month_late_question *q, struct arena *arena,
                   struct month_evidence *out, struct err *e)
{
    struct buf key = {0};
    put_key(&key, q->month, q->agent);
    struct reading r = {buf_str(&key), q->since, arena, out};
    *out = (struct month_evidence){0};
    int bad = rows_each_memory((struct db *)&m->db, read_row, &r, e);
    buf_fini(&key);
    return bad;
}
