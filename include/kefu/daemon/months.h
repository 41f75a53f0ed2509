/* Months as payroll sees them: open, in review, closed, opened again; and the book in which it is written.
 *
 * A month is open until it has ended and the first contacts of its last day cannot fail any more; then it is in review until a
 * person closes it, or the calendar does if configured, which waits for what still comes in (month_hold.h). Closing freezes a row an agent. What a person does is an event
 * with an actor in the journal, and an entry with its rows in the book (model/book.h), in one transaction; both are made
 * here, sent through the pipeline's door, and known here once durable. One act is under way at a time.
 * Months are closed in their order (those without any figure may be left out), the last one closed alone can be opened again. One thread: the loop. Holds pay. */
#ifndef KEFU_DAEMON_MONTHS_H
#define KEFU_DAEMON_MONTHS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/base/tz.h"
#include "kefu/daemon/month_draft.h"
#include "kefu/daemon/pipeline.h"
#include "kefu/model/book.h"
#include "kefu/model/rulebook.h"
#include "kefu/store/store.h"

struct months;

struct months_options { /* all borrowed */
    struct pipeline *pipeline;
    struct site *site; /* the pipeline's */
    struct store *store;
    const struct rulebooks *rulebooks;
    const struct tz *tz;
    int64_t close_days;      /* the calendar closes a month so many days after its end; 0: never */
    int64_t evidence_months; /* evidence is let go of so many months after the closing; 0: never */
    /* Ways in that have not been read up to this time: their names, at most max; returns how many. NULL: nobody knows. */
    size_t (*unread)(void *arg, int64_t until_ms, struct str *names, size_t max);
    void *unread_arg;
};

/* Reads the book; before the pipeline is started. NULL with e: damaged. */
struct months *months_new(const struct months_options *o, struct err *e);
/* The event of this sequence is about to be replayed; UINT64_MAX: all are (pipeline_options.replaying). So what came late is known
 * again, also what a fall kept from the store. */
void months_replaying(struct months *m, uint64_t seq);
/* The same for looking only, beside a daemon or on a stopped one: of the functions below those that take a const struct
 * months, but for months_state and months_range. NULL with e: not there, not ours, damaged. */
struct months *months_look(const char *db_path, struct err *e);
/* For store/book.h: its connection for reading. */
struct db *months_db(struct months *m);
void months_free(struct months *m); /* NULL is well; after the pipeline is finished */

/* --- asking ------------------------------------------------------------------------------------------------------- */

enum month_state { MONTH_AHEAD = 0, MONTH_OPEN, MONTH_REVIEW, MONTH_CLOSED };
const char *month_state_word(enum month_state s);
enum month_state months_state(const struct months *m, int32_t month);
/* First and last month of which there is anything to show: with a figure, or closed; the running one too. */
void months_range(const struct months *m, int32_t *first, int32_t *last);
bool months_has(const struct months *m, int32_t month); /* it has a figure, or an entry, or is running */
/* The closing in force; NULL: it is not closed. Borrowed until the next act is durable. */
const struct book_entry *months_closing(const struct months *m, int32_t month);
int64_t months_version(const struct months *m, int32_t month); /* of the closing in force, or of the next one */
/* All entries, in order; borrowed likewise. */
const struct book_entry *months_entries(const struct months *m, size_t *n);
/* The head of the chain: 64 digits (zeros before the first entry) and a zero byte. Borrowed likewise. */
const char *months_head(const struct months *m);

struct month_rows {
    struct book_row *list; /* owned */
    size_t n, cap;
    struct arena arena; /* their strings */
};
void month_rows_fini(struct month_rows *r);
/* Rows of an entry, by number. month_rows_fini is due either way, as for all below. -1 with e: damaged. */
int months_entry_rows(const struct months *m, int64_t entry, struct month_rows *out, struct err *e);
/* Rows of a closed month as they count now: as closed, with the adjustments that were accepted. By agent; forgotten ones have
 * none and come first. Without a closing: none. */
int months_rows_now(const struct months *m, int32_t month, struct month_rows *out, struct err *e);
const struct book_row *months_find(const struct book_row *rows, size_t n, struct str agent); /* NULL: none */

/* The month as it would be closed now; catches the site up first. month_draft_free is due if it is 0. -1 with e. */
int months_draft(struct months *m, int32_t month, struct month_draft *d, struct err *e);

/* Rows as they were last looked at: as months_rows_now, but with adjustments that were rejected as well. */
int months_rows_seen(const struct months *m, int32_t month, struct month_rows *out, struct err *e);

/* --- acting ------------------------------------------------------------------------------------------------------- */

/* What a person asks for. `done` is called once if the act is under way: with its entry, borrowed for the call, or NULL if the disk
 * or the queue is full and nothing was done. */
struct month_act {
    int32_t month;
    struct str actor;    /* 1 … 128 bytes */
    struct str reason;   /* up to 512 bytes; absent: none */
    struct str agent;    /* adjust, propose */
    struct str proposal; /* propose: one of the row's actions */
    bool accept;         /* adjust, propose */
    bool has_seen;       /* adjust: … */
    int64_t seen_fen;    /* … the difference that was decided about */
    struct str audit;    /* its line for the audit log (daemon/audited.h) */
    bool force;          /* close though first contacts are pending: what comes of them is an adjustment */
    void (*done)(void *arg, const struct book_entry *entry);
    void *arg;
};

/* Reads what a person asks for, from JSON, for all ways that lead here: "reason"?, "agent"?, "proposal"?, "accept"?, "force"?,
 * "difference_fen"?. The strings borrow from the tree. -1 with e: one is of another type. */
int month_act_read(const cJSON *asked, struct month_act *act, struct err *e);

enum month_outcome {
    MONTH_REFUSED = -1,
    MONTH_UNDER_WAY = 0,
    MONTH_ALREADY = 1 /* it is as asked; done is not called */
};
enum month_outcome months_close(struct months *m, const struct month_act *act, struct err *e);
/* Needs a reason. Both versions stay in the book. */
enum month_outcome months_reopen(struct months *m, const struct month_act *act, struct err *e);
/* Accepts the difference that an agent of a closed month has (month_adjust.h), or rejects it. Refused if it is not the one that was
 * seen any more. */
enum month_outcome months_adjust(struct months *m, const struct month_act *act, struct err *e);
/* Closes by the calendar what is due and held back by nothing, if it is configured; has the store remember what came late for closed months. */
void months_turn(struct months *m);

/* Whoever asked is no longer there: done is not called. */
void months_forget(struct months *m, void *arg);

#endif
