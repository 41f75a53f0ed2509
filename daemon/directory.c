/* Reads who is who. Keeps true: both files are read whole or not at all, and a secret is one line of a file of its own. */
#include "kefu/daemon/directory.h"

#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/credential.h"

enum { FILE_MAX_BYTES = 4 << 20, SECRET_MAX_BYTES = 4096 };

struct reading_secret {
    struct roster *roster;
    size_t at;
    struct str text; /* of collectors.json */
    const char *file;
    bool check;
    struct err *e;
};

/* Puts the field that leads there before an error of a secret's file. */
static int fail(const struct reading_secret *r, const char *field, const struct err *of)
{
    char path[64], what[sizeof(of->where) + sizeof(of->what) + 4];
    snprintf(path, sizeof(path), "[%zu].%s", r->at, field);
    snprintf(what, sizeof(what), "%s%s%s", of->where, *of->where ? ": " : "", of->what);
    return config_fail(r->text, r->file, path, r->e, what);
}

static int read_secret(void *arg, const char *field, struct str path, struct str *secret)
{
    struct reading_secret *r = arg;
    struct err e;
    char file[PATH_MAX];
    char *text = NULL;
    size_t n = 0;
    if (r->check && credential_is(path.p) && !credentials_are_here()) {
        return 0;
    }
    if (credential_file(path.p, file, &e) < 0 || json_read_file(file, SECRET_MAX_BYTES, &text, &n, &e) < 0) {
        return fail(r, field, &e);
    }
    *secret = arena_copy(&r->roster->arena, (struct str){text, strcspn(text, "\r\n")});
    free(text);
    if (secret->n == 0) {
        err_set(&e, file, "its first line is empty, expected the secret");
        return fail(r, field, &e);
    }
    return 0;
}

static int read_roster(struct directory *w, const char *file, bool check, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(file, FILE_MAX_BYTES, &text, &n, e) < 0) {
        return -1;
    }
    int status = roster_read(&w->roster, (struct str){text, n}, file, e);
    for (size_t i = 0; i < w->roster.n && status == 0; i++) {
        struct reading_secret r = {&w->roster, i, {text, n}, file, check, e};
        w->roster.list[i].people = w->people;
        status = roster_secrets(&w->roster.list[i], read_secret, &r);
    }
    free(text);
    return status;
}

static int read_people(struct directory *w, const char *file, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(file, FILE_MAX_BYTES, &text, &n, e) < 0) {
        return -1;
    }
    w->people = people_read((struct str){text, n}, file, e);
    free(text);
    return w->people ? 0 : -1;
}

struct directory *directory_load(const struct config *c, bool check, struct err *e)
{
    struct directory *w = xcalloc(1, sizeof(*w));
    if ((c->agents_file.n && read_people(w, c->agents_file.p, e) < 0) ||
        (c->collectors_file.n && read_roster(w, c->collectors_file.p, check, e) < 0)) {
        directory_free(w);
        return NULL;
    }
    return w;
}

void directory_free(struct directory *w)
{
    if (w) {
        roster_fini(&w->roster);
        people_free(w->people);
        free(w);
    }
}
