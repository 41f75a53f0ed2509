/* The figures of an agent in a period: sums and counts, never averages (SPEC.md, promise 3).
 *
 * The list of figures stands here once; adding, subtracting, printing and comparing are loops over it. */
#ifndef KEFU_MODEL_FIGURES_H
#define KEFU_MODEL_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"

/* In the order of SPEC.md's report. Times are milliseconds, ratings milli-stars of five, money fen. */
#define FIGURES(X)                                                                                                     \
    X(answered)     /* waits ended by this agent's answer */                                                           \
    X(within)       /* of these, within the response target */                                                         \
    X(missed)       /* waits held to the target or beyond and not answered */                                          \
    X(response_sum) /* ms over answered */                                                                             \
    X(first_n)      /* answers that were the episode's first human message */                                          \
    X(first_sum)    /* ms over first_n */                                                                              \
    X(first_within)                                                                                                    \
    X(handled) /* counted episodes owned */                                                                            \
    X(resolved)                                                                                                        \
    X(resolved_within)                                                                                                 \
    X(fcr_pass)                                                                                                        \
    X(fcr_fail)                                                                                                        \
    X(fcr_pending)                                                                                                     \
    X(resolve_sum) /* ms over resolved episodes with a human message */                                                \
    X(rating_n)                                                                                                        \
    X(rating_sum) /* milli-stars */                                                                                    \
    X(rating_good)                                                                                                     \
    X(cross) /* cross-sell orders that count */                                                                        \
    X(cross_fen)

struct figures {
#define X(name) int64_t name;
    FIGURES(X)
#undef X
};

/* into += sign × from; sign is 1 or -1. */
static inline void figures_add(struct figures *into, const struct figures *from, int64_t sign)
{
#define X(name) into->name += sign * from->name;
    FIGURES(X)
#undef X
}

/* Of an agent's handled conversations those of a shop. */
struct shop_handled {
    struct str shop; /* "": none was named */
    int64_t handled;
};

static inline bool figures_any(const struct figures *f)
{
    int64_t any = 0;
#define X(name) any |= f->name;
    FIGURES(X)
#undef X
    return any != 0;
}

#endif
