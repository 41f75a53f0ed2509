/* Where time comes from. Only the loop reads a clock; everything below is told the time.
 *
 * Wall time (at_ms: milliseconds since 1970 UTC) stamps and judges figures; monotonic time (mono_ms) runs
 * timers and rate limits. They are never mixed. Tests pass a clock of their own.
 *
 * Work time (work_us) bounds how long one goes on with what can be left off; a clock without it stands still meanwhile, so
 * that what a test's clock drives does the same at any speed of the machine. */
#ifndef KEFU_BASE_CLOCK_H
#define KEFU_BASE_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(void *arg);
    int64_t (*mono_ms)(void *arg);
    void *arg;                     /* borrowed */
    int64_t (*work_us)(void *arg); /* NULL: no time passes while work is done */
};

/* The machine's clocks. */
struct clock clock_real(void);

static inline int64_t clock_wall_ms(const struct clock *c)
{
    return c->wall_ms(c->arg);
}

static inline int64_t clock_mono_ms(const struct clock *c)
{
    return c->mono_ms(c->arg);
}

/* Microseconds, from any instant on. */
static inline int64_t clock_work_us(const struct clock *c)
{
    return c->work_us ? c->work_us(c->arg) : 0;
}

#endif
