/* Reasons in words. A text has %a where the time that passed goes and %b where the limit goes; a test holds every reason that the
 * state can give to have its words. */
#include "kefu/daemon/show_why.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kefu/base/tz.h"
#include "kefu/daemon/show.h"

struct words {
    const char *code, *zh, *en;
};

static const struct words turn_words[] = {
    {"answered_in_time", "%a内回复，未超过 %b", "answered in %a, within the target of %b"},
    {"answered_late", "%a才回复，超过 %b", "answered in %a, over the target of %b"},
    {"held_past_target", "持有 %a未回复，达到 %b的时限；之后由他人处理",
     "held for %a without an answer, past the target of %b; then another had it"},
    {"resolved_unanswered", "持有 %a未回复，会话即被结束", "held for %a without an answer when it was resolved"},
    {"together_past_target", "几人先后持有共 %a均未回复，会话即被结束；记在最后持有者",
     "several held it for %a in all and nobody answered before it was resolved; the last holder's"},
    {"open_past_limit", "等待 %a仍未回复，达到 %b的未答复时限", "open and unanswered for %a, past the limit of %b"},
    {"outside_hours", "提问与回复都在服务时间之外：不计",
     "asked and answered outside service hours: counts for nothing"},
    {"helped_holder", "此时会话明确分配给他人：回复不计入任何人",
     "another held it by explicit assignment: nobody's answer"},
    {"held_short", "持有 %a后转出，未到 %b的时限：不计",
     "held for %a and passed on before the target of %b: counts for nothing"},
    {"bot_answered", "由机器人回复：不计", "a bot answered: counts for nothing"},
    {"resolved_in_time", "%a内即结束，未到 %b的时限：不计",
     "resolved after %a, before the target of %b: counts for nothing"},
    {"excused", "申诉后由组长豁免：不计", "excused by a lead on an appeal: counts for nothing"},
    {"still_open", "已等待 %a，尚未回复", "has waited for %a, not answered yet"},
    {"idle", "会话长时间无动静且未解决", "without movement for long, not resolved"},
    {"own_agent", "评价指明了客服", "the rating names its agent"},
    {"owner", "评价归会话的负责人", "the rating is the owner's"},
    {"rating_open", "会话未结束，评价归最后服务者", "not ended yet; the rating is the one's who served last"},
};

static const struct words episode_words[] = {
    {"resolved_in_time", "%a内解决，未超过 %b", "resolved in %a, within %b"},
    {"resolved_late", "%a才解决，超过 %b", "resolved in %a, over %b"},
    {"resolved_over_wait", "客户仍在等待时被结束：不算及时解决",
     "resolved by an agent while the customer waited: not in time"},
    {"first_contact_failed", "客户在首次解决期限内再次来访：不算及时解决",
     "the customer came back within the window: not resolved at first contact"},
    {"no_human_message", "已解决，但没有人工消息", "resolved without a message by a person"},
    {"timed_out", "超时结束：不算解决", "ended by timeout: not resolved"},
    {"ended_by_bot", "由机器人结束：不算解决", "ended by a bot: not resolved"},
    {"not_in_human_hands", "始终由机器人处理：不计", "never in human hands: counts for nothing"},
    {"no_customer_message", "没有客户消息：不计", "no message of a customer: counts for nothing"},
};

static const struct words order_words[] = {
    {"paid", "关联销售，已支付", "cross-sale, paid"},
    {"refunded", "已退款：不计", "refunded: counts for nothing"},
    {"below_minimum", "低于最小金额：不计", "below the least amount: counts for nothing"},
    {"not_cross", "不是关联销售：不计", "no cross-sale: counts for nothing"},
    {"not_paid", "未支付：不计", "not paid: counts for nothing"},
};

/* --- which reason ------------------------------------------------------------------------------------------------- */

static const char *fact_code(enum why why)
{
    static const char *const codes[] = {"",
#define X(name, code) code,
                                        FACT_WHYS(X)
#undef X
    };
    return codes[why];
}

static const char *episode_code(const struct episode *e)
{
    if (!(e->flags & EPISODE_COUNTED)) {
        return e->flags & EPISODE_HUMAN ? "no_customer_message" : "not_in_human_hands";
    }
    if (!(e->flags & EPISODE_RESOLVED)) {
        return e->by == BY_BOT ? "ended_by_bot" : "timed_out";
    }
    if (e->fcr == FCR_FAIL) {
        return "first_contact_failed";
    }
    if (!(e->flags & EPISODE_TIMED)) {
        return "no_human_message";
    }
    if (e->flags & EPISODE_IN_TIME) {
        return "resolved_in_time";
    }
    return e->flags & EPISODE_OVER_WAIT && e->by == BY_AGENT ? "resolved_over_wait" : "resolved_late";
}

static const char *order_code(enum order_why why)
{
    switch (why) {
    case ORDER_WHY_PAID: return "paid";
    case ORDER_WHY_REFUNDED: return "refunded";
    case ORDER_WHY_BELOW: return "below_minimum";
    case ORDER_WHY_NOT_CROSS: return "not_cross";
    default: return "not_paid";
    }
}

const char *item_kind(const struct account_item *i)
{
    if (i->kind == ACCOUNT_EPISODE) {
        return "episode";
    }
    if (i->kind == ACCOUNT_ORDER) {
        return "order";
    }
    switch (i->as.fact.kind) {
    case FACT_ANSWER: return "answer";
    case FACT_MISS: return "miss";
    case FACT_IDLE: return "idle";
    case FACT_RATING: return "rating";
    default: return "turn";
    }
}

/* --- in words ----------------------------------------------------------------------------------------------------- */

static void put_span(struct buf *out, int64_t ms, bool zh)
{
    int64_t s = ms / 1000;
    if (s < 60) {
        buf_printf(out, "%" PRId64, s);
        if (ms % 1000 >= 100) {
            buf_printf(out, ".%" PRId64, ms % 1000 / 100);
        }
        buf_put_str(out, zh ? STR_LIT(" 秒") : STR_LIT(" s"));
    } else if (s < 3600) {
        buf_printf(out, zh ? "%" PRId64 " 分 %" PRId64 " 秒" : "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    } else {
        buf_printf(out, zh ? "%" PRId64 " 小时 %" PRId64 " 分" : "%" PRId64 " h %" PRId64 " min", s / 3600,
                   s / 60 % 60);
    }
}

/* What an item's text and numbers say. */
struct told {
    const char *code;
    const struct words *words;
    size_t words_n;
    int64_t from, to, ms, limit_ms, score_milli; /* NEVER, INT64_MAX, VIEW_NONE: none */
};

static void put_text(struct buf *out, const char *text, const struct told *t, bool zh)
{
    struct buf b = {0};
    for (const char *p = text; *p; p++) {
        if (*p == '%' && (p[1] == 'a' || p[1] == 'b')) {
            put_span(&b, p[1] == 'a' ? t->ms : t->limit_ms, zh);
            p++;
        } else {
            buf_put_byte(&b, (uint8_t)*p);
        }
    }
    buf_put_json(out, buf_str(&b));
    buf_fini(&b);
}

static void put_words(struct buf *out, const struct told *t)
{
    size_t i = 0;
    while (i + 1 < t->words_n && strcmp(t->words[i].code, t->code) != 0) {
        i++;
    }
    buf_printf(out, ",\"why\":\"%s\",\"text\":{\"zh\":", t->code);
    put_text(out, t->words[i].zh, t, true);
    buf_put_str(out, STR_LIT(",\"en\":"));
    put_text(out, t->words[i].en, t, false);
    buf_put_byte(out, '}');
}

#define WORDS(list) list, sizeof(list) / sizeof(*(list))

static struct told told_fact(const struct fact *f)
{
    struct told t = {fact_code(f->why), WORDS(turn_words), f->from, f->to, f->ms, f->limit_ms, VIEW_NONE};
    if (f->kind == FACT_RATING) {
        t.score_milli = f->ms;
    }
    if (f->kind == FACT_RATING || f->kind == FACT_IDLE) {
        t.ms = t.limit_ms = VIEW_NONE;
    }
    return t;
}

static struct told told_episode(const struct episode *e, const struct rulebooks *r)
{
    bool timed = e->flags & EPISODE_TIMED;
    int64_t limit_ms = rulebooks_for_day(r, e->day)->resolution_limit_ms;
    return (struct told){episode_code(e),
                         WORDS(episode_words),
                         e->first_customer_at,
                         e->ended_at,
                         timed ? e->resolve_ms : VIEW_NONE,
                         timed ? limit_ms : VIEW_NONE,
                         VIEW_NONE};
}

static struct told told_item(const struct account_item *i, const struct rulebooks *r)
{
    if (i->kind == ACCOUNT_FACT) {
        return told_fact(&i->as.fact);
    }
    if (i->kind == ACCOUNT_EPISODE) {
        return told_episode(&i->as.episode, r);
    }
    return (struct told){
        order_code(i->as.order.why), WORDS(order_words), NEVER, i->as.order.at, VIEW_NONE, VIEW_NONE, VIEW_NONE};
}

/* A figure that is added to; those that are not stay out. */
static void put_count(struct buf *out, char *open, struct str name, int64_t value)
{
    if (value == 0) {
        return;
    }
    buf_put_byte(out, (uint8_t)*open);
    buf_put_json(out, name);
    buf_put_byte(out, ':');
    show_number(out, value);
    *open = ',';
}

static void put_counts(struct buf *out, const struct account_item *i)
{
    struct figures f;
    char open = '{';
    account_figures(i, &f);
    buf_put_str(out, STR_LIT(",\"counts\":"));
#define X(name) put_count(out, &open, STR_LIT(#name), f.name);
    FIGURES(X)
#undef X
    buf_put_str(out, open == '{' ? STR_LIT("{}") : STR_LIT("}"));
}

void show_item(struct buf *out, const struct show_why *w, const struct account_item *i)
{
    char day[16];
    struct told t = told_item(i, w->rulebooks);
    civil_print_day(day, sizeof(day), account_day(i));
    buf_printf(out, "{\"kind\":\"%s\"", item_kind(i));
    put_words(out, &t);
    buf_put_byte(out, ',');
    show_conversation(out, w->conversation_url, i->conversation);
    buf_put_str(out, STR_LIT(",\"order\":"));
    show_text(out, i->is_order ? i->key : (struct str){0});
    buf_printf(out, ",\"day\":\"%s\",", day);
    show_time(out, "from", t.from);
    buf_put_byte(out, ',');
    show_time(out, "to", t.to);
    buf_put_str(out, STR_LIT(",\"ms\":"));
    show_number(out, t.ms);
    buf_put_str(out, STR_LIT(",\"limit_ms\":"));
    show_number(out, t.limit_ms);
    buf_put_str(out, STR_LIT(",\"score_milli\":"));
    show_number(out, t.score_milli);
    buf_put_str(out, STR_LIT(",\"asked_ms\":"));
    show_number(out, i->kind == ACCOUNT_FACT && i->as.fact.asked_at ? i->as.fact.asked_at : VIEW_NONE);
    put_counts(out, i);
    buf_put_byte(out, '}');
}
