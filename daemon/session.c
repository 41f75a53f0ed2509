/* Sessions in a list, the newest last; written whole to their file at each change: some hundred people log in a day.
 *
 * It keeps true that what is in memory and in the file are hashes, never what a browser holds. The file is not synced: a power
 * cut costs a log-in. It refuses nothing but rows it cannot read. */
#include "kefu/daemon/session.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/model/access.h"

#define FILE_MAX_BYTES ((size_t)8 << 20)
#define SESSIONS_MAX   10000
#define A_TOKEN_MAX    20
#define HOUR_MS        INT64_C(3600000)
#define RANDOM_BYTES   32

struct row {
    char sha256[DIGEST_SHA256_HEX];
    char token[ACCESS_NAME_BYTES + 1];
    int64_t until_ms;
};

struct sessions {
    char *file; /* owned */
    int64_t good_ms;
    struct row *list; /* owned, by time of opening */
    size_t n, cap;
    uint64_t closed_n;
};

static void drop(struct sessions *s, size_t i)
{
    memmove(&s->list[i], &s->list[i + 1], (s->n - i - 1) * sizeof(*s->list));
    s->n--;
    s->closed_n++;
}

static void add(struct sessions *s, const char *sha256, struct str token, int64_t until_ms)
{
    xgrow(&s->list, &s->cap, s->n + 1, sizeof(*s->list));
    struct row *r = &s->list[s->n++];
    *r = (struct row){.until_ms = until_ms};
    snprintf(r->sha256, sizeof(r->sha256), "%s", sha256);
    snprintf(r->token, sizeof(r->token), "%.*s", STR_ARG(token));
}

static void read_row(struct sessions *s, const cJSON *row, int64_t now_ms)
{
    const char *sha256 = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "sha256"));
    const char *token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "token"));
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(row, "until");
    char room[64];
    int64_t until_ms;
    bool well = sha256 && strlen(sha256) == DIGEST_SHA256_HEX - 1 && token && strlen(token) <= ACCESS_NAME_BYTES &&
                cJSON_IsNumber(until) && fix_parse_whole(json_literal(until, room, sizeof(room)), &until_ms) == 0;
    if (well && until_ms > now_ms && s->n < SESSIONS_MAX) {
        add(s, sha256, str_of(token), until_ms);
    }
}

static void load(struct sessions *s, int64_t now_ms)
{
    struct err e;
    char *text = NULL;
    size_t n = 0;
    if (access(s->file, F_OK) < 0) {
        return;
    }
    cJSON *tree =
        json_read_file(s->file, FILE_MAX_BYTES, &text, &n, &e) == 0 ? json_parse((struct str){text, n}, &e) : NULL;
    const cJSON *row;
    if (!tree) {
        log_line(LOG_LEVEL_WARN, "sessions", "where=\"%s\" error=\"%s\" known=0", e.where, e.what);
    }
    cJSON_ArrayForEach(row, tree)
    {
        read_row(s, row, now_ms);
    }
    cJSON_Delete(tree);
    free(text);
}

static void save(const struct sessions *s)
{
    struct buf fresh = {0}, text = {0};
    buf_printf(&fresh, "%s.new%c", s->file, 0);
    buf_put_byte(&text, '[');
    for (size_t i = 0; i < s->n; i++) {
        buf_printf(&text, "%s\n{\"sha256\": \"%s\", \"token\": ", i ? "," : "", s->list[i].sha256);
        buf_put_json(&text, str_of(s->list[i].token));
        buf_printf(&text, ", \"until\": %" PRId64 "}", s->list[i].until_ms);
    }
    buf_put_str(&text, STR_LIT("\n]\n"));
    int fd = open(fresh.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool well = fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && rename(fresh.p, s->file) == 0;
    if (!well) {
        log_line(LOG_LEVEL_WARN, "sessions", "where=\"%s\" error=\"%s\" kept=0", s->file, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    buf_fini(&fresh);
    buf_fini(&text);
}

struct sessions *sessions_new(const char *file, int64_t hours, int64_t now_ms)
{
    struct sessions *s = xcalloc(1, sizeof(*s));
    s->file = xstrndup(file, strlen(file));
    s->good_ms = hours * HOUR_MS;
    load(s, now_ms);
    return s;
}

void sessions_free(struct sessions *s)
{
    if (!s) {
        return;
    }
    free(s->file);
    free(s->list);
    free(s);
}

/* What is over goes, and of what is too much the oldest. */
static void make_room(struct sessions *s, struct str token, int64_t now_ms)
{
    size_t mine_n = 0;
    for (size_t i = s->n; i-- > 0;) {
        bool mine = str_eq(str_of(s->list[i].token), token);
        mine_n += mine;
        if (s->list[i].until_ms <= now_ms || (mine && mine_n >= A_TOKEN_MAX)) {
            drop(s, i);
        }
    }
    if (s->n == SESSIONS_MAX) {
        drop(s, 0);
    }
}

void sessions_open(struct sessions *s, struct str token, int64_t now_ms, char value[SESSION_BYTES])
{
    uint8_t secret[RANDOM_BYTES];
    char sha256[DIGEST_SHA256_HEX];
    digest_random(secret, sizeof(secret));
    sodium_bin2base64(value, SESSION_BYTES, secret, sizeof(secret), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof(secret));
    digest_sha256_hex(sha256, str_of(value));
    make_room(s, token, now_ms);
    add(s, sha256, token, now_ms + s->good_ms);
    save(s);
}

/* Its place, or n. A hash gives nothing away by how long it takes to compare. */
static size_t place_of(const struct sessions *s, struct str value)
{
    char sha256[DIGEST_SHA256_HEX];
    size_t i = 0;
    digest_sha256_hex(sha256, value);
    while (i < s->n && memcmp(s->list[i].sha256, sha256, DIGEST_SHA256_HEX) != 0) {
        i++;
    }
    return i;
}

bool sessions_find(const struct sessions *s, struct str value, int64_t now_ms, struct session *out)
{
    size_t i = value.n == SESSION_BYTES - 1 ? place_of(s, value) : s->n;
    if (i == s->n || s->list[i].until_ms <= now_ms) {
        return false;
    }
    *out = (struct session){str_of(s->list[i].token), s->list[i].until_ms};
    return true;
}

void sessions_close(struct sessions *s, struct str value)
{
    size_t i = place_of(s, value);
    if (i < s->n) {
        drop(s, i);
        save(s);
    }
}

size_t sessions_n(const struct sessions *s)
{
    return s->n;
}

uint64_t sessions_closed_n(const struct sessions *s)
{
    return s->closed_n;
}
