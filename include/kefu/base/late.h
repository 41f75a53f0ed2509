/* Libraries that are loaded when they are first needed, not at every start.
 *
 * libcurl and what it brings along cost a start 15 ms and an idle daemon 6 MB, which nobody should pay who asks no other
 * server. A module that leans on such a library lists the functions it calls and has them filled in here. They stay until
 * the process ends. */
#ifndef KEFU_BASE_LATE_H
#define KEFU_BASE_LATE_H

#include <stddef.h>

#include "kefu/base/err.h"

struct late_symbol {
    const char *name; /* such as "curl_easy_init" */
    size_t offset;    /* of the function pointer in the table */
};

/* Loads `library` ("libcurl.so.4") and fills the table. -1 with e: it is not there (`package` is what to install), or lacks
 * one of them. */
int late_load(const char *library, const char *package, const struct late_symbol *symbols, void *table, struct err *e);

#endif
