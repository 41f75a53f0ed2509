/* One line on a terminal, painted over itself. Keeps true: never seen in a file or a pipe. */
#include "kefu/ctl/bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define PAINT_EVERY_MS 200

void bar_init(struct bar *b)
{
    *b = (struct bar){.shown = isatty(STDERR_FILENO) == 1, .clock = clock_real()};
}

void bar_paint(struct bar *b, const char *what, uint64_t done_n, uint64_t all_n)
{
    if (!b->shown || clock_mono_ms(&b->clock) < b->next_mono_ms)
        return;
    b->next_mono_ms = clock_mono_ms(&b->clock) + PAINT_EVERY_MS;
    fprintf(stderr, "\r\033[K%s", what);
    if (all_n)
        fprintf(stderr, "  %" PRIu64 " of %" PRIu64 "  %3" PRIu64 " %%", done_n, all_n,
                (uint64_t)((unsigned __int128)done_n * 100 / all_n));
    fflush(stderr);
}

void bar_clear(struct bar *b)
{
    if (b->shown)
        fputs("\r\033[K", stderr);
}
