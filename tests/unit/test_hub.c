/* A list of channels that becomes another one while messages wait: what is kept keeps what waits for it, what is mended goes on,
 * what is gone holds nothing up, what is new begins empty. Nothing is sent here: the hub is not turned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/hub.h"

struct fixture {
    struct event_base *base;
    struct channels channels;
    struct hub *hub;
    uint64_t sent[16];
    size_t sent_n;
};

/* Channels of these names; one that ends in '!' is of another kind. */
static void list_of(struct channels *c, const char *const *names, size_t n)
{
    struct err e;
    struct buf text = {0};
    buf_put_str(&text, STR_LIT("{\"channels\": ["));
    for (size_t i = 0; i < n; i++) {
        size_t name_n = strcspn(names[i], "!");
        buf_printf(&text, "%s{\"name\": \"%.*s\", \"kind\": \"%s\", \"hears\": [\"lead\"], \"url_file\": \"u\"}",
                   i ? ", " : "", (int)name_n, names[i], names[i][name_n] ? "feishu" : "wecom");
    }
    buf_put_str(&text, STR_LIT("]}"));
    assert_int_equal(channels_read(c, buf_str(&text), "channels.json", &e), 0);
    buf_fini(&text);
}

static void on_sent(void *arg, uint64_t number)
{
    struct fixture *f = arg;
    f->sent[f->sent_n++] = number;
}

static int setup(void **state)
{
    struct err e;
    struct fixture *f = xcalloc(1, sizeof *f);
    f->base = event_base_new();
    list_of(&f->channels, (const char *const[]){"lead", "ops", "boss"}, 3);
    f->hub = hub_new(&(struct hub_options){f->base, &f->channels, clock_real(), on_sent, f, 1}, &e);
    assert_non_null(f->hub);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    hub_free(f->hub);
    channels_fini(&f->channels);
    event_base_free(f->base);
    free(f);
    return 0;
}

static void notice(struct fixture *f, const char *stream, uint64_t number)
{
    hub_effect(f->hub, &(struct effect){.kind = EFFECT_NOTICE, .stream = str_of(stream), .number = number});
}

static void adopt(struct fixture *f, const char *const *names, size_t n)
{
    struct err e;
    struct channels fresh;
    list_of(&fresh, names, n);
    assert_int_equal(hub_prepare(f->hub, &fresh, &e), 0);
    hub_adopt(f->hub, &fresh);
    channels_fini(&fresh); /* the old ones: nothing may look at them any more */
}

static size_t waiting(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->channels.n; i++)
        if (str_eq(f->channels.list[i].name, str_of(name)))
            return hub_waiting_n(f->hub, i);
    return SIZE_MAX;
}

static void whoever_stays_keeps_what_waits_wherever_it_stands_in_the_list(void **state)
{
    struct fixture *f = *state;
    notice(f, "channel:lead", 1);
    notice(f, "channel:ops", 2);
    notice(f, "channel:boss", 3);
    notice(f, "channel:boss", 4);
    adopt(f, (const char *const[]){"new", "boss", "lead!"}, 3);
    assert_int_equal(waiting(f, "boss"), 2);
    assert_int_equal(waiting(f, "lead"), 1); /* of another kind now */
    assert_int_equal(waiting(f, "new"), 0);
    assert_int_equal(waiting(f, "ops"), SIZE_MAX);
    assert_true(f->sent_n == 1 && f->sent[0] == 2); /* nobody is there to be told */
    notice(f, "channel:ops", 5);                    /* decided before, durable only now */
    notice(f, "channel:new", 6);
    assert_true(f->sent_n == 2 && f->sent[1] == 5);
    assert_int_equal(waiting(f, "new"), 1);
}

static void all_may_go_and_come(void **state)
{
    struct fixture *f = *state;
    notice(f, "channel:lead", 1);
    adopt(f, NULL, 0);
    assert_int_equal(f->sent_n, 1);
    assert_int_equal(hub_turn(f->hub, false), INT64_MAX);
    adopt(f, (const char *const[]){"lead"}, 1);
    notice(f, "channel:lead", 2);
    assert_int_equal(waiting(f, "lead"), 1);
    assert_int_equal(f->sent_n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whoever_stays_keeps_what_waits_wherever_it_stands_in_the_list, setup, teardown),
        cmocka_unit_test_setup_teardown(all_may_go_and_come, setup, teardown),
    };
    digest_start();
    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
