/*
 * The default rulebook, built in.
 *
 * The text is rulebooks/seed.json byte for byte: the build turns the file into this array, so the program needs no file
 * beside it and the two can never differ. It is complete: every field a rulebook can have is in it. It is read by the
 * rulebook reader like any other file and gets no exemption from its checks.
 */
#ifndef KEFU_RULES_SEED_H
#define KEFU_RULES_SEED_H

#include <stddef.h>

/* The JSON text, UTF-8, seed_json_n bytes and then a NUL that is not counted. Static storage: nobody frees it. */
extern const char seed_json[];

/* Length of seed_json in bytes without the closing NUL. */
extern const size_t seed_json_n;

#endif
