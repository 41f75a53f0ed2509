/* Which path of HTTP is answered by whom: POST /v1/events, GET /healthz, GET /readyz. One row a path. */
#ifndef KEFU_DAEMON_ROUTES_H
#define KEFU_DAEMON_ROUTES_H

#include "kefu/base/http.h"

/* For the listener; arg is the struct daemon. */
int routes_admit(void *arg, struct http_request *r);
void routes_handle(void *arg, struct http_request *r);

#endif
