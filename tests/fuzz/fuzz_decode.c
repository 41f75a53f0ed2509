/* Any bytes at the door, by all three ways in: no crash, each input counted once, an accepted event is what it says.
 *
 * The first byte chooses the way (as 0, 1, 2: one, a body, lines), the rest are the bytes. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/json_scan.h"
#include "kefu/collectors/decode.h"

#define S(lit)                                                                                                         \
    {                                                                                                                  \
        lit, sizeof(lit) - 1                                                                                           \
    }
#define COUNT(a) (sizeof(a) / sizeof *(a))

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    digest_start();
    return 0;
}

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_event(const struct event *e)
{
    struct buf record = {0};
    struct buf json = {0};
    struct event back;
    event_encode(&record, e);
    struct cursor in = cursor_of(buf_str(&record));
    must(event_decode(&in, &back, NULL) == 0);
    must(event_same(e, &back) && e->flags == back.flags && in.p == in.end);
    event_print_json(&json, &back);
    must(json_check(buf_str(&json), JSON_DEPTH_MAX, NULL) == 0);
    buf_fini(&record);
    buf_fini(&json);
}

static void check_refusal(const struct refusal *r)
{
    struct buf json = {0};
    must(r->reason.n > 0 && (r->kind == REFUSAL_FUTURE) == (r->event != NULL));
    buf_put_json(&json, r->reason);
    must(json_check(buf_str(&json), 1, NULL) == 0);
    must(!memchr(r->reason.p, '\n', r->reason.n));
    if (r->event) {
        check_event(r->event);
    }
    buf_fini(&json);
}

/* Each input is one event or one refusal; of lines, or nothing. */
static void check_batch(const struct batch *b, bool blanks_count)
{
    char *seen = calloc(b->inputs_n + 1, 1);
    must(seen != NULL);
    for (size_t i = 0; i < b->events_n; i++) {
        must(b->event_index[i] < b->inputs_n && !seen[b->event_index[i]]++);
        check_event(&b->events[i]);
    }
    for (size_t i = 0; i < b->refusals_n; i++) {
        must(b->refusals[i].index < b->inputs_n && !seen[b->refusals[i].index]++);
        check_refusal(&b->refusals[i]);
    }
    must(blanks_count || b->events_n + b->refusals_n == b->inputs_n);
    free(seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct str phrases[] = {S("谢谢"), S("thank you"), S("a")};
    static struct str particles[] = {S("啦"), S("b")};
    static const struct rulebook rules = {.closing_phrases = phrases,
                                          .closing_phrases_n = COUNT(phrases),
                                          .closing_particles = particles,
                                          .closing_particles_n = COUNT(particles),
                                          .placeholder_phrases = phrases,
                                          .placeholder_phrases_n = 1};
    static const uint8_t key[DIGEST_KEY_BYTES];
    struct decode_context c = {
        .now_ms = 1772409600000, .rulebook = &rules, .customer_key = key, .default_source = STR_LIT("default")};
    if (n == 0) {
        return 0;
    }
    struct str bytes = {(const char *)data + 1, n - 1};
    struct batch *b = batch_new(STR_LIT("fuzz"), NULL, NULL);
    int way = data[0] % 3;
    if (way == 0) {
        decode_one(b, bytes, &c);
        must(b->inputs_n == 1);
    } else if (way == 1) {
        decode_body(b, bytes, &c);
    } else {
        must(decode_lines(b, bytes, &c) <= bytes.n);
    }
    check_batch(b, way == 2);
    batch_free(b);
    return 0;
}
