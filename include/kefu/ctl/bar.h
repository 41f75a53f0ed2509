/* How far a long command has come, on a terminal's standard error: one line that is painted again and again. Where standard
 * error is no terminal, nothing. */
#ifndef KEFU_CTL_BAR_H
#define KEFU_CTL_BAR_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/clock.h"

struct bar {
    bool shown; /* standard error is a terminal */
    struct clock clock;
    int64_t next_mono_ms;
};

void bar_init(struct bar *b);
/* At most some times a second; `what` names what is counted; of all_n 0 it alone is shown. */
void bar_paint(struct bar *b, const char *what, uint64_t done_n, uint64_t all_n);
/* Before anything else is written to the terminal. */
void bar_clear(struct bar *b);

#endif
