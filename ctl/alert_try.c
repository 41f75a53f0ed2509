/* kefuctl alert try: a history against alert rules. Events are put in order first, so that the outcome hangs on what happened
 * and not on the order in which it was written down. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/decode.h"
#include "kefu/ctl/alert.h"
#include "kefu/ctl/ask.h"
#include "kefu/ctl/lines.h"
#include "kefu/daemon/alert_replay.h"
#include "kefu/rules/seed.h"

#define RULEBOOK_MAX_BYTES ((size_t)1 << 20)
#define AFTER_MS           INT64_C(3600000) /* time passes on behind the last event, so that what is on can end */

struct tally { /* of a rule */
    uint64_t raised_n, resolved_n, messages_n;
    uint64_t a_day_n, most_a_day_n;
    int32_t day;
};

static const char *const change_fields[] = {"at",   "state",  "alert",   "rule",  "severity", "agent",
                                            "team", "source", "channel", "value", "muted"};
enum { FIELDS_N = sizeof change_fields / sizeof *change_fields };

struct change { /* of an alert, as the stream would tell it */
    struct str fields[FIELDS_N];
};

struct trial {
    const struct cli *cli;
    struct rulebook *seed, *given; /* owned; given NULL: seed alone */
    struct rulebooks books;
    struct tz *tz;
    struct channels channels;
    struct batch **batches; /* owned */
    size_t batches_n, batches_cap;
    const struct event **events; /* owned; what they point to is in the batches */
    size_t events_n, events_cap;
    struct tally *tallies;  /* owned, of each rule */
    struct change *changes; /* owned; kept with --list alone */
    size_t changes_n, changes_cap;
    struct arena arena; /* of their texts */
    uint64_t bad_n;
};

static int read_rulebook(struct trial *t, struct err *e)
{
    const char *file = cli_value(t->cli, "rulebook");
    char *text;
    size_t n;
    t->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, e);
    if (!t->seed)
        return -1;
    if (file) {
        if (json_read_file(file, RULEBOOK_MAX_BYTES, &text, &n, e) != 0)
            return -1;
        t->given = rulebook_read((struct str){text, n}, file, t->seed, e);
        free(text);
        if (!t->given)
            return -1;
    }
    t->books = (struct rulebooks){.list = {t->given ? t->given : t->seed}, .n = 1};
    t->tallies = xcalloc(t->books.list[0]->alerts_n + 1, sizeof *t->tallies);
    t->tz = tz_load(t->books.list[0]->timezone, e);
    return t->tz ? 0 : -1;
}

static void take_block(struct trial *t, const struct lines *l, struct str block, const struct decode_context *context)
{
    struct batch *b = batch_new(STR_LIT("try"), NULL, NULL);
    decode_lines(b, block, context);
    for (size_t i = 0; i < b->refusals_n; i++)
        fprintf(stderr, "%s:%" PRIu64 ": %.*s\n", lines_title(l->name), l->line + b->refusals[i].index,
                STR_ARG(b->refusals[i].reason));
    t->bad_n += b->refusals_n;
    xgrow(&t->events, &t->events_cap, t->events_n + b->events_n, sizeof(struct event *));
    for (size_t i = 0; i < b->events_n; i++)
        t->events[t->events_n++] = &b->events[i];
    xgrow(&t->batches, &t->batches_cap, t->batches_n + 1, sizeof(struct batch *));
    t->batches[t->batches_n++] = b;
}

static int take_file(struct trial *t, const char *name, struct err *e)
{
    static const uint8_t no_key[DIGEST_KEY_BYTES];
    struct decode_context context = {.now_ms = INT64_MAX,
                                     .rulebook = t->books.list[0],
                                     .customer_key = no_key,
                                     .default_source = STR_LIT("default"),
                                     .acts = true};
    struct lines l;
    struct str block;
    int more;
    if (lines_open(&l, name, e) != 0)
        return -1;
    while ((more = lines_next(&l, &block, e)) > 0)
        take_block(t, &l, block, &context);
    lines_close(&l);
    return more;
}

static int in_order(const void *a, const void *b)
{
    return event_cmp(*(const struct event *const *)a, *(const struct event *const *)b);
}

static struct str field(const struct effect *f, struct str name)
{
    for (size_t i = 0; i < f->pairs_n; i += 2)
        if (str_eq(f->pairs[i], name))
            return f->pairs[i + 1];
    return (struct str){NULL, 0};
}

static void count(struct trial *t, struct tally *y, int64_t now_ms)
{
    int32_t day = tz_day(t->tz, now_ms);
    y->raised_n++;
    y->a_day_n = day == y->day ? y->a_day_n + 1 : 1;
    y->day = day;
    y->most_a_day_n = y->a_day_n > y->most_a_day_n ? y->a_day_n : y->most_a_day_n;
}

static void keep(struct trial *t, const struct effect *f)
{
    xgrow(&t->changes, &t->changes_cap, t->changes_n + 1, sizeof *t->changes);
    struct change *c = &t->changes[t->changes_n++];
    for (size_t i = 0; i < FIELDS_N; i++)
        c->fields[i] = arena_copy(&t->arena, field(f, str_of(change_fields[i])));
}

static void on_effect(void *arg, int64_t now_ms, const struct effect *f)
{
    struct trial *t = arg;
    if (f->kind == EFFECT_ALERT && cli_flag(t->cli, "list"))
        keep(t, f);
    struct str rule = field(f, STR_LIT("rule"));
    const struct rulebook *r = t->books.list[0];
    for (size_t i = 0; i < r->alerts_n; i++) {
        if (f->kind == EFFECT_TIER || !str_eq(rule, r->alerts[i].name))
            continue;
        struct tally *y = &t->tallies[i];
        y->messages_n += f->kind == EFFECT_NOTICE;
        if (f->kind == EFFECT_ALERT && str_eq(field(f, STR_LIT("state")), STR_LIT("firing")))
            count(t, y, now_ms);
        y->resolved_n += f->kind == EFFECT_ALERT && str_eq(field(f, STR_LIT("state")), STR_LIT("resolved"));
    }
}

/* One listener of everything a lead, payroll or operations would hear. */
static void make_channel(struct trial *t)
{
    t->channels.n = 1;
    t->channels.list[0] = (struct channel){.name = STR_LIT("all"),
                                           .stream = STR_LIT("channel:all"),
                                           .kind = CHANNEL_WEBHOOK,
                                           .hears = HEARS_LEAD | HEARS_PAYROLL | HEARS_OPS,
                                           .personal = true};
}

static void replay(struct trial *t)
{
    if (t->events_n)
        qsort(t->events, t->events_n, sizeof(struct event *), in_order);
    make_channel(t);
    struct alert_replay *r =
        alert_replay_new(&(struct alert_replay_options){&t->books, t->tz, &t->channels, on_effect, t});
    for (size_t i = 0; i < t->events_n; i++)
        alert_replay_event(r, t->events[i]);
    if (t->events_n)
        alert_replay_to(r, t->events[t->events_n - 1]->ts + AFTER_MS);
    alert_replay_free(r);
}

static void number_cell(struct grid *g, uint64_t n)
{
    char room[24];
    snprintf(room, sizeof room, "%" PRIu64, n);
    grid_put(g, str_of(room));
}

/* An instant by the clocks of the rulebook's zone. */
static void time_cell(struct grid *g, const struct trial *t, struct str at)
{
    int64_t at_ms = 0;
    char day[16];
    fix_parse_whole(at, &at_ms); /* we have printed it */
    int32_t number = tz_day(t->tz, at_ms);
    int64_t s = (at_ms - tz_at(t->tz, number, 0)) / 1000;
    civil_print_day(day, sizeof day, number);
    grid_printf(g, "%s %02d:%02d:%02d", day, (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
}

static void print_changes(const struct trial *t)
{
    struct grid g = {0};
    ask_titles(&g, change_fields, FIELDS_N);
    for (size_t i = 0; i < t->changes_n; i++) {
        time_cell(&g, t, t->changes[i].fields[0]);
        for (size_t k = 1; k < FIELDS_N; k++)
            grid_put(&g, t->changes[i].fields[k].n ? t->changes[i].fields[k] : STR_LIT("-"));
    }
    ask_print(&g);
    putchar('\n');
}

static void print_json_change(const struct change *c)
{
    struct buf out = {0};
    for (size_t k = 0; k < FIELDS_N; k++) {
        bool number = k == 0 || strcmp(change_fields[k], "alert") == 0 || strcmp(change_fields[k], "value") == 0;
        if (!c->fields[k].n)
            continue;
        buf_printf(&out, "%s\"%s\": ", out.n ? ", " : "", change_fields[k]);
        if (number)
            buf_put_str(&out, c->fields[k]);
        else
            buf_put_json(&out, c->fields[k]);
    }
    printf("{%.*s}", STR_ARG(buf_str(&out)));
    buf_fini(&out);
}

static void print_table(const struct trial *t)
{
    static const char *const columns[] = {"rule", "fired", "resolved", "still_on", "most_a_day", "messages"};
    const struct rulebook *r = t->books.list[0];
    struct grid g = {0};
    if (cli_flag(t->cli, "list"))
        print_changes(t);
    ask_titles(&g, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < r->alerts_n; i++) {
        const struct tally *y = &t->tallies[i];
        grid_put(&g, r->alerts[i].name);
        number_cell(&g, y->raised_n);
        number_cell(&g, y->resolved_n);
        number_cell(&g, y->raised_n > y->resolved_n ? y->raised_n - y->resolved_n : 0);
        number_cell(&g, y->most_a_day_n);
        number_cell(&g, y->messages_n);
    }
    ask_print(&g);
}

static void print_json(const struct trial *t)
{
    const struct rulebook *r = t->books.list[0];
    printf("{\"rulebook\": \"%.*s\", \"events\": %zu, \"rules\": [", STR_ARG(r->name), t->events_n);
    for (size_t i = 0; i < r->alerts_n; i++) {
        const struct tally *y = &t->tallies[i];
        printf("%s\n  {\"rule\": \"%.*s\", \"fired\": %" PRIu64 ", \"resolved\": %" PRIu64 ", \"most_a_day\": %" PRIu64
               ", \"messages\": %" PRIu64 "}",
               i ? "," : "", STR_ARG(r->alerts[i].name), y->raised_n, y->resolved_n, y->most_a_day_n, y->messages_n);
    }
    putchar(']');
    for (size_t i = 0; i < t->changes_n; i++) {
        fputs(i ? ",\n  " : ", \"changes\": [\n  ", stdout);
        print_json_change(&t->changes[i]);
    }
    puts(t->changes_n ? "]}" : "}");
}

static void stop(struct trial *t)
{
    for (size_t i = 0; i < t->batches_n; i++)
        batch_free(t->batches[i]);
    free(t->batches);
    free(t->events);
    free(t->tallies);
    free(t->changes);
    arena_fini(&t->arena);
    if (t->tz)
        tz_free(t->tz);
    rulebook_free(t->given);
    rulebook_free(t->seed);
}

enum cli_exit alert_try(const struct cli *c)
{
    struct trial t = {.cli = c};
    struct err e;
    enum cli_exit status = CLI_FAILED;
    if (read_rulebook(&t, &e) != 0)
        goto out;
    for (size_t i = 1; i < c->args_n; i++)
        if (take_file(&t, c->args[i], &e) != 0)
            goto out;
    replay(&t);
    if (c->json)
        print_json(&t);
    else
        print_table(&t);
    status = t.bad_n ? CLI_BAD_INPUT : CLI_OK;
out:
    if (status == CLI_FAILED)
        cli_say_err(c, &e);
    stop(&t);
    return status;
}
