/* kefuctl appeal: what agents contest and leads decide, and days on which an agent need not be measured. */
#include <stdio.h>
#include <string.h>

#include "kefu/ctl/ask.h"
#include "kefu/ctl/commands.h"

static void put(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(out, ",\"%s\":", name);
    ask_put_typed(out, str_of(value));
}

/* The last event is what counts, and what undo takes: of an appeal that is accepted, the excuse or the voiding. */
static void print_done(const cJSON *answer)
{
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(answer, "ids");
    const char *id = cJSON_GetStringValue(cJSON_GetArrayItem(ids, cJSON_GetArraySize(ids) - 1));
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "done")))
        printf("Done: %s\n", id ? id : "");
    else
        printf("The disk is full: nothing was done.\n");
}

/* What the options say, as members of the event; the names of options and fields, where they differ. */
static void put_options(struct buf *out, const struct cli *c)
{
    static const char *const fields[][2] = {{"by", "actor"},         {"reason", "reason"},
                                            {"source", "of_source"}, {"message", "message"},
                                            {"about", "about"},      {"conversation", "conversation"},
                                            {"from", "from"},        {"to", "to"},
                                            {"why", "why"},          {"agent", "agent"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        put(out, fields[i][1], cli_value(c, fields[i][0]));
}

struct action {
    const char *name, *type;
    const char *fields[2]; /* of the arguments behind the name */
    const char *decision;
};

static const struct action actions[] = {
    {"open", "appeal.opened", {"agent"}, NULL},
    {"accept", "appeal.decided", {"agent", "appeal"}, "accepted"},
    {"reject", "appeal.decided", {"agent", "appeal"}, "rejected"},
    {"excuse", "turn.excused", {"conversation", "message"}, NULL},
    {"void", "rating.voided", {"conversation", "rating"}, NULL},
    {"undo", "decision.undone", {"conversation", "decision"}, NULL},
    {"exempt", "agent.exempt", {"agent"}, NULL},
};

static enum cli_exit act(const struct cli *c, const struct action *a)
{
    struct buf request = {0};
    size_t args_n = a->fields[1] ? 3 : 2;
    if (c->args_n != args_n || !cli_flag(c, "by")) {
        cli_say(c, "%s: expected %s%s%s and --by NAME; see kefuctl help appeal", a->name, a->fields[0],
                a->fields[1] ? " and " : "", a->fields[1] ? a->fields[1] : "");
        return CLI_BAD_INPUT;
    }
    buf_printf(&request, "{\"do\":\"act\",\"event\":{\"type\":\"%s\"", a->type);
    for (size_t i = 0; i + 1 < args_n; i++)
        put(&request, a->fields[i], c->args[i + 1]);
    put(&request, "decision", a->decision);
    put_options(&request, c);
    buf_put_str(&request, STR_LIT("}}"));
    enum cli_exit status = ask(c, buf_str(&request), print_done);
    buf_fini(&request);
    return status;
}

static void print_list(const cJSON *answer)
{
    static const char *const keys[] = {"agent",   "id",     "at",    "conversation", "about",
                                       "message", "reason", "state", "decided_by",   "decision"};
    ask_print_list(cJSON_GetObjectItemCaseSensitive(answer, "appeals"), keys, sizeof keys / sizeof *keys);
}

static enum cli_exit run(const struct cli *c)
{
    if (c->args_n == 1 && strcmp(c->args[0], "list") == 0)
        return ask(c, STR_LIT("{\"do\":\"appeals\"}"), print_list);
    for (size_t i = 0; c->args_n && i < sizeof actions / sizeof *actions; i++)
        if (strcmp(c->args[0], actions[i].name) == 0)
            return act(c, &actions[i]);
    cli_say(c, "expected list, open, accept, reject, excuse, void, undo or exempt; see kefuctl help appeal");
    return CLI_BAD_INPUT;
}

static const struct cli_option options[] = {
    {"by", "NAME", "who does it; stands in the event"},
    {"reason", "TEXT", "why; all but exempt need one"},
    {"conversation", "ID", "open: in which conversation"},
    {"about", "rating|turn", "open: what is contested"},
    {"message", "ID", "open: the rating, or a message of the turn: its question or its answer"},
    {"source", "NAME", "the source of the event that is named (default: kefud)"},
    {"agent", "ID", "excuse: for this agent only, others in the same turn count"},
    {"from", "DAY", "exempt: the first day, such as 2026-03-02"},
    {"to", "DAY", "exempt: the last day"},
    {"why", "leave|training|none", "exempt: none takes exemptions of these days back"},
    {NULL, NULL, NULL},
};

const struct command command_appeal = {
    .name = "appeal",
    .arguments =
        "list | open AGENT … | accept AGENT APPEAL … | reject AGENT APPEAL … | excuse CONVERSATION MESSAGE … |\n"
        "                      void CONVERSATION RATING … | undo CONVERSATION DECISION … | exempt AGENT …",
    .summary = "what agents contest, what leads decide, days of leave and training",
    .help = "An agent contests a rating or a turn: open, with --conversation, --about, --message, --source, --reason.\n"
            "A lead accepts it (the rating is then voided, the turn excused for this agent) or rejects it. Both can\n"
            "be done without an appeal: excuse, void. What was decided is undone by its id: undo (--source is then\n"
            "kefud). exempt says on which days an agent was on leave or in training; what that means for a month\n"
            "is for the rulebook to say (kefud-rulebook(5)). Each is an event with its actor in the journal. In a\n"
            "closed month nothing changes by it: it becomes an adjustment.\n",
    .options = options,
    .run = run,
};
