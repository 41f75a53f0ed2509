/* Keeps true: each wish is granted once, by a round that began after it. */
#include "kefu/daemon/wishes.h"

#include <stdlib.h>

#include "kefu/base/mem.h"

void wishes_fini(struct wishes *w)
{
    free(w->list);
    *w = (struct wishes){0};
}

void wishes_add(struct wishes *w, void (*done)(void *arg), void *arg)
{
    xgrow(&w->list, &w->cap, w->n + 1, sizeof(*w->list));
    w->list[w->n++] = (struct wish){.done = done, .arg = arg};
}

void wishes_drop(struct wishes *w, const void *arg)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->list[i].arg == arg) {
            w->list[i--] = w->list[--w->n];
        }
    }
}

void wishes_cut(struct wishes *w)
{
    for (size_t i = 0; i < w->n; i++) {
        w->list[i].cut = true;
    }
}

void wishes_grant(struct wishes *w)
{
    size_t kept_n = 0;
    for (size_t i = 0; i < w->n; i++) {
        struct wish is = w->list[i];
        if (!is.cut) {
            w->list[kept_n++] = is;
            continue;
        }
        is.done(is.arg);
    }
    w->n = kept_n;
}
