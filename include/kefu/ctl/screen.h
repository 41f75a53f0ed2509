/* A terminal as a page that is painted whole: its own screen beside what was there, no echo, no cursor; given back as it was by
 * screen_leave, also when the process ends by a signal that it catches. */
#ifndef KEFU_CTL_SCREEN_H
#define KEFU_CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "kefu/base/str.h"

struct screen {
    struct termios before;
    bool entered;
};

/* Both ends are terminals. */
bool screen_is_there(void);
void screen_enter(struct screen *s);
void screen_leave(struct screen *s);
/* Its size now; 24 lines of 80 columns if it does not say. */
void screen_size(size_t *lines_n, size_t *columns_n);
/* Paints lines of text from the top, each cut to the width, the rest empty. Texts hold no control characters but line feeds
 * and our own "\033[…m", which take no room. */
void screen_paint(struct str text);
/* The longest beginning of a line that takes at most so many columns, as screen_paint cuts it. */
struct str screen_cut(struct str line, size_t columns_n);

#endif
