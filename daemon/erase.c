/* Tasks, and the order in which one is done: all rows in one transaction with the next stage of the task, then the file is
 * written anew and the log emptied, then the task is told to whoever cleans Redis.
 *
 * Keeps true: a task is either wholly as it was asked for, with the name in it, or done, without. */
#include "kefu/daemon/erase.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/erase_inside.h"
#include "kefu/store/rows.h"
#include "kefu/store/shelf.h"

static void put_str(struct buf *out, struct str s)
{
    buf_put_uvar(out, s.n);
    buf_put_str(out, s);
}

static struct str take_str(struct cursor *in)
{
    return cursor_bytes(in, (size_t)cursor_uvar(in));
}

struct memory_row erase_row(const struct erase_task *t, struct arena *arena)
{
    struct buf b = {0};
    buf_put_byte(&b, (uint8_t)t->stage);
    buf_put_byte(&b, t->customer);
    put_str(&b, t->id);
    put_str(&b, t->name);
    put_str(&b, t->employee_no);
    put_str(&b, t->actor);
    put_str(&b, t->reason);
    buf_put_svar(&b, t->at_ms);
    buf_put_svar(&b, t->rows_n);
    struct memory_row row = {ERASE_RULE, arena_copy(arena, t->person), arena_copy(arena, buf_str(&b))};
    buf_fini(&b);
    return row;
}

int erase_read(const struct memory_row *row, struct erase_task *t)
{
    struct cursor in = cursor_of(row->blob);
    if (!str_eq(row->rule, ERASE_RULE))
        return -1;
    *t = (struct erase_task){.person = row->subject, .stage = (enum erase_stage)cursor_byte(&in)};
    t->customer = cursor_byte(&in) != 0;
    t->id = take_str(&in);
    t->name = take_str(&in);
    t->employee_no = take_str(&in);
    t->actor = take_str(&in);
    t->reason = take_str(&in);
    t->at_ms = cursor_svar(&in);
    t->rows_n = cursor_svar(&in);
    return in.bad ? -1 : 0;
}

struct tasks {
    struct erase_task *list; /* owned; strings in the arena */
    size_t n, cap;
    struct arena arena;
};

static void take_task(void *arg, const struct memory_row *row)
{
    struct tasks *all = arg;
    struct erase_task t;
    struct memory_row kept = {ERASE_RULE, arena_copy(&all->arena, row->subject), arena_copy(&all->arena, row->blob)};
    if (!str_eq(row->rule, ERASE_RULE) || erase_read(&kept, &t) < 0)
        return;
    xgrow(&all->list, &all->cap, all->n + 1, sizeof *all->list);
    all->list[all->n++] = t;
}

static int set_task(struct erasure *x, const struct erase_task *t)
{
    struct memory_row row = erase_row(t, &x->arena);
    return rows_memory(x->db, &row) == SQLITE_OK ? 0 : db_err(x->db, x->e, "writing the task of an erasure");
}

static int change_all(struct erasure *x, struct erase_task *t)
{
    if (erase_find(x) < 0 || erase_rows(x) < 0 || erase_book(x) < 0)
        return -1;
    struct erase_task done = *t;
    done.stage = ERASE_TIDY;
    done.id = done.name = done.employee_no = (struct str){0};
    done.rows_n = x->rows_n;
    bool named = false;
    done.actor = erase_text(x, t->actor, &named);
    done.reason = erase_text(x, t->reason, &named);
    int bad = set_task(x, &done);
    if (!bad)
        *t = done;
    return bad;
}

static int erase_one(struct store *s, const uint8_t key[DIGEST_KEY_BYTES], struct tasks *all, size_t i, struct err *e)
{
    struct erase_task *t = &all->list[i], asked = *t;
    struct erasure x = {.store = s, .db = store_db(s), .t = &asked, .key = key, .e = e};
    intern_init(&x.conversations, 0);
    intern_init(&x.orders, 0);
    intern_init(&x.ids, 0);
    digest_random(x.fresh, sizeof x.fresh);
    if (t->customer)
        digest_keyed(x.hash, key, t->id);
    int bad = db_exec(x.db, "BEGIN IMMEDIATE") == SQLITE_OK ? 0 : db_err(x.db, e, "erasing a person");
    bad = bad || change_all(&x, t);
    bad = bad || (db_exec(x.db, "COMMIT") != SQLITE_OK && db_err(x.db, e, "erasing a person"));
    if (bad && !sqlite3_get_autocommit(x.db->sql))
        (void)db_exec(x.db, "ROLLBACK");
    t->actor = arena_copy(&all->arena, t->actor);
    t->reason = arena_copy(&all->arena, t->reason);
    intern_fini(&x.conversations);
    intern_fini(&x.orders);
    intern_fini(&x.ids);
    free(x.id_ranks);
    arena_fini(&x.arena);
    return bad ? -1 : 0;
}

/* The file without a page of before, and nothing in the log. */
static int write_anew(struct db *db, struct err *e)
{
    /* Without it, room in a fresh page that nothing was written to can hold what memory held before. */
    if (db_exec(db, "PRAGMA secure_delete = ON; VACUUM") != SQLITE_OK)
        return db_err(db, e, "writing the database anew, without what was erased");
    int log_n = 0, moved_n = 0;
    int rc = sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log_n, &moved_n);
    return rc == SQLITE_OK && log_n == moved_n ? 0 : db_err(db, e, "emptying the log");
}

static int next_stage(struct store *s, struct erase_task *t, enum erase_stage stage, struct err *e)
{
    struct erasure x = {.store = s, .db = store_db(s), .t = t, .e = e};
    t->stage = stage;
    int bad = set_task(&x, t);
    arena_fini(&x.arena);
    return bad;
}

static int do_all(struct store *s, const uint8_t key[DIGEST_KEY_BYTES], struct tasks *all, bool *redis, struct err *e)
{
    bool tidy = false;
    int bad = 0;
    for (size_t i = 0; !bad && i < all->n; i++) {
        if (all->list[i].stage == ERASE_ASKED) {
            bad = erase_one(s, key, all, i, e);
            if (bad)
                break;
            log_line(LOG_LEVEL_NOTE, "erased", "person=%.*s rows=%" PRId64, STR_ARG(all->list[i].person),
                     all->list[i].rows_n);
        }
        tidy |= all->list[i].stage == ERASE_TIDY;
        *redis |= all->list[i].stage == ERASE_REDIS;
    }
    bad = bad || (tidy && write_anew(store_db(s), e) < 0);
    for (size_t i = 0; !bad && i < all->n; i++)
        if (all->list[i].stage == ERASE_TIDY)
            bad = next_stage(s, &all->list[i], ERASE_REDIS, e);
    *redis |= tidy;
    (void)malloc_trim(0); /* SQLite had the new file in memory */
    return bad ? -1 : 0;
}

int erase_at_start(struct store *s, const uint8_t key[DIGEST_KEY_BYTES], bool *redis, struct err *e)
{
    struct tasks all = {0};
    int bad = store_each_memory(s, take_task, &all, e);
    *redis = false;
    bool due = false;
    for (size_t i = 0; i < all.n; i++)
        due |= all.list[i].stage != ERASE_DONE;
    if (!bad && due) {
        bad = shelf_recover(s, e);
        bad = bad || do_all(s, key, &all, redis, e);
    }
    free(all.list);
    arena_fini(&all.arena);
    return bad ? -1 : 0;
}
