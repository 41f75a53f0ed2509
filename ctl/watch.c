/* kefuctl watch: the scores as they change, from Redis alone.
 *
 * On a terminal a page that is painted again every second, at a key and when the size changes; elsewhere, or with --once, one
 * page as text. Keeps true: the terminal is given back as it was, by q, Ctrl-C, a signal or its end. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/clock.h"
#include "kefu/base/json.h"
#include "kefu/base/log.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/screen.h"
#include "kefu/ctl/watch_view.h"
#include "kefu/model/config.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define ONCE_S         5 /* that one page may take */
#define SIGNALS_N      6

struct watch {
    const struct cli *cli;
    struct event_base *base;
    struct watch_feed *feed;
    struct event *keys, *limit, *tick;
    struct event *signals[SIGNALS_N];
    struct screen screen;
    struct clock clock;
    struct watch_view view;
    size_t rows_n;
    bool live; /* on a terminal; else one page */
    bool done; /* that page is complete */
    /* where Redis is */
    struct config config;
    char *config_text, *password_text;
    struct str password;
};

/* --- where Redis is ----------------------------------------------------------------------------------------------- */

static const char *config_file(const struct cli *c)
{
    static const char *const usual[] = {"kefud.json", "/etc/kefud/kefud.json"};
    for (size_t i = 0; !c->config && i < 2; i++) {
        if (access(usual[i], R_OK) == 0)
            return usual[i];
    }
    return c->config;
}

/* An option of the command line, in place of the file's. */
static void prefer(const struct cli *c, const char *option, struct str *value)
{
    const char *said = cli_value(c, option);
    if (said)
        *value = str_of(said);
}

static int read_password(struct watch *w, struct err *e)
{
    size_t n = 0;
    struct str file = w->config.redis_password_file;
    prefer(w->cli, "password-file", &file);
    if (!file.n)
        return 0;
    if (json_read_file(file.p, FILE_MAX_BYTES, &w->password_text, &n, e) != 0)
        return -1;
    w->password = (struct str){w->password_text, strcspn(w->password_text, "\r\n")};
    return 0;
}

/* A Redis that the command line names is asked as the default user, unless that says another. */
static int find_redis(struct watch *w, struct err *e)
{
    const struct cli *c = w->cli;
    const char *file = cli_value(c, "redis") ? c->config : config_file(c);
    size_t n = 2;
    if (file && json_read_file(file, FILE_MAX_BYTES, &w->config_text, &n, e) != 0)
        return -1;
    struct str text = {w->config_text ? w->config_text : "{}", n};
    if (config_read(&w->config, text, file ? file : "defaults", e) != 0)
        return -1;
    prefer(c, "redis", &w->config.redis_address);
    prefer(c, "prefix", &w->config.redis_prefix);
    prefer(c, "username", &w->config.redis_username);
    struct str *a = &w->config.redis_address;
    if (a->n > 4 && memcmp(a->p, "tcp:", 4) == 0)
        *a = (struct str){a->p + 4, a->n - 4};
    return read_password(w, e);
}

static bool is_english(const struct cli *c)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    const char *lang = cli_value(c, "lang");
    for (size_t i = 0; (!lang || !*lang) && i < 3; i++)
        lang = getenv(names[i]);
    return lang && (strncmp(lang, "en", 2) == 0 || strcmp(lang, "C") == 0 || strcmp(lang, "POSIX") == 0);
}

/* --- painting ----------------------------------------------------------------------------------------------------- */

static void refresh(struct watch *w)
{
    size_t columns_n;
    w->view.data = watch_feed_data(w->feed);
    w->view.connected = watch_feed_is_connected(w->feed);
    w->view.error = watch_feed_error(w->feed);
    w->view.now_ms = clock_wall_ms(&w->clock);
    if (w->live)
        screen_size(&w->view.lines_n, &columns_n);
}

static void paint(struct watch *w)
{
    struct buf page = {0};
    refresh(w);
    if (w->view.from && w->view.from >= w->rows_n)
        w->view.from = w->rows_n ? w->rows_n - 1 : 0;
    w->rows_n = watch_view_print(&page, &w->view);
    buf_put_str(&page, w->view.english ? STR_LIT("\n\033[2mq quit  s order  ↑↓ scroll  * not firm yet")
                                       : STR_LIT("\n\033[2mq 退出  s 排序  ↑↓ 滚动  * 等级未定"));
    screen_paint(buf_str(&page));
    buf_fini(&page);
}

static void on_changed(void *arg)
{
    struct watch *w = arg;
    if (w->live) {
        paint(w);
        return;
    }
    w->done = watch_feed_data(w->feed) != NULL;
    if (w->done || watch_feed_error(w->feed)[0])
        event_base_loopbreak(w->base);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    paint(arg); /* waits grow, whether or not anything came */
}

/* --- keys and signals --------------------------------------------------------------------------------------------- */

static void scroll(struct watch *w, long by)
{
    long to = (long)w->view.from + by, last = w->rows_n ? (long)w->rows_n - 1 : 0;
    w->view.from = (size_t)(to < 0 ? 0 : to > last ? last : to);
}

static void press(struct watch *w, const char *keys, size_t n)
{
    long page = (long)w->view.lines_n - 4;
    bool arrow = n == 3 && keys[0] == '\033' && (keys[1] == '[' || keys[1] == 'O');
    char key = arrow ? keys[2] : keys[0];
    if (!arrow && (key == 'q' || key == 'Q'))
        event_base_loopbreak(w->base);
    else if (!arrow && key == 's')
        w->view.order = w->view.order == WATCH_BY_SCORE ? WATCH_BY_WAIT : WATCH_BY_SCORE;
    else if ((arrow && key == 'B') || (!arrow && key == 'j'))
        scroll(w, 1);
    else if ((arrow && key == 'A') || (!arrow && key == 'k'))
        scroll(w, -1);
    else if (!arrow && (key == ' ' || key == 'b'))
        scroll(w, key == 'b' ? -page : page);
}

static void on_key(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    char keys[32];
    ssize_t n = read(fd, keys, sizeof keys);
    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        event_base_loopbreak(w->base); /* the terminal is gone */
        return;
    }
    press(w, keys, (size_t)n);
    paint(w);
}

static void on_end(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    event_base_loopbreak(((struct watch *)arg)->base);
}

static void on_resized(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    paint(arg);
}

/* Ctrl-Z: the shell gets its terminal; fg brings ours back. */
static void on_stop(evutil_socket_t number, short what, void *arg)
{
    struct watch *w = arg;
    (void)number;
    (void)what;
    screen_leave(&w->screen);
    raise(SIGSTOP);
    screen_enter(&w->screen);
    paint(w);
}

static void listen_to_terminal(struct watch *w)
{
    static const struct {
        int number;
        void (*on)(evutil_socket_t, short, void *);
    } signals[SIGNALS_N] = {{SIGINT, on_end},  {SIGTERM, on_end},      {SIGHUP, on_end},
                            {SIGQUIT, on_end}, {SIGWINCH, on_resized}, {SIGTSTP, on_stop}};
    for (size_t i = 0; i < SIGNALS_N; i++) {
        w->signals[i] = evsignal_new(w->base, signals[i].number, signals[i].on, w);
        event_add(w->signals[i], NULL);
    }
    w->keys = event_new(w->base, STDIN_FILENO, EV_READ | EV_PERSIST, on_key, w);
    event_add(w->keys, NULL);
    w->tick = event_new(w->base, -1, EV_PERSIST, on_tick, w);
    event_add(w->tick, &(struct timeval){1, 0});
}

/* --- the two ways ------------------------------------------------------------------------------------------------- */

static enum cli_exit show_live(struct watch *w)
{
    listen_to_terminal(w);
    screen_enter(&w->screen);
    paint(w);
    event_base_dispatch(w->base);
    screen_leave(&w->screen);
    return CLI_OK;
}

static enum cli_exit show_once(struct watch *w)
{
    struct buf page = {0};
    w->limit = evtimer_new(w->base, on_end, w);
    event_add(w->limit, &(struct timeval){ONCE_S, 0});
    event_base_dispatch(w->base);
    refresh(w);
    if (!w->done) {
        const char *why = w->view.error[0] ? w->view.error : "no answer";
        cli_say(w->cli, "%.*s: %s. Is Redis there? Say where with -c kefud.json or --redis", STR_ARG(w->view.where),
                why);
        return CLI_UNREACHABLE;
    }
    if (w->cli->json)
        watch_view_json(&page, &w->view);
    else
        (void)watch_view_print(&page, &w->view);
    fwrite(page.p, 1, page.n, stdout);
    buf_fini(&page);
    return CLI_OK;
}

static void free_event(struct event *e)
{
    if (e)
        event_free(e);
}

static void finish(struct watch *w)
{
    watch_feed_free(w->feed);
    free_event(w->keys);
    free_event(w->limit);
    free_event(w->tick);
    for (size_t i = 0; i < SIGNALS_N; i++)
        free_event(w->signals[i]);
    event_base_free(w->base);
    config_fini(&w->config);
    free(w->config_text);
    free(w->password_text);
}

static int start(struct watch *w, struct err *e)
{
    if (find_redis(w, e) != 0)
        return -1;
    w->view.where = w->config.redis_address;
    w->feed = watch_feed_new(&(struct watch_feed_options){.base = w->base,
                                                          .address = w->config.redis_address,
                                                          .username = w->config.redis_username,
                                                          .password = w->password,
                                                          .prefix = w->config.redis_prefix,
                                                          .who = w->view.who,
                                                          .changed = on_changed,
                                                          .arg = w},
                             e);
    return w->feed ? 0 : -1;
}

static enum cli_exit run(const struct cli *c)
{
    struct err e;
    struct watch w = {.cli = c, .clock = clock_real(), .base = event_base_new()};
    if (c->args_n > 1) {
        cli_say(c, "name one agent or one team, or nobody");
        event_base_free(w.base);
        return CLI_BAD_INPUT;
    }
    log_set_level(LOG_LEVEL_ERROR); /* what the connection would log is on the page */
    w.live = !cli_value(c, "once") && !c->json && screen_is_there();
    w.view.who = c->args_n ? str_of(c->args[0]) : (struct str){0};
    w.view.english = is_english(c);
    w.view.colours = w.live && !getenv("NO_COLOR");
    enum cli_exit status = CLI_FAILED;
    if (start(&w, &e) != 0)
        cli_say_err(c, &e);
    else
        status = w.live ? show_live(&w) : show_once(&w);
    finish(&w);
    return status;
}

static const struct cli_option options[] = {
    {"once", NULL, "one page as text, then end; so too where standard output is no terminal"},
    {"redis", "ADDRESS", "unix:PATH or tcp:ADDRESS:PORT, instead of what kefud.json says"},
    {"prefix", "TEXT", "of the keys ({kefu}: unless kefud.json says another)"},
    {"username", "NAME", "Redis ACL user"},
    {"password-file", "FILE", "its first line is the Redis password"},
    {"lang", "zh|en", "the language of the page (default: the locale's)"},
    {NULL, NULL, NULL},
};

const struct command command_watch = {
    .name = "watch",
    .arguments = "[AGENT|TEAM] [--once] [--redis ADDRESS] …",
    .summary = "live view of the scores on a terminal, from Redis alone",
    .help = "Needs no kefud on this machine, only its Redis. One agent is shown with all figures, a team or\n"
            "everybody as a table, painted anew every second. Rows turn yellow when a customer has waited for\n"
            "20 seconds, red at 30. Keys: q quits, s orders by score or by the longest wait, arrows, j, k, space\n"
            "and b scroll. Where Redis is stands in kefud.json (-c, ./kefud.json, /etc/kefud/kefud.json).\n",
    .options = options,
    .run = run,
};
