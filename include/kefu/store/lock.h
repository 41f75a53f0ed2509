/* The lock that makes a state directory one process's own, and the mark that a store was made in it.
 *
 * DIR/lock is held by flock for the life of the process (a crash lets go of it). It is not the database: SQLite's own
 * locks let a second writer in. The file's one line says who holds it and whether the database was ever complete, so that
 * a database which has vanished is not taken for a new store. */
#ifndef KEFU_STORE_LOCK_H
#define KEFU_STORE_LOCK_H

#include <stdbool.h>

#include "kefu/base/err.h"

struct lock {
    int fd;    /* -1: not held */
    bool made; /* the store in this directory has been complete once */
};

/* Makes DIR (0700) and DIR/lock (0600) if they are not there and takes the lock. -1 with e: another process holds it
 * (its number is told), or the directory cannot be used. */
int lock_take(struct lock *l, const char *dir, struct err *e);
/* Writes down, durably, that the store is complete. -1 with e. */
int lock_mark_made(struct lock *l, const char *dir, struct err *e);
void lock_release(struct lock *l);

#endif
