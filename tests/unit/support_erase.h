/* For tests of erasing: a store of two persons to be erased, an agent and a customer, whose names stand wherever they can come, among
 * others whose names must stay; and looks at what such a store holds, squeezed or not. */
#ifndef KEFU_TESTS_SUPPORT_ERASE_H
#define KEFU_TESTS_SUPPORT_ERASE_H

#include "kefu/daemon/erase.h"
#include "support_months.h"

#define ERASED_AGENT    "erased-000000000a01" /* the pseudonyms */
#define ERASED_CUSTOMER "erased-000000000c01"
#define AGENT_ID        "dora-lin"
#define CUSTOMER_ID     "buyer-4711"

/* What names a person, and ends with NULL. */
extern const char *const agent_names[];
extern const char *const customer_names[];
extern const char *const all_names[]; /* of both */
/* What names nobody who is erased. */
extern const char *const other_names[];

/* For cmocka, once a group: lives the scene and keeps its store; the state is the scene. */
struct scene {
    struct desk_of_months *d; /* its world is closed */
    struct buf
        kept[4]; /* the store's file as it was lived, byte for byte; and as it was when one or both were asked for */
    struct buf live,
        anew; /* figures before anybody was erased: as a start finds them, and counted anew from all events */
    struct event *events; /* as they were sent */
    size_t events_n, events_cap;
    struct arena arena;
    const char *const *gone; /* NULL: not looked for */
};
int scene_setup(void **state);
int scene_teardown(void **state);
/* Puts the store back as it was lived, with the erasure of one or both asked for. No connection of it may be open. */
enum { ASK_AGENT = 1, ASK_CUSTOMER = 2 };
void scene_back(struct scene *s, int ask); /* these or'ed; 0: nobody's */

/* Of the store's folder: a path; all bytes of a file, appended. */
void scene_path(const struct scene *s, char out[200], const char *name);
void scene_read(const struct scene *s, const char *name, struct buf *out);
extern const uint8_t scene_key[DIGEST_KEY_BYTES]; /* of customers' ids: the world's */
/* Notes events and figures as they are. */
void scene_note(struct scene *s);

/* Erases as a start does, over a VFS (NULL: SQLite's own), with an SQLite that leaves in free pages what was in them. If it ends
 * well, no byte of any file has s->gone, while the store is open still. As erase_at_start. */
int scene_erase(struct scene *s, const char *vfs, struct err *e);
/* The stage of a person's task. */
enum erase_stage scene_stage(struct scene *s, const char *person);
/* How often names stand in the rows and events of the store, opened for this: journal and shelf are looked at unsqueezed. */
int64_t scene_held_n(struct scene *s, const char *const *names);
/* No byte of any file has them (which says nothing of what is squeezed); and neither has an event or row. */
void scene_assert_no_byte(struct scene *s, const char *const *names);
void scene_assert_gone(struct scene *s, const char *const *names);
/* All events, sent once more as they were the first time, are known. */
void scene_assert_known(struct scene *s);
/* The figures of everybody, and the chains, are as before, counted either way. */
void scene_assert_whole(struct scene *s);

#endif
