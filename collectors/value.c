/* Reads character by character what spreadsheets make of values. Keeps true: nothing is rounded, and what could be read in two
 * ways is bad. */
#include "kefu/collectors/value.h"

#include <stdio.h>
#include <strings.h>

#include "kefu/base/fix.h"

#define VALUE_BYTES 64

/* Full-width digits and signs made plain, blanks around taken off, into room; absent if it is too long. */
static struct str plain_of(struct str s, char room[VALUE_BYTES + 1])
{
    static const struct {
        const char *wide;
        char plain;
    } signs[] = {{"：", ':'}, {"，", ','}, {"．", '.'}, {"％", '%'}, {"－", '-'},
                 {"—", '-'},  {"　", ' '}, {"（", '('}, {"）", ')'}};
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < VALUE_BYTES;) {
        size_t used = 1;
        char c = s.p[i];
        if (s.n - i >= 3 && memcmp(s.p + i, "\xEF\xBC", 2) == 0 && (uint8_t)s.p[i + 2] >= 0x90 &&
            (uint8_t)s.p[i + 2] <= 0x99) {
            c = (char)('0' + ((uint8_t)s.p[i + 2] - 0x90)); /* U+FF10 … U+FF19 */
            used = 3;
        }
        for (size_t k = 0; used == 1 && k < sizeof(signs) / sizeof(signs[0]); k++) {
            if (s.n - i >= 3 && memcmp(s.p + i, signs[k].wide, 3) == 0) {
                c = signs[k].plain;
                used = 3;
                break;
            }
        }
        if (n > 0 || c != ' ') {
            room[n++] = c;
        }
        i += used;
        if (n == VALUE_BYTES && i < s.n) {
            return (struct str){NULL, 0};
        }
    }
    while (n > 0 && (room[n - 1] == ' ' || room[n - 1] == '\t' || room[n - 1] == '\r')) {
        n--;
    }
    room[n] = 0;
    return (struct str){room, n};
}

bool value_is_none(struct str s)
{
    static const char *const words[] = {"-", "--", "/", "n/a", "null", "none", "无"};
    char room[VALUE_BYTES + 1];
    struct str t = plain_of(s, room);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && t.p; i++) {
        if (t.n == 0 || (t.n == strlen(words[i]) && strncasecmp(t.p, words[i], t.n) == 0)) {
            return true;
        }
    }
    return false;
}

/* Takes a word off the end of the text; true if it was there. */
static bool takes_off(struct str *s, const char *word)
{
    size_t n = strlen(word);
    if (s->n < n || memcmp(s->p + s->n - n, word, n) != 0) {
        return false;
    }
    s->n -= n;
    return true;
}

/* A decimal with thousands' commas in their places, in micro units. */
static int decimal(struct str s, int64_t *micro)
{
    char digits[VALUE_BYTES + 1];
    size_t n = 0, since_comma = 0;
    bool comma = false, point = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == ',') {
            if (point || n == 0 || (comma ? since_comma != 3 : since_comma < 1 || since_comma > 3)) {
                return -1;
            }
            comma = true;
            since_comma = 0;
            continue;
        }
        if (c == '.') {
            if (comma && since_comma != 3) {
                return -1;
            }
            point = true;
        }
        since_comma += c >= '0' && c <= '9' && !point;
        digits[n++] = c;
    }
    if (comma && !point && since_comma != 3) {
        return -1;
    }
    size_t zeros = 0; /* JSON's grammar has none in front */
    while (zeros + 1 < n && digits[zeros] == '0' && digits[zeros + 1] != '.') {
        zeros++;
    }
    return fix_parse((struct str){digits + zeros, n - zeros}, micro);
}

static enum value_read begin(struct str s, char room[VALUE_BYTES + 1], struct str *out)
{
    if (value_is_none(s)) {
        return VALUE_NONE;
    }
    *out = plain_of(s, room);
    return out->p ? VALUE_READ : VALUE_BAD;
}

/* Digits at *s, with a fraction if `ms` may have one; moves *s behind them. -1: none. */
static int64_t digits_of(struct str *s)
{
    int64_t v = 0;
    size_t n = 0;
    while (n < s->n && n < 12 && s->p[n] >= '0' && s->p[n] <= '9') {
        v = v * 10 + (s->p[n++] - '0');
    }
    *s = (struct str){s->p + n, s->n - n};
    return n > 0 ? v : -1;
}

static bool skips(struct str *s, const char *word)
{
    size_t n = strlen(word);
    if (s->n < n || memcmp(s->p, word, n) != 0) {
        return false;
    }
    *s = (struct str){s->p + n, s->n - n};
    return true;
}

/* 7小时41分52秒 and the like, the largest first. */
static enum value_read named_duration(struct str s, int64_t *ms)
{
    static const struct {
        const char *names[4];
        int64_t ms;
    } units[] = {{{"天", "日", "d", "天"}, 86400000},
                 {{"小时", "时", "h", "小時"}, 3600000},
                 {{"分钟", "分", "m", "分鐘"}, 60000},
                 {{"秒", "秒钟", "s", "秒鐘"}, 1000}};
    size_t unit = 0;
    *ms = 0;
    while (s.n > 0) {
        int64_t v = digits_of(&s);
        bool known = false;
        for (; v >= 0 && unit < 4 && !known; unit++) {
            for (int k = 0; k < 4 && !known; k++) {
                known = skips(&s, units[unit].names[k]);
            }
            *ms += known ? v * units[unit].ms : 0;
        }
        if (!known) {
            return VALUE_BAD;
        }
        while (skips(&s, " ")) {
        }
    }
    return VALUE_READ;
}

/* 1:02:03 or 02:30. */
static enum value_read clock_duration(struct str s, int64_t *ms)
{
    int64_t total_s = 0;
    int parts = 0;
    do {
        int64_t v = digits_of(&s);
        if (v < 0 || (parts > 0 && v > 59) || ++parts > 3) {
            return VALUE_BAD;
        }
        total_s = total_s * 60 + v;
    } while (skips(&s, ":"));
    *ms = total_s * 1000;
    return s.n == 0 && parts > 1 ? VALUE_READ : VALUE_BAD;
}

enum value_read value_duration(struct str s, int64_t unit_ms, int64_t *ms)
{
    char room[VALUE_BYTES + 1];
    struct str t;
    int64_t micro;
    enum value_read r = begin(s, room, &t);
    if (r != VALUE_READ) {
        return r;
    }
    if (decimal(t, &micro) == 0) {
        *ms = fix_div_round((__int128)micro * unit_ms, FIX_ONE);
        return micro >= 0 ? VALUE_READ : VALUE_BAD;
    }
    return memchr(t.p, ':', t.n) ? clock_duration(t, ms) : named_duration(t, ms);
}

enum value_read value_milli(struct str s, int64_t *milli)
{
    char room[VALUE_BYTES + 1];
    struct str t;
    int64_t micro;
    enum value_read r = begin(s, room, &t);
    if (r != VALUE_READ) {
        return r;
    }
    if (decimal(t, &micro) < 0 || micro % 1000 != 0) {
        return VALUE_BAD;
    }
    *milli = micro / 1000;
    return VALUE_READ;
}

enum value_read value_share(struct str s, int64_t *micro)
{
    char room[VALUE_BYTES + 1];
    struct str t;
    int64_t v;
    enum value_read r = begin(s, room, &t);
    if (r != VALUE_READ) {
        return r;
    }
    bool share = takes_off(&t, "%");
    if (decimal(t, &v) < 0 || v < 0 || (!share && v > FIX_ONE)) {
        return VALUE_BAD;
    }
    *micro = share ? v / 100 : v;
    return VALUE_READ;
}

enum value_read value_fen(struct str s, int64_t *fen)
{
    char room[VALUE_BYTES + 1];
    struct str t;
    int64_t micro;
    enum value_read r = begin(s, room, &t);
    if (r != VALUE_READ) {
        return r;
    }
    takes_off(&t, "元");
    if (!skips(&t, "¥")) {
        skips(&t, "￥");
    }
    if (decimal(t, &micro) < 0 || micro % 10000 != 0) {
        return VALUE_BAD;
    }
    *fen = micro / 10000;
    return VALUE_READ;
}

/* --- times -------------------------------------------------------------------------------------------------------- */

static bool one_of(struct str *s, const char *const *words, int n)
{
    for (int i = 0; i < n; i++) {
        if (skips(s, words[i])) {
            return true;
        }
    }
    return false;
}

static int read_date(struct str *s, int32_t *day)
{
    static const char *const to_month[] = {"-", "/", ".", "年"}, *const to_dom[] = {"-", "/", ".", "月"};
    char text[32];
    int64_t year = digits_of(s), month, dom;
    if (year >= 10000000 && year <= 99999999) {
        month = year / 100 % 100;
        dom = year % 100;
        year /= 10000;
    } else {
        if (!one_of(s, to_month, 4) || (month = digits_of(s)) < 0 || !one_of(s, to_dom, 4) ||
            (dom = digits_of(s)) < 0) {
            return -1;
        }
        skips(s, "日");
    }
    if (year < 1970 || year > 2100 || month > 12 || dom > 31) {
        return -1;
    }
    snprintf(text, sizeof(text), "%04d-%02d-%02d", (int)year, (int)month, (int)dom);
    return civil_parse_day(str_of(text), day);
}

static int read_clock(struct str *s, int64_t *ms)
{
    int64_t hour = digits_of(s), minute, second = 0, fraction = 0, scale = 100;
    if (hour < 0 || hour > 23 || !(skips(s, ":") || skips(s, "时")) || (minute = digits_of(s)) < 0 || minute > 59) {
        return -1;
    }
    if (skips(s, ":") || skips(s, "分")) {
        struct str before = *s;
        second = digits_of(s);
        second = second < 0 && before.n == 0 ? 0 : second;
        skips(s, "秒");
    }
    if (second < 0 || second > 59) {
        return -1;
    }
    if (skips(s, ".")) {
        for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; *s = (struct str){s->p + 1, s->n - 1}) {
            fraction += (s->p[0] - '0') * scale;
            scale /= 10;
        }
    }
    *ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    return 0;
}

static enum value_read local_time(struct str t, const struct tz *tz, int64_t *ms)
{
    int32_t day;
    int64_t clock_ms = 0;
    if (read_date(&t, &day) < 0) {
        return VALUE_BAD;
    }
    bool more = skips(&t, "T");
    while (skips(&t, " ")) {
        more = true;
    }
    if ((t.n > 0 || more) && t.n > 0 && read_clock(&t, &clock_ms) < 0) {
        return VALUE_BAD;
    }
    *ms = tz_at(tz, day, (int32_t)(clock_ms / 60000)) + clock_ms % 60000;
    return t.n == 0 ? VALUE_READ : VALUE_BAD;
}

enum value_read value_time(struct str s, const struct tz *tz, int64_t *ms)
{
    char room[VALUE_BYTES + 1];
    struct str t;
    int64_t micro;
    enum value_read r = begin(s, room, &t);
    if (r != VALUE_READ) {
        return r;
    }
    if (rfc3339_parse(t, ms, NULL) == 0) {
        return VALUE_READ;
    }
    if (t.n >= 10 && t.n <= 17 && fix_parse(t, &micro) == 0) {
        int64_t v = micro / 1000;
        *ms = t.n >= 13 && !memchr(t.p, '.', t.n) ? v / 1000 : v;
        return VALUE_READ;
    }
    return local_time(t, tz, ms);
}
