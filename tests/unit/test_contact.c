/* First contacts of a customer, many at the very same instant: sorted whatever the order they come in, and whoever is taken
 * out is the one that was meant. A plain array is the second opinion; KEFU_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/state/contact.h"
#include "support_random.h"

static void is_sorted(const struct contacts *c)
{
    for (uint32_t k = 1; k < c->n; k++) {
        const struct contact *a = &c->list[k - 1], *b = &c->list[k];
        bool rising = a->at < b->at || (a->at == b->at && (a->conversation < b->conversation ||
                                                           (a->conversation == b->conversation && a->what < b->what)));
        if (!rising)
            fail_msg("%u: (%lld, %u, %u) before (%lld, %u, %u)", k, (long long)a->at, a->conversation, a->what,
                     (long long)b->at, b->conversation, b->what);
    }
}

static bool is_there(const struct contacts *c, struct contact x)
{
    for (uint32_t k = 0; k < c->n; k++)
        if (c->list[k].at == x.at && c->list[k].conversation == x.conversation && c->list[k].what == x.what)
            return true;
    return false;
}

static void contacts_of_one_instant_stand_by_conversation_then_what(void **state)
{
    (void)state;
    struct contacts c = {0};
    const struct contact in[] = {{5, 2, 1}, {5, 1, 9}, {5, 3, 0}, {5, 2, 0}, {5, 1, 2}, {4, 9, 9}, {6, 0, 0}};
    const struct contact out[] = {{4, 9, 9}, {5, 1, 2}, {5, 1, 9}, {5, 2, 0}, {5, 2, 1}, {5, 3, 0}, {6, 0, 0}};
    for (size_t i = 0; i < sizeof in / sizeof in[0]; i++)
        contacts_put(&c, in[i]);
    assert_int_equal(c.n, sizeof out / sizeof out[0]);
    assert_memory_equal(c.list, out, sizeof out);
    assert_int_equal(contacts_from(&c, 5), 1); /* the first of an instant, be it whose it may */
    assert_int_equal(contacts_from(&c, 6), 6);
    assert_int_equal(contacts_from(&c, 7), 7);
    contacts_take(&c, (struct contact){5, 2, 0});
    contacts_take(&c, (struct contact){5, 1, 9});
    assert_false(is_there(&c, (struct contact){5, 2, 0}) || is_there(&c, (struct contact){5, 1, 9}));
    assert_true(is_there(&c, (struct contact){5, 2, 1}) && is_there(&c, (struct contact){5, 1, 2}));
    free(c.list);
}

/* All contacts of a few instants, conversations and topics come and go, in any order. */
static void who_leaves_is_who_was_meant(void **state)
{
    (void)state;
    enum { INSTANTS = 3, CONVERSATIONS = 5, WHATS = 3, ALL = INSTANTS * CONVERSATIONS * WHATS };
    uint64_t random = random_start();
    struct contacts c = {0};
    bool in[ALL] = {0};
    for (int step = 0; step < 3000; step++) {
        uint32_t i = (uint32_t)(random_next(&random) % ALL), n = 0;
        struct contact x = {i % INSTANTS, i / INSTANTS % CONVERSATIONS, i / INSTANTS / CONVERSATIONS};
        if (in[i])
            contacts_take(&c, x);
        else
            contacts_put(&c, x);
        in[i] = !in[i];
        is_sorted(&c);
        assert_true(is_there(&c, x) == in[i]);
        for (uint32_t k = 0; k < ALL; k++)
            n += in[k];
        assert_int_equal(c.n, n);
    }
    free(c.list);
}

/* SPEC: another episode with its first customer message in [resolved, resolved + window), and no different topic. */
static void a_repeat_at_the_very_instant_counts_whoever_else_asked_then(void **state)
{
    (void)state;
    for (uint32_t asking = 1; asking <= 3; asking++) { /* before, between and behind the others of that instant */
        struct group g = {0};
        for (uint32_t other = 1; other <= 3; other++)
            contacts_put(&g.firsts, (struct contact){.at = 100, .conversation = other, .what = other});
        struct repeat_question q = {.from = 100, .to = 101, .conversation = asking};
        assert_true(group_repeats(&g, &q));
        for (q.topic = 1; q.topic <= 4; q.topic++)
            assert_true(group_repeats(&g, &q) == (q.topic <= 3 && q.topic != asking));
        q = (struct repeat_question){.from = 90, .to = 100, .conversation = asking};
        assert_false(group_repeats(&g, &q));
        q = (struct repeat_question){.from = 101, .to = 200, .conversation = asking};
        assert_false(group_repeats(&g, &q));
        free(g.firsts.list);
    }
}

/* Is there an ending at `at` of a conversation that fails by x and by no other contact of the group? */
static bool hangs_on(const struct group *g, struct contact x, struct contact ending)
{
    if (ending.at > x.at || ending.conversation == x.conversation)
        return false;
    for (uint32_t k = 0; k < g->firsts.n; k++) {
        const struct contact *y = &g->firsts.list[k];
        bool is_x = y->at == x.at && y->conversation == x.conversation && y->what == x.what;
        if (!is_x && y->at >= ending.at && y->at <= x.at && y->conversation != ending.conversation &&
            topics_agree(y->what, ending.what))
            return false;
    }
    return topics_agree(x.what, ending.what);
}

/* Its promise, by trying every ending there can be: none at or before the instant hangs on x. */
static void what_is_settled_hangs_on_nobody(void **state)
{
    (void)state;
    enum { END = 8, CONVERSATIONS = 4, TOPICS = 3 };
    uint64_t random = random_start();
    for (int round = 0; round < 2000; round++) {
        struct group g = {0};
        for (int k = 0; k < 6; k++) {
            struct contact y = {(int64_t)(random_next(&random) % END), (uint32_t)(random_next(&random) % CONVERSATIONS),
                                (uint32_t)(random_next(&random) % TOPICS)};
            if (!is_there(&g.firsts, y))
                contacts_put(&g.firsts, y);
        }
        struct contact x = g.firsts.list[random_next(&random) % g.firsts.n];
        int64_t settled = group_settled(&g, x, 0);
        assert_true(settled >= -1 && settled <= x.at);
        for (int64_t at = 0; at <= settled; at++)
            for (uint32_t c = 0; c < CONVERSATIONS; c++)
                for (uint32_t topic = 0; topic < TOPICS; topic++)
                    assert_false(hangs_on(&g, x, (struct contact){at, c, topic}));
        free(g.firsts.list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contacts_of_one_instant_stand_by_conversation_then_what),
        cmocka_unit_test(who_leaves_is_who_was_meant),
        cmocka_unit_test(a_repeat_at_the_very_instant_counts_whoever_else_asked_then),
        cmocka_unit_test(what_is_settled_hangs_on_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
