/* P6: what open conversations weigh. memory CONVERSATIONS
 *
 * Every conversation is opened, assigned to one of 300 agents and has 12 messages, the customer's and the agent's in turn.
 * A few thousand run side by side, as in a busy shop, so that their lists grow between one another. None is resolved. The
 * weight is the growth of this process's resident set, all indexes of the site and all loss in the allocator included. */
#include <inttypes.h>
#include <stdio.h>

#include "support.h"

#define AGENTS_N   300
#define MESSAGES_N 12
#define BESIDE_N   4000 /* conversations side by side */
#define STEP_MS    5
#define START_MS   INT64_C(1772294400000)
#define CHUNK_N    ((size_t)1000) /* events decoded together */

struct shop {
    struct bench_site b;
    struct buf lines;
    size_t lines_n;
    uint64_t events_n;
    int64_t at_ms;
};

static void flush(struct shop *s)
{
    struct batch *batch = batch_new(STR_LIT("bench"), NULL, NULL);
    decode_lines(batch, buf_str(&s->lines), &s->b.decode);
    if (batch->events_n != s->lines_n)
        bench_die("%zu of %zu events were refused", s->lines_n - batch->events_n, s->lines_n);
    bench_site_fold(&s->b, batch->events, batch->events_n);
    batch_free(batch);
    s->lines.n = 0;
    s->lines_n = 0;
}

/* Begins a line with what all events of a conversation share; the caller ends it. */
static void begin(struct shop *s, const char *type, int64_t conversation)
{
    s->at_ms += STEP_MS;
    buf_printf(&s->lines,
               "{\"id\":\"%016" PRIx64 "\",\"source\":\"sim\",\"ts\":%" PRId64
               ",\"type\":\"%s\",\"conversation\":\"c%015" PRId64 "\"",
               s->events_n++, s->at_ms, type, conversation);
}

static void end(struct shop *s)
{
    buf_put_str(&s->lines, STR_LIT("}\n"));
    if (++s->lines_n == CHUNK_N)
        flush(s);
}

static void put_opening(struct shop *s, int64_t conversation)
{
    begin(s, "conversation.opened", conversation);
    buf_printf(&s->lines, ",\"customer\":\"u%015" PRId64 "\",\"shop\":\"s1\",\"channel\":\"taobao\"", conversation);
    end(s);
    begin(s, "conversation.assigned", conversation);
    buf_printf(&s->lines, ",\"agent\":\"a%015" PRId64 "\",\"by\":\"system\"", conversation % AGENTS_N);
    end(s);
}

static void put_message(struct shop *s, int64_t conversation, int i)
{
    begin(s, "message", conversation);
    if (i % 2 == 0)
        buf_printf(&s->lines, ",\"from\":\"customer\",\"customer\":\"u%015" PRId64 "\",\"text\":\"请问还有货吗\"",
                   conversation);
    else
        buf_printf(&s->lines, ",\"from\":\"agent\",\"agent\":\"a%015" PRId64 "\",\"text\":\"亲,有货的哦\"",
                   conversation % AGENTS_N);
    end(s);
}

static void fill(struct shop *s, int64_t from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        put_opening(s, from + i);
    for (int m = 0; m < MESSAGES_N; m++)
        for (int64_t i = 0; i < n; i++)
            put_message(s, from + i, m);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        bench_die("usage: memory CONVERSATIONS");
    struct shop s = {.at_ms = START_MS};
    int64_t all_n = bench_number(argv[1], 1);
    bench_site_init(&s.b);
    buf_reserve(&s.lines, CHUNK_N * 256);
    int64_t bytes = -bench_memory_bytes();
    for (int64_t i = 0; i < all_n; i += BESIDE_N)
        fill(&s, i, all_n - i < BESIDE_N ? all_n - i : BESIDE_N);
    flush(&s);
    bytes += bench_memory_bytes();
    struct site_counts c;
    site_counts(s.b.site, &c);
    printf("{\"bytes\":%" PRId64 ",\"messages\":%" PRId64 ",\"conversations\":%" PRIu64 ",\"open\":%" PRIu64 "}\n",
           bytes, all_n * MESSAGES_N, c.conversations_n, c.open_n);
    buf_fini(&s.lines);
    bench_site_fini(&s.b);
    return 0;
}
