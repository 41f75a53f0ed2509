/* A redis-server of a test's own, and waiting for conditions instead of times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <event2/event.h>
#include <cmocka.h>

#include "kefu/base/clock.h"
#include "support_redis.h"

bool redis_is_installed(void)
{
    return access("/usr/bin/redis-server", X_OK) == 0 || system("command -v redis-server >/dev/null") == 0;
}

void redis_prepare(struct own_redis *r)
{
    const char *tmp = getenv("TMPDIR");
    memset(r, 0, sizeof *r);
    if (!tmp || strlen(tmp) > 60)
        tmp = "/tmp"; /* the path of a unix socket is short */
    snprintf(r->dir, sizeof r->dir, "%s/redis-XXXXXX", tmp);
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->socket, sizeof r->socket, "%s/r.sock", r->dir);
}

static void become_redis(struct own_redis *r)
{
    int null = open("/dev/null", O_RDWR);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", r->socket, "--dir", r->dir, "--save", "",
           "--appendonly", "no", "--requirepass", r->password, (char *)NULL);
    _exit(127);
}

static redisContext *connect_once(const struct own_redis *r)
{
    redisContext *c = redisConnectUnixWithTimeout(r->socket, (struct timeval){5, 0});
    if (c && !c->err) {
        (void)redisSetTimeout(c, (struct timeval){10, 0});
        redisReply *reply = r->password[0] ? redisCommand(c, "AUTH %s", r->password) : redisCommand(c, "PING");
        bool fine = reply && reply->type != REDIS_REPLY_ERROR;
        if (reply)
            freeReplyObject(reply);
        if (fine)
            return c;
    }
    if (c)
        redisFree(c);
    return NULL;
}

void redis_start(struct own_redis *r)
{
    struct clock clock = clock_real();
    int64_t limit_ms = clock_mono_ms(&clock) + 20000;
    unlink(r->socket);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid == 0)
        become_redis(r);
    for (;;) {
        redisContext *c = connect_once(r);
        if (c) {
            redisFree(c);
            return;
        }
        if (clock_mono_ms(&clock) > limit_ms)
            fail_msg("redis-server does not answer");
        poll(NULL, 0, 5);
    }
}

void redis_kill(struct own_redis *r)
{
    if (r->pid <= 0)
        return;
    kill(r->pid, SIGKILL);
    waitpid(r->pid, NULL, 0);
    r->pid = 0;
}

void redis_remove(struct own_redis *r)
{
    redis_kill(r);
    unlink(r->socket);
    rmdir(r->dir);
}

static redisReply *ask(const struct own_redis *r, const char *format, va_list args)
{
    redisContext *c = connect_once(r);
    assert_non_null(c);
    redisReply *reply = redisvCommand(c, format, args);
    if (!reply)
        fail_msg("%s: %s", format, c->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, reply->str);
    redisFree(c);
    return reply;
}

redisReply *redis_ask(const struct own_redis *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = ask(r, format, args);
    va_end(args);
    return reply;
}

long long redis_ask_number(const struct own_redis *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = ask(r, format, args);
    va_end(args);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    long long n = reply->integer;
    freeReplyObject(reply);
    return n;
}

const char *redis_ask_text(const struct own_redis *r, const char *format, ...)
{
    static char text[4096];
    va_list args;
    va_start(args, format);
    redisReply *reply = ask(r, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s", reply->str ? reply->str : "");
    freeReplyObject(reply);
    return text;
}

redisContext *redis_subscribe(const struct own_redis *r, const char *channel)
{
    redisContext *c = redisConnectUnix(r->socket);
    assert_true(c && !c->err);
    redisSetTimeout(c, (struct timeval){5, 0});
    redisReply *reply = redisCommand(c, "SUBSCRIBE %s", channel);
    assert_non_null(reply);
    freeReplyObject(reply);
    return c;
}

redisReply *redis_next_message(redisContext *c)
{
    void *r = NULL;
    assert_int_equal(redisGetReply(c, &r), REDIS_OK);
    return r;
}

static void wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg; /* only so that the loop returns and the condition is looked at */
}

void await(struct event_base *base, bool (*holds)(void *arg), void *arg, int limit_ms, const char *what)
{
    struct clock clock = clock_real();
    int64_t end_ms = clock_mono_ms(&clock) + limit_ms;
    struct event *tick = event_new(base, -1, EV_PERSIST, wake, NULL);
    event_add(tick, &(struct timeval){0, 5000});
    while (!holds(arg)) {
        if (clock_mono_ms(&clock) > end_ms)
            fail_msg("waited %d ms in vain: %s", limit_ms, what);
        event_base_loop(base, EVLOOP_ONCE);
    }
    event_free(tick);
}
