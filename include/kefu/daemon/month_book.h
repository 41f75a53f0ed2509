/* The inside of the months, for the files daemon/month*.c: the entries in memory, and how one more is written. */
#ifndef KEFU_DAEMON_MONTH_BOOK_H
#define KEFU_DAEMON_MONTH_BOOK_H

#include "kefu/daemon/months.h"
#include "kefu/store/book.h"

struct months {
    struct months_options o;
    struct db db;               /* for reading */
    struct arena arena;         /* strings of entries */
    struct book_entry *entries; /* owned */
    size_t entries_n, entries_cap;
    char head[DIGEST_SHA256_HEX];
    struct month_parcel *under_way; /* NULL: none */
    int64_t calendar_at_ms;         /* the calendar looks no sooner */
    int64_t keep_at_ms;             /* month_keep.c likewise */
    size_t replayed_n;              /* entries that the replay has come past */
    struct late_parcel *late;       /* on its way to the disk; NULL: none */
    struct arena late_arena;
    uint64_t late_seq;            /* by which event the site tells what it tells now */
    struct memory_row *late_rows; /* owned; to be sent: strings in late_arena */
    size_t late_n, late_cap;
};

/* An act on its way to the disk. */
struct month_parcel {
    struct months *months;
    struct arena arena; /* all that the commit borrows */
    struct month_act act;
    struct book_entry entry; /* number, prev and hashes are filled in by month_book_send */
    struct book_work work;
    struct book_text *rows; /* owned */
    struct str unfit;       /* whose row cannot be read back; absent: all can */
};

struct month_parcel *month_parcel_new(struct months *m, const struct month_act *act, enum book_kind kind);
/* Adds a row; its person is made here. */
void month_parcel_row(struct month_parcel *p, struct book_row *row);
/* Sends the entry with its rows, and the event (type, how, and strs set by the caller in *e; borrowed for the call). Takes
 * the parcel. MONTH_REFUSED with e: the queue is full, or a row does not fit; nothing was done. */
enum month_outcome month_book_send(struct month_parcel *p, struct event *event, struct err *e);
/* The entry by which a row is as it is: the adjustment that was decided last, else the closing. row may be NULL. */
const struct book_entry *month_known_by(const struct months *m, const struct book_entry *closing,
                                        const struct book_row *row);
/* month_late.c: has the store remember what came late. */
void month_late_turn(struct months *m);
/* Some evidence is not in the store yet, which takes a commit: nothing is decided meanwhile. */
bool month_late_is_owed(const struct months *m);
/* What the site has to tell by now is from before what is decided next. Part of months_draft. */
void month_late_look(struct months *m);
/* Has the site tell what changes months that the first n entries close. */
void month_late_border(const struct months *m, size_t n);
void month_late_free(struct months *m);
int64_t months_now(const struct months *m); /* wall time, and never before the site's */
int64_t month_ends_at(const struct months *m, int32_t month);
/* From then on no first contact of the month can fail: the windows are those of its rulebook. */
int64_t month_settled_ms(const struct months *m, int32_t month);
int32_t month_last_closed(const struct months *m); /* INT32_MIN: none */
/* Is an act under way, or the actor or the reason no good? -1 with e. */
int month_book_check(const struct months *m, const struct month_act *act, struct err *e);

#endif
