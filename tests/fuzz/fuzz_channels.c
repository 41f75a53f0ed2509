/* Any bytes as the list of channels: refused with place and reason, or channels that are what they may be: named apart, with a
 * way to be asked, each that is told of ratings and tiers a webhook of one person. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/model/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* No robot hears of what is private, whoever it is about. */
static void check_private(const struct channel *c)
{
    for (int k = ALERT_NONE + 1; k < ALERT_KINDS_N; k++) {
        struct alert_rule r = {.kind = (enum alert_kind)k,
                               .scope = SCOPE_AGENT,
                               .severity = SEVERITY_CRITICAL,
                               .hears = HEARS_AGENT | HEARS_LEAD | HEARS_PAYROLL | HEARS_OPS};
        struct str team = c->teams_n ? c->teams[0] : STR_LIT("A");
        bool hears = channel_hears(c, &r, c->agent, team) || channel_hears(c, &r, STR_LIT("somebody"), team);
        must(!hears || !alert_is(&r, TRAIT_PRIVATE) || c->kind == CHANNEL_WEBHOOK);
        must(!channel_hears(c, &r, STR_LIT("somebody"), team) || !alert_is(&r, TRAIT_PRIVATE) || c->personal ||
             str_eq(c->agent, STR_LIT("somebody")));
    }
}

static void check(const struct channels *all, const struct channel *c)
{
    must(c->name.n >= 1 && c->name.n <= 64 && channels_find(all, c->name) == c);
    must(c->kind > CHANNEL_NONE && c->kind <= CHANNEL_WEBHOOK && channel_kind_name(c->kind).n);
    must(c->hears && c->url_file.n && c->hosts_n);
    must(c->kind != CHANNEL_WEBHOOK || c->secret_file.n);
    must(!(c->hears & HEARS_AGENT) || c->agent.n);
    must(c->severity >= SEVERITY_INFO && c->severity <= SEVERITY_CRITICAL);
    must(c->stream.n == c->name.n + strlen(CHANNEL_STREAM_PREFIX) && channel_is_same(c, c));
    check_private(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct channels all;
    struct err e = {0};
    if (channels_read(&all, (struct str){(const char *)data, n}, "fuzz", &e) != 0) {
        must(e.what[0] != '\0' && strncmp(e.where, "fuzz", 4) == 0 && all.n == 0);
        return 0;
    }
    must(all.n <= CHANNELS_MAX);
    for (size_t i = 0; i < all.n; i++) {
        check(&all, &all.list[i]);
    }
    channels_fini(&all);
    return 0;
}
