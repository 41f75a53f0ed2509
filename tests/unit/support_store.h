/* A script of commits whose outcome is known in advance, and a check of a whole store against it.
 *
 * Commit k (from 1) carries a few events, the position "k", the rule memory "k", now and then a quarantine row and an
 * effect; all of it follows from k alone. So a store can be asked: are you exactly what k commits leave, for one k? */
#ifndef KEFU_TESTS_SUPPORT_STORE_H
#define KEFU_TESTS_SUPPORT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kefu/model/commit.h"
#include "kefu/store/store.h"

#define SCRIPT_EVENTS_MAX 6

/* The event with sequence `seq`, its strings in `room`. About as long as a chat message is. */
struct script_event {
    struct event event;
    char id[24];
    char subject[24];
};
void script_event(struct script_event *room, uint64_t seq);

/* Commit k and all that it borrows. */
struct script_commit {
    struct commit commit;
    struct script_event events[SCRIPT_EVENTS_MAX];
    const struct event *pointers[SCRIPT_EVENTS_MAX];
    char text[24]; /* "k" */
    struct memory_row memory[2];
    struct quarantined quarantine;
    uint64_t drop;
    struct effect effect;
    uint64_t sent;
};
void script_commit(struct script_commit *room, uint64_t k);
/* Sequence of the last event of commit k. */
uint64_t script_last_seq(uint64_t k);

/* n events whose texts, of `bytes` each, nothing can make shorter. */
struct script_noise {
    const struct event **pointers;
    struct script_event *events;
    char *bytes;
};
void script_noise(struct script_noise *room, size_t n, size_t bytes);
void script_noise_free(struct script_noise *room);

/* Which k the store is the outcome of; -1 with the difference in `why`, if of none. */
int64_t script_state(struct store *s, char *why, size_t why_n);
/* The same of a directory, opened for this, with SQLite's own integrity_check at the end. */
int64_t script_state_of_dir(const char *dir, char *why, size_t why_n);

/* A new directory for a test, and its end with all that is in it. */
char *test_dir_new(void);
void test_dir_free(char *dir);
/* Runs SQL on DIR/kefu.db by a connection of its own (no store may have it open). */
void test_sql(const char *dir, const char *sql);
/* How often: KEFU_SOAK set: many, else few. */
uint64_t test_rounds(uint64_t few, uint64_t many);
/* Soaking for KEFU_SOAK_S seconds: false when they are over. Without it, or without KEFU_SOAK: always true. */
bool test_has_time(void);

#endif
