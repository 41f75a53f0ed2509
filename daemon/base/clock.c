/* The machine's clocks, in whole units. The one place that asks the system for the time; the loop alone calls it. */
#include "kefu/base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    (void)clock_gettime(id, &t); /* cannot fail for these two clocks */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t wall_ms(void *arg)
{
    (void)arg;
    return read_us(CLOCK_REALTIME) / 1000;
}

static int64_t mono_ms(void *arg)
{
    (void)arg;
    return read_us(CLOCK_MONOTONIC) / 1000;
}

static int64_t work_us(void *arg)
{
    (void)arg;
    return read_us(CLOCK_MONOTONIC);
}

struct clock clock_real(void)
{
    return (struct clock){wall_ms, mono_ms, NULL, work_us};
}
