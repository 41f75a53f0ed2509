/* Keeps true: a month that has begun is judged by the same bytes for ever. It refuses a changed file, a vanished one whose
 * month has begun, and a new one for such a month. */
#include "kefu/daemon/adopted.h"

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/store/book.h"

static const struct rulebook *named(const struct rulebooks *in, struct str name)
{
    for (size_t i = 0; i < in->n; i++) {
        if (str_eq(in->list[i]->name, name)) {
            return in->list[i];
        }
    }
    return NULL;
}

struct looking {
    const struct rulebooks *list;
    int32_t month; /* the last one that has begun */
    bool seen[64]; /* of the list: known */
    size_t known_n;
    bool gone_is_well; /* also of one whose month has begun: a reload has looked already */
    int status;
    struct err *e;
};

static int refuse_gone(struct looking *l, const struct book_rulebook *r)
{
    char month[16];
    if (l->gone_is_well || (r->month != INT32_MIN && r->month > l->month)) {
        return 0;
    }
    civil_print_month(month, sizeof(month), r->month == INT32_MIN ? 0 : r->month);
    return err_set(
        l->e, "rulebooks_dir",
        "the rulebook \"%.*s\", by which months since %s are judged, is in no file here any more; put its file "
        "(SHA-256 %.*s) back as it was",
        STR_ARG(r->name), month, STR_ARG(r->sha256));
}

static void look_at(void *arg, const struct book_rulebook *r)
{
    struct looking *l = arg;
    const struct rulebook *is = named(l->list, r->name);
    l->known_n++;
    if (l->status < 0) {
        return;
    }
    if (!is) {
        l->status = refuse_gone(l, r);
        return;
    }
    for (size_t i = 0; i < l->list->n; i++) {
        l->seen[i] |= l->list->list[i] == is && r->month != BOOK_TAKEN_AWAY;
    }
    if (!str_eq(r->sha256, str_of(is->sha256))) {
        l->status =
            err_set(l->e, "rulebooks_dir",
                    "the rulebook \"%.*s\" is another than the one this store has judged by under this name, and "
                    "under one name a rulebook never changes; put the file (SHA-256 %.*s) back as it was, and "
                    "give new rules a new name and month",
                    STR_ARG(r->name), STR_ARG(r->sha256));
    }
}

static int check_new(struct looking *l, bool may_begin)
{
    char month[16];
    for (size_t i = 0; !may_begin && i < l->list->n; i++) {
        const struct rulebook *r = l->list->list[i];
        if (l->seen[i] || r->effective_month > l->month) {
            continue;
        }
        civil_print_month(month, sizeof(month), l->month + 1);
        return err_set(l->e, "rulebooks_dir",
                       "the rulebook \"%.*s\" is new and holds from a month that has begun; let it hold from \"%s\" or "
                       "later (effective_from)",
                       STR_ARG(r->name), month);
    }
    return 0;
}

static int look(struct daemon *d, struct db *db, struct looking *l)
{
    l->month = civil_month(tz_day(d->settings->tz, clock_wall_ms(&d->clock)));
    if (book_each_rulebook(db, look_at, l, l->e) < 0 || l->status < 0) {
        return -1;
    }
    return check_new(l, l->known_n == 0 || store_last_seq(d->store) == 0);
}

int adopted_at_start(struct daemon *d, struct err *e)
{
    struct looking l = {.list = &d->settings->rulebooks, .e = e};
    return look(d, store_db(d->store), &l);
}

int adopted_check(struct daemon *d, const struct rulebooks *fresh, struct err *e)
{
    struct looking l = {.list = fresh, .gone_is_well = true, .e = e};
    return look(d, months_db(d->months), &l);
}

/* --- remembering -------------------------------------------------------------------------------------------------- */

#define REMEMBERED_MAX 64

struct remembering {
    struct book_work work;
    struct book_rulebook list[REMEMBERED_MAX];
    struct arena arena;
    struct looking look;
};

static void remember(struct remembering *r, const struct book_rulebook *is)
{
    if (r->work.adopted_n == REMEMBERED_MAX)
        return; /* at the next start */
    struct book_rulebook *to = &r->list[r->work.adopted_n++];
    *to = *is;
    to->name = arena_copy(&r->arena, is->name);
    to->sha256 = arena_copy(&r->arena, is->sha256);
    to->text = arena_copy(&r->arena, is->text);
}

static void on_done(struct batch *b)
{
    struct remembering *r = b->owner;
    if (b->result != BATCH_STORED) {
        log_line(LOG_LEVEL_WARN, "rulebook", "remembered=0 error=\"the disk or the queue is full\"");
    }
    arena_fini(&r->arena);
    free(r);
    batch_free(b);
}

/* What is known need not be told again; what is gone before its month began never holds, but its name stays taken. */
static void mark_known(void *arg, const struct book_rulebook *is)
{
    struct remembering *r = arg;
    struct looking *l = &r->look;
    for (size_t i = 0; i < l->list->n; i++) {
        l->seen[i] |= str_eq(l->list->list[i]->name, is->name) && is->month != BOOK_TAKEN_AWAY;
    }
    if (!named(l->list, is->name) && is->month > l->month && is->month != BOOK_TAKEN_AWAY) {
        struct book_rulebook gone = *is;
        gone.month = BOOK_TAKEN_AWAY;
        remember(r, &gone);
    }
}

void adopted_remember(struct daemon *d, const struct rulebooks *list)
{
    struct err e;
    struct ingest *in = pipeline_ingest(d->pipeline);
    int64_t now_ms = clock_wall_ms(&d->clock);
    struct remembering *r = xcalloc(1, sizeof(*r));
    r->look = (struct looking){.list = list, .month = civil_month(tz_day(d->settings->tz, now_ms))};
    bool unread = book_each_rulebook(months_db(d->months), mark_known, r, &e) < 0;
    for (size_t i = 0; !unread && i < list->n; i++) {
        const struct rulebook *from = list->list[i];
        if (!r->look.seen[i]) {
            remember(r, &(struct book_rulebook){from->name, str_of(from->sha256), from->effective_month, now_ms,
                                                from->text});
        }
    }
    r->work.adopted = r->list;
    struct batch *b = batch_new(STR_LIT("rulebooks"), on_done, r);
    b->book = &r->work;
    if (r->work.adopted_n == 0 || in->submit(in, b) < 0) {
        b->result = r->work.adopted_n == 0 ? BATCH_STORED : BATCH_FULL;
        on_done(b);
    }
}
