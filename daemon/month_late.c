/* What came late for closed months, on its way to the store: a row of rule memory for each (month, agent, subject), with the
 * time at which it last changed something. The evidence of adjustments.
 *
 * Keeps true: it is in the store before a checkpoint holds the figures that it changed (site_may_cut waits for it); what a full
 * disk refused is sent again. Not kept: a fall between the commit of a late event and that of its row leaves the adjustment
 * without this piece of evidence. Its money is right, since that is reckoned from the figures. */
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
    struct ingest *in = pipeline_ingest(m->o.pipeline);
    if (!late->agent.n)
        return; /* nobody's waits are nobody's pay */
    put_key(&key, late->month, late->agent);
    buf_put_json(&key, kind_word(late->kind));
    buf_put_byte(&key, ',');
    buf_put_json(&key, late->key);
    buf_put_byte(&key, ']');
    buf_put_svar(&at, in->now_ms(in));
    xgrow(&m->late_rows, &m->late_cap, m->late_n + 1, sizeof *m->late_rows);
    m->late_rows[m->late_n++] = (struct memory_row){RULE_LATE, arena_copy(&m->late_arena, buf_str(&key)),
                                                    arena_copy(&m->late_arena, buf_str(&at))};
    buf_fini(&key);
    buf_fini(&at);
}

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
    parcel_free(p);
    batch_free(b);
}

void month_late_turn(struct months *m)
{
    struct ingest *in = pipeline_ingest(m->o.pipeline);
    if (site_has_late(m->o.site))
        site_take_late(m->o.site, take_late, m);
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
    int64_t since_ms;
    struct arena *arena;
    struct month_evidence *out;
};

static void read_row(void *arg, const struct memory_row *row)
{
    struct reading *r = arg;
    struct cursor at = cursor_of(row->blob);
    size_t n = r->begins.n;
    if (!str_eq(row->rule, RULE_LATE) || row->subject.n <= n || memcmp(row->subject.p, r->begins.p, n) != 0 ||
        cursor_svar(&at) <= r->since_ms)
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
    struct reading r = {buf_str(&key), q->since_ms, arena, out};
    *out = (struct month_evidence){0};
    int bad = rows_each_memory((struct db *)&m->db, read_row, &r, e);
    buf_fini(&key);
    return bad;
}
