/* Bodies and signatures of robots. One row a vendor says what bounds it; the codes are those that vendors document. */
#include "kefu/publish/robot.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/utf8.h"

#define HALF_HOUR_MS INT64_C(1800000)
#define CROWD_MS     15000

enum { SECRET_MAX_BYTES = 1024, MAC_BYTES = crypto_auth_hmacsha256_BYTES };

static const struct {
    size_t text_max_bytes; /* well under what the whole body may have, escapes included */
    struct robot_pace pace;
} bounds[] = {
    [CHANNEL_NONE] = {0, {1, 1000}},
    [CHANNEL_DINGTALK] = {6000, {3, 4000}}, /* 20 a minute, or ten minutes of silence; the body 20,000 bytes */
    [CHANNEL_FEISHU] = {6000, {4, 650}},    /* 5 a second, 100 a minute; the body 20 KiB */
    [CHANNEL_WECOM] = {3900, {3, 4000}},    /* 20 a minute; markdown 4,096 bytes */
    [CHANNEL_WEBHOOK] = {16000, {5, 200}},
};

size_t robot_text_max(enum channel_kind k)
{
    return bounds[k].text_max_bytes;
}

struct robot_pace robot_pace(enum channel_kind k)
{
    return bounds[k].pace;
}

int64_t robot_crowd_ms(enum channel_kind k, int64_t wall_ms, int64_t spread_ms)
{
    int64_t into_ms = wall_ms % HALF_HOUR_MS, until_ms = CROWD_MS + spread_ms;
    return k == CHANNEL_FEISHU && into_ms < until_ms ? until_ms - into_ms : 0;
}

void robot_call_fini(struct robot_call *c)
{
    buf_fini(&c->url);
    buf_fini(&c->body);
    buf_fini(&c->id);
    buf_fini(&c->timestamp);
    buf_fini(&c->signature);
    *c = (struct robot_call){0};
}

/* --- signatures --------------------------------------------------------------------------------------------------- */

static void put_base64(struct buf *out, const unsigned char *bytes, size_t n)
{
    char room[sodium_base64_ENCODED_LEN(MAC_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    sodium_bin2base64(room, sizeof room, bytes, n, sodium_base64_VARIANT_ORIGINAL);
    buf_put_str(out, str_of(room));
}

static void sign(struct buf *out, struct str key, struct str text)
{
    crypto_auth_hmacsha256_state h;
    unsigned char mac[MAC_BYTES];
    crypto_auth_hmacsha256_init(&h, (const unsigned char *)key.p, key.n);
    crypto_auth_hmacsha256_update(&h, (const unsigned char *)text.p, text.n);
    crypto_auth_hmacsha256_final(&h, mac);
    put_base64(out, mac, sizeof mac);
    sodium_memzero(&h, sizeof h);
}

void robot_sign_dingtalk(struct buf *out, struct str secret, int64_t at_ms)
{
    struct buf text = {0};
    buf_printf(&text, "%" PRId64 "\n%.*s", at_ms, STR_ARG(secret));
    sign(out, secret, buf_str(&text));
    buf_fini(&text);
}

void robot_sign_feishu(struct buf *out, struct str secret, int64_t at_s)
{
    struct buf key = {0};
    buf_printf(&key, "%" PRId64 "\n%.*s", at_s, STR_ARG(secret));
    sign(out, buf_str(&key), STR_LIT(""));
    buf_fini(&key);
}

int robot_sign_webhook(struct buf *out, struct str secret, struct str signed_text, struct err *e)
{
    static const char head[] = "whsec_";
    unsigned char key[SECRET_MAX_BYTES];
    size_t n, skip = secret.n > sizeof head && !memcmp(secret.p, head, sizeof head - 1) ? sizeof head - 1 : 0;
    if (sodium_base642bin(key, sizeof key, secret.p + skip, secret.n - skip, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        n < 16)
        return err_set(e, "secret", "expected whsec_ and at least 16 bytes in base64");
    sign(out, (struct str){(const char *)key, n}, signed_text);
    sodium_memzero(key, sizeof key);
    return 0;
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static struct str field(const struct effect *f, const char *name)
{
    for (size_t i = 0; i < f->pairs_n; i += 2)
        if (str_eq(f->pairs[i], str_of(name)))
            return f->pairs[i + 1];
    return (struct str){NULL, 0};
}

/* Titles and texts of all notices, as far as there is room; what has none is counted. */
static void put_text(struct buf *out, const struct channel *c, const struct robot_message *m, const char *bold)
{
    size_t most = m->text_max_bytes > 60 ? m->text_max_bytes - 60 : 0; /* room for the last line */
    size_t i = 0;
    for (; i < m->n; i++) {
        struct buf one = {0};
        struct str title = field(m->notices[i], "title"), text = field(m->notices[i], "text");
        buf_printf(&one, "%s%s%.*s%s\n\n%.*s", i ? "\n\n" : "", bold, STR_ARG(title), bold, STR_ARG(text));
        bool fits = out->n + one.n <= most;
        if (fits || i == 0)
            buf_put_str(out, utf8_cut(buf_str(&one), most - out->n));
        buf_fini(&one);
        if (!fits && i)
            break;
    }
    if (i < m->n)
        buf_printf(out, c->english ? "\n\n… and %zu more messages" : "\n\n……另有 %zu 条通知", m->n - i);
}

static void put_title(struct buf *out, const struct channel *c, const struct robot_message *m)
{
    if (m->n == 1)
        buf_put_str(out, field(m->notices[0], "title"));
    else
        buf_printf(out, c->english ? "%zu notices" : "%zu 条通知", m->n);
}

static void put_url_encoded(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        bool plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9');
        buf_printf(out, plain ? "%c" : "%%%02X", b);
    }
}

static void write_dingtalk(struct robot_call *out, const struct channel *c, const struct robot_message *m,
                           int64_t now_ms)
{
    struct buf title = {0}, text = {0};
    buf_put_str(&out->url, c->url);
    if (c->secret.n) {
        robot_sign_dingtalk(&out->signature, c->secret, now_ms);
        buf_printf(&out->url, "&timestamp=%" PRId64 "&sign=", now_ms);
        put_url_encoded(&out->url, buf_str(&out->signature));
    }
    put_title(&title, c, m);
    put_text(&text, c, m, "**");
    buf_put_str(&out->body, STR_LIT("{\"msgtype\":\"markdown\",\"markdown\":{\"title\":"));
    buf_put_json(&out->body, buf_str(&title));
    buf_put_str(&out->body, STR_LIT(",\"text\":"));
    buf_put_json(&out->body, buf_str(&text));
    buf_put_str(&out->body, STR_LIT("},\"at\":{\"isAtAll\":false}}"));
    buf_fini(&title);
    buf_fini(&text);
}

static const char *color_of(const struct robot_message *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (str_eq(field(m->notices[i], "severity"), STR_LIT("critical")))
            return "red";
    return "orange";
}

static void write_feishu(struct robot_call *out, const struct channel *c, const struct robot_message *m, int64_t now_ms)
{
    struct buf title = {0}, text = {0};
    buf_put_str(&out->url, c->url);
    put_title(&title, c, m);
    put_text(&text, c, m, "**");
    buf_put_byte(&out->body, '{');
    if (c->secret.n) {
        robot_sign_feishu(&out->signature, c->secret, now_ms / 1000);
        buf_printf(&out->body, "\"timestamp\":\"%" PRId64 "\",\"sign\":\"%.*s\",", now_ms / 1000,
                   STR_ARG(buf_str(&out->signature)));
    }
    buf_printf(&out->body,
               "\"msg_type\":\"interactive\",\"card\":{\"header\":{\"template\":\"%s\",\"title\":{\"tag\":"
               "\"plain_text\",\"content\":",
               color_of(m));
    buf_put_json(&out->body, buf_str(&title));
    buf_put_str(&out->body, STR_LIT("}},\"elements\":[{\"tag\":\"div\",\"text\":{\"tag\":\"lark_md\",\"content\":"));
    buf_put_json(&out->body, buf_str(&text));
    buf_put_str(&out->body, STR_LIT("}}]}}"));
    buf_fini(&title);
    buf_fini(&text);
}

static void write_wecom(struct robot_call *out, const struct channel *c, const struct robot_message *m)
{
    struct buf text = {0};
    buf_put_str(&out->url, c->url);
    put_text(&text, c, m, "**");
    buf_put_str(&out->body, STR_LIT("{\"msgtype\":\"markdown\",\"markdown\":{\"content\":"));
    buf_put_json(&out->body, buf_str(&text));
    buf_put_str(&out->body, STR_LIT("}}"));
    buf_fini(&text);
}

static void put_member(struct buf *b, const char *name, struct str value)
{
    buf_printf(b, ",\"%s\":", name);
    buf_put_json(b, value);
}

static int write_webhook(struct robot_call *out, const struct channel *c, const struct robot_message *m, int64_t now_ms,
                         struct err *e)
{
    static const char *const members[] = {"title", "text", "severity", "rule", "team"};
    const struct effect *f = m->notices[0];
    struct buf text = {0};
    struct str alerts = field(f, "alerts"), at = field(f, "at");
    buf_put_str(&out->url, c->url);
    buf_printf(&out->id, "kefu-%" PRIu64, f->number);
    buf_printf(&out->timestamp, "%" PRId64, now_ms / 1000);
    buf_printf(&out->body, "{\"type\":\"alert.notice\",\"id\":\"%.*s\",\"at\":%.*s", STR_ARG(buf_str(&out->id)),
               STR_ARG(at.n ? at : STR_LIT("0")));
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (field(f, members[i]).n)
            put_member(&out->body, members[i], field(f, members[i]));
    buf_printf(&out->body, ",\"alerts\":%.*s}", STR_ARG(alerts.n ? alerts : STR_LIT("[]")));
    buf_printf(&text, "%.*s.%.*s.%.*s", STR_ARG(buf_str(&out->id)), STR_ARG(buf_str(&out->timestamp)),
               STR_ARG(buf_str(&out->body)));
    buf_put_str(&out->signature, STR_LIT("v1,"));
    int bad = robot_sign_webhook(&out->signature, c->secret, buf_str(&text), e);
    buf_fini(&text);
    out->headers[out->headers_n++] = (struct fetch_header){"webhook-id", buf_str(&out->id)};
    out->headers[out->headers_n++] = (struct fetch_header){"webhook-timestamp", buf_str(&out->timestamp)};
    out->headers[out->headers_n++] = (struct fetch_header){"webhook-signature", buf_str(&out->signature)};
    return bad;
}

int robot_write(struct robot_call *out, const struct channel *c, const struct robot_message *m, int64_t now_ms,
                struct err *e)
{
    int bad = 0;
    out->headers[out->headers_n++] = (struct fetch_header){"Content-Type", STR_LIT("application/json; charset=utf-8")};
    if (c->kind == CHANNEL_DINGTALK)
        write_dingtalk(out, c, m, now_ms);
    else if (c->kind == CHANNEL_FEISHU)
        write_feishu(out, c, m, now_ms);
    else if (c->kind == CHANNEL_WECOM)
        write_wecom(out, c, m);
    else
        bad = write_webhook(out, c, m, now_ms, e);
    return bad;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* What the vendors' codes mean. Any other than 0 is tried again, patiently. */
static const struct {
    int64_t code, wait_ms;
    enum channel_kind kind;
    enum robot_verdict verdict;
} codes[] = {
    {130101, 600000, CHANNEL_DINGTALK, ROBOT_LATER}, /* too fast: silent for ten minutes */
    {310000, 0, CHANNEL_DINGTALK, ROBOT_REFUSED},    /* signature, time, keyword or address not allowed */
    {300001, 0, CHANNEL_DINGTALK, ROBOT_REFUSED},    /* no such token */
    {460101, 0, CHANNEL_DINGTALK, ROBOT_TOO_LONG},
    {11232, 30000, CHANNEL_FEISHU, ROBOT_LATER}, /* too fast, or all at the full hour */
    {19021, 0, CHANNEL_FEISHU, ROBOT_REFUSED},   /* signature or time */
    {19022, 0, CHANNEL_FEISHU, ROBOT_REFUSED},   /* address */
    {19024, 0, CHANNEL_FEISHU, ROBOT_REFUSED},   /* keyword */
    {45009, 60000, CHANNEL_WECOM, ROBOT_LATER},  /* too fast */
    {93000, 0, CHANNEL_WECOM, ROBOT_REFUSED},    /* no such key */
    {40058, 0, CHANNEL_WECOM, ROBOT_TOO_LONG},
};

static struct robot_answer of_code(enum channel_kind k, int64_t code)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].kind == k && codes[i].code == code)
            return (struct robot_answer){codes[i].verdict, codes[i].wait_ms, code};
    return (struct robot_answer){code == 0 ? ROBOT_TAKEN : ROBOT_LATER, 0, code};
}

/* The code in the body: errcode, or Feishu's code. -1: there is none. */
static int read_code(struct str body, int64_t *code, bool *too_fast)
{
    struct err e;
    char room[40];
    cJSON *tree = json_parse(body, &e);
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(tree, "errcode");
    v = v ? v : cJSON_GetObjectItemCaseSensitive(tree, "code");
    v = v ? v : cJSON_GetObjectItemCaseSensitive(tree, "StatusCode");
    const cJSON *msg = cJSON_GetObjectItemCaseSensitive(tree, "msg");
    *too_fast = cJSON_IsString(msg) && strstr(msg->valuestring, "too many request");
    int bad = cJSON_IsNumber(v) ? fix_parse_whole(json_literal(v, room, sizeof room), code) : -1;
    cJSON_Delete(tree);
    return bad;
}

static struct robot_answer of_http(const struct fetch_answer *a)
{
    int64_t wait_ms = a->retry_after_s > 0 ? a->retry_after_s * 1000 : 0;
    if (a->status >= 200 && a->status < 300)
        return (struct robot_answer){ROBOT_TAKEN, 0, a->status};
    bool passes = a->status == 0 || a->status == 408 || a->status == 425 || a->status == 429 || a->status >= 500;
    return (struct robot_answer){passes ? ROBOT_LATER : ROBOT_REFUSED, wait_ms, a->status};
}

struct robot_answer robot_read(enum channel_kind k, const struct fetch_answer *a)
{
    int64_t code;
    bool too_fast;
    struct robot_answer http = of_http(a);
    if (k == CHANNEL_WEBHOOK || a->status == 0 || read_code(a->body, &code, &too_fast) != 0) {
        if (k != CHANNEL_WEBHOOK && http.verdict == ROBOT_TAKEN)
            return (struct robot_answer){ROBOT_LATER, 0, a->status}; /* a robot says 0 when it has taken a message */
        return http;
    }
    if (k == CHANNEL_FEISHU && code == 9499)
        return too_fast ? (struct robot_answer){ROBOT_LATER, 30000, code}
                        : (struct robot_answer){ROBOT_REFUSED, 0, code};
    struct robot_answer said = of_code(k, code);
    if (code == 0 && http.verdict != ROBOT_TAKEN)
        return http;
    said.wait_ms = http.wait_ms > said.wait_ms ? http.wait_ms : said.wait_ms;
    return said;
}
