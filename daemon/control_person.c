/* Erasing a person over the control socket: what stands against it, the act, and how far it is.
 *
 * Keeps true: nobody is erased whose pay is still to be reckoned. The act is an event, with its task in the same transaction;
 * then the daemon starts anew, and the start does the work (daemon/erase.h). */
#include "kefu/daemon/control_ops.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/mem.h"
#include "kefu/daemon/daemon.h"
#include "kefu/daemon/erase.h"
#include "kefu/daemon/reload.h"
#include "kefu/store/rows.h"

#define WAGES_MONTHS 24 /* for which an employer has to keep records of wages */

struct asked {
    struct daemon *d;
    struct control_conn *conn; /* NULL: who asked has gone */
    struct arena arena;
    struct memory_row row;
    struct book_work work;
};

/* --- what stands against it --------------------------------------------------------------------------------------- */

static int check_employed(const struct daemon *d, const struct agent_now *now, struct err *e)
{
    int32_t left, today = tz_day(d->settings->tz, site_as_of(d->site));
    if (now->left_on.n == 0 || civil_parse_day(now->left_on, &left) < 0 || left >= today)
        return err_set(e, "agent",
                       "is employed still, and is paid by these figures; send left_on in an agent.profile first");
    return 0;
}

static int check_month(const struct daemon *d, int32_t month, bool early, struct err *e)
{
    char text[16];
    const struct book_entry *closing = months_closing(d->months, month);
    civil_print_month(text, sizeof(text), month);
    if (!closing)
        return err_set(e, text, "is not closed, and has figures of this agent: the pay needs the name; close it first");
    int32_t kept = civil_month(tz_day(d->settings->tz, closing->at_ms)) + WAGES_MONTHS;
    if (!early && kept >= civil_month(tz_day(d->settings->tz, site_as_of(d->site))))
        return err_set(
            e, text,
            "was closed less than two years ago, for which records of wages are to be kept with the name; if they are "
            "kept elsewhere (exports, slips), say --early and why");
    return 0;
}

static int check_token(const struct daemon *d, struct str id, struct err *e)
{
    for (size_t i = 0; i < d->settings->tokens.n; i++)
        if (str_eq(d->settings->tokens.list[i].subject, id))
            return err_set(e, "token", "\"%.*s\" lets this person in; take it back first: kefuctl token revoke",
                           STR_ARG(d->settings->tokens.list[i].id));
    return 0;
}

static int check_agent(const struct daemon *d, struct erase_task *t, bool early, struct err *e)
{
    struct agent_now now;
    size_t n;
    uint32_t agent = site_agent_find(d->site, t->id);
    if (!agent)
        return err_set(e, "agent", "there is no agent \"%.*s\" in any event", STR_ARG(t->id));
    site_agent_now(d->site, agent, &now);
    t->name = now.name;
    t->employee_no = now.employee_no;
    if (check_employed(d, &now, e) < 0 || check_token(d, t->id, e) < 0)
        return -1;
    const struct totals *all = site_totals(d->site, agent, PERIOD_MONTH, &n);
    for (size_t i = n; i-- > 0;)
        if (figures_any(&all[i].figures) && check_month(d, all[i].period, early, e) < 0)
            return -1;
    return 0;
}

static int check_customer(const struct daemon *d, const struct erase_task *t, struct err *e)
{
    uint8_t hash[DIGEST_KEYED_BYTES];
    digest_keyed(hash, d->customer_key, t->id);
    if (site_customer_is_here(d->site, (struct str){(const char *)hash, sizeof(hash)}))
        return err_set(e, "customer", "a conversation of this customer is open; end it first");
    return 0;
}

static int read_task(struct control_call *c, struct erase_task *t, struct err *e)
{
    struct str kind;
    bool early = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(c->request, "early"));
    *t = (struct erase_task){.stage = ERASE_ASKED};
    if (control_text(c->request, "kind", &kind, e) < 0 || control_text(c->request, "id", &t->id, e) < 0 ||
        control_text(c->request, "person", &t->person, e) < 0 || control_text(c->request, "actor", &t->actor, e) < 0 ||
        control_text(c->request, "reason", &t->reason, e) < 0)
        return -1;
    t->customer = str_eq(kind, STR_LIT("customer"));
    if (!t->customer && !str_eq(kind, STR_LIT("agent")))
        return err_set(e, "kind", "expected agent or customer");
    if (t->id.n < 1 || t->id.n > 128 || t->actor.n < 1 || t->actor.n > 128 || t->reason.n > 512)
        return err_set(e, "", "expected an id and an actor of 1 to 128 bytes, and a reason of at most 512");
    if (t->person.n != 19 || memcmp(t->person.p, "erased-", 7) != 0)
        return err_set(e, "person", "expected a pseudonym: erased- and 12 digits");
    if (early && t->reason.n == 0)
        return err_set(e, "reason", "erasing early needs a reason");
    return t->customer ? check_customer(c->d, t, e) : check_agent(c->d, t, early, e);
}

/* --- the act ------------------------------------------------------------------------------------------------------ */

static void asked_free(struct asked *a)
{
    arena_fini(&a->arena);
    free(a);
}

static void on_done(struct batch *b)
{
    struct asked *a = b->owner;
    bool durable = b->result == BATCH_STORED && b->verdicts[0] == VERDICT_ACCEPTED;
    a->d->not_erased = (struct err){0}; /* that was another start's */
    if (a->conn)
        control_finish(a->conn, durable ? STR_LIT(", \"done\": true") : STR_LIT(", \"done\": false"));
    if (durable)
        daemon_start_anew(a->d);
    asked_free(a);
    batch_free(b);
}

static void on_gone(void *arg)
{
    ((struct asked *)arg)->conn = NULL;
}

static void put_event(struct batch *b, const struct erase_task *t)
{
    struct event *to = batch_add_event(b);
    struct event event = {
        .type = EVENT_PERSON_ERASED, .ts = t->at_ms, .source = STR_LIT("kefud"), .id = t->person, .subject = t->person};
    event.strs[EVENT_ACTOR] = t->actor;
    event.strs[EVENT_REASON] = t->reason;
    *to = event_copy(&event, &b->arena);
    b->inputs_n = 1;
}

/* The daemon that is to do it begins with the files as they are now. One that could not begin would end the process. */
static int check_files(struct daemon *d, struct err *e)
{
    struct err why;
    if (reload(d, &why) == 0)
        return 0;
    return err_set(e, why.where,
                   "kefud would start anew with its files as they are now, and refuses them; mend this first: %s",
                   why.what);
}

enum control_outcome control_person_erase(struct control_call *c, struct err *e)
{
    struct ingest *in = pipeline_ingest(c->d->pipeline);
    struct erase_task t;
    if (read_task(c, &t, e) < 0 || check_files(c->d, e) < 0)
        return CONTROL_REFUSED;
    struct asked *a = xcalloc(1, sizeof(*a));
    struct batch *b = batch_new(STR_LIT("act"), on_done, a);
    t.at_ms = in->now_ms(in);
    *a = (struct asked){.d = c->d, .conn = c->conn};
    a->row = erase_row(&t, &a->arena);
    a->work = (struct book_work){.late = &a->row, .late_n = 1};
    put_event(b, &t);
    b->book = &a->work;
    if (in->submit(in, b) < 0) {
        asked_free(a);
        batch_free(b);
        return (enum control_outcome)err_set(e, "", "the queue is full; nothing was done, ask again");
    }
    control_wait(c->conn, on_gone, a);
    return CONTROL_LATER;
}

/* --- how far it is ------------------------------------------------------------------------------------------------ */

static void put_task(void *arg, const struct memory_row *row)
{
    static const char *const words[] = {"", "asked", "tidy", "redis", "done"};
    const struct control_call *c = arg;
    const struct err *why = &c->d->not_erased;
    struct buf *out = c->out;
    struct erase_task t;
    if (erase_read(row, &t) < 0)
        return;
    buf_put_str(out, out->n && out->p[out->n - 1] == '}' ? STR_LIT(", {\"person\": ") : STR_LIT("{\"person\": "));
    buf_put_json(out, t.person);
    buf_printf(out, ", \"kind\": \"%s\", \"stage\": \"%s\", \"at\": %" PRId64 ", \"rows\": %" PRId64 ", \"actor\": ",
               t.customer ? "customer" : "agent", words[t.stage > ERASE_DONE ? 0 : t.stage], t.at_ms, t.rows_n);
    buf_put_json(out, t.actor);
    if (why->what[0] && t.stage <= ERASE_TIDY) {
        buf_put_str(out, STR_LIT(", \"why\": "));
        buf_put_json(out, str_of(why->what));
    }
    buf_put_byte(out, '}');
}

enum control_outcome control_person_list(struct control_call *c, struct err *e)
{
    buf_put_str(c->out, STR_LIT(", \"persons\": ["));
    if (rows_each_memory(months_db(c->d->months), put_task, c, e) < 0)
        return CONTROL_REFUSED;
    buf_put_byte(c->out, ']');
    return CONTROL_ANSWERED;
}

/* --- and Redis ---------------------------------------------------------------------------------------------------- */

struct ending {
    struct commit commit; /* first: it comes back as this */
    struct arena arena;
    struct memory_row *rows; /* owned */
    size_t n, cap;
};

static void end_task(void *arg, const struct memory_row *row)
{
    struct ending *x = arg;
    struct erase_task t;
    if (erase_read(row, &t) < 0 || t.stage != ERASE_REDIS)
        return;
    t.stage = ERASE_DONE;
    xgrow(&x->rows, &x->cap, x->n + 1, sizeof(*x->rows));
    x->rows[x->n++] = erase_row(&t, &x->arena);
}

static void ending_free(struct commit *c)
{
    struct ending *x = (struct ending *)c;
    arena_fini(&x->arena);
    free(x->rows);
    free(x);
}

void person_cleaned(void *arg)
{
    struct daemon *d = arg;
    struct err e;
    struct ending *x = xcalloc(1, sizeof(*x));
    (void)rows_each_memory(months_db(d->months), end_task, x,
                           &e); /* what cannot be read is done again at the next start */
    x->commit = (struct commit){.memory = x->rows, .memory_n = x->n, .back = ending_free, .owner = x};
    if (x->n == 0 || pipeline_commit(d->pipeline, &x->commit) < 0)
        ending_free(&x->commit);
}
