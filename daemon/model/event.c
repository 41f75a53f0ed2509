/* Names, order and sameness of events.
 *
 * The order is SPEC.md's (ts, rank, source, id), total over distinct identities, so that a list of events is the same list
 * whatever order they came in. Sameness is what decides between a duplicate and a conflict: all the sender said. */
#include "kefu/model/event.h"

#include <assert.h>

#include "kefu/model/event_table.h"

struct str event_type_name(enum event_type type)
{
    const struct event_row *row = event_row(type);
    return row ? row->name : STR_LIT("");
}

enum event_type event_type_find(struct str name)
{
    for (int t = 1; name.n && t < EVENT_TYPES; t++) { /* numbers left free have no name */
        if (str_eq(name, event_type_name((enum event_type)t))) {
            return (enum event_type)t;
        }
    }
    return EVENT_NONE;
}

#define WORD(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

struct str event_how_name(enum event_how how)
{
    static const struct str names[] = {
        [HOW_NONE] = WORD(""),
        [FROM_CUSTOMER] = WORD("customer"),
        [FROM_AGENT] = WORD("agent"),
        [FROM_BOT] = WORD("bot"),
        [FROM_SYSTEM] = WORD("system"),
        [BY_SYSTEM] = WORD("system"),
        [BY_SUPERVISOR] = WORD("supervisor"),
        [BY_AGENT] = WORD("agent"),
        [BY_CUSTOMER] = WORD("customer"),
        [BY_BOT] = WORD("bot"),
        [BY_TIMEOUT] = WORD("timeout"),
        [ORDER_PAID] = WORD("paid"),
        [ORDER_REFUNDED] = WORD("refunded"),
        [STATUS_ONLINE] = WORD("online"),
        [STATUS_BUSY] = WORD("busy"),
        [STATUS_AWAY] = WORD("away"),
        [STATUS_OFFLINE] = WORD("offline"),
        [EXEMPT_LEAVE] = WORD("leave"),
        [EXEMPT_TRAINING] = WORD("training"),
        [EXEMPT_NONE] = WORD("none"),
        [DECIDED_ACCEPTED] = WORD("accepted"),
        [DECIDED_REJECTED] = WORD("rejected"),
        [ABOUT_RATING] = WORD("rating"),
        [ABOUT_TURN] = WORD("turn"),
    };
    _Static_assert(sizeof names / sizeof *names == EVENT_HOWS, "each has its word");
    return (unsigned)how < EVENT_HOWS ? names[how] : STR_LIT("");
}

enum subject_kind event_subject_kind(enum event_type type)
{
    const struct event_row *row = event_row(type);
    return row ? row->subject : SUBJECT_NONE;
}

static int message_rank(enum event_how from)
{
    switch (from) {
    case FROM_CUSTOMER: return 2;
    case FROM_BOT: return 3;
    default: return 6; /* agent or system */
    }
}

int event_rank(enum event_type type, enum event_how how)
{
    switch (type) {
    case EVENT_OPENED: return 0;
    case EVENT_REOPENED: return 1;
    case EVENT_MESSAGE: return message_rank(how);
    case EVENT_HANDOFF: return 4;
    case EVENT_ASSIGNED: return 5;
    case EVENT_RESOLVED: return 7;
    case EVENT_RATING: return 8;
    case EVENT_VOIDED: return 9;
    case EVENT_RECALLED: return 10;
    case EVENT_EXCUSED: return 11;
    case EVENT_UNDONE: return 12;
    default: return 0; /* orders and agents: ts, source and id order them */
    }
}

int event_cmp(const struct event *a, const struct event *b)
{
    if (a->ts != b->ts) {
        return a->ts < b->ts ? -1 : 1;
    }
    int by_rank = event_rank(a->type, a->how) - event_rank(b->type, b->how);
    if (by_rank) {
        return by_rank;
    }
    int by_source = str_cmp(a->source, b->source);
    return by_source ? by_source : str_cmp(a->id, b->id);
}

bool event_same(const struct event *a, const struct event *b)
{
    const uint32_t said = ~(uint32_t)EVENT_DERIVED;
    bool same = a->type == b->type && a->how == b->how && (a->flags & said) == (b->flags & said) && a->ts == b->ts &&
                a->amount_fen == b->amount_fen && a->score_milli == b->score_milli && a->scale == b->scale &&
                a->text_bytes == b->text_bytes && str_eq(a->source, b->source) && str_eq(a->id, b->id) &&
                str_eq(a->subject, b->subject);
    for (int i = 0; same && i < EVENT_STR_N; i++) {
        same = str_eq(a->strs[i], b->strs[i]);
    }
    return same;
}

struct event event_copy(const struct event *e, struct arena *arena)
{
    struct event copy = *e;
    copy.source = arena_copy(arena, e->source);
    copy.id = arena_copy(arena, e->id);
    copy.subject = arena_copy(arena, e->subject);
    for (int i = 0; i < EVENT_STR_N; i++) {
        copy.strs[i] = arena_copy(arena, e->strs[i]);
    }
    return copy;
}
