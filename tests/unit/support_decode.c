/* A small rulebook, a fixed clock, and texts in memory of their own size. */
#include "support_decode.h"

#include <stdlib.h>
#include <string.h>

#define S(lit)                                                                                                         \
    {                                                                                                                  \
        lit, sizeof(lit) - 1                                                                                           \
    }

static struct str phrases[] = {S("谢谢"), S("好的")};
static struct str particles[] = {S("啦")};
static struct str placeholders[] = {S("在的")};
static const struct rulebook rules = {.closing_phrases = phrases,
                                      .closing_phrases_n = 2,
                                      .closing_particles = particles,
                                      .closing_particles_n = 1,
                                      .placeholder_phrases = placeholders,
                                      .placeholder_phrases_n = 1};
const uint8_t decode_key[DIGEST_KEY_BYTES] = "0123456789abcde";

struct decode_context door_context(void)
{
    return (struct decode_context){
        .now_ms = NOW, .rulebook = &rules, .customer_key = decode_key, .default_source = STR_LIT("default")};
}

struct str door_text(const char *text)
{
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    for (size_t i = 0; i < n; i++) {
        copy[i] = (char)(text[i] == '\'' ? '"' : text[i]);
    }
    return (struct str){copy, n};
}

struct batch *door_decoded(const char *text, void (*how)(struct batch *, struct str, const struct decode_context *))
{
    struct decode_context c = door_context();
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    struct str s = door_text(text);
    how(b, s, &c);
    memset((void *)(uintptr_t)s.p, 0xEE, s.n);
    door_drop(s);
    return b;
}

void door_drop(struct str s)
{
    free((void *)(uintptr_t)s.p);
}
