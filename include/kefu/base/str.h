/* A borrowed piece of bytes, the one shape in which text travels inside kefud.
 *
 * A `struct str` never owns: it points into a request, an arena, an intern table. It need not end in
 * a zero byte; an absent string has n = 0 (p may then be NULL). Comparison is by unsigned bytes, which
 * for UTF-8 is the order of code points, the order SPEC.md asks of ids. */
#ifndef KEFU_BASE_STR_H
#define KEFU_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* borrowed */
    size_t n;      /* bytes */
};

/* printf arguments for a str: printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""
/* A str of a string literal. */
#define STR_LIT(lit) ((struct str){(lit), sizeof(lit) - 1})

/* A str over a zero-terminated string (NULL gives the absent string). */
static inline struct str str_of(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Less than, equal, greater than zero, by unsigned bytes; a prefix comes first. */
static inline int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

#endif
