/* Chatwoot: signatures, words, and a life of two days that comes out the same whether it is told plainly or by webhooks that are
 * shuffled, repeated, late and lost. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kefu/base/mem.h"
#include "kefu/collectors/hook.h"
#include "kefu/collectors/platforms.h"
#include "support_chatwoot.h"

static const uint8_t key[16] = "0123456789abcde";

/* --- signatures --------------------------------------------------------------------------------------------------- */

static const struct collector signed_one = {.platform = &platform_chatwoot,
                                            .name = {"cw7", 3},
                                            .account = {"7", 1},
                                            .secret = {"cw_test_secret", 14},
                                            .is_signed = true};

#define BODY  "{\"event\":\"message_created\",\"id\":70002}"
#define STAMP "1772442046"
#define GOOD  "ac78c1a05f3eb4ce2e0f9c6c4ab80c9320f3cf37ff853f1fe4d06ed667a0e55d"

/* Checks a body with these headers at a time; they are parsed as they would come. */
static int check_at(const struct collector *c, struct str body, const char *stamp, const char *signature,
                    int64_t now_ms)
{
    static struct http_head head;
    char text[1024];
    struct err why;
    int n =
        snprintf(text, sizeof(text),
                 "POST /v1/hooks/cw7 HTTP/1.1\r\nHost: a\r\nX-Chatwoot-Timestamp: %s\r\nX-Chatwoot-Signature: %s\r\n"
                 "Content-Length: %zu\r\n\r\n",
                 stamp, signature, body.n);
    assert_int_equal(http_head_parse((struct str){text, (size_t)n}, &head), 0);
    struct delivery d = {&head, {NULL, 0}, body, now_ms};
    return c->platform->check(c, &d, NULL, &why);
}

static void a_good_signature_is_taken(void **state)
{
    (void)state;
    assert_int_equal(check_at(&signed_one, STR_LIT(BODY), STAMP, "sha256=" GOOD, INT64_C(1772442046000)), 0);
}

static void anything_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "sha256=",           GOOD, "sha1=" GOOD,
        "sha256=" GOOD "00", "",   "sha256=ac78c1a05f3eb4ce2e0f9c6c4ab80c9320f3cf37ff853f1fe4d06ed667a0e55z"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(check_at(&signed_one, STR_LIT(BODY), STAMP, wrong[i], INT64_C(1772442046000)), -1);
    }
}

static void a_stamp_three_hundred_seconds_off_is_the_last_that_is_taken(void **state)
{
    const int64_t at = INT64_C(1772442046000);
    (void)state;
    assert_int_equal(check_at(&signed_one, STR_LIT(BODY), STAMP, "sha256=" GOOD, at + 300000), 0);
    assert_int_equal(check_at(&signed_one, STR_LIT(BODY), STAMP, "sha256=" GOOD, at - 300000), 0);
    assert_int_equal(check_at(&signed_one, STR_LIT(BODY), STAMP, "sha256=" GOOD, at + 301000), -1);
    assert_int_equal(check_at(&signed_one, STR_LIT(BODY), STAMP, "sha256=" GOOD, at - 301000), -1);
}

static void no_single_bit_may_differ(void **state)
{
    struct support_random r = support_random();
    char body[] = BODY, signature[] = "sha256=" GOOD, stamp[] = STAMP;
    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint32_t at = support_below(&r, (uint32_t)(8 * (sizeof(BODY) - 1)));
        body[at / 8] = (char)(body[at / 8] ^ 1 << at % 8);
        assert_int_equal(
            check_at(&signed_one, (struct str){body, sizeof(BODY) - 1}, stamp, signature, INT64_C(1772442046000)), -1);
        body[at / 8] = (char)(body[at / 8] ^ 1 << at % 8);
    }
    for (size_t at = 0; at + 1 < sizeof(STAMP); at++) {
        stamp[at] = (char)(stamp[at] ^ 1);
        assert_int_equal(check_at(&signed_one, STR_LIT(BODY), stamp, signature, INT64_C(1772442046000)), -1);
        stamp[at] = (char)(stamp[at] ^ 1);
    }
}

static void an_old_installation_shows_the_secret_in_the_address(void **state)
{
    struct collector c = signed_one;
    struct err why;
    (void)state;
    c.is_signed = false;
    struct delivery d = {NULL, STR_LIT("a=b&key=cw_test%5Fsecret"), STR_LIT("{}"), 0};
    assert_int_equal(c.platform->check(&c, &d, NULL, &why), 0);
    d.query = STR_LIT("key=cw_test_secreT");
    assert_int_equal(c.platform->check(&c, &d, NULL, &why), -1);
    d.query = (struct str){NULL, 0};
    assert_int_equal(c.platform->check(&c, &d, NULL, &why), -1);
}

/* --- a life ------------------------------------------------------------------------------------------------------- */

struct scene {
    struct rulebook rulebook;
    struct rulebooks rulebooks;
    struct tz *tz;
    struct site *site;
    struct decode_context context;
    size_t refused_n;
    struct err why;
};

static void scene_open(struct scene *s)
{
    *s = (struct scene){.rulebook = support_rulebook()};
    s->rulebooks = (struct rulebooks){.list = {&s->rulebook}, .n = 1};
    s->tz = tz_load(STR_LIT("Asia/Shanghai"), &s->why);
    s->site = site_new(&(struct site_options){.tz = s->tz, .rulebooks = &s->rulebooks, .seed = 1});
    s->context = (struct decode_context){
        .now_ms = INT64_MAX, .rulebook = &s->rulebook, .customer_key = key, .default_source = STR_LIT("default")};
}

static void fold(struct scene *s, struct batch *b)
{
    for (size_t i = 0; i < b->refusals_n; i++) {
        print_error("refused: %.*s\n", STR_ARG(b->refusals[i].reason));
    }
    s->refused_n += b->refusals_n;
    for (size_t i = 0; i < b->events_n; i++) {
        site_fold(s->site, &b->events[i], T0);
    }
    batch_free(b);
}

/* All figures at the end (the first line counts events, which a life told twice has more of); closes the scene. */
static char *scene_close(struct scene *s, int64_t at_ms)
{
    while (site_advance(s->site, at_ms, 100000) <= at_ms) {
    }
    char *text = support_print_site(s->site), *figures = strchr(text, '\n');
    memmove(text, figures, strlen(figures) + 1);
    site_free(s->site);
    tz_free(s->tz);
    return text;
}

static void take(struct scene *s, struct str body)
{
    struct turned out;
    struct delivery d = {NULL, {NULL, 0}, body, 0};
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    turned_init(&out, signed_one.name, NULL);
    platform_chatwoot.take(&signed_one, &d, NULL, &out);
    turned_decode(&out, b, &s->context);
    fold(s, b);
    turned_fini(&out);
}

static char *told_plainly(const struct life *l, int64_t at_ms)
{
    struct scene s;
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    scene_open(&s);
    decode_lines(b, buf_str(&l->canonical), &s.context);
    fold(&s, b);
    assert_int_equal(s.refused_n, 0);
    return scene_close(&s, at_ms);
}

/* Each delivery up to three times, in any order. */
static void tell_shuffled(struct life *l, struct scene *s, bool (*is_lost)(struct life *l, const struct life_hook *h))
{
    size_t n = 0, *order = xcalloc(3 * l->hooks_n, sizeof(*order));
    for (size_t i = 0; i < l->hooks_n; i++) {
        uint32_t times = is_lost(l, &l->hooks[i]) ? 0 : 1 + support_below(&l->random, 3);
        for (; times > 0; times--) {
            order[n++] = i;
        }
    }
    for (size_t i = n; i > 1; i--) {
        size_t k = support_below(&l->random, (uint32_t)i), was = order[k];
        order[k] = order[i - 1];
        order[i - 1] = was;
    }
    for (size_t i = 0; i < n; i++) {
        take(s, l->hooks[order[i]].body);
    }
    free(order);
}

static bool lose_half_of_the_status_events(struct life *l, const struct life_hook *h)
{
    return h->twin && support_below(&l->random, 2);
}

static void two_days_come_out_the_same(void **state)
{
    struct life l = {.random = support_random()};
    struct scene s;
    (void)state;
    life_make(&l, 120);
    int64_t at_ms = l.end_ms + 3 * INT64_C(86400000);
    char *plain = told_plainly(&l, at_ms);
    scene_open(&s);
    tell_shuffled(&l, &s, lose_half_of_the_status_events);
    assert_int_equal(s.refused_n, 0);
    char *hooked = scene_close(&s, at_ms);
    assert_true(strlen(plain) > 500);
    assert_string_equal(hooked, plain);
    free(plain);
    free(hooked);
    life_fini(&l);
}

/* --- asked for what was lost -------------------------------------------------------------------------------------- */

static bool lose_whole_messages(struct life *l, const struct life_hook *h)
{
    return lose_half_of_the_status_events(l, h) ||
           (h->kind == LIFE_MESSAGE && h->whole && support_below(&l->random, 2));
}

static const struct collector asking_one = {.platform = &platform_chatwoot,
                                            .name = {"cw7", 3},
                                            .account = {"7", 1},
                                            .url = {"https://chat.example.com", 24},
                                            .token = {"t", 1},
                                            .ask_every_s = 600};

/* Whoever comes last is written to: from the last page to the first, while the pages are walked. */
static void come_forward(struct life *l, int64_t now_ms)
{
    struct life_talk *last = NULL;
    for (size_t i = 0; i < l->talks_n; i++) {
        struct life_talk *t = &l->talks[i];
        if (t->messages_n && t->messages_n < 64 &&
            (!last || t->messages[t->messages_n - 1].ts_ms < last->messages[last->messages_n - 1].ts_ms)) {
            last = t;
        }
    }
    last->messages[last->messages_n++] = (struct life_message){
        .id = l->next_message++, .ts_ms = now_ms, .type = 1, .sender = 1, .sender_id = 33, .private = true};
}

/* Turns the machine until it rests; fails some questions, and has no room for what some others brought, once each: what was not
 * made durable is asked for again. Returns how many it asked. */
static int sweep(struct life *l, struct scene *s, void *machine, int64_t now_ms, struct buf *position)
{
    struct pull_ask ask = {0};
    int64_t due_ms;
    int asked_n = 0;
    while (puller_chatwoot.next(machine, now_ms, &ask, &due_ms)) {
        struct buf body = {0};
        struct turned out;
        struct pull_got got = {.out = &out};
        struct err why;
        struct str host = STR_LIT("https://chat.example.com");
        assert_memory_equal(ask.url.p, host.p, host.n);
        assert_string_equal(ask.header_name, "api_access_token");
        int status = life_answer(l, (struct str){ask.url.p + host.n, ask.url.n - host.n}, &body);
        if (memmem(ask.url.p, ask.url.n, "&page=", 6)) {
            come_forward(l, now_ms);
        }
        bool fails = ++asked_n % 7 == 0, full = !fails && asked_n % 5 == 0;
        turned_init(&out, signed_one.name, NULL);
        int taken = puller_chatwoot.take(
            machine, &(struct fetch_answer){.status = fails ? 500 : status, .body = buf_str(&body)}, &got, &why);
        assert_int_equal(taken, fails ? -1 : 0);
        if (!fails && !full) {
            struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
            turned_decode(&out, b, &s->context);
            fold(s, b);
            puller_chatwoot.stored(machine, now_ms);
        }
        if (got.position.n && !full) {
            position->n = 0;
            buf_put_str(position, buf_str(&got.position));
        }
        turned_fini(&out);
        buf_fini(&got.position);
        buf_fini(&body);
        ask.url.n = ask.header.n = ask.body.n = 0;
        assert_true(asked_n < 2000);
    }
    assert_int_equal(due_ms, now_ms + 600000);
    buf_fini(&ask.url);
    buf_fini(&ask.header);
    buf_fini(&ask.body);
    return asked_n;
}

static void what_webhooks_lost_is_asked_for(void **state)
{
    struct life l = {.random = support_random()};
    struct scene s;
    struct buf position = {0};
    (void)state;
    life_make(&l, 120);
    int64_t at_ms = l.end_ms + 3 * INT64_C(86400000);
    char since[24];
    snprintf(since, sizeof(since), "%lld", (long long)l.start_ms);
    char *plain = told_plainly(&l, at_ms);
    scene_open(&s);
    tell_shuffled(&l, &s, lose_whole_messages);
    void *machine = puller_chatwoot.start(&asking_one, str_of(since), l.end_ms + 120000);
    assert_true(sweep(&l, &s, machine, l.end_ms + 120000, &position) > 120);
    assert_true(position.n > 0);
    int again_n = sweep(&l, &s, machine, l.end_ms + 120000 + 600000, &position);
    assert_true(again_n < 20); /* only what was active of late is looked at again */
    puller_chatwoot.end(machine);
    char *hooked = scene_close(&s, at_ms);
    assert_string_equal(hooked, plain);
    free(plain);
    free(hooked);
    buf_fini(&position);
    life_fini(&l);
}

/* One answer of a small Chatwoot: conversation 7 is active, and its messages cannot be had while it is broken. */
struct small {
    void *machine;
    struct buf position;
    char trouble[160];
    bool broken;
    int asked_n, failed_n, gaps_n, ratings_n;
};

static bool small_step(struct small *m, int64_t now_ms, struct scene *s)
{
    struct pull_ask ask = {0};
    struct turned out;
    struct pull_got got = {.out = &out};
    struct err why;
    int64_t due_ms;
    char text[600];
    if (!puller_chatwoot.next(m->machine, now_ms, &ask, &due_ms)) {
        return false;
    }
    bool talk = memmem(ask.url.p, ask.url.n, "/7/messages", 11);
    const char *page = memmem(ask.url.p, ask.url.n, "&page=", 6);
    const char *survey =
        "{\"id\":60,\"created_at\":1772100000,\"message_type\":3,\"content_type\":\"input_csat\",\"content_"
        "attributes\":{\"submitted_values\":{\"csat_survey_response\":{\"rating\":4}}}},";
    const char *both = "{\"id\":7,\"last_activity_at\":1772440000},{\"id\":8,\"last_activity_at\":1772439000}";
    if (page) {
        snprintf(text, sizeof(text), "{\"payload\":[%s]}", page[6] == '1' ? both : "");
    } else {
        snprintf(
            text, sizeof(text),
            "{\"payload\":[%s{\"id\":%d,\"created_at\":1772439000,\"message_type\":0,\"content\":\"hi\",\"sender\":"
            "{\"id\":5,\"type\":\"contact\"}}]}",
            talk ? survey : "", talk ? 71 : 81);
    }
    turned_init(&out, signed_one.name, NULL);
    int status = talk && m->broken ? 502 : 200;
    int taken =
        puller_chatwoot.take(m->machine, &(struct fetch_answer){.status = status, .body = str_of(text)}, &got, &why);
    m->asked_n++;
    m->failed_n += taken < 0;
    m->gaps_n += got.gap_to_ms != 0;
    if (taken == 0) {
        struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
        turned_decode(&out, b, &s->context);
        for (size_t i = 0; i < b->events_n; i++) {
            m->ratings_n += b->events[i].type == EVENT_RATING;
        }
        fold(s, b);
        memcpy(m->trouble, got.trouble, sizeof(m->trouble));
        puller_chatwoot.stored(m->machine, now_ms);
    }
    if (got.position.n) {
        m->position.n = 0;
        buf_put_str(&m->position, buf_str(&got.position));
    }
    turned_fini(&out);
    buf_fini(&got.position);
    buf_fini(&ask.url);
    buf_fini(&ask.header);
    return true;
}

static void small_sweep(struct small *m, int64_t now_ms, struct scene *s)
{
    m->asked_n = m->failed_n = 0;
    while (small_step(m, now_ms, s))
        assert_true(m->asked_n < 100);
}

static void what_cannot_be_read_is_passed_over_and_come_back_to(void **state)
{
    const int64_t now_ms = INT64_C(1772442046000), sweep_ms = 600000;
    struct small m = {.broken = true};
    struct scene s;
    (void)state;
    scene_open(&s);
    m.machine = puller_chatwoot.start(&asking_one, STR_LIT("1772430000000"), now_ms);
    small_sweep(&m, now_ms, &s);
    assert_int_equal(m.failed_n, 4); /* of five tries; then the other one is read */
    assert_string_equal(m.trouble, "cannot answer for 1 of its conversations, such as 7; asked again at each sweep");
    assert_string_equal((buf_put_byte(&m.position, 0), m.position.p), "1772441986000 7:1772430000000");
    m.position.n--;
    puller_chatwoot.end(m.machine); /* and over a restart */
    m.machine = puller_chatwoot.start(&asking_one, buf_str(&m.position), now_ms + sweep_ms);
    small_sweep(&m, now_ms + sweep_ms, &s);
    assert_int_equal(m.failed_n, 0); /* one try a sweep */
    assert_true(m.trouble[0]);
    m.broken = false;
    small_sweep(&m, now_ms + 2 * sweep_ms, &s);
    assert_int_equal(m.failed_n, 0);
    assert_string_equal(m.trouble, "");
    assert_null(memchr(m.position.p, ':', m.position.n));
    assert_int_equal(m.ratings_n, 1); /* of a survey that was asked four days before */
    assert_int_equal(m.gaps_n, 0);
    m.broken = true;
    small_sweep(&m, now_ms + 3 * sweep_ms, &s);
    small_sweep(&m, now_ms + 2000 * sweep_ms, &s); /* after more than a week it is given up */
    assert_int_equal(m.gaps_n, 1);
    puller_chatwoot.end(m.machine);
    free(scene_close(&s, now_ms));
    buf_fini(&m.position);
}

/* Conversations without end, a minute apart, one on a page, and nothing said in them. */
static void what_is_too_much_to_walk_is_a_gap(void **state)
{
    const int64_t now_ms = INT64_C(1772442046000), least_ms = INT64_C(1772442046000) - INT64_C(2000) * 60000;
    void *machine = puller_chatwoot.start(&asking_one, STR_LIT("1771900000000"), now_ms);
    struct pull_ask ask = {0};
    int64_t due_ms, gap_from_ms = 0, gap_to_ms = 0, page = 0;
    (void)state;
    while (puller_chatwoot.next(machine, now_ms, &ask, &due_ms) && page < 2010) {
        struct turned out;
        struct pull_got got = {.out = &out};
        struct err why;
        char text[200] = "{\"payload\":[]}";
        const char *at = memmem(ask.url.p, ask.url.n, "&page=", 6);
        if (at) {
            page = strtoll(at + 6, NULL, 10);
            snprintf(text, sizeof(text), "{\"payload\":[{\"id\":%" PRId64 ",\"last_activity_at\":%" PRId64 "}]}", page,
                     now_ms / 1000 - page * 60);
        }
        turned_init(&out, signed_one.name, NULL);
        struct fetch_answer a = {.status = 200, .body = str_of(text)};
        assert_int_equal(puller_chatwoot.take(machine, &a, &got, &why), 0);
        gap_from_ms = got.gap_to_ms ? got.gap_from_ms : gap_from_ms;
        gap_to_ms = got.gap_to_ms ? got.gap_to_ms : gap_to_ms;
        puller_chatwoot.stored(machine, now_ms);
        turned_fini(&out);
        buf_fini(&got.position);
        ask.url.n = ask.header.n = 0;
    }
    assert_int_equal(gap_from_ms, INT64_C(1771900000000) - 300000);
    assert_int_equal(gap_to_ms, least_ms);
    puller_chatwoot.end(machine);
    buf_fini(&ask.url);
    buf_fini(&ask.header);
}

static void what_is_longer_ago_than_a_week_is_a_gap(void **state)
{
    const int64_t now_ms = INT64_C(1772442046000), week_ms = INT64_C(604800000);
    void *machine = puller_chatwoot.start(&asking_one, STR_LIT("1771000000000"), now_ms);
    struct pull_ask ask = {0};
    struct turned out;
    struct pull_got got = {.out = &out};
    struct err why;
    int64_t due_ms;
    (void)state;
    turned_init(&out, signed_one.name, NULL);
    assert_true(puller_chatwoot.next(machine, now_ms, &ask, &due_ms));
    struct fetch_answer a = {.status = 200, .body = STR_LIT("{\"data\":{\"payload\":[]}}")};
    assert_int_equal(puller_chatwoot.take(machine, &a, &got, &why), 0);
    assert_int_equal(got.gap_from_ms, INT64_C(1771000000000));
    assert_int_equal(got.gap_to_ms, now_ms - week_ms);
    puller_chatwoot.stored(machine, now_ms);
    assert_false(puller_chatwoot.next(machine, now_ms, &ask, &due_ms));
    puller_chatwoot.end(machine);
    turned_fini(&out);
    buf_fini(&ask.url);
    buf_fini(&ask.header);
    buf_fini(&got.position);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_signature_is_taken),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_stamp_three_hundred_seconds_off_is_the_last_that_is_taken),
        cmocka_unit_test(no_single_bit_may_differ),
        cmocka_unit_test(an_old_installation_shows_the_secret_in_the_address),
        cmocka_unit_test(two_days_come_out_the_same),
        cmocka_unit_test(what_webhooks_lost_is_asked_for),
        cmocka_unit_test(what_cannot_be_read_is_passed_over_and_come_back_to),
        cmocka_unit_test(what_is_too_much_to_walk_is_a_gap),
        cmocka_unit_test(what_is_longer_ago_than_a_week_is_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
