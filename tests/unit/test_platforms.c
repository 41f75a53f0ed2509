/* Every platform's proof of where a delivery comes from, and what payloads become: the table below reads as a specification.
 * In its payloads ' stands for ". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kefu/collectors/platforms.h"
#include "kefu/model/batch.h"
#include "support_decode.h"
#include "support_site.h"

#define SECRET(s) .secret = {s, sizeof(s) - 1}
#define AT_MS     INT64_C(1772442046000)

static struct sign *sign_of_test(void)
{
    struct err e;
    struct sign *s = sign_new(&e);
    assert_non_null(s);
    return s;
}

/* --- signatures --------------------------------------------------------------------------------------------------- */

/* A delivery that is good: with its headers, its query, and its body. */
static const struct proof {
    struct collector c;
    const char *headers;
    const char *query;
    const char *body;
    bool stamped; /* too old or too new is refused */
} proofs[] = {
    {{.platform = &platform_chatwoot, .is_signed = true, SECRET("cw_test_secret")},
     "X-Chatwoot-Timestamp: 1772442046\r\n"
     "X-Chatwoot-Signature: sha256=ac78c1a05f3eb4ce2e0f9c6c4ab80c9320f3cf37ff853f1fe4d06ed667a0e55d\r\n",
     "",
     "{\"event\":\"message_created\",\"id\":70002}",
     true},
    {{.platform = &platform_zendesk, SECRET("zd_test_secret")},
     "X-Zendesk-Webhook-Signature-Timestamp: 2026-03-02T09:00:46Z\r\n"
     "X-Zendesk-Webhook-Signature: HqAHy/e70udD7Zj0C0aVRKYNOYalLVpHJgjbvUOk0uU=\r\n",
     "",
     "{\"event\":\"message_created\",\"id\":70002}",
     true},
    {{.platform = &platform_intercom, SECRET("ic_test_secret")},
     "X-Hub-Signature: sha1=7ee0d46a5ecf4057cf0d9f44d43f04aa062c4e09\r\n",
     "",
     "{\"event\":\"message_created\",\"id\":70002}",
     false},
    {{.platform = &platform_qiyu, SECRET("qy_test_secret")},
     "",
     "eventType=MSG&time=1772442046&checksum=d6590cf2e36d63b06ea44d395bf4f1896a95255e",
     "{\"uid\":\"user1\",\"content\":\"2222\",\"staffId\":143,\"timeStamp\":1463216914316,\"msgId\":\"8ca1\",\"msgType\":"
     "\"TEXT\"}",
     true},
    {{.platform = &platform_meiqia, SECRET("mq_test_secret")},
     "Meiqia-Sign: 68693ee5bc45d9a79055d5e4da2240fae511917a\r\n",
     "",
     "{\"event\":\"conversation.updated\",\"created_at\":1772442046}",
     false},
};
#define PROOFS_N (sizeof(proofs) / sizeof(proofs[0]))

static int check(const struct proof *p, struct sign *s, struct str headers, struct str body, int64_t now_ms)
{
    static struct http_head head;
    char text[2048];
    struct err why;
    int n = snprintf(text, sizeof(text), "POST /a?%s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n%.*s\r\n", p->query,
                     body.n, STR_ARG(headers));
    if (http_head_parse((struct str){text, (size_t)n}, &head) != 0) {
        return -1; /* the listener refuses it */
    }
    struct delivery d = {&head, head.query, body, now_ms};
    return p->c.platform->check(&p->c, &d, s, &why);
}

static void good_deliveries_are_taken(void **state)
{
    struct sign *s = sign_of_test();
    (void)state;
    for (size_t i = 0; i < PROOFS_N; i++) {
        if (check(&proofs[i], s, str_of(proofs[i].headers), str_of(proofs[i].body), AT_MS) != 0) {
            fail_msg("%s", proofs[i].c.platform->name);
        }
    }
    sign_free(s);
}

static void no_single_bit_of_ten_thousand_may_differ(void **state)
{
    struct support_random r = support_random();
    struct sign *s = sign_of_test();
    (void)state;
    for (int i = 0; i < 10000; i++) {
        const struct proof *p = &proofs[support_below(&r, PROOFS_N)];
        char body[512];
        size_t n = strlen(p->body);
        uint32_t at = support_below(&r, (uint32_t)(8 * n));
        memcpy(body, p->body, n);
        body[at / 8] = (char)(body[at / 8] ^ 1 << at % 8);
        if (check(p, s, str_of(p->headers), (struct str){body, n}, AT_MS) == 0) {
            fail_msg("%s: bit %u", p->c.platform->name, at);
        }
    }
    sign_free(s);
}

static void nor_another_secret_nor_none(void **state)
{
    struct sign *s = sign_of_test();
    (void)state;
    for (size_t i = 0; i < PROOFS_N; i++) {
        struct proof p = proofs[i];
        p.c.secret.n--;
        assert_int_equal(check(&p, s, str_of(p.headers), str_of(p.body), AT_MS), -1);
        p = proofs[i];
        p.query = "";
        assert_int_equal(check(&p, s, STR_LIT("X-Nothing: 1\r\n"), str_of(p.body), AT_MS), -1);
    }
    sign_free(s);
}

static void a_stamp_301_seconds_off_is_refused(void **state)
{
    struct sign *s = sign_of_test();
    (void)state;
    for (size_t i = 0; i < PROOFS_N; i++) {
        const struct proof *p = &proofs[i];
        for (int sign = -1; sign <= 1; sign += 2) {
            int far = check(p, s, str_of(p->headers), str_of(p->body), AT_MS + sign * INT64_C(301000));
            assert_int_equal(far, p->stamped ? -1 : 0);
            assert_int_equal(check(p, s, str_of(p->headers), str_of(p->body), AT_MS + sign * INT64_C(300000)), 0);
        }
    }
    sign_free(s);
}

/* --- payloads ----------------------------------------------------------------------------------------------------- */

#define ZD(type, event)                                                                                                \
    "{'id':'z1','time':'2026-03-02T09:00:46Z','type':'zen:event-type:ticket." type "','event':" event                  \
    ",'detail':{'id':'35','requester_id':'9','submitter_id':'9','actor_id':'31','description':'hi',"                   \
    "'created_at':'2026-03-02T09:00:00Z','via':{'channel':'web'}}}"
#define QY(members) "{'uid':'u1','sessionId':62927,'staffId':143" members "}"
#define WC(row)     "{'msg_list':[" row "]}"
#define WC_MSG      "{'msgid':'m1','open_kfid':'wk1','external_userid':'wm1','send_time':1615478585,'msgtype':'text',"
#define WC_EVENT(s) "{'msgid':'m3','send_time':1615478700,'origin':4,'msgtype':'event','event':{" s "}}"
#define WC_OF       "'open_kfid':'wk1','external_userid':'wm1'"

/* clang-format off */
/* What becomes of a payload: "type id @ts [by word] [agent A]", or "ignored: …", "refused: …" (their beginnings). */
static const struct {
    const struct platform *platform;
    const char *query;
    const char *payload;
    const char *becomes[4];
} payloads[] = {
    {&platform_zendesk, "", ZD("created", "{}"), {"conversation.opened t35:opened @1772442000000", "message t35:first @1772442000000 customer"}},
    {&platform_zendesk, "", ZD("comment_added", "{'comment':{'id':'7','body':'x','is_public':true,'author':{'id':'31','is_staff':true}}}"), {"message k7 @1772442046000 agent agent x:31"}},
    {&platform_zendesk, "", ZD("comment_added", "{'comment':{'id':'7','body':'x','is_public':false,'author':{'id':'31','is_staff':true}}}"), {"message k7 @1772442046000 agent agent x:31 private"}},
    {&platform_zendesk, "", ZD("comment_added", "{'comment':{'id':'8','body':'x','is_public':true,'author':{'id':'9','is_staff':false}}}"), {"message k8 @1772442046000 customer"}},
    {&platform_zendesk, "", ZD("comment_added", "{}"), {"refused: event.comment"}},
    {&platform_zendesk, "", ZD("status_changed", "{'previous':'OPEN','current':'SOLVED'}"), {"conversation.resolved ez1 @1772442046000 agent agent x:31"}},
    {&platform_zendesk, "", ZD("status_changed", "{'previous':'SOLVED','current':'OPEN'}"), {"conversation.reopened ez1 @1772442046000"}},
    {&platform_zendesk, "", ZD("status_changed", "{'previous':'SOLVED','current':'CLOSED'}"), {"ignored: status CLOSED"}},
    {&platform_zendesk, "", ZD("agent_assignment_changed", "{'previous':null,'current':'31'}"), {"conversation.assigned ez1 @1772442046000 agent agent x:31"}},
    {&platform_zendesk, "", ZD("agent_assignment_changed", "{'previous':'31','current':null}"), {"conversation.assigned ez1 @1772442046000 system"}},
    {&platform_zendesk, "", ZD("tags_changed", "{}"), {"ignored: type"}},
    {&platform_zendesk, "", "{'ticket':1}", {"refused: type"}},

    {&platform_qiyu, "eventType=MSG", "{'uid':'u1','content':'2222','staffId':143,'timeStamp':1463216914316,'msgId':'8c','msgType':'TEXT'}", {"message 8c @1463216914316 agent agent x:143"}},
    {&platform_qiyu, "eventType=MSG", "{'uid':'u1','staffId':143,'msgId':'8c'}", {"refused: MSG"}},
    {&platform_qiyu, "eventType=MSG", "{'uid':'u1','staffId':143,'timeStamp':1463216914316,'msgId':9007199254740991}", {"message 9007199254740991 @1463216914316 agent agent x:143"}},
    {&platform_qiyu, "eventType=MSG", "{'uid':'u1','staffId':143,'timeStamp':1463216914316,'msgId':9007199254740993}", {"refused: MSG"}},
    {&platform_qiyu, "eventType=SESSION_START&time=1772442046", QY(",'staffType':1,'transferFrom':62917"), {"conversation.assigned s62927:assigned @1772442046000 system agent x:143"}},
    {&platform_qiyu, "eventType=SESSION_START&time=1772442046", QY(",'staffType':0"), {"conversation.opened s62927:opened @1772442046000"}},
    {&platform_qiyu, "eventType=SESSION_END&time=1772442046", QY(",'staffType':1,'closeReason':0"), {"conversation.resolved s62927:resolved @1772442046000 agent agent x:143"}},
    {&platform_qiyu, "eventType=SESSION_END&time=1772442046", QY(",'staffType':1,'closeReason':2"), {"conversation.resolved s62927:resolved @1772442046000 timeout"}},
    {&platform_qiyu, "eventType=SESSION_END&time=1772442046", QY(",'staffType':0,'closeReason':3"), {"conversation.handoff s62927:handoff @1772442046000"}},
    {&platform_qiyu, "eventType=SESSION_END&time=1772442046", QY(",'staffType':0,'closeReason':2"), {"conversation.resolved s62927:resolved @1772442046000 bot"}},
    {&platform_qiyu, "eventType=SESSION_END&time=1772442046", QY(",'staffType':1,'closeReason':5,'transferTo':62928"), {"ignored: closeReason 5"}},
    {&platform_qiyu, "eventType=SESSION_END", QY(",'staffType':1,'closeReason':0"), {"refused: sessionId, time"}},
    {&platform_qiyu, "eventType=SESSION_END&time=1772442046", QY(",'staffType':'0','closeReason':'2'"), {"conversation.resolved s62927:resolved @1772442046000 bot"}},
    {&platform_qiyu, "eventType=SESSION_END&time=1772442046", QY(",'staffType':'1','closeReason':'1'"), {"conversation.resolved s62927:resolved @1772442046000 customer"}},
    {&platform_qiyu, "eventType=SESSION_START&time=1772442046", QY(",'staffType':'robot'"), {"refused: staffType"}},
    {&platform_qiyu, "", "{'id':1,'foreignId':'u1','interaction':'0','staffId':4,'evaluation':'75','userJoinEvaluateTime':'1772442046123'}", {"rating s1:rating:4 @1772442046123 4000/5 agent x:4"}},
    {&platform_qiyu, "", "{'id':1,'foreignId':'u1','interaction':0,'staffId':4,'evaluation':99,'endTime':1772442046000}", {"refused: evaluation"}},
    {&platform_qiyu, "eventType=EVA_INVITATION&time=1", QY(""), {"ignored: eventType EVA_INVITATION"}},
    {&platform_qiyu, "", "{'id':1,'foreignId':'u1','interaction':0,'staffId':4,'evaluationType':5,'evaluation':75,'userJoinEvaluateTime':'1772442046123'}", {"rating s1:rating:4 @1772442046123 4000/5 agent x:4"}},
    {&platform_qiyu, "", "{'id':1,'foreignId':'u1','interaction':0,'staffId':4,'evaluationType':2,'evaluation':1,'userJoinEvaluateTime':'-1','endTime':1772442046000}", {"rating s1:rating:1 @1772442046000 1000/5 agent x:4"}},
    {&platform_qiyu, "", "{'id':1,'foreignId':'u1','interaction':0,'staffId':4,'evaluation':0}", {"ignored: the data of a session that was not rated"}},

    {&platform_meiqia, "", "{'event':'conversation.created','created_at':1772442046,'conversation':{'conv_id':5,'conv_start_tm':1772442040,'client_id':9}}", {"conversation.opened c5:opened @1772442040000"}},
    {&platform_meiqia, "", "{'event':'conversation.scheduled','created_at':1772442046,'conversation':{'conv_id':5,'agent_ID':31}}", {"conversation.assigned c5:scheduled @1772442046000 system agent x:31"}},
    {&platform_meiqia, "", "{'event':'conversation.closed','created_at':1772442046,'conversation':{'conv_id':5,'agent_ID':31,'conv_end_tm':1772442045,'conv_content':[{'from':'client','timestamp':1772442041,'content':'x'},{'from':'agent','timestamp':1772442043,'content':'y'},{'from':'who'}]}}",
     {"message c5:0:1772442041000 @1772442041000 customer", "message c5:1:1772442043000 @1772442043000 agent agent x:31", "refused: conv_content[2]", "conversation.resolved c5:resolved @1772442045000 agent"}},
    {&platform_meiqia, "", "{'event':'conversation.updated','conversation':{'conv_id':5}}", {"ignored: event conversation.updated"}},
    {&platform_meiqia, "", "{'event':'client.created'}", {"ignored: event client.created"}},

    {&platform_wecom, "", WC(WC_MSG "'origin':3,'text':{'content':'在吗'}}"), {"message m1 @1615478585000 customer"}},
    {&platform_wecom, "", WC(WC_MSG "'origin':5,'servicer_userid':'zhangsan','text':{'content':'亲'}}"), {"message m1 @1615478585000 agent agent x:zhangsan"}},
    {&platform_wecom, "", WC(WC_MSG "'origin':5}"), {"refused: origin"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'session_status_change'," WC_OF ",'change_type':1,'new_servicer_userid':'lisi'")), {"conversation.assigned m3:assigned @1615478700000 system agent x:lisi"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'session_status_change'," WC_OF ",'change_type':2,'old_servicer_userid':'zhangsan','new_servicer_userid':'lisi'")), {"conversation.assigned m3:assigned @1615478700000 system agent x:lisi"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'session_status_change'," WC_OF ",'change_type':3,'old_servicer_userid':'lisi'")), {"conversation.resolved m3:resolved @1615478700000 agent agent x:lisi"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'session_status_change'," WC_OF ",'change_type':4,'new_servicer_userid':'lisi'")), {"conversation.reopened m3:reopened @1615478700000", "conversation.assigned m3:assigned @1615478700000 system agent x:lisi"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'servicer_status_change','servicer_userid':'lisi','status':2,'open_kfid':'wk1'")), {"agent.status m3 @1615478700000 offline"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'servicer_status_change','servicer_userid':'lisi','status':1,'open_kfid':'wk1'")), {"agent.status m3 @1615478700000 online"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'user_recall_msg'," WC_OF ",'recall_msgid':'m1'")), {"message.recalled recalled:m1 @1615478700000"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'enter_session'," WC_OF)), {"ignored: event_type enter_session"}},
    {&platform_wecom, "", WC(WC_EVENT("'event_type':'something_new'," WC_OF)), {"ignored: event_type something_new"}},
    {&platform_wecom, "", WC(""), {"ignored: an empty list"}},
    {&platform_wecom, "", "<xml><Event><![CDATA[kf_account_auth_change]]></Event></xml>", {"ignored: event kf_account_auth_change"}},

    {&platform_intercom, "", "{'topic':'conversation.user.replied','data':{'item':{'id':'1','user':{'id':'u'},'conversation_parts':{'conversation_parts':[{'id':'2','part_type':'comment','body':'<p>thank you</p>','created_at':1772442046,'author':{'type':'user','id':'u'}}]}}}}", {"message p2 @1772442046000 customer"}},
    {&platform_intercom, "", "{'topic':'conversation.rating.added','data':{'item':{'id':'1','conversation_rating':{'rating':5,'created_at':1772442046,'teammate':{'id':31}}}}}", {"rating c1:rating:5:1772442046000 @1772442046000 5000/5 agent x:31"}},
    {&platform_intercom, "", "{'topic':'conversation.admin.replied','data':{'item':{'id':'1','conversation_parts':{'conversation_parts':[{'id':'2','part_type':'comment','body':null,'created_at':1772442046,'author':{'type':'admin','id':'u'}}]}}}}", {"ignored: nothing in it"}},
    {&platform_intercom, "", "{'topic':'ping'}", {"ignored: topic ping"}},
    {&platform_intercom, "", "[]", {"refused: body"}},
    {&platform_intercom, "", "{'topic':'conversation.admin.closed','data':{'item':{'id':'1'}}}", {"refused: data.item"}},
};

/* clang-format on */

static void describe(char out[256], const struct turned_item *item, const struct decode_context *c)
{
    struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
    if (item->kind != TURNED_EVENT) {
        snprintf(out, 256, "%s: %.*s", item->kind == TURNED_IGNORED ? "ignored" : "refused", STR_ARG(item->why));
        batch_free(b);
        return;
    }
    decode_one(b, item->json, c);
    if (b->refusals_n) {
        snprintf(out, 256, "door: %.*s", STR_ARG(b->refusals[0].reason));
    } else {
        const struct event *e = &b->events[0];
        struct str type = event_type_name(e->type), how = event_how_name(e->how), agent = e->strs[EVENT_AGENT];
        struct buf text = {0};
        buf_printf(&text, "%.*s %.*s @%lld%s%.*s", STR_ARG(type), STR_ARG(e->id), (long long)e->ts, how.n ? " " : "",
                   STR_ARG(how));
        if (e->type == EVENT_RATING) {
            buf_printf(&text, " %lld/%lld", (long long)e->score_milli, (long long)e->scale);
        }
        buf_printf(&text, "%s%.*s%s", agent.n ? " agent " : "", STR_ARG(agent),
                   e->flags & EVENT_PRIVATE ? " private" : "");
        snprintf(out, 256, "%.*s", (int)text.n, text.p);
        buf_fini(&text);
    }
    batch_free(b);
}

static void each_payload_becomes_what_it_should(void **state)
{
    struct sign *s = sign_of_test();
    struct decode_context context = door_context();
    (void)state;
    context.now_ms = INT64_MAX;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        struct turned out;
        struct str body = door_text(payloads[i].payload);
        struct collector c = {.platform = payloads[i].platform, .name = {"x", 1}, .is_signed = true};
        struct delivery d = {NULL, str_of(payloads[i].query), body, 0};
        turned_init(&out, c.name, NULL);
        c.platform->take(&c, &d, s, &out);
        size_t n = 0;
        for (; n < 4 && payloads[i].becomes[n]; n++) {
            char found[256] = "nothing";
            const char *expected = payloads[i].becomes[n];
            bool whole = strncmp(expected, "ignored", 7) != 0 && strncmp(expected, "refused", 7) != 0;
            if (n < out.n) {
                describe(found, &out.items[n], &context);
            }
            if (whole ? strcmp(found, expected) != 0 : strncmp(found, expected, strlen(expected)) != 0) {
                fail_msg("%s: %s\nfound    %s\nexpected %s", c.platform->name, payloads[i].payload, found, expected);
            }
        }
        assert_int_equal(out.n, n);
        turned_fini(&out);
        door_drop(body);
    }
    sign_free(s);
}

/* --- WeCom's envelope --------------------------------------------------------------------------------------------- */

static const struct collector wecom = {.platform = &platform_wecom,
                                       .name = {"kf", 2},
                                       .account = {"wx5823bf96d3bd56c7", 18},
                                       .secret = {"QDG6eK", 6},
                                       .key = {"jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", 43},
                                       .token = {"corp secret", 11},
                                       .url = {"https://qyapi.weixin.qq.com", 27},
                                       .ask_every_s = 60};
#define ECHO                                                                                                           \
    "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780&echostr="             \
    "P9nAzCzyDtyTWESHep1vC5X9xho%2FqYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp%2B4RPcs8TgAE7OaBO%2BFZXvnaqQ%3D%3D"

static void wecoms_question_who_we_are_is_answered(void **state)
{
    struct sign *s = sign_of_test();
    struct buf answer = {0};
    struct err why;
    struct delivery d = {NULL, STR_LIT(ECHO), {NULL, 0}, INT64_C(1409659589000)};
    (void)state;
    assert_int_equal(platform_wecom.greet(&wecom, &d, s, &answer, &why), 0);
    assert_int_equal(answer.n, 19);
    assert_memory_equal(answer.p, "1616140317555161061", 19);
    struct collector other = wecom;
    other.account = STR_LIT("wx5823bf96d3bd56c8");
    assert_int_equal(platform_wecom.greet(&other, &d, s, &answer, &why), -1);
    other = wecom;
    other.secret = STR_LIT("QDG6eL");
    assert_int_equal(platform_wecom.greet(&other, &d, s, &answer, &why), -1);
    d.now_ms += 301000;
    assert_int_equal(platform_wecom.greet(&wecom, &d, s, &answer, &why), -1);
    buf_fini(&answer);
    sign_free(s);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* As WeCom seals and signs a callback. */
static void seal(struct sign *s, const char *text, struct buf *query, struct buf *body)
{
    struct buf plain = {0}, raw = {0}, box = {0}, all = {0};
    uint8_t mac[SIGN_SHA1_BYTES];
    char base64[1024];
    size_t n = strlen(text);
    assert_int_equal(sign_put_base64_of(&raw, STR_LIT("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2A=")), 0);
    buf_printf(&plain, "0123456789abcdef%c%c%c%c%s%.*s", 0, 0, (int)(n >> 8), (int)(n & 255), text,
               STR_ARG(wecom.account));
    size_t pad = 32 - plain.n % 32;
    for (size_t i = 0; i < pad; i++) {
        buf_put_byte(&plain, (uint8_t)pad);
    }
    assert_int_equal(sign_aes_seal(s, (const uint8_t *)raw.p, buf_str(&plain), &box), 0);
    sign_put_base64(base64, sizeof(base64), (const uint8_t *)box.p, box.n);
    const char *parts[] = {"QDG6eK", "1409659589", "7", base64};
    qsort(parts, 4, sizeof(parts[0]), by_bytes);
    buf_printf(&all, "%s%s%s%s", parts[0], parts[1], parts[2], parts[3]);
    sign_sha1(s, mac, buf_str(&all));
    buf_printf(query, "timestamp=1409659589&nonce=7&msg_signature=");
    sign_put_hex(query, mac, sizeof(mac));
    buf_printf(body, "<xml><ToUserName>a</ToUserName><Encrypt><![CDATA[%s]]></Encrypt></xml>", base64);
    buf_fini(&plain);
    buf_fini(&raw);
    buf_fini(&box);
    buf_fini(&all);
}

static void wecoms_bell_is_heard_and_no_other(void **state)
{
    struct sign *s = sign_of_test();
    struct buf query = {0}, body = {0};
    struct turned out;
    struct err why;
    (void)state;
    seal(s, "<xml><Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[T1]]></Token></xml>", &query, &body);
    struct delivery d = {NULL, buf_str(&query), buf_str(&body), INT64_C(1409659589000)};
    assert_int_equal(platform_wecom.check(&wecom, &d, s, &why), 0);
    turned_init(&out, wecom.name, NULL);
    platform_wecom.take(&wecom, &d, s, &out);
    assert_true(str_eq(out.ring, STR_LIT("T1")));
    turned_fini(&out);
    for (size_t i = 40; i < body.n - 30; i += 7) { /* inside the sealed text */
        body.p[i] = (char)(body.p[i] ^ 1);
        assert_int_equal(platform_wecom.check(&wecom, &d, s, &why), -1);
        body.p[i] = (char)(body.p[i] ^ 1);
    }
    d.now_ms += 301000;
    assert_int_equal(platform_wecom.check(&wecom, &d, s, &why), -1);
    buf_fini(&query);
    buf_fini(&body);
    sign_free(s);
}

/* --- WeCom's answers ---------------------------------------------------------------------------------------------- */

struct pulling {
    void *machine;
    struct pull_ask ask;
    int64_t due_ms;
    struct turned out;
    struct pull_got got;
    struct err why;
};

static bool next(struct pulling *p, int64_t now_ms)
{
    p->ask.url.n = p->ask.body.n = 0;
    p->ask.post = false;
    bool asks = puller_wecom.next(p->machine, now_ms, &p->ask, &p->due_ms);
    buf_put_byte(&p->ask.url, 0);
    buf_put_byte(&p->ask.body, 0);
    return asks;
}

static int answer(struct pulling *p, const char *text, int64_t now_ms)
{
    struct str body = door_text(text);
    turned_fini(&p->out);
    turned_init(&p->out, wecom.name, NULL);
    p->got.out = &p->out;
    p->got.position.n = 0;
    int status = puller_wecom.take(p->machine, &(struct fetch_answer){.status = 200, .body = body}, &p->got, &p->why);
    buf_put_byte(&p->got.position, 0);
    p->got.position.n--;
    if (status == 0) {
        puller_wecom.stored(p->machine, now_ms);
    }
    door_drop(body);
    return status;
}

static void pulling_end(struct pulling *p)
{
    puller_wecom.end(p->machine);
    turned_fini(&p->out);
    buf_fini(&p->ask.url);
    buf_fini(&p->ask.body);
    buf_fini(&p->got.position);
}

#define MESSAGE                                                                                                        \
    "{'msgid':'m1','open_kfid':'wk1','external_userid':'wm1','send_time':1615478585,'origin':3,'msgtype':'text'}"

static void wecom_is_asked_until_there_is_no_more(void **state)
{
    const int64_t t = INT64_C(1615478600000);
    struct pulling p = {.machine = puller_wecom.start(&wecom, (struct str){NULL, 0}, t)};
    (void)state;
    assert_true(next(&p, t));
    assert_string_equal(
        p.ask.url.p, "https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=wx5823bf96d3bd56c7&corpsecret=corp%20secret");
    assert_int_equal(answer(&p, "{'errcode':0,'access_token':'A','expires_in':7200}", t), 0);
    assert_true(next(&p, t));
    assert_string_equal(p.ask.url.p, "https://qyapi.weixin.qq.com/cgi-bin/kf/sync_msg?access_token=A");
    assert_string_equal(p.ask.body.p, "{\"cursor\":\"\",\"limit\":1000}");
    assert_int_equal(answer(&p, "{'errcode':0,'next_cursor':'c1','has_more':1,'msg_list':[]}", t), 0);
    assert_true(next(&p, t)); /* an empty list with has_more is no end */
    assert_string_equal(p.ask.body.p, "{\"cursor\":\"c1\",\"limit\":1000}");
    assert_int_equal(answer(&p, "{'errcode':0,'next_cursor':'c2','has_more':0,'msg_list':[" MESSAGE "]}", t), 0);
    assert_int_equal(turned_count(&p.out, TURNED_EVENT), 1);
    assert_string_equal(p.got.position.p, "1615478600000 c2");
    assert_false(next(&p, t));
    assert_int_equal(p.due_ms, t + 60000);
    puller_wecom.ring(p.machine, STR_LIT("bell"));
    assert_true(next(&p, t + 1));
    assert_string_equal(p.ask.body.p, "{\"cursor\":\"c2\",\"token\":\"bell\",\"limit\":1000}");
    pulling_end(&p);
}

/* A text with half a character, or what else strict JSON has not, costs itself alone: if the answer were none, nothing behind it
 * would ever be asked for. */
static void a_broken_text_holds_up_nothing(void **state)
{
    static const char *const broken[] = {"a\\u0000b", "\\ud83d",      "\\ude00\\ud83d",
                                         "\x01\x1f",  "\xF0\x9F\x98", "\xC0\x80"};
    const int64_t t = INT64_C(1615478600000);
    (void)state;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        struct pulling p = {.machine = puller_wecom.start(&wecom, STR_LIT("1615478500000 c9"), t)};
        char text[400];
        assert_true(next(&p, t));
        assert_int_equal(answer(&p, "{'errcode':0,'access_token':'A','expires_in':7200}", t), 0);
        assert_true(next(&p, t));
        snprintf(
            text, sizeof(text),
            "{'errcode':0,'next_cursor':'c10','has_more':0,'msg_list':[{'msgid':'m0','open_kfid':'wk1','external_userid':"
            "'wm1','send_time':1615478585,'origin':3,'msgtype':'text','text':{'content':'%s'}}," MESSAGE "]}",
            broken[i]);
        assert_int_equal(answer(&p, text, t), 0);
        assert_int_equal(turned_count(&p.out, TURNED_EVENT), 2);
        assert_string_equal(p.got.position.p, "1615478600000 c10");
        pulling_end(&p);
    }
}

static void an_access_token_that_ended_is_got_anew(void **state)
{
    const int64_t t = INT64_C(1615478600000);
    struct pulling p = {.machine = puller_wecom.start(&wecom, STR_LIT("1615478500000 c9"), t)};
    (void)state;
    assert_true(next(&p, t));
    assert_int_equal(answer(&p, "{'errcode':0,'access_token':'A','expires_in':7200}", t), 0);
    assert_true(next(&p, t));
    assert_int_equal(answer(&p, "{'errcode':42001,'errmsg':'access_token expired'}", t), -1);
    assert_true(next(&p, t));
    assert_non_null(strstr(p.ask.url.p, "gettoken"));
    assert_int_equal(answer(&p, "{'errcode':0,'access_token':'B','expires_in':7200}", t), 0);
    assert_true(next(&p, t));
    assert_string_equal(p.ask.body.p, "{\"cursor\":\"c9\",\"limit\":1000}");
    assert_int_equal(answer(&p, "{'errcode':45009,'errmsg':'freq out of limit'}", t), -1);
    assert_non_null(strstr(p.why.what, "45009"));
    assert_true(next(&p, t));
    assert_string_equal(p.ask.body.p, "{\"cursor\":\"c9\",\"limit\":1000}"); /* it has not moved on */
    pulling_end(&p);
}

static void more_than_three_days_of_silence_are_a_gap(void **state)
{
    const int64_t day = INT64_C(86400000), t = INT64_C(1615478600000);
    struct pulling p = {.machine = puller_wecom.start(&wecom, STR_LIT("1615046600000 c9"), t)}; /* five days before */
    (void)state;
    assert_true(next(&p, t));
    assert_int_equal(answer(&p, "{'errcode':0,'access_token':'A','expires_in':7200}", t), 0);
    assert_true(next(&p, t));
    assert_int_equal(answer(&p, "{'errcode':0,'next_cursor':'c10','has_more':0,'msg_list':[]}", t), 0);
    assert_int_equal(p.got.gap_from_ms, INT64_C(1615046600000));
    assert_int_equal(p.got.gap_to_ms, t - 3 * day);
    p.got.gap_from_ms = p.got.gap_to_ms = 0;
    assert_true(next(&p, t + 60000));
    assert_int_equal(answer(&p, "{'errcode':0,'next_cursor':'c11','has_more':0,'msg_list':[]}", t + 60000), 0);
    assert_int_equal(p.got.gap_to_ms, 0); /* told once */
    pulling_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_deliveries_are_taken),
        cmocka_unit_test(no_single_bit_of_ten_thousand_may_differ),
        cmocka_unit_test(nor_another_secret_nor_none),
        cmocka_unit_test(a_stamp_301_seconds_off_is_refused),
        cmocka_unit_test(each_payload_becomes_what_it_should),
        cmocka_unit_test(wecoms_question_who_we_are_is_answered),
        cmocka_unit_test(wecoms_bell_is_heard_and_no_other),
        cmocka_unit_test(wecom_is_asked_until_there_is_no_more),
        cmocka_unit_test(a_broken_text_holds_up_nothing),
        cmocka_unit_test(an_access_token_that_ended_is_got_anew),
        cmocka_unit_test(more_than_three_days_of_silence_are_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
