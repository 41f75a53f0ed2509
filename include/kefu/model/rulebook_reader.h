/* What the parts of the rulebook reader share: where they read from and how they complain. For daemon/model alone. */
#ifndef KEFU_MODEL_RULEBOOK_READER_H
#define KEFU_MODEL_RULEBOOK_READER_H

#include <cjson/cJSON.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/model/rulebook.h"

struct reader {
    struct str text; /* of the file, for line numbers */
    const char *file;
    struct arena *arena; /* where the rulebook's memory is */
    struct err *err;
};

/* Fills the error: "file:line path" and the text; returns -1. path such as "kpis[2].weight". */
int reader_fail(const struct reader *r, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whole number in [min, max]; decimal in micro units in [min, max]; text of 1 … 128 bytes; list of such texts. All say
 * what was found, expected, and the mend. Texts are copied into the arena. */
struct range {
    int64_t min, max;
};
int reader_whole(const struct reader *r, const char *path, const cJSON *v, struct range in, int64_t *out);
int reader_micro(const struct reader *r, const char *path, const cJSON *v, struct range in, int64_t *out);
int reader_text(const struct reader *r, const char *path, const cJSON *v, struct str *out);
struct texts {
    struct str *list;
    size_t n;
};
int reader_texts(const struct reader *r, const char *path, const cJSON *v, struct texts *out);
/* Refuses what is no object, and members that are not in the NULL-terminated list `known` (those beginning with "x_" are
 * notes). */
int reader_known(const struct reader *r, const char *path, const cJSON *object, const char *const *known);
/* "object", "text", "number", … with the article, for "found …". */
const char *reader_kind(const cJSON *v);

/* Replaces all that r points to (of a base, as a rule) by copies in the arena, so that r borrows nothing. */
void reader_own(struct rulebook *r, struct arena *a);

/* The parts. */
int reader_service_hours(const struct reader *r, const cJSON *v, struct rulebook *out);
int reader_special_days(const struct reader *r, const cJSON *v, struct rulebook *out);
int reader_bonus(const struct reader *r, const cJSON *v, struct rulebook *out);
int reader_kpis(const struct reader *r, const cJSON *v, struct rulebook *out);
int reader_alerts(const struct reader *r, const cJSON *v, struct rulebook *out);
int reader_tiers(const struct reader *r, const cJSON *v, struct rulebook *out);

#endif
