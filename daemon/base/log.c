/* Log lines: formatted in one place, written in one write(2).
 *
 * It keeps true that a line is one line (control characters become '?'), that errno survives, and that a line never
 * waits for memory. What is longer than LINE_MAX_BYTES is cut on a character. */
#include "kefu/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static _Atomic int level_shown = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    level_shown = (int)level;
}

/* ASCII controls, and the C1 controls, which UTF-8 writes as C2 80 … C2 9F. */
static void mask_controls(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7f) {
            text[i] = '?';
        } else if (c == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] >= 0x80 && (unsigned char)text[i + 1] < 0xa0) {
            text[i] = '?';
            text[i + 1] = '?';
        }
    }
}

/* The length of text without a character cut in half at its end. */
static size_t whole_characters(const char *text, size_t n)
{
    while (n && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
        n--;
    return n && (unsigned char)text[n - 1] >= 0xc0 ? n - 1 : n;
}

static __attribute__((format(printf, 3, 0))) size_t append(char *line, size_t at, const char *format, va_list args)
{
    size_t room = LINE_MAX_BYTES - 1 - at; /* one byte is kept for the newline */
    int n = vsnprintf(line + at, room, format, args);
    if (n < 0)
        return at;
    if ((size_t)n < room)
        return at + (size_t)n;
    return at + whole_characters(line + at, room - 1);
}

static __attribute__((format(printf, 3, 4))) size_t append_args(char *line, size_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    at = append(line, at, format, args);
    va_end(args);
    return at;
}

void log_line(enum log_level level, const char *evt, const char *format, ...)
{
    if ((int)level > level_shown)
        return;
    int saved = errno;
    char line[LINE_MAX_BYTES];
    size_t n = isatty(STDERR_FILENO) ? 0 : append_args(line, 0, "<%d>", (int)level);
    n = append_args(line, n, "evt=%s", evt);
    if (format[0])
        n = append_args(line, n, " ");
    va_list args;
    va_start(args, format);
    errno = saved; /* for %m */
    n = append(line, n, format, args);
    va_end(args);
    mask_controls(line, n);
    line[n++] = '\n';
    /* Nobody is left to be told if standard error is gone. */
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written;
    errno = saved;
}

bool log_every(struct log_limit *limit, int64_t mono_ms, int64_t every_ms, uint64_t *suppressed_n)
{
    if (mono_ms < limit->next_mono_ms) {
        limit->suppressed_n++;
        *suppressed_n = limit->suppressed_n;
        return false;
    }
    *suppressed_n = limit->suppressed_n;
    limit->suppressed_n = 0;
    limit->next_mono_ms = mono_ms + every_ms;
    return true;
}
