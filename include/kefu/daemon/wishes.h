/* Who waits for a whole checkpoint (daemon/checkpoint.h): one that was cut after they asked. */
#ifndef KEFU_DAEMON_WISHES_H
#define KEFU_DAEMON_WISHES_H

#include <stdbool.h>
#include <stddef.h>

struct wish {
    void (*done)(void *arg);
    void *arg; /* borrowed; names the wish */
    bool cut;  /* the cut that it waits for was made */
};

struct wishes {        /* zeroed: none */
    struct wish *list; /* owned */
    size_t n, cap;
};

void wishes_fini(struct wishes *w);
void wishes_add(struct wishes *w, void (*done)(void *arg), void *arg);
void wishes_drop(struct wishes *w, const void *arg); /* done will not be called */
void wishes_cut(struct wishes *w);                   /* a cut is made */
void wishes_grant(struct wishes *w);                 /* the round of the last cut has ended: calls them */

#endif
