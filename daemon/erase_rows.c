/* The tables whose rows hang in no chain. Keeps true: rows are read before they are written, so that no cursor goes over what it has
 * just put. A row of the quarantine or of an alert that names the person goes: it is in no figure. */
#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/erase_inside.h"
#include "kefu/model/aliases.h"
#include "kefu/state/rewrite.h"
#include "kefu/store/fresh.h"
#include "kefu/store/journal.h"
#include "kefu/store/rows.h"
#include "kefu/store/shelf.h"

static int fail(struct erasure *x, int rc, const char *what)
{
    return rc == SQLITE_OK ? 0 : db_err(x->db, x->e, what);
}

static int run_number(struct db *db, enum sql which, int64_t number)
{
    struct db_row row = row_of(db, which);
    row_int(&row, number);
    return row_run(&row);
}

/* --- the shelf ---------------------------------------------------------------------------------------------------- */

/* A subject under another key is warm: the next start takes it into memory, and what knows it by its key learns so. Its number
 * stays, to which pointers lead. */
static int put_subject(struct erasure *x, int64_t id, const struct shelf_row *r)
{
    struct db_row name = row_of(x->db, SQL_SUBJECT_NAME);
    row_text(&name, r->key);
    row_int(&name, id);
    int rc = row_run(&name);
    x->rows_n++;
    return rc == SQLITE_OK ? fresh_put_row(x->db, SQL_SUBJECT_CHILL, r) : rc; /* over the row of that key */
}

static struct str key_of(struct erasure *x, const struct shelf_row *r)
{
    struct str key = {0};
    if (r->kind == SUBJECT_AGENT)
        return erase_agent(x, r->key);
    key = erase_alias(x, r->kind == SUBJECT_ORDER ? ALIAS_ORDER : ALIAS_CONVERSATION, r->key);
    return key.n ? key : r->key;
}

static int change_subject(struct erasure *x, int64_t id, const struct shelf_row *is)
{
    struct rewriter w = {erase_event, erase_agent, x};
    struct buf blob = {0};
    struct shelf_row fresh = *is;
    x->ids_changed = false;
    int changed = shelf_row_rewrite(is, &w, &blob, x->e);
    fresh.key = key_of(x, is);
    fresh.blob = changed == 1 ? buf_str(&blob) : is->blob;
    fresh.cold = is->cold && !x->t->customer && !x->ids_changed;
    int bad = changed < 0 ? -1 : 0;
    if (changed == 1 || (!bad && !str_eq(fresh.key, is->key)))
        bad = fail(x, put_subject(x, id, &fresh), "writing the shelf");
    buf_fini(&blob);
    return bad;
}

static int change_shelf(struct erasure *x)
{
    sqlite3_stmt *stmt = x->db->statements[SQL_SUBJECT_NEXT];
    int64_t id = 0;
    int rc = SQLITE_ROW, bad = 0;
    while (!bad) {
        sqlite3_bind_int64(stmt, 1, id);
        if ((rc = sqlite3_step(stmt)) != SQLITE_ROW)
            break;
        id = sqlite3_column_int64(stmt, 0);
        struct buf blob = {0};
        buf_put_str(&blob, column_str(stmt, 6));
        struct shelf_row row = {.kind = (enum subject_kind)sqlite3_column_int(stmt, 1),
                                .key = arena_copy(&x->arena, column_str(stmt, 2)),
                                .group = (uint64_t)sqlite3_column_int64(stmt, 3),
                                .last_ts = sqlite3_column_int64(stmt, 4),
                                .cold = sqlite3_column_int(stmt, 5) != 0,
                                .blob = buf_str(&blob)};
        sqlite3_reset(stmt);
        bad = change_subject(x, id, &row);
        buf_fini(&blob);
    }
    sqlite3_reset(stmt);
    return bad || (rc != SQLITE_ROW && rc != SQLITE_DONE) ? (bad ? bad : db_err(x->db, x->e, "reading the shelf")) : 0;
}

struct totals_of {
    struct erasure *x;
    struct shelf_total *list; /* owned; bytes in the arena */
    size_t n, cap;
};

static int take_total(void *arg, const struct shelf_total *total, struct err *e)
{
    struct totals_of *all = arg;
    (void)e;
    if (str_eq(erase_agent(all->x, total->agent), total->agent))
        return 0;
    xgrow(&all->list, &all->cap, all->n + 1, sizeof *all->list);
    all->list[all->n] = *total;
    all->list[all->n++].blob = arena_copy(&all->x->arena, total->blob);
    return 0;
}

static int change_totals(struct erasure *x)
{
    struct totals_of all = {.x = x};
    int rc = SQLITE_OK,
        bad = shelf_each_total(x->store, &(struct shelf_reading){.total = take_total, .arg = &all}, x->e);
    for (size_t i = 0; !bad && rc == SQLITE_OK && i < all.n; i++, x->rows_n++) {
        struct db_row row = row_of(x->db, SQL_TOTAL_SET);
        row_text(&row, x->t->person);
        row_int(&row, all.list[i].kind);
        row_int(&row, all.list[i].period);
        row_blob(&row, all.list[i].blob);
        rc = row_save(&row);
    }
    free(all.list);
    if (bad || x->t->customer)
        return bad;
    struct db_row drop = row_of(x->db, SQL_TOTAL_OF_DROP);
    row_text(&drop, x->t->id);
    return fail(x, rc == SQLITE_OK ? row_run(&drop) : rc, "writing totals");
}

/* --- rule memory -------------------------------------------------------------------------------------------------- */

struct memories {
    struct erasure *x;
    struct memory_row *drop, *put; /* owned */
    size_t drop_n, drop_cap, put_n, put_cap;
};

static void add_row(struct memory_row **list, size_t *n, size_t *cap, struct memory_row row)
{
    xgrow(list, cap, *n + 1, sizeof **list);
    (*list)[(*n)++] = row;
}

static bool replace_agent(struct erasure *x, struct str *agent)
{
    struct str fresh = erase_agent(x, *agent);
    bool changed = !str_eq(fresh, *agent);
    *agent = fresh;
    return changed;
}

/* Tiers and what came late go on under the pseudonym; alerts and silences of the person go. */
static void take_memory(void *arg, const struct memory_row *row)
{
    struct memories *m = arg;
    struct erasure *x = m->x;
    bool tier = str_eq(row->rule, STR_LIT("tier")), late = str_eq(row->rule, STR_LIT("late"));
    bool carried = tier || late, named = false;
    struct str subject = row->subject;
    if (str_eq(row->rule, ERASE_RULE) || str_eq(row->rule, STR_LIT("alias")))
        return;
    if (tier)
        named = replace_agent(x, &subject);
    else if (late)
        subject = erase_json(x, row->subject, &named);
    else
        named = erase_holds(x, row->subject) || erase_holds(x, row->blob);
    if (!named)
        return;
    struct memory_row old = {arena_copy(&x->arena, row->rule), arena_copy(&x->arena, row->subject), {0}};
    add_row(&m->drop, &m->drop_n, &m->drop_cap, old);
    if (carried)
        add_row(&m->put, &m->put_n, &m->put_cap,
                (struct memory_row){old.rule, subject, arena_copy(&x->arena, row->blob)});
}

static int change_memory(struct erasure *x)
{
    struct memories m = {.x = x};
    int rc = SQLITE_OK;
    int bad = rows_each_memory(x->db, take_memory, &m, x->e);
    for (size_t i = 0; !bad && rc == SQLITE_OK && i < m.drop_n; i++)
        rc = rows_memory(x->db, &m.drop[i]);
    for (size_t i = 0; !bad && rc == SQLITE_OK && i < m.put_n; i++)
        rc = rows_memory(x->db, &m.put[i]);
    x->rows_n += (int64_t)m.drop_n;
    free(m.drop);
    free(m.put);
    return bad ? bad : fail(x, rc, "writing rule memory");
}

/* --- outbox and quarantine ---------------------------------------------------------------------------------------- */

struct numbers {
    struct erasure *x;
    int64_t *list; /* owned */
    size_t n, cap;
};

static void add_number(struct numbers *l, uint64_t number)
{
    xgrow(&l->list, &l->cap, l->n + 1, sizeof *l->list);
    l->list[l->n++] = (int64_t)number;
}

/* Reasons of what was no event quote it as it came, cut and in any spelling: nobody can say who is in it, and it cannot be tried
 * again, so all of it goes. */
static void take_refused(void *arg, const struct quarantined *q)
{
    struct numbers *l = arg;
    struct cursor in = cursor_of(q->record);
    struct event event;
    struct err inner;
    bool named = q->kind == REFUSAL_BAD || erase_is_named(l->x, q->id) || erase_is_named(l->x, q->reason);
    if (q->record.n && event_decode(&in, &event, &inner) == 0)
        named |=
            erase_event(l->x, &event) || erase_is_in_id(l->x, event.id) || erase_is_named(l->x, event.strs[EVENT_NAME]);
    if (named)
        add_number(l, q->row);
}

static int drop_refused(struct erasure *x)
{
    struct numbers l = {.x = x};
    int rc = SQLITE_OK, bad = rows_each_quarantined(x->db, take_refused, &l, x->e);
    for (size_t i = 0; !bad && rc == SQLITE_OK && i < l.n; i++)
        rc = run_number(x->db, SQL_QUARANTINE_DROP, l.list[i]);
    x->rows_n += (int64_t)l.n;
    free(l.list);
    return bad ? bad : fail(x, rc, "writing the quarantine");
}

/* What goes to a channel and names the person is a message of the past; a tier change keeps its place in its stream. */
static int change_effects(struct erasure *x)
{
    sqlite3_stmt *stmt = x->db->statements[SQL_OUTBOX_NEXT];
    int64_t number = 0;
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK) {
        bool named = false;
        struct buf pairs = {0};
        sqlite3_bind_int64(stmt, 1, number);
        if (sqlite3_step(stmt) != SQLITE_ROW)
            break;
        number = sqlite3_column_int64(stmt, 0);
        struct cursor in = cursor_of(column_str(stmt, 6));
        uint64_t n = cursor_uvar(&in);
        buf_put_uvar(&pairs, n);
        for (uint64_t i = 0; i < n && !in.bad; i++) {
            struct str s = erase_text(x, cursor_bytes(&in, (size_t)cursor_uvar(&in)), &named);
            buf_put_uvar(&pairs, s.n);
            buf_put_str(&pairs, s);
        }
        struct db_row row = row_of(x->db, SQL_OUTBOX_PUT);
        row_int(&row, number);
        row_int(&row, sqlite3_column_int64(stmt, 1));
        row_int(&row, sqlite3_column_int64(stmt, 2));
        row_int(&row, sqlite3_column_int64(stmt, 3));
        row_text(&row, arena_copy(&x->arena, column_str(stmt, 4)));
        row_blob(&row, buf_str(&pairs));
        int64_t sent = sqlite3_column_int64(stmt, 5);
        sqlite3_reset(stmt);
        if (named && !in.bad) {
            rc = row_save(&row);
            rc = rc == SQLITE_OK && sent ? run_number(x->db, SQL_OUTBOX_SENT, number) : rc;
            x->rows_n++;
        }
        buf_fini(&pairs);
    }
    sqlite3_reset(stmt);
    return fail(x, rc, "writing the outbox");
}

/* --- what stands for the names from now on ------------------------------------------------------------------------ */

static int put_alias(struct erasure *x, char kind, struct str name, struct str to)
{
    char hash[ALIAS_HASH_BYTES];
    aliases_hash(hash, x->key, kind, name);
    return rows_memory(x->db, &(struct memory_row){STR_LIT("alias"), str_of(hash), to});
}

static int put_aliases(struct erasure *x)
{
    int rc = SQLITE_OK;
    if (x->t->customer)
        rc = put_alias(x, ALIAS_CUSTOMER, (struct str){(const char *)x->hash, sizeof x->hash},
                       (struct str){(const char *)x->fresh, sizeof x->fresh});
    else
        rc = put_alias(x, ALIAS_AGENT, x->t->id, x->t->person);
    for (uint32_t k = 1; rc == SQLITE_OK && k <= intern_count(&x->ids); k++)
        rc = put_alias(x, ALIAS_ID, intern_name(&x->ids, k), erase_numbered(x, ALIAS_ID, x->id_ranks[k - 1]));
    for (uint32_t k = 1; rc == SQLITE_OK && k <= intern_count(&x->conversations); k++) {
        struct str name = intern_name(&x->conversations, k);
        rc = put_alias(x, ALIAS_CONVERSATION, name, erase_alias(x, ALIAS_CONVERSATION, name));
    }
    for (uint32_t k = 1; rc == SQLITE_OK && k <= intern_count(&x->orders); k++) {
        struct str name = intern_name(&x->orders, k);
        rc = put_alias(x, ALIAS_ORDER, name, erase_alias(x, ALIAS_ORDER, name));
    }
    return fail(x, rc, "writing aliases");
}

/* What was set aside is damaged, so nobody can say who is in it: its bytes go, the gap stays. */
static int empty_aside(struct erasure *x)
{
    sqlite3_stmt *stmt = x->db->statements[SQL_ASIDE_EACH];
    struct numbers l = {.x = x};
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        for (int k = 0; k < 4; k++)
            add_number(&l, (uint64_t)sqlite3_column_int64(stmt, k));
    sqlite3_reset(stmt);
    rc = rc == SQLITE_DONE ? db_exec(x->db, "DELETE FROM aside") : rc;
    for (size_t i = 0; rc == SQLITE_OK && i < l.n; i += 4) {
        struct db_row row = row_of(x->db, SQL_ASIDE_ADD);
        for (size_t k = 0; k < 4; k++)
            row_int(&row, l.list[i + k]);
        row_blob(&row, (struct str){0});
        rc = row_save(&row);
    }
    free(l.list);
    return fail(x, rc, "emptying what was set aside");
}

int erase_rows(struct erasure *x)
{
    struct journal j;
    uint64_t journal_n = 0;
    int bad = journal_open(&j, x->db, x->e);
    bad = bad || journal_rewrite(&j, erase_event, x, &journal_n, x->e) < 0;
    journal_fini(&j);
    x->rows_n += (int64_t)journal_n;
    if (bad || change_shelf(x) < 0 || change_totals(x) < 0 || change_memory(x) < 0 || drop_refused(x) < 0 ||
        change_effects(x) < 0)
        return -1;
    return empty_aside(x) < 0 ? -1 : put_aliases(x);
}
