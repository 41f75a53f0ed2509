/* Gathers what files say. One function reads a kind of file; loading stops at the first error, checking goes on.
 *
 * It keeps true that settings are whole or not there, and that a running daemon gets none that need a restart or that
 * change what was adopted. It refuses in doubt: only a tokens file that is certainly not there is an empty one. */
#include "kefu/daemon/settings.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/daemon/channel_files.h"
#include "kefu/daemon/credential.h"
#include "kefu/rules/seed.h"

enum { FILE_MAX_BYTES = 4 << 20, PASSWORD_MAX_BYTES = 4096, RULEBOOKS_MAX = 64 };

/* What is being read, and against what. */
struct loading {
    struct settings *s;
    struct str text;            /* of kefud.json, for places in it; owned */
    const struct settings *old; /* in force; NULL at start */
    int32_t month;              /* with old: the last one that has begun */
};

static struct loading loading_new(void)
{
    return (struct loading){.s = xcalloc(1, sizeof(struct settings))};
}

/* Hands the settings over, or frees them. */
static struct settings *loading_end(struct loading *l, bool keep)
{
    free((char *)l->text.p);
    if (keep)
        return l->s;
    settings_free(l->s);
    return NULL;
}

/* --- places ------------------------------------------------------------------------------------------------------- */

static int fail_option(const struct loading *l, const char *option, struct err *e, const char *what)
{
    return config_fail(l->text, l->s->config.file.p, option, e, what);
}

/* Puts the option that leads there before an error that names only a file. */
static int fail_reached_by(const struct loading *l, const char *option, struct err *e)
{
    char what[sizeof e->where + sizeof e->what + 4];
    snprintf(what, sizeof what, "%s%s%s", e->where, *e->where ? ": " : "", e->what);
    return fail_option(l, option, e, what);
}

/* --- kefud.json --------------------------------------------------------------------------------------------------- */

static int read_config(struct loading *l, const char *path, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(path, FILE_MAX_BYTES, &text, &n, e))
        return -1;
    l->text = (struct str){text, n};
    if (config_read(&l->s->config, l->text, path, e))
        return -1;
    return l->old ? config_reload_check(&l->old->config, &l->s->config, l->text, e) : 0;
}

/* Reading a zone changes the process's own for a moment, so a reload, which has threads beside it, keeps the old one. */
static int read_zone(struct loading *l, struct err *e)
{
    struct settings *s = l->s;
    s->tz_borrowed = l->old != NULL;
    s->tz = l->old ? l->old->tz : tz_load(s->config.timezone, e);
    return s->tz ? 0 : fail_reached_by(l, "timezone", e);
}

/* A file whose first line is a password, the option that names it, and where it goes. */
struct password {
    const char *option;
    struct str path;
    struct str *into;
    const struct str *old; /* with which kefud runs; NULL at start */
};

static int read_password(struct loading *l, const struct password *of, struct err *e)
{
    const char *option = of->option;
    char file[PATH_MAX];
    char *text = NULL;
    size_t n = 0;
    if (!of->path.n)
        return 0;
    if (credential_file(of->path.p, file, e) || json_read_file(file, PASSWORD_MAX_BYTES, &text, &n, e))
        return fail_reached_by(l, option, e);
    size_t line_n = strcspn(text, "\r\n");
    *of->into = arena_copy(&l->s->config.arena, (struct str){text, line_n});
    free(text);
    if (!line_n)
        return fail_option(l, option, e,
                           "the first line of this file is empty, expected the password; leave the option out if there "
                           "is none");
    if (of->old && !str_eq(*of->old, *of->into))
        return fail_option(l, option, e,
                           "this file holds another password than kefud runs with; restart kefud to change it");
    return 0;
}

enum { PASSWORDS_N = 2 };

static struct password password_at(struct loading *l, size_t i)
{
    struct settings *s = l->s;
    const struct settings *old = l->old;
    if (i == 0)
        return (struct password){"redis_password_file", s->config.redis_password_file, &s->redis_password,
                                 old ? &old->redis_password : NULL};
    return (struct password){"streams_password_file", s->config.streams_password_file, &s->streams_password,
                             old ? &old->streams_password : NULL};
}

static int read_passwords(struct loading *l, struct err *e)
{
    int bad = 0;
    for (size_t i = 0; i < PASSWORDS_N && !bad; i++) {
        struct password of = password_at(l, i);
        bad = read_password(l, &of, e);
    }
    return bad;
}

/* --- rulebooks ---------------------------------------------------------------------------------------------------- */

static int read_seed(struct loading *l, struct err *e)
{
    struct settings *s = l->s;
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

static int fail_field(const struct rulebook_file *f, const char *field, struct err *e, const char *what)
{
    return config_fail(f->text, f->name, field, e, what);
}

static int check_own(const struct settings *s, const struct rulebook_file *f, struct err *e)
{
    char what[256];
    const struct rulebook *r = f->rulebook;
    struct str zone = s->config.timezone;
    if (!json_line(f->text, "name"))
        return fail_field(f, "name", e, "the field is missing: give this rulebook a name of its own");
    if (r->effective_month == INT32_MIN)
        return fail_field(f, "effective_from", e,
                          "the field is missing: say from which month it holds, such as \"2026-12\"");
    if (!json_line(f->text, "timezone") || str_eq(r->timezone, zone))
        return 0; /* not in this file: what seed says counts for compute alone */
    snprintf(what, sizeof what, "the site's zone is \"%.*s\" of kefud.json; take this line out", STR_ARG(zone));
    return fail_field(f, "timezone", e, what);
}

static const struct rulebook *named(const struct rulebooks *in, struct str name)
{
    for (size_t i = 0; i < in->n; i++)
        if (str_eq(in->list[i]->name, name))
            return in->list[i];
    return NULL;
}

/* SPEC.md: under one name a rulebook never changes; a new one begins in a month that has not begun. */
static int check_adopted(const struct loading *l, const struct rulebook_file *f, struct err *e)
{
    char what[256];
    char month[16];
    const struct rulebook *r = f->rulebook;
    const struct rulebook *old = l->old ? named(&l->old->rulebooks, r->name) : NULL;
    if (!l->old || (old && !strcmp(old->sha256, r->sha256)))
        return 0;
    if (old)
        return fail_field(f, "name", e,
                          "the rulebook in force under this name is another, and under one name it never changes; put "
                          "the file back as it was, and give new rules a new name");
    if (r->effective_month > l->month)
        return 0;
    civil_print_month(month, sizeof month, l->month + 1);
    snprintf(what, sizeof what, "found a month that has begun; a new rulebook holds from \"%s\" or later", month);
    return fail_field(f, "effective_from", e, what);
}

static int check_beside(const struct rulebook *other, const struct rulebook_file *f, struct err *e)
{
    char what[256];
    if (str_eq(other->name, f->rulebook->name)) {
        snprintf(what, sizeof what,
                 "\"%.*s\" is taken, and under one name a rulebook never changes; give this one a name of its own",
                 STR_ARG(other->name));
        return fail_field(f, "name", e, what);
    }
    if (other->effective_month == f->rulebook->effective_month) {
        snprintf(what, sizeof what, "\"%.*s\" holds from the same month; choose another month, or move one out",
                 STR_ARG(other->name));
        return fail_field(f, "effective_from", e, what);
    }
    return 0;
}

/* Puts a rulebook in its place by month. Seed is first: it is in force since ever. */
static int adopt(struct loading *l, const struct rulebook_file *f, struct err *e)
{
    struct settings *s = l->s;
    size_t n = s->rulebooks.n;
    if (n == RULEBOOKS_MAX)
        return err_set(e, f->name, "found more than %d rulebooks; move those never used out of the folder",
                       RULEBOOKS_MAX - 1);
    if (check_own(s, f, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (check_beside(s->owned[i], f, e))
            return -1;
    if (check_adopted(l, f, e))
        return -1;
    size_t k = n;
    for (; k > 0 && s->rulebooks.list[k - 1]->effective_month > f->rulebook->effective_month; k--)
        s->rulebooks.list[k] = s->rulebooks.list[k - 1];
    s->rulebooks.list[k] = f->rulebook;
    s->owned[s->rulebooks.n++] = f->rulebook;
    return 0;
}

static int read_rulebook(struct loading *l, const char *file, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(file, FILE_MAX_BYTES, &text, &n, e))
        return fail_reached_by(l, "rulebooks_dir", e);
    struct rulebook_file f = {.name = file, .text = {text, n}};
    f.rulebook = rulebook_read(f.text, file, l->s->owned[0], e);
    int bad = !f.rulebook || adopt(l, &f, e);
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

/* Called for each file that was read, with its error or NULL. */
typedef void tell_file(const char *file, const struct err *e);

/* Reads each *.json of the folder in the order of names and returns how many are not well. With `told`, reading goes on
 * after an error. */
static int read_folder(struct loading *l, tell_file *told, struct err *e)
{
    struct dirent **names = NULL;
    int bad = 0;
    const char *dir = l->s->config.rulebooks_dir.p;
    int n = scandir(dir, &names, is_rulebook, alphasort);
    if (n < 0) {
        err_set(e, dir, "cannot be read: %s; make the folder, or leave the option out", strerror(errno));
        fail_reached_by(l, "rulebooks_dir", e);
        if (told)
            told(dir, e);
        return 1;
    }
    for (int i = 0; i < n; i++) {
        char file[PATH_MAX];
        snprintf(file, sizeof file, "%s/%s", dir, names[i]->d_name);
        bool skip = bad && !told;
        bool wrong = !skip && read_rulebook(l, file, e) != 0;
        if (told)
            told(file, wrong ? e : NULL);
        bad += wrong;
        free(names[i]);
    }
    free(names);
    return bad;
}

/* Is every rulebook in force still among the files? */
static int check_none_gone(const struct loading *l, struct err *e)
{
    char what[256];
    for (size_t i = 0; l->old && i < l->old->rulebooks.n; i++) {
        struct str name = l->old->rulebooks.list[i]->name;
        if (named(&l->s->rulebooks, name))
            continue;
        snprintf(what, sizeof what,
                 "the rulebook \"%.*s\" is in force and is in no file here any more; put its file back as it was",
                 STR_ARG(name));
        return fail_option(l, "rulebooks_dir", e, what);
    }
    return 0;
}

static int read_rulebooks(struct loading *l, tell_file *told, struct err *e)
{
    int bad = l->s->config.rulebooks_dir.n ? read_folder(l, told, e) : 0;
    return bad ? bad : -check_none_gone(l, e);
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

/* Certainly not there, not even as a link to nowhere: a file that cannot be looked at must not lock everybody out. */
static bool is_absent(const char *file)
{
    struct stat st;
    return lstat(file, &st) != 0 && errno == ENOENT;
}

static int read_tokens(struct loading *l, struct err *e)
{
    char *text = NULL;
    size_t n = 0;
    const char *file = l->s->config.tokens_file.p;
    if (is_absent(file))
        return 0;
    if (json_read_file(file, FILE_MAX_BYTES, &text, &n, e))
        return fail_reached_by(l, "tokens_file", e);
    int bad = access_read(&l->s->tokens, (struct str){text, n}, file, e);
    free(text);
    return bad;
}

/* --- platforms and people ---------------------------------------------------------------------------------------- */

static int read_who(struct loading *l, bool check, struct err *e)
{
    l->s->directory = directory_load(&l->s->config, check, e);
    return l->s->directory ? 0 : -1;
}

/* --- channels ----------------------------------------------------------------------------------------------------- */

static int read_channels(struct loading *l, struct err *e)
{
    const char *file = l->s->config.channels_file.p;
    if (!*file)
        return 0;
    if (channel_files_load(file, &l->s->channels, e))
        return strstr(e->where, file) == e->where ? -1 : fail_reached_by(l, "channels_file", e);
    return 0;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int read_all(struct loading *l, const char *path, struct err *e)
{
    bool bad = read_config(l, path, e) || read_zone(l, e) || read_passwords(l, e) || read_seed(l, e) ||
               read_rulebooks(l, NULL, e) || read_tokens(l, e) || read_channels(l, e) || read_who(l, false, e);
    return bad ? -1 : 0;
}

struct settings *settings_load(const char *config_path, struct err *e)
{
    struct loading l = loading_new();
    struct err unwanted;
    return loading_end(&l, read_all(&l, config_path, e ? e : &unwanted) == 0);
}

struct settings *settings_reload(const struct settings *old, const char *config_path, int64_t now_ms, struct err *e)
{
    struct loading l = loading_new();
    struct err unwanted;
    l.old = old;
    l.month = civil_month(tz_day(old->tz, now_ms));
    return loading_end(&l, read_all(&l, config_path, e ? e : &unwanted) == 0);
}

void settings_free(struct settings *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < RULEBOOKS_MAX; i++)
        rulebook_free(s->owned[i]);
    access_fini(&s->tokens);
    channels_fini(&s->channels);
    directory_free(s->directory);
    if (!s->tz_borrowed)
        tz_free(s->tz);
    config_fini(&s->config);
    free(s);
}

/* --- kefud -t ----------------------------------------------------------------------------------------------------- */

static void tell(const char *file, const struct err *e)
{
    if (e)
        printf("%s: %s\n", e->where, e->what);
    else
        printf("%s: ok\n", file);
}

/* A zone that is not there is told, and the other files are looked at all the same. */
static int check_zone(struct loading *l)
{
    struct err e;
    bool wrong = read_zone(l, &e) != 0;
    tell(l->s->config.file.p, wrong ? &e : NULL);
    return wrong;
}

static int check_password(struct loading *l, size_t i)
{
    struct err e;
    struct password of = password_at(l, i);
    const char *file = of.path.p;
    if (!*file)
        return 0;
    if (credential_is(file) && !credentials_are_here()) {
        printf("%s: not looked at; only the service is given it\n", file);
        return 0;
    }
    bool wrong = read_password(l, &of, &e) != 0;
    tell(file, wrong ? &e : NULL);
    return wrong;
}

static int check_passwords(struct loading *l)
{
    int bad = 0;
    for (size_t i = 0; i < PASSWORDS_N; i++)
        bad += check_password(l, i);
    return bad;
}

static int check_rulebooks(struct loading *l)
{
    struct err e;
    bool wrong = read_seed(l, &e) != 0;
    tell("the built-in rulebook seed", wrong ? &e : NULL);
    return wrong ? 1 : read_rulebooks(l, tell, &e);
}

static int check_tokens(struct loading *l)
{
    struct err e;
    const char *file = l->s->config.tokens_file.p;
    bool wrong = read_tokens(l, &e) != 0;
    if (!wrong && is_absent(file))
        printf("%s: not there yet (no tokens); `kefuctl token add` makes it\n", file);
    else
        tell(file, wrong ? &e : NULL);
    return wrong;
}

/* The two files are told as one: the second is read only if the first is well. */
static int check_who(struct loading *l)
{
    struct err e;
    const struct config *c = &l->s->config;
    bool wrong = read_who(l, true, &e) != 0;
    if (wrong)
        tell("", &e);
    if (!wrong && c->agents_file.n)
        tell(c->agents_file.p, NULL);
    if (!wrong && c->collectors_file.n)
        tell(c->collectors_file.p, NULL);
    return wrong;
}

static int check_channels(struct loading *l)
{
    struct err e = {0};
    const char *file = l->s->config.channels_file.p;
    if (!*file)
        return 0;
    bool wrong = read_channels(l, &e) != 0;
    tell(file, wrong ? &e : NULL);
    return wrong;
}

int settings_check(const char *config_path)
{
    struct loading l = loading_new();
    struct err e;
    int bad = 0;
    if (read_config(&l, config_path, &e)) {
        tell(config_path, &e);
        bad = 1;
    } else {
        bad = check_zone(&l) + check_passwords(&l) + check_rulebooks(&l) + check_tokens(&l) + check_channels(&l) +
              check_who(&l);
    }
    loading_end(&l, false);
    return bad;
}
