/* Gathers what files say. One function reads a kind of file; loading stops at the first error, checking goes on. */
#include "kefu/daemon/settings.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/rules/seed.h"

enum { FILE_MAX_BYTES = 4 << 20, RULEBOOKS_MAX = 64 };

static int read_config(struct settings *s, const char *path, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(path, FILE_MAX_BYTES, &text, &n, e))
        return -1;
    int bad = config_read(&s->config, (struct str){text, n}, path, e);
    free(text);
    if (bad)
        return -1;
    s->tz = tz_load(s->config.timezone, e);
    return s->tz ? 0 : -1;
}

static int read_password(struct settings *s, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (!s->config.redis_password_file.n)
        return 0;
    if (json_read_file(s->config.redis_password_file.p, 4096, &text, &n, e))
        return -1;
    s->redis_password = arena_copy(&s->config.arena, (struct str){text, strcspn(text, "\r\n")});
    free(text);
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

/* Puts a rulebook in its place by month. Seed is first: it is in force since ever. */
static int adopt(struct settings *s, struct rulebook *r, const char *file, struct err *e)
{
    size_t n = s->rulebooks.n;
    if (r->effective_month == INT_MIN)
        return err_set(e, file, "effective_from is missing: say from which month it holds, such as \"2026-12\"");
    if (n == RULEBOOKS_MAX)
        return err_set(e, file, "more than %d rulebooks; move old ones out of the folder", RULEBOOKS_MAX - 1);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(s->owned[i]->name, r->name))
            return err_set(e, file,
                           "its name \"%.*s\" is taken; a rulebook never changes under one name: give it a new one",
                           STR_ARG(r->name));
        if (s->owned[i]->effective_month == r->effective_month)
            return err_set(e, file, "\"%.*s\" holds from the same month; two cannot", STR_ARG(s->owned[i]->name));
    }
    size_t k = n;
    for (; k > 0 && s->rulebooks.list[k - 1]->effective_month > r->effective_month; k--)
        s->rulebooks.list[k] = s->rulebooks.list[k - 1];
    s->rulebooks.list[k] = r;
    s->owned[s->rulebooks.n++] = r;
    return 0;
}

static int read_rulebook(struct settings *s, const char *file, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(file, FILE_MAX_BYTES, &text, &n, e))
        return -1;
    struct rulebook *r = rulebook_read((struct str){text, n}, file, s->owned[0], e);
    free(text);
    if (r && adopt(s, r, file, e)) {
        rulebook_free(r);
        r = NULL;
    }
    return r ? 0 : -1;
}

static int is_rulebook(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".json");
}

/* Each *.json of the folder in the order of names. `told`, if given, is called for each with its error or NULL, and
 * reading goes on; else it ends at the first error. */
static int read_rulebooks(struct settings *s, void (*told)(const char *file, const struct err *e), struct err *e)
{
    struct dirent **names = NULL;
    int bad = 0;
    const char *dir = s->config.rulebooks_dir.p;
    if (!s->config.rulebooks_dir.n)
        return 0;
    int n = scandir(dir, &names, is_rulebook, alphasort);
    if (n < 0)
        return err_set(e, dir, "rulebooks_dir cannot be read: %m");
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX];
        snprintf(file, sizeof file, "%s/%s", dir, names[i]->d_name);
        int wrong = bad && !told ? 0 : read_rulebook(s, file, e) != 0;
        if (told)
            told(file, wrong ? e : NULL);
        bad += wrong;
        free(names[i]);
    }
    free(names);
    return bad;
}

static int read_tokens(struct settings *s, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    const char *file = s->config.tokens_file.p;
    if (access(file, F_OK))
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
    for (size_t i = RULEBOOKS_MAX; i-- > 0;)
        rulebook_free(s->owned[i]); /* seed last: the others borrow from it */
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

int settings_check(const char *config_path)
{
    struct settings *s = xcalloc(1, sizeof *s);
    struct err e = {0};
    int bad = read_config(s, config_path, &e) != 0;
    tell(config_path, bad ? &e : NULL);
    if (!bad) {
        bool wrong = read_password(s, &e) != 0;
        if (s->config.redis_password_file.n)
            tell(s->config.redis_password_file.p, wrong ? &e : NULL);
        bad += wrong;
        wrong = read_seed(s, &e) != 0;
        tell("the built-in rulebook seed", wrong ? &e : NULL);
        bad += wrong;
    }
    if (!bad) {
        bool readable = !s->config.rulebooks_dir.n || !access(s->config.rulebooks_dir.p, R_OK | X_OK);
        int wrong = read_rulebooks(s, tell, &e) != 0;
        if (!readable)
            tell(s->config.rulebooks_dir.p, &e);
        bad += wrong;
        wrong = read_tokens(s, &e) != 0;
        tell(s->config.tokens_file.p, wrong ? &e : NULL);
        bad += wrong;
    }
    settings_free(s);
    return bad;
}
