/* One simulated conversation. A function a stage: it writes the events of now, sets the next stage and says when.
 *
 * Keeps true: events of one conversation come in a possible order; whoever has it counts it in open_n, once. */
#include "kefu/ctl/chat.h"

#include <assert.h>
#include <string.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)
#define SLOW_MS   INT64_C(30000)

struct shop {
    const char *shop, *channel;
    bool bot;
    int64_t scale; /* of its ratings; 5 needs no mention */
};
static const struct shop shops[] = {{"旗舰店", "taobao", true, 5},
                                    {"旗舰店", "jd", true, 100},
                                    {"海外购", "douyin", false, 5},
                                    {"会员商城", "wechat", false, 5}};
#define SHOPS_N (sizeof shops / sizeof *shops)

static const char *const topics[] = {"物流", "退换", "尺码", "优惠", "发票"};
static const char *const questions[] = {
    "你好,这件外套还有灰色M码的库存吗?",       "我昨天下的单,请问什么时候可以发货?",
    "收到的杯子有一个裂了,麻烦看一下怎么处理", "一米六五、一百一十斤,应该穿什么码?",
    "这个和详情页里面说的不太一样,能退吗?",    "满三百减五十的券为什么用不了呢?",
    "快递显示三天没有动了,帮我催一下好吗?",    "可以帮我改一下收货地址吗?刚刚下错了",
    "发票抬头填错了,请问还能重新开吗?",        "请问洗的时候会不会掉色,能不能机洗?",
};
static const char *const answers[] = {
    "亲,有货的哦,今天下午五点前付款当天发出",      "帮您查到了,包裹已经到转运中心,明天送达",
    "非常抱歉给您添麻烦,马上为您补发一个新的",     "按您的身高体重,建议选择M码会比较合身",
    "可以的亲,签收七天之内都支持无理由退换",       "这张券需要在会员页面先领取,再下单就可以用",
    "已经替您联系快递加急处理,有进展第一时间告知", "地址已经改好了,请您再核对一下新的收货信息",
    "可以重开的,请把正确的抬头和税号发给我",
};
static const char *const again[] = {"还有,运费是谁出呢?", "照片我发给你了,看到了吗?", "另外一件也是同样的问题",
                                    "大概需要几天能到呢?"};
static const char *const thanks[] = {"谢谢", "好的,谢谢", "嗯嗯,谢谢啦🌹", "知道了,谢谢亲", "ok,谢谢您", "👌好的"};

#define ANY(d, list) ((list)[dice_below((d), sizeof(list) / sizeof *(list))])

static int64_t go(struct chat *c, enum chat_stage next, int64_t delay_ms)
{
    c->stage = next;
    return delay_ms;
}

static uint64_t begin(struct chat *c, struct scene *s, const char *type)
{
    return scene_begin(s, type, c->number, ++c->own_n);
}

static void customer_says(struct chat *c, struct scene *s, const char *text)
{
    c->token = begin(c, s, "message");
    scene_field(s, "from", "customer");
    scene_customer(s, c->customer);
    scene_field(s, "text", text);
    scene_end(s);
}

static void bot_says(struct chat *c, struct scene *s, const char *text)
{
    begin(c, s, "message");
    scene_field(s, "from", "bot");
    scene_field(s, "text", text);
    scene_end(s);
}

/* extra: "auto" or "private", or NULL for what the customer reads as an answer. */
static void agent_says(struct chat *c, struct scene *s, int32_t agent, const char *text, const char *extra)
{
    begin(c, s, "message");
    scene_field(s, "from", "agent");
    scene_field(s, "agent", s->team[agent].id);
    scene_field(s, "text", text);
    if (extra)
        buf_printf(s->out, ",\"%s\":true", extra);
    scene_end(s);
}

static void assign(struct chat *c, struct scene *s, int32_t agent, const char *by)
{
    begin(c, s, "conversation.assigned");
    if (agent < 0)
        buf_put_str(s->out, STR_LIT(",\"agent\":null"));
    else
        scene_field(s, "agent", s->team[agent].id);
    scene_field(s, "by", by);
    scene_end(s);
    if (c->agent >= 0)
        s->team[c->agent].open_n--;
    if (agent >= 0)
        s->team[agent].open_n++;
    c->before = c->agent;
    c->agent = agent;
}

void chat_start(struct chat *c, struct scene *s)
{
    *c = (struct chat){.stage = CHAT_OPEN, .number = ++s->last_number, .agent = -1, .before = -1};
    bool known = c->number > 50 && dice_chance(&s->dice, 800);
    c->customer = known ? 1 + dice_below(&s->dice, c->number) : c->number;
    c->shop = (uint8_t)dice_below(&s->dice, SHOPS_N);
}

static int64_t open_stage(struct chat *c, struct scene *s)
{
    const struct shop *shop = &shops[c->shop];
    begin(c, s, "conversation.opened");
    scene_customer(s, c->customer);
    scene_field(s, "shop", shop->shop);
    scene_field(s, "channel", shop->channel);
    if (dice_chance(&s->dice, 3000))
        scene_field(s, "topic", ANY(&s->dice, topics));
    scene_end(s);
    customer_says(c, s, ANY(&s->dice, questions));
    c->since_ms = s->at_ms;
    if (shop->bot)
        return go(c, CHAT_BOT, dice_between(&s->dice, 900, 2500));
    return go(c, CHAT_QUEUE, dice_between(&s->dice, 300, 1500));
}

static int64_t bot_stage(struct chat *c, struct scene *s)
{
    bot_says(c, s, "您好,我是智能客服小优,已为您找到相关说明,回复“人工”可转接客服");
    if (dice_chance(&s->dice, 2000))
        return go(c, CHAT_BOT_DONE, dice_between(&s->dice, 15000, 60000));
    return go(c, CHAT_HANDOFF, dice_between(&s->dice, 3000, 20000));
}

static int64_t bot_done_stage(struct chat *c, struct scene *s)
{
    customer_says(c, s, ANY(&s->dice, thanks));
    begin(c, s, "conversation.resolved");
    scene_field(s, "by", "bot");
    scene_end(s);
    return go(c, CHAT_FREE, -1);
}

static int64_t handoff_stage(struct chat *c, struct scene *s)
{
    customer_says(c, s, "转人工");
    begin(c, s, "conversation.handoff");
    scene_end(s);
    c->since_ms = s->at_ms;
    return go(c, CHAT_QUEUE, dice_between(&s->dice, 200, 900));
}

/* The member now has a waiting customer: when the answer comes depends on habits and on how much is open. */
static int64_t think(struct chat *c, struct scene *s)
{
    const struct teammate *t = &s->team[c->agent];
    if (t->mood == 0 && dice_chance(&s->dice, t->is.forgets))
        return go(c, CHAT_TIMEOUT, dice_between(&s->dice, 30, 60) * MINUTE_MS);
    int64_t load = 4 + (t->open_n > 8 ? 8 : t->open_n);
    return go(c, CHAT_REPLY, team_think_ms(t, &s->dice) * load / 7);
}

static int64_t queue_stage(struct chat *c, struct scene *s)
{
    bool crowded = s->at_ms - c->since_ms > 3 * MINUTE_MS;
    int32_t agent = scene_pick(s, c->before, crowded);
    if (agent < 0 && crowded)
        agent = scene_pick(s, -1, true);
    if (agent < 0) {
        c->queued = true;
        return go(c, CHAT_QUEUE, dice_between(&s->dice, 3000, 9000) * (crowded ? 10 : 1));
    }
    bool first = c->rounds_n == 0;
    assign(c, s, agent, c->queued && dice_chance(&s->dice, 5000) ? "agent" : "system");
    c->queued = false;
    if (first) {
        int64_t tenths = s->live ? 15 : s->team[agent].is.rounds;
        c->rounds_n = (uint8_t)dice_between(&s->dice, 1, tenths * 2 / 10 - 1);
        if (s->team[agent].is.polite > 7000)
            agent_says(c, s, agent, "您好,很高兴为您服务,请稍等", "auto");
    }
    return think(c, s);
}

/* What may happen instead of an answer: passed on, let go, or a colleague helps. True if it did. */
static bool instead(struct chat *c, struct scene *s, int64_t *delay_ms)
{
    int32_t other;
    if (dice_chance(&s->dice, 150) && (other = scene_pick(s, c->agent, false)) >= 0) {
        agent_says(c, s, c->agent, "转给同事跟进,客户问的是会员权益", "private");
        assign(c, s, other, "supervisor");
        *delay_ms = think(c, s);
        return true;
    }
    if (dice_chance(&s->dice, 40)) {
        assign(c, s, -1, "agent");
        c->queued = true;
        *delay_ms = go(c, CHAT_QUEUE, dice_between(&s->dice, 4000, 15000));
        return true;
    }
    if (dice_chance(&s->dice, 60) && (other = scene_pick(s, c->agent, true)) >= 0) {
        agent_says(c, s, other, "同事在忙,我先帮您看一下订单", NULL);
        *delay_ms = go(c, CHAT_REPLY, team_think_ms(&s->team[c->agent], &s->dice));
        return true;
    }
    return false;
}

static int64_t after_turn(struct chat *c, struct scene *s)
{
    int64_t pause = s->live ? 12000 : 35000;
    if (c->rounds_n == 0 || --c->rounds_n == 0)
        return go(c, CHAT_CLOSE, 3000 + dice_wait(&s->dice, pause / 2));
    return go(c, CHAT_ASK, 4000 + dice_wait(&s->dice, pause));
}

static int64_t reply_stage(struct chat *c, struct scene *s)
{
    int64_t delay_ms;
    if (instead(c, s, &delay_ms))
        return delay_ms;
    if (s->at_ms - c->since_ms > SLOW_MS && c->slow_n < 9)
        c->slow_n++;
    agent_says(c, s, c->agent, ANY(&s->dice, answers), NULL);
    if (dice_chance(&s->dice, 3500))
        return go(c, CHAT_MORE, dice_between(&s->dice, 2500, 12000));
    return after_turn(c, s);
}

static int64_t more_stage(struct chat *c, struct scene *s)
{
    agent_says(c, s, c->agent, "您看还有什么需要我帮您确认的吗?", NULL);
    return after_turn(c, s);
}

static int64_t ask_stage(struct chat *c, struct scene *s)
{
    customer_says(c, s, ANY(&s->dice, questions));
    c->since_ms = s->at_ms;
    if (dice_chance(&s->dice, 2500))
        return go(c, CHAT_ASK_MORE, dice_between(&s->dice, 1500, 7000));
    return think(c, s);
}

static int64_t ask_more_stage(struct chat *c, struct scene *s)
{
    if (dice_chance(&s->dice, 600)) {
        uint64_t recalled = c->token;
        begin(c, s, "message.recalled");
        scene_event(s, "message", c->number, recalled);
        scene_end(s);
    }
    customer_says(c, s, ANY(&s->dice, again));
    return think(c, s);
}

static void sell(struct chat *c, struct scene *s, const char *kind, int64_t fen)
{
    begin(c, s, "order");
    scene_order(s, c->number * 2 + (kind[0] == 'c'));
    scene_field(s, "agent", s->team[c->agent].id);
    scene_field(s, "kind", kind);
    scene_number(s, "amount_fen", fen);
    scene_field(s, "state", "paid");
    scene_end(s);
}

static void maybe_sell(struct chat *c, struct scene *s)
{
    const struct teammate *t = &s->team[c->agent];
    if (dice_chance(&s->dice, 900))
        sell(c, s, "main", dice_between(&s->dice, 3900, 89900));
    if (!dice_chance(&s->dice, t->mood > 0 ? 1500 : t->is.sells))
        return;
    c->order = c->number * 2 + 1;
    c->order_fen = dice_between(&s->dice, 1900, 29900);
    sell(c, s, "cross", c->order_fen);
}

static int64_t close_stage(struct chat *c, struct scene *s)
{
    const struct teammate *t = &s->team[c->agent];
    c->thanked = dice_chance(&s->dice, 7000);
    if (c->thanked)
        customer_says(c, s, ANY(&s->dice, thanks));
    maybe_sell(c, s);
    if (t->mood >= 0 && dice_chance(&s->dice, t->is.resolves))
        return go(c, CHAT_RESOLVE, 3000 + dice_wait(&s->dice, 15000));
    return go(c, CHAT_TIMEOUT, t->mood < 0 ? 20000 : 30 * MINUTE_MS);
}

/* What is left after the end: a refund, a customer who comes back, or nothing. */
static int64_t after_end(struct chat *c, struct scene *s)
{
    if (c->order && dice_chance(&s->dice, 1200))
        return go(c, CHAT_REFUND, dice_between(&s->dice, 12, 72) * HOUR_MS);
    if (!c->order && !dice_chance(&s->dice, s->team[c->agent].is.solves))
        return go(c, CHAT_RETURN, dice_between(&s->dice, 20, 1200) * MINUTE_MS);
    return go(c, CHAT_FREE, -1);
}

static int64_t after_resolved(struct chat *c, struct scene *s)
{
    s->team[c->agent].open_n--;
    if (dice_chance(&s->dice, s->live ? 8000 : 3800))
        return go(c, CHAT_RATE, 2000 + dice_wait(&s->dice, s->live ? 8000 : 60000));
    return after_end(c, s);
}

static int64_t resolve_stage(struct chat *c, struct scene *s)
{
    bool customer = dice_chance(&s->dice, 600);
    if (c->thanked && dice_chance(&s->dice, s->team[c->agent].is.polite))
        agent_says(c, s, c->agent, "不客气,祝您生活愉快,欢迎再来~", NULL);
    begin(c, s, "conversation.resolved");
    scene_field(s, "by", customer ? "customer" : "agent");
    if (!customer)
        scene_field(s, "agent", s->team[c->agent].id);
    scene_end(s);
    return after_resolved(c, s);
}

static int64_t timeout_stage(struct chat *c, struct scene *s)
{
    begin(c, s, "conversation.resolved");
    scene_field(s, "by", "timeout");
    scene_end(s);
    return after_resolved(c, s);
}

static int64_t rate_stage(struct chat *c, struct scene *s)
{
    int64_t scale = shops[c->shop].scale;
    int stars = team_stars(&s->team[c->agent], &s->dice, c->slow_n);
    c->token = begin(c, s, "rating");
    scene_number(s, "score", stars * scale / 5);
    if (scale != 5)
        scene_number(s, "scale", scale);
    scene_end(s);
    if (stars < 3 && dice_chance(&s->dice, 500))
        return go(c, CHAT_VOID, dice_between(&s->dice, 1, 8) * HOUR_MS);
    return after_end(c, s);
}

static int64_t void_stage(struct chat *c, struct scene *s)
{
    uint64_t rating = c->token;
    begin(c, s, "rating.voided");
    scene_event(s, "rating", c->number, rating);
    scene_field(s, "reason", "恶意差评,已核实");
    scene_field(s, "actor", "zhuguan");
    scene_end(s);
    return after_end(c, s);
}

static int64_t refund_stage(struct chat *c, struct scene *s)
{
    begin(c, s, "order");
    scene_order(s, c->order);
    scene_field(s, "agent", s->team[c->agent].id);
    scene_field(s, "kind", "cross");
    scene_number(s, "amount_fen", c->order_fen);
    scene_field(s, "state", "refunded");
    scene_end(s);
    return go(c, CHAT_FREE, -1);
}

/* Back about the same thing: mostly in a new conversation, else the old one is opened again. */
static int64_t return_stage(struct chat *c, struct scene *s)
{
    struct chat old = *c;
    if (s->last_number < s->number_max && dice_chance(&s->dice, 8000)) {
        chat_start(c, s);
        c->customer = old.customer;
        c->shop = old.shop;
        return open_stage(c, s);
    }
    *c = (struct chat){.number = old.number,
                       .own_n = old.own_n,
                       .customer = old.customer,
                       .shop = old.shop,
                       .agent = -1,
                       .before = -1};
    begin(c, s, "conversation.reopened");
    scene_end(s);
    customer_says(c, s, "上次的问题还是没有解决,麻烦再看一下");
    c->since_ms = s->at_ms;
    return go(c, CHAT_QUEUE, 400);
}

int64_t chat_step(struct chat *c, struct scene *s)
{
    static int64_t (*const stages[CHAT_STAGES])(struct chat *, struct scene *) = {
        [CHAT_OPEN] = open_stage,       [CHAT_BOT] = bot_stage,         [CHAT_BOT_DONE] = bot_done_stage,
        [CHAT_HANDOFF] = handoff_stage, [CHAT_QUEUE] = queue_stage,     [CHAT_REPLY] = reply_stage,
        [CHAT_MORE] = more_stage,       [CHAT_ASK] = ask_stage,         [CHAT_ASK_MORE] = ask_more_stage,
        [CHAT_CLOSE] = close_stage,     [CHAT_RESOLVE] = resolve_stage, [CHAT_TIMEOUT] = timeout_stage,
        [CHAT_RATE] = rate_stage,       [CHAT_VOID] = void_stage,       [CHAT_REFUND] = refund_stage,
        [CHAT_RETURN] = return_stage,
    };
    assert(c->stage > CHAT_FREE && c->stage < CHAT_STAGES);
    return stages[c->stage](c, s);
}
