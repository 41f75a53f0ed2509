/* What simulated conversations play on. Keeps true: every line is one whole event of SPEC.md's table, ids never repeat
 * within a run. */
#include "kefu/ctl/scene.h"

#include <inttypes.h>
#include <string.h>

/* Short ids are like those of busy platforms: milliseconds in the upper 42 bits, a running number below. */
static uint64_t event_token(struct scene *s, uint64_t own_n)
{
    return s->short_ids ? ((uint64_t)s->at_ms << 22) | (s->events_n & 0x3fffff) : own_n;
}

static void put_conversation(struct scene *s, uint64_t number)
{
    if (s->short_ids)
        buf_printf(s->out, "c%05" PRIu32 "%010" PRIu64, s->tag, number);
    else
        buf_printf(s->out, "c%04" PRIx32 "-%05" PRIu64, s->tag, number);
}

static void put_event(struct scene *s, uint64_t conversation, uint64_t token)
{
    if (s->short_ids) {
        buf_printf(s->out, "%016" PRIx64, token);
        return;
    }
    if (conversation)
        put_conversation(s, conversation);
    else
        buf_printf(s->out, "x%04" PRIx32, s->tag);
    buf_printf(s->out, ".%" PRIu64, token);
}

uint64_t scene_begin(struct scene *s, const char *type, uint64_t conversation, uint64_t own_n)
{
    uint64_t token = event_token(s, own_n);
    s->events_n++;
    buf_put_str(s->out, STR_LIT("{\"id\":\""));
    put_event(s, conversation, token);
    buf_printf(s->out, "\",\"source\":\"sim\",\"ts\":%" PRId64 ",\"type\":\"%s\"", s->at_ms, type);
    if (conversation) {
        buf_put_str(s->out, STR_LIT(",\"conversation\":\""));
        put_conversation(s, conversation);
        buf_put_byte(s->out, '"');
    }
    return token;
}

static void put_key(struct scene *s, const char *key)
{
    buf_put_str(s->out, STR_LIT(",\""));
    buf_put(s->out, key, strlen(key));
    buf_put_str(s->out, STR_LIT("\":"));
}

void scene_field(struct scene *s, const char *key, const char *value)
{
    put_key(s, key);
    buf_put_byte(s->out, '"');
    buf_put(s->out, value, strlen(value));
    buf_put_byte(s->out, '"');
}

void scene_number(struct scene *s, const char *key, int64_t value)
{
    put_key(s, key);
    buf_printf(s->out, "%" PRId64, value);
}

void scene_event(struct scene *s, const char *key, uint64_t conversation, uint64_t token)
{
    put_key(s, key);
    buf_put_byte(s->out, '"');
    put_event(s, conversation, token);
    buf_put_byte(s->out, '"');
}

void scene_customer(struct scene *s, uint64_t customer)
{
    buf_printf(s->out, s->short_ids ? ",\"customer\":\"u%015" PRIu64 "\"" : ",\"customer\":\"buyer%" PRIu64 "\"",
               customer);
}

void scene_order(struct scene *s, uint64_t order)
{
    if (s->short_ids)
        buf_printf(s->out, ",\"order\":\"o%05" PRIu32 "%010" PRIu64 "\"", s->tag, order);
    else
        buf_printf(s->out, ",\"order\":\"o%04" PRIx32 "-%" PRIu64 "\"", s->tag, order);
}

void scene_end(struct scene *s)
{
    buf_put_str(s->out, STR_LIT("}\n"));
    s->lines_n++;
}

int32_t scene_pick(struct scene *s, int32_t except, bool crowded)
{
    int32_t best = -1, best_load = INT32_MAX;
    uint32_t from = (uint32_t)dice_below(&s->dice, s->team_n);
    for (uint32_t k = 0; k < s->team_n; k++) {
        int32_t i = (int32_t)((from + k) % s->team_n);
        const struct teammate *t = &s->team[i];
        int32_t load = t->open_n - (t->mood ? 2 : 0);
        if (i == except || t->status != STATUS_ONLINE || (!crowded && t->open_n >= s->room_n) || load >= best_load)
            continue;
        best = i;
        best_load = load;
    }
    return best;
}
