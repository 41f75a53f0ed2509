/* What the files of collectors/mapping share, and nobody else. */
#ifndef KEFU_COLLECTORS_MAPPING_INSIDE_H
#define KEFU_COLLECTORS_MAPPING_INSIDE_H

#include "kefu/base/arena.h"
#include "kefu/base/intern.h"
#include "kefu/base/tz.h"
#include "kefu/collectors/mapping.h"

#define MAPPING_EVENTS_MAX  32
#define MAPPING_FIELDS_MAX  16
#define MAPPING_ALIASES_MAX 8
#define MAPPING_WORDS_MAX   32
#define MAPPING_NOWHERE     SIZE_MAX /* a column that the table does not have */

/* Column names of which the first that is there counts; at: where it is in the present table. */
struct mapping_column {
    struct str names[MAPPING_ALIASES_MAX];
    size_t names_n; /* 0: no column */
    size_t at;
};

struct mapping_spec {
    struct str field; /* of the event */
    struct str constant;
    struct mapping_column column, and;
    struct mapping_column plus[2]; /* lengths of time to add */
    int64_t unit_ms;
    struct str words[MAPPING_WORDS_MAX][2];
    size_t words_n;
    bool is_optional;
};

struct mapping_when {
    struct mapping_column column; /* names_n 0: always */
    struct str values[MAPPING_WORDS_MAX];
    size_t values_n;
    bool is_not;
};

struct mapping_event {
    struct str type;
    struct mapping_when when;
    struct mapping_spec specs[MAPPING_FIELDS_MAX];
    size_t specs_n;
};

struct mapping {
    struct arena arena;
    struct str name, encoding;
    struct tz *tz;
    struct mapping_when skip;
    struct mapping_event *events;
    size_t events_n;
    /* of the present table: how often each set of facts was told */
    struct intern told;
    uint32_t *times;
    size_t times_cap;
};

/* Writes the events of a chat in one cell. customer: whose; agent_prefix: what agents' names begin with, absent: everybody
 * but the customer is an agent. */
void mapping_transcript(struct mapping *m, struct turned *out, struct str text, struct str customer);
/* An id for facts put together as text; the second time the same is told, another. */
void mapping_id(struct mapping *m, struct turned *out, struct str facts);

#endif
