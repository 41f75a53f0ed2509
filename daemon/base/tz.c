/* Time zones as lists of offsets, the civil calendar, RFC 3339.
 *
 * It keeps true that after loading nothing depends on the process's zone. glibc takes an unknown name for UTC without a
 * word, so the zone's file is looked at first. Refused are names that leave the zone directory, dates that do not exist,
 * and times without an offset. */
#include "kefu/base/tz.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "kefu/base/fix.h"
#include "kefu/base/mem.h"

#define DAY_S       INT64_C(86400)
#define DAY_MS      (DAY_S * 1000)
#define LOADED_DAYS 47848 /* 1970-01-01 … 2101-01-01 */

struct offset {
    int64_t from_s; /* the first second it holds; the first entry holds since ever */
    int32_t offset_s;
};

struct tz {
    size_t n;
    size_t cap;
    struct offset *list; /* owned, by from_s, at least one */
};

/* ---- loading ---- */

static const char *zone_dir(void)
{
    const char *dir = getenv("TZDIR");
    return dir && dir[0] ? dir : "/usr/share/zoneinfo";
}

/* Names are paths under the zone directory: no way out of it, no dots, nothing that glibc reads as a rule. */
static bool name_is_sane(struct str name)
{
    if (!name.n || name.n > 64 || name.p[0] == '/' || name.p[name.n - 1] == '/')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '+' && c != '-' && c != '/')
            return false;
    }
    return true;
}

static bool file_is_zone(const char *path)
{
    char magic[4] = "";
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool is = fread(magic, 1, sizeof magic, f) == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
    (void)fclose(f);
    return is;
}

static int check_zone(struct str name, struct err *e)
{
    struct stat st;
    char path[4096];
    if (stat(zone_dir(), &st) != 0)
        return err_set(e, zone_dir(), "there is no time zone data here; install the package tzdata");
    if (name_is_sane(name)) {
        int n = snprintf(path, sizeof path, "%s/%.*s", zone_dir(), STR_ARG(name));
        if (n > 0 && (size_t)n < sizeof path && file_is_zone(path))
            return 0;
    }
    return err_set(e, "", "unknown time zone, expected a name such as Asia/Shanghai; see `timedatectl list-timezones`");
}

static int32_t system_offset(int64_t at_s)
{
    struct tm tm;
    time_t t = (time_t)at_s;
    if (!localtime_r(&t, &tm))
        return 0; /* only for years that do not fit an int, which 1970 … 2100 do */
    return (int32_t)tm.tm_gmtoff;
}

static void add_offset(struct tz *tz, int64_t from_s, int32_t offset_s)
{
    xgrow(&tz->list, &tz->cap, tz->n + 1, sizeof *tz->list);
    tz->list[tz->n++] = (struct offset){from_s, offset_s};
}

/* The first second after `before_s` with another offset; at `after_s` it is another. */
static int64_t find_change(int64_t before_s, int64_t after_s)
{
    int32_t before = system_offset(before_s);
    while (after_s - before_s > 1) {
        int64_t middle_s = before_s + (after_s - before_s) / 2;
        if (system_offset(middle_s) == before)
            before_s = middle_s;
        else
            after_s = middle_s;
    }
    return after_s;
}

static void scan(struct tz *tz)
{
    add_offset(tz, 0, system_offset(0));
    for (int64_t day = 1; day <= LOADED_DAYS; day++) {
        int64_t from_s = (day - 1) * DAY_S;
        /* A loop, for the rare day that sees two changes. */
        while (system_offset(day * DAY_S) != tz->list[tz->n - 1].offset_s) {
            from_s = find_change(from_s, day * DAY_S);
            add_offset(tz, from_s, system_offset(from_s));
        }
    }
}

static void put_back_zone(char *old)
{
    if (old)
        (void)setenv("TZ", old, 1);
    else
        (void)unsetenv("TZ");
    tzset();
    free(old);
}

struct tz *tz_load(struct str name, struct err *e)
{
    if (check_zone(name, e) != 0)
        return NULL;
    char zone[80];
    (void)snprintf(zone, sizeof zone, ":%.*s", STR_ARG(name)); /* the colon: a file, never a rule */
    const char *env = getenv("TZ");
    char *old = env ? xstrndup(env, strlen(env)) : NULL;
    (void)setenv("TZ", zone, 1);
    tzset();
    struct tz *tz = xcalloc(1, sizeof *tz);
    scan(tz);
    put_back_zone(old);
    return tz;
}

void tz_free(struct tz *tz)
{
    if (!tz)
        return;
    free(tz->list);
    free(tz);
}

/* ---- asking ---- */

/* The index of the entry that holds at an instant. */
static size_t entry_at(const struct tz *tz, int64_t at_s)
{
    size_t low = 0;
    size_t high = tz->n; /* the answer is in [low, high) */
    if (at_s >= tz->list[tz->n - 1].from_s)
        return tz->n - 1;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (tz->list[middle].from_s <= at_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int32_t tz_offset_s(const struct tz *tz, int64_t at_ms)
{
    return tz->list[entry_at(tz, fix_div_floor(at_ms, 1000))].offset_s;
}

int32_t tz_day(const struct tz *tz, int64_t at_ms)
{
    return (int32_t)fix_div_floor(at_ms + (int64_t)tz_offset_s(tz, at_ms) * 1000, DAY_MS);
}

int64_t tz_at(const struct tz *tz, int32_t day, int32_t minute)
{
    assert(minute >= 0 && minute <= 2880);
    int64_t local_s = day * DAY_S + (int64_t)minute * 60;
    /* No offset is a whole day: from an entry that early on, the first fit is the earliest. */
    size_t i = entry_at(tz, local_s - DAY_S);
    for (;; i++) {
        int64_t at_s = local_s - tz->list[i].offset_s;
        if (i > 0 && at_s < tz->list[i].from_s)
            return tz->list[i].from_s * 1000; /* skipped by the zone */
        if (i + 1 == tz->n || at_s < tz->list[i + 1].from_s)
            return at_s * 1000;
    }
}

/* ---- the civil calendar ----
 * Years are counted from March, so that the leap day is the last of its year; 400 years are 146097 days. 1970-01-01 is
 * day 719468 after 0000-03-01. */

#define ERA_DAYS   146097
#define EPOCH_DAYS 719468

int32_t civil_day(int32_t year, int32_t month, int32_t dom)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = fix_div_floor(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + dom - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int32_t)(era * ERA_DAYS + day_of_era - EPOCH_DAYS);
}

void civil_date(int32_t day, int32_t *year, int32_t *month, int32_t *dom)
{
    int64_t z = (int64_t)day + EPOCH_DAYS;
    int64_t era = fix_div_floor(z, ERA_DAYS);
    int64_t day_of_era = z - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *dom = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int32_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int32_t)(year_of_era + era * 400 + (*month <= 2));
}

int32_t civil_month(int32_t day)
{
    int32_t year, month, dom;
    civil_date(day, &year, &month, &dom);
    return (year - 1970) * 12 + month - 1;
}

int32_t civil_month_first(int32_t month)
{
    int32_t year = (int32_t)fix_div_floor(month, 12);
    return civil_day(year + 1970, month - year * 12 + 1, 1);
}

int32_t civil_weekday(int32_t day)
{
    int64_t since_monday = (int64_t)day + 3; /* 1970-01-01 was a Thursday */
    return (int32_t)(since_monday - fix_div_floor(since_monday, 7) * 7);
}

/* Exactly n digits at p, or -1. */
static int32_t digits(const char *p, size_t n)
{
    int32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

static int parse_year_month(const char *p, int32_t *year, int32_t *month)
{
    *year = digits(p, 4);
    *month = digits(p + 5, 2);
    return *year < 0 || p[4] != '-' || *month < 1 || *month > 12 ? -1 : 0;
}

int civil_parse_day(struct str s, int32_t *day)
{
    int32_t year, month;
    if (s.n != 10 || s.p[7] != '-' || parse_year_month(s.p, &year, &month) != 0)
        return -1;
    int32_t dom = digits(s.p + 8, 2);
    int32_t first = civil_day(year, month, 1);
    int32_t next = month == 12 ? civil_day(year + 1, 1, 1) : civil_day(year, month + 1, 1);
    if (dom < 1 || dom > next - first)
        return -1;
    *day = first + dom - 1;
    return 0;
}

int civil_parse_month(struct str s, int32_t *month)
{
    int32_t year, month_of_year;
    if (s.n != 7 || parse_year_month(s.p, &year, &month_of_year) != 0)
        return -1;
    *month = (year - 1970) * 12 + month_of_year - 1;
    return 0;
}

void civil_print_day(char *out, size_t out_n, int32_t day)
{
    int32_t year, month, dom;
    civil_date(day, &year, &month, &dom);
    (void)snprintf(out, out_n, "%04d-%02d-%02d", year, month, dom);
}

void civil_print_month(char *out, size_t out_n, int32_t month)
{
    int32_t year = (int32_t)fix_div_floor(month, 12);
    (void)snprintf(out, out_n, "%04d-%02d", year + 1970, month - year * 12 + 1);
}

/* ---- RFC 3339 ---- */

/* "HH:MM" as minutes, or -1. */
static int32_t parse_hour_minute(const char *p)
{
    int32_t hour = digits(p, 2);
    int32_t minute = digits(p + 3, 2);
    if (hour < 0 || hour > 23 || p[2] != ':' || minute < 0 || minute > 59)
        return -1;
    return hour * 60 + minute;
}

/* "HH:MM:SS" at p, as milliseconds of the day; a leap second is the last millisecond before it. */
static int64_t parse_clock(const char *p, bool *leap)
{
    int32_t minutes = parse_hour_minute(p);
    int32_t second = digits(p + 6, 2);
    if (minutes < 0 || p[5] != ':' || second < 0 || second > 60)
        return -1;
    *leap = second == 60;
    return (int64_t)minutes * 60000 + (*leap ? 59999 : second * 1000);
}

/* Takes ".digits", if there, from the front of s; -1: a dot without digits. */
static int take_fraction(struct str *s, int32_t *ms)
{
    *ms = 0;
    if (!s->n || s->p[0] != '.')
        return 0;
    size_t n = 1;
    int32_t weight = 100;
    for (; n < s->n && s->p[n] >= '0' && s->p[n] <= '9'; n++) {
        *ms += (s->p[n] - '0') * weight;
        weight /= 10;
    }
    s->p += n;
    s->n -= n;
    return n > 1 ? 0 : -1;
}

static int parse_offset(struct str s, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (s.n == 1 && (s.p[0] == 'Z' || s.p[0] == 'z'))
        return 0;
    if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-'))
        return -1;
    int32_t minutes = parse_hour_minute(s.p + 1);
    if (minutes < 0)
        return -1;
    *offset_ms = (int64_t)minutes * (s.p[0] == '-' ? -60000 : 60000);
    return 0;
}

int rfc3339_parse(struct str s, int64_t *at_ms, struct err *e)
{
    int32_t day, fraction_ms;
    int64_t clock_ms, offset_ms;
    bool leap;
    if (s.n < 20)
        return err_set(e, "", "expected a time with an offset, such as 2026-03-02T09:00:45.131Z or …+08:00");
    if (civil_parse_day((struct str){s.p, 10}, &day) != 0)
        return err_set(e, "", "expected a date that exists at the start, such as 2026-03-02");
    if ((s.p[10] != 'T' && s.p[10] != 't' && s.p[10] != ' ') || (clock_ms = parse_clock(s.p + 11, &leap)) < 0)
        return err_set(e, "", "expected T and a time of day after the date, such as T09:00:45");
    s.p += 19;
    s.n -= 19;
    if (take_fraction(&s, &fraction_ms) != 0)
        return err_set(e, "", "expected digits after the dot of the seconds");
    if (parse_offset(s, &offset_ms) != 0)
        return err_set(e, "", "expected an offset at the end: Z, or hours and minutes such as +08:00");
    *at_ms = day * DAY_MS + clock_ms + (leap ? 0 : fraction_ms) - offset_ms;
    return 0;
}

void rfc3339_print(char *out, size_t out_n, int64_t at_ms)
{
    int32_t year, month, dom;
    int64_t day = fix_div_floor(at_ms, DAY_MS);
    int32_t ms = (int32_t)(at_ms - day * DAY_MS);
    civil_date((int32_t)day, &year, &month, &dom);
    (void)snprintf(out, out_n, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, dom, ms / 3600000, ms / 60000 % 60,
                   ms / 1000 % 60, ms % 1000);
}
