/* Decimals read digit by digit, without floating point.
 *
 * It keeps true that a literal means the same number however it is spelled (1e3, 1000, 1000.0) and however long it is: the
 * digits are weighed by their place, so neither many zeros nor a huge exponent can overflow. It refuses what JSON's
 * grammar does not call a number (leading zeros, a lone dot, +1, hexadecimal). */
#include "kefu/base/fix.h"

#include <assert.h>

#define WHOLE_MAX      ((INT64_C(1) << 53) - 1)
#define VALUE_MAX      INT64_C(9000000000000)
#define EXPONENT_CLAMP INT64_C(1000000000000) /* more than a literal that fits in memory can balance */

/* A literal taken apart: the digits of whole and fraction, the exponent of ten. */
struct literal {
    bool negative;
    struct str whole;
    struct str fraction;
    int64_t exponent;
};

static struct str take_digits(struct str *rest)
{
    struct str digits = {rest->p, 0};
    while (digits.n < rest->n && rest->p[digits.n] >= '0' && rest->p[digits.n] <= '9')
        digits.n++;
    rest->p += digits.n;
    rest->n -= digits.n;
    return digits;
}

static bool take_char(struct str *rest, char a, char b)
{
    if (!rest->n || (*rest->p != a && *rest->p != b))
        return false;
    rest->p++;
    rest->n--;
    return true;
}

static int take_exponent(struct str *rest, int64_t *exponent)
{
    bool negative = take_char(rest, '-', '-');
    if (!negative)
        (void)take_char(rest, '+', '+');
    struct str digits = take_digits(rest);
    if (!digits.n)
        return -1;
    int64_t v = 0;
    for (size_t i = 0; i < digits.n && v < EXPONENT_CLAMP; i++)
        v = v * 10 + (digits.p[i] - '0');
    *exponent = negative ? -v : v;
    return 0;
}

static int take_apart(struct str text, struct literal *l)
{
    *l = (struct literal){0};
    l->negative = take_char(&text, '-', '-');
    l->whole = take_digits(&text);
    if (!l->whole.n || (l->whole.n > 1 && l->whole.p[0] == '0'))
        return -1;
    if (take_char(&text, '.', '.')) {
        l->fraction = take_digits(&text);
        if (!l->fraction.n)
            return -1;
    }
    if (take_char(&text, 'e', 'E') && take_exponent(&text, &l->exponent) != 0)
        return -1;
    return text.n ? -1 : 0;
}

static int digit_at(const struct literal *l, size_t i)
{
    return (i < l->whole.n ? l->whole.p[i] : l->fraction.p[i - l->whole.n]) - '0';
}

/* value × 10^places, rounded half away from zero; *exact tells whether anything was rounded. -1: over max. */
static int weigh(const struct literal *l, int places, int64_t max, int64_t *out, bool *exact)
{
    int64_t v = 0;
    int64_t place = (int64_t)l->whole.n - 1 + l->exponent + places; /* the power of ten of the digit at hand */
    *exact = true;
    for (size_t i = 0; i < l->whole.n + l->fraction.n; i++, place--) {
        int digit = digit_at(l, i);
        if (place < 0) {
            *exact = *exact && digit == 0;
            if (place == -1 && digit >= 5 && __builtin_add_overflow(v, 1, &v))
                return -1;
        } else if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v)) {
            return -1;
        }
    }
    for (; place >= 0 && v != 0; place--) {
        if (__builtin_mul_overflow(v, 10, &v))
            return -1;
    }
    if (v > max)
        return -1;
    *out = l->negative ? -v : v;
    return 0;
}

int fix_parse(struct str literal, int64_t *micro)
{
    struct literal l;
    bool exact;
    if (take_apart(literal, &l) != 0)
        return -1;
    return weigh(&l, 6, VALUE_MAX * FIX_ONE, micro, &exact);
}

int fix_parse_whole(struct str literal, int64_t *value)
{
    struct literal l;
    int64_t v;
    bool exact;
    if (take_apart(literal, &l) != 0 || weigh(&l, 0, WHOLE_MAX, &v, &exact) != 0 || !exact)
        return -1;
    *value = v;
    return 0;
}

int fix_parse_milli(struct str literal, int64_t *milli)
{
    struct literal l;
    int64_t v;
    bool exact;
    if (take_apart(literal, &l) != 0 || weigh(&l, 3, VALUE_MAX * 1000, &v, &exact) != 0 || !exact)
        return -1;
    *milli = v;
    return 0;
}

int64_t fix_div_round(__int128 num, __int128 den)
{
    assert(den != 0);
    __int128 quotient = num / den;
    __int128 rest = num % den;
    bool negative = (num < 0) != (den < 0);
    if (rest < 0)
        rest = -rest;
    if (den < 0)
        den = -den;
    if (rest >= den - rest) /* twice the rest could overflow */
        quotient += negative ? -1 : 1;
    assert(quotient >= INT64_MIN && quotient <= INT64_MAX);
    return (int64_t)quotient;
}

int64_t fix_div_floor(int64_t num, int64_t den)
{
    assert(den > 0);
    int64_t quotient = num / den;
    return quotient - (num % den < 0);
}
