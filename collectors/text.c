/* Closers and placeholders: is a text a chain of known phrases once everything that says nothing is cut out of it?
 *
 * The list of code points is SPEC.md's, whatever a newer Unicode may say: figures must not change with a library. Phrases
 * are cut the same way while they are matched ("thank you" meets "Thank-You!"). Any way to cut the text into phrases counts,
 * so all are followed at once: for each place, can it be reached, and with a phrase on the way? That is linear in the text. */
#include "kefu/collectors/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "kefu/base/utf8.h"

#define INLINE_BYTES 512 /* longer texts are rare and may cost a malloc */

struct phrases {
    const struct str *list;
    size_t n;
};

static bool is_cut(uint32_t code)
{
    if (code > 0x303F && code < 0xFE00) {
        return false; /* nearly all that is not ASCII */
    }
    static const struct {
        uint32_t first;
        uint32_t last;
    } ranges[] = {
        {0x0000, 0x002F}, {0x003A, 0x0040}, {0x005B, 0x0060},   {0x007B, 0x00BF},   {0x00D7, 0x00D7}, {0x00F7, 0x00F7},
        {0x2000, 0x2BFF}, {0x3000, 0x303F}, {0xFE00, 0xFE0F},   {0xFE30, 0xFE4F},   {0xFF00, 0xFF0F}, {0xFF1A, 0xFF20},
        {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0x1F000, 0x1FAFF}, {0xE0000, 0xE007F},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges && ranges[i].first <= code; i++) {
        if (code <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* The next character of *p … end that is not cut, A–Z made small, into out; its length, 0 at the end. Moves *p behind. */
static size_t next_kept(const char **p, const char *end, char out[4])
{
    while (*p < end) {
        size_t n;
        uint32_t code = utf8_get(*p, &n);
        const char *at = *p;
        *p += n;
        if (is_cut(code)) {
            continue;
        }
        memcpy(out, at, n);
        out[0] = (char)(code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : (unsigned char)at[0]);
        return n;
    }
    return 0;
}

static bool has_question_mark(struct str text)
{
    return memchr(text.p, '?', text.n) || memmem(text.p, text.n, "\xEF\xBC\x9F", 3); /* U+FF1F */
}

/* How many bytes of the cut text `rest` the phrase takes up; 0 if it does not stand there (or is nothing itself). */
static size_t match(struct str phrase, struct str rest)
{
    const char *p = phrase.p;
    size_t taken = 0;
    char c[4];
    size_t n;
    while ((n = next_kept(&p, phrase.p + phrase.n, c)) > 0) {
        if (n > rest.n - taken || memcmp(rest.p + taken, c, n) != 0) {
            return 0;
        }
        taken += n;
    }
    return taken;
}

enum reach { REACH_NONE = 0, REACH_BARE = 1, REACH_WITH_PHRASE = 2 }; /* bits: a place may be reached both ways */

/* A quick no: the first letter alone decides nearly always. Only letters that are never cut are looked at. */
static bool begins_otherwise(struct str phrase, struct str rest)
{
    unsigned char c = phrase.n ? (unsigned char)phrase.p[0] : 0;
    if (c >= 0xE4 && c <= 0xE9) { /* U+4000 … U+9FFF: three bytes */
        return rest.n < 3 || phrase.n < 3 || memcmp(phrase.p, rest.p, 3) != 0;
    }
    c = (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    return c >= 'a' && c <= 'z' && c != (unsigned char)rest.p[0];
}

static bool may_begin(struct phrases words, struct str rest)
{
    size_t i = 0;
    while (i < words.n && begins_otherwise(words.list[i], rest)) {
        i++;
    }
    return i < words.n;
}

/* Marks the places that words of one list lead to from place `from`. */
static void step(struct str text, size_t from, struct phrases words, unsigned char mark, unsigned char *reach)
{
    struct str rest = {text.p + from, text.n - from};
    for (size_t i = 0; i < words.n; i++) {
        size_t n = begins_otherwise(words.list[i], rest) ? 0 : match(words.list[i], rest);
        reach[from + n] |= n ? mark : 0;
    }
}

/* Is the cut text a chain with at least one phrase? `reach` has text.n + 1 zeroed places. */
static bool is_chain(struct str text, struct phrases phrases, struct phrases particles, unsigned char *reach)
{
    reach[0] = REACH_BARE;
    for (size_t i = 0; i < text.n; i++) {
        if (reach[i]) {
            step(text, i, phrases, REACH_WITH_PHRASE, reach);
            step(text, i, particles, reach[i], reach);
        }
    }
    return (reach[text.n] & REACH_WITH_PHRASE) != 0;
}

static size_t cut_text(struct str text, char *out)
{
    const char *p = text.p;
    size_t n = 0;
    size_t got;
    while ((got = next_kept(&p, text.p + text.n, out + n)) > 0) {
        n += got;
    }
    return n;
}

/* Most texts begin with what no phrase begins with: then nothing more need be looked at. */
static bool begins_as_none(struct str text, struct phrases phrases, struct phrases particles)
{
    const char *p = text.p;
    char first[4];
    struct str rest = {first, next_kept(&p, text.p + text.n, first)};
    return rest.n && !may_begin(phrases, rest) && !may_begin(particles, rest);
}

/* Nothing but phrases and particles, or nothing at all. */
static bool says_nothing(struct str text, struct phrases phrases, struct phrases particles)
{
    if (text.n == 0 || begins_as_none(text, phrases, particles) || has_question_mark(text)) {
        return false;
    }
    char bytes_inline[INLINE_BYTES + 4]; /* next_kept may look four bytes ahead */
    unsigned char reach_inline[INLINE_BYTES + 1];
    bool large = text.n > INLINE_BYTES;
    char *bytes = large ? xmalloc(text.n + 4) : bytes_inline;
    unsigned char *reach = large ? xmalloc(text.n + 1) : reach_inline;
    struct str cut = {bytes, cut_text(text, bytes)};
    memset(reach, 0, cut.n + 1);
    bool nothing = cut.n == 0 || is_chain(cut, phrases, particles, reach);
    if (large) {
        free(bytes);
        free(reach);
    }
    return nothing;
}

bool text_is_closer(struct str text, const struct rulebook *r)
{
    return says_nothing(text, (struct phrases){r->closing_phrases, r->closing_phrases_n},
                        (struct phrases){r->closing_particles, r->closing_particles_n});
}

bool text_is_placeholder(struct str text, const struct rulebook *r)
{
    return r->placeholder_phrases_n > 0 &&
           says_nothing(text, (struct phrases){r->placeholder_phrases, r->placeholder_phrases_n},
                        (struct phrases){r->closing_particles, r->closing_particles_n});
}
