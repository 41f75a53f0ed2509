/* Which conversations and orders changed an agent's figures of a closed month since an entry of the book: the evidence of an adjustment. */
#ifndef KEFU_DAEMON_MONTH_LATE_H
#define KEFU_DAEMON_MONTH_LATE_H

#include "kefu/daemon/months.h"

struct month_late_question {
    int32_t month;
    struct str agent;
    const struct book_entry *since; /* what it knew is no evidence of what comes now */
};
struct month_evidence {
    struct str words[BOOK_WORDS_MAX]; /* each: a kind and an id, as two JSON strings with a comma between */
    size_t n;
    int64_t all_n; /* so many there are */
};
/* Strings in the arena. -1 with e: damaged. */
int month_evidence(const struct months *m, const struct month_late_question *q, struct arena *arena,
                   struct month_evidence *out, struct err *e);

#endif
