/* The way to the running daemon. Refuses answers that are no JSON; waits a minute for one, for a daemon may be starting. */
#include "kefu/ctl/reach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "kefu/base/json.h"
#include "kefu/model/config.h"

#define CONFIG_MAX_BYTES ((size_t)1 << 20)
#define ANSWER_S         60
#define READ_BYTES       65536

enum folder { SOCKETS, STATE };

static int folder_of_config(const char *file, enum folder which, char *out, size_t out_n, struct err *e)
{
    char *text;
    size_t n;
    struct config config = {0};
    if (json_read_file(file, CONFIG_MAX_BYTES, &text, &n, e) != 0)
        return -1;
    int status = config_read(&config, (struct str){text, n}, file, e);
    if (status == 0)
        snprintf(out, out_n, "%.*s", STR_ARG(which == STATE ? config.state_dir : config.run_dir));
    config_fini(&config);
    free(text);
    return status;
}

static int find_folder(const struct cli *c, enum folder which, char *out, size_t out_n, struct err *e)
{
    static const char *const usual[] = {"kefud.json", "/etc/kefud/kefud.json"};
    const char *from_environment = getenv("KEFU_STATE");
    if (c->state || (!c->config && from_environment)) {
        snprintf(out, out_n, "%s", c->state ? c->state : from_environment);
        return 0;
    }
    if (c->config)
        return folder_of_config(c->config, which, out, out_n, e);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (access(usual[i], R_OK) == 0)
            return folder_of_config(usual[i], which, out, out_n, e);
    }
    return err_set(e, "", "which daemon? Give -c kefud.json or --state DIR, or set KEFU_STATE");
}

int reach_folder(const struct cli *c, char *out, size_t out_n, struct err *e)
{
    return find_folder(c, SOCKETS, out, out_n, e);
}

int reach_state(const struct cli *c, char *out, size_t out_n, struct err *e)
{
    return find_folder(c, STATE, out, out_n, e);
}

int reach_connect(const struct cli *c, const char *name, struct err *e)
{
    char folder[REACH_PATH_MAX];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (reach_folder(c, folder, sizeof folder, e) != 0)
        return -1;
    int n = snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof at.sun_path)
        return err_set(e, folder, "the path is too long for a socket; a daemon cannot listen there");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(e, at.sun_path, "%s", strerror(errno));
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    int code = errno;
    close(fd);
    return err_set(e, at.sun_path, "no daemon answers (%s). Is kefud running with this folder for its sockets?",
                   strerror(code));
}

int reach_open(struct reach *r, const struct cli *c, struct err *e)
{
    *r = (struct reach){.fd = reach_connect(c, "control.sock", e)};
    if (r->fd < 0)
        return -1;
    struct timeval limit = {.tv_sec = ANSWER_S};
    setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return 0;
}

void reach_close(struct reach *r)
{
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    buf_fini(&r->in);
}

static int send_line(int fd, struct str request, struct err *e)
{
    struct buf line = {0};
    buf_put_str(&line, request);
    buf_put_byte(&line, '\n');
    size_t sent = 0;
    while (sent < line.n) {
        ssize_t n = send(fd, line.p + sent, line.n - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    buf_fini(&line);
    return sent == request.n + 1 ? 0 : err_set(e, "control socket", "cannot ask: %s", strerror(errno));
}

/* The next line of the answer, without its line feed (borrowed until the next one); -1 with e. */
static int read_line(struct reach *r, struct str *line, struct err *e)
{
    const char *end = NULL;
    buf_reserve(&r->in, READ_BYTES);
    r->in.n -= r->read_n;
    memmove(r->in.p, r->in.p + r->read_n, r->in.n);
    r->read_n = 0;
    for (size_t looked_n = 0; !(end = memchr(r->in.p + looked_n, '\n', r->in.n - looked_n));) {
        looked_n = r->in.n;
        buf_reserve(&r->in, READ_BYTES);
        ssize_t n = recv(r->fd, r->in.p + r->in.n, READ_BYTES, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return err_set(e, "control socket", "the daemon hung up without an answer");
        if (n < 0 && errno == EAGAIN)
            return err_set(e, "control socket", "no answer for %d s", ANSWER_S);
        if (n < 0)
            return err_set(e, "control socket", "%s", strerror(errno));
        r->in.n += (size_t)n;
    }
    *line = (struct str){r->in.p, (size_t)(end - r->in.p)};
    r->read_n = line->n + 1;
    return 0;
}

/* The answer, behind whatever tells of progress. NULL with e. */
static cJSON *read_answer(struct reach *r, const struct reach_progress *progress, struct str *line, struct err *e)
{
    for (;;) {
        cJSON *tree = read_line(r, line, e) == 0 ? json_parse(*line, e) : NULL;
        const cJSON *told = cJSON_GetObjectItemCaseSensitive(tree, "progress");
        if (!told || cJSON_HasObjectItem(tree, "ok"))
            return tree;
        if (progress)
            progress->each(progress->arg, told);
        cJSON_Delete(tree);
    }
}

cJSON *reach_await(struct reach *r, struct str request, const struct reach_progress *progress, struct str *raw,
                   struct err *e)
{
    struct str line = {NULL, 0};
    if (send_line(r->fd, request, e) != 0)
        return NULL;
    cJSON *answer = read_answer(r, progress, &line, e);
    if (!answer)
        return NULL;
    if (raw)
        *raw = line;
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok")))
        return answer;
    const cJSON *why = cJSON_GetObjectItemCaseSensitive(answer, "error");
    err_set(e, "", "%s", cJSON_IsString(why) ? why->valuestring : "the daemon gave no reason");
    cJSON_Delete(answer);
    return NULL;
}

cJSON *reach_ask(struct reach *r, struct str request, struct str *raw, struct err *e)
{
    return reach_await(r, request, NULL, raw, e);
}
