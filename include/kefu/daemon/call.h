/* A call of /v1/: a request of somebody who was looked up, with the words of its path, until it is answered.
 *
 * What a role may not see and what is not there end in call_not_found, and nowhere else: the two cannot be told apart. */
#ifndef KEFU_DAEMON_CALL_H
#define KEFU_DAEMON_CALL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/http.h"
#include "kefu/daemon/who.h"
#include "kefu/model/rights.h"

struct daemon;

struct call {
    struct daemon *d;
    struct http_request *r;
    struct who who;     /* token NULL: a route for everybody */
    enum part part;     /* of the route */
    struct str args[2]; /* words of the path, unescaped; in the arena */
    struct arena arena; /* the call's: until the handler returns */
};

/* Percent-decodes into the arena. Absent: bad escapes, bad UTF-8, a zero byte. */
struct str call_unescape(struct arena *arena, struct str text);
/* ?name=, unescaped; absent if it is not there. */
struct str call_query(struct call *c, const char *name);
/* ?limit= and ?after=. False: not as they should be; answered. */
#define CALL_ROWS_MAX 500
struct call_page {
    size_t limit;
    struct str after; /* absent: from the start */
};
bool call_page(struct call *c, struct call_page *out);

/* The agent of args[0], if it is there and the caller may see the route's part of it; 0: it is answered. */
uint32_t call_agent(struct call *c);
/* May the caller see the route's part of this agent or team? (rights_may) */
bool call_may_agent(const struct call *c, uint32_t agent);
bool call_may_team(const struct call *c, struct str team);
/* Agents of a page, by id, of a team if there is one, whom the caller may see; the caller frees. There are more than limit if
 * another page follows: call_show_next closes the list and the answer. */
uint32_t *call_agents(struct call *c, const struct call_page *page, struct str team, size_t *n);
void call_show_next(struct call *c, struct buf *out, const uint32_t *agents, size_t n, size_t limit);
/* args[i] as a month that has begun by now; false: it is answered. */
bool call_month(struct call *c, struct str text, int32_t *month);

/* Acts of a person (POST). False: answered, because another site's page asks (403), or because the token names no person to
 * stand by the act (403): an agent's own subject is a name, others have a login. */
bool call_may_post(struct call *c);
/* Who acts, as the journal keeps it; only after call_may_post. */
struct str call_actor(const struct call *c);
/* The JSON object in the body, at most CALL_BODY_MAX bytes; the caller deletes it. NULL: answered. */
#define CALL_BODY_MAX 8192
cJSON *call_body(struct call *c);
/* A member that is a text; absent if it is none. */
struct str call_text(const cJSON *tree, const char *name);
/* What was asked for cannot be: 400 with the place and the words of e, 409 if it has become another thing meanwhile, or is decided
 * (codes moved, no_adjustment), or 503 if it names no place (try again). With the code of e, if it has one. */
void call_refused(struct call *c, const struct err *e);
/* 503: nothing could be written. */
void call_full(struct http_request *r);
/* What should be there cannot be read: 503. */
void call_failed(struct call *c, const struct err *e);

void call_not_found(struct http_request *r);
/* Who asks is nobody: 401; or 429, if too many wrong tokens came from the same address. */
void call_log_in(struct call *c);
void call_wrong(struct http_request *r, int wait_s, const char *text); /* the same, with other words for the 401 */
void call_bad(struct call *c, const char *text);
void call_busy(struct http_request *r, const char *text, int wait_s);
/* 200 with the JSON in body, which it frees. */
void call_answer(struct call *c, struct buf *body);
/* The same with an ETag over the bytes from `tagged_from` on (what comes before is the time), or 304 if the client has them. */
void call_answer_tagged(struct call *c, struct buf *body, size_t tagged_from);

#endif
