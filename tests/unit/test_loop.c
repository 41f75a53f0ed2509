/* The daemon's turns, with a real store and a real loop: that work which never rests keeps nobody from being answered. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kefu/daemon/daemon.h"

#define COMMITS_N 100
#define HANG_S    60 /* the whole takes a second or two */

struct busy {
    struct daemon *daemon;
    struct ingest *ingest;
    int stored_n;
};

static struct daemon *start(void)
{
    char path[512];
    struct err e;
    int status;
    const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    snprintf(path, sizeof path, "%s/loop.XXXXXX", tmp);
    assert_non_null(mkdtemp(path));
    char config[600];
    snprintf(config, sizeof config, "%s/kefud.json", path);
    FILE *f = fopen(config, "we");
    assert_non_null(f);
    fprintf(f, "{\"state_dir\": \"%s/state\", \"http_listen\": \"\", \"redis_address\": \"\"}", path);
    fclose(f);
    struct settings *s = settings_load(config, &e);
    assert_non_null(s);
    struct daemon *d = daemon_new(s, NULL, clock_real(), &status, &e);
    assert_non_null(d);
    return d;
}

/* A batch of nothing is answered in the next turn, so that the loop never has time to sleep. */
static void again(struct batch *b)
{
    struct busy *t = b->owner;
    if (t->ingest->submit(t->ingest, b) < 0) {
        batch_free(b);
    }
}

static void submit_event(struct busy *t);

static void stored(struct batch *b)
{
    struct busy *t = b->owner;
    assert_int_equal(b->result, BATCH_STORED);
    assert_int_equal(b->verdicts[0], VERDICT_ACCEPTED);
    batch_free(b);
    if (++t->stored_n < COMMITS_N) {
        submit_event(t);
    } else {
        daemon_stop(t->daemon);
    }
}

static void submit_event(struct busy *t)
{
    struct batch *b = batch_new(STR_LIT("test"), stored, t);
    char id[16];
    snprintf(id, sizeof id, "m%d", t->stored_n);
    struct event *e = batch_add_event(b);
    e->type = EVENT_MESSAGE;
    e->how = FROM_CUSTOMER;
    e->ts = INT64_C(1772442000000);
    e->source = STR_LIT("test");
    e->id = arena_copy(&b->arena, str_of(id));
    e->subject = STR_LIT("c1");
    b->inputs_n = 1;
    assert_int_equal(t->ingest->submit(t->ingest, b), 0);
}

static void commits_come_back_while_the_loop_never_rests(void **state)
{
    (void)state;
    struct busy t = {.daemon = start()};
    t.ingest = pipeline_ingest(t.daemon->pipeline);
    alarm(HANG_S); /* a loop that hangs ends here, by signal */
    again(batch_new(STR_LIT("test"), again, &t));
    submit_event(&t);
    daemon_run(t.daemon);
    alarm(0);
    assert_int_equal(t.stored_n, COMMITS_N);
    daemon_free(t.daemon);
}

int main(void)
{
    digest_start();
    const struct CMUnitTest tests[] = {cmocka_unit_test(commits_come_back_while_the_loop_never_rests)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
