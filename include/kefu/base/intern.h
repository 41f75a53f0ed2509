/* Names as small numbers: each distinct string gets the next number from 1; 0 is the absent string.
 *
 * Numbers live as long as the table and mean nothing outside this process. A string has at most 65,535 bytes. */
#ifndef KEFU_BASE_INTERN_H
#define KEFU_BASE_INTERN_H

#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/table.h"

struct intern {
    struct table table;
    struct arena bytes;
    const char **names; /* owned; each two bytes of length and the bytes; names[0] is absent */
    size_t n;           /* numbers given, 0 included once used */
    size_t cap;
    uint64_t seed;
};

void intern_init(struct intern *t, uint64_t seed);
void intern_fini(struct intern *t);
uint32_t intern_put(struct intern *t, struct str s); /* the number of s, a new one if need be; absent: 0 */
bool intern_is(const struct intern *t, uint32_t number,
               struct str s);                                    /* is that its number? Any number may be asked. */
uint32_t intern_find(const struct intern *t, struct str s);      /* 0 if absent or never put */
struct str intern_name(const struct intern *t, uint32_t number); /* borrows until fini; {"",0} for 0 */
static inline uint32_t intern_count(const struct intern *t)      /* numbers are 1 … count */
{
    return t->n ? (uint32_t)(t->n - 1) : 0;
}

#endif
