/* kefuctl import: tables and chat logs that people export, by a mapping file.
 *
 * Keeps true: what it counts as done is durable; the same file again changes nothing; every row is accounted for: events,
 * rows that hold none and why, rows that cannot be read with their line; every account that is bound to nobody is listed.
 * `--dry-run` does all but send, and needs no daemon. */
#include <iconv.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/base/intern.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/base/utf8.h"
#include "kefu/collectors/csv.h"
#include "kefu/collectors/mapping.h"
#include "kefu/collectors/peek.h"
#include "kefu/ctl/bar.h"
#include "kefu/ctl/commands.h"
#include "kefu/ctl/feed.h"
#include "kefu/rules/seed.h"

#define FILE_MAX_BYTES ((size_t)1 << 30)
#define BLOCK_BYTES    ((size_t)1 << 17)

/* Names and how often each was met. */
struct tally {
    struct intern names;
    uint64_t *counts;
    size_t cap;
};

struct import {
    const struct cli *cli;
    struct mapping *map;
    struct people *people;
    struct rulebook *seed;
    struct feed feed;
    struct bar bar;
    bool dry;
    FILE *out; /* instead of the daemon */
    struct buf block;
    uint64_t block_n;
    uint64_t rows_n, events_n, bad_n;
    struct tally unbound, ignored;
    const char *file;
};

static void tally_add(struct tally *t, struct str name)
{
    uint32_t at = intern_put(&t->names, name);
    size_t was = t->cap;
    xgrow(&t->counts, &t->cap, (size_t)at + 1, sizeof *t->counts);
    memset(t->counts + was, 0, (t->cap - was) * sizeof *t->counts);
    t->counts[at]++;
}

static void tally_print(const struct tally *t, const char *title)
{
    uint32_t n = intern_count(&t->names);
    if (n)
        fprintf(stderr, "%s\n", title);
    for (uint32_t i = 1; i <= n; i++) {
        struct str name = intern_name(&t->names, i);
        fprintf(stderr, "  %8" PRIu64 "  %.*s\n", t->counts[i], STR_ARG(name));
    }
}

static void tally_fini(struct tally *t)
{
    intern_fini(&t->names);
    free(t->counts);
}

static void say_bad(struct import *m, uint64_t line, struct str reason)
{
    m->bad_n++;
    bar_clear(&m->bar);
    fprintf(stderr, "%s:%" PRIu64 ": %.*s\n", m->file, line, STR_ARG(reason));
}

/* --- to the daemon ------------------------------------------------------------------------------------------------ */

static int turn_feed(struct import *m, bool until_room, struct err *e)
{
    do {
        if (feed_turn(&m->feed, clock_mono_ms(&m->bar.clock), until_room ? 200 : 0, e) != 0)
            return -1;
    } while (until_room && !feed_wants(&m->feed));
    return 0;
}

static int flush(struct import *m, struct err *e)
{
    if (!m->block.n || m->dry) {
        m->block.n = 0;
        return 0;
    }
    if (m->out) {
        bool bad = fwrite(m->block.p, 1, m->block.n, m->out) != m->block.n;
        m->block.n = 0;
        return bad ? err_set(e, cli_value(m->cli, "out"), "cannot be written") : 0;
    }
    feed_put(&m->feed, buf_str(&m->block), m->block_n);
    m->block.n = 0;
    m->block_n = 0;
    return turn_feed(m, !feed_wants(&m->feed), e);
}

static int end_feed(struct import *m, struct err *e)
{
    if (flush(m, e) != 0)
        return -1;
    if (m->dry || m->out)
        return 0;
    feed_end(&m->feed);
    while (!feed_done(&m->feed)) {
        if (feed_turn(&m->feed, clock_mono_ms(&m->bar.clock), 200, e) != 0)
            return -1;
    }
    return 0;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* Is the agent an account that nobody has claimed: NAME:…? */
static void look_at_agent(struct import *m, const struct event *e)
{
    struct str agent = e->type == EVENT_PROFILE || e->type == EVENT_STATUS ? e->subject : e->strs[EVENT_AGENT];
    struct str name = mapping_name(m->map);
    if (agent.n > name.n && memcmp(agent.p, name.p, name.n) == 0 && agent.p[name.n] == ':')
        tally_add(&m->unbound, agent);
}

static void take_event(struct import *m, const struct turned_item *item, uint64_t line)
{
    static const uint8_t no_key[DIGEST_KEY_BYTES];
    struct decode_context context = {
        .now_ms = INT64_MAX, .rulebook = m->seed, .customer_key = no_key, .default_source = mapping_name(m->map)};
    struct batch *b = batch_new(STR_LIT("import"), NULL, NULL);
    decode_one(b, item->json, &context);
    if (b->refusals_n) {
        say_bad(m, line, b->refusals[0].reason);
    } else {
        m->events_n++;
        look_at_agent(m, &b->events[0]);
        buf_put_str(&m->block, item->json);
        buf_put_byte(&m->block, '\n');
        m->block_n++;
    }
    batch_free(b);
}

static int take_row(struct import *m, const struct str *cells, size_t n, uint64_t line, struct err *e)
{
    struct turned out;
    turned_init(&out, mapping_name(m->map), m->people);
    mapping_row(m->map, cells, n, &out);
    m->rows_n++;
    for (size_t i = 0; i < out.n; i++) {
        if (out.items[i].kind == TURNED_EVENT)
            take_event(m, &out.items[i], line);
        else if (out.items[i].kind == TURNED_REFUSED)
            say_bad(m, line, out.items[i].why);
        else
            tally_add(&m->ignored, out.items[i].why);
    }
    if (out.n == 0)
        tally_add(&m->ignored, STR_LIT("no event of the mapping applies"));
    turned_fini(&out);
    return m->block.n >= BLOCK_BYTES ? flush(m, e) : 0;
}

static int take_table(struct import *m, struct str text, struct err *e)
{
    struct csv csv;
    struct arena arena = {0};
    struct str *cells = xcalloc(CSV_COLUMNS_MAX, sizeof *cells);
    size_t n;
    int more;
    csv_begin(&csv, text, 0);
    more = csv_next(&csv, &arena, cells, &n, e);
    int status = more <= 0 ? more : mapping_head(m->map, cells, n, e);
    while (status == 0 && more > 0) {
        arena_reset(&arena);
        more = csv_next(&csv, &arena, cells, &n, e);
        status = more > 0 ? take_row(m, cells, n, csv.line, e) : more;
        bar_paint(&m->bar, "bytes", csv.at, text.n);
    }
    arena_fini(&arena);
    free(cells);
    return status;
}

/* {"user", "chats": [{"date", "time", "sender", "text"}]} is a table of these columns, and of "from". */
static int take_chats(struct import *m, struct str text, struct err *e)
{
    static const struct str head[] = {STR_LIT("user"),   STR_LIT("date"), STR_LIT("time"),
                                      STR_LIT("sender"), STR_LIT("text"), STR_LIT("from")};
    cJSON *tree = json_parse(text, e);
    const cJSON *chat = NULL, *chats = peek(tree, "chats");
    struct str user = peek_text(tree, "user");
    int status = !tree ? -1 : mapping_head(m->map, head, 6, e);
    uint64_t at = 0;
    if (tree && (!user.n || !cJSON_IsArray(chats)))
        status = err_set(e, m->file,
                         "expected a table, or a chat log as JSON: {\"user\", \"chats\": [{\"date\", \"time\", "
                         "\"sender\", \"text\"}]}");
    cJSON_ArrayForEach(chat, chats)
    {
        struct str sender = peek_text(chat, "sender");
        struct str cells[] = {
            user,   peek_text(chat, "date"), peek_text(chat, "time"),
            sender, peek_text(chat, "text"), str_eq(sender, user) ? STR_LIT("customer") : STR_LIT("agent")};
        status = status == 0 ? take_row(m, cells, 6, ++at, e) : status;
    }
    cJSON_Delete(tree);
    return status;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool is_utf8(struct str s)
{
    for (const char *p = s.p, *end = s.p + s.n; p < end;) {
        size_t n = utf8_length(p, end);
        if (!n)
            return false;
        p += n;
    }
    return true;
}

/* From GBK (or its larger sister GB18030) into *text, which is replaced. */
static int from_gbk(const char *file, struct str *text, struct err *e)
{
    iconv_t cd = iconv_open("UTF-8", "GB18030");
    size_t out_left = text->n * 2 + 16, in_left = text->n;
    char *room = xmalloc(out_left), *out = room, *in = (char *)(uintptr_t)text->p;
    if (cd == (iconv_t)-1) {
        free(room);
        return err_set(e, file, "this system's C library cannot read GBK; turn the file into UTF-8");
    }
    size_t turned = iconv(cd, &in, &in_left, &out, &out_left);
    iconv_close(cd);
    if (turned == (size_t)-1) {
        size_t at = text->n - in_left;
        free(room);
        return err_set(e, file, "byte %zu is neither UTF-8 nor GBK", at + 1);
    }
    free((char *)(uintptr_t)text->p);
    *text = (struct str){room, (size_t)(out - room)};
    return 0;
}

/* Puts the file's name before a place in it. */
static int fail_in(const char *file, struct err *e)
{
    char where[sizeof e->where];
    snprintf(where, sizeof where, "%.90s, %.90s", file, e->where);
    memcpy(e->where, where, sizeof where);
    return -1;
}

static int take_file(struct import *m, const char *file, struct err *e)
{
    char *bytes;
    size_t n;
    m->file = file;
    if (json_read_file(file, FILE_MAX_BYTES, &bytes, &n, e) != 0)
        return -1;
    struct str text = {bytes, n}, encoding = mapping_encoding(m->map);
    bool gbk = str_eq(encoding, STR_LIT("gbk")) || (str_eq(encoding, STR_LIT("auto")) && !is_utf8(text));
    int status = gbk ? from_gbk(file, &text, e) : 0;
    if (status == 0 && !is_utf8(text))
        status = err_set(e, file, "it is no UTF-8; say \"encoding\": \"gbk\" in the mapping if it is GBK");
    if (status == 0)
        status = text.n && text.p[0] == '{' ? take_chats(m, text, e) : take_table(m, text, e);
    free((char *)(uintptr_t)text.p);
    return status != 0 && !strstr(e->where, file) ? fail_in(file, e) : status;
}

/* --- start and end ------------------------------------------------------------------------------------------------ */

static int read_mapping(struct import *m, struct err *e)
{
    char *text;
    size_t n;
    const char *file = cli_value(m->cli, "map");
    if (!file)
        return err_set(e, "--map", "expected a mapping file: which column is what; see kefuctl help import");
    if (json_read_file(file, (size_t)1 << 20, &text, &n, e) != 0)
        return -1;
    m->map = mapping_read((struct str){text, n}, file, e);
    free(text);
    return m->map ? 0 : -1;
}

static int read_people(struct import *m, struct err *e)
{
    char *text;
    size_t n;
    const char *file = cli_value(m->cli, "agents");
    if (!file)
        return 0;
    if (json_read_file(file, (size_t)4 << 20, &text, &n, e) != 0)
        return -1;
    m->people = people_read((struct str){text, n}, file, e);
    free(text);
    return m->people ? 0 : -1;
}

static void say_rejected(void *arg, uint64_t line, const char *id, const char *reason)
{
    struct import *m = arg;
    m->bad_n++;
    bar_clear(&m->bar);
    fprintf(stderr, "event %" PRIu64 " (id %s): %s\n", line, id, reason);
}

static enum cli_exit start(struct import *m, struct err *e)
{
    const char *out = cli_value(m->cli, "out");
    m->dry = cli_flag(m->cli, "dry-run");
    m->feed.fd = -1;
    m->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, e);
    if (!m->seed || read_mapping(m, e) != 0 || read_people(m, e) != 0)
        return CLI_FAILED;
    if (out) {
        m->out = strcmp(out, "-") == 0 ? stdout : fopen(out, "we");
        if (!m->out)
            err_set(e, out, "cannot be written");
        return m->out ? CLI_OK : CLI_FAILED;
    }
    if (!m->dry && feed_open(&m->feed, m->cli, e) != 0)
        return CLI_UNREACHABLE;
    m->feed.rejected = say_rejected;
    m->feed.arg = m;
    return CLI_OK;
}

static void summary_json(const struct import *m)
{
    struct buf text = {0};
    buf_printf(&text,
               "{\"rows\":%" PRIu64 ",\"events\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"duplicate\":%" PRIu64
               ",\"refused\":%" PRIu64 ",\"unbound\":[",
               m->rows_n, m->events_n, m->feed.accepted_n, m->feed.duplicate_n, m->bad_n);
    for (uint32_t i = 1; i <= intern_count(&m->unbound.names); i++) {
        buf_put_str(&text, i > 1 ? STR_LIT(",") : STR_LIT(""));
        buf_put_json(&text, intern_name(&m->unbound.names, i));
    }
    printf("%.*s]}\n", (int)text.n, text.p);
    buf_fini(&text);
}

static void summary(const struct import *m)
{
    if (m->cli->json && m->out != stdout) {
        summary_json(m);
        return;
    }
    FILE *to = m->out ? stderr : stdout;
    fprintf(to, "%" PRIu64 " rows, %" PRIu64 " events", m->rows_n, m->events_n);
    if (m->dry)
        fprintf(to, " (a dry run: nothing was sent)");
    else if (!m->out)
        fprintf(to, ": %" PRIu64 " new, %" PRIu64 " known already", m->feed.accepted_n, m->feed.duplicate_n);
    fprintf(to, "; %" PRIu64 " refused\n", m->bad_n);
    tally_print(&m->ignored, "Rows or parts of rows without an event, and why:");
    tally_print(&m->unbound, "Accounts bound to nobody (agents.json), and their events:");
}

static void stop(struct import *m)
{
    if (m->feed.fd >= 0)
        feed_close(&m->feed);
    if (m->out && m->out != stdout)
        fclose(m->out);
    mapping_free(m->map);
    people_free(m->people);
    rulebook_free(m->seed);
    buf_fini(&m->block);
    tally_fini(&m->unbound);
    tally_fini(&m->ignored);
}

static enum cli_exit run(const struct cli *c)
{
    struct err e = {0};
    struct import m = {.cli = c};
    if (c->args_n == 0) {
        cli_say(c, "no file given; name a table (CSV) or a chat log");
        return CLI_BAD_INPUT;
    }
    bar_init(&m.bar);
    m.bar.shown = m.bar.shown && !cli_flag(c, "quiet");
    intern_init(&m.unbound.names, 0);
    intern_init(&m.ignored.names, 0);
    enum cli_exit status = start(&m, &e);
    for (size_t i = 0; i < c->args_n && status == CLI_OK; i++)
        status = take_file(&m, c->args[i], &e) == 0 ? CLI_OK : CLI_FAILED;
    if (status == CLI_OK && end_feed(&m, &e) != 0)
        status = CLI_FAILED;
    bar_clear(&m.bar);
    if (status != CLI_OK)
        cli_say_err(c, &e);
    else
        summary(&m);
    if (status == CLI_OK && m.bad_n)
        status = CLI_BAD_INPUT;
    stop(&m);
    return status;
}

static const struct cli_option options[] = {
    {"map", "FILE", "the mapping: which column is what (docs/collectors.md)"},
    {"agents", "FILE", "whose accounts are whose (agents.json)"},
    {"dry-run", NULL, "read everything, say what would come of it, send nothing"},
    {"out", "FILE", "write the events there as NDJSON (-: standard output) and send nothing"},
    {"quiet", NULL, "no progress bar, also on a terminal"},
    {NULL, NULL, NULL},
};

const struct command command_import = {
    .name = "import",
    .arguments = "--map FILE [--agents FILE] [--dry-run | --out FILE] TABLE…",
    .summary = "tables and chat logs that people export, by a mapping of their columns",
    .help = "Reads CSV (comma, semicolon or tab; UTF-8 or GBK) and chat logs as JSON. The same file again\n"
            "changes nothing. Ends when every event is durable; rows that cannot be read are listed with\n"
            "their line and make the exit status 2. Accounts that are bound to nobody are listed; their\n"
            "events count for an agent of the account's own name.\n",
    .options = options,
    .run = run,
};
