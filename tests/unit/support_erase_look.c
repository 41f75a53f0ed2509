/* What a store of the tests of erasing holds: figures as a start finds them and counted anew, names, chains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/report.h"
#include "kefu/model/aliases.h"
#include "kefu/state/freeze.h"
#include "kefu/store/audit.h"
#include "kefu/store/book.h"
#include "kefu/store/reader.h"
#include "support_erase.h"

void scene_read(const struct scene *s, const char *name, struct buf *out)
{
    char piece[65536], path[200];
    ssize_t n;
    scene_path(s, path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_put(out, piece, (size_t)n);
    close(fd);
}

void scene_path(const struct scene *s, char out[200], const char *name)
{
    snprintf(out, 200, "%s/%s", s->d->w->dir, name);
}

/* --- figures ------------------------------------------------------------------------------------------------------ */

/* The reports of a site, with the agent's own name where the pseudonym stands: both come between bob and nobody else. */
static void print_figures(const struct world *w, const struct site *site, struct buf *out)
{
    struct buf text = {0};
    for (int k = 0; k < 2; k++)
        report_print(&text, &(struct report_request){.site = site,
                                                     .rulebooks = &w->rulebooks,
                                                     .tz = w->tz,
                                                     .by = k ? PERIOD_MONTH : PERIOD_DAY,
                                                     .as_of = T0 + 60 * DAY});
    buf_put_byte(&text, 0);
    out->n = 0;
    for (const char *p = text.p, *at; *p; p = at + strlen(ERASED_AGENT)) {
        at = strstr(p, ERASED_AGENT);
        buf_put_str(out, at ? (struct str){p, (size_t)(at - p)} : str_of(p));
        if (!at)
            break;
        buf_put_str(out, STR_LIT(AGENT_ID));
    }
    buf_fini(&text);
}

struct events {
    struct scene *scene;
    struct site *site;
    const char *const *names;
    int64_t held_n;
    int64_t now_ms;
};

static void each_event(struct scene *s, void (*each)(void *, const struct event *), struct events *to);

static void fold_one(void *arg, const struct event *e)
{
    struct events *x = arg;
    if (event_subject_kind(e->type) == SUBJECT_MONTH)
        return;
    assert_int_equal(site_fold(x->site, e, x->now_ms), VERDICT_ACCEPTED);
}

static void print_live(struct scene *s, struct buf *out)
{
    s->d->w->now_ms = T0 + 60 * DAY;
    world_open(s->d->w);
    world_run(s->d->w);
    print_figures(s->d->w, s->d->w->site, out);
    world_close(s->d->w);
}

static struct site *fold_all(struct scene *s, const struct aliases *aliases)
{
    struct world *w = s->d->w;
    struct events x = {.now_ms = T0 + 60 * DAY};
    x.site = site_new(&(struct site_options){.tz = w->tz, .rulebooks = &w->rulebooks, .seed = 9, .aliases = aliases});
    each_event(s, fold_one, &x);
    while (site_advance(x.site, x.now_ms, 1000) <= x.now_ms) {
    }
    return x.site;
}

static void print_anew(struct scene *s, struct buf *out)
{
    struct site *site = fold_all(s, NULL);
    print_figures(s->d->w, site, out);
    site_free(site);
}

static void take_alias(void *arg, const struct memory_row *row)
{
    if (str_eq(row->rule, STR_LIT("alias")))
        aliases_add(arg, row->subject, row->blob);
}

void scene_assert_known(struct scene *s)
{
    struct store *store = store_open(s->d->w->dir, &s->d->e);
    struct aliases *aliases = aliases_new(scene_key);
    assert_non_null(store);
    assert_int_equal(store_each_memory(store, take_alias, aliases, &s->d->e), 0);
    store_close(store);
    struct site *site = fold_all(s, aliases);
    for (size_t i = 0; i < s->events_n; i++) {
        struct event again = s->events[i];
        if (event_subject_kind(again.type) == SUBJECT_MONTH || again.type == EVENT_VOIDED)
            continue; /* what people do is not sent again: their words were changed */
        site_alias(site, &again);
        if (site_probe(site, &again) != VERDICT_DUPLICATE)
            fail_msg("%.*s is not known any more", STR_ARG(again.id));
    }
    site_free(site);
    aliases_free(aliases);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

struct row_of_shelf {
    void (*each)(void *, const struct event *);
    struct events *to;
    uint64_t seq;
};

static int look_at_row(void *arg, const struct shelf_row *row, struct err *e)
{
    struct row_of_shelf *x = arg;
    return shelf_row_events(row, x->each, x->to, e);
}

static void look_at_event(void *arg, uint64_t seq, const struct event *e)
{
    struct row_of_shelf *x = arg;
    if (seq > x->seq)
        x->each(x->to, e);
}

/* The shelf's, and the journal's behind it, as kefuctl journal export goes through them. */
static void each_event(struct scene *s, void (*each)(void *, const struct event *), struct events *to)
{
    char path[200];
    struct reader r;
    struct row_of_shelf x = {each, to, 0};
    struct shelf_reading shelf = {.row = look_at_row, .arg = &x};
    struct store_replay journal = {.each = look_at_event, .arg = &x};
    scene_path(s, path, "kefu.db");
    assert_int_equal(reader_open(&r, path, &s->d->e), 0);
    assert_int_equal(reader_begin(&r, &s->d->e), 0);
    assert_int_equal(shelf_look(&r.db, &x.seq, &shelf, &s->d->e), 0);
    assert_int_equal(journal_replay(&r.journal, x.seq + 1, r.last_seq, &journal, &s->d->e), 0);
    reader_end(&r);
    reader_close(&r);
}

static int64_t count(struct str text, const char *const *names)
{
    int64_t n = 0;
    for (; *names; names++) {
        size_t name_n = strlen(*names);
        const char *end = text.p + text.n;
        const char *at = text.n ? memmem(text.p, text.n, *names, name_n) : NULL;
        while (at) {
            const char *behind = at + name_n;
            /* dora-lindqvist is somebody else */
            n += !(end - at >= 14 && memcmp(at, "dora-lindqvist", 14) == 0 && name_n < 14);
            at = memmem(behind, (size_t)(end - behind), *names, name_n);
        }
    }
    return n;
}

static void keep_event(void *arg, const struct event *e)
{
    struct scene *s = ((struct events *)arg)->scene;
    xgrow(&s->events, &s->events_cap, s->events_n + 1, sizeof *s->events);
    s->events[s->events_n++] = event_copy(e, &s->arena);
}

static void count_event(void *arg, const struct event *e)
{
    struct events *x = arg;
    x->held_n += count(e->id, x->names) + count(e->subject, x->names);
    for (int k = 0; k < EVENT_STR_N; k++)
        x->held_n += count(e->strs[k], x->names);
}

static int64_t count_table(struct db *db, const char *table, const char *const *names)
{
    char sql[120];
    int64_t n = 0;
    sqlite3_stmt *stmt = NULL;
    snprintf(sql, sizeof sql, "SELECT * FROM %s%s", table,
             strcmp(table, "memory") != 0 ? "" : " WHERE rule <> 'erase'");
    assert_int_equal(sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW)
        for (int k = 0; k < sqlite3_column_count(stmt); k++)
            n += count(column_str(stmt, k), names);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    return n;
}

/* Between a flip and the end of its moving in: events are looked at, totals are in the figures. */
static bool lies_twice(const char *table)
{
    static const char *const tables[] = {"subject", "fresh", "total", "fresh_total"};
    size_t i = 0;
    while (i < sizeof tables / sizeof *tables && strcmp(table, tables[i]) != 0)
        i++;
    return i < sizeof tables / sizeof *tables;
}

static int64_t count_rows(struct scene *s, const char *const *names)
{
    char path[200];
    int64_t n = 0;
    size_t tables_n;
    struct db db = {0};
    const struct schema_table *tables = schema_tables(&tables_n);
    scene_path(s, path, "kefu.db");
    assert_int_equal(db_open_read_only(&db, path, NULL, &s->d->e), 0);
    for (size_t i = 0; i < tables_n; i++)
        if (!lies_twice(tables[i].name))
            n += count_table(&db, tables[i].name, names);
    db_close(&db);
    return n;
}

int64_t scene_held_n(struct scene *s, const char *const *names)
{
    struct events x = {.names = names};
    each_event(s, count_event, &x);
    return x.held_n + count_rows(s, names);
}

void scene_assert_no_byte(struct scene *s, const char *const *names)
{
    DIR *dir = opendir(s->d->w->dir);
    const struct dirent *at;
    assert_non_null(dir);
    while ((at = readdir(dir))) {
        struct buf bytes = {0};
        if (at->d_name[0] == '.')
            continue;
        scene_read(s, at->d_name, &bytes);
        if (count(buf_str(&bytes), names))
            fail_msg("%s still holds one of %s …", at->d_name, names[0]);
        buf_fini(&bytes);
    }
    closedir(dir);
}

void scene_assert_gone(struct scene *s, const char *const *names)
{
    scene_assert_no_byte(s, names);
    assert_int_equal(scene_held_n(s, names), 0);
}

static void tell_damage(void *arg, const struct err *why)
{
    (void)arg;
    print_message("%s: %s\n", why->where, why->what);
}

static void assert_chains(struct scene *s)
{
    struct db db = {0};
    struct book_found found;
    char path[200], head[DIGEST_SHA256_HEX];
    int64_t n = 0;
    scene_path(s, path, "kefu.db");
    assert_int_equal(book_look(&db, path, &s->d->e), 0);
    book_verify(&db, tell_damage, NULL, &found);
    assert_int_equal(found.damages_n, 0);
    if (audit_verify(&db, &n, head, &s->d->e))
        fail_msg("audit line %s: %s", s->d->e.where, s->d->e.what);
    assert_true(n >= 2);
    book_close(&db);
}

static void assert_same(const char *what, const struct buf *was, const struct buf *is)
{
    if (was->n != is->n || memcmp(was->p, is->p, is->n) != 0)
        fail_msg("%s: figures were\n%.*s\nand are\n%.*s", what, (int)was->n, was->p, (int)is->n, is->p);
}

void scene_assert_whole(struct scene *s)
{
    struct buf found = {0};
    assert_chains(s);
    print_anew(s, &found);
    assert_same("counted anew", &s->anew, &found);
    print_live(s, &found);
    assert_same("after a start", &s->live, &found);
    buf_fini(&found);
}

void scene_note(struct scene *s)
{
    each_event(s, keep_event, &(struct events){.scene = s});
    print_anew(s, &s->anew);
    print_live(s, &s->live);
}
