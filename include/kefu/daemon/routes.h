/* Which path of HTTP is answered by whom, and who may ask. One row a path; docs/openapi.json tells the same to people, and a
 * test holds the two together. What is no row is a page of the board, if it is one (daemon/assets.h). */
#ifndef KEFU_DAEMON_ROUTES_H
#define KEFU_DAEMON_ROUTES_H

#include "kefu/base/http.h"

/* For the listener; arg is the struct daemon. */
int routes_admit(void *arg, struct http_request *r);
void routes_handle(void *arg, struct http_request *r);

#endif
