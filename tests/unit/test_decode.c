/* The door as a specification: what is an event, what is none and why, and that nothing is counted twice or lost.
 *
 * In the tables ' stands for ", so that they can be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/digest.h"
#include "kefu/base/json.h"
#include "kefu/collectors/decode.h"
#include "support_decode.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define S(lit)                                                                                                         \
    {                                                                                                                  \
        lit, sizeof(lit) - 1                                                                                           \
    }

static const struct event *only_event(struct batch *b)
{
    if (b->refusals_n) {
        fail_msg("refused: %.*s", STR_ARG(b->refusals[0].reason));
    }
    assert_int_equal(b->events_n, 1);
    assert_int_equal(b->inputs_n, 1);
    return &b->events[0];
}

static const char *const must_accept[] = {
    "{" MSG "'from':'customer'}",
    " \t{" MSG "'from':'bot'} \r",
    "{'type':'message','ts':1772409600000,'from':'system','conversation':'c1','id':'i1'}",
    "{" MSG "'from':'agent','agent':'A'}",
    "{" MSG "'from':'customer','customer':'u','shop':'s','channel':'web','text':'hi','private':true,'auto':false,"
    "'closing':true}",
    "{" MSG "'from':'customer','text':''}",
    "{" MSG "'from':'customer','agent':null}",
    "{" MSG "'from':'bot','agent':7}",
    "{" MSG "'from':'customer','unknown':null,'more':{'deep':[[[1.5]]]},'':0}",
    "{" MSG "'from':'customer','Text':5,'TS':'x'}",
    "{" HEAD "'type':'conversation.opened','conversation':'c1'}",
    "{" HEAD "'type':'conversation.opened','conversation':'c1','customer':'u','shop':'s','channel':'jd','topic':'t'}",
    "{" HEAD "'type':'message.recalled','conversation':'c1','message':'m'}",
    "{" HEAD "'type':'message.recalled','conversation':'c1','message':'m','of_source':'x'}",
    "{" HEAD "'type':'conversation.assigned','conversation':'c1','agent':'A'}",
    "{" HEAD "'type':'conversation.assigned','conversation':'c1','agent':null}",
    "{" HEAD "'type':'conversation.assigned','conversation':'c1','agent':'A','by':'supervisor'}",
    "{" HEAD "'type':'conversation.handoff','conversation':'c1'}",
    "{" HEAD "'type':'conversation.resolved','conversation':'c1'}",
    "{" HEAD "'type':'conversation.resolved','conversation':'c1','by':'timeout','agent':'A'}",
    "{" HEAD "'type':'conversation.reopened','conversation':'c1'}",
    "{" RATE "'score':4}",
    "{" RATE "'score':0.001,'scale':1,'agent':'A'}",
    "{" RATE "'score':1e2,'scale':100}",
    "{" RATE "'score':4.2500,'scale':5.0}",
    "{" RATE "'score':45e-1,'scale':1e1}",
    "{" HEAD "'type':'rating.voided','conversation':'c1','rating':'r','reason':'by mistake'}",
    "{" HEAD "'type':'rating.voided','conversation':'c1','rating':'r','of_source':'s','reason':'x','actor':'lead'}",
    "{" ORD "'kind':'main','amount_fen':0,'state':'paid'}",
    "{" ORD "'kind':'cross','amount_fen':1.0,'state':'refunded','conversation':'c1'}",
    "{" ORD "'kind':'cross','amount_fen':1000000000000,'state':'paid'}",
    "{" HEAD "'type':'agent.profile','agent':'A'}",
    "{" HEAD "'type':'agent.profile','agent':'A','name':'张三','team':'t','employee_no':'7','hired_on':'2024-02-29',"
    "'left_on':'2026-01-31'}",
    "{" HEAD "'type':'agent.status','agent':'A','status':'away'}",
    "{'id':'" A128 "','source':'" A128 "','ts':1772409600000,'type':'conversation.handoff','conversation':'" A128 "'}",
    "{'\\u0069d':'\\u0061','ts':1772409600000,'ty\\u0070e':'m\\u0065ssage','conversation':'c','from':'\\u0062ot'}",
    "{'id':'i','ts':1772409600000.0,'type':'conversation.handoff','conversation':'c'}",
    "{'id':'i','ts':17724096e5,'type':'conversation.handoff','conversation':'c'}",
    "{'id':'i','ts':'2026-03-02T08:00:00+08:00','type':'conversation.handoff','conversation':'c'}",
    "{'id':'i','ts':946684800000,'type':'conversation.handoff','conversation':'c'}",
    "{'id':'i','ts':1772409900000,'type':'conversation.handoff','conversation':'c'}",
    "{" MSG "'from':'customer','x':[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}",
};

static void every_event_of_the_table_is_accepted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(must_accept); i++) {
        struct batch *b = door_decoded(must_accept[i], decode_one);
        if (b->events_n != 1 || b->refusals_n != 0 || b->inputs_n != 1) {
            fail_msg("%s: %.*s", must_accept[i], STR_ARG(b->refusals[0].reason));
        }
        batch_free(b);
    }
}

struct refused {
    const char *json;
    const char *id; /* that the refusal names */
    const char *reason;
};

#define TYPES                                                                                                          \
    "conversation.opened, message, message.recalled, conversation.assigned, conversation.handoff, "                    \
    "conversation.resolved, conversation.reopened, rating, rating.voided, order, agent.profile, agent.status"
#define STRING "expected a string of 1 to 128 bytes"

static const struct refused must_refuse[] = {
    /* no JSON, no object */
    {"", "", "column 1: found the end, expected a JSON value"},
    {"[]", "", "found an array, expected an object"},
    {"'message'", "", "found a string, expected an object"},
    {"{'id':'i1',", "i1", "column 12: found the end, expected a key in double quotes"},
    {"{'id':'i1','id':'i2'}", "i1", "column 12: found the key 'id' twice, expected each key once"},
    {"{'id':'i1','x':{'a':1,'\\u0061':1}}", "i1", "column 23: found the key '\\u0061' twice, expected each key once"},
    {"{'id':'i1','text':'a\\u0000b'}", "i1", "column 21: found \\u0000, expected text without zero characters"},
    {"{'id':'i1','text':'\xC0\x80'}", "i1", "column 20: found byte 0xC0, expected valid UTF-8"},
    {"{'id':'i1',\n'a':}", "i1", "line 2 column 5: found '}', expected a JSON value"},
    {"{" MSG "'from':'bot','x':[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", "i1",
     "column 100: found a value nested too deep, expected at most 16 levels"},
    {"{'id':'i1'} x", "i1", "column 13: found 'x', expected nothing behind the value"},
    /* the envelope */
    {"{}", "", "id: found nothing, " STRING},
    {"{'id':7}", "", "id: found 7, " STRING},
    {"{'id':null}", "", "id: found null, " STRING},
    {"{'id':''}", "", "id: found an empty string, " STRING},
    {"{'id':'" A128 "a'}", "", "id: found a longer string, " STRING},
    {"{'id':['a']}", "", "id: found an array, " STRING},
    {"{'id':'i1','source':''}", "i1", "source: found an empty string, " STRING},
    {"{'id':'i1','source':null}", "i1", "source: found null, " STRING},
    {"{'id':'i1'}", "i1", "type: found nothing, " STRING},
    {"{'id':'i1','type':3}", "i1", "type: found 3, " STRING},
    {"{'id':'i1','type':'Message'}", "i1", "type: found 'Message', expected " TYPES},
    {"{'id':'i1','type':'a\\nb\xC2\x85\xE2\x81\xA0'}", "i1", "type: found 'a\\nb\\u0085\\u2060', expected " TYPES},
    {"{'id':'i1','type':'message'}", "i1",
     "ts: found nothing, expected integer milliseconds since 1970 or RFC 3339 with an offset"},
    {"{'id':'i1','type':'message','ts':null}", "i1", "ts: found null, expected integer milliseconds since 1970"},
    {"{'id':'i1','type':'message','ts':true}", "i1", "ts: found true, expected integer milliseconds"},
    {"{'id':'i1','type':'message','ts':1772409600000.5}", "i1", "ts: found 1772409600000.5, expected integer"},
    {"{'id':'i1','type':'message','ts':9007199254740992}", "i1", "ts: found 9007199254740992, expected integer"},
    {"{'id':'i1','type':'message','ts':1e400}", "i1", "ts: found 1e400, expected integer"},
    {"{'id':'i1','type':'message','ts':1772409600}", "i1",
     "ts: found 1772409600, expected milliseconds since 1970 (these look like seconds)"},
    {"{'id':'i1','type':'message','ts':946684799999}", "i1",
     "ts: found 946684799999, expected a time from 2000-01-01 to 2099-12-31"},
    {"{'id':'i1','type':'message','ts':4102444800000}", "i1", "ts: found 4102444800000, expected a time from"},
    {"{'id':'i1','type':'message','ts':-1}", "i1", "ts: found -1, expected a time from"},
    {"{'id':'i1','type':'message','ts':'soon'}", "i1", "ts: found 'soon', expected a "},
    {"{'id':'i1','type':'message','ts':'2026-03-02T08:00:00'}", "i1", "ts: found '2026-03-02T08:00:00', expected "},
    {"{'id':'i1','type':'message','ts':'2026-02-29T08:00:00Z'}", "i1", "ts: found '2026-02-29T08:00:00Z', expected "},
    {"{'id':'i1','type':'message','ts':'1772409600000'}", "i1", "ts: found '1772409600000', expected "},
    {"{'id':'i1','type':'message','ts':'" A128 A128 "'}", "i1", "ts: found '" A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaa…', "},
    /* message */
    {"{" HEAD "'type':'message'}", "i1", "conversation: found nothing, " STRING},
    {"{" HEAD "'type':'message','conversation':''}", "i1", "conversation: found an empty string, " STRING},
    {"{" HEAD "'type':'message','conversation':1502}", "i1", "conversation: found 1502, " STRING},
    {"{" MSG "'x':1}", "i1", "from: found nothing, expected customer, agent, bot or system"},
    {"{" MSG "'from':'Customer'}", "i1", "from: found 'Customer', expected customer, agent, bot or system"},
    {"{" MSG "'from':'supervisor'}", "i1", "from: found 'supervisor', expected customer, agent, bot or system"},
    {"{" MSG "'from':''}", "i1", "from: found '', expected customer,"},
    {"{" MSG "'from':null}", "i1", "from: found null, expected customer,"},
    {"{" MSG "'from':'agent'}", "i1", "agent: found nothing, " STRING},
    {"{" MSG "'from':'agent','agent':null}", "i1", "agent: found null, " STRING},
    {"{" MSG "'from':'agent','agent':''}", "i1", "agent: found an empty string, " STRING},
    {"{" MSG "'from':'customer','customer':4711}", "i1", "customer: found a number, " STRING},
    {"{" MSG "'from':'customer','customer':['secret']}", "i1", "customer: found an array, " STRING},
    {"{" MSG "'from':'customer','customer':''}", "i1", "customer: found an empty string, " STRING},
    {"{" MSG "'from':'customer','customer':'" A128 "x'}", "i1", "customer: found a longer string, " STRING},
    {"{" MSG "'from':'customer','shop':5}", "i1", "shop: found 5, " STRING},
    {"{" MSG "'from':'customer','channel':null}", "i1", "channel: found null, " STRING},
    {"{" MSG "'from':'customer','text':null}", "i1", "text: found null, expected a string"},
    {"{" MSG "'from':'customer','text':12345}", "i1", "text: found a number, expected a string"},
    {"{" MSG "'from':'customer','text':{'secret':1}}", "i1", "text: found an object, expected a string"},
    {"{" MSG "'from':'customer','private':'true'}", "i1", "private: found 'true', expected true or false"},
    {"{" MSG "'from':'customer','private':1}", "i1", "private: found 1, expected true or false"},
    {"{" MSG "'from':'customer','auto':null}", "i1", "auto: found null, expected true or false"},
    {"{" MSG "'from':'customer','closing':0}", "i1", "closing: found 0, expected true or false"},
    /* the other types of a conversation */
    {"{" HEAD "'type':'conversation.opened','conversation':'c','topic':[]}", "i1", "topic: found an array, " STRING},
    {"{" HEAD "'type':'message.recalled','conversation':'c'}", "i1", "message: found nothing, " STRING},
    {"{" HEAD "'type':'message.recalled','conversation':'c','message':'m','of_source':null}", "i1",
     "of_source: found null, " STRING},
    {"{" HEAD "'type':'conversation.assigned','conversation':'c'}", "i1", "agent: found nothing, " STRING},
    {"{" HEAD "'type':'conversation.assigned','conversation':'c','agent':''}", "i1", "agent: found an empty string"},
    {"{" HEAD "'type':'conversation.assigned','conversation':'c','agent':false}", "i1", "agent: found false, "},
    {"{" HEAD "'type':'conversation.assigned','conversation':'c','agent':'A','by':'bot'}", "i1",
     "by: found 'bot', expected system, supervisor or agent"},
    {"{" HEAD "'type':'conversation.assigned','conversation':'c','agent':'A','by':null}", "i1", "by: found null, "},
    {"{" HEAD "'type':'conversation.resolved','conversation':'c','by':'system'}", "i1",
     "by: found 'system', expected agent, customer, bot or timeout"},
    {"{" HEAD "'type':'conversation.resolved','conversation':'c','agent':null}", "i1", "agent: found null, " STRING},
    {"{" HEAD "'type':'conversation.handoff','conversation':null}", "i1", "conversation: found null, " STRING},
    /* ratings */
    {"{" RATE "'x':0}", "i1", "score: found nothing, expected a number above 0 with at most 3 decimals"},
    {"{" RATE "'score':'5'}", "i1", "score: found '5', expected a number above 0"},
    {"{" RATE "'score':null}", "i1", "score: found null, expected a number"},
    {"{" RATE "'score':0}", "i1", "score: found 0, expected a number above 0"},
    {"{" RATE "'score':-1}", "i1", "score: found -1, expected a number above 0"},
    {"{" RATE "'score':0.0001}", "i1", "score: found 0.0001, expected a number above 0 with at most 3 decimals"},
    {"{" RATE "'score':4.2345}", "i1", "score: found 4.2345, expected"},
    {"{" RATE "'score':5.001}", "i1", "score: found 5.001, expected at most the scale, 5"},
    {"{" RATE "'score':11,'scale':10}", "i1", "score: found 11, expected at most the scale, 10"},
    {"{" RATE "'score':1e300}", "i1", "score: found 1e300, expected a number"},
    {"{" RATE "'score':1,'scale':0}", "i1", "scale: found 0, expected a whole number from 1 to 1000000"},
    {"{" RATE "'score':1,'scale':1.5}", "i1", "scale: found 1.5, expected a whole number"},
    {"{" RATE "'score':1,'scale':1000001}", "i1", "scale: found 1000001, expected a whole number"},
    {"{" RATE "'score':1,'scale':null}", "i1", "scale: found null, expected a whole number"},
    {"{" RATE "'score':1,'scale':'5'}", "i1", "scale: found '5', expected a whole number"},
    {"{" HEAD "'type':'rating.voided','conversation':'c','rating':'r'}", "i1",
     "reason: found nothing, expected a string of 1 to 512 bytes"},
    {"{" HEAD "'type':'rating.voided','conversation':'c','rating':'r','reason':7}", "i1", "reason: found a number, "},
    {"{" HEAD "'type':'rating.voided','conversation':'c','reason':'x'}", "i1", "rating: found nothing, " STRING},
    {"{" HEAD "'type':'rating.voided','rating':'r','reason':'x'}", "i1", "conversation: found nothing, " STRING},
    /* orders */
    {"{" HEAD "'type':'order','agent':'A'}", "i1", "order: found nothing, " STRING},
    {"{" HEAD "'type':'order','order':'o'}", "i1", "agent: found nothing, " STRING},
    {"{" ORD "'kind':'other'}", "i1", "kind: found 'other', expected main or cross"},
    {"{" ORD "'kind':null}", "i1", "kind: found null, expected main or cross"},
    {"{" ORD "'kind':'main'}", "i1", "amount_fen: found nothing, expected a whole number from 0 to 1000000000000"},
    {"{" ORD "'kind':'main','amount_fen':19.9}", "i1", "amount_fen: found 19.9, expected a whole number"},
    {"{" ORD "'kind':'main','amount_fen':-1}", "i1", "amount_fen: found -1, expected a whole number"},
    {"{" ORD "'kind':'main','amount_fen':1000000000001}", "i1", "amount_fen: found 1000000000001, "},
    {"{" ORD "'kind':'main','amount_fen':'100'}", "i1", "amount_fen: found '100', expected a whole number"},
    {"{" ORD "'kind':'main','amount_fen':1}", "i1", "state: found nothing, expected paid or refunded"},
    {"{" ORD "'kind':'main','amount_fen':1,'state':'open'}", "i1", "state: found 'open', expected paid or refunded"},
    {"{" ORD "'kind':'main','amount_fen':1,'state':'paid','conversation':5}", "i1", "conversation: found 5, "},
    /* agents */
    {"{" HEAD "'type':'agent.profile'}", "i1", "agent: found nothing, " STRING},
    {"{" HEAD "'type':'agent.profile','agent':'A','name':42}", "i1",
     "name: found a number, expected a string of 1 to 512 bytes"},
    {"{" HEAD "'type':'agent.profile','agent':'A','left_on':null}", "i1",
     "left_on: found null, expected a date that exists, as YYYY-MM-DD"},
    {"{" HEAD "'type':'agent.profile','agent':'A','hired_on':'2025-02-29'}", "i1",
     "hired_on: found '2025-02-29', expected a date that exists"},
    {"{" HEAD "'type':'agent.profile','agent':'A','hired_on':'2025-2-1'}", "i1", "hired_on: found '2025-2-1', "},
    {"{" HEAD "'type':'agent.profile','agent':'A','hired_on':20250201}", "i1", "hired_on: found 20250201, "},
    {"{" HEAD "'type':'agent.status','agent':'A'}", "i1",
     "status: found nothing, expected online, busy, away or offline"},
    {"{" HEAD "'type':'agent.status','agent':'A','status':'lunch'}", "i1", "status: found 'lunch', expected online"},
};

static void what_is_no_event_is_refused_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(must_refuse); i++) {
        const struct refused *row = &must_refuse[i];
        struct batch *b = door_decoded(row->json, decode_one);
        if (b->events_n != 0 || b->refusals_n != 1 || b->inputs_n != 1) {
            fail_msg("accepted: %s", row->json);
        }
        const struct refusal *r = &b->refusals[0];
        struct str begins = door_text(row->reason);
        bool same = r->reason.n >= begins.n && memcmp(r->reason.p, begins.p, begins.n) == 0;
        if (!same || !str_eq(r->id, str_of(row->id))) {
            fail_msg("%s:\n  got    %.*s (id %.*s)\n  wanted %s (id %s)", row->json, STR_ARG(r->reason), STR_ARG(r->id),
                     row->reason, row->id);
        }
        assert_int_equal(r->kind, REFUSAL_BAD);
        assert_int_equal(r->input_bytes, strlen(row->json));
        assert_null(r->event);
        door_drop(begins);
        batch_free(b);
    }
}

static void fields_arrive_where_they_belong(void **state)
{
    (void)state;
    struct batch *b =
        door_decoded("{" MSG "'from':'agent','agent':'王\\u4e94','customer':'u1','shop':'s','channel':'jd','text':"
                     "'a\\u0042\\n谢','private':true,'source':'cw7'}",
                     decode_one);
    const struct event *e = only_event(b);
    assert_int_equal(e->type, EVENT_MESSAGE);
    assert_int_equal(e->how, FROM_AGENT);
    assert_int_equal(e->ts, NOW);
    assert_int_equal(e->flags, EVENT_PRIVATE | EVENT_HAS_TEXT);
    assert_int_equal(e->text_bytes, 6);
    assert_true(str_eq(e->id, STR_LIT("i1")) && str_eq(e->source, STR_LIT("cw7")));
    assert_true(str_eq(e->subject, STR_LIT("c1")) && str_eq(e->strs[EVENT_AGENT], STR_LIT("王五")));
    assert_true(str_eq(e->strs[EVENT_SHOP], STR_LIT("s")) && str_eq(e->strs[EVENT_CHANNEL], STR_LIT("jd")));
    batch_free(b);
    b = door_decoded("{" ORD "'kind':'cross','amount_fen':1990,'state':'refunded','conversation':'c9'}", decode_one);
    e = only_event(b);
    assert_int_equal(e->type, EVENT_ORDER);
    assert_int_equal(e->how, ORDER_REFUNDED);
    assert_int_equal(e->flags, EVENT_CROSS);
    assert_int_equal(e->amount_fen, 1990);
    assert_true(str_eq(e->subject, STR_LIT("o1")) && str_eq(e->strs[EVENT_CONVERSATION], STR_LIT("c9")));
    batch_free(b);
    b = door_decoded("{" RATE "'score':4.25,'scale':10,'agent':'B'}", decode_one);
    e = only_event(b);
    assert_int_equal(e->score_milli, 4250);
    assert_int_equal(e->scale, 10);
    assert_true(str_eq(e->strs[EVENT_AGENT], STR_LIT("B")));
    batch_free(b);
}

static void defaults_are_filled_in(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum event_how how;
        const char *ref_source;
        int64_t scale;
    } rows[] = {
        {"{" HEAD "'type':'conversation.assigned','conversation':'c','agent':'A'}", BY_SYSTEM, "", 0},
        {"{" HEAD "'type':'conversation.resolved','conversation':'c'}", BY_AGENT, "", 0},
        {"{" RATE "'score':3}", HOW_NONE, "", 5},
        {"{" HEAD "'type':'message.recalled','conversation':'c','message':'m'}", HOW_NONE, "default", 0},
        {"{" HEAD "'type':'message.recalled','conversation':'c','message':'m','source':'x'}", HOW_NONE, "x", 0},
        {"{" HEAD "'type':'rating.voided','conversation':'c','rating':'m','reason':'r','source':'x','of_source':'y'}",
         HOW_NONE, "y", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct batch *b = door_decoded(rows[i].json, decode_one);
        const struct event *e = only_event(b);
        assert_int_equal(e->how, rows[i].how);
        assert_int_equal(e->scale, rows[i].scale);
        assert_true(str_eq(e->strs[EVENT_REF_SOURCE], str_of(rows[i].ref_source)));
        batch_free(b);
    }
}

static void an_unassignment_has_no_agent(void **state)
{
    (void)state;
    struct batch *b =
        door_decoded("{" HEAD "'type':'conversation.assigned','conversation':'c','agent':null}", decode_one);
    assert_int_equal(only_event(b)->strs[EVENT_AGENT].n, 0);
    batch_free(b);
}

static void an_agent_named_by_another_sender_is_an_unknown_field(void **state)
{
    (void)state;
    struct batch *b = door_decoded("{" MSG "'from':'customer','agent':'A'}", decode_one);
    assert_int_equal(only_event(b)->strs[EVENT_AGENT].n, 0);
    batch_free(b);
}

static void a_time_is_the_same_in_both_spellings(void **state)
{
    (void)state;
    static const char *const spellings[] = {"1772409600131",
                                            "'2026-03-02T00:00:00.131Z'",
                                            "'2026-03-02T08:00:00.131+08:00'",
                                            "'2026-03-02T00:00:00.131999Z'",
                                            "1772409600131.0",
                                            "'2026-03-01\\u005420:00:00.131-04:00'"};
    for (size_t i = 0; i < COUNT(spellings); i++) {
        char json[200];
        snprintf(json, sizeof json, "{'id':'i','ts':%s,'type':'conversation.handoff','conversation':'c'}",
                 spellings[i]);
        struct batch *b = door_decoded(json, decode_one);
        assert_int_equal(only_event(b)->ts, 1772409600131);
        batch_free(b);
    }
}

static void a_customer_is_kept_as_a_keyed_hash_only(void **state)
{
    (void)state;
    struct batch *b = door_decoded("{" MSG "'from':'customer','customer':'u\\u0031'}", decode_one);
    struct str hash = only_event(b)->strs[EVENT_CUSTOMER];
    uint8_t wanted[DIGEST_KEYED_BYTES];
    digest_keyed(wanted, decode_key, STR_LIT("u1"));
    assert_int_equal(hash.n, DIGEST_KEYED_BYTES);
    assert_memory_equal(hash.p, wanted, sizeof wanted);
    batch_free(b);
}

static void flags_of_a_text(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        uint32_t flags;
    } rows[] = {
        {"'from':'customer','text':'谢谢啦🌹'", EVENT_HAS_TEXT | EVENT_CLOSER},
        {"'from':'customer','text':'\\u8c22\\u8c22'", EVENT_HAS_TEXT | EVENT_CLOSER},
        {"'from':'customer','text':'谢谢?'", EVENT_HAS_TEXT},
        {"'from':'customer','text':''", EVENT_HAS_TEXT},
        {"'from':'customer'", 0},
        {"'from':'customer','closing':true", EVENT_CLOSING_TRUE | EVENT_CLOSER},
        {"'from':'customer','text':'在吗','closing':true", EVENT_HAS_TEXT | EVENT_CLOSING_TRUE | EVENT_CLOSER},
        {"'from':'customer','text':'谢谢','closing':false", EVENT_HAS_TEXT | EVENT_CLOSING_FALSE},
        {"'from':'bot','text':'谢谢','closing':true", EVENT_HAS_TEXT | EVENT_CLOSING_TRUE},
        {"'from':'agent','agent':'A','text':'谢谢'", EVENT_HAS_TEXT},
        {"'from':'agent','agent':'A','text':'在的～'", EVENT_HAS_TEXT | EVENT_PLACEHOLDER},
        {"'from':'agent','agent':'A','text':'在的?'", EVENT_HAS_TEXT},
        {"'from':'agent','agent':'A'", 0},
        {"'from':'bot','text':'在的'", EVENT_HAS_TEXT},
        {"'from':'customer','text':'在的'", EVENT_HAS_TEXT},
        {"'from':'system','private':true,'auto':true", EVENT_PRIVATE | EVENT_AUTO},
        {"'from':'system','private':false,'auto':false", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char json[300];
        snprintf(json, sizeof json, "{" MSG "%s}", rows[i].fields);
        struct batch *b = door_decoded(json, decode_one);
        if (only_event(b)->flags != rows[i].flags) {
            fail_msg("%s: flags %x, wanted %x", rows[i].fields, only_event(b)->flags, rows[i].flags);
        }
        batch_free(b);
    }
}

static void an_event_too_far_ahead_is_kept_for_later(void **state)
{
    (void)state;
    const char *json = "{'id':'i1','ts':1772409900001,'type':'order','order':'o1','agent':'A','kind':'main',"
                       "'amount_fen':5,'state':'paid'}";
    struct batch *b = door_decoded(json, decode_one);
    assert_int_equal(b->events_n, 0);
    assert_int_equal(b->refusals_n, 1);
    const struct refusal *r = &b->refusals[0];
    assert_int_equal(r->kind, REFUSAL_FUTURE);
    assert_true(str_eq(r->id, STR_LIT("i1")));
    assert_true(
        str_eq(r->reason, STR_LIT("ts: found 2026-03-02T00:05:00.001Z, expected at most 5 minutes ahead of this "
                                  "clock; tried again when due")));
    assert_int_equal(r->event->amount_fen, 5);
    assert_true(str_eq(r->event->subject, STR_LIT("o1")));
    batch_free(b);
    struct decode_context c = door_context();
    c.now_ms = INT64_MAX;
    b = batch_new(STR_LIT("compute"), NULL, NULL);
    struct str s = door_text(json);
    decode_one(b, s, &c);
    assert_int_equal(only_event(b)->ts, 1772409900001);
    door_drop(s);
    batch_free(b);
}

static void a_bad_event_of_the_future_is_just_bad(void **state)
{
    (void)state;
    struct batch *b = door_decoded("{'id':'i1','ts':1779999999999,'type':'message','conversation':'c'}", decode_one);
    assert_int_equal(b->refusals[0].kind, REFUSAL_BAD);
    batch_free(b);
}

static void a_token_writes_only_its_sources(void **state)
{
    (void)state;
    static const struct str allowed[] = {S("cw7"), S("shop")};
    static const struct {
        const char *json;
        const char *reason;
    } rows[] = {
        {"{" MSG "'from':'bot','source':'shop'}", NULL},
        {"{" MSG "'from':'bot','source':'x'}",
         "source: found 'x', expected 'cw7' or 'shop', which this token may write"},
        {"{" MSG "'from':'bot'}", "source: found 'default', expected 'cw7' or 'shop', which this token may write"},
    };
    struct decode_context c = door_context();
    c.sources = allowed;
    c.sources_n = COUNT(allowed);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct batch *b = batch_new(STR_LIT("test"), NULL, NULL);
        struct str s = door_text(rows[i].json);
        decode_one(b, s, &c);
        assert_int_equal(b->events_n, rows[i].reason == NULL);
        if (rows[i].reason) {
            struct str reason = door_text(rows[i].reason);
            assert_true(str_eq(b->refusals[0].reason, reason));
            door_drop(reason);
        }
        door_drop(s);
        batch_free(b);
    }
}

static void an_event_of_many_unknown_members_is_read_whole(void **state)
{
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        struct buf b = {0};
        buf_put_str(&b, STR_LIT("{'type':'message','ts':1772409600000,'id':'i1'"));
        for (int i = 0; i < 500; i++) {
            buf_printf(&b, ",'k%d':%d", i, i);
        }
        buf_printf(&b, ",'from':'bot','conversation':'c1'%s}", bad ? ",'k7':1" : "");
        buf_put_byte(&b, 0);
        struct batch *batch = door_decoded(b.p, decode_one);
        assert_int_equal(batch->events_n, !bad);
        if (bad) {
            assert_true(str_eq(batch->refusals[0].id, STR_LIT("i1")));
        } else {
            assert_true(str_eq(batch->events[0].subject, STR_LIT("c1")));
        }
        batch_free(batch);
        buf_fini(&b);
    }
}

static int start(void **state)
{
    (void)state;
    digest_start();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_of_the_table_is_accepted),
        cmocka_unit_test(what_is_no_event_is_refused_with_a_reason),
        cmocka_unit_test(fields_arrive_where_they_belong),
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(an_unassignment_has_no_agent),
        cmocka_unit_test(an_agent_named_by_another_sender_is_an_unknown_field),
        cmocka_unit_test(a_time_is_the_same_in_both_spellings),
        cmocka_unit_test(a_customer_is_kept_as_a_keyed_hash_only),
        cmocka_unit_test(flags_of_a_text),
        cmocka_unit_test(an_event_too_far_ahead_is_kept_for_later),
        cmocka_unit_test(a_bad_event_of_the_future_is_just_bad),
        cmocka_unit_test(a_token_writes_only_its_sources),
        cmocka_unit_test(an_event_of_many_unknown_members_is_read_whole),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
