/* Values as people's exports write them: 2分30秒, 99.71%, 1,234.50, 2026/3/2 9:00, and "-" for nothing.
 *
 * Each function gives VALUE_READ with the value, VALUE_NONE for what means nothing ("", "-", "--", "—", "/", "N/A", "null",
 * "无"), or VALUE_BAD. Blanks around a value, full-width digits and signs are as their plain ones. Pure. */
#ifndef KEFU_COLLECTORS_VALUE_H
#define KEFU_COLLECTORS_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"
#include "kefu/base/tz.h"

enum value_read { VALUE_BAD = -1, VALUE_READ = 0, VALUE_NONE = 1 };

/* Does the text mean nothing? */
bool value_is_none(struct str s);
/* A length of time: 7小时41分52秒, 2分30秒, 1:02:03, 02:30, or a bare number in units of unit_ms. Milliseconds. */
enum value_read value_duration(struct str s, int64_t unit_ms, int64_t *ms);
/* A number with at most three decimals that matter, thousands' commas allowed, in milli. */
enum value_read value_milli(struct str s, int64_t *milli);
/* A share: 99.71% or 0.9971, in millionths. A bare number over 1 is VALUE_BAD: it might be either. */
enum value_read value_share(struct str s, int64_t *micro);
/* Yuan: 1,234.50, ¥1234.5, 12元. Fen. */
enum value_read value_fen(struct str s, int64_t *fen);
/* An instant: 2026-03-02 09:00:45.120, 2026/3/2 9:00, 2026年3月2日 9:00:45, 20260302 09:00 in the zone tz; RFC 3339 with an
 * offset; seconds or milliseconds since 1970. A date alone is its midnight. */
enum value_read value_time(struct str s, const struct tz *tz, int64_t *ms);

#endif
