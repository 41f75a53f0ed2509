/* The failing disk: see support_vfs.h.
 *
 * Every method passes on to SQLite's own VFS; before that it is counted, and may fail. With `record`, what each file
 * holds durably is kept beside it in memory together with the writes and truncations not yet synced. Creating and
 * deleting a file count as durable at once. */
#include "support_vfs.h"
#include "support_random.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "kefu/base/buf.h"
#include "kefu/base/mem.h"

#define NODES_MAX 8
#define SECTOR    512

struct change {
    int64_t offset; /* of a write; -1: a truncation */
    int64_t size;   /* of the truncation */
    struct buf data;
};

struct node {
    char *path; /* NULL: unused */
    struct buf durable;
    struct change *changes;
    size_t changes_n, changes_cap;
};

struct file {
    sqlite3_file base;
    struct node *node; /* NULL: not recorded */
    sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs our_vfs;
static struct fault_plan plan;
static struct node nodes[NODES_MAX];
static uint64_t random_state;

static void forget_changes(struct node *n)
{
    for (size_t i = 0; i < n->changes_n; i++)
        buf_fini(&n->changes[i].data);
    n->changes_n = 0;
}

static void forget_node(struct node *n)
{
    forget_changes(n);
    free(n->changes);
    buf_fini(&n->durable);
    free(n->path);
    *n = (struct node){0};
}

static struct node *node_find(const char *path)
{
    for (size_t i = 0; i < NODES_MAX; i++)
        if (nodes[i].path && strcmp(nodes[i].path, path) == 0)
            return &nodes[i];
    return NULL;
}

/* What a file that was there before recording began holds is durable. */
static void read_file(const char *path, struct buf *image)
{
    char piece[65536];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (n = read(fd, piece, sizeof piece)) > 0)
        buf_put(image, piece, (size_t)n);
    if (fd >= 0)
        close(fd);
}

static struct node *node_of(const char *path)
{
    struct node *found = node_find(path);
    for (size_t i = 0; !found && i < NODES_MAX; i++)
        if (!nodes[i].path)
            found = &nodes[i];
    assert(found);
    if (!found->path) {
        found->path = xstrndup(path, strlen(path));
        read_file(path, &found->durable);
    }
    return found;
}

static struct change *change_add(struct node *n)
{
    xgrow(&n->changes, &n->changes_cap, n->changes_n + 1, sizeof *n->changes);
    n->changes[n->changes_n] = (struct change){0};
    return &n->changes[n->changes_n++];
}

static void set_size(struct buf *b, size_t size)
{
    if (size > b->n) {
        buf_reserve(b, size - b->n);
        memset(b->p + b->n, 0, size - b->n);
    }
    b->n = size;
}

static void apply(struct buf *image, const struct change *c, size_t from, size_t to)
{
    if (c->offset < 0) {
        set_size(image, (size_t)c->size);
        return;
    }
    size_t start = (size_t)c->offset + from, end = (size_t)c->offset + to;
    if (start >= end)
        return;
    if (end > image->n)
        set_size(image, end);
    memcpy(image->p + start, c->data.p + from, end - start);
}

/* Half of what was not synced is lost; of the rest a quarter is torn: only sectors from or up to some place arrive. */
static void apply_by_chance(struct buf *image, const struct change *c)
{
    uint64_t dice = random_next(&random_state);
    if (dice & 1)
        return;
    size_t from = 0, to = c->data.n;
    if ((dice & 6) == 0 && c->data.n > SECTOR) {
        size_t place = (size_t)(random_next(&random_state) % (c->data.n / SECTOR + 1)) * SECTOR;
        from = dice & 8 ? place : 0;
        to = dice & 8 ? c->data.n : place;
    }
    apply(image, c, from, to);
}

static void shuffle(struct change *changes, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)(random_next(&random_state) % i);
        struct change kept = changes[i - 1];
        changes[i - 1] = changes[k];
        changes[k] = kept;
    }
}

static void write_image(const char *path, const struct buf *image)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert(fd >= 0);
    ssize_t n = image->n ? write(fd, image->p, image->n) : 0;
    assert(n == (ssize_t)image->n);
    (void)n;
    close(fd);
}

/* What is found of a file after the cut. A kill loses nothing, but what was not synced still may be lost later. */
static void survive(struct node *n, struct buf *image)
{
    buf_put(image, n->durable.p, n->durable.n);
    if (!plan.kill)
        shuffle(n->changes, n->changes_n);
    for (size_t k = 0; k < n->changes_n && !plan.kill; k++)
        apply_by_chance(image, &n->changes[k]);
    for (size_t k = 0; k < n->changes_n && plan.kill; k++)
        apply(image, &n->changes[k], 0, n->changes[k].data.n);
}

/* From here on the node is that of the file in cut_dir. */
static void move_node(struct node *n)
{
    char full[4096];
    struct buf image = {0};
    const char *slash = strrchr(n->path, '/');
    survive(n, &image);
    snprintf(full, sizeof full, "%s/%s", plan.cut_dir, slash ? slash + 1 : n->path);
    write_image(full, &image);
    free(n->path);
    n->path = xstrndup(full, strlen(full));
    if (plan.kill) {
        buf_fini(&image);
        return;
    }
    forget_changes(n);
    buf_fini(&n->durable);
    n->durable = image;
}

/* After this the run goes on as if nothing had happened; what it does no longer counts. */
static void cut_power(void)
{
    plan.was_cut = true;
    for (size_t i = 0; i < NODES_MAX; i++)
        if (nodes[i].path)
            move_node(&nodes[i]);
    plan.record = false;
    if (plan.on_cut)
        plan.on_cut(plan.on_cut_arg);
}

void fault_step(void)
{
    plan.counted_n++;
    plan.full |= plan.counted_n == plan.full_at;
    if (plan.counted_n == plan.cut_at && plan.record)
        cut_power();
}

/* Counts an operation; true if it is to fail. */
static bool fails(enum fault_op op)
{
    if (!(plan.ops & (int)op))
        return false;
    fault_step();
    bool now = plan.fail_at && (plan.lasting ? plan.counted_n >= plan.fail_at : plan.counted_n == plan.fail_at);
    plan.failed |= now;
    return now;
}

static struct file *file_of(sqlite3_file *f)
{
    return (struct file *)(void *)f;
}

static int f_close(sqlite3_file *f)
{
    return file_of(f)->real->pMethods->xClose(file_of(f)->real);
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 offset)
{
    if (fails(FAULT_READ))
        return SQLITE_IOERR_READ;
    return file_of(f)->real->pMethods->xRead(file_of(f)->real, p, n, offset);
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 offset)
{
    struct file *file = file_of(f);
    bool failed = !plan.full && fails(FAULT_WRITE);
    if (plan.full)
        return SQLITE_FULL;
    if (failed) {
        file->real->pMethods->xWrite(file->real, p, n / 2, offset);
        return plan.no_room ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    if (file->node && plan.record) {
        struct change *c = change_add(file->node);
        c->offset = offset;
        buf_put(&c->data, p, (size_t)n);
    }
    return file->real->pMethods->xWrite(file->real, p, n, offset);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct file *file = file_of(f);
    if (fails(FAULT_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    if (file->node && plan.record)
        *change_add(file->node) = (struct change){.offset = -1, .size = size};
    return file->real->pMethods->xTruncate(file->real, size);
}

static int f_sync(sqlite3_file *f, int flags)
{
    struct file *file = file_of(f);
    if (fails(FAULT_SYNC))
        return SQLITE_IOERR_FSYNC;
    if (!file->node)
        return file->real->pMethods->xSync(file->real, flags);
    if (plan.record) {
        for (size_t i = 0; i < file->node->changes_n; i++)
            apply(&file->node->durable, &file->node->changes[i], 0, file->node->changes[i].data.n);
        forget_changes(file->node);
    }
    return SQLITE_OK;
}

static int f_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return file_of(f)->real->pMethods->xFileSize(file_of(f)->real, size);
}

static int f_lock(sqlite3_file *f, int level)
{
    return file_of(f)->real->pMethods->xLock(file_of(f)->real, level);
}

static int f_unlock(sqlite3_file *f, int level)
{
    return file_of(f)->real->pMethods->xUnlock(file_of(f)->real, level);
}

static int f_check_lock(sqlite3_file *f, int *held)
{
    return file_of(f)->real->pMethods->xCheckReservedLock(file_of(f)->real, held);
}

/* SQLite shows a PRAGMA to the file before it runs it, with the value in memory of its own: so it can be changed here. */
static int f_control(sqlite3_file *f, int op, void *arg)
{
    char **pragma = arg;
    if (op == SQLITE_FCNTL_PRAGMA && plan.synchronous_off && strcmp(pragma[1], "synchronous") == 0 && pragma[2] &&
        strcmp(pragma[2], "FULL") == 0)
        memcpy(pragma[2], "OFF", sizeof "OFF");
    return file_of(f)->real->pMethods->xFileControl(file_of(f)->real, op, arg);
}

static int f_sector(sqlite3_file *f)
{
    return file_of(f)->real->pMethods->xSectorSize(file_of(f)->real);
}

static int f_traits(sqlite3_file *f)
{
    return file_of(f)->real->pMethods->xDeviceCharacteristics(file_of(f)->real);
}

static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    if (fails(FAULT_SHM))
        return SQLITE_IOERR_SHMMAP;
    return file_of(f)->real->pMethods->xShmMap(file_of(f)->real, page, size, extend, p);
}

static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return file_of(f)->real->pMethods->xShmLock(file_of(f)->real, offset, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
    file_of(f)->real->pMethods->xShmBarrier(file_of(f)->real);
}

static int f_shm_unmap(sqlite3_file *f, int remove)
{
    return file_of(f)->real->pMethods->xShmUnmap(file_of(f)->real, remove);
}

static const sqlite3_io_methods methods = {.iVersion = 2, /* no memory maps: they would pass us by */
                                           .xClose = f_close,
                                           .xRead = f_read,
                                           .xWrite = f_write,
                                           .xTruncate = f_truncate,
                                           .xSync = f_sync,
                                           .xFileSize = f_size,
                                           .xLock = f_lock,
                                           .xUnlock = f_unlock,
                                           .xCheckReservedLock = f_check_lock,
                                           .xFileControl = f_control,
                                           .xSectorSize = f_sector,
                                           .xDeviceCharacteristics = f_traits,
                                           .xShmMap = f_shm_map,
                                           .xShmLock = f_shm_lock,
                                           .xShmBarrier = f_shm_barrier,
                                           .xShmUnmap = f_shm_unmap};

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    struct file *file = file_of(f);
    (void)v;
    *file = (struct file){.real = (sqlite3_file *)(void *)(file + 1)};
    if (fails(FAULT_OPEN))
        return SQLITE_CANTOPEN;
    int rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out_flags);
    if (file->real->pMethods)
        file->base.pMethods = &methods;
    if (rc == SQLITE_OK && name && plan.record)
        file->node = node_of(name);
    return rc;
}

static int v_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
    (void)v;
    if (fails(FAULT_DELETE))
        return SQLITE_IOERR_DELETE;
    struct node *node = plan.record ? node_find(name) : NULL;
    if (node)
        forget_node(node);
    return real_vfs->xDelete(real_vfs, name, plan.record ? 0 : sync_dir);
}

static int v_access(sqlite3_vfs *v, const char *name, int flags, int *answer)
{
    (void)v;
    return real_vfs->xAccess(real_vfs, name, flags, answer);
}

size_t fault_held_bytes(void)
{
    size_t n = 0;
    for (size_t i = 0; i < NODES_MAX; i++) {
        n += nodes[i].durable.cap + nodes[i].changes_cap * sizeof(struct change);
        for (size_t k = 0; k < nodes[i].changes_n; k++)
            n += nodes[i].changes[k].data.cap;
    }
    return n;
}

struct fault_plan *fault_plan_next(struct fault_plan new_plan)
{
    plan = new_plan;
    random_state = plan.seed;
    return &plan;
}

struct fault_plan *fault_plan_new(struct fault_plan new_plan)
{
    if (!real_vfs) {
        real_vfs = sqlite3_vfs_find(NULL);
        our_vfs = *real_vfs;
        our_vfs.pNext = NULL;
        our_vfs.zName = FAULT_VFS;
        our_vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
        our_vfs.xOpen = v_open;
        our_vfs.xDelete = v_delete;
        our_vfs.xAccess = v_access;
    }
    sqlite3_vfs_register(&our_vfs, 0);
    for (size_t i = 0; i < NODES_MAX; i++)
        if (nodes[i].path)
            forget_node(&nodes[i]);
    return fault_plan_next(new_plan);
}
