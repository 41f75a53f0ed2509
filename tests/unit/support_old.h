/* SQL that makes the stores of earlier schemas: old_stores[i] is of version i + 1. */
#ifndef KEFU_TESTS_SUPPORT_OLD_H
#define KEFU_TESTS_SUPPORT_OLD_H

#include <stddef.h>

extern const char *const old_stores[];
extern const size_t old_stores_n;

#endif
