/* A conversation in and out of the totals: the one place where facts are added and taken out.
 *
 * It keeps true, for every conversation that is `applied`: the totals hold exactly the facts of its first run_n items, its
 * ended episodes as their fcr says, and its tail at applied_at. What is taken out is computed by the same code over the
 * same items as what was put in. */
#include "kefu/state/inside.h"

struct ledger {
    struct site *site;
    int64_t sign;
    uint32_t shop; /* of the conversation, 0: none was named; of those who tell of idle ones */
};

static uint64_t fact_number(const struct fact *f)
{
    return late_mix(late_mix(f->kind, f->ms), f->first * 2 + f->within);
}

static void add_episode(struct site *s, const struct episode *e, int64_t sign)
{
    if (!is_kept_day(s, e->day))
        return;
    totals_episode(cut_totals(s, e->owner, e->day), e, sign);
    if (e->flags & EPISODE_COUNTED)
        late_note(s, e->owner, e->day, late_mix(late_mix(late_mix(e->flags, e->fcr), e->resolve_ms), 2), sign);
    site_mark_dirty(s, e->owner);
}

/* A handled conversation, where its shop is counted. */
static void enter_shop(const struct ledger *l, uint32_t agent, int32_t day)
{
    struct site *s = l->site;
    if (!l->shop || !is_kept_day(s, day))
        return;
    totals_shop(cut_totals(s, agent, day), day, l->shop, l->sign);
    site_mark_dirty(s, agent);
}

static void enter_window(struct site *s, const struct fact *f, int64_t sign)
{
    if (s->rolling)
        window_fact(&s->agents[f->agent].window, f, sign);
}

static void enter_fact(void *arg, const struct fact *f)
{
    const struct ledger *l = arg;
    if (!is_kept_day(l->site, f->day))
        return;
    totals_fact(cut_totals(l->site, f->agent, f->day), f, l->sign);
    late_note(l->site, f->agent, f->day, fact_number(f), l->sign);
    if (f->kind == FACT_IDLE)
        enter_shop(l, f->agent, f->day);
    enter_window(l->site, f, l->sign);
    site_mark_dirty(l->site, f->agent);
}

static void enter_tail(struct site *s, const struct conversation *c, int64_t sign)
{
    struct ledger l = {.site = s, .sign = sign, .shop = c->machine.shop};
    machine_tail(&c->machine, &s->calendar, c->applied_at, &(struct sink){.fact = enter_fact, .arg = &l});
}

/* An ended episode with its rating, its first contact as e->fcr says. */
static void enter_episode(struct ledger *l, const struct episode *e)
{
    if (e->flags & EPISODE_COUNTED) {
        add_episode(l->site, e, l->sign);
        enter_shop(l, e->owner, e->day);
    }
    if (e->rated.day == INT32_MIN)
        return;
    struct fact f = rating_fact(&e->rated, e->credit, WHY_OWNER);
    enter_fact(l, &f);
}

static int64_t running_first(const struct machine *m)
{
    return m->running.open ? m->running.first_customer_at : NEVER;
}

/* First customer message of the next episode of the same conversation that has one; INT64_MAX: none. */
static int64_t own_repeat(const struct machine *m, uint32_t k)
{
    for (uint32_t j = k + 1; j < m->asked; j++)
        if (m->episodes[j].first_customer_at != NEVER)
            return m->episodes[j].first_customer_at;
    return running_first(m) != NEVER ? running_first(m) : INT64_MAX;
}

static int64_t window_end(struct site *s, const struct episode *e)
{
    return e->resolved_at + calendar_rulebook(&s->calendar, e->ended_at)->fcr_window_ms;
}

static enum fcr fcr_of(struct site *s, uint32_t number, uint32_t k)
{
    const struct conversation *c = conversation_at(s, number);
    const struct episode *e = &c->machine.episodes[k];
    if (!(e->flags & EPISODE_RESOLVED))
        return FCR_NONE;
    int64_t end = window_end(s, e);
    if (own_repeat(&c->machine, k) < end)
        return FCR_FAIL;
    group_warm(s, c->group, e->resolved_at);
    struct repeat_question q = {.from = e->resolved_at, .to = end, .conversation = number, .topic = c->topic};
    if (c->group != GROUP_NONE && group_repeats(&s->groups.list[c->group], &q))
        return FCR_FAIL;
    return s->as_of < end ? FCR_PENDING : FCR_PASS;
}

/* The episode whose first contact may be pending; NULL: none. Earlier ones cannot be: the next one asked in is their repeat,
 * or came after their window. */
static const struct episode *pending(const struct machine *m)
{
    const struct episode *e = m->asked ? &m->episodes[m->asked - 1] : NULL;
    return e && e->fcr == FCR_PENDING ? e : NULL;
}

/* The time of the next event to be run; INT64_MAX: all have been. */
static int64_t next_ts(const struct conversation *c)
{
    struct list_cursor cursor;
    struct item i = {0};
    uint32_t k = 0;
    if (c->run_n == c->list.n)
        return INT64_MAX;
    list_first(&cursor, &c->list);
    while (k <= c->run_n && list_next(&cursor, &i))
        k++;
    return i.ts;
}

void conversation_set_due(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    const struct machine *m = &c->machine;
    int64_t due = machine_due(m, &s->calendar, c->applied_at); /* it may have passed since, and is to be seen then */
    const struct episode *e = pending(m);
    int64_t end = e ? window_end(s, e) : INT64_MAX;
    due = end < due ? end : due;
    int64_t next = next_ts(c);
    due = next < due ? next : due;
    int64_t quiet = agent_now_quiet_at(s, c);
    due = quiet < due ? quiet : due;
    site_set_due(s, &c->timer, ref_of(SUBJECT_CONVERSATION, number), due);
}

static void recheck(struct site *s, uint32_t number, uint32_t k)
{
    struct episode *e = &conversation_at(s, number)->machine.episodes[k];
    enum fcr now = fcr_of(s, number, k);
    if (now == (enum fcr)e->fcr)
        return;
    site_touch(s, ref_of(SUBJECT_CONVERSATION, number));
    uint32_t moving = s->late.ref;
    s->late.ref = ref_of(SUBJECT_CONVERSATION, number);
    add_episode(s, e, -1);
    e->fcr = (uint8_t)now;
    add_episode(s, e, 1);
    s->late.ref = moving;
    if (now == FCR_PENDING) /* what made it fail was taken back: its window's end is to be waited for again */
        conversation_set_due(s, number);
}

/* Endings of other conversations of the group that may hang on the contact x, which was put there or taken out. */
static void recheck_around(struct site *s, uint32_t group, struct contact x)
{
    if (group == GROUP_NONE)
        return;
    group_warm(s, group, x.at - s->calendar.fcr_window_max_ms);
    const struct group *g = &s->groups.list[group];
    int64_t from = group_settled(g, x, x.at - s->calendar.fcr_window_max_ms) + 1;
    for (uint32_t k = contacts_from(&g->endings, from); k < g->endings.n && g->endings.list[k].at <= x.at; k++) {
        const struct contact *e = &g->endings.list[k];
        if (e->conversation != x.conversation && topics_agree(conversation_at(s, e->conversation)->topic, x.what))
            recheck(s, e->conversation, e->what);
    }
}

/* The first customer message of the episode *k, or of the next one that has any; moves *k behind it. INT64_MAX: none. */
static int64_t next_first(const struct machine *m, uint32_t *k)
{
    while (*k <= m->episodes_n) {
        int64_t first = *k < m->episodes_n ? m->episodes[*k].first_customer_at : running_first(m);
        (*k)++;
        if (first != NEVER)
            return first;
    }
    return INT64_MAX;
}

/* Puts the contacts and endings of a conversation into its group, or takes them out. */
static void enter_contacts(struct site *s, uint32_t number, void (*enter)(struct contacts *, struct contact))
{
    const struct conversation *c = conversation_at(s, number);
    const struct machine *m = &c->machine;
    if (c->group == GROUP_NONE)
        return;
    struct group *g = &s->groups.list[c->group];
    for (uint32_t k = 0; k < m->episodes_n; k++)
        if (m->episodes[k].flags & EPISODE_RESOLVED)
            enter(&g->endings, (struct contact){m->episodes[k].resolved_at, number, k});
    uint32_t k = 0;
    for (int64_t first = next_first(m, &k); first != INT64_MAX; first = next_first(m, &k))
        enter(&g->firsts, (struct contact){first, number, c->topic});
}

struct standing { /* how a conversation stood in its group */
    struct machine machine;
    uint32_t group, topic;
};

/* Rechecks others around each contact that the conversation had before and has no more, or has now and had not. */
static void recheck_others(struct site *s, uint32_t number, const struct standing *before)
{
    const struct conversation *c = conversation_at(s, number);
    bool same = before->group == c->group && before->topic == c->topic;
    uint32_t i = 0;
    uint32_t k = 0;
    int64_t old = next_first(&before->machine, &i);
    int64_t new = next_first(&c->machine, &k);
    while (old != INT64_MAX || new != INT64_MAX) {
        bool take_old = old <= new;
        bool take_new = new < old || (same && new == old);
        if (!take_new)
            recheck_around(s, before->group, (struct contact){old, number, before->topic});
        if (!take_old)
            recheck_around(s, c->group, (struct contact){new, number, c->topic});
        old = take_old ? next_first(&before->machine, &i) : old;
        new = take_new ? next_first(&c->machine, &k) : new;
    }
}

void conversation_tell(struct site *s, const struct conversation *c, const struct listener *to)
{
    struct run how = {.names = &s->names, .calendar = &s->calendar, .scratch = &s->scratch, .sink = &to->sink};
    struct machine again = {0};
    /* Until its deadline the tail says the same of figures at any instant; how long an open turn lasts is told as of now. */
    bool now = to->sink.turns && s->as_of < c->timer.due_ms;
    machine_tail(&c->machine, &s->calendar, now ? s->as_of : c->applied_at, &to->sink);
    for (uint32_t k = 0; k < c->machine.episodes_n; k++)
        to->episode(to->sink.arg, &c->machine.episodes[k]);
    conversation_run(&again, &c->list, c->run_n, INT64_MAX, &how);
    machine_fini(&again);
}

static void take_out_episode(void *arg, const struct episode *e)
{
    enter_episode(arg, e);
}

static void take_out(struct site *s, uint32_t number)
{
    const struct conversation *c = conversation_at(s, number);
    struct ledger l = {.site = s, .sign = -1, .shop = c->machine.shop};
    agent_now_leave(s, number);
    conversation_tell(s, c, &(struct listener){.sink = {.fact = enter_fact, .arg = &l}, .episode = take_out_episode});
}

static void put_in(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    struct ledger l = {.site = s, .sign = 1, .shop = c->machine.shop};
    for (uint32_t k = 0; k < c->machine.episodes_n; k++) {
        c->machine.episodes[k].fcr = (uint8_t)fcr_of(s, number, k);
        enter_episode(&l, &c->machine.episodes[k]);
    }
    c->applied = true;
    c->applied_at = s->as_of;
    enter_tail(s, c, 1);
    agent_now_join(s, number);
    conversation_set_due(s, number);
}

static void take_names(struct site *s, struct conversation *c)
{
    c->topic = c->machine.topic;
    c->group = groups_take(&s->groups, c->machine.shop, c->machine.customer);
}

void conversation_settle(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    site_touch(s, ref_of(SUBJECT_CONVERSATION, number));
    s->late.ref = ref_of(SUBJECT_CONVERSATION, number);
    if (c->applied) {
        take_out(s, number);
        enter_contacts(s, number, contacts_take);
    }
    struct standing before = {.machine = c->machine, .group = c->group, .topic = c->topic};
    c->machine = (struct machine){0};
    list_sort(&c->list, &s->names, &s->scratch);
    struct ledger l = {.site = s, .sign = 1};
    struct sink sink = {.fact = enter_fact, .arg = &l};
    struct run how = {.names = &s->names, .calendar = &s->calendar, .scratch = &s->scratch, .sink = &sink};
    c->run_n = conversation_run(&c->machine, &c->list, c->list.n, s->as_of, &how);
    take_names(s, c);
    enter_contacts(s, number, contacts_put);
    put_in(s, number);
    recheck_others(s, number, &before);
    groups_give_back(&s->groups, before.group);
    machine_fini(&before.machine);
    arena_reset(&s->scratch);
}

/* The item was the first customer message of an episode. */
static void first_contact(struct site *s, uint32_t number, int64_t at)
{
    const struct conversation *c = conversation_at(s, number);
    if (c->group != GROUP_NONE)
        contacts_put(&s->groups.list[c->group].firsts, (struct contact){at, number, c->topic});
    if (c->machine.asked)
        recheck(s, number, c->machine.asked - 1);
    recheck_around(s, c->group, (struct contact){at, number, c->topic});
}

/* The item ended an episode. */
static void ended(struct site *s, uint32_t number)
{
    const struct conversation *c = conversation_at(s, number);
    uint32_t k = c->machine.episodes_n - 1;
    struct episode *e = &c->machine.episodes[k];
    if (c->group != GROUP_NONE && e->flags & EPISODE_RESOLVED)
        contacts_put(&s->groups.list[c->group].endings, (struct contact){e->resolved_at, number, k});
    e->fcr = (uint8_t)fcr_of(s, number, k);
    enter_episode(&(struct ledger){.site = s, .sign = 1, .shop = c->machine.shop}, e);
}

/* The step itself: facts that stay go into the totals, a rating moves from one state of its episode to the next. */
static void step(struct site *s, struct conversation *c, const struct item *i)
{
    struct machine *m = &c->machine;
    int64_t rated = i->type == EVENT_RATING ? machine_rating_episode(m) : -1;
    struct ledger l = {.site = s, .sign = -1, .shop = m->shop};
    if (rated >= 0)
        enter_episode(&l, &m->episodes[rated]);
    l.sign = 1;
    machine_step(m, i, &s->calendar, &(struct sink){.fact = enter_fact, .arg = &l});
    c->run_n++;
    if (rated >= 0)
        enter_episode(&l, &m->episodes[rated]);
}

/* The first one named, by any event: what was handled before counts for it, too. */
static void take_shop(struct site *s, struct conversation *c, uint32_t shop)
{
    struct ledger l = {.site = s, .sign = 1, .shop = shop};
    struct machine *m = &c->machine;
    m->shop = shop;
    for (uint32_t k = 0; k < m->episodes_n; k++)
        if (m->episodes[k].flags & EPISODE_COUNTED)
            enter_shop(&l, m->episodes[k].owner, m->episodes[k].day);
}

/* Names that come after the first contact change which conversations are repeats of which: then it is run again. */
static void take_group(struct site *s, uint32_t number, bool fresh)
{
    struct conversation *c = conversation_at(s, number);
    if (!fresh) {
        site_mark_pending(s, ref_of(SUBJECT_CONVERSATION, number));
        return;
    }
    groups_give_back(&s->groups, c->group);
    take_names(s, c);
}

/* A first contact whose window has ended by now has passed. */
static void recheck_pending(struct site *s, uint32_t number)
{
    const struct machine *m = &conversation_at(s, number)->machine;
    if (pending(m))
        recheck(s, number, m->asked - 1);
}

void conversation_go_on(struct site *s, uint32_t number, const struct item *i)
{
    struct conversation *c = conversation_at(s, number);
    struct machine *m = &c->machine;
    uint32_t names[3] = {m->customer, m->shop, m->topic};
    struct part before = c->applied ? part_of(c) : (struct part){0};
    int64_t first_before = running_first(m);
    uint32_t n_before = m->episodes_n;
    s->late.ref = ref_of(SUBJECT_CONVERSATION, number);
    if (c->applied) {
        enter_tail(s, c, -1);
        if (c->timer.due_ms <= s->as_of)
            recheck_pending(s, number); /* conversation_set_due below looks ahead only */
    }
    if (!m->shop && i->num[EVENT_SHOP])
        take_shop(s, c, i->num[EVENT_SHOP]);
    step(s, c, i);
    if (names[0] != m->customer || names[1] != m->shop || names[2] != m->topic)
        take_group(s, number, first_before == NEVER && n_before == 0);
    if (m->episodes_n > n_before)
        ended(s, number);
    if (running_first(m) != NEVER && running_first(m) != first_before)
        first_contact(s, number, i->ts);
    c->applied = true;
    c->applied_at = s->as_of;
    enter_tail(s, c, 1);
    agent_now_move(s, number, &before);
    conversation_set_due(s, number);
}

void conversation_refresh(struct site *s, uint32_t number)
{
    struct conversation *c = conversation_at(s, number);
    struct part before = part_of(c);
    site_touch(s, ref_of(SUBJECT_CONVERSATION, number));
    s->late.ref = ref_of(SUBJECT_CONVERSATION, number);
    enter_tail(s, c, -1);
    recheck_pending(s, number);
    c->applied_at = s->as_of;
    enter_tail(s, c, 1);
    agent_now_move(s, number, &before);
    conversation_set_due(s, number);
}

/* Of one that was frozen or leaves memory the totals hold what it gave; the windows hold what is in memory alone. */
static void window_only(void *arg, const struct fact *f)
{
    const struct ledger *l = arg;
    enter_window(l->site, f, l->sign);
}

static void enter_window_rest(struct site *s, const struct conversation *c, int64_t sign)
{
    struct ledger l = {.site = s, .sign = sign};
    struct sink sink = {.fact = window_only, .arg = &l};
    if (!s->rolling)
        return;
    machine_tail(&c->machine, &s->calendar, c->applied_at, &sink);
    for (uint32_t k = 0; k < c->machine.episodes_n; k++) {
        const struct rated *r = &c->machine.episodes[k].rated;
        uint32_t agent = r->agent ? r->agent : c->machine.episodes[k].credit;
        if (r->day != INT32_MIN)
            window_only(&l, &(struct fact){.kind = FACT_RATING, .agent = agent, .day = r->day, .ms = r->milli});
    }
}

int conversation_restore(struct site *s, uint32_t number, struct restored *r)
{
    struct conversation *c = conversation_at(s, number);
    struct ledger l = {.site = s, .sign = 1};
    struct sink sink = {.fact = window_only, .arg = &l};
    struct run how = {.names = &s->names, .calendar = &s->calendar, .scratch = &s->cold.scratch, .sink = &sink};
    c->run_n = conversation_run(&c->machine, &c->list, r->run_n, INT64_MAX, &how);
    arena_reset(&s->cold.scratch);
    struct str fcr = cursor_bytes(&r->fcr, c->machine.episodes_n);
    if (r->fcr.bad || c->run_n != r->run_n)
        return -1;
    for (uint32_t k = 0; k < c->machine.episodes_n; k++)
        c->machine.episodes[k].fcr = (uint8_t)fcr.p[k];
    take_names(s, c);
    enter_contacts(s, number, contacts_put);
    c->applied = true;
    c->applied_at = r->applied_at;
    enter_window_rest(s, c, 1);
    agent_now_join(s, number);
    conversation_set_due(s, number);
    return 0;
}

/* Would a deadline still come if one were to? A site that is open no more has none, until a rulebook opens it again; then
 * what is in memory gets its deadlines anew (site_rulebooks_changed). */
static bool has_deadlines(const struct site *s)
{
    struct calendar c = s->calendar; /* its own memory of the day asked last */
    int64_t need_ms = 0;
    for (size_t i = 0; i < c.rulebooks->n; i++) {
        const struct rulebook *r = c.rulebooks->list[i];
        need_ms = r->abandon_after_ms > need_ms ? r->abandon_after_ms : need_ms;
        need_ms = r->response_target_ms > need_ms ? r->response_target_ms : need_ms;
    }
    return calendar_after(&c, s->as_of, need_ms) != INT64_MAX;
}

bool conversation_rests(const struct site *s, uint32_t number)
{
    const struct conversation *c = conversation_at(s, number);
    return c->applied && !c->pending && c->run_n == c->list.n && c->timer.due_ms == INT64_MAX &&
           (!c->machine.running.open || (c->quiet && has_deadlines(s)));
}

/* What it gave the windows goes with it, so that it may give it again when it comes back. */
static void leave_windows(struct site *s, const struct conversation *c)
{
    struct ledger l = {.site = s, .sign = -1};
    struct sink sink = {.fact = window_only, .arg = &l};
    struct run how = {.names = &s->names, .calendar = &s->calendar, .scratch = &s->cold.scratch, .sink = &sink};
    struct machine again = {0};
    if (!s->rolling)
        return;
    conversation_run(&again, &c->list, c->run_n, INT64_MAX, &how);
    machine_fini(&again);
    arena_reset(&s->cold.scratch);
    enter_window_rest(s, c, -1);
}

void conversation_leave(struct site *s, uint32_t number)
{
    const struct conversation *c = conversation_at(s, number);
    leave_windows(s, c);
    enter_contacts(s, number, contacts_take);
    if (c->group != GROUP_NONE)
        s->groups.list[c->group].warm_from = INT64_MAX;
    groups_give_back(&s->groups, c->group);
}
