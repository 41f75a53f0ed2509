/* The event table of SPEC.md: what may stand in an event, row by row.
 *
 * A field that decides whether another is read (message.from) stands before it. Nothing here acts: collectors/decode reads
 * by this table, event_print_json writes by it. */
#include "kefu/model/event_table.h"

#define MUST true
#define MAY  false

/* clang-format off */

#define NAMED(text) {text, sizeof(text) - 1}

/* Shorthands of one entry; name is what stands in JSON. WORD names its words as a range of enum event_how; WORD_OR also what
 * is meant if it is absent. */
#define SUBJECT(name)                {NAMED(#name), EVENT_KEY_##name, FIELD_SUBJECT, MUST, 0, HOW_NONE, 0, 0, 0}
#define STR(name, must, which)       {NAMED(#name), EVENT_KEY_##name, FIELD_STR, must, EVENT_##which, HOW_NONE, 0, 0, 0}
#define STR_OF(how, name, which)     {NAMED(#name), EVENT_KEY_##name, FIELD_STR, MUST, EVENT_##which, how, 0, 0, 0}
#define STR_OR_NULL(name, which)     {NAMED(#name), EVENT_KEY_##name, FIELD_STR_OR_NULL, MUST, EVENT_##which, HOW_NONE, 0, 0, 0}
#define CUSTOMER(name)               {NAMED(#name), EVENT_KEY_##name, FIELD_CUSTOMER, MAY, EVENT_CUSTOMER, HOW_NONE, 0, 0, 0}
#define MUST_DATE(name, which)       {NAMED(#name), EVENT_KEY_##name, FIELD_DATE, MUST, EVENT_##which, HOW_NONE, 0, 0, 0}
#define DATE(name, which)            {NAMED(#name), EVENT_KEY_##name, FIELD_DATE, MAY, EVENT_##which, HOW_NONE, 0, 0, 0}
#define FLAG(name, which)            {NAMED(#name), EVENT_KEY_##name, FIELD_FLAG, MAY, EVENT_##which, HOW_NONE, 0, 0, 0}
#define AS(kind, name, must)         {NAMED(#name), EVENT_KEY_##name, FIELD_##kind, must, 0, HOW_NONE, 0, 0, 0}
#define WORD(name, from, to)         {NAMED(#name), EVENT_KEY_##name, FIELD_WORD, MUST, 0, HOW_NONE, from, to, HOW_NONE}
#define WORD_OR(name, from, to, or)  {NAMED(#name), EVENT_KEY_##name, FIELD_WORD, MAY, 0, HOW_NONE, from, to, or}

static const struct event_row rows[] = {
    {EVENT_OPENED, NAMED("conversation.opened"), SUBJECT_CONVERSATION, false, {
        SUBJECT(conversation),
        CUSTOMER(customer),
        STR(shop, MAY, SHOP),
        STR(channel, MAY, CHANNEL),
        STR(topic, MAY, TOPIC)}},

    {EVENT_MESSAGE, NAMED("message"), SUBJECT_CONVERSATION, false, {
        SUBJECT(conversation),
        WORD(from, FROM_CUSTOMER, FROM_SYSTEM),
        STR_OF(FROM_AGENT, agent, AGENT),
        CUSTOMER(customer),
        STR(shop, MAY, SHOP),
        STR(channel, MAY, CHANNEL),
        AS(TEXT, text, MAY),
        FLAG(private, PRIVATE),
        FLAG(auto, AUTO),
        AS(CLOSING, closing, MAY)}},

    {EVENT_RECALLED, NAMED("message.recalled"), SUBJECT_CONVERSATION, true, {
        SUBJECT(conversation),
        STR(message, MUST, REF),
        STR(of_source, MAY, REF_SOURCE)}},

    {EVENT_ASSIGNED, NAMED("conversation.assigned"), SUBJECT_CONVERSATION, false, {
        SUBJECT(conversation),
        STR_OR_NULL(agent, AGENT),
        WORD_OR(by, BY_SYSTEM, BY_AGENT, BY_SYSTEM)}},

    {EVENT_HANDOFF, NAMED("conversation.handoff"), SUBJECT_CONVERSATION, false, {
        SUBJECT(conversation)}},

    {EVENT_RESOLVED, NAMED("conversation.resolved"), SUBJECT_CONVERSATION, false, {
        SUBJECT(conversation),
        WORD_OR(by, BY_AGENT, BY_TIMEOUT, BY_AGENT),
        STR(agent, MAY, AGENT)}},

    {EVENT_REOPENED, NAMED("conversation.reopened"), SUBJECT_CONVERSATION, false, {
        SUBJECT(conversation)}},

    {EVENT_RATING, NAMED("rating"), SUBJECT_CONVERSATION, false, {
        SUBJECT(conversation),
        AS(SCORE, score, MUST),
        AS(SCALE, scale, MAY),
        STR(agent, MAY, AGENT)}},

    {EVENT_VOIDED, NAMED("rating.voided"), SUBJECT_CONVERSATION, true, {
        SUBJECT(conversation),
        STR(rating, MUST, REF),
        STR(of_source, MAY, REF_SOURCE),
        STR(reason, MUST, REASON),
        STR(actor, MAY, ACTOR)}},

    {EVENT_ORDER, NAMED("order"), SUBJECT_ORDER, false, {
        SUBJECT(order),
        STR(agent, MUST, AGENT),
        AS(CROSS, kind, MUST),
        AS(FEN, amount_fen, MUST),
        WORD(state, ORDER_PAID, ORDER_REFUNDED),
        STR(conversation, MAY, CONVERSATION)}},

    {EVENT_PROFILE, NAMED("agent.profile"), SUBJECT_AGENT, false, {
        SUBJECT(agent),
        STR(name, MAY, NAME),
        STR(team, MAY, TEAM),
        STR(employee_no, MAY, EMPLOYEE_NO),
        DATE(hired_on, HIRED_ON),
        DATE(left_on, LEFT_ON)}},

    {EVENT_STATUS, NAMED("agent.status"), SUBJECT_AGENT, false, {
        SUBJECT(agent),
        WORD(status, STATUS_ONLINE, STATUS_OFFLINE)}},

    {EVENT_EXCUSED, NAMED("turn.excused"), SUBJECT_CONVERSATION, true, {
        SUBJECT(conversation),
        STR(message, MUST, REF),
        STR(of_source, MAY, REF_SOURCE),
        STR(agent, MAY, AGENT),
        STR(reason, MUST, REASON),
        STR(actor, MUST, ACTOR)}},

    {EVENT_UNDONE, NAMED("decision.undone"), SUBJECT_CONVERSATION, true, {
        SUBJECT(conversation),
        STR(decision, MUST, REF),
        STR(of_source, MAY, REF_SOURCE),
        STR(reason, MUST, REASON),
        STR(actor, MUST, ACTOR)}},

    {EVENT_EXEMPT, NAMED("agent.exempt"), SUBJECT_AGENT, false, {
        SUBJECT(agent),
        MUST_DATE(from, HIRED_ON),
        MUST_DATE(to, LEFT_ON),
        WORD(why, EXEMPT_LEAVE, EXEMPT_NONE),
        STR(reason, MAY, REASON),
        STR(actor, MUST, ACTOR)}},

    {EVENT_APPEAL, NAMED("appeal.opened"), SUBJECT_AGENT, true, {
        SUBJECT(agent),
        STR(conversation, MUST, CONVERSATION),
        WORD(about, ABOUT_RATING, ABOUT_TURN),
        STR(message, MUST, REF),
        STR(of_source, MAY, REF_SOURCE),
        STR(reason, MUST, REASON),
        STR(actor, MUST, ACTOR)}},

    {EVENT_APPEAL_DECIDED, NAMED("appeal.decided"), SUBJECT_AGENT, true, {
        SUBJECT(agent),
        STR(appeal, MUST, REF),
        STR(of_source, MAY, REF_SOURCE),
        WORD(decision, DECIDED_ACCEPTED, DECIDED_REJECTED),
        STR(reason, MUST, REASON),
        STR(actor, MUST, ACTOR)}},

    {EVENT_MONTH_CLOSED, NAMED("month.closed"), SUBJECT_MONTH, false, {
        SUBJECT(month),
        STR(reason, MAY, REASON),
        STR(actor, MUST, ACTOR)}},

    {EVENT_MONTH_REOPENED, NAMED("month.reopened"), SUBJECT_MONTH, false, {
        SUBJECT(month),
        STR(reason, MUST, REASON),
        STR(actor, MUST, ACTOR)}},

    {EVENT_ADJUSTMENT_DECIDED, NAMED("adjustment.decided"), SUBJECT_MONTH, false, {
        SUBJECT(month),
        STR(agent, MUST, AGENT),
        WORD(decision, DECIDED_ACCEPTED, DECIDED_REJECTED),
        STR(reason, MAY, REASON),
        STR(actor, MUST, ACTOR)}},

    {EVENT_PROPOSAL_DECIDED, NAMED("proposal.decided"), SUBJECT_MONTH, false, {
        SUBJECT(month),
        STR(agent, MUST, AGENT),
        STR(proposal, MUST, REF),
        WORD(decision, DECIDED_ACCEPTED, DECIDED_REJECTED),
        STR(reason, MAY, REASON),
        STR(actor, MUST, ACTOR)}},

    [EVENT_ALERT_ACKED - 1] = {EVENT_ALERT_ACKED, NAMED("alert.acknowledged"), SUBJECT_ALERT, false, {
        SUBJECT(alert),
        STR(reason, MAY, REASON),
        STR(actor, MUST, ACTOR)}},

    [EVENT_ALERT_SILENCED - 1] = {EVENT_ALERT_SILENCED, NAMED("alert.silenced"), SUBJECT_ALERT, false, {
        SUBJECT(rule),
        STR(agent, MAY, AGENT),
        STR(team, MAY, TEAM),
        AS(SCALE, minutes, MUST),
        STR(reason, MUST, REASON),
        STR(actor, MUST, ACTOR)}},

    [EVENT_ALERT_UNSILENCED - 1] = {EVENT_ALERT_UNSILENCED, NAMED("alert.unsilenced"), SUBJECT_ALERT, false, {
        SUBJECT(silence),
        STR(reason, MAY, REASON),
        STR(actor, MUST, ACTOR)}},

    [EVENT_PERSON_ERASED - 1] = {EVENT_PERSON_ERASED, NAMED("person.erased"), SUBJECT_MONTH, false, {
        SUBJECT(person),
        STR(reason, MAY, REASON),
        STR(actor, MUST, ACTOR)}},
};
/* clang-format on */

_Static_assert(sizeof rows / sizeof *rows == EVENT_TYPES - 1, "each type has its row");

const struct event_row *event_row(enum event_type type)
{
    unsigned at = (unsigned)type - 1; /* rows stand in the order of their numbers; a test holds them to it */
    return at < sizeof rows / sizeof *rows && rows[at].type ? &rows[at] : NULL; /* some numbers are left free */
}

#define X(name, json, bytes) _Static_assert((bytes) <= EVENT_STR_BYTES_MAX, "EVENT_STR_BYTES_MAX is the longest");
EVENT_STRS(X)
#undef X

size_t event_str_max(enum event_str which)
{
    static const size_t max[] = {
#define X(name, json, bytes) bytes,
        EVENT_STRS(X)
#undef X
    };
    return max[which];
}

/* Length and three bytes tell all names apart, so that one comparison is enough. */
#define MARK(n, first, last_but_one, last)                                                                             \
    ((uint32_t)(n) << 24 | (uint32_t)(first) << 16 | (uint32_t)(last_but_one) << 8 | (uint32_t)(last))

enum event_key event_key_find(struct str name)
{
    if (name.n < 2 || name.n > UINT8_MAX) {
        return EVENT_KEY_none;
    }
    const unsigned char *end = (const unsigned char *)name.p + name.n;
    switch (MARK(name.n, (unsigned char)name.p[0], end[-2], end[-1])) {
#define X(key, first, last_but_one, last)                                                                              \
    case MARK(sizeof #key - 1, first, last_but_one, last):                                                             \
        return memcmp(name.p, #key, sizeof #key - 1) == 0 ? EVENT_KEY_##key : EVENT_KEY_none;
        EVENT_KEYS(X)
#undef X
    default: return EVENT_KEY_none;
    }
}
