/* Filling of struct err.
 *
 * It keeps true that both texts end in a zero byte and, when they were cut, that no UTF-8 character is left in half,
 * so that a message may go into JSON as it is. It never allocates: errors are told when memory is short, too. */
#include "kefu/base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Takes away the beginning of a character whose end did not fit. */
static void trim_cut_character(char *text, size_t n)
{
    size_t tail = 0;
    while (tail < 3 && tail < n && ((unsigned char)text[n - 1 - tail] & 0xc0) == 0x80)
        tail++;
    if (tail == n)
        return;
    unsigned char lead = (unsigned char)text[n - 1 - tail];
    size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    if (want > tail)
        text[n - 1 - tail] = '\0';
}

__attribute__((format(printf, 3, 0))) static void fill(struct err *e, const char *where, const char *what_format,
                                                       va_list args)
{
    size_t where_n = strlen(where);
    size_t kept_n = where_n < sizeof e->where ? where_n : sizeof e->where - 1;
    memmove(e->where, where, kept_n); /* `where` may be e->where itself */
    e->where[kept_n] = '\0';
    if (kept_n < where_n)
        trim_cut_character(e->where, kept_n);

    char what[sizeof e->what]; /* an argument may be e->what itself */
    int n = vsnprintf(what, sizeof what, what_format, args);
    if (n < 0)
        what[0] = '\0';
    else if ((size_t)n >= sizeof what)
        trim_cut_character(what, sizeof what - 1);
    memcpy(e->what, what, sizeof what);
    e->code = NULL;
    e->value[0] = '\0';
}

int err_set(struct err *e, const char *where, const char *what_format, ...)
{
    va_list args;
    va_start(args, what_format);
    if (e)
        fill(e, where, what_format, args);
    va_end(args);
    return -1;
}

int err_refuse(struct err *e, const char *code, const char *where, const char *what_format, ...)
{
    va_list args;
    va_start(args, what_format);
    if (e) {
        fill(e, where, what_format, args);
        e->code = code;
    }
    va_end(args);
    return -1;
}

int err_value(struct err *e, const char *value)
{
    if (e && (size_t)snprintf(e->value, sizeof e->value, "%s", value) >= sizeof e->value)
        trim_cut_character(e->value, sizeof e->value - 1);
    return -1;
}
