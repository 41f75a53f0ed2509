/* A sender a channel.
 *
 * It keeps true: the senders stand in the order of the list in force. It refuses no notice: one that no channel is meant by counts as
 * gone, so that nothing stays in the outbox for ever. */
#include "kefu/daemon/hub.h"

#include <stdlib.h>
#include <string.h>

#include "kefu/base/log.h"
#include "kefu/base/mem.h"

#define FULL_AGAIN_MS 600000 /* between two messages of one full disk */
#define WELL_AFTER_MS 60000  /* so long there must be room before it is said */

struct hub {
    struct hub_options o;
    struct fetch *fetch; /* NULL: no channels */
    struct sender *senders[CHANNELS_MAX];
    size_t n;
    bool told_full;
    int64_t told_mono_ms, full_mono_ms; /* when it was said; when it was full last */
};

static void on_sent(void *arg, uint64_t number)
{
    struct hub *h = arg;
    h->o.sent(h->o.arg, number);
}

static void on_wake(void *arg)
{
    (void)arg; /* the loop turns after every event */
}

static struct sender *add_sender(struct hub *h, const struct channel *c)
{
    return sender_new(&(struct sender_options){
        .fetch = h->fetch, .channel = c, .sent = on_sent, .wake = on_wake, .arg = h, .seed = h->o.seed++});
}

struct hub *hub_new(const struct hub_options *o, struct err *e)
{
    struct hub *h = xcalloc(1, sizeof(*h));
    h->o = *o;
    if (hub_prepare(h, o->channels, e) < 0) {
        free(h);
        return NULL;
    }
    for (; h->n < o->channels->n; h->n++) {
        h->senders[h->n] = add_sender(h, &o->channels->list[h->n]);
    }
    return h;
}

int hub_prepare(struct hub *h, const struct channels *fresh, struct err *e)
{
    if (fresh->n && !h->fetch) {
        h->fetch = fetch_new(h->o.base, e);
    }
    return fresh->n && !h->fetch ? -1 : 0;
}

static void log_change(const struct channel *c, const char *change, size_t dropped_n)
{
    log_line(LOG_LEVEL_NOTE, "channel", "channel=%.*s change=%s dropped=%zu", STR_ARG(c->name), change, dropped_n);
}

/* The sender of the channel that has this name now, to be taken over; NULL: it is a new one. */
static struct sender *take_sender(struct hub *h, const struct channel *fresh)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct channel *was = &h->o.channels->list[i];
        struct sender *s = h->senders[i];
        if (s && str_eq(was->name, fresh->name)) {
            if (!channel_is_same(was, fresh)) {
                log_change(fresh, "changed", 0);
            }
            sender_adopt(s, fresh);
            h->senders[i] = NULL;
            return s;
        }
    }
    log_change(fresh, "added", 0);
    return add_sender(h, fresh);
}

static void drop_those_left(struct hub *h)
{
    for (size_t i = 0; i < h->n; i++) {
        if (h->senders[i]) {
            log_change(&h->o.channels->list[i], "removed", sender_give_up(h->senders[i]));
            sender_free(h->senders[i]);
        }
    }
}

void hub_adopt(struct hub *h, struct channels *fresh)
{
    struct sender *senders[CHANNELS_MAX];
    for (size_t i = 0; i < fresh->n; i++) {
        senders[i] = take_sender(h, &fresh->list[i]);
    }
    drop_those_left(h);
    struct channels was = *h->o.channels;
    *h->o.channels = *fresh;
    *fresh = was;
    h->n = h->o.channels->n;
    memcpy(h->senders, senders, h->n * sizeof(struct sender *));
}

void hub_free(struct hub *h)
{
    if (!h) {
        return;
    }
    for (size_t i = 0; i < h->n; i++) {
        sender_free(h->senders[i]);
    }
    fetch_free(h->fetch);
    free(h);
}

void hub_effect(struct hub *h, const struct effect *notice)
{
    for (size_t i = 0; i < h->n; i++) {
        if (str_eq(h->o.channels->list[i].stream, notice->stream)) {
            sender_add(h->senders[i], notice);
            return;
        }
    }
    log_line(LOG_LEVEL_NOTE, "notice_dropped", "stream=%.*s number=%llu why=\"there is no such channel any more\"",
             STR_ARG(notice->stream), (unsigned long long)notice->number);
    h->o.sent(h->o.arg, notice->number);
}

static void tell_ops(struct hub *h, struct str zh, struct str en, struct str text_zh, struct str text_en)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct channel *c = &h->o.channels->list[i];
        if (c->hears & (HEARS_OPS | HEARS_LEAD)) {
            sender_urgent(h->senders[i], c->english ? en : zh, c->english ? text_en : text_zh);
        }
    }
}

static void watch_disk(struct hub *h, bool full, int64_t mono_ms)
{
    if (full) {
        h->full_mono_ms = mono_ms;
        if (h->told_full && mono_ms < h->told_mono_ms + FULL_AGAIN_MS) {
            return;
        }
        h->told_full = true;
        h->told_mono_ms = mono_ms;
        tell_ops(h, STR_LIT("【严重】kefud 磁盘已满"), STR_LIT("[critical] kefud's disk is full"),
                 STR_LIT("无法保存新消息,数据源会收到 503 并重试。请清理磁盘。"),
                 STR_LIT("Nothing new can be kept; sources are answered 503 and try again. Make room on the disk."));
    } else if (h->told_full && mono_ms >= h->full_mono_ms + WELL_AFTER_MS) {
        h->told_full = false;
        tell_ops(h, STR_LIT("【严重】kefud 磁盘已满 · 已解除"), STR_LIT("[critical] kefud's disk is full · resolved"),
                 STR_LIT("磁盘已有空间,恢复正常。"), STR_LIT("There is room again; all goes on."));
    }
}

int64_t hub_turn(struct hub *h, bool full)
{
    struct sender_now now = {clock_wall_ms(&h->o.clock), clock_mono_ms(&h->o.clock)};
    int64_t wait_ms = h->told_full ? WELL_AFTER_MS : INT64_MAX;
    watch_disk(h, full, now.mono_ms);
    for (size_t i = 0; i < h->n; i++) {
        int64_t sender_ms = sender_turn(h->senders[i], &now);
        wait_ms = sender_ms < wait_ms ? sender_ms : wait_ms;
    }
    return wait_ms;
}

void hub_own(const struct hub *h, struct alerts_own *own)
{
    int64_t mono_ms = clock_mono_ms(&h->o.clock);
    for (size_t i = 0; i < h->n; i++) {
        own->stuck_ms[i] = sender_stuck_ms(h->senders[i], mono_ms);
    }
}

int hub_test(struct hub *h, struct str name, void (*told)(void *arg, const struct robot_answer *a, const char *why),
             void *arg, struct err *e)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct channel *c = &h->o.channels->list[i];
        if (str_eq(c->name, name)) {
            struct str title = c->english ? STR_LIT("kefud: a test") : STR_LIT("kefud 测试消息");
            struct str text = c->english ? STR_LIT("This channel works.") : STR_LIT("此通知渠道工作正常。");
            sender_test(h->senders[i], &(struct sender_test){title, text, told, arg});
            return 0;
        }
    }
    return err_set(e, "channel", "found \"%.*s\", which channels_file does not list", STR_ARG(name));
}

void hub_forget_test(struct hub *h, const void *arg)
{
    for (size_t i = 0; i < h->n; i++) {
        sender_forget_test(h->senders[i], arg);
    }
}

size_t hub_waiting_n(const struct hub *h, size_t channel)
{
    return channel < h->n ? sender_waiting_n(h->senders[channel]) : 0;
}

struct sender_counts hub_counts(const struct hub *h, size_t channel)
{
    return sender_counts(h->senders[channel]);
}
