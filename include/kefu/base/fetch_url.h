/* URLs of base/fetch taken apart, strictly: whoever is asked must be the one that was listed. Pure. */
#ifndef KEFU_BASE_FETCH_URL_H
#define KEFU_BASE_FETCH_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"

struct fetch_url {
    bool tls;        /* https, else http */
    struct str host; /* as written, lower or upper case; IPv6 with its brackets */
    uint16_t port;   /* given, or that of the scheme */
    struct str rest; /* from the first '/' on; absent if there is none */
};

/* Slices borrow from url. -1 with e: another scheme, no host, a user name in front of it, a character that is no plain
 * ASCII of a host, a bad port, a control character or blank anywhere, longer than FETCH_URL_MAX_BYTES. */
int fetch_url_read(struct str url, struct fetch_url *out, struct err *e);

#endif
