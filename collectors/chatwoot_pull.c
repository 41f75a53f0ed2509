/* Asking Chatwoot for what its webhooks lost: it never sends one again.
 *
 * A sweep walks the conversations by their last activity, the newest first, down to where the last sweep began, and reads of
 * each the messages since then. One that becomes active meanwhile jumps from a page to come to one that was walked: so the pages
 * are walked again from the top, down to what was newest before, until one page holds all that has moved; each conversation is
 * read once. What is known already is a duplicate. Its position is the moment a sweep began, moved when the sweep has come to its
 * end; a sweep begins anew after a fall. A conversation that Chatwoot cannot answer for is passed over after some tries and kept with
 * the position: each sweep begins with those, for a week. Messages that are asked for have whole seconds, so those of the last minute are left to
 * the webhooks, which have milliseconds. It refuses to walk without end: a sweep looks back a week at most. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/intern.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/collectors/chatwoot.h"
#include "kefu/collectors/peek.h"
#include "kefu/collectors/platforms.h"

#define OVERLAP_MS  INT64_C(300000)    /* before the last sweep's beginning, looked at again */
#define SETTLE_MS   INT64_C(60000)     /* what is younger is left to the webhooks */
#define BACK_MS     INT64_C(604800000) /* how far back a first sweep looks, and any at most */
#define FIRST_MS    INT64_C(86400000)
#define PAGES_MAX   2000
#define PENDING_MAX ((size_t)100)      /* conversations of a page that are looked into; Chatwoot's pages have 25 */
#define TRIES_MAX   5                  /* for a conversation that is answered with 5xx, one after the other */
#define LEFT_MAX    ((size_t)16)       /* if there are more, all of Chatwoot is unwell, and is waited for */
#define RATED_MS    INT64_C(604800000) /* so old, a survey in what is read is looked at: its answer may be new */

enum step { STEP_REST = 0, STEP_PAGE, STEP_MESSAGES };

/* A conversation that was passed over. */
struct left {
    struct peek_id id;
    int64_t since_ms; /* its messages from then on are not known */
};

/* Where a sweep stands. */
struct place {
    enum step step;
    int page;              /* 0: those that were passed over */
    size_t at;             /* in the conversations of the page */
    struct peek_id before; /* messages older than this one; "" at first */
    int64_t floor_ms;      /* what was not active since is not walked to */
    uint32_t read_n;       /* conversations that were read when this walk began */
};

struct sweep {
    const struct collector *c;
    struct place here, then; /* then: where `stored` goes on */
    int64_t since_ms;        /* what was active before has been seen */
    int64_t began_ms;
    int64_t due_ms;
    int64_t newest_ms;              /* of what the first page showed */
    int walked_n;                   /* pages, of all walks together */
    int64_t gap_from_ms, gap_to_ms; /* too long ago to be asked for; 0, 0: nothing is, or it has been told */
    bool last_page;
    struct str *ids; /* of the page's conversations, owned strings */
    size_t ids_n;
    struct intern read; /* conversations whose messages this sweep has */
    struct left left[LEFT_MAX];
    size_t left_n;
    int tries;    /* of the question that is asked now */
    bool leaving; /* its conversation is passed over, once that is stored */
};

static struct left *left_find(struct sweep *w, struct str id)
{
    for (size_t i = 0; i < w->left_n; i++) {
        if (str_eq(str_of(w->left[i].id.bytes), id)) {
            return &w->left[i];
        }
    }
    return NULL;
}

/* False: there is no place for another one. */
static bool left_put(struct sweep *w, struct str id, int64_t since_ms)
{
    if (left_find(w, id)) {
        return true;
    }
    if (w->left_n == LEFT_MAX) {
        return false;
    }
    struct left *l = &w->left[w->left_n++];
    snprintf(l->id.bytes, sizeof(l->id.bytes), "%.*s", STR_ARG(id));
    l->since_ms = since_ms;
    return true;
}

static void left_drop(struct sweep *w, const struct left *l)
{
    if (l) {
        w->left[l - w->left] = w->left[--w->left_n];
    }
}

/* "MS", and of each that was passed over " ID:MS". */
static void put_position(struct buf *out, const struct sweep *w)
{
    buf_printf(out, "%" PRId64, w->began_ms - SETTLE_MS);
    for (size_t i = 0; i < w->left_n; i++) {
        buf_printf(out, " %s:%" PRId64, w->left[i].id.bytes, w->left[i].since_ms);
    }
}

static void read_position(struct sweep *w, struct str position)
{
    char text[LEFT_MAX * 200 + 24], *rest = NULL;
    if (position.n == 0 || position.n >= sizeof(text)) {
        return;
    }
    snprintf(text, sizeof(text), "%.*s", STR_ARG(position));
    w->since_ms = strtoll(text, &rest, 10);
    for (char *word = strtok_r(rest, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *colon = strrchr(word, ':');
        if (colon) {
            (void)left_put(w, (struct str){word, (size_t)(colon - word)}, strtoll(colon + 1, NULL, 10));
        }
    }
}

static void *start(const struct collector *c, struct str position, int64_t now_ms)
{
    struct sweep *w = xcalloc(1, sizeof(*w));
    w->c = c;
    w->ids = xcalloc(PENDING_MAX, sizeof(*w->ids));
    intern_init(&w->read, 0);
    w->since_ms = now_ms - FIRST_MS;
    read_position(w, position);
    w->due_ms = now_ms;
    return w;
}

static void forget_page(struct sweep *w)
{
    for (size_t i = 0; i < w->ids_n; i++) {
        free((char *)w->ids[i].p);
    }
    w->ids_n = 0;
}

static void end(void *state)
{
    struct sweep *w = state;
    forget_page(w);
    intern_fini(&w->read);
    free(w->ids);
    free(w);
}

/* Those that were passed over come first. One that cannot be read for a week is a gap. */
static void begin_with_left(struct sweep *w)
{
    forget_page(w);
    for (size_t i = w->left_n; i-- > 0;) {
        if (w->left[i].since_ms < w->began_ms - BACK_MS) {
            w->gap_from_ms = w->left[i].since_ms;
            w->gap_to_ms = w->began_ms - BACK_MS;
            left_drop(w, &w->left[i]);
        }
    }
    for (size_t i = 0; i < w->left_n; i++) {
        size_t n = strlen(w->left[i].id.bytes);
        w->ids[w->ids_n++] = (struct str){xstrndup(w->left[i].id.bytes, n), n};
    }
    if (w->ids_n) {
        w->here.step = STEP_MESSAGES;
        w->here.page = 0;
    }
}

static void begin(struct sweep *w, int64_t now_ms)
{
    intern_fini(&w->read);
    intern_init(&w->read, 0);
    w->began_ms = now_ms;
    w->walked_n = 0;
    if (w->since_ms < now_ms - BACK_MS) {
        w->gap_from_ms = w->since_ms;
        w->since_ms = w->gap_to_ms = now_ms - BACK_MS;
    }
    w->here = (struct place){.step = STEP_PAGE, .page = 1, .floor_ms = w->since_ms - OVERLAP_MS};
    begin_with_left(w);
}

static bool next(void *state, int64_t now_ms, struct pull_ask *ask, int64_t *due_ms)
{
    struct sweep *w = state;
    const struct collector *c = w->c;
    if (w->here.step == STEP_REST && now_ms < w->due_ms) {
        *due_ms = w->due_ms;
        return false;
    }
    if (w->here.step == STEP_REST) {
        begin(w, now_ms);
    }
    buf_printf(&ask->url, "%.*s/api/v1/accounts/%.*s/conversations", STR_ARG(c->url), STR_ARG(c->account));
    if (w->here.step == STEP_PAGE) {
        buf_printf(&ask->url, "?status=all&assignee_type=all&sort_by=last_activity_at_desc&page=%d", w->here.page);
    } else {
        buf_printf(&ask->url, "/%.*s/messages", STR_ARG(w->ids[w->here.at]));
        if (w->here.before.bytes[0]) {
            buf_printf(&ask->url, "?before=%s", w->here.before.bytes);
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

/* From when on the messages of the conversation that is read, or the pages that are walked, are wanted. */
static int64_t wanted_ms(struct sweep *w)
{
    const struct left *l = w->here.page == 0 ? left_find(w, w->ids[w->here.at]) : NULL;
    return (l ? l->since_ms : w->since_ms) - OVERLAP_MS;
}

static bool is_settled(struct sweep *w, int64_t ts)
{
    return ts >= wanted_ms(w) && ts <= w->began_ms - SETTLE_MS;
}

/* Its survey may have been answered long after it was asked, which changes nothing of when the message was written. */
static bool may_be_rated(const struct sweep *w, const cJSON *message, int64_t ts)
{
    return ts >= w->began_ms - RATED_MS && ts <= w->began_ms - SETTLE_MS && chatwoot_is_survey(message);
}

/* When something was last said there; 0: it does not say. */
static int64_t active_of(const cJSON *conversation)
{
    int64_t ms = peek_ms(conversation, "last_activity_at");
    ms = ms ? ms : peek_ms(conversation, "timestamp");
    return ms ? ms : peek_ms(conversation, "updated_at");
}

/* One conversation of a page. */
static void take_conversation(struct sweep *w, const cJSON *conversation, struct str id, struct turned *out)
{
    if (is_settled(w, peek_ms(conversation, "created_at"))) {
        chatwoot_opened(out, conversation, id);
    }
    if (is_settled(w, peek_ms(conversation, "updated_at"))) {
        chatwoot_ended(out, conversation, id);
    }
    w->ids[w->ids_n++] = (struct str){xstrndup(id.p, id.n), id.n};
}

static void take_page(struct sweep *w, const cJSON *list, struct turned *out)
{
    struct peek_id room;
    const cJSON *conversation = NULL;
    int64_t oldest_ms = 0;
    w->last_page = cJSON_GetArraySize(list) == 0;
    forget_page(w);
    if (w->here.page == 1) {
        w->newest_ms = 0;
    }
    cJSON_ArrayForEach(conversation, list)
    {
        struct str id = peek_id(conversation, "id", &room);
        int64_t active_ms = active_of(conversation);
        if (active_ms && active_ms < w->here.floor_ms) {
            w->last_page = true; /* they come by activity: all that follow are older */
            break;
        }
        if (w->here.page == 1 && active_ms > w->newest_ms) {
            w->newest_ms = active_ms;
        }
        oldest_ms = active_ms;
        if (id.n && w->ids_n < PENDING_MAX && !intern_find(&w->read, id)) {
            take_conversation(w, conversation, id, out);
        }
    }
    if (w->walked_n + 1 >= PAGES_MAX && !w->last_page) {
        w->last_page = true;
        w->gap_from_ms = w->here.floor_ms;
        w->gap_to_ms = oldest_ms;
    }
}

/* True: there may be older ones that this sweep wants; *before names the oldest here. */
static bool take_messages(struct sweep *w, const cJSON *answer, const cJSON *list, struct turned *out,
                          struct peek_id *before)
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
        if (is_settled(w, ts) || may_be_rated(w, message, ts)) {
            chatwoot_asked_message(out, message, w->ids[w->here.at], peek(answer, "meta"));
        }
    }
    snprintf(before->bytes, sizeof(before->bytes), "%.*s", STR_ARG(oldest));
    return n > 0 && oldest.n && oldest_ms >= wanted_ms(w) && strcmp(w->here.before.bytes, before->bytes) != 0;
}

/* Has anything moved to pages that were walked? What one page showed came with one answer. */
static bool may_have_moved(const struct sweep *w)
{
    bool found = w->here.step == STEP_MESSAGES || intern_count(&w->read) > w->here.read_n;
    return w->here.page > 1 && w->walked_n < PAGES_MAX && (found || w->newest_ms > w->here.floor_ms);
}

/* Where to go from the page's conversation `at`, if there is one. */
static void plan(struct sweep *w, size_t at)
{
    w->then = w->here;
    w->then.before.bytes[0] = 0;
    w->then.at = at;
    if (at < w->ids_n) {
        w->then.step = STEP_MESSAGES;
    } else if (w->here.page == 0 || !w->last_page) {
        w->then.step = STEP_PAGE;
        w->then.page++;
    } else if (may_have_moved(w)) {
        bool reads = w->here.step == STEP_MESSAGES;
        w->then = (struct place){.step = STEP_PAGE, .page = 1, .floor_ms = w->newest_ms};
        w->then.read_n = intern_count(&w->read) + reads;
    } else {
        w->then.step = STEP_REST;
    }
}

static void plan_older(struct sweep *w, const struct peek_id *before)
{
    w->then = w->here;
    w->then.before = *before;
}

static void take_list(struct sweep *w, const cJSON *answer, const cJSON *list, struct turned *out)
{
    struct peek_id before;
    if (w->here.step == STEP_PAGE) {
        take_page(w, list, out);
        plan(w, 0);
    } else if (take_messages(w, answer, list, out, &before)) {
        plan_older(w, &before);
    } else {
        plan(w, w->here.at + 1);
    }
}

/* Chatwoot fails over this conversation: is it to be passed over? One that was, and still is, at its first try. */
static bool passes_over(struct sweep *w)
{
    int most = w->here.page == 0 ? 1 : TRIES_MAX;
    w->leaving = ++w->tries >= most && left_put(w, w->ids[w->here.at], w->since_ms);
    return w->leaving;
}

static int take(void *state, const struct fetch_answer *a, struct pull_got *got, struct err *why)
{
    struct sweep *w = state;
    w->leaving = false;
    if (a->status == 404 && w->here.step == STEP_MESSAGES) {
        turned_ignore(got->out, "a conversation that is gone");
        plan(w, w->here.at + 1);
    } else if (a->status >= 500 && w->here.step == STEP_MESSAGES && passes_over(w)) {
        plan(w, w->here.at + 1);
    } else if (a->status != 200) {
        return err_set(why, "Chatwoot", "answered %d%s", a->status,
                       a->status == 401 ? "; is the token of token_file still valid?" : "");
    } else {
        cJSON *answer = json_parse_mended(a->body, why);
        const cJSON *list = payload_of(answer);
        if (!list) {
            cJSON_Delete(answer);
            return err_set(why, "Chatwoot", "the answer has no payload; does url lead to Chatwoot's API?");
        }
        take_list(w, answer, list, got->out);
        if (w->gap_to_ms) {
            got->gap_from_ms = w->gap_from_ms;
            got->gap_to_ms = w->gap_to_ms;
            w->gap_from_ms = w->gap_to_ms = 0;
        }
        cJSON_Delete(answer);
    }
    if (w->then.step == STEP_REST) {
        put_position(&got->position, w);
    }
    if (w->left_n) {
        snprintf(got->trouble, sizeof(got->trouble),
                 "cannot answer for %zu of its conversations, such as %.60s; asked again at each sweep", w->left_n,
                 w->left[w->left_n - 1].id.bytes);
    }
    return 0;
}

static void stored(void *state, int64_t now_ms)
{
    struct sweep *w = state;
    if (w->here.step == STEP_MESSAGES && (w->then.step != STEP_MESSAGES || w->then.at != w->here.at)) {
        intern_put(&w->read, w->ids[w->here.at]);
        if (!w->leaving) {
            left_drop(w, left_find(w, w->ids[w->here.at]));
        }
    }
    w->tries = 0;
    w->walked_n += w->here.step == STEP_PAGE;
    w->here = w->then;
    if (w->here.step == STEP_REST) {
        w->since_ms = w->began_ms - SETTLE_MS;
        w->due_ms = now_ms + w->c->ask_every_s * 1000;
    }
}

const struct puller puller_chatwoot = {.start = start, .end = end, .next = next, .take = take, .stored = stored};
