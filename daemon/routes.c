/* The table of paths. An unknown path is 404 whatever the method, a known one with another method 405 with what is allowed. */
#include "kefu/daemon/routes.h"

#include "kefu/collectors/http.h"
#include "kefu/daemon/daemon.h"

struct route {
    const char *path;
    const char *method;
    int (*admit)(struct daemon *d, struct http_request *r); /* NULL: everybody */
    void (*handle)(struct daemon *d, struct http_request *r);
};

static int admit_events(struct daemon *d, struct http_request *r)
{
    return http_door_admit(&d->http_door, r);
}

static void handle_events(struct daemon *d, struct http_request *r)
{
    http_door_handle(&d->http_door, r);
}

static void handle_health(struct daemon *d, struct http_request *r)
{
    (void)d;
    http_answer(r, 200, "text/plain; charset=utf-8", STR_LIT("ok\n"));
}

static void handle_ready(struct daemon *d, struct http_request *r)
{
    if (d->ready && !d->stopping) {
        http_answer(r, 200, "text/plain; charset=utf-8", STR_LIT("ready\n"));
    } else {
        http_answer(r, 503, "text/plain; charset=utf-8", STR_LIT("not ready\n"));
    }
}

static const struct route routes[] = {
    {"/v1/events", "POST", admit_events, handle_events},
    {"/healthz", "GET", NULL, handle_health},
    {"/readyz", "GET", NULL, handle_ready},
};

static const struct route *find(const struct http_head *h)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (str_eq(h->path, str_of(routes[i].path))) {
            return &routes[i];
        }
    }
    return NULL;
}

static bool method_fits(const struct route *route, const struct http_head *h)
{
    bool head = str_eq(h->method, STR_LIT("HEAD")) && str_eq(str_of(route->method), STR_LIT("GET"));
    return head || str_eq(h->method, str_of(route->method));
}

int routes_admit(void *arg, struct http_request *r)
{
    const struct http_head *h = http_request_head(r);
    const struct route *route = find(h);
    if (!route) {
        return 404;
    }
    if (!method_fits(route, h)) {
        http_add_header(r, "Allow", route->method);
        return 405;
    }
    return route->admit ? route->admit(arg, r) : 0;
}

void routes_handle(void *arg, struct http_request *r)
{
    find(http_request_head(r))->handle(arg, r); /* admit has found it */
}
