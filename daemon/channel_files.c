/* Channels with their addresses and secrets. A secret that is not where the list says refuses the whole list. */
#include "kefu/daemon/channel_files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/fetch.h"
#include "kefu/base/json.h"
#include "kefu/daemon/credential.h"
#include "kefu/model/config.h"

enum { LIST_MAX_BYTES = 1 << 20, LINE_MAX_BYTES = 4096 };

struct reading {
    const char *file; /* the list */
    struct channels *channels;
};

/* The first line of a file that the channel names, relative to the folder of the channels file. */
static int read_line_of(struct reading *r, const struct channel *c, struct str path, struct str *out, struct err *e)
{
    const char *list = r->file, *slash = strrchr(list, '/');
    char file[PATH_MAX], whole[PATH_MAX];
    char *text = NULL;
    size_t n = 0;
    bool as_is = path.p[0] == '/' || credential_is(path.p);
    int folder_n = as_is || !slash ? 0 : (int)(slash + 1 - list);
    if (snprintf(whole, sizeof whole, "%.*s%s", folder_n, list, path.p) >= (int)sizeof whole)
        return err_set(e, path.p, "the path is too long");
    if (credential_file(whole, file, e) || json_read_file(file, LINE_MAX_BYTES, &text, &n, e))
        return -1;
    *out = arena_copy(&r->channels->arena, (struct str){text, strcspn(text, "\r\n")});
    free(text);
    return out->n ? 0 : err_set(e, file, "its first line is empty; the channel %.*s needs it", STR_ARG(c->name));
}

static int read_channel_files(struct reading *r, struct channel *c, struct err *e)
{
    if (read_line_of(r, c, c->url_file, &c->url, e) ||
        (c->secret_file.n && read_line_of(r, c, c->secret_file, &c->secret, e)))
        return -1;
    return fetch_check(c->url, &(struct fetch_reach){c->hosts, c->hosts_n, c->allow_private}, e);
}

/* Puts the place in the list before an error of a file that it names. */
static int fail_at(struct str text, const char *file, size_t i, struct err *e)
{
    char field[64], what[sizeof e->where + sizeof e->what + 4];
    snprintf(field, sizeof field, "channels[%zu]", i);
    snprintf(what, sizeof what, "%s%s%s", e->where, *e->where ? ": " : "", e->what);
    return config_fail(text, file, field, e, what);
}

int channel_files_load(const char *file, struct channels *out, struct err *e)
{
    struct reading r = {file, out};
    char *text = NULL;
    size_t n = 0;
    if (json_read_file(file, LIST_MAX_BYTES, &text, &n, e))
        return -1;
    int bad = channels_read(out, (struct str){text, n}, file, e);
    for (size_t i = 0; !bad && i < out->n; i++)
        if (read_channel_files(&r, &out->list[i], e))
            bad = fail_at((struct str){text, n}, file, i, e);
    free(text);
    return bad ? -1 : 0;
}
