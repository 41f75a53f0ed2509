/* Lines into ingest.sock. Keeps true: a line leaves `held` only when the daemon has said that it is durable or refused. */
#include "kefu/ctl/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kefu/base/json.h"
#include "kefu/ctl/reach.h"

#define AWAY_MAX_MS   INT64_C(60000)
#define RETRY_MS      INT64_C(200)
#define FRUITLESS_MAX 20
#define COMPACT_BYTES ((size_t)1 << 20) /* acknowledged bytes stay in `held` until it is worth moving the rest */

int feed_open(struct feed *f, const struct cli *c, struct err *e)
{
    *f = (struct feed){.cli = c, .fd = reach_connect(c, "ingest.sock", e), .wake_fd = -1};
    return f->fd < 0 ? -1 : 0;
}

void feed_close(struct feed *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    buf_fini(&f->held);
    buf_fini(&f->in);
}

bool feed_wants(const struct feed *f)
{
    return !f->ended && f->held.n - f->head_n < FEED_WINDOW_BYTES;
}

void feed_put(struct feed *f, struct str lines, uint64_t lines_n)
{
    buf_put_str(&f->held, lines);
    f->lines_n += lines_n;
}

void feed_end(struct feed *f)
{
    f->ended = true;
}

static void hang_up(struct feed *f, int64_t mono_ms)
{
    close(f->fd);
    f->fd = -1;
    f->in.n = 0;
    f->sent_n = f->head_n;
    f->shut = false;
    f->fruitless_n++;
    f->lost_mono_ms = mono_ms;
    f->retry_mono_ms = mono_ms + RETRY_MS;
}

/* Forgets the first n held lines. */
static void drop_lines(struct feed *f, uint64_t n)
{
    const char *from = f->held.p + f->head_n, *p = from, *end = f->held.p + f->held.n;
    for (uint64_t i = 0; i < n && p < end; i++)
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
    f->head_n += (size_t)(p - from);
    f->acked_bytes += (uint64_t)(p - from);
    f->acked_n += n;
    if (f->head_n < COMPACT_BYTES && f->head_n < f->held.n)
        return;
    memmove(f->held.p, p, f->held.n - f->head_n);
    f->held.n -= f->head_n;
    f->sent_n -= f->head_n;
    f->head_n = 0;
}

static uint64_t whole(const cJSON *answer, const char *key)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(answer, key);
    return cJSON_IsNumber(n) && n->valuedouble >= 0 ? (uint64_t)n->valuedouble : 0;
}

static const char *text(const cJSON *answer, const char *key)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(answer, key);
    return cJSON_IsString(s) ? s->valuestring : "";
}

static int take_answer(struct feed *f, struct str line, struct err *e)
{
    cJSON *answer = json_parse(line, e);
    if (!answer)
        return -1;
    int status = 0;
    uint64_t ack = f->base_n + whole(answer, "ack");
    const cJSON *row;
    if (!cJSON_HasObjectItem(answer, "ack") || ack < f->acked_n || ack > f->lines_n) {
        status = err_set(e, "ingest.sock", "the daemon answered %.*s", STR_ARG(line));
        goto out;
    }
    f->accepted_n += whole(answer, "accepted");
    f->duplicate_n += whole(answer, "duplicate");
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(answer, "rejected"))
    {
        f->rejected_n++;
        if (f->rejected)
            f->rejected(f->arg, f->base_n + whole(row, "line"), text(row, "id"), text(row, "reason"));
    }
    if (ack > f->acked_n)
        f->fruitless_n = 0;
    drop_lines(f, ack - f->acked_n);
out:
    cJSON_Delete(answer);
    return status;
}

static int receive(struct feed *f, int64_t mono_ms, struct err *e)
{
    buf_reserve(&f->in, 65536);
    ssize_t n = recv(f->fd, f->in.p + f->in.n, 65536, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        hang_up(f, mono_ms);
        return 0;
    }
    f->in.n += (size_t)n;
    size_t used = 0;
    const char *end;
    while ((end = memchr(f->in.p + used, '\n', f->in.n - used)) != NULL) {
        struct str line = {f->in.p + used, (size_t)(end - f->in.p) - used};
        if (take_answer(f, line, e) != 0)
            return -1;
        used += line.n + 1;
    }
    memmove(f->in.p, f->in.p + used, f->in.n - used);
    f->in.n -= used;
    return 0;
}

static void push(struct feed *f, int64_t mono_ms)
{
    ssize_t n = send(f->fd, f->held.p + f->sent_n, f->held.n - f->sent_n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        f->sent_n += (size_t)n;
    else if (n < 0 && errno != EAGAIN && errno != EINTR)
        hang_up(f, mono_ms);
}

static int connect_again(struct feed *f, int64_t mono_ms, int wait_ms, struct err *e)
{
    if (f->fruitless_n > FRUITLESS_MAX)
        return err_set(e, "ingest.sock", "the daemon hangs up each time, at line %" PRIu64 "; its log says why",
                       f->acked_n + 1);
    if (mono_ms < f->retry_mono_ms) {
        poll(NULL, 0, wait_ms < RETRY_MS ? wait_ms : (int)RETRY_MS);
        return 0;
    }
    f->fd = reach_connect(f->cli, "ingest.sock", e);
    f->base_n = f->acked_n;
    f->retry_mono_ms = mono_ms + RETRY_MS;
    return f->fd >= 0 || mono_ms - f->lost_mono_ms < AWAY_MAX_MS ? 0 : -1;
}

int feed_turn(struct feed *f, int64_t mono_ms, int wait_ms, struct err *e)
{
    if (f->fd < 0)
        return connect_again(f, mono_ms, wait_ms, e);
    bool unsent = f->sent_n < f->held.n;
    struct pollfd both[2] = {{.fd = f->fd, .events = (short)(POLLIN | (unsent ? POLLOUT : 0))},
                             {.fd = f->wake_fd, .events = POLLIN}};
    const struct pollfd *at = &both[0];
    if (poll(both, 2, wait_ms) < 0 && errno != EINTR)
        return err_set(e, "ingest.sock", "%s", strerror(errno));
    if (unsent && (at->revents & POLLOUT))
        push(f, mono_ms);
    if (f->fd >= 0 && (at->revents & (POLLIN | POLLHUP | POLLERR)) && receive(f, mono_ms, e) != 0)
        return -1;
    if (f->fd >= 0 && f->ended && !f->shut && f->sent_n == f->held.n) {
        shutdown(f->fd, SHUT_WR);
        f->shut = true;
    }
    return 0;
}
