/* Gathers rows, the adjustments that are paid with the month, and the rulebook.
 *
 * Keeps true: what is gathered for a closing hangs on entries of the book up to that closing alone, so that it is the same for
 * ever. */
#include "kefu/daemon/month_export.h"

#include <stdlib.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/month_book.h"

/* --- the rulebook ------------------------------------------------------------------------------------------------- */

struct finding {
    struct str name;
    struct arena *arena;
    struct str text, seed;
    bool found;
};

static void look_at(void *arg, const struct book_rulebook *r)
{
    struct finding *f = arg;
    if (r->month == INT32_MIN)
        f->seed = arena_copy(f->arena, r->text);
    if (str_eq(r->name, f->name)) {
        f->text = arena_copy(f->arena, r->text);
        f->found = true;
    }
}

struct rulebook *month_rulebook(const struct months *m, struct str name, struct err *e)
{
    struct arena arena = {0};
    struct finding f = {.name = name, .arena = &arena};
    struct rulebook *r = NULL, *seed = NULL;
    if (book_each_rulebook((struct db *)&m->db, look_at, &f, e))
        goto out;
    if (!f.found) {
        err_set(e, "rulebook", "the store remembers none of the name \"%.*s\"", STR_ARG(name));
        goto out;
    }
    seed = rulebook_read(f.seed, "seed", NULL, e);
    if (seed && !str_eq(seed->name, name))
        r = rulebook_read(f.text, "a rulebook of the store", seed, e);
    if (seed && str_eq(seed->name, name)) {
        r = seed;
        seed = NULL;
    }
out:
    rulebook_free(seed);
    arena_fini(&arena);
    return r;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static const struct book_entry *closing_of(const struct months *m, int32_t month, int64_t version)
{
    if (version == 0)
        return months_closing(m, month);
    for (size_t i = 0; i < m->entries_n; i++) {
        const struct book_entry *e = &m->entries[i];
        if (e->kind == BOOK_CLOSED && e->month == month && e->version == version)
            return e;
    }
    return NULL;
}

/* The last closing of an earlier month before this one: what was accepted after it is paid now. */
static int64_t paid_until(const struct months *m, const struct book_entry *closing)
{
    int64_t number = 0;
    for (size_t i = 0; i < m->entries_n && m->entries[i].number < closing->number; i++)
        if (m->entries[i].kind == BOOK_CLOSED && m->entries[i].month < closing->month)
            number = m->entries[i].number;
    return number;
}

static int add_adjustment(struct month_export *x, const struct months *m, const struct book_entry *entry, struct err *e)
{
    x->pairs = xrealloc(x->pairs, (x->pairs_n + 1) * sizeof *x->pairs);
    x->adjustments = xrealloc(x->adjustments, (x->pairs_n + 1) * sizeof *x->adjustments);
    struct month_rows *pair = &x->pairs[x->pairs_n++];
    int bad = months_entry_rows(m, entry->number, pair, e);
    if (bad)
        return -1;
    if (pair->n != 2)
        return err_set(e, "book", "an adjustment has not two rows; put the latest backup in its place");
    x->adjustments[x->month.adjustments_n++] = (struct export_adjustment){entry, &pair->list[0], &pair->list[1]};
    return 0;
}

static int read_adjustments(struct month_export *x, const struct months *m, const struct book_entry *closing,
                            struct err *e)
{
    int64_t from = paid_until(m, closing);
    int bad = 0;
    for (size_t i = 0; !bad && i < m->entries_n; i++) {
        const struct book_entry *entry = &m->entries[i];
        if (entry->kind == BOOK_ADJUSTED && entry->number > from && entry->number < closing->number &&
            str_eq(entry->decision, STR_LIT("accepted")))
            bad = add_adjustment(x, m, entry, e);
    }
    return bad;
}

int month_export_read(struct month_export *x, const struct months *m, int32_t month, int64_t version, struct err *e)
{
    char text[16];
    const struct book_entry *closing = closing_of(m, month, version);
    *x = (struct month_export){0};
    civil_print_month(text, sizeof text, month);
    if (!closing)
        return err_set(e, text, "the month is not closed%s", version ? " in this version" : "");
    if (months_entry_rows(m, closing->number, &x->rows, e) || read_adjustments(x, m, closing, e))
        return -1;
    x->rulebook = month_rulebook(m, closing->rulebook, e);
    x->month.closing = closing;
    x->month.rows = x->rows.list;
    x->month.rows_n = x->rows.n;
    x->month.adjustments = x->adjustments;
    x->month.rulebook = x->rulebook;
    return x->rulebook ? 0 : -1;
}

void month_export_fini(struct month_export *x)
{
    for (size_t i = 0; i < x->pairs_n; i++)
        month_rows_fini(&x->pairs[i]);
    free(x->pairs);
    free(x->adjustments);
    month_rows_fini(&x->rows);
    rulebook_free(x->rulebook);
    *x = (struct month_export){0};
}
