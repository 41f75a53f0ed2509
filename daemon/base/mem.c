/* Allocation that never returns NULL.
 *
 * It keeps true that a caller need not ask: without memory the process ends with one log line and exit status 70.
 * It refuses sizes whose product overflows, which is the same end. */
#include "kefu/base/mem.h"

#include <limits.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#include "kefu/base/log.h"

static _Noreturn void no_memory(size_t count, size_t n)
{
    log_line(LOG_LEVEL_ERROR, "no_memory", "count=%zu size=%zu", count, n);
    _exit(EX_SOFTWARE); /* no handlers: they might want memory */
}

#define PAGE_BYTES   ((uintptr_t)4096)
#define MAPPINGS_MAX 65536      /* the allocator's own default */
#define TRIM_BYTES   (64 << 20) /* the most to which its own would rise */
#define AHEAD_BYTES  ((size_t)32 << 20)

enum { AHEAD_FROM_BYTES = 16 << 20 };

/* Asks for large pages behind a large block, from its first to its last page: to touch it first, and to look up addresses in
 * it, is then many times cheaper. A kernel that has none to give says so, and nothing is lost. */
static void *of_large_pages(void *p, size_t n)
{
    if (n >= MEM_LARGE_BYTES) {
        uintptr_t from = ((uintptr_t)p + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
        uintptr_t to = ((uintptr_t)p + n + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
    }
    return p;
}

/* A large block begins where a large page does: a block of two that lay anywhere would have one, and 512 small ones. (Not by
 * aligned_alloc: sanitizers take whole multiples there alone.) */
void *xmalloc(size_t n)
{
    void *p = NULL;
    if (n < MEM_LARGE_BYTES)
        p = malloc(n ? n : 1);
    else if (posix_memalign(&p, MEM_LARGE_BYTES, n))
        p = NULL;
    if (!p)
        no_memory(1, n);
    return of_large_pages(p, n);
}

void *xcalloc_by_pages(size_t count, size_t n)
{
    void *p = count && n ? calloc(count, n) : calloc(1, 1);
    if (!p)
        no_memory(count, n);
    return p;
}

void *xcalloc(size_t count, size_t n)
{
    return of_large_pages(xcalloc_by_pages(count, n), count * n);
}

void xlarge(void *p, size_t n)
{
    (void)of_large_pages(p, n);
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

/* A large block moves as a whole: a realloc would leave it on small pages. */
static void *moved(void *p, size_t n, size_t bytes)
{
    void *q = xmalloc(bytes);
    if (n)
        memcpy(q, p, n);
    free(p);
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
    p = bytes < MEM_LARGE_BYTES ? xrealloc(p, bytes) : moved(p, *cap * size, bytes);
    memcpy(p_to_pointer, &p, sizeof p);
    *cap = want;
}

void *mem_map(size_t n)
{
    size_t all_n = n + MEM_LARGE_BYTES; /* somewhere in it a large page begins */
    char *all = mmap(NULL, all_n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        no_memory(1, n);
    size_t before_n = (MEM_LARGE_BYTES - (uintptr_t)all % MEM_LARGE_BYTES) % MEM_LARGE_BYTES;
    char *p = all + before_n;
    if (before_n)
        (void)munmap(all, before_n);
    (void)munmap(p + n, all_n - before_n - n);
    return of_large_pages(p, n);
}

void mem_unmap(void *p, size_t n)
{
    (void)munmap(p, n);
}

/* The allocator's heap grows by it in one piece, and keeps it when it is given back. A mapping of its own for each large block
 * would not do: the allocator writes into its first page before anybody can ask for a large one there. */
static void extend_heap(size_t bytes)
{
    (void)mallopt(M_MMAP_MAX, 0);
    void *heap = malloc(bytes);
    if (heap)
        (void)of_large_pages(heap, bytes);
    free(heap);
}

void mem_expect(size_t bytes)
{
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    extend_heap(bytes);
}

void mem_settle(void)
{
    (void)mallopt(M_MMAP_MAX, MAPPINGS_MAX);
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
}

void mem_ahead(struct mem_ahead *a)
{
    char *now = sbrk(0);
    a->first = a->first ? a->first : now;
    if (now == a->end || now - a->first < AHEAD_FROM_BYTES)
        return;
    extend_heap(AHEAD_BYTES);
    (void)mallopt(M_MMAP_MAX, MAPPINGS_MAX);
    a->end = sbrk(0);
}
