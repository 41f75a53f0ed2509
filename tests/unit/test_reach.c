/* Waiting for a daemon: as long as it says that it is under way, and no longer than that. The daemon is the other end of a pair of
 * sockets that a thread speaks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "kefu/ctl/reach.h"

#define PATIENCE_MS 200 /* of the asker here; kefuctl's is a minute */

struct said {
    const char *text; /* NULL: hangs up */
    int after_ms;
};

struct fixture {
    struct reach r;
    int fd; /* the daemon's end */
    pthread_t daemon;
    const struct said *said;
    size_t said_n;
    double told[16]; /* "done" of each line of progress */
    size_t told_n;
};

static void *speak(void *arg)
{
    struct fixture *f = arg;
    char request[64];
    assert_true(read(f->fd, request, sizeof request) > 0);
    for (size_t i = 0; i < f->said_n; i++) {
        const struct said *s = &f->said[i];
        (void)poll(NULL, 0, s->after_ms); /* what is tested is how long another waits */
        if (s->text)
            (void)send(f->fd, s->text, strlen(s->text), MSG_NOSIGNAL);
        else
            shutdown(f->fd, SHUT_RDWR);
    }
    return NULL;
}

static void note(void *arg, const cJSON *progress)
{
    struct fixture *f = arg;
    assert_in_range(f->told_n, 0, 15);
    f->told[f->told_n++] = cJSON_GetObjectItemCaseSensitive(progress, "done")->valuedouble;
}

static cJSON *await(struct fixture *f, const struct said *said, size_t n, struct err *e)
{
    struct timeval patience = {.tv_usec = PATIENCE_MS * 1000};
    struct reach_progress progress = {note, f};
    int fds[2];
    *f = (struct fixture){.said = said, .said_n = n};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    f->r.fd = fds[0];
    f->fd = fds[1];
    setsockopt(f->r.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(pthread_create(&f->daemon, NULL, speak, f), 0);
    cJSON *answer = reach_await(&f->r, STR_LIT("{}"), &progress, NULL, e);
    pthread_join(f->daemon, NULL);
    close(f->fd);
    reach_close(&f->r);
    return answer;
}

static void whoever_says_that_it_is_under_way_is_waited_for(void **state)
{
    static const struct said said[] = {
        {"{\"progress\": {\"done\": 1}}\n", 0},
        {"{\"progress\": {\"done\": 2}}\n", PATIENCE_MS / 2},
        {"{\"progress\": {\"done\": 3}}\n{\"progress\": {\"do",
         PATIENCE_MS / 2}, /* more than a line, and less than two */
        {"ne\": 4}}\n", PATIENCE_MS / 2},
        {"{\"ok\": true, \"seq\": 7}\n", PATIENCE_MS / 2},
    };
    struct fixture f;
    struct err e;
    (void)state;
    cJSON *answer = await(&f, said, sizeof said / sizeof said[0], &e);
    assert_non_null(answer);
    assert_true(cJSON_GetObjectItemCaseSensitive(answer, "seq")->valuedouble == 7);
    assert_int_equal(f.told_n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(f.told[i] == (double)i + 1);
    cJSON_Delete(answer);
}

static void who_falls_silent_or_hangs_up_is_given_up(void **state)
{
    static const struct said silent[] = {{"{\"progress\": {\"done\": 1}}\n", 0}, {"too late\n", 2 * PATIENCE_MS}};
    static const struct said gone[] = {{"{\"progress\": {\"done\": 1}}\n", 0}, {NULL, 0}};
    struct fixture f;
    struct err e;
    (void)state;
    assert_null(await(&f, silent, 2, &e));
    assert_non_null(strstr(e.what, "no answer for"));
    assert_null(await(&f, gone, 2, &e));
    assert_non_null(strstr(e.what, "hung up"));
}

static void a_refusal_behind_progress_is_the_answer(void **state)
{
    static const struct said said[] = {{"{\"progress\": {\"done\": 1}}\n{\"ok\": false, \"error\": \"why not\"}\n", 0}};
    struct fixture f;
    struct err e;
    (void)state;
    assert_null(await(&f, said, 1, &e));
    assert_string_equal(e.what, "why not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_says_that_it_is_under_way_is_waited_for),
        cmocka_unit_test(who_falls_silent_or_hangs_up_is_given_up),
        cmocka_unit_test(a_refusal_behind_progress_is_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
