/* The table of platforms, and what their descriptors share. Keeps true: secrets are compared in constant time, and a reason for
 * a refusal never holds what was sent. */
#include "kefu/collectors/platform.h"

#include <inttypes.h>
#include <stdlib.h>

#include "kefu/base/json.h"
#include "kefu/collectors/platforms.h"

const struct platform *const platforms[] = {&platform_chatwoot, &platform_wecom,   &platform_qiyu,
                                            &platform_meiqia,   &platform_zendesk, &platform_intercom};
const size_t platforms_n = sizeof(platforms) / sizeof(platforms[0]);

const struct platform *platform_find(struct str name)
{
    for (size_t i = 0; i < platforms_n; i++) {
        if (str_eq(name, str_of(platforms[i]->name))) {
            return platforms[i];
        }
    }
    return NULL;
}

struct str delivery_header(const struct delivery *d, const char *name)
{
    return d->head ? http_head_find(d->head, name) : (struct str){NULL, 0};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that %XX at the start of s stands for; -1: it is no such thing. */
static int coded_byte(struct str s)
{
    int high = s.n >= 3 && s.p[0] == '%' ? hex_digit(s.p[1]) : -1;
    int low = high >= 0 ? hex_digit(s.p[2]) : -1;
    return low >= 0 ? high * 16 + low : -1;
}

static void undo_percents(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        int byte = coded_byte((struct str){s.p + i, s.n - i});
        if (byte >= 0) {
            buf_put_byte(out, (uint8_t)byte);
            i += 2;
        } else {
            buf_put_byte(out, (uint8_t)(s.p[i] == '+' ? ' ' : s.p[i]));
        }
    }
}

struct str delivery_query(const struct delivery *d, const char *name, struct buf *room)
{
    struct str rest = d->query;
    size_t name_n = strlen(name);
    room->n = 0;
    while (rest.n > 0) {
        const char *end = memchr(rest.p, '&', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        if (n > name_n && rest.p[name_n] == '=' && memcmp(rest.p, name, name_n) == 0) {
            undo_percents((struct str){rest.p + name_n + 1, n - name_n - 1}, room);
            return buf_str(room);
        }
        n += end != NULL;
        rest = (struct str){rest.p + n, rest.n - n};
    }
    return (struct str){NULL, 0};
}

int delivery_check_stamp(const struct delivery *d, struct str seconds, struct err *why)
{
    int64_t stamp_s = 0;
    if (seconds.n == 0 || seconds.n > 11) {
        return err_set(why, "stamp", "there is none");
    }
    for (size_t i = 0; i < seconds.n; i++) {
        if (seconds.p[i] < '0' || seconds.p[i] > '9') {
            return err_set(why, "stamp", "it is no number of seconds");
        }
        stamp_s = stamp_s * 10 + (seconds.p[i] - '0');
    }
    int64_t off_ms = d->now_ms - stamp_s * 1000;
    if (off_ms > PLATFORM_STAMP_MS + 999 || off_ms < -PLATFORM_STAMP_MS) {
        return err_set(why, "stamp", "it is %" PRId64 " s off our clock, more than 300", off_ms / 1000);
    }
    return 0;
}

int delivery_check_key(const struct collector *c, const struct delivery *d, struct err *why)
{
    struct buf room = {0};
    bool same = sign_same(delivery_query(d, "key", &room), c->secret);
    buf_fini(&room);
    return same ? 0 : err_set(why, "key", "the address was called without its key, or with another");
}

void delivery_take_json(const struct delivery *d, const struct collector *c,
                        void (*turn)(const struct collector *c, const cJSON *payload, struct turned *out),
                        struct turned *out)
{
    struct err e;
    cJSON *payload = json_parse(d->body, &e);
    if (!payload) {
        turned_refuse(out, "body: %s: %s", e.where, e.what);
    } else if (!cJSON_IsObject(payload)) {
        turned_refuse(out, "body: expected a JSON object");
    } else {
        turn(c, payload, out);
    }
    if (out->n == 0) { /* a message without words, for one: never silently nothing */
        turned_ignore(out, "nothing in it that a figure needs");
    }
    cJSON_Delete(payload);
}
