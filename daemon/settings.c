/* Gathers what files say. One function reads a kind of file; loading stops at the first error, checking goes on. */
#include "kefu/daemon/settings.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/rules/seed.h"

enum { FILE_MAX_BYTES = 4 << 20, RULEBOOKS_MAX = 64 };

/* "file:line field", as the readers of models say it. */
static int fail_at(struct str text, const char *file, const char *field, struct err *e, const char *what)
{
    char where[sizeof e->where];
    json_where(where, sizeof where, text, file, field);
    return err_set(e, where, "%s", what);
}

static int read_config(struct settings *s, const char *path, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(path, FILE_MAX_BYTES, &text, &n, e))
        return -1;
    int bad = config_read(&s->config, (struct str){text, n}, path, e);
    if (!bad) {
        s->tz = tz_load(s->config.timezone, e);
        bad = s->tz ? 0 : fail_at((struct str){text, n}, path, "timezone", e, e->what);
    }
    free(text);
    return bad;
}

static int read_password(struct settings *s, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (!s->config.redis_password_file.n)
        return 0;
    if (json_read_file(s->config.redis_password_file.p, 4096, &text, &n, e))
        return -1;
    size_t line_n = strcspn(text, "\r\n");
    s->redis_password = arena_copy(&s->config.arena, (struct str){text, line_n});
    free(text);
    if (!line_n)
        return err_set(
            e, s->config.redis_password_file.p,
            "its first line is empty, expected the password; leave redis_password_file out if there is none");
    return 0;
}

static int read_seed(struct settings *s, struct err *e)
{
    s->owned[0] = rulebook_read((struct str){seed_json, seed_json_n}, "seed.json", NULL, e);
    if (!s->owned[0])
        return -1;
    s->rulebooks.list[s->rulebooks.n++] = s->owned[0];
    return 0;
}

/* A file that was read, and what it says. */
struct rulebook_file {
    const char *name;
    struct str text;
    struct rulebook *rulebook;
};

static int check_own(const struct settings *s, const struct rulebook_file *f, struct err *e)
{
    char what[256];
    const struct rulebook *r = f->rulebook;
    struct str zone = s->config.timezone;
    if (r->effective_month == INT32_MIN)
        return fail_at(f->text, f->name, "effective_from", e,
                       "the field is missing: say from which month it holds, such as \"2026-12\"");
    if (!json_line(f->text, "timezone") || str_eq(r->timezone, zone))
        return 0; /* not in this file: what seed says counts for compute alone */
    snprintf(what, sizeof what, "the site's zone is \"%.*s\" of kefud.json; take this line out", STR_ARG(zone));
    return fail_at(f->text, f->name, "timezone", e, what);
}

static int check_beside(const struct rulebook *other, const struct rulebook_file *f, struct err *e)
{
    char what[256];
    if (str_eq(other->name, f->rulebook->name)) {
        snprintf(what, sizeof what,
                 "\"%.*s\" is taken, and under one name a rulebook never changes; give this one a name of its own",
                 STR_ARG(other->name));
        return fail_at(f->text, f->name, "name", e, what);
    }
    if (other->effective_month == f->rulebook->effective_month) {
        snprintf(what, sizeof what, "\"%.*s\" holds from the same month; choose another month, or move one out",
                 STR_ARG(other->name));
        return fail_at(f->text, f->name, "effective_from", e, what);
    }
    return 0;
}

/* Puts a rulebook in its place by month. Seed is first: it is in force since ever. */
static int adopt(struct settings *s, const struct rulebook_file *f, struct err *e)
{
    size_t n = s->rulebooks.n;
    if (n == RULEBOOKS_MAX)
        return err_set(e, f->name, "found more than %d rulebooks; move those never used out of the folder",
                       RULEBOOKS_MAX - 1);
    if (check_own(s, f, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (check_beside(s->owned[i], f, e))
            return -1;
    size_t k = n;
    for (; k > 0 && s->rulebooks.list[k - 1]->effective_month > f->rulebook->effective_month; k--)
        s->rulebooks.list[k] = s->rulebooks.list[k - 1];
    s->rulebooks.list[k] = f->rulebook;
    s->owned[s->rulebooks.n++] = f->rulebook;
    return 0;
}

static int read_rulebook(struct settings *s, const char *file, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(file, FILE_MAX_BYTES, &text, &n, e))
        return -1;
    struct rulebook_file f = {.name = file, .text = {text, n}};
    f.rulebook = rulebook_read(f.text, file, s->owned[0], e);
    int bad = !f.rulebook || adopt(s, &f, e);
    if (bad)
        rulebook_free(f.rulebook);
    free(text);
    return bad ? -1 : 0;
}

static int is_rulebook(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".json");
}

/* Reads each *.json of the folder in the order of names and returns how many are not well. With `told`, it is called for
 * each file (and for a folder that cannot be read) with the error or NULL, and reading goes on after an error. */
static int read_rulebooks(struct settings *s, void (*told)(const char *file, const struct err *e), struct err *e)
{
    struct dirent **names = NULL;
    int bad = 0;
    const char *dir = s->config.rulebooks_dir.p;
    if (!s->config.rulebooks_dir.n)
        return 0;
    int n = scandir(dir, &names, is_rulebook, alphasort);
    if (n < 0) {
        err_set(e, dir, "rulebooks_dir cannot be read: %s; make the folder, or leave the option out", strerror(errno));
        if (told)
            told(dir, e);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX];
        snprintf(file, sizeof file, "%s/%s", dir, names[i]->d_name);
        bool skip = bad && !told;
        bool wrong = !skip && read_rulebook(s, file, e) != 0;
        if (told)
            told(file, wrong ? e : NULL);
        bad += wrong;
        free(names[i]);
    }
    free(names);
    return bad;
}

/* Only a file that is certainly not there is an empty one: one that cannot be looked at must not lock everybody out. */
static int read_tokens(struct settings *s, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    const char *file = s->config.tokens_file.p;
    if (access(file, F_OK) && errno == ENOENT)
        return 0;
    if (json_read_file(file, FILE_MAX_BYTES, &text, &n, e))
        return -1;
    int bad = access_read(&s->tokens, (struct str){text, n}, file, e);
    free(text);
    return bad;
}

struct settings *settings_load(const char *config_path, struct err *e)
{
    struct settings *s = xcalloc(1, sizeof *s);
    if (read_config(s, config_path, e) || read_password(s, e) || read_seed(s, e) || read_rulebooks(s, NULL, e) ||
        read_tokens(s, e)) {
        settings_free(s);
        return NULL;
    }
    return s;
}

void settings_free(struct settings *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < RULEBOOKS_MAX; i++)
        rulebook_free(s->owned[i]);
    access_fini(&s->tokens);
    tz_free(s->tz);
    config_fini(&s->config);
    free(s);
}

static void tell(const char *file, const struct err *e)
{
    if (e)
        printf("%s: %s\n", e->where, e->what);
    else
        printf("%s: ok\n", file);
}

static int check_password(struct settings *s)
{
    struct err e;
    if (!s->config.redis_password_file.n)
        return 0;
    bool wrong = read_password(s, &e) != 0;
    tell(s->config.redis_password_file.p, wrong ? &e : NULL);
    return wrong;
}

static int check_rulebooks(struct settings *s)
{
    struct err e;
    bool wrong = read_seed(s, &e) != 0;
    tell("the built-in rulebook seed", wrong ? &e : NULL);
    return wrong ? 1 : read_rulebooks(s, tell, &e);
}

static int check_tokens(struct settings *s)
{
    struct err e;
    const char *file = s->config.tokens_file.p;
    bool wrong = read_tokens(s, &e) != 0;
    if (!wrong && access(file, F_OK))
        printf("%s: ok (not there yet: no token is valid; `kefuctl token add` makes it)\n", file);
    else
        tell(file, wrong ? &e : NULL);
    return wrong;
}

int settings_check(const char *config_path)
{
    struct settings *s = xcalloc(1, sizeof *s);
    struct err e;
    int bad = read_config(s, config_path, &e) != 0;
    tell(config_path, bad ? &e : NULL);
    if (!bad)
        bad = check_password(s) + check_rulebooks(s) + check_tokens(s);
    settings_free(s);
    return bad;
}
