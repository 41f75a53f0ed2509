/* Asking Chatwoot for what its webhooks lost: it never sends one again.
 *
 * A sweep walks the conversations by their last activity, the newest first, down to where the last sweep began, and reads of
 * each the messages since then. What is known already is a duplicate. Its position is the moment a sweep began, moved when the
 * sweep has come to its end; a sweep begins anew after a fall. Messages that are asked for have whole seconds, so those of the
 * last minute are left to the webhooks, which have milliseconds. It refuses to walk without end: a sweep looks back a week at most. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/chatwoot.h"
#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"

#define OVERLAP_MS  INT64_C(300000)    /* before the last sweep's beginning, looked at again */
#define SETTLE_MS   INT64_C(60000)     /* what is younger is left to the webhooks */
#define BACK_MS     INT64_C(604800000) /* how far back a first sweep looks, and any at most */
#define FIRST_MS    INT64_C(86400000)
#define PAGE_N      25 /* conversations on a page of Chatwoot's */
#define PAGES_MAX   2000
#define PENDING_MAX ((size_t)100) /* conversations of a page that are looked into */

enum step { STEP_REST = 0, STEP_PAGE, STEP_MESSAGES };

struct sweep {
    const struct collector *c;
    enum step step, then; /* then: where `stored` goes on */
    int64_t since_ms;     /* what was active before has been seen */
    int64_t began_ms;
    int64_t due_ms;
    int64_t gap_from_ms, gap_to_ms; /* too long ago to be asked for; 0, 0: nothing is, or it has been told */
    int page;
    bool last_page;
    struct str *ids; /* of the page's conversations, owned strings */
    size_t ids_n, ids_at;
    struct peek_id before; /* messages older than this one; "" at first */
};

static void *start(const struct collector *c, struct str position, int64_t now_ms)
{
    struct sweep *w = xcalloc(1, sizeof(*w));
    w->c = c;
    w->ids = xcalloc(PENDING_MAX, sizeof(*w->ids));
    w->since_ms = now_ms - FIRST_MS;
    if (position.n > 0 && position.n < 20) {
        char text[24];
        snprintf(text, sizeof(text), "%.*s", STR_ARG(position));
        w->since_ms = strtoll(text, NULL, 10);
    }
    w->due_ms = now_ms;
    return w;
}

static void forget_page(struct sweep *w)
{
    for (size_t i = 0; i < w->ids_n; i++) {
        free((char *)w->ids[i].p);
    }
    w->ids_n = w->ids_at = 0;
    w->before.bytes[0] = 0;
}

static void end(void *state)
{
    struct sweep *w = state;
    forget_page(w);
    free(w->ids);
    free(w);
}

static void begin(struct sweep *w, int64_t now_ms)
{
    forget_page(w);
    w->began_ms = now_ms;
    if (w->since_ms < now_ms - BACK_MS) {
        w->gap_from_ms = w->since_ms;
        w->since_ms = w->gap_to_ms = now_ms - BACK_MS;
    }
    w->page = 1;
    w->step = STEP_PAGE;
}

static bool next(void *state, int64_t now_ms, struct pull_ask *ask, int64_t *due_ms)
{
    struct sweep *w = state;
    const struct collector *c = w->c;
    if (w->step == STEP_REST && now_ms < w->due_ms) {
        *due_ms = w->due_ms;
        return false;
    }
    if (w->step == STEP_REST) {
        begin(w, now_ms);
    }
    buf_printf(&ask->url, "%.*s/api/v1/accounts/%.*s/conversations", STR_ARG(c->url), STR_ARG(c->account));
    if (w->step == STEP_PAGE) {
        buf_printf(&ask->url, "?status=all&assignee_type=all&sort_by=last_activity_at_desc&page=%d", w->page);
    } else {
        buf_printf(&ask->url, "/%.*s/messages", STR_ARG(w->ids[w->ids_at]));
        if (w->before.bytes[0]) {
            buf_printf(&ask->url, "?before=%s", w->before.bytes);
        }
    }
    ask->header_name = "api_access_token";
    buf_put_str(&ask->header, c->token);
    return true;
}

/* A list of conversations: its payload is wrapped in data on some ways and not on others. */
static const cJSON *payload_of(const cJSON *answer)
{
    const cJSON *inside = peek(answer, "data.payload");
    inside = inside ? inside : peek(answer, "payload");
    return cJSON_IsArray(inside) ? inside : NULL;
}

static bool is_settled(const struct sweep *w, int64_t ts)
{
    return ts >= w->since_ms - OVERLAP_MS && ts <= w->began_ms - SETTLE_MS;
}

/* When something was last said there; 0: it does not say. */
static int64_t active_of(const cJSON *conversation)
{
    int64_t ms = peek_ms(conversation, "last_activity_at");
    ms = ms ? ms : peek_ms(conversation, "timestamp");
    return ms ? ms : peek_ms(conversation, "updated_at");
}

static int take_page(struct sweep *w, const cJSON *list, struct turned *out)
{
    struct peek_id room;
    const cJSON *conversation = NULL;
    w->last_page = cJSON_GetArraySize(list) == 0 || w->page >= PAGES_MAX;
    forget_page(w);
    cJSON_ArrayForEach(conversation, list)
    {
        struct str id = peek_id(conversation, "id", &room);
        int64_t active_ms = active_of(conversation);
        int64_t changed_ms = peek_ms(conversation, "updated_at");
        if (active_ms && active_ms < w->since_ms - OVERLAP_MS) {
            w->last_page = true; /* they come by activity: all that follow are older */
            break;
        }
        if (!id.n || w->ids_n == PENDING_MAX) {
            continue;
        }
        if (is_settled(w, peek_ms(conversation, "created_at"))) {
            chatwoot_opened(out, conversation, id);
        }
        if (is_settled(w, changed_ms)) {
            chatwoot_ended(out, conversation, id);
        }
        w->ids[w->ids_n++] = (struct str){xstrndup(id.p, id.n), id.n};
    }
    return 0;
}

/* True: there may be older ones that this sweep wants. */
static bool take_messages(struct sweep *w, const cJSON *answer, const cJSON *list, struct turned *out)
{
    struct peek_id room;
    const cJSON *message = NULL;
    int64_t oldest_ms = INT64_MAX;
    int n = cJSON_GetArraySize(list);
    struct str oldest = peek_id(cJSON_GetArrayItem(list, 0), "id", &room);
    cJSON_ArrayForEach(message, list)
    {
        int64_t ts = peek_ms(message, "created_at");
        oldest_ms = ts < oldest_ms ? ts : oldest_ms;
        if (is_settled(w, ts)) {
            chatwoot_asked_message(out, message, w->ids[w->ids_at], peek(answer, "meta"));
        }
    }
    bool on = n > 0 && oldest.n && oldest_ms >= w->since_ms - OVERLAP_MS && strcmp(w->before.bytes, oldest.p) != 0;
    snprintf(w->before.bytes, sizeof(w->before.bytes), "%.*s", on ? (int)oldest.n : 0, on ? oldest.p : "");
    return on;
}

static void plan_after_page(struct sweep *w)
{
    w->ids_at = 0;
    w->then = w->ids_n > 0 ? STEP_MESSAGES : w->last_page ? STEP_REST : STEP_PAGE;
    w->page += w->then == STEP_PAGE;
}

static void plan_after_messages(struct sweep *w, bool more)
{
    w->ids_at += !more;
    w->then = w->ids_at < w->ids_n ? STEP_MESSAGES : w->last_page ? STEP_REST : STEP_PAGE;
    w->page += w->then == STEP_PAGE;
}

static int take(void *state, const struct fetch_answer *a, struct pull_got *got, struct err *why)
{
    struct sweep *w = state;
    if (a->status == 404 && w->step == STEP_MESSAGES) {
        turned_ignore(got->out, "a conversation that is gone");
        plan_after_messages(w, false);
    } else if (a->status != 200) {
        return err_set(why, "Chatwoot", "answered %d%s", a->status,
                       a->status == 401 ? "; is the token of token_file still valid?" : "");
    } else {
        cJSON *answer = json_parse(a->body, why);
        const cJSON *list = payload_of(answer);
        if (!list) {
            cJSON_Delete(answer);
            return err_set(why, "Chatwoot", "the answer has no payload; does url lead to Chatwoot's API?");
        }
        if (w->gap_to_ms) {
            got->gap_from_ms = w->gap_from_ms;
            got->gap_to_ms = w->gap_to_ms;
            w->gap_from_ms = w->gap_to_ms = 0;
        }
        if (w->step == STEP_PAGE) {
            take_page(w, list, got->out);
            plan_after_page(w);
        } else {
            plan_after_messages(w, take_messages(w, answer, list, got->out));
        }
        cJSON_Delete(answer);
    }
    if (w->then == STEP_REST) {
        buf_printf(&got->position, "%" PRId64, w->began_ms - SETTLE_MS);
    }
    return 0;
}

static void stored(void *state, int64_t now_ms)
{
    struct sweep *w = state;
    w->step = w->then;
    if (w->step == STEP_REST) {
        w->since_ms = w->began_ms - SETTLE_MS;
        w->due_ms = now_ms + w->c->ask_every_s * 1000;
    }
}

const struct puller puller_chatwoot = {.start = start, .end = end, .next = next, .take = take, .stored = stored};
