/* What a text says: the closers and placeholders of SPEC.md, sentence by sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/base/utf8.h"
#include "kefu/collectors/text.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define S(lit)                                                                                                         \
    {                                                                                                                  \
        lit, sizeof(lit) - 1                                                                                           \
    }

static struct str phrases[] = {
    S("谢谢"), S("谢谢你"), S("谢谢您"),    S("感谢"),   S("多谢"),   S("好的"),   S("好"),
    S("好滴"), S("好哒"),   S("嗯"),        S("哦"),     S("知道了"), S("明白了"), S("了解"),
    S("收到"), S("没有了"), S("没事了"),    S("不用了"), S("再见"),   S("拜拜"),   S("ok"),
    S("okay"), S("thanks"), S("thank you"), S("thx"),    S("bye"),
};
static struct str particles[] = {S("啦"), S("呀"), S("哈"), S("哦"), S("呢"), S("亲"), S("啊")};
static struct str placeholders[] = {S("在的"), S("请稍等"), S("Please wait!"), S("👍")};

static struct rulebook rules(size_t placeholders_n)
{
    return (struct rulebook){.closing_phrases = phrases,
                             .closing_phrases_n = COUNT(phrases),
                             .closing_particles = particles,
                             .closing_particles_n = COUNT(particles),
                             .placeholder_phrases = placeholders,
                             .placeholder_phrases_n = placeholders_n};
}

/* In memory of exactly its own size. */
static bool ask(bool (*is)(struct str, const struct rulebook *), struct str text, size_t placeholders_n)
{
    struct rulebook r = rules(placeholders_n);
    char *copy = malloc(text.n ? text.n : 1);
    memcpy(copy, text.p, text.n);
    bool yes = is((struct str){copy, text.n}, &r);
    free(copy);
    return yes;
}

static const char *const closers[] = {
    "谢谢",
    "谢谢啦🌹",
    "👍",
    "👍🏻👍🏻",
    " ",
    "。",
    "...",
    "~",
    "～～～",
    "好的，谢谢！",
    "好的好的",
    "好好好",
    "嗯嗯",
    "嗯，好滴呀",
    "OK",
    "Okay",
    "oKaY!",
    "Thank you",
    "thank-you",
    "THANKYOU",
    "thanks, bye",
    "ok thx",
    "THX :)",
    "亲，谢谢哦",
    "谢 谢",
    "谢\u200B谢",
    "哦",
    "哦哦",
    "啊哦",
    "哦啊",
    "谢谢你亲",
    "谢谢您啊",
    "知道了哈",
    "了解～",
    "没事了~",
    "不用了\n",
    "拜拜👋",
    "了解，收到",
    "\xF0\x9F\xA4\x9D",
    "okok",
    "okayok",
    "好的（谢谢）",
    "《好的》",
    "×÷",
    "©®",
    "！",
    "＄",
    "♥",
    "☺️",
    "\xF3\xA0\x80\xA1",
    "\x01好的\x7F",
};

static const char *const no_closers[] = {
    "",
    "谢谢,那什么时候发货",
    "谢谢?",
    "谢谢？",
    "?",
    "？",
    "好的吗",
    "啦",
    "亲",
    "啊呀",
    "亲亲",
    "你好",
    "不好",
    "没收到",
    "好的1",
    "1",
    "66",
    "okk",
    "oka",
    "o",
    "thank",
    "thankyo",
    "ｏｋ",
    "ＯＫ",
    "ÖK",
    "é",
    "的好",
    "谢",
    "谢谢你们",
    "了",
    "在吗",
    "👍在吗",
    "ok 什么时候",
    "好的，多少钱",
    "ａ",
    "０",
    "ア",
    "가",
    "＠ａ",
    "\u0400",
    "\u1FFF",
    "\u2C00",
    "\u3040",
    "\uFE50",
    "\uFE10",
    "\U0001EFFF",
    "\U0001FB00",
    "\U000DFFFF",
    "\U000E0080",
    "\u00C0",
    "\u00D8",
    "\uFF66",
};

static void closers_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(closers); i++) {
        if (!ask(text_is_closer, str_of(closers[i]), 0)) {
            fail_msg("no closer: %s", closers[i]);
        }
    }
}

static void what_asks_or_says_something_is_no_closer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(no_closers); i++) {
        if (ask(text_is_closer, str_of(no_closers[i]), 0)) {
            fail_msg("a closer: %s", no_closers[i]);
        }
    }
}

/* The spec's list, written a second time as text so that a slip in the code's table shows. */
static bool spec_cuts(uint32_t c)
{
    static const char list[] = "0-2F 3A-40 5B-60 7B-BF D7-D7 F7-F7 2000-2BFF 3000-303F FE00-FE0F FE30-FE4F FF00-FF0F "
                               "FF1A-FF20 FF3B-FF40 FF5B-FF65 1F000-1FAFF E0000-E007F";
    for (const char *p = list; *p;) {
        char *end;
        unsigned long first = strtoul(p, &end, 16);
        unsigned long last = strtoul(end + 1, &end, 16);
        if (c >= first && c <= last) {
            return true;
        }
        p = *end ? end + 1 : end;
    }
    return false;
}

static void exactly_the_listed_code_points_are_cut(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        if ((c >= 0xD800 && c <= 0xDFFF) || c == '?' || c == 0xFF1F) {
            continue;
        }
        char text[4];
        struct str alone = {text, utf8_put(text, c)};
        if (ask(text_is_closer, alone, 0) != (spec_cuts(c) || c == 0x55EF || c == 0x54E6 || c == 0x597D)) {
            fail_msg("U+%04X", (unsigned)c);
        }
    }
}

static void any_way_to_cut_a_chain_counts(void **state)
{
    (void)state;
    static struct str words[] = {S("ab"), S("abc"), S("cd"), S("bcda"), S("")};
    static struct str bits[] = {S("c"), S("a"), S("!")};
    struct rulebook r = {.closing_phrases = words,
                         .closing_phrases_n = COUNT(words),
                         .closing_particles = bits,
                         .closing_particles_n = COUNT(bits)};
    static const struct {
        const char *text;
        bool closer;
    } rows[] = {{"abcd", true},    /* ab cd, not abc d */
                {"abc", true},     /* abc, or ab c */
                {"abcabcd", true}, /* abc ab cd */
                {"abcda", true},   /* a bcda */
                {"aab", true},     /* a ab */
                {"ac", false},     /* particles alone */
                {"abd", false},    {"aabcdaac", true}, {"b", false}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(text_is_closer(str_of(rows[i].text), &r), rows[i].closer);
    }
}

static void a_long_text_is_told_without_a_stack_or_a_blow_up(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 20000; i++) {
        buf_put_str(&b, STR_LIT("好，哦"));
    }
    assert_true(ask(text_is_closer, buf_str(&b), 0));
    buf_put_str(&b, STR_LIT("吗"));
    assert_false(ask(text_is_closer, buf_str(&b), 0));
    buf_fini(&b);
    for (size_t n = 505; n < 520; n++) { /* around the size that is told on the stack */
        char text[520];
        memset(text, '!', n);
        assert_true(ask(text_is_closer, (struct str){text, n}, 0));
        memset(text, 'x', n);
        assert_false(ask(text_is_closer, (struct str){text, n}, 0));
    }
}

static void placeholders_are_told_like_closers(void **state)
{
    (void)state;
    static const char *const yes[] = {"在的", "亲，在的～", "请稍等。", "PLEASE, wait", "在的在的啦", "👍", "..."};
    static const char *const no[] = {"",   "在的?", "在的？", "有货",       "在",
                                     "亲", "谢谢",  "好的",   "在的，有货", "pleasewai"};
    for (size_t i = 0; i < COUNT(yes); i++) {
        assert_true(ask(text_is_placeholder, str_of(yes[i]), COUNT(placeholders)));
    }
    for (size_t i = 0; i < COUNT(no); i++) {
        if (ask(text_is_placeholder, str_of(no[i]), COUNT(placeholders))) {
            fail_msg("a placeholder: %s", no[i]);
        }
    }
}

static void none_is_a_placeholder_while_none_are_configured(void **state)
{
    (void)state;
    assert_false(ask(text_is_placeholder, STR_LIT("👍"), 0));
    assert_false(ask(text_is_placeholder, STR_LIT("在的"), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closers_are_told),
        cmocka_unit_test(what_asks_or_says_something_is_no_closer),
        cmocka_unit_test(exactly_the_listed_code_points_are_cut),
        cmocka_unit_test(any_way_to_cut_a_chain_counts),
        cmocka_unit_test(a_long_text_is_told_without_a_stack_or_a_blow_up),
        cmocka_unit_test(placeholders_are_told_like_closers),
        cmocka_unit_test(none_is_a_placeholder_while_none_are_configured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
