/* A site to the shelf and back, so that a start goes on where the last cut was, and conversations at rest leave memory.
 *
 * A cut is an instant between two folds: what changed since the last cut, totals of an agent and subjects, is handed out a
 * few at a time, each as it stood at the cut: one that is about to change before its turn is handed out first. Head, totals and rows of all cuts, newest first, are the site as of the last cut.
 *
 * A frozen subject is a version byte, the names that its list uses, the list, and how it stands in the totals; it leans on
 * nothing else. Thawing runs its machine over the list again and adds to no total. If the rules by which the totals were made
 * are no longer the site's (site_fingerprint), everything is thawed `anew` and counted again from the lists.
 *
 * A conversation rests when nothing of it changes by time and nobody is in it, or nobody has been for so long that it is quiet. Resting ones that were frozen cold may be
 * forgotten: whatever needs them (an event of theirs, an identity in their list, a late contact of their customer)
 * brings them back through the shelf. No figure changes by it. */
#ifndef KEFU_STATE_FREEZE_H
#define KEFU_STATE_FREEZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/bloom.h"
#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/model/shelf.h"
#include "kefu/state/site.h"

struct freezer { /* both borrow for the call */
    void (*row)(void *arg, const struct shelf_row *row);
    void (*total)(void *arg, const struct shelf_total *total);
    void *arg;
};

/* Subjects that changed since the last cut. */
size_t site_unsaved_n(const struct site *s);
/* No subject is pending (site_advance has come to its end), what came late is taken (it is in no row), and no cut is under way. */
bool site_may_cut(const struct site *s);
/* Cuts: hands out the totals of no agent, appends the head. The freezer is borrowed until site_freeze has answered false. */
void site_cut(struct site *s, const struct freezer *f, struct buf *head);
/* Hands out n more totals and rows at most; true: there are more. Whatever is folded between two
 * calls, they are as of the cut. */
bool site_freeze(struct site *s, size_t n);
/* Totals and rows that the cut under way has still to hand out. */
size_t site_cut_left_n(const struct site *s);

/* What totals hang on besides events: the version of the fold, the zone, the rulebooks in force up to the site's time. */
uint64_t site_fingerprint(const struct site *s);

/* An empty site takes up what was frozen: the head first, then rows and totals in any order, then site_thawed. `anew`: count
 * all again (rows must then include the cold ones; of totals only those of months that were let go of count). -1 with e: not what site_cut has written. */
int site_thaw_head(struct site *s, struct str head, struct err *e);
int site_thaw_row(struct site *s, const struct shelf_row *row, bool anew, struct err *e);
int site_thaw_total(struct site *s, const struct shelf_total *total, bool anew, struct err *e);

/* Hands out all events of a frozen subject, in their order, as they were taken (borrowed for the call). Needs no site. -1
 * with e: not what site_freeze has written; some may have been handed out. */
int shelf_row_events(const struct shelf_row *row, void (*each)(void *arg, const struct event *e), void *arg,
                     struct err *e);

/* Looks at up to n places of conversations from `place` on and moves it: those that rest, are saved and had their last event
 * before `before` become known to the filters and are handed out, as keys and identities without a blob. False: the end was
 * reached. Not while a cut is under way. */
struct chill {
    uint32_t place;
    int64_t before;
    size_t n;
};
bool site_chill(struct site *s, struct chill *c, const struct freezer *f);
/* Hands out one of these as a cold row; nothing, if it has changed or was woken since. */
void site_freeze_cold(struct site *s, struct str key, const struct freezer *f);
/* A row that is durably cold leaves memory, unless it has changed or was woken since. */
void site_forget(struct site *s, struct str key);
/* Are open conversations to be shown that left memory when a shorter time made them quiet? Then a start thaws the cold rows too,
 * and has each forgotten again; who is not quiet any more stays. */
bool site_shows_more(const struct site *s);
void site_forget_again(struct site *s, struct str key);
/* No cold conversation has a later event; INT64_MIN: there is none. To be kept with the cold rows, and given back before a
 * site that was thawed folds anything. */
int64_t site_cold_until(const struct site *s);
void site_set_cold_until(struct site *s, int64_t until);
/* The filters, to be kept on disk before the cold rows are: 0 of keys, 1 of identities. */
struct bloom *site_filter(struct site *s, int which);
size_t site_in_memory_n(const struct site *s); /* conversations */

#endif
