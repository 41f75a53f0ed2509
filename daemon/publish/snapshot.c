/* Encoding of an agent for Redis.
 *
 * It keeps true that hash and message come from one list of fields, that no data is no field, and that a shown decimal
 * is never larger than the figure. It refuses nothing: a view is complete in itself. */
#include "kefu/publish/snapshot.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "kefu/base/redis_conn.h"
#include "kefu/base/tz.h"

/* KEYS: the hash, the board, meta.
 * ARGV: id, what board keys begin with, score or '', seq, channel, message, then field, value, … */
const char snapshot_script[] =
    "local function is(key, kind)\n"
    "  local t = redis.call('TYPE', key).ok\n"
    "  return t == kind or t == 'none'\n"
    "end\n"
    "if not (is(KEYS[1], 'hash') and is(KEYS[2], 'zset') and is(KEYS[3], 'hash')) then\n"
    "  return redis.error_reply('WRONGTYPE a key of kefud holds something else')\n"
    "end\n"
    "local old = ARGV[2] .. (redis.call('HGET', KEYS[1], 'team') or '-')\n"
    "if #ARGV > 6 then\n"
    "  redis.call('HSET', KEYS[1], unpack(ARGV, 7))\n"
    "  if redis.call('HLEN', KEYS[1]) * 2 ~= #ARGV - 6 then\n"
    "    local keep = {}\n"
    "    for i = 7, #ARGV, 2 do keep[ARGV[i]] = true end\n"
    "    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do\n"
    "      if not keep[field] then redis.call('HDEL', KEYS[1], field) end\n"
    "    end\n"
    "  end\n"
    "else\n"
    "  redis.call('DEL', KEYS[1])\n"
    "end\n"
    "if old ~= KEYS[2] and is(old, 'zset') then redis.call('ZREM', old, ARGV[1]) end\n"
    "if ARGV[3] == '' then\n"
    "  redis.call('ZREM', KEYS[2], ARGV[1])\n"
    "else\n"
    "  redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])\n"
    "end\n"
    "local top = redis.call('HGET', KEYS[3], 'seq')\n"
    "if top and tonumber(top) < tonumber(ARGV[4]) then redis.call('HSET', KEYS[3], 'seq', ARGV[4]) end\n"
    "redis.call('PUBLISH', ARGV[5], ARGV[6])\n"
    "return 1\n";

/* The two shapes a field goes into. */
struct fields {
    struct buf args; /* field, value, … */
    size_t args_n;
    struct buf json;
};

void snapshot_fini(struct snapshot *s)
{
    buf_fini(&s->args);
    s->args_n = 0;
}

void snapshot_put_cut(struct buf *out, int64_t num, int64_t den, int places)
{
    assert(den > 0 && places >= 0 && places <= 9);
    uint64_t unit = 1;
    for (int i = 0; i < places; i++)
        unit *= 10;
    __int128 scaled = (__int128)num * (int64_t)unit;
    __int128 cut = scaled / den - (scaled % den < 0);
    __int128 size = cut < 0 ? -cut : cut;
    if (cut < 0)
        buf_put_byte(out, '-');
    if (places == 0) {
        buf_put_number(out, (uint64_t)size, 1);
        return;
    }
    buf_put_number(out, (uint64_t)(size / unit), 1);
    buf_put_byte(out, '.');
    buf_put_number(out, (uint64_t)(size % unit), places);
}

static void put_name(struct fields *f, struct str name)
{
    redis_put_arg(&f->args, name);
    f->args_n += 2; /* the value follows */
    buf_put(&f->json, ",", 1);
    buf_put_json(&f->json, name);
    buf_put(&f->json, ":", 1);
}

static void put_text(struct fields *f, const char *name, struct str value)
{
    if (!value.n)
        return;
    put_name(f, str_of(name));
    redis_put_arg(&f->args, value);
    buf_put_json(&f->json, value);
}

static void put_decimal(struct fields *f, struct str name, int64_t num, int64_t den, int places)
{
    put_name(f, name);
    size_t at = f->json.n;
    snapshot_put_cut(&f->json, num, den, places);
    redis_put_arg(&f->args, (struct str){f->json.p + at, f->json.n - at});
}

static void put_whole(struct fields *f, const char *name, int64_t value)
{
    if (value != VIEW_NONE)
        put_decimal(f, str_of(name), value, 1, 0);
}

static void put_kpi(struct fields *f, const struct kpi *kpi, const struct kpi_score *score)
{
    struct buf name = {0};
    if (score->score_milli == SCORE_NONE || score->den <= 0)
        return;
    buf_printf(&name, "kpi:%.*s:value", STR_ARG(kpi->name));
    put_decimal(f, buf_str(&name), score->num, score->den, 4);
    name.n = 0;
    buf_printf(&name, "kpi:%.*s:points", STR_ARG(kpi->name));
    put_decimal(f, buf_str(&name), score->score_milli, 1000, 2);
    buf_fini(&name);
}

static void put_view(struct fields *f, const struct agent_view *v)
{
    char period[16];
    civil_print_month(period, sizeof period, v->month);
    if (v->score.total_milli != SCORE_NONE)
        put_decimal(f, STR_LIT("score"), v->score.total_milli, 1000, 2);
    put_text(f, "tier", v->live_tier);
    put_whole(f, "provisional", v->provisional);
    put_text(f, "team", v->team);
    put_text(f, "rulebook", v->rulebook->name);
    put_text(f, "period", str_of(period));
    for (size_t i = 0; i < v->score.kpis_n && i < v->rulebook->kpis_n; i++)
        put_kpi(f, &v->rulebook->kpis[i], &v->score.kpis[i]);
    put_whole(f, "answered", v->month_to_date.answered);
    put_whole(f, "within", v->month_to_date.within);
    put_whole(f, "missed", v->month_to_date.missed);
    put_whole(f, "response_p50", v->response_p50_ms);
    put_whole(f, "response_p90", v->response_p90_ms);
    put_whole(f, "open", v->open_n);
    put_whole(f, "waiting", v->waiting_n);
    put_whole(f, "oldest_wait_at", v->oldest_wait_at);
    put_whole(f, "rated", v->month_to_date.rating_n);
    if (v->month_to_date.rating_n > 0)
        put_decimal(f, STR_LIT("rating_mean"), v->month_to_date.rating_sum, 1000 * v->month_to_date.rating_n, 3);
    put_whole(f, "as_of", v->as_of);
    put_whole(f, "seq", (int64_t)v->seq);
}

static void put_joined(struct buf *args, struct str a, const char *b, struct str c)
{
    size_t b_n = strlen(b);
    buf_put_byte(args, '$');
    buf_put_number(args, a.n + b_n + c.n, 1);
    buf_put(args, "\r\n", 2);
    buf_put_str(args, a);
    buf_put(args, b, b_n);
    buf_put_str(args, c);
    buf_put(args, "\r\n", 2);
}

/* What stands before the fields; `score` is absent for none. */
static void put_head(struct buf *args, struct str prefix, const struct agent_view *v, struct str score)
{
    struct str none = {0};
    char seq[24];
    (void)snprintf(seq, sizeof seq, "%" PRIu64, v->seq);
    redis_put_arg(args, STR_LIT("3")); /* keys follow */
    put_joined(args, prefix, "agent:", v->agent);
    put_joined(args, prefix, "board:", v->team.n ? v->team : STR_LIT("-"));
    put_joined(args, prefix, "meta", none);
    redis_put_arg(args, v->agent);
    put_joined(args, prefix, "board:", none);
    redis_put_arg(args, score);
    redis_put_arg(args, str_of(seq));
    put_joined(args, prefix, "scores", none);
}
#define HEAD_ARGS  9
#define ROOM_BYTES 2048 /* an agent under the seed rulebook takes about half of it in each shape */

void snapshot_encode(struct snapshot *s, struct str prefix, const struct agent_view *v)
{
    struct fields f = {0};
    struct buf score = {0};
    buf_reserve(&f.args, ROOM_BYTES);
    buf_reserve(&f.json, ROOM_BYTES);
    buf_put(&f.json, "{\"agent\":", 9);
    buf_put_json(&f.json, v->agent);
    put_view(&f, v);
    buf_put(&f.json, "}", 1);
    if (v->score.total_milli != SCORE_NONE)
        snapshot_put_cut(&score, v->score.total_milli, 1000, 2);
    s->args.n = 0;
    put_head(&s->args, prefix, v, buf_str(&score));
    redis_put_arg(&s->args, buf_str(&f.json));
    buf_put_str(&s->args, buf_str(&f.args));
    s->args_n = HEAD_ARGS + 1 + f.args_n;
    buf_fini(&score);
    buf_fini(&f.args);
    buf_fini(&f.json);
}

void snapshot_encode_gone(struct snapshot *s, struct str prefix, struct str agent, uint64_t seq)
{
    struct buf json = {0};
    struct agent_view nobody = {.agent = agent, .seq = seq};
    buf_put(&json, "{\"agent\":", 9);
    buf_put_json(&json, agent);
    buf_printf(&json, ",\"seq\":%" PRIu64 "}", seq);
    s->args.n = 0;
    put_head(&s->args, prefix, &nobody, (struct str){0});
    redis_put_arg(&s->args, buf_str(&json));
    s->args_n = HEAD_ARGS + 1;
    buf_fini(&json);
}
