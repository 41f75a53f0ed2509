/* Memory that is there, or an end with a reason.
 *
 * kefud does not limp on without memory: what cannot be allocated ends the process with a log line and
 * exit status 70 (EX_SOFTWARE); the journal makes that safe. Tests may make the Nth allocation fail. */
#ifndef KEFU_BASE_MEM_H
#define KEFU_BASE_MEM_H

#include <stddef.h>

/* As malloc, calloc, realloc, strndup: never NULL. Freed with free(). n = 0 gives a freeable pointer. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t n);
/* Zeroed, on pages that come one by one as they are touched, for what is filled a piece at a time; xlarge asks for large ones
 * behind it then. */
void *xcalloc_by_pages(size_t count, size_t n);
void xlarge(void *p, size_t n);
void *xrealloc(void *p, size_t n);
char *xstrndup(const char *p, size_t n);

/* Makes room for at least `need` elements of `size` bytes in *p, whose capacity *cap (in elements) grows by
 * half as much again, at least to 4. Keeps what is there. */
void xgrow(void *p_to_pointer, size_t *cap, size_t need, size_t size);

/* n bytes of zeros on large pages from the first to the last, n being a multiple of 2 MiB (MEM_LARGE_BYTES). The allocator would
 * write into the pages at their ends first, and small ones they stay. Given back by mem_unmap with the same n. */
#define MEM_LARGE_BYTES ((size_t)2 << 20)
void *mem_map(size_t n);
void mem_unmap(void *p, size_t n);

/* About so much is going to be asked for: large pages are put behind it, so that to touch it first costs a hundredth. Nothing
 * is taken that is not asked for. Until mem_settle no memory goes back to the system; neither twice without the other. */
void mem_expect(size_t bytes);
void mem_settle(void);

/* Asked once a turn: has the heap grown, and by much since the first turn, then large pages are put behind what it will grow into
 * next. Nothing is taken that is not asked for; a heap that stays small is left alone. */
struct mem_ahead { /* zeroed before the first turn */
    char *first, *end;
};
void mem_ahead(struct mem_ahead *a);

#endif
