/* One line an occurrence, to standard error, for journald and for people.
 *
 * A line is `<level>evt=NAME key=value …` (level as journald reads it, only when standard error is no
 * terminal). It never holds message text, names of customers or pay. Rate limits are the caller's: see log_every. */
#ifndef KEFU_BASE_LOG_H
#define KEFU_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_NOTE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* Lines above this level are dropped; starts at LOG_LEVEL_INFO. The only global of the house. */
void log_set_level(enum log_level level);

/* Writes one line in one write(2); errno is kept. `evt` is a word such as "redis_lost"; format gives the rest,
 * as "key=value key=value" (values with blanks in double quotes). Control characters are written as '?'. */
void log_line(enum log_level level, const char *evt, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Rate limit for one kind of line: true at most once each `every_ms` of monotonic time; else counts what was
 * suppressed. *suppressed_n is the number dropped since the last true; write it in the line and it starts anew. */
struct log_limit {
    int64_t next_mono_ms;
    uint64_t suppressed_n;
};
bool log_every(struct log_limit *limit, int64_t mono_ms, int64_t every_ms, uint64_t *suppressed_n);

#endif
