/* The process, its pipes and its end. Keeps true: one at a time; what it says is bounded; it is reaped, also when it is killed; it
 * inherits no descriptor but its three, and nothing of our environment but what kefuctl needs; nothing of its copy is left behind. */
#include "kefu/daemon/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/folder.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/audited.h"

#define LIMIT_S       600
#define OUT_MAX_BYTES ((size_t)8 << 20)
#define LOOK_MS       50
#define PATH_BYTES    4096

enum { OUT, ERR, PIPES_N };

struct pipe_end {
    struct trial *trial;
    int fd; /* -1: it has ended */
    struct event *readable;
    struct buf bytes;
};

struct trial {
    struct event_base *base;
    enum trial_state state;
    char id[2 * TRIAL_ID_BYTES + 1];
    pid_t pid;        /* 0: none runs */
    char folder[512]; /* for its temporaries, which hold pay: taken away with it, however it ends; "": none */
    struct pipe_end ends[PIPES_N];
    struct event *limit, *look;
};

/* --- its end ------------------------------------------------------------------------------------------------------ */

static void end_pipe(struct pipe_end *p)
{
    if (p->fd < 0) {
        return;
    }
    event_free(p->readable);
    close(p->fd);
    p->fd = -1;
}

static void finish(struct trial *t, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    t->pid = 0;
    folder_remove(t->folder);
    t->folder[0] = 0;
    event_del(t->limit);
    end_pipe(&t->ends[OUT]);
    end_pipe(&t->ends[ERR]);
    t->state = code == 0 ? TRIAL_DONE : code == 2 ? TRIAL_BAD_RULEBOOK : TRIAL_FAILED;
    log_line(LOG_LEVEL_NOTE, "backtest", "status=%d signal=%d", code, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* Both pipes have ended: it is about to. */
static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct trial *t = arg;
    struct timeval again = {0, LOOK_MS * 1000L};
    int status = 0;
    (void)fd;
    (void)what;
    pid_t got = waitpid(t->pid, &status, WNOHANG);
    if (got == 0) {
        event_add(t->look, &again);
    } else {
        finish(t, got == t->pid ? status : -1);
    }
}

static void on_limit(evutil_socket_t fd, short what, void *arg)
{
    struct trial *t = arg;
    (void)fd;
    (void)what;
    log_line(LOG_LEVEL_WARN, "backtest", "error=\"it took longer than %d s, or said too much\"", LIMIT_S);
    kill(t->pid, SIGKILL); /* its pipes end by that */
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct pipe_end *p = arg;
    struct trial *t = p->trial;
    char piece[65536];
    (void)what;
    ssize_t n = read(fd, piece, sizeof(piece));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n > 0 && p->bytes.n + (size_t)n <= OUT_MAX_BYTES) {
        buf_put(&p->bytes, piece, (size_t)n);
        return;
    }
    if (n > 0) {
        on_limit(-1, 0, t);
    }
    end_pipe(p);
    if (t->ends[OUT].fd < 0 && t->ends[ERR].fd < 0) {
        on_look(-1, 0, t);
    }
}

/* --- its beginning ------------------------------------------------------------------------------------------------ */

/* kefuctl lies beside kefud, wherever that is. */
static int find_program(char *out, struct err *e)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_BYTES - sizeof("/kefuctl"));
    if (n < 0) {
        return err_set(e, "/proc/self/exe", "%s", strerror(errno));
    }
    out[n] = 0;
    char *slash = strrchr(out, '/');
    memcpy(slash ? slash : out, "/kefuctl", sizeof("/kefuctl"));
    return access(out, X_OK) == 0 ? 0 : err_set(e, out, "kefuctl is not there, and a backtest is its work");
}

/* The rulebook as something that can be read from: a file in memory. */
static int file_of(struct str text)
{
    int fd = memfd_create("kefud-rulebook", MFD_CLOEXEC);
    if (fd >= 0 && (write(fd, text.p, text.n) != (ssize_t)text.n || lseek(fd, 0, SEEK_SET) < 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

struct start {
    char program[PATH_BYTES];
    char state[PATH_BYTES], timezone[128], month[16], tmp[PATH_BYTES];
    int in, out[2], err[2];
};

static int spawn(pid_t *pid, struct start *s)
{
    char *args[] = {(char *)"kefuctl", (char *)"backtest",
                    (char *)"--json",  (char *)"--rulebook",
                    (char *)"-",       (char *)"--state",
                    s->state,          (char *)"--timezone",
                    s->timezone,       s->month[0] ? (char *)"--month" : NULL,
                    s->month,          NULL};
    char *env[] = {s->tmp, (char *)"LC_ALL=C.UTF-8", (char *)LOOK_NOTED "=1",
                   NULL}; /* the caller's line is ours to write */
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, s->in, 0);
    posix_spawn_file_actions_adddup2(&files, s->out[1], 1);
    posix_spawn_file_actions_adddup2(&files, s->err[1], 2);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    int bad = posix_spawn(pid, s->program, &files, &how, args, env);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return bad;
}

/* Behind the daemon for the processor, before it when memory runs out. Both may be forbidden to us, and are then left. */
static void put_last(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/oom_score_adj", (long)pid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "1000", 4);
        close(fd);
    }
    (void)setpriority(PRIO_PROCESS, (id_t)pid, 19);
}

static void listen_to(struct trial *t, int which, int fd)
{
    struct pipe_end *p = &t->ends[which];
    p->trial = t;
    p->fd = fd;
    p->bytes.n = 0;
    evutil_make_socket_nonblocking(fd);
    p->readable = event_new(t->base, fd, EV_READ | EV_PERSIST, on_readable, p);
    event_add(p->readable, NULL);
}

static void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

static int start(struct trial *t, struct start *s, struct str rulebook, struct err *e)
{
    s->in = file_of(rulebook);
    s->out[0] = s->out[1] = s->err[0] = s->err[1] = -1;
    int bad = s->in < 0 || pipe2(s->out, O_CLOEXEC) < 0 || pipe2(s->err, O_CLOEXEC) < 0 ? errno : spawn(&t->pid, s);
    close_all((int[]){s->in, s->out[1], s->err[1]}, 3);
    if (bad) {
        close_all((int[]){s->out[0], s->err[0]}, 2);
        t->pid = 0;
        return err_set(e, s->program, "cannot be begun: %s", strerror(bad));
    }
    put_last(t->pid);
    listen_to(t, OUT, s->out[0]);
    listen_to(t, ERR, s->err[0]);
    return 0;
}

const char *trial_begin(struct trial *t, const struct trial_ask *ask, struct err *e)
{
    struct start s = {0};
    struct timeval limit = {LIMIT_S, 0};
    uint8_t bytes[TRIAL_ID_BYTES];
    if (t->pid) {
        err_refuse(e, "trial_busy", "", "a backtest is under way; one at a time");
        return NULL;
    }
    snprintf(s.state, sizeof(s.state), "%.*s", STR_ARG(ask->state_dir));
    snprintf(s.timezone, sizeof(s.timezone), "%.*s", STR_ARG(ask->timezone));
    snprintf(s.month, sizeof(s.month), "%.*s", STR_ARG(ask->month));
    if (find_program(s.program, e) < 0 || folder_make(t->folder, sizeof(t->folder), "kefud-backtest", e) < 0) {
        return NULL;
    }
    snprintf(s.tmp, sizeof(s.tmp), "TMPDIR=%s", t->folder);
    if (start(t, &s, ask->rulebook, e) < 0) {
        folder_remove(t->folder);
        return NULL;
    }
    digest_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        snprintf(t->id + 2 * i, 3, "%02x", bytes[i]);
    }
    t->state = TRIAL_RUNNING;
    event_add(t->limit, &limit);
    return t->id;
}

enum trial_state trial_find(const struct trial *t, struct str id, struct str *said)
{
    *said = (struct str){0};
    if (t->state == TRIAL_NONE || !str_eq(id, str_of(t->id))) {
        return TRIAL_NONE;
    }
    if (t->state != TRIAL_RUNNING) {
        *said = buf_str(&t->ends[t->state == TRIAL_DONE ? OUT : ERR].bytes);
    }
    return t->state;
}

struct trial *trial_new(struct event_base *base)
{
    struct trial *t = xcalloc(1, sizeof(*t));
    t->base = base;
    t->ends[OUT].fd = t->ends[ERR].fd = -1;
    t->limit = evtimer_new(base, on_limit, t);
    t->look = evtimer_new(base, on_look, t);
    return t;
}

void trial_free(struct trial *t)
{
    if (!t) {
        return;
    }
    if (t->pid) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, NULL, 0);
        folder_remove(t->folder);
    }
    event_free(t->limit);
    event_free(t->look);
    for (int i = 0; i < PIPES_N; i++) {
        end_pipe(&t->ends[i]);
        buf_fini(&t->ends[i].bytes);
    }
    free(t);
}
