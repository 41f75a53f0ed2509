/* Log-ins: a cookie stands for a token, so that no page ever holds one.
 *
 * A session is a random value that the browser keeps; here lies its hash, with the id of the token it came from. It ends by
 * log-out, by time, and with its token: whoever asks looks the token up each time. Sessions outlive a restart by a small file
 * beside the store; without it people log in again, no more. */
#ifndef KEFU_DAEMON_SESSION_H
#define KEFU_DAEMON_SESSION_H

#include <stdint.h>

#include "kefu/base/str.h"

struct sessions;

#define SESSION_BYTES 44 /* of the cookie's value, with a zero byte */

struct session {
    struct str token; /* its id; borrowed until the next call */
    int64_t until_ms; /* wall time */
};

/* `file` is read if it is there; one that cannot be read is an empty one, and logged. `hours`: how long a log-in is good. */
struct sessions *sessions_new(const char *file, int64_t hours, int64_t now_ms);
void sessions_free(struct sessions *s);
/* A new session of the token; fills the cookie's value. Of a token's sessions the oldest go when there are too many (20). */
void sessions_open(struct sessions *s, struct str token, int64_t now_ms, char value[SESSION_BYTES]);
/* True: there is such a session, and *out is it. */
bool sessions_find(const struct sessions *s, struct str value, int64_t now_ms, struct session *out);
void sessions_close(struct sessions *s, struct str value);
size_t sessions_n(const struct sessions *s);
/* Rises whenever one is closed. */
uint64_t sessions_closed_n(const struct sessions *s);

#endif
