/* A chain of lines. It keeps true that numbers are 1, 2, 3 … and that each hash leans on all before it. */
#include "kefu/store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/buf.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/store/rows.h"
#include "kefu/store/schema.h"

void audit_hash(char out[DIGEST_SHA256_HEX], struct str before, struct str line)
{
    struct buf b = {0};
    buf_put_str(&b, before);
    buf_put_byte(&b, '\n');
    buf_put_str(&b, line);
    digest_sha256_hex(out, buf_str(&b));
    buf_fini(&b);
}

int audit_add(struct db *db, struct str line, char head[DIGEST_SHA256_HEX])
{
    sqlite3_stmt *last = db->statements[SQL_AUDIT_LAST];
    int rc = sqlite3_step(last);
    bool any = rc == SQLITE_ROW;
    int64_t number = any ? sqlite3_column_int64(last, 0) : 0;
    audit_hash(head, any ? column_str(last, 2) : STR_LIT(AUDIT_START), line);
    sqlite3_reset(last);
    if (!any && rc != SQLITE_DONE)
        return rc;
    struct db_row row = row_of(db, SQL_AUDIT_ADD);
    row_int(&row, number + 1);
    row_text(&row, line);
    row_text(&row, str_of(head));
    return row_save(&row);
}

static int read_rows(struct db *db, sqlite3_stmt *stmt, void (*each)(void *arg, const struct audit_row *row), void *arg,
                     struct err *e)
{
    int rc, bad = 0;
    while (!bad && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct audit_row row = {sqlite3_column_int64(stmt, 0), column_str(stmt, 1), column_str(stmt, 2)};
        if (row_sound(stmt))
            each(arg, &row);
        else
            bad = err_set(e, db->path, "line %" PRId64 " of the audit log is damaged (its checksum does not fit)",
                          row.number);
    }
    if (!bad && rc != SQLITE_DONE)
        bad = db_err(db, e, "reading the audit log");
    sqlite3_reset(stmt);
    return bad;
}

int audit_each(struct db *db, void (*each)(void *arg, const struct audit_row *row), void *arg, struct err *e)
{
    return read_rows(db, db->statements[SQL_AUDIT_EACH], each, arg, e);
}

int audit_recent(struct db *db, int64_t n, void (*each)(void *arg, const struct audit_row *row), void *arg,
                 struct err *e)
{
    sqlite3_stmt *stmt = db->statements[SQL_AUDIT_RECENT];
    sqlite3_bind_int64(stmt, 1, n);
    return read_rows(db, stmt, each, arg, e);
}

/* A line that is not the one its hash was made of: good only if a later one, of an erasure, says what stands there now. */
struct changed {
    int64_t number;
    char sha256[DIGEST_SHA256_HEX];
    bool vouched;
};

struct checking {
    int64_t n;
    int64_t wrong; /* number of the first line that does not fit; 0: none */
    char head[DIGEST_SHA256_HEX];
    struct changed *changed; /* owned */
    size_t changed_n, changed_cap;
};

/* "changed":[[12,"9f…"],…] */
static void take_vouchers(struct checking *c, struct str line)
{
    struct err e;
    if (!memmem(line.p, line.n, "\"did\":\"person.erase\"", 20))
        return;
    cJSON *tree = json_parse(line, &e);
    const cJSON *pair;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(tree, "changed"))
    {
        const cJSON *number = cJSON_GetArrayItem(pair, 0), *sha256 = cJSON_GetArrayItem(pair, 1);
        for (size_t i = 0; cJSON_IsNumber(number) && cJSON_IsString(sha256) && i < c->changed_n; i++)
            if (c->changed[i].number == (int64_t)number->valuedouble &&
                strcmp(c->changed[i].sha256, sha256->valuestring) == 0)
                c->changed[i].vouched = true;
    }
    cJSON_Delete(tree);
}

static void note_changed(struct checking *c, const struct audit_row *row)
{
    xgrow(&c->changed, &c->changed_cap, c->changed_n + 1, sizeof *c->changed);
    struct changed *x = &c->changed[c->changed_n++];
    *x = (struct changed){.number = row->number};
    digest_sha256_hex(x->sha256, row->line);
}

static void check(void *arg, const struct audit_row *row)
{
    struct checking *c = arg;
    char hash[DIGEST_SHA256_HEX];
    audit_hash(hash, str_of(c->head), row->line);
    if (row->number != c->n + 1 && !c->wrong)
        c->wrong = row->number;
    if (str_eq(str_of(hash), row->hash))
        take_vouchers(c, row->line);
    else
        note_changed(c, row);
    c->n++;
    snprintf(c->head, sizeof c->head, "%.*s", STR_ARG(row->hash));
}

static int64_t first_wrong(const struct checking *c)
{
    int64_t wrong = c->wrong;
    for (size_t i = 0; i < c->changed_n; i++)
        if (!c->changed[i].vouched && (!wrong || c->changed[i].number < wrong))
            wrong = c->changed[i].number;
    return wrong;
}

int audit_verify(struct db *db, int64_t *n, char head[DIGEST_SHA256_HEX], struct err *e)
{
    struct checking c = {.head = AUDIT_START};
    char where[32];
    int bad = audit_each(db, check, &c, e);
    int64_t wrong = first_wrong(&c);
    free(c.changed);
    if (bad < 0)
        return -1;
    *n = c.n;
    memcpy(head, c.head, DIGEST_SHA256_HEX);
    if (!wrong)
        return 0;
    snprintf(where, sizeof where, "line %" PRId64, wrong);
    return err_set(e, where, "the chain breaks here: this line, or one before it, was changed, taken out or put in");
}
