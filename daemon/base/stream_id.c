/* Ids of streams as numbers and as text. Keeps true: what is read whole is written back the same, but for leading zeros. It
 * refuses signs, blanks, numbers over 64 bits and anything behind them. */
#include "kefu/base/stream_id.h"

#include <inttypes.h>
#include <stdio.h>

/* Digits of s from *at on; false: none, or too large. */
static bool read_part(struct str s, size_t *at, uint64_t *out)
{
    size_t begin = *at;
    uint64_t v = 0;
    for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(s.p[*at] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return *at > begin;
}

bool stream_id_read(struct str text, struct stream_id *out)
{
    size_t at = 0;
    struct stream_id id;
    *out = (struct stream_id){0};
    if (!read_part(text, &at, &id.ms) || at >= text.n || text.p[at++] != '-' || !read_part(text, &at, &id.n) ||
        at != text.n)
        return false;
    *out = id;
    return true;
}

struct str stream_id_print(char out[STREAM_ID_BYTES], struct stream_id id)
{
    int n = snprintf(out, STREAM_ID_BYTES, "%" PRIu64 "-%" PRIu64, id.ms, id.n);
    return (struct str){out, (size_t)n};
}

int stream_id_cmp(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return a.ms < b.ms ? -1 : 1;
    return (a.n > b.n) - (a.n < b.n);
}
