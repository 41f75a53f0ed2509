/* Questions to the daemon: the shared way, and the two commands that need nothing else (status, reload). */
#include "kefu/ctl/ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kefu/base/json.h"
#include "kefu/base/utf8.h"
#include "kefu/ctl/bar.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/reach.h"

/* Whoever hands events in and has one refused says so with its exit status, as load does. */
static enum cli_exit status_of(const cJSON *answer)
{
    const cJSON *rejected = cJSON_GetObjectItemCaseSensitive(answer, "rejected");
    return cJSON_IsNumber(rejected) && rejected->valuedouble > 0 ? CLI_BAD_INPUT : CLI_OK;
}

/* What a step of a checkpoint does, in words; of a daemon that knows others, its own. */
static const char *words_of(const char *step)
{
    static const char *const words[][2] = {
        {"wait", "waiting for its turn"},
        {"freeze", "copying what changed"},
        {"flip", "making it count"},
        {"merge", "moving it into place"},
        {"trim", "letting go of the journal"},
        {"let_go", "letting go of old evidence"},
        {"mark", "looking for what is at rest"},
        {"find", "looking up what is at rest"},
        {"point", "noting where it lies"},
        {"chill", "taking it out of memory"},
        {"tidy", "giving free pages back"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(step, words[i][0]) == 0)
            return words[i][1];
    return step;
}

static uint64_t count_of(const cJSON *progress, const char *name)
{
    const cJSON *n = cJSON_GetObjectItemCaseSensitive(progress, name);
    return cJSON_IsNumber(n) && n->valuedouble > 0 ? (uint64_t)n->valuedouble : 0;
}

static void paint(void *arg, const cJSON *progress)
{
    const cJSON *doing = cJSON_GetObjectItemCaseSensitive(progress, "doing");
    bool full = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(progress, "full"));
    const char *step = cJSON_IsString(doing) ? words_of(doing->valuestring) : "under way";
    char what[96];
    snprintf(what, sizeof what, "checkpoint: %s%s", step, full ? " (waiting: the disk is full)" : "");
    bar_paint(arg, what, count_of(progress, "done"), count_of(progress, "of"));
}

/* The bar, if there is one, is gone before anything else is printed. */
static enum cli_exit ask_along(const struct cli *c, struct str request, struct bar *bar,
                               void (*print)(const cJSON *answer))
{
    const struct reach_progress progress = {paint, bar};
    struct reach r;
    struct err e;
    struct str raw;
    if (reach_open(&r, c, &e) != 0) {
        cli_say_err(c, &e);
        return CLI_UNREACHABLE;
    }
    cJSON *answer = reach_await(&r, request, bar ? &progress : NULL, &raw, &e);
    if (bar)
        bar_clear(bar);
    if (!answer)
        cli_say_err(c, &e);
    else if (c->json)
        printf("%.*s\n", STR_ARG(raw));
    else
        print(answer);
    enum cli_exit status = answer ? status_of(answer) : CLI_FAILED;
    cJSON_Delete(answer);
    reach_close(&r);
    return status;
}

enum cli_exit ask(const struct cli *c, struct str request, void (*print)(const cJSON *answer))
{
    return ask_along(c, request, NULL, print);
}

void ask_put_typed(struct buf *request, struct str typed)
{
    struct buf text = {0};
    for (const char *p = typed.p, *end = typed.p + typed.n; p < end;) {
        size_t n = utf8_length(p, end);
        buf_put(&text, n ? p : "?", n ? n : 1);
        p += n ? n : 1;
    }
    buf_put_json(request, buf_str(&text));
    buf_fini(&text);
}

static void value_cell(struct grid *g, const cJSON *value)
{
    char literal[40];
    if (cJSON_IsString(value))
        grid_put(g, str_of(value->valuestring));
    else if (cJSON_IsNumber(value))
        grid_put(g, json_literal(value, literal, sizeof literal));
    else if (cJSON_IsBool(value))
        grid_put(g, cJSON_IsTrue(value) ? STR_LIT("yes") : STR_LIT("no"));
    else
        grid_put(g, STR_LIT("-"));
}

void ask_cell(struct grid *g, const cJSON *object, const char *key)
{
    value_cell(g, cJSON_GetObjectItemCaseSensitive(object, key));
}

void ask_time_cell(struct grid *g, const cJSON *object, const char *key)
{
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(object, key);
    char text[40];
    struct tm local;
    time_t s = cJSON_IsNumber(at) ? (time_t)(at->valuedouble / 1000) : 0;
    if (!cJSON_IsNumber(at) || !localtime_r(&s, &local))
        grid_put(g, STR_LIT("-"));
    else
        grid_put(g, (struct str){text, strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local)});
}

void ask_titles(struct grid *g, const char *const *titles, size_t n)
{
    g->columns_n = n;
    for (size_t i = 0; i < n; i++)
        grid_put(g, str_of(titles[i]));
}

void ask_print(struct grid *g)
{
    struct buf out = {0};
    grid_print(&out, g);
    if (out.n) /* nothing to show has no memory either */
        fwrite(out.p, 1, out.n, stdout);
    buf_fini(&out);
    grid_fini(g);
}

static bool is_time(const char *key)
{
    return strcmp(key, "as_of") == 0 || strcmp(key, "at") == 0 || strcmp(key, "last_ts") == 0 ||
           strcmp(key, "oldest_wait_at") == 0;
}

static void print_sources(const cJSON *sources)
{
    static const char *const titles[] = {"source", "platform", "events", "latest", "lag s", "gap until", "trouble"};
    struct grid g = {.right = {[2] = true, [4] = true}};
    const cJSON *s;
    putchar('\n');
    ask_titles(&g, titles, 7);
    cJSON_ArrayForEach(s, sources)
    {
        const cJSON *lag_ms = cJSON_GetObjectItemCaseSensitive(s, "lag_ms");
        ask_cell(&g, s, "source");
        ask_cell(&g, s, "platform");
        ask_cell(&g, s, "events");
        ask_time_cell(&g, s, "last_ts");
        grid_printf(&g, lag_ms ? "%.0f" : "-", lag_ms ? lag_ms->valuedouble / 1000 : 0);
        ask_time_cell(&g, s, "gap_to");
        ask_cell(&g, s, "trouble");
    }
    ask_print(&g);
}

static void print_streams(const cJSON *streams)
{
    static const char *const titles[] = {"stream", "state", "position", "entries", "lost", "dead", "claimed", "error"};
    const size_t n = sizeof titles / sizeof *titles;
    struct grid g = {.right = {[3] = true, [4] = true, [5] = true, [6] = true}};
    const cJSON *s;
    putchar('\n');
    ask_titles(&g, titles, n);
    cJSON_ArrayForEach(s, streams)
    {
        for (size_t i = 0; i < n; i++)
            ask_cell(&g, s, titles[i]);
    }
    ask_print(&g);
}

static void print_members(struct grid *g, const char *prefix, const cJSON *object)
{
    const cJSON *m;
    cJSON_ArrayForEach(m, object)
    {
        if (cJSON_IsObject(m)) {
            print_members(g, m->string, m);
            continue;
        }
        if (cJSON_IsArray(m) || strcmp(m->string, "ok") == 0)
            continue;
        grid_printf(g, "%s%s%s", prefix, prefix[0] ? " " : "", m->string);
        if (is_time(m->string))
            ask_time_cell(g, object, m->string);
        else
            value_cell(g, m);
    }
}

static void print_status(const cJSON *answer)
{
    struct grid g = {.columns_n = 2};
    print_members(&g, "", answer);
    ask_print(&g);
    const cJSON *sources = cJSON_GetObjectItemCaseSensitive(answer, "sources");
    if (cJSON_GetArraySize(sources) > 0)
        print_sources(sources);
    const cJSON *streams = cJSON_GetObjectItemCaseSensitive(answer, "streams");
    if (cJSON_GetArraySize(streams) > 0)
        print_streams(streams);
}

static enum cli_exit run_status(const struct cli *c)
{
    return ask(c, STR_LIT("{\"do\":\"status\"}"), print_status);
}

static enum cli_exit run_reload(const struct cli *c)
{
    return ask(c, STR_LIT("{\"do\":\"reload\"}"), print_status);
}

static enum cli_exit run_checkpoint(const struct cli *c)
{
    struct bar bar;
    bar_init(&bar);
    return ask_along(c, STR_LIT("{\"do\":\"checkpoint\",\"progress\":true}"), &bar, print_status);
}

static const struct cli_option none[] = {{NULL, NULL, NULL}};

const struct command command_status = {
    .name = "status",
    .arguments = "[--json]",
    .summary = "what the daemon is doing, and whether anything is wrong",
    .help = "",
    .options = none,
    .run = run_status,
};

const struct command command_reload = {
    .name = "reload",
    .arguments = "",
    .summary = "read the configuration and the rulebooks again: all or nothing",
    .help = "The same as SIGHUP, but says what became of it.\n",
    .options = none,
    .run = run_reload,
};

const struct command command_checkpoint = {
    .name = "checkpoint",
    .arguments = "[--json]",
    .summary = "make a checkpoint now, so that the next start has little to read",
    .help = "The daemon makes them by itself (checkpoint_events, checkpoint_s); this one is for before a\n"
            "planned restart. Ends when it is durable, however long a slow disk takes, and shows on a terminal how\n"
            "far it is; a daemon that says nothing for a minute is given up.\n",
    .options = none,
    .run = run_checkpoint,
};

void ask_print_list(const cJSON *list, const char *const *keys, size_t n)
{
    struct grid g = {0};
    const cJSON *x;
    ask_titles(&g, keys, n);
    cJSON_ArrayForEach(x, list)
    {
        for (size_t i = 0; i < n; i++) {
            if (strcmp(keys[i], "at") == 0 || strcmp(keys[i], "confirm_from") == 0)
                ask_time_cell(&g, x, keys[i]);
            else
                ask_cell(&g, x, keys[i]);
        }
    }
    ask_print(&g);
}
