/* One printer for all ways in, so that a refusal reads the same everywhere. */
#include "kefu/collectors/answer.h"

#include <inttypes.h>

size_t answer_count(const struct batch *b, enum verdict v)
{
    size_t n = 0;
    for (size_t i = 0; i < b->events_n; i++) {
        n += b->verdicts[i] == v;
    }
    return n;
}

static void print_refusal(struct buf *out, const struct refusal *r, const char *place, uint64_t first)
{
    buf_printf(out, "{\"%s\": %" PRIu64 ", \"id\": ", place, first + r->index);
    if (r->id.n) {
        buf_put_json(out, r->id);
    } else {
        buf_put_str(out, STR_LIT("null"));
    }
    buf_put_str(out, STR_LIT(", \"reason\": "));
    buf_put_json(out, r->reason);
    buf_put_byte(out, '}');
}

void answer_print(struct buf *out, const struct batch *b, const char *place, uint64_t first)
{
    buf_printf(out, "\"accepted\": %zu, \"duplicate\": %zu, \"rejected\": [", answer_count(b, VERDICT_ACCEPTED),
               answer_count(b, VERDICT_DUPLICATE));
    for (size_t i = 0; i < b->refusals_n; i++) {
        buf_put_str(out, i ? STR_LIT(", ") : STR_LIT(""));
        print_refusal(out, &b->refusals[i], place, first);
    }
    buf_put_byte(out, ']');
}
