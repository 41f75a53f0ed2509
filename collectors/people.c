/* Keeps true: an account means one person. A file that says otherwise anywhere is refused whole, with the line. */
#include "kefu/collectors/people.h"

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/arena.h"
#include "kefu/base/intern.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"

#define ID_MAX_BYTES 128

struct people {
    struct intern accounts;
    struct str *agents; /* owned; of account i + 1 */
    size_t n, cap;
    struct arena arena;
};

struct reading_people {
    struct people *p;
    struct str text;
    const char *file;
    int row;
    struct err *e;
};

static int fail(const struct reading_people *r, const char *field, const char *what)
{
    char path[64], where[192];
    snprintf(path, sizeof(path), "[%d]%s", r->row, field);
    json_where(where, sizeof(where), r->text, r->file, path);
    return err_set(r->e, where, "%s", what);
}

static bool is_id(const cJSON *v)
{
    return cJSON_IsString(v) && *v->valuestring && strlen(v->valuestring) <= ID_MAX_BYTES;
}

static int add_account(struct reading_people *r, struct str agent, const cJSON *account, int at)
{
    char field[32];
    struct people *p = r->p;
    snprintf(field, sizeof(field), ".accounts[%d]", at);
    if (!is_id(account)) {
        return fail(r, field, "expected an account such as \"cw7:31\", of 1 to 128 bytes");
    }
    if (intern_find(&p->accounts, str_of(account->valuestring))) {
        return fail(r, field, "this account is bound already; one account is one person");
    }
    intern_put(&p->accounts, str_of(account->valuestring));
    xgrow(&p->agents, &p->cap, p->n + 1, sizeof(*p->agents));
    p->agents[p->n++] = agent;
    return 0;
}

static int check_members(struct reading_people *r, const cJSON *row)
{
    const cJSON *v = NULL;
    cJSON_ArrayForEach(v, row)
    {
        char field[48];
        snprintf(field, sizeof(field), ".%.40s", v->string);
        if (strcmp(v->string, "agent") != 0 && strcmp(v->string, "accounts") != 0 && strncmp(v->string, "x_", 2) != 0) {
            return fail(r, field,
                        "there is no such field; expected agent and accounts (begin a note of your own with x_)");
        }
    }
    return 0;
}

static int read_row(struct reading_people *r, const cJSON *row)
{
    const cJSON *agent = cJSON_GetObjectItemCaseSensitive(row, "agent"), *account = NULL;
    const cJSON *accounts = cJSON_GetObjectItemCaseSensitive(row, "accounts");
    int at = 0;
    if (!cJSON_IsObject(row)) {
        return fail(r, "", "expected an object with agent and accounts");
    }
    if (check_members(r, row) < 0) {
        return -1;
    }
    if (!is_id(agent)) {
        return fail(r, ".agent", "expected the agent's id, of 1 to 128 bytes");
    }
    if (!cJSON_IsArray(accounts)) {
        return fail(r, ".accounts", "expected an array of accounts such as [\"cw7:31\"]");
    }
    struct str id = arena_copy(&r->p->arena, str_of(agent->valuestring));
    cJSON_ArrayForEach(account, accounts)
    {
        if (add_account(r, id, account, at++) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_all(struct reading_people *r, const cJSON *tree)
{
    const cJSON *row = NULL;
    if (!cJSON_IsArray(tree)) {
        char where[192];
        json_where(where, sizeof(where), r->text, r->file, "");
        return err_set(r->e, where, "expected an array of persons");
    }
    cJSON_ArrayForEach(row, tree)
    {
        if (read_row(r, row) < 0) {
            return -1;
        }
        r->row++;
    }
    return 0;
}

struct people *people_read(struct str text, const char *file, struct err *e)
{
    struct people *p = xcalloc(1, sizeof(*p));
    struct reading_people r = {.p = p, .text = text, .file = file, .e = e};
    intern_init(&p->accounts, 0);
    cJSON *tree = json_parse_commented(text, file, e);
    int bad = !tree || read_all(&r, tree) < 0;
    cJSON_Delete(tree);
    if (bad) {
        people_free(p);
        return NULL;
    }
    return p;
}

void people_free(struct people *p)
{
    if (p) {
        intern_fini(&p->accounts);
        arena_fini(&p->arena);
        free(p->agents);
        free(p);
    }
}

struct str people_find(const struct people *p, struct str account)
{
    uint32_t at = p ? intern_find(&p->accounts, account) : 0;
    return at ? p->agents[at - 1] : (struct str){NULL, 0};
}

size_t people_accounts_n(const struct people *p)
{
    return p ? p->n : 0;
}
