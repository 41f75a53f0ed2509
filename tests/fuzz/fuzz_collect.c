/* Any bytes as a payload of any platform: no crash, nothing dropped in silence, and what becomes an event is one for the door
 * or refused there with a reason. The first byte chooses the platform, the second the query. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/collectors/platforms.h"
#include "kefu/collectors/puller.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void decode(const struct turned *out)
{
    static const uint8_t no_key[DIGEST_KEY_BYTES];
    static const struct rulebook rules;
    struct decode_context c = {
        .now_ms = INT64_MAX, .rulebook = &rules, .customer_key = no_key, .default_source = STR_LIT("x")};
    struct batch *b = batch_new(STR_LIT("fuzz"), NULL, NULL);
    turned_decode(out, b, &c);
    must(b->events_n + b->refusals_n == turned_count(out, TURNED_EVENT) + turned_count(out, TURNED_REFUSED));
    for (size_t i = 0; i < b->events_n; i++) {
        must(str_eq(b->events[i].source, STR_LIT("x")));
    }
    batch_free(b);
}

/* An answer to what was asked; whatever it is, the machine asks on or rests. */
static void pull(const struct collector *c, struct str body)
{
    const struct puller *p = c->platform->puller;
    struct turned out;
    struct pull_ask ask = {0};
    struct err why;
    int64_t due_ms;
    void *machine = p->start(c, (struct str){NULL, 0}, 1000);
    for (int i = 0; i < 3 && p->next(machine, 1000, &ask, &due_ms); i++) {
        struct pull_got got = {.out = &out};
        turned_init(&out, c->name, NULL);
        struct str text = i == 0 && strcmp(c->platform->name, "wecom") == 0
                              ? STR_LIT("{\"errcode\":0,\"access_token\":\"a\"}")
                              : body;
        if (p->take(machine, &(struct fetch_answer){.status = 200, .body = text}, &got, &why) == 0) {
            decode(&out);
            p->stored(machine, 1000);
        }
        turned_fini(&out);
        buf_fini(&got.position);
        ask.url.n = ask.header.n = ask.body.n = 0;
    }
    p->end(machine);
    buf_fini(&ask.url);
    buf_fini(&ask.header);
    buf_fini(&ask.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const queries[] = {"eventType=MSG", "eventType=SESSION_START&time=1772442046",
                                          "eventType=SESSION_END&time=1772442046", "eventType=%45VA_INVITATION&time=%",
                                          ""};
    static struct sign *sign;
    struct turned out;
    struct err why;
    sign = sign ? sign : sign_new(&why);
    if (n < 2 || !sign) {
        return 0;
    }
    struct collector c = {.platform = platforms[data[0] % platforms_n],
                          .name = STR_LIT("x"),
                          .account = STR_LIT("wx1"),
                          .secret = STR_LIT("s"),
                          .key = STR_LIT("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"),
                          .token = STR_LIT("t"),
                          .url = STR_LIT("https://a.example"),
                          .is_signed = true};
    struct delivery d = {NULL, str_of(queries[data[1] % 5]), {(const char *)data + 2, n - 2}, 1000};
    turned_init(&out, c.name, NULL);
    must(c.platform->check(&c, &d, sign, &why) < 0); /* nobody signs by chance */
    c.platform->take(&c, &d, sign, &out);
    must(out.n > 0 || out.ring.p);
    decode(&out);
    turned_fini(&out);
    if (c.platform->puller) {
        pull(&c, d.body);
    }
    return 0;
}
