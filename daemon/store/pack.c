/* zstd at its first level: of what was measured (docs/performance.md) the smallest that costs the writer less than the loop
 * costs a decoded event. It keeps true that the writer goes on without it: whatever zstd says no to is stored as it is. */
#include "kefu/store/pack.h"

#include <zstd.h>

#define LEVEL 1
/* Nothing so short becomes shorter; asking would only cost time. */
#define TRY_BYTES 96

void pack_fini(struct pack *p)
{
    ZSTD_freeCCtx(p->squeezer); /* NULL is nothing to free */
    ZSTD_freeDCtx(p->opener);
    *p = (struct pack){0};
}

bool pack_squeeze(struct pack *p, struct str s, struct buf *out)
{
    if (!p->squeezer)
        p->squeezer = ZSTD_createCCtx();
    if (!p->squeezer || s.n < TRY_BYTES)
        return false;
    buf_reserve(out, s.n);
    size_t n = ZSTD_compressCCtx(p->squeezer, out->p + out->n, s.n - 1, s.p, s.n, LEVEL);
    if (ZSTD_isError(n))
        return false;
    out->n += n;
    return true;
}

int pack_open(struct pack *p, struct str squeezed, size_t bytes, struct buf *out)
{
    out->n = 0;
    if (!p->opener)
        p->opener = ZSTD_createDCtx();
    if (!p->opener)
        return -1;
    buf_reserve(out, bytes);
    size_t n = ZSTD_decompressDCtx(p->opener, out->p, bytes, squeezed.p, squeezed.n);
    if (ZSTD_isError(n) || n != bytes)
        return -1;
    out->n = n;
    return 0;
}
