/* Any bytes as a rulebook, alone and over the built-in one: refused with place and reason, or a rulebook that keeps what its
 * header promises to those who score by it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/model/rulebook.h"
#include "kefu/rules/score.h"
#include "kefu/rules/seed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* Months of nothing, of little and of much: a score never leaves 0 … 100 points. */
static void score_by(const struct rulebook *r)
{
    static const int64_t sizes[] = {0, 1, 12, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t n = sizes[i];
        struct figures f = {.answered = n, .within = n / 2, .response_sum = n * 20000, .handled = n, .resolved = n};
        struct score score;
        score_month(r, &f, n > 1, &score);
        must(score.total_milli == SCORE_NONE || (score.total_milli >= 0 && score.total_milli <= 100000));
    }
}

static void read_over(struct str text, const struct rulebook *base)
{
    struct err e = {0};
    struct rulebook *r = rulebook_read(text, "fuzz", base, &e);
    if (!r) {
        must(e.what[0] != '\0' && strncmp(e.where, "fuzz", 4) == 0);
        return;
    }
    must(r->name.n > 0 && r->kpis_n > 0 && r->tiers_n > 0);
    score_by(r);
    rulebook_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct rulebook *seed; /* for the whole run */
    if (!seed) {
        seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, NULL);
        must(seed != NULL);
    }
    struct str text = {(const char *)data, n};
    read_over(text, seed);
    read_over(text, NULL);
    return 0;
}
