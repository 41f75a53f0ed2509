/* Finds the word that was meant where another was written. */
#ifndef KEFU_BASE_NEAREST_H
#define KEFU_BASE_NEAREST_H

#include <stddef.h>

/* The one of n > 0 words that takes the fewest changed, added or left out bytes to be written `as`; the first of equals.
 * Only the first 40 bytes count. Borrowed from the list; never NULL. */
const char *nearest(const char *as, const char *const *words, size_t n);

#endif
