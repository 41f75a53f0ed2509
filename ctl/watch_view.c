/* From hashes to a page. Keeps true: a figure is shown as Redis has it, no data as "-"; old data is called old. */
#include "kefu/ctl/watch_view.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/fix.h"
#include "kefu/base/mem.h"
#include "kefu/ctl/grid.h"

#define LATE_MS 20000 /* a wait that is about to be too long */
#define LONG_MS 30000 /* and one that is */
#define HEAD_N  4     /* lines above the rows, and below */
#define BOLD    "\033[1m"
#define RED     "\033[1;31m"
#define YELLOW  "\033[33m"
#define DIM     "\033[2m"

/* A text of the page in both languages. */
struct words {
    const char *zh, *en;
};

static const char *say(const struct watch_view *v, struct words w)
{
    return v->english ? w.en : w.zh;
}

static const struct {
    const char *field;
    struct words title;
} columns[] = {
    {"team", {"团队", "team"}},
    {"score", {"得分", "score"}},
    {"tier", {"等级", "tier"}},
    {"waiting", {"待回复", "waiting"}},
    {"oldest_wait_at", {"最久等待", "longest"}},
    {"open", {"会话中", "open"}},
    {"answered", {"已回复", "answered"}},
    {"within", {"及时", "in time"}},
    {"missed", {"漏回复", "missed"}},
    {"rated", {"评价", "rated"}},
    {"rating_mean", {"均分", "stars"}},
};
#define COLUMNS_N (sizeof columns / sizeof *columns)

static const struct {
    const char *name;
    struct words label;
} tiers[] = {
    {"excellent", {"优秀", "excellent"}},
    {"good", {"良好", "good"}},
    {"qualified", {"合格", "qualified"}},
    {"unqualified", {"不合格", "unqualified"}},
};

/* What a field is called on the page of one agent; others go by their own names. */
static const struct {
    const char *field;
    struct words label;
} labels[] = {
    {"team", {"团队", "team"}},
    {"period", {"月份", "month"}},
    {"rulebook", {"规则", "rulebook"}},
    {"score", {"得分", "score"}},
    {"tier", {"等级", "tier"}},
    {"waiting", {"待回复顾客", "customers waiting"}},
    {"oldest_wait_at", {"最久等待", "longest wait"}},
    {"open", {"进行中会话", "open conversations"}},
    {"answered", {"已回复", "answered"}},
    {"within", {"及时回复", "answered in time"}},
    {"missed", {"漏回复", "missed"}},
    {"response_p50", {"回复用时中位数 (毫秒)", "response, median (ms)"}},
    {"response_p90", {"回复用时 90 分位 (毫秒)", "response, 90th percentile (ms)"}},
    {"rated", {"评价数", "ratings"}},
    {"rating_mean", {"评价均分", "mean stars"}},
};

/* --- values ------------------------------------------------------------------------------------------------------- */

static int64_t number(const struct watch_hash *h, const char *field, int64_t otherwise)
{
    int64_t v;
    struct str text = watch_field(h, field);
    return text.n && fix_parse_whole(text, &v) == 0 ? v : otherwise;
}

static int64_t milli(const struct watch_hash *h, const char *field)
{
    int64_t v;
    struct str text = watch_field(h, field);
    return text.n && fix_parse_milli(text, &v) == 0 ? v : INT64_MIN;
}

/* For how long the longest wait has been; -1: nobody waits. */
static int64_t wait_ms(const struct watch_view *v, const struct watch_hash *h)
{
    int64_t since = number(h, "oldest_wait_at", INT64_MAX);
    if (since == INT64_MAX)
        return -1;
    return since < v->now_ms ? v->now_ms - since : 0;
}

static void put_wait(struct grid *g, const struct watch_view *v, const struct watch_hash *h)
{
    int64_t s = wait_ms(v, h) / 1000;
    if (wait_ms(v, h) < 0)
        grid_put(g, STR_LIT("-"));
    else if (s < 3600)
        grid_printf(g, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    else
        grid_printf(g, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
}

/* A star says that the tier is not firm yet. */
static void put_tier(struct grid *g, const struct watch_view *v, const struct watch_hash *h)
{
    struct str name = watch_field(h, "tier");
    const char *open = str_eq(watch_field(h, "provisional"), STR_LIT("1")) ? "*" : "";
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        if (str_eq(name, str_of(tiers[i].name)))
            name = str_of(say(v, tiers[i].label));
    }
    grid_printf(g, "%.*s%s", name.n ? (int)name.n : 1, name.n ? name.p : "-", open);
}

static void put_value(struct grid *g, const struct watch_view *v, const struct watch_hash *h, const char *field)
{
    struct str text = watch_field(h, field);
    if (strcmp(field, "tier") == 0)
        put_tier(g, v, h);
    else if (strcmp(field, "oldest_wait_at") == 0)
        put_wait(g, v, h);
    else
        grid_put(g, text.n ? text : STR_LIT("-"));
}

/* --- order -------------------------------------------------------------------------------------------------------- */

struct row {
    const struct watch_hash *hash;
    int64_t score, wait;
};

static int by_score(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return str_cmp(x->hash->id, y->hash->id);
}

static int by_wait(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->wait != y->wait)
        return x->wait < y->wait ? 1 : -1;
    return by_score(a, b);
}

/* The rows that are meant, sorted; the caller frees. */
static struct row *sorted(const struct watch_view *v, size_t *n)
{
    const struct watch_data *d = v->data;
    struct row *rows = xcalloc(d->agents_n + 1, sizeof *rows);
    *n = 0;
    for (size_t i = 0; i < d->agents_n; i++) {
        const struct watch_hash *h = &d->agents[i];
        if (d->one || !v->who.n || str_eq(watch_field(h, "team"), v->who))
            rows[(*n)++] = (struct row){h, milli(h, "score"), wait_ms(v, h)};
    }
    qsort(rows, *n, sizeof *rows, v->order == WATCH_BY_WAIT ? by_wait : by_score);
    return rows;
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void put_colour(struct buf *out, const struct watch_view *v, const char *colour)
{
    if (v->colours)
        buf_put(out, colour, strlen(colour));
}

static void put_head(struct buf *out, const struct watch_view *v, size_t rows_n)
{
    put_colour(out, v, BOLD);
    buf_printf(out, "kefud  %.*s",
               STR_ARG(v->who.n ? v->who : str_of(say(v, (struct words){"全部客服", "everybody"}))));
    if (v->data) {
        struct str period = watch_field(&v->data->meta, "period"), book = watch_field(&v->data->meta, "rulebook");
        buf_printf(out, "  %.*s  %.*s  %zu %s", STR_ARG(period), STR_ARG(book), rows_n,
                   say(v, (struct words){"人", rows_n == 1 ? "agent" : "agents"}));
    }
    buf_put_byte(out, '\n');
    put_colour(out, v, RED);
    if (v->error[0])
        buf_printf(out, "%s: %s", say(v, (struct words){"Redis 拒绝", "Redis refuses"}), v->error);
    else if (!v->connected)
        buf_printf(out, "%s %.*s",
                   say(v, (struct words){"连不上 Redis,正在重试:", "Redis is not reached, trying again:"}),
                   STR_ARG(v->where));
    else if (v->data && !v->data->alive)
        buf_printf(out, "%s",
                   say(v, (struct words){"kefud 没有在运行,以下是旧数据", "no kefud is running; this is old"}));
    buf_put_byte(out, '\n');
}

/* Appends the grid line by line, in colours by the waits; the first line is the titles. */
static void put_lines(struct buf *out, const struct watch_view *v, const struct grid *g, const struct row *rows)
{
    struct buf table = {0};
    grid_print(&table, g);
    struct str rest = buf_str(&table);
    for (size_t i = 0; rest.n; i++) {
        const char *feed = memchr(rest.p, '\n', rest.n);
        size_t n = feed ? (size_t)(feed - rest.p) + 1 : rest.n;
        if (i == 0)
            put_colour(out, v, DIM);
        else if (rows[i - 1].wait >= LONG_MS)
            put_colour(out, v, RED);
        else if (rows[i - 1].wait >= LATE_MS)
            put_colour(out, v, YELLOW);
        buf_put(out, rest.p, n);
        rest = (struct str){rest.p + n, rest.n - n};
    }
    buf_fini(&table);
}

static void put_table(struct buf *out, const struct watch_view *v, const struct row *rows, size_t rows_n)
{
    struct grid g = {.columns_n = COLUMNS_N + 1};
    size_t room_n = v->lines_n > HEAD_N ? v->lines_n - HEAD_N : 1;
    size_t shown_n = !v->lines_n || rows_n - v->from < room_n ? rows_n - v->from : room_n;
    grid_put(&g, str_of(say(v, (struct words){"客服", "agent"})));
    for (size_t i = 0; i < COLUMNS_N; i++) {
        grid_put(&g, str_of(say(v, columns[i].title)));
        g.right[i + 1] = i == 1 || i > 2;
    }
    for (size_t r = v->from; r < v->from + shown_n; r++) {
        grid_put(&g, rows[r].hash->id);
        for (size_t i = 0; i < COLUMNS_N; i++)
            put_value(&g, v, rows[r].hash, columns[i].field);
    }
    put_lines(out, v, &g, rows + v->from);
    grid_fini(&g);
}

static void put_kpis(struct grid *g, const struct watch_view *v, const struct watch_hash *h)
{
    static const char head[] = "kpi:", tail[] = ":points";
    for (size_t i = 0; i + 1 < h->pairs_n; i += 2) {
        struct str f = h->pairs[i];
        char value[200];
        if (f.n <= sizeof head + sizeof tail || f.n > 150 || memcmp(f.p, head, sizeof head - 1) != 0 ||
            memcmp(f.p + f.n - (sizeof tail - 1), tail, sizeof tail - 1) != 0)
            continue;
        struct str name = {f.p + sizeof head - 1, f.n - (sizeof head - 1) - (sizeof tail - 1)};
        snprintf(value, sizeof value, "kpi:%.*s:value", STR_ARG(name));
        struct str is = watch_field(h, value);
        grid_printf(g, "KPI %.*s", STR_ARG(name));
        grid_printf(g, "%.*s %s  (%.*s)", STR_ARG(h->pairs[i + 1]), say(v, (struct words){"分", "points"}),
                    STR_ARG(is));
    }
}

static void put_one(struct buf *out, const struct watch_view *v, const struct row *row)
{
    struct grid g = {.columns_n = 2};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        grid_put(&g, str_of(say(v, labels[i].label)));
        put_value(&g, v, row->hash, labels[i].field);
    }
    put_kpis(&g, v, row->hash);
    if (row->wait >= LATE_MS)
        put_colour(out, v, row->wait >= LONG_MS ? RED : YELLOW);
    grid_print(out, &g);
    grid_fini(&g);
}

size_t watch_view_print(struct buf *out, const struct watch_view *v)
{
    size_t n = 0;
    struct row *rows = v->data ? sorted(v, &n) : NULL;
    put_head(out, v, n);
    if (n && v->data->one)
        put_one(out, v, rows);
    else if (n)
        put_table(out, v, rows, n);
    else if (v->data)
        buf_printf(out, "%s\n",
                   say(v, (struct words){"没有这样的客服或团队的数据", "no such agent or team has any figures"}));
    free(rows);
    return n;
}

void watch_view_json(struct buf *out, const struct watch_view *v)
{
    size_t n = 0;
    struct row *rows = sorted(v, &n);
    buf_printf(out, "{\"alive\": %s, \"meta\": {", v->data->alive ? "true" : "false");
    for (size_t i = 0; i + 1 < v->data->meta.pairs_n; i += 2) {
        buf_put_str(out, i ? STR_LIT(", ") : STR_LIT(""));
        buf_put_json(out, v->data->meta.pairs[i]);
        buf_put_str(out, STR_LIT(": "));
        buf_put_json(out, v->data->meta.pairs[i + 1]);
    }
    buf_put_str(out, STR_LIT("}, \"agents\": ["));
    for (size_t r = 0; r < n; r++) {
        buf_put_str(out, r ? STR_LIT(", {\"agent\": ") : STR_LIT("{\"agent\": "));
        buf_put_json(out, rows[r].hash->id);
        for (size_t i = 0; i + 1 < rows[r].hash->pairs_n; i += 2) {
            buf_put_str(out, STR_LIT(", "));
            buf_put_json(out, rows[r].hash->pairs[i]);
            buf_put_str(out, STR_LIT(": "));
            buf_put_json(out, rows[r].hash->pairs[i + 1]);
        }
        buf_put_byte(out, '}');
    }
    buf_put_str(out, STR_LIT("]}\n"));
    free(rows);
}
