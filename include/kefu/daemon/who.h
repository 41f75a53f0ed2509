/* Who asks: from the head of a request to a caller.
 *
 * In this order: the header of a trusted proxy (single sign-on), `Authorization: Bearer TOKEN`, the cookie of a session. Wrong
 * tokens are counted by address: ten a minute, and further ones are told to wait. */
#ifndef KEFU_DAEMON_WHO_H
#define KEFU_DAEMON_WHO_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/http.h"
#include "kefu/model/access.h"
#include "kefu/model/rights.h"

struct daemon;

#define WHO_COOKIE      "kefu_session"
#define WHO_WRONG_A_MIN 10

struct who {
    const struct token *token; /* borrowed until tokens change; NULL: nobody */
    struct caller caller;
    int64_t until_ms;   /* when the log-in ends by itself; INT64_MAX: never */
    struct str session; /* the cookie's value, borrowed from the request; absent: not by cookie */
    bool by_proxy;      /* by single sign-on */
    int wait_s;         /* nobody, by a wrong token after too many others of the same address: it has to wait so long */
};

/* True: *out is somebody. */
bool who_asks(struct daemon *d, const struct http_request *r, struct who *out);
/* The same for what is kept of a stream: is it still somebody? */
struct who_kept {
    char token[ACCESS_NAME_BYTES + 1];
    char session[64]; /* "": not by cookie */
};
void who_keep(const struct who *w, struct who_kept *out);
bool who_still(struct daemon *d, const struct who_kept *kept, struct who *out);

/* The address that a request comes from: the proxy's word if the proxy is trusted. Borrowed from the request. */
struct str who_address(struct daemon *d, const struct http_request *r);
/* Did it come over TLS, as far as a trusted proxy says? */
bool who_secure(struct daemon *d, const struct http_request *r);
/* May a request that changes something come from this page? Browsers say which; others say nothing. */
bool who_same_origin(const struct http_request *r);

/* The token that a request shows as its bearer; NULL: none, or a wrong one, which is counted. A right one is always taken, for many
 * people may share an address. */
const struct token *who_bears(struct daemon *d, const struct http_request *r, int *wait_s);
/* A wrong token came: counts it for the address. 0, or the seconds that the address has to wait since it had sent too many in
 * the last minute already. */
int who_was_wrong(struct daemon *d, const struct http_request *r);

#endif
