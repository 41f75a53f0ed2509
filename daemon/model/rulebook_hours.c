/* Service hours and special days of a rulebook. An end at or before its start runs into the next day; 24:00 is an end. */
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/tz.h"
#include "kefu/model/rulebook_reader.h"

enum { DAY_MIN = 1440 };

static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun", NULL};

/* "HH:MM", 00:00 … 24:00, as minutes; -1: it is not. */
static int32_t minutes(const cJSON *v)
{
    const char *t = cJSON_IsString(v) ? v->valuestring : "";
    for (int i = 0; i < 5; i++)
        if (i == 2 ? t[i] != ':' : t[i] < '0' || t[i] > '9')
            return -1;
    int32_t h = (t[0] - '0') * 10 + t[1] - '0';
    int32_t m = (t[3] - '0') * 10 + t[4] - '0';
    bool real = t[5] == 0 && m < 60 && (h < 24 || (h == 24 && m == 0));
    return real ? h * 60 + m : -1;
}

static int read_span(const struct reader *r, const char *path, const cJSON *v, struct span *out)
{
    int32_t start = cJSON_GetArraySize(v) == 2 ? minutes(cJSON_GetArrayItem(v, 0)) : -1;
    int32_t end = cJSON_GetArraySize(v) == 2 ? minutes(cJSON_GetArrayItem(v, 1)) : -1;
    if (start < 0 || end < 0 || start == DAY_MIN)
        return reader_fail(r, path,
                           "expected a pair of times of day such as [\"09:00\", \"18:00\"] (\"24:00\" ends a day)");
    *out = (struct span){start, end <= start ? end + DAY_MIN : end};
    return 0;
}

static int by_start(const void *a, const void *b)
{
    return ((const struct span *)a)->start_min - ((const struct span *)b)->start_min;
}

static int read_day(const struct reader *r, const char *path, const cJSON *v, struct day_hours *out)
{
    *out = (struct day_hours){.n = 0};
    if (!cJSON_IsArray(v))
        return reader_fail(r, path, "found %s, expected a list of pairs of times; [] is a closed day", reader_kind(v));
    const cJSON *pair = NULL;
    cJSON_ArrayForEach(pair, v)
    {
        char at[160];
        snprintf(at, sizeof at, "%.120s[%d]", path, out->n);
        if (out->n == RULEBOOK_SPANS_MAX)
            return reader_fail(r, at, "more than %d spans in one day; join some", RULEBOOK_SPANS_MAX);
        if (read_span(r, at, pair, &out->spans[out->n]))
            return -1;
        out->n++;
    }
    qsort(out->spans, (size_t)out->n, sizeof *out->spans, by_start);
    return 0;
}

int reader_service_hours(const struct reader *r, const cJSON *v, struct rulebook *out)
{
    out->always_open = cJSON_IsNull(v);
    for (int d = 0; d < 7; d++)
        out->week[d] = (struct day_hours){.spans = {{0, DAY_MIN}}, .n = out->always_open};
    if (out->always_open)
        return 0;
    if (!cJSON_IsObject(v))
        return reader_fail(r, "service_hours", "found %s, expected an object of weekdays, or null for always open",
                           reader_kind(v));
    if (reader_known(r, "service_hours", v, weekdays))
        return -1;
    for (int d = 0; d < 7; d++) {
        const cJSON *day = cJSON_GetObjectItemCaseSensitive(v, weekdays[d]);
        char path[64];
        snprintf(path, sizeof path, "service_hours.%s", weekdays[d]);
        if (day && read_day(r, path, day, &out->week[d]))
            return -1;
    }
    return 0;
}

static int by_day(const void *a, const void *b)
{
    int32_t x = ((const struct special_day *)a)->day;
    int32_t y = ((const struct special_day *)b)->day;
    return (x > y) - (x < y);
}

int reader_special_days(const struct reader *r, const cJSON *v, struct rulebook *out)
{
    if (!cJSON_IsObject(v))
        return reader_fail(r, "special_days", "found %s, expected an object of dates such as {\"2026-10-01\": []}",
                           reader_kind(v));
    out->special_n = 0;
    out->special = arena_alloc(r->arena, ((size_t)cJSON_GetArraySize(v) + 1) * sizeof *out->special);
    const cJSON *day = NULL;
    cJSON_ArrayForEach(day, v)
    {
        char path[160];
        snprintf(path, sizeof path, "special_days.%.100s", day->string);
        struct special_day *s = &out->special[out->special_n];
        if (civil_parse_day(str_of(day->string), &s->day))
            return reader_fail(r, path, "expected a date such as \"2026-10-01\"");
        if (read_day(r, path, day, &s->hours))
            return -1;
        out->special_n++;
    }
    qsort(out->special, out->special_n, sizeof *out->special, by_day);
    return 0;
}
