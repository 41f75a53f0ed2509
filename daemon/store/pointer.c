/* Ranges of pointers: read, merged, written.
 *
 * A blob is, for each pointer in order, the step from the hash before and the subject's number, as varints. It keeps true that
 * a pointer once added is found, and refuses to write over a row whose checksum does not fit. */
#include "kefu/store/pointer.h"

#include <stdlib.h>

#include "kefu/base/buf.h"

#define HASH_SHIFT  32 /* 32 bits of a hash are kept */
#define RANGE_SHIFT 18 /* the upper 14 of them choose the row */
#define RANGES      (UINT64_C(1) << (HASH_SHIFT - RANGE_SHIFT))

uint64_t pointer_hash(uint64_t hash)
{
    return hash >> HASH_SHIFT;
}

static uint64_t range_of(uint64_t hash)
{
    return hash >> RANGE_SHIFT;
}

static int pointer_cmp(const void *a, const void *b)
{
    const struct shelf_pointer *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->subject > y->subject) - (x->subject < y->subject);
}

/* Those below a hash come to the front. How many they are. */
static size_t part(struct shelf_pointer *p, size_t n, uint64_t below)
{
    size_t front_n = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i].hash >= below)
            continue;
        struct shelf_pointer other = p[front_n];
        p[front_n++] = p[i];
        p[i] = other;
    }
    return front_n;
}

size_t pointer_sort_some(struct shelf_pointer *p, size_t n, size_t some, uint64_t *from)
{
    size_t front_n = 0;
    for (uint64_t left_n = RANGES - range_of(*from); n && !front_n; left_n = RANGES - range_of(*from)) {
        *from += (left_n * some / n + 1) << RANGE_SHIFT;
        front_n = part(p, n, *from);
    }
    qsort(p, front_n, sizeof *p, pointer_cmp);
    return front_n;
}

/* Reads and writes one blob from its beginning. */
struct run {
    struct cursor in;
    struct buf out; /* owned */
    uint64_t hash;  /* of the pointer before */
};

/* False: the end. */
static bool next(struct run *r, struct shelf_pointer *p)
{
    if (r->in.p == r->in.end)
        return false;
    r->hash += cursor_uvar(&r->in);
    *p = (struct shelf_pointer){r->hash, (int64_t)cursor_uvar(&r->in)};
    return !r->in.bad;
}

static void put(struct run *r, const struct shelf_pointer *p)
{
    buf_put_uvar(&r->out, p->hash - r->hash);
    buf_put_uvar(&r->out, (uint64_t)p->subject);
    r->hash = p->hash;
}

/* Two sorted lists become one without doubles. */
static void merge(struct run *old, const struct shelf_pointer *p, size_t n, struct run *to)
{
    struct shelf_pointer mine, last = {0};
    bool more = next(old, &mine);
    for (size_t i = 0; more || i < n;) {
        bool from_old = more && (i == n || pointer_cmp(&mine, &p[i]) <= 0);
        struct shelf_pointer least = from_old ? mine : p[i];
        if (from_old)
            more = next(old, &mine);
        else
            i++;
        if (!to->out.n || pointer_cmp(&least, &last) != 0)
            put(to, &least);
        last = least;
    }
}

/* SQLITE_ROW with the blob (borrowed until the statement is reset), SQLITE_DONE: there is none. */
static int get_blob(sqlite3_stmt *get, uint64_t range, struct str *blob)
{
    sqlite3_bind_int64(get, 1, (int64_t)range);
    int rc = sqlite3_step(get);
    if (rc != SQLITE_ROW)
        return rc;
    *blob = column_str(get, 1);
    return row_sound(get) ? SQLITE_ROW : SQLITE_CORRUPT;
}

static int put_range(struct db *db, uint64_t range, const struct run *r)
{
    struct db_row row = row_of(db, SQL_POINTER_SET);
    row_uint(&row, range);
    row_blob(&row, buf_str(&r->out));
    return row_save(&row);
}

static int drop_range(struct db *db, uint64_t range)
{
    struct db_row row = row_of(db, SQL_POINTER_DROP);
    row_uint(&row, range);
    return row_run(&row);
}

static int add_to_range(struct db *db, const struct shelf_pointer *p, size_t n, struct run *to)
{
    sqlite3_stmt *get = db->statements[SQL_POINTER_GET];
    uint64_t range = range_of(p->hash);
    struct str blob = {0};
    int rc = get_blob(get, range, &blob);
    struct run old = {.in = cursor_of(blob), .hash = range << RANGE_SHIFT};
    to->out.n = 0;
    to->hash = old.hash;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        merge(&old, p, n, to);
    sqlite3_reset(get);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? put_range(db, range, to) : rc;
}

int pointer_add(struct db *db, const struct shelf_pointer *p, size_t n)
{
    struct run to = {0};
    int rc = SQLITE_OK;
    for (size_t i = 0, end = 0; rc == SQLITE_OK && i < n; i = end) {
        while (end < n && range_of(p[end].hash) == range_of(p[i].hash))
            end++;
        rc = add_to_range(db, p + i, end - i, &to);
    }
    buf_fini(&to.out);
    return rc;
}

int pointer_sift(struct db *db, uint64_t range, bool (*stays)(void *arg, int64_t subject), void *arg, size_t *looked_n)
{
    sqlite3_stmt *get = db->statements[SQL_POINTER_GET];
    struct str blob = {0};
    struct shelf_pointer p;
    size_t n = 0, kept_n = 0;
    int rc = get_blob(get, range, &blob);
    struct run old = {.in = cursor_of(blob), .hash = range << RANGE_SHIFT}, to = {.hash = range << RANGE_SHIFT};
    for (; rc == SQLITE_ROW && next(&old, &p); n++) {
        if (!stays(arg, p.subject))
            continue;
        put(&to, &p);
        kept_n++;
    }
    sqlite3_reset(get);
    *looked_n += n + 1;
    if (rc == SQLITE_ROW && kept_n < n)
        rc = kept_n ? put_range(db, range, &to) : drop_range(db, range);
    buf_fini(&to.out);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int pointer_find(sqlite3_stmt *get, uint64_t hash, void (*each)(void *arg, int64_t subject), void *arg)
{
    uint64_t wanted = pointer_hash(hash);
    struct str blob = {0};
    struct shelf_pointer p;
    int rc = get_blob(get, range_of(wanted), &blob);
    struct run old = {.in = cursor_of(blob), .hash = range_of(wanted) << RANGE_SHIFT};
    while (rc == SQLITE_ROW && next(&old, &p) && p.hash <= wanted)
        if (p.hash == wanted)
            each(arg, p.subject);
    sqlite3_reset(get);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}
