/* Reads the list of channels; who hears what is decided here, in one place. */
#include "kefu/model/channel.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/json.h"
#include "kefu/model/rulebook_reader.h"

enum { PATH_MAX_N = 160, NAME_MAX_N = 64 };

static const struct {
    struct str name, host;
} kinds[] = {
    {{"", 0}, {"", 0}},
    {STR_LIT("dingtalk"), STR_LIT("oapi.dingtalk.com")},
    {STR_LIT("feishu"), STR_LIT("open.feishu.cn")},
    {STR_LIT("wecom"), STR_LIT("qyapi.weixin.qq.com")},
    {STR_LIT("webhook"), {"", 0}},
};

struct str channel_kind_name(enum channel_kind k)
{
    return kinds[k].name;
}

/* A channel while it is read. */
struct place {
    const struct reader *r;
    const char *path;
    const cJSON *v;
    struct channel *to;
};

static const cJSON *member(const struct place *p, const char *name, char at[PATH_MAX_N])
{
    snprintf(at, PATH_MAX_N, "%.110s.%.40s", p->path, name);
    return cJSON_GetObjectItemCaseSensitive(p->v, name);
}

/* 0 also if it is not there; then *out is absent. */
static int read_text(const struct place *p, const char *name, struct str *out)
{
    char at[PATH_MAX_N];
    const cJSON *v = member(p, name, at);
    *out = (struct str){NULL, 0};
    return v ? reader_text(p->r, at, v, out) : 0;
}

static int read_truth(const struct place *p, const char *name, bool *out)
{
    char at[PATH_MAX_N];
    const cJSON *v = member(p, name, at);
    *out = cJSON_IsTrue(v);
    return !v || cJSON_IsBool(v) ? 0 : reader_fail(p->r, at, "found %s, expected true or false", reader_kind(v));
}

static int read_list(const struct place *p, const char *name, struct str **list, size_t *n)
{
    char at[PATH_MAX_N];
    struct texts t = {0};
    const cJSON *v = member(p, name, at);
    if (v && reader_texts(p->r, at, v, &t))
        return -1;
    *list = t.list;
    *n = t.n;
    return 0;
}

static int read_name(const struct place *p)
{
    char at[PATH_MAX_N];
    struct channel *c = p->to;
    if (reader_text(p->r, at, member(p, "name", at), &c->name))
        return -1;
    for (size_t i = 0; i < c->name.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", c->name.p[i]) || c->name.n > NAME_MAX_N)
            return reader_fail(p->r, at, "found \"%.60s\", expected up to 64 of a-z, 0-9, _ and -", c->name.p);
    char *stream = arena_alloc(p->r->arena, sizeof CHANNEL_STREAM_PREFIX + c->name.n);
    sprintf(stream, CHANNEL_STREAM_PREFIX "%.*s", STR_ARG(c->name));
    c->stream = str_of(stream);
    return 0;
}

static int read_kind(const struct place *p)
{
    char at[PATH_MAX_N];
    struct str word;
    if (reader_text(p->r, at, member(p, "kind", at), &word))
        return -1;
    for (int k = CHANNEL_DINGTALK; k <= CHANNEL_WEBHOOK; k++)
        if (str_eq(word, kinds[k].name)) {
            p->to->kind = (enum channel_kind)k;
            return 0;
        }
    return reader_fail(p->r, at, "found \"%.40s\", expected dingtalk, feishu, wecom or webhook", word.p);
}

static int read_hears(const struct place *p)
{
    char at[PATH_MAX_N];
    struct str *words;
    size_t n;
    member(p, "hears", at);
    if (read_list(p, "hears", &words, &n))
        return -1;
    for (size_t i = 0; i < n; i++) {
        uint32_t bit = alert_hears_bit(words[i]);
        if (!bit)
            return reader_fail(p->r, at, "found \"%.40s\", expected of agent, lead, payroll, ops", words[i].p);
        p->to->hears |= bit;
    }
    return n ? 0 : reader_fail(p->r, at, "nothing is heard; name at least one of agent, lead, payroll, ops");
}

static int read_taste(const struct place *p)
{
    char at[PATH_MAX_N];
    struct str lang, severity;
    if (read_text(p, "lang", &lang) || read_text(p, "severity", &severity))
        return -1;
    member(p, "lang", at);
    if (lang.n && !str_eq(lang, STR_LIT("zh")) && !str_eq(lang, STR_LIT("en")))
        return reader_fail(p->r, at, "found \"%.40s\", expected zh or en", lang.p);
    p->to->english = str_eq(lang, STR_LIT("en"));
    p->to->severity = SEVERITY_INFO;
    for (int s = SEVERITY_INFO; severity.n && s <= SEVERITY_CRITICAL; s++)
        if (str_eq(severity, alert_severity_name((enum alert_severity)s))) {
            p->to->severity = (enum alert_severity)s;
            return 0;
        }
    member(p, "severity", at);
    return severity.n ? reader_fail(p->r, at, "found \"%.40s\", expected info, warning or critical", severity.p) : 0;
}

static int read_where(const struct place *p)
{
    char at[PATH_MAX_N];
    struct channel *c = p->to;
    if (reader_text(p->r, at, member(p, "url_file", at), &c->url_file) ||
        read_text(p, "secret_file", &c->secret_file) || read_list(p, "hosts", &c->hosts, &c->hosts_n) ||
        read_truth(p, "allow_private", &c->allow_private))
        return -1;
    member(p, "hosts", at);
    if (c->kind == CHANNEL_WEBHOOK && !c->hosts_n)
        return reader_fail(p->r, at, "the host of the webhook is missing, such as [\"hooks.example.com\"]");
    member(p, "secret_file", at);
    if (c->kind == CHANNEL_WEBHOOK && !c->secret_file.n)
        return reader_fail(p->r, at, "a webhook is signed; name the file that holds its secret (whsec_…)");
    if (!c->hosts_n) {
        c->hosts = arena_alloc(p->r->arena, sizeof *c->hosts);
        c->hosts[c->hosts_n++] = kinds[c->kind].host;
    }
    return 0;
}

static int check(const struct place *p)
{
    char at[PATH_MAX_N];
    struct channel *c = p->to;
    bool own = c->hears & HEARS_AGENT;
    member(p, "agent", at);
    if (own != (c->agent.n > 0))
        return reader_fail(p->r, at,
                           own ? "hears as \"agent\": say of which one" : "take it out, or hear as \"agent\"");
    member(p, "personal", at);
    if (c->personal && c->kind != CHANNEL_WEBHOOK)
        return reader_fail(p->r, at, "a robot writes to a group, which may grow; a personal channel is a webhook");
    return 0;
}

static int read_channel(const struct place *p)
{
    static const char *const known[] = {"name",     "kind",          "hears",    "teams",    "agent",
                                        "personal", "lang",          "severity", "url_file", "secret_file",
                                        "hosts",    "allow_private", NULL};
    *p->to = (struct channel){0};
    return reader_known(p->r, p->path, p->v, known) || read_name(p) || read_kind(p) || read_hears(p) ||
                   read_list(p, "teams", &p->to->teams, &p->to->teams_n) || read_text(p, "agent", &p->to->agent) ||
                   read_truth(p, "personal", &p->to->personal) || read_taste(p) || read_where(p) || check(p)
               ? -1
               : 0;
}

static int read_channels(const struct reader *r, const cJSON *tree, struct channels *c)
{
    static const char *const known[] = {"channels", NULL};
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(tree, "channels"), *v = NULL;
    if (reader_known(r, "", tree, known))
        return -1;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > CHANNELS_MAX)
        return reader_fail(r, "channels", "found %s, expected a list of at most %d channels", reader_kind(list),
                           CHANNELS_MAX);
    cJSON_ArrayForEach(v, list)
    {
        char path[PATH_MAX_N];
        snprintf(path, sizeof path, "channels[%zu]", c->n);
        struct channel *to = &c->list[c->n];
        if (read_channel(&(struct place){r, path, v, to}))
            return -1;
        if (channels_find(c, to->name))
            return reader_fail(r, path, "a second channel named \"%.60s\"; give each a name of its own", to->name.p);
        c->n++;
    }
    return 0;
}

int channels_read(struct channels *c, struct str text, const char *file, struct err *e)
{
    *c = (struct channels){.n = 0};
    struct reader r = {.text = text, .file = file, .arena = &c->arena, .err = e};
    cJSON *tree = json_parse_commented(text, file, e);
    int bad = !tree || read_channels(&r, tree, c);
    cJSON_Delete(tree);
    if (bad)
        channels_fini(c);
    return bad ? -1 : 0;
}

void channels_fini(struct channels *c)
{
    arena_fini(&c->arena);
    c->n = 0;
}

const struct channel *channels_find(const struct channels *c, struct str name)
{
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->list[i].name, name))
            return &c->list[i];
    return NULL;
}

static bool has_team(const struct channel *c, struct str team)
{
    for (size_t i = 0; i < c->teams_n; i++)
        if (str_eq(c->teams[i], team))
            return true;
    return c->teams_n == 0;
}

bool channel_hears(const struct channel *c, const struct alert_rule *r, struct str agent, struct str team)
{
    uint32_t as = c->hears & r->hears;
    bool of_site = r->scope == SCOPE_SITE;
    bool own = as & HEARS_AGENT && agent.n && str_eq(agent, c->agent);
    bool other = as & ~(uint32_t)HEARS_AGENT && (of_site || has_team(c, team));
    bool one_person = c->kind == CHANNEL_WEBHOOK && (own || c->personal);
    return r->severity >= c->severity && (own || other) && (one_person || !alert_is(r, TRAIT_PRIVATE));
}

bool channel_is_same(const struct channel *a, const struct channel *b)
{
    bool same = a->kind == b->kind && a->hears == b->hears && a->teams_n == b->teams_n && str_eq(a->agent, b->agent) &&
                a->personal == b->personal && a->english == b->english && a->severity == b->severity &&
                str_eq(a->url, b->url) && str_eq(a->secret, b->secret) && a->hosts_n == b->hosts_n &&
                a->allow_private == b->allow_private;
    for (size_t i = 0; same && i < a->teams_n; i++)
        same = str_eq(a->teams[i], b->teams[i]);
    for (size_t i = 0; same && i < a->hosts_n; i++)
        same = str_eq(a->hosts[i], b->hosts[i]);
    return same;
}
