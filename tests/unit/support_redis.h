/* A redis-server of a test's own: on a unix socket in a temporary folder, gone with the test. */
#ifndef KEFU_TESTS_SUPPORT_REDIS_H
#define KEFU_TESTS_SUPPORT_REDIS_H

#include <stdbool.h>
#include <hiredis/hiredis.h>
#include <sys/types.h>

struct event_base;

struct own_redis {
    char dir[96];
    char socket[104];
    char password[32]; /* "" for none; set before redis_start */
    pid_t pid;
};

bool redis_is_installed(void);
void redis_prepare(struct own_redis *r); /* makes the folder */
void redis_start(struct own_redis *r);   /* returns when it answers; fails the test if it does not */
void redis_kill(struct own_redis *r);    /* SIGKILL; nothing is kept */
void redis_remove(struct own_redis *r);  /* kills, removes the folder */
/* One command on a connection of its own, checked to be no error; the caller frees the reply. */
redisReply *redis_ask(const struct own_redis *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for an integer or a text reply (static storage; "" for nil). */
long long redis_ask_number(const struct own_redis *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *redis_ask_text(const struct own_redis *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A connection that hears a channel, and its next message (within 5 s, else the test fails); the caller frees both. */
redisContext *redis_subscribe(const struct own_redis *r, const char *channel);
redisReply *redis_next_message(redisContext *c);

/* Turns the loop until `holds(arg)`; fails the test, naming `what`, after limit_ms. */
void await(struct event_base *base, bool (*holds)(void *arg), void *arg, int limit_ms, const char *what);

#endif
