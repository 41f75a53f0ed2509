/* The book: what people have decided for good (a month closed or opened again, an adjustment, a proposal), each an entry in
 * one chain.
 *
 * An entry is one line of JSON in canonical form (keys in one order, no blanks); its SHA-256 is the head of the chain, and
 * stands as "prev" in the entry after it. Rows of an entry (the agents of a closed month) are lines of the same kind, bound
 * to it by "rows_sha256" over all of them. Who a row is about is told apart, in its `identity`, and bound to the row by
 * "person", the SHA-256 of the salt and the identity: when salt and identity are forgotten the chain still holds, and of
 * the person only that number is left. Money is whole fen. Plain data; the store keeps it (store/book.h). */
#ifndef KEFU_MODEL_BOOK_H
#define KEFU_MODEL_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/err.h"
#include "kefu/model/figures.h"
#include "kefu/model/score.h"

/* Numbers are written to disk. X(NAME, number, "word") */
#define BOOK_KINDS(X)                                                                                                  \
    X(CLOSED, 1, "closed")                                                                                             \
    X(REOPENED, 2, "reopened")                                                                                         \
    X(ADJUSTED, 3, "adjusted")                                                                                         \
    X(PROPOSAL, 4, "proposal")                                                                                         \
    X(ERASED, 5, "erased") /* vouches for what an erasure changed before it: a row a place */

enum book_kind {
    BOOK_NONE = 0,
#define X(name, number, word) BOOK_##name = (number),
    BOOK_KINDS(X)
#undef X
};

#define BOOK_WORDS_MAX                                                                                                 \
    16 /* perks and actions of a tier, moves of a month: further ones are refused or left out, see there */
#define BOOK_HEX_BYTES (DIGEST_SHA256_HEX - 1)

struct book_entry {
    int64_t number; /* from 1, without gaps */
    enum book_kind kind;
    int32_t month;
    int64_t version;                     /* of the month: 1, and one more with each reopening */
    struct str actor;                    /* who did it; "calendar" */
    struct str reason;                   /* absent: none was given */
    struct str decision;                 /* ADJUSTED, PROPOSAL: "accepted" or "rejected" */
    struct str proposal;                 /* PROPOSAL: what was proposed */
    struct str evidence[BOOK_WORDS_MAX]; /* ADJUSTED: subjects by which it came, the first so many of … */
    size_t evidence_n;
    int64_t evidence_all_n; /* … these */
    int64_t at_ms;
    int64_t as_of;     /* CLOSED, ADJUSTED: the figures are those of then */
    uint64_t last_seq; /* and of the journal up to this event */
    struct str rulebook, rulebook_sha256;
    int64_t pending_n; /* CLOSED: first contacts whose windows were open */
    int64_t bonus_fen; /* CLOSED: of all rows. ADJUSTED: the difference */
    int64_t rows_n;
    struct str rows_sha256; /* 64 hexadecimal digits, like all hashes here */
    struct str prev;
    struct str sha256; /* of the text; not in it */
};

struct book_kpi {
    struct str name;
    int64_t num, den, samples;
    int64_t value_micro; /* num / den rounded; only if den > 0 */
    int64_t weight_micro;
    int64_t score_milli; /* SCORE_NONE: no data */
};

struct book_move { /* the agent came to this team within the month */
    int32_t day;
    struct str team;
};

struct book_span { /* days of leave or training, both included */
    int32_t from, to;
};

/* An agent in a month. What payroll pays by. */
struct book_row {
    int64_t number;    /* from 1, by the bytes of the agents' ids */
    struct str person; /* 64 hexadecimal digits */
    /* identity; all absent once forgotten */
    struct str agent, name, employee_no, hired_on, left_on;
    struct str team; /* at the month's end */
    struct book_move moves[BOOK_WORDS_MAX];
    size_t moves_n;
    struct figures figures;
    struct shop_handled
        *shops;     /* of the month's handled conversations, leave or not; in the row's arena; see site_shops */
    size_t shops_n; /* 0: none was named, or the row is of before they were written down */
    struct book_kpi kpis[SCORE_KPIS_MAX];
    size_t kpis_n;
    int64_t total_milli; /* SCORE_NONE */
    struct str tier;     /* absent: not rated */
    int64_t bonus_fen;
    struct str perks[BOOK_WORDS_MAX];
    size_t perks_n;
    struct str actions[BOOK_WORDS_MAX];
    size_t actions_n;
    int64_t days; /* of the month; of these: */
    int64_t employed_days;
    int64_t exempt_days;                     /* of the employed ones; which: */
    struct book_span exempt[BOOK_WORDS_MAX]; /* the first so many; none in rows of before they were written down */
    size_t exempt_n;
    bool grace;                             /* a new hire's month: the rulebook lets it bring no harm */
    int64_t unqualified_months, top_months; /* running, this one included */
    int64_t decided; /* not in the text: the number of the adjustment that made it so; 0: none did */
};

/* As it stands on disk; of an entry or of a row. */
struct book_text {
    int64_t number;
    struct str salt;     /* rows: 32 hexadecimal digits; absent: forgotten */
    struct str identity; /* rows: JSON; absent: forgotten */
    struct str text;
    struct str sha256;
};

#define BOOK_TAKEN_AWAY INT32_MAX /* before its month began: it never held */

/* A rulebook that is or was in force, or was to be: under one name it never changes. */
struct book_rulebook {
    struct str name, sha256;
    int32_t month;   /* from which it holds; INT32_MIN: since ever; or BOOK_TAKEN_AWAY */
    int64_t at_ms;   /* when it was adopted */
    struct str text; /* its file's bytes, which are read over seed's */
};

struct memory_row;
/* What a commit adds to the book: one entry (number 0: none) and its rows, and rulebooks. Borrowed until the commit is back. */
struct book_work {
    const struct book_rulebook *adopted;
    size_t adopted_n;
    const struct memory_row *late; /* what changed closed months (model/commit.h) */
    size_t late_n;
    struct book_text entry;
    enum book_kind kind;
    int32_t month;
    const struct book_text *rows;
    size_t rows_n;
};

struct str book_kind_word(enum book_kind kind); /* "" for BOOK_NONE */

/* Canonical texts, appended. The entry is printed with what it holds, but sha256. */
void book_print_entry(struct buf *out, const struct book_entry *e);
void book_print_row(struct buf *out, const struct book_row *r);
/* The members of a row from "team" on, each with a comma before it; money only with `pay`. */
void book_print_members(struct buf *out, const struct book_row *r, bool pay);
void book_print_identity(struct buf *out, const struct book_row *r);
/* "person" of a salt and an identity. */
void book_person(char out[DIGEST_SHA256_HEX], struct str salt, struct str identity);
/* SHA-256 over the texts of rows, each with a line feed behind it. */
void book_rows_sha256(char out[DIGEST_SHA256_HEX], const struct book_text *rows, size_t n);

/* Back from the texts; strings live in the arena. -1 with e: no such text (another version, or damaged). */
int book_read_entry(const struct book_text *t, struct arena *arena, struct book_entry *out, struct err *e);
int book_read_row(const struct book_text *t, struct arena *arena, struct book_row *out, struct err *e);

#endif
