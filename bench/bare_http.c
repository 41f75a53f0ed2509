/* Beside P3: libevent's HTTP server that answers 202 to everything and does nothing else. Beside P11: the same, idle.
 *
 * bare_http: listens on a free port of 127.0.0.1, prints it, and serves until it is killed. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <sys/socket.h>

#include "support.h"

static void answer(struct evhttp_request *r, void *arg)
{
    (void)arg;
    evhttp_send_reply(r, 202, "Accepted", NULL);
}

static uint16_t port_of(evutil_socket_t fd)
{
    struct sockaddr_in a = {0};
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        bench_die("no port");
    return ntohs(a.sin_port);
}

int main(void)
{
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    evhttp_set_allowed_methods(http, EVHTTP_REQ_POST);
    evhttp_set_gencb(http, answer, NULL);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    if (!bound)
        bench_die("cannot listen");
    printf("%u\n", (unsigned)port_of(evhttp_bound_socket_get_fd(bound)));
    fflush(stdout);
    event_base_dispatch(base);
    return 0;
}
