/* A disk that fails on demand: an SQLite VFS between the store and the real files, for the fault tests.
 *
 * It counts the operations that can fail, makes the Nth fail (once, or from then on), has a full disk, or a power cut: at a
 * chosen operation it writes into another directory what a machine would find after losing power then, which is all that
 * was synced and, of what was not, a random part in random order, writes torn at sectors. Not for two stores at one time. */
#ifndef KEFU_TESTS_SUPPORT_VFS_H
#define KEFU_TESTS_SUPPORT_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_VFS "kefu-fault"

enum fault_op {
    FAULT_OPEN = 1 << 0,
    FAULT_READ = 1 << 1,
    FAULT_WRITE = 1 << 2, /* a failing one writes its first half */
    FAULT_SYNC = 1 << 3,
    FAULT_TRUNCATE = 1 << 4,
    FAULT_DELETE = 1 << 5,
    FAULT_SHM = 1 << 6,
    FAULT_ANY = (1 << 7) - 1
};

struct fault_plan {
    int ops;                   /* which are counted, and may fail */
    uint64_t fail_at;          /* the Nth counted operation fails; 0: none */
    bool lasting;              /* so do all counted ones after it */
    bool no_room;              /* failing writes say that the disk is full (else: an I/O error) */
    bool full;                 /* every write finds the disk full */
    uint64_t full_at;          /* `full` is set at the Nth counted operation; 0: not */
    bool synchronous_off;      /* the store's `PRAGMA synchronous = FULL` becomes OFF */
    bool record;               /* keep track for a power cut. Real syncs are left out */
    uint64_t cut_at;           /* the power goes before the Nth counted operation; 0: not */
    bool kill;                 /* not the power goes but the process: what it has written is there, synced or not */
    const char *cut_dir;       /* where to put what is left then */
    uint64_t seed;             /* of what is left */
    void (*on_cut)(void *arg); /* told once it is there */
    void *on_cut_arg;
    /* seen: */
    uint64_t counted_n; /* operations so far */
    bool failed;        /* one was made to fail */
    bool was_cut;
};

/* Registers the VFS if need be, forgets all files it has recorded, and sets a new plan; the caller may change it later. */
struct fault_plan *fault_plan_new(struct fault_plan plan);
/* A new plan for the same disk: what was recorded of its files stays; after a cut they are those in cut_dir, so that the
 * next start can be made on them. Everything that was open before the cut must be closed first. */
struct fault_plan *fault_plan_next(struct fault_plan plan);
/* Counts something of the caller's own among the operations, such as an answer that leaves: the cut may come there too. */
void fault_step(void);
/* Bytes of memory that the recording takes. */
size_t fault_held_bytes(void);

#endif
