/* Distance between words, for "was … meant?". It keeps true that the answer is one of the words given: it refuses nothing,
 * however far off. */
#include "kefu/base/nearest.h"

#include <string.h>

/* How many letters must change to make a from b: enough to find what was meant. */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 40 };
    size_t row[MOST + 1];
    size_t n = strlen(b) < MOST ? strlen(b) : MOST;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= MOST && a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t either = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < either ? change : either;
        }
    }
    return row[n];
}

const char *nearest(const char *as, const char *const *words, size_t n)
{
    const char *best = words[0];
    for (size_t i = 1; i < n; i++)
        if (distance(as, words[i]) < distance(as, best))
            best = words[i];
    return best;
}
