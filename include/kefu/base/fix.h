/* Exact decimals: a number times 1,000,000 in an int64_t ("micro"), and rounded division.
 *
 * What a rulebook says in decimals is read to six places and computed in integers from then on; products
 * go through __int128 and are rounded once, half away from zero (SPEC.md, Scores). */
#ifndef KEFU_BASE_FIX_H
#define KEFU_BASE_FIX_H

#include <stdbool.h>
#include <stdint.h>

#include "kefu/base/str.h"

#define FIX_ONE INT64_C(1000000)

/* Reads a JSON number literal (such as -12.50, 3e2, 0.3333335) into micro units, exact to six places, further ones
 * rounded half away from zero. -1: not a JSON number, or |value| over 9e12. */
int fix_parse(struct str literal, int64_t *micro);

/* Reads a JSON number literal that is whole (1, 1.0, 1e3, 12.50e2) and |value| <= 2^53-1. -1: anything else. */
int fix_parse_whole(struct str literal, int64_t *value);

/* Reads a JSON number literal with at most three decimals that matter (4, 4.5, 4.250, 45e-1) into milli units.
 * -1: not a number, more decimals, or |value| over 9e12. */
int fix_parse_milli(struct str literal, int64_t *milli);

/* num / den rounded to the nearest whole number, half away from zero. den != 0; the result must fit int64_t. */
int64_t fix_div_round(__int128 num, __int128 den);

/* num / den cut toward minus infinity. den > 0. */
int64_t fix_div_floor(int64_t num, int64_t den);

#endif
