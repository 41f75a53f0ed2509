/* A time zone as a list of offsets, and civil dates.
 *
 * The system's zone data is read once, through the C library, into a list of (instant, offset) pairs from 1970 to 2100:
 * afterwards no zone is a matter of process-wide state, and many may live side by side. A `day` is the number of a
 * civil date counted from 1970-01-01 (= 0); a `month` counts from 1970-01 (= 0). */
#ifndef KEFU_BASE_TZ_H
#define KEFU_BASE_TZ_H

#include <stdint.h>

#include "kefu/base/err.h"
#include "kefu/base/str.h"

struct tz;

/* Loads a zone of the system's data by its IANA name ("Asia/Shanghai", "UTC"). NULL with e filled: unknown name (the
 * message says to look at `timedatectl list-timezones`), or no zone data (install tzdata). Reads the environment's zone
 * and puts it back: call before threads start. The caller owns. */
struct tz *tz_load(struct str name, struct err *e);
void tz_free(struct tz *tz);

/* The local civil day an instant falls on. */
int32_t tz_day(const struct tz *tz, int64_t at_ms);
/* The instant of a local wall-clock time, `minute` 0 … 2880 counted from the midnight that begins `day`. A time that the
 * zone skips is the first instant after the gap; one that occurs twice is the first. */
int64_t tz_at(const struct tz *tz, int32_t day, int32_t minute);
/* Offset from UTC in seconds at an instant. */
int32_t tz_offset_s(const struct tz *tz, int64_t at_ms);

/* Civil calendar, proleptic Gregorian. */
int32_t civil_day(int32_t year, int32_t month, int32_t dom); /* month 1 … 12 */
void civil_date(int32_t day, int32_t *year, int32_t *month, int32_t *dom);
int32_t civil_month(int32_t day);         /* the month (counted from 1970-01) of a day */
int32_t civil_month_first(int32_t month); /* its first day */
int32_t civil_weekday(int32_t day);       /* 0 = Monday … 6 = Sunday */
/* "YYYY-MM-DD" of a real date -> day; "YYYY-MM" -> month. -1: not one. */
int civil_parse_day(struct str s, int32_t *day);
int civil_parse_month(struct str s, int32_t *month);
/* Writes "YYYY-MM-DD" / "YYYY-MM" and a zero byte (buffers of 16 bytes are enough). */
void civil_print_day(char *out, size_t out_n, int32_t day);
void civil_print_month(char *out, size_t out_n, int32_t month);

/* RFC 3339 with an offset ("2026-03-02T09:00:45.131Z", "…+08:00"; 't', 'z' and a blank for 'T' are accepted as the RFC
 * allows; what is finer than a millisecond is cut; second 60 counts as 59.999). -1 with e filled: what was expected. */
int rfc3339_parse(struct str s, int64_t *at_ms, struct err *e);
/* Writes an instant in UTC with milliseconds and "Z" (a buffer of 32 bytes is enough). */
void rfc3339_print(char *out, size_t out_n, int64_t at_ms);

#endif
