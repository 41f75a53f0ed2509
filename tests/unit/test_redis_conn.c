/* The connection to Redis against a real one and against servers that misbehave: callbacks once each, always back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <cmocka.h>

#include "kefu/base/clock.h"
#include "kefu/base/redis_conn.h"
#include "support_random.h"
#include "support_redis.h"

struct world {
    struct event_base *base;
    struct own_redis redis;
    struct redis_conn *conn;
    int ready_n, fresh_n, lost_n;
    int answers_n, nulls_n;
    char text[64];
    /* what `await` waits for */
    int ready_wanted, lost_wanted, answers_wanted;
};

static void on_ready(void *arg, bool fresh)
{
    struct world *w = arg;
    assert_int_equal(w->ready_n, w->lost_n); /* they alternate */
    w->ready_n++;
    w->fresh_n += fresh;
}

static void on_lost(void *arg)
{
    struct world *w = arg;
    w->lost_n++;
    assert_int_equal(w->ready_n, w->lost_n);
    assert_false(redis_conn_is_ready(w->conn));
}

static void on_answer(void *arg, uint64_t tag, const struct redisReply *reply)
{
    struct world *w = arg;
    (void)tag;
    w->answers_n++;
    w->nulls_n += !reply;
    snprintf(w->text, sizeof w->text, "%s", reply && reply->str ? reply->str : "");
}

static bool is_ready_again(void *arg)
{
    struct world *w = arg;
    return w->ready_n >= w->ready_wanted;
}

static bool is_lost(void *arg)
{
    struct world *w = arg;
    return w->lost_n >= w->lost_wanted;
}

static bool is_answered(void *arg)
{
    struct world *w = arg;
    return w->answers_n >= w->answers_wanted;
}

static void await_ready(struct world *w, int n)
{
    w->ready_wanted = n;
    await(w->base, is_ready_again, w, 20000, "ready");
}

static void await_lost(struct world *w, int n, int limit_ms)
{
    w->lost_wanted = n;
    await(w->base, is_lost, w, limit_ms, "lost");
}

static void await_answers(struct world *w, int n)
{
    w->answers_wanted = n;
    await(w->base, is_answered, w, 20000, "answers");
}

static int send_words(struct world *w, const char *a, const char *b)
{
    struct buf cmd = {0};
    redis_put_count(&cmd, b ? 2 : 1);
    redis_put_arg(&cmd, str_of(a));
    if (b)
        redis_put_arg(&cmd, str_of(b));
    int result = redis_conn_send(w->conn, buf_str(&cmd), &(struct redis_call){on_answer, w, 0});
    buf_fini(&cmd);
    return result;
}

static void connect_to(struct world *w, const char *address, const char *username, const char *password)
{
    struct err e;
    struct redis_conn_options o = {
        .address = str_of(address), .username = str_of(username), .password = str_of(password)};
    w->conn = redis_conn_new(w->base, &o, &(struct redis_conn_handlers){on_ready, on_lost, w}, &e);
    if (!w->conn)
        fail_msg("%s", e.what);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    w->base = event_base_new();
    redis_prepare(&w->redis);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    redis_conn_free(w->conn);
    event_base_free(w->base);
    redis_remove(&w->redis);
    free(w);
    return 0;
}

static void kill_clients(struct world *w)
{
    redis_ask_number(&w->redis, "CLIENT KILL TYPE normal SKIPME yes");
}

static void it_becomes_ready_and_answers(void **state)
{
    struct world *w = *state;
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, NULL);
    assert_int_equal(send_words(w, "PING", NULL), -1); /* not yet */
    await_ready(w, 1);
    assert_int_equal(w->fresh_n, 1);
    assert_int_equal(send_words(w, "ECHO", "客服"), 0);
    await_answers(w, 1);
    assert_string_equal(w->text, "客服");
}

static void it_waits_for_a_redis_that_comes_late(void **state)
{
    struct world *w = *state;
    connect_to(w, w->redis.socket, NULL, NULL);
    for (int i = 0; i < 6; i++)
        event_base_loop(w->base, EVLOOP_ONCE); /* attempts on a socket that is not there */
    assert_int_equal(w->ready_n + w->lost_n, 0);
    redis_start(&w->redis);
    await_ready(w, 1);
}

static void a_killed_connection_comes_back_and_is_not_fresh(void **state)
{
    struct world *w = *state;
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, NULL);
    for (int i = 1; i <= 20; i++) {
        await_ready(w, i);
        kill_clients(w);
        await_lost(w, i, 5000);
    }
    assert_int_equal(w->fresh_n, 1);
}

static void another_redis_is_fresh(void **state)
{
    struct world *w = *state;
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, NULL);
    await_ready(w, 1);
    redis_kill(&w->redis);
    await_lost(w, 1, 5000);
    redis_start(&w->redis);
    await_ready(w, 2);
    assert_int_equal(w->fresh_n, 2);
}

static void every_command_in_flight_is_answered_once_when_redis_dies(void **state)
{
    struct world *w = *state;
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, NULL);
    await_ready(w, 1);
    kill(w->redis.pid, SIGSTOP);
    for (int i = 0; i < 500; i++)
        assert_int_equal(send_words(w, "INCR", "n"), 0);
    redis_kill(&w->redis);
    await_lost(w, 1, 10000);
    assert_int_equal(w->answers_n, 500);
    assert_int_equal(w->nulls_n, 500);
    assert_int_equal(send_words(w, "PING", NULL), -1);
}

static void what_is_in_flight_is_bounded(void **state)
{
    struct world *w = *state;
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, NULL);
    await_ready(w, 1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(send_words(w, "PING", NULL), 0);
    assert_int_equal(send_words(w, "PING", NULL), -1);
    await_answers(w, 1000);
    char *large = malloc(400001);
    memset(large, 'x', 400000);
    large[400000] = '\0';
    assert_int_equal(send_words(w, "ECHO", large), 0);
    assert_int_equal(send_words(w, "ECHO", large), 0);
    assert_int_equal(send_words(w, "ECHO", large), -1); /* 1 MiB */
    await_answers(w, 1002);
    free(large);
    assert_int_equal(w->nulls_n, 0);
}

static void freeing_answers_what_is_in_flight(void **state)
{
    struct world *w = *state;
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, NULL);
    await_ready(w, 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(send_words(w, "PING", NULL), 0);
    redis_conn_free(w->conn);
    w->conn = NULL;
    assert_int_equal(w->answers_n, 100);
    assert_int_equal(w->nulls_n, 100);
    assert_int_equal(w->lost_n, 0);
}

static void a_stopped_redis_is_noticed_in_seven_seconds(void **state)
{
    struct world *w = *state;
    struct clock clock = clock_real();
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, NULL);
    await_ready(w, 1);
    kill(w->redis.pid, SIGSTOP);
    int64_t from_ms = clock_mono_ms(&clock);
    assert_int_equal(send_words(w, "PING", NULL), 0);
    await_lost(w, 1, 7500);
    assert_true(clock_mono_ms(&clock) - from_ms > 1500);
    assert_int_equal(w->nulls_n, 1);
    kill(w->redis.pid, SIGCONT);
    await_ready(w, 2);
    assert_int_equal(w->fresh_n, 1);
}

static void the_password_is_given_and_a_wrong_one_never_makes_ready(void **state)
{
    struct world *w = *state;
    strcpy(w->redis.password, "s3cret");
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, "s3cret");
    await_ready(w, 1);
    redis_conn_free(w->conn);
    freeReplyObject(redis_ask(&w->redis, "ACL SETUSER kefud on >pw ~* &* +@all"));
    w->lost_n = 1;
    connect_to(w, w->redis.socket, "kefud", "pw");
    await_ready(w, 2);
    redis_conn_free(w->conn);
    connect_to(w, w->redis.socket, "kefud", "wrong");
    freeReplyObject(redis_ask(&w->redis, "ACL LOG RESET"));
    for (bool tried = false; !tried;) { /* until Redis has seen an attempt, then a few turns more */
        event_base_loop(w->base, EVLOOP_ONCE);
        redisReply *log = redis_ask(&w->redis, "ACL LOG");
        tried = log->elements > 0;
        freeReplyObject(log);
    }
    for (int i = 0; i < 5; i++)
        event_base_loop(w->base, EVLOOP_ONCE);
    assert_int_equal(w->ready_n, 2);
    redis_conn_free(w->conn);
    connect_to(w, w->redis.socket, NULL, NULL); /* none at all: NOAUTH */
    for (int i = 0; i < 10; i++)
        event_base_loop(w->base, EVLOOP_ONCE);
    assert_int_equal(w->ready_n, 2);
}

static bool is_denied(void *arg)
{
    return strstr(redis_conn_why(((struct world *)arg)->conn), "WRONGPASS") != NULL;
}

/* It goes on as it was until it has to connect again; what it then says is the reason, and no loss. */
static void a_password_that_changes_meanwhile_is_told_as_the_reason(void **state)
{
    struct world *w = *state;
    strcpy(w->redis.password, "s3cret");
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, "s3cret");
    await_ready(w, 1);
    assert_string_equal(redis_conn_why(w->conn), "");
    freeReplyObject(redis_ask(&w->redis, "CONFIG SET requirepass other"));
    strcpy(w->redis.password, "other");
    assert_int_equal(send_words(w, "PING", NULL), 0);
    freeReplyObject(redis_ask(&w->redis, "CLIENT KILL TYPE normal"));
    await_lost(w, 1, 5000);
    await(w->base, is_denied, w, 5000, "the wrong password to be the reason");
    for (int i = 0; i < 3; i++) /* and again, and it stays the reason */
        event_base_loop(w->base, EVLOOP_ONCE);
    assert_true(is_denied(w));
    assert_int_equal(w->lost_n, 1);
    assert_int_equal(w->ready_n, 1);
    freeReplyObject(redis_ask(&w->redis, "CONFIG SET requirepass s3cret"));
    strcpy(w->redis.password, "s3cret");
    await_ready(w, 2);
    assert_string_equal(redis_conn_why(w->conn), "");
}

static void a_drop_comes_back_by_itself(void **state)
{
    struct world *w = *state;
    redis_start(&w->redis);
    connect_to(w, w->redis.socket, NULL, NULL);
    await_ready(w, 1);
    redis_conn_drop(w->conn, "READONLY");
    assert_int_equal(send_words(w, "PING", NULL), -1);
    await_ready(w, 2);
    assert_int_equal(w->lost_n, 1);
}

/* A server that answers every connection with `text`, or closes it at once. */
struct liar {
    const char *text;
    int accepted_n;
    struct bufferevent *last;
};

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *a, int n, void *arg)
{
    struct liar *liar = arg;
    (void)a;
    (void)n;
    liar->accepted_n++;
    if (liar->last)
        bufferevent_free(liar->last);
    liar->last = bufferevent_socket_new(evconnlistener_get_base(l), fd, BEV_OPT_CLOSE_ON_FREE);
    if (liar->text) {
        bufferevent_write(liar->last, liar->text, strlen(liar->text));
        return;
    }
    bufferevent_free(liar->last);
    liar->last = NULL;
}

static bool was_tried_thrice(void *arg)
{
    return ((struct liar *)arg)->accepted_n >= 3;
}

static void a_server_that_is_no_redis_is_left_and_tried_again(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {NULL,
                                        "HTTP/1.1 400 Bad Request\r\n\r\n",
                                        "-LOADING\r\n-LOADING\r\n-LOADING\r\n",
                                        "*-2\r\n",
                                        "$5\r\nabcdefghijk",
                                        "+OK\r\n-ERR what\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct liar liar = {.text = texts[i]};
        struct sockaddr_un sun = {.sun_family = AF_UNIX};
        snprintf(sun.sun_path, sizeof sun.sun_path, "%s", w->redis.socket);
        unlink(w->redis.socket);
        struct evconnlistener *l = evconnlistener_new_bind(w->base, on_accept, &liar, LEV_OPT_CLOSE_ON_FREE, 16,
                                                           (struct sockaddr *)&sun, sizeof sun);
        assert_non_null(l);
        connect_to(w, w->redis.socket, NULL, NULL);
        await(w->base, was_tried_thrice, &liar, 10000, "three attempts");
        redis_conn_free(w->conn);
        w->conn = NULL;
        evconnlistener_free(l);
        if (liar.last)
            bufferevent_free(liar.last);
    }
    assert_int_equal(w->ready_n, 0);
}

static void addresses_are_paths_or_numbers(void **state)
{
    struct world *w = *state;
    static const char *const good[] = {"/run/redis.sock",    "unix:/run/redis.sock", "unix:./redis.sock",
                                       "127.0.0.1:6379",     "localhost:6379",       "[::1]:6379",
                                       "tcp:127.0.0.1:6379", "tcp:[::1]:6379"};
    static const char *const bad[] = {"",
                                      "redis.example.com:6379",
                                      "127.0.0.1",
                                      "127.0.0.1:",
                                      "127.0.0.1:0",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:12x",
                                      "::1:6379",
                                      "[::1]",
                                      "[]:6379",
                                      "unix:",
                                      "unix:run",
                                      "1.2.3:4",
                                      ":6379",
                                      "127.0.0.1:99999999999999999999",
                                      "tcp:/run/redis.sock",
                                      "unix:127.0.0.1:6379",
                                      "tcp:",
                                      "tcp:redis:6379"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        connect_to(w, good[i], NULL, NULL);
        redis_conn_free(w->conn);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        struct redis_conn_options o = {.address = str_of(bad[i])};
        w->conn = redis_conn_new(w->base, &o, &(struct redis_conn_handlers){0}, &e);
        if (w->conn)
            fail_msg("%s was accepted", bad[i]);
        assert_non_null(strstr(e.what, "give the address"));
    }
    char path[300];
    memset(path, '/', sizeof path);
    struct redis_conn_options o = {.address = {path, sizeof path}};
    assert_null(redis_conn_new(w->base, &o, &(struct redis_conn_handlers){0}, NULL));
}

static enum answer judged(const char *error)
{
    char text[200];
    snprintf(text, sizeof text, "%s", error);
    struct redisReply reply = {.type = REDIS_REPLY_ERROR, .str = text, .len = strlen(text)};
    return redis_answer(&reply);
}

static void errors_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(redis_answer(NULL), ANSWER_LOST);
    assert_int_equal(redis_answer(&(struct redisReply){.type = REDIS_REPLY_NIL}), ANSWER_OK);
    assert_int_equal(judged("LOADING Redis is loading the dataset in memory"), ANSWER_LATER);
    assert_int_equal(judged("BUSY Redis is busy running a script."), ANSWER_LATER);
    assert_int_equal(judged("BUSYGROUP Consumer Group name already exists"), ANSWER_REFUSED);
    assert_int_equal(judged("OOM command not allowed when used memory > 'maxmemory'."), ANSWER_LATER);
    assert_int_equal(judged("MISCONF Redis is configured to save RDB snapshots"), ANSWER_LATER);
    assert_int_equal(judged("CLUSTERDOWN Hash slot not served"), ANSWER_LATER);
    assert_int_equal(judged("READONLY You can't write against a read only replica."), ANSWER_ELSEWHERE);
    assert_int_equal(judged("MOVED 3999 127.0.0.1:6381"), ANSWER_ELSEWHERE);
    assert_int_equal(judged("NOSCRIPT No matching script."), ANSWER_NO_SCRIPT);
    assert_int_equal(judged("NOAUTH Authentication required."), ANSWER_DENIED);
    assert_int_equal(judged("WRONGTYPE Operation against a key"), ANSWER_REFUSED);
    assert_int_equal(judged("ERR Error running script (call to f_1): @user_script:3: -OOM command not allowed"),
                     ANSWER_LATER);
    assert_int_equal(judged("ERR Error running script (call to f_1): @user_script:3: oops"), ANSWER_REFUSED);
}

/* One life of a connection, ended at any stage of it by one of the ways there are. */
static void one_cycle(struct world *w, uint64_t *rng)
{
    uint64_t how = random_next(rng) % 8;
    connect_to(w, w->redis.socket, NULL, NULL);
    w->ready_n = w->lost_n = 0;
    if (random_next(rng) % 4) /* else it ends while it shakes hands */
        await_ready(w, 1);
    int sent_n = 0, answers_n = w->answers_n;
    for (uint64_t i = random_next(rng) % 50; i > 0 && redis_conn_is_ready(w->conn); i--)
        sent_n += send_words(w, "INCR", "n") == 0;
    for (uint64_t i = random_next(rng) % 5; i > 0; i--)
        event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    if (how == 0)
        redis_kill(&w->redis);
    else if (how < 4)
        kill_clients(w);
    else if (how == 4)
        redis_conn_drop(w->conn, "the test says so");
    for (uint64_t i = random_next(rng) % 20; i > 0; i--)
        event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
    redis_conn_free(w->conn);
    w->conn = NULL;
    assert_int_equal(w->answers_n - answers_n, sent_n); /* each exactly once */
    if (how == 0)
        redis_start(&w->redis);
}

/* 1,000 with KEFU_SOAK; SAN=1 is where it counts. */
static void cycles_of_connecting_and_dying_leave_nothing_behind(void **state)
{
    struct world *w = *state;
    uint64_t rng = random_start();
    redis_start(&w->redis);
    for (int i = getenv("KEFU_SOAK") ? 1000 : 60; i > 0; i--)
        one_cycle(w, &rng);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    if (!redis_is_installed()) {
        printf("redis-server is not installed\n");
        return 77;
    }
#define with_world(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_world(it_becomes_ready_and_answers),
        with_world(it_waits_for_a_redis_that_comes_late),
        with_world(a_killed_connection_comes_back_and_is_not_fresh),
        with_world(another_redis_is_fresh),
        with_world(every_command_in_flight_is_answered_once_when_redis_dies),
        with_world(what_is_in_flight_is_bounded),
        with_world(freeing_answers_what_is_in_flight),
        with_world(a_stopped_redis_is_noticed_in_seven_seconds),
        with_world(the_password_is_given_and_a_wrong_one_never_makes_ready),
        with_world(a_password_that_changes_meanwhile_is_told_as_the_reason),
        with_world(a_drop_comes_back_by_itself),
        with_world(a_server_that_is_no_redis_is_left_and_tried_again),
        with_world(cycles_of_connecting_and_dying_leave_nothing_behind),
        with_world(addresses_are_paths_or_numbers),
        cmocka_unit_test(errors_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
