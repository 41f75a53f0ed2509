/* Allocation that never returns NULL.
 *
 * It keeps true that a caller need not ask: without memory the process ends with one log line and exit status 70.
 * It refuses sizes whose product overflows, which is the same end. */
#include "kefu/base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "kefu/base/log.h"

static _Noreturn void no_memory(size_t count, size_t n)
{
    log_line(LOG_LEVEL_ERROR, "no_memory", "count=%zu size=%zu", count, n);
    _exit(EX_SOFTWARE); /* no handlers: they might want memory */
}

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p)
        no_memory(1, n);
    return p;
}

void *xcalloc(size_t count, size_t n)
{
    void *p = count && n ? calloc(count, n) : calloc(1, 1);
    if (!p)
        no_memory(count, n);
    return p;
}

void *xrealloc(void *p, size_t n)
{
    void *q = realloc(p, n ? n : 1);
    if (!q)
        no_memory(1, n);
    return q;
}

char *xstrndup(const char *p, size_t n)
{
    n = strnlen(p, n);
    char *q = xmalloc(n + 1);
    memcpy(q, p, n);
    q[n] = '\0';
    return q;
}

void xgrow(void *p_to_pointer, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return;
    size_t bytes;
    size_t want = *cap > SIZE_MAX - *cap / 2 ? need : *cap + *cap / 2;
    if (want < need)
        want = need;
    if (want < 4)
        want = 4;
    if (__builtin_mul_overflow(want, size, &bytes))
        no_memory(want, size);
    void *p;
    memcpy(&p, p_to_pointer, sizeof p); /* the caller's pointer has a type of its own */
    p = xrealloc(p, bytes);
    memcpy(p_to_pointer, &p, sizeof p);
    *cap = want;
}
