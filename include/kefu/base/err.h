/* What went wrong, where, and what to do, for the person who will read it.
 *
 * Functions that meet bad data or a bad peer return -1 and fill a `struct err`: `where` is a place a
 * person can go to (a file and line, a field, an address), `what` says what was found, what was expected
 * and the mend. Both are always zero-terminated; long text is cut on a UTF-8 boundary. */
#ifndef KEFU_BASE_ERR_H
#define KEFU_BASE_ERR_H

struct err {
    char where[192];
    char what[320];
    const char *code; /* static; NULL: it has none. By it a page says the same in its reader's language */
    char value[40];   /* what the code's words need: a month, a count, a time in milliseconds; or "" */
};

/* Fills e (e may be NULL: then nothing is kept) and returns -1, so that a function can end in
 * `return err_set(e, "rulebooks/a.json:12 kpis[0].weight", "found -3, expected 0 or more");`
 * `where` is borrowed for the call and may be "". */
int err_set(struct err *e, const char *where, const char *what_format, ...) __attribute__((format(printf, 3, 4)));
/* The same with a code, which is borrowed for good; err_value behind it gives what the code's words need. Both return -1. */
int err_refuse(struct err *e, const char *code, const char *where, const char *what_format, ...)
    __attribute__((format(printf, 4, 5)));
int err_value(struct err *e, const char *value);

#endif
