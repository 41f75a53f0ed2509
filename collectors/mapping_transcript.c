/* A whole chat in one cell, as third-party exporters of 千牛 write it: "时间 发送者：内容" a line, or a line "发送者 时间" (or
 * "发送者(时间):") with what was said below it. What begins with no time belongs to the message before.
 *
 * A chat has no number of its own there: a customer's messages with us are one conversation, under a hash of the customer's
 * name. Everybody but the customer is an agent. */
#include <inttypes.h>
#include <stdio.h>

#include "kefu/base/digest.h"
#include "kefu/collectors/mapping_inside.h"
#include "kefu/collectors/value.h"

struct said {
    struct str who;
    int64_t ts;
    struct str text; /* the rest of its line; grows by the lines that follow */
};

static struct str cut_blanks(struct str s)
{
    while (s.n > 0 && strchr(" \t\r\n", s.p[0])) {
        s = (struct str){s.p + 1, s.n - 1};
    }
    while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

/* How long a date and time s begins with; 0: it begins with none. */
static size_t time_bytes(struct str s, const struct tz *tz, int64_t *ms)
{
    size_t longest = s.n < 32 ? s.n : 32;
    if (s.n < 12 || s.p[0] < '0' || s.p[0] > '9') {
        return 0;
    }
    for (size_t n = longest; n >= 12; n--) {
        bool cut_inside = n < s.n && s.p[n] >= '0' && s.p[n] <= '9';
        if (!cut_inside && memchr(s.p, ':', n) && value_time((struct str){s.p, n}, tz, ms) == VALUE_READ) {
            return n;
        }
    }
    return 0;
}

/* The first colon, plain or wide; n of it in *width. NULL: none. */
static const char *colon_in(struct str s, size_t *width)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ':') {
            *width = 1;
            return s.p + i;
        }
        if (s.n - i >= 3 && memcmp(s.p + i, "：", 3) == 0) {
            *width = 3;
            return s.p + i;
        }
    }
    return NULL;
}

/* "时间 发送者：内容" */
static bool time_first(struct str line, const struct tz *tz, struct said *m)
{
    size_t width, n = time_bytes(line, tz, &m->ts);
    struct str rest = {line.p + n, line.n - n};
    /* A shop's agents have a colon in their own names (店铺:小雅), so it is the last one that is followed by no other. */
    const char *colon = n ? colon_in(rest, &width) : NULL;
    if (!colon) {
        return false;
    }
    struct str after = {colon + width, (size_t)(rest.p + rest.n - colon) - width};
    size_t wide;
    const char *second = width == 1 ? colon_in(after, &wide) : NULL;
    if (second && wide == 3 && second - rest.p < 64) {
        colon = second;
        width = 3;
    }
    m->who = cut_blanks((struct str){rest.p, (size_t)(colon - rest.p)});
    m->text = cut_blanks((struct str){colon + width, (size_t)(rest.p + rest.n - colon) - width});
    return m->who.n > 0 && m->who.n <= 100;
}

/* "发送者 时间" or "发送者(时间):" */
static bool name_first(struct str line, const struct tz *tz, struct said *m)
{
    for (size_t i = 1; i + 12 <= line.n && i <= 100; i++) {
        bool gap = line.p[i - 1] == ' ' || line.p[i - 1] == '(' || line.p[i - 1] == '\t';
        struct str rest = {line.p + i, line.n - i};
        size_t n = gap ? time_bytes(rest, tz, &m->ts) : 0;
        if (!n) {
            continue;
        }
        struct str after = cut_blanks((struct str){rest.p + n, rest.n - n});
        while (after.n > 0 && strchr("):", after.p[0])) {
            after = (struct str){after.p + 1, after.n - 1};
        }
        m->who = cut_blanks((struct str){line.p, i - 1});
        m->text = cut_blanks(after);
        return m->who.n > 0;
    }
    return false;
}

static void put_said(struct mapping *m, struct turned *out, const struct said *s, struct str customer)
{
    char hash[DIGEST_SHA256_HEX], conversation[40];
    struct buf facts = {0}, named = {0};
    bool by_customer = str_eq(s->who, customer);
    buf_printf(&named, "%.*s|%.*s", STR_ARG(m->name), STR_ARG(customer));
    digest_sha256_hex(hash, buf_str(&named));
    snprintf(conversation, sizeof(conversation), "chat-%.24s", hash);
    buf_printf(&facts, "said|%" PRId64 "|%s|%.*s", s->ts, conversation, by_customer ? 0 : (int)s->who.n,
               by_customer ? "" : s->who.p);
    turned_begin(out, "message", s->ts);
    mapping_id(m, out, buf_str(&facts));
    turned_own(out, "conversation", str_of(conversation));
    turned_own(out, "customer", customer);
    turned_text(out, "from", by_customer ? STR_LIT("customer") : STR_LIT("agent"));
    if (!by_customer) {
        turned_agent(out, "agent", s->who);
    }
    turned_text(out, "text", cut_blanks(s->text));
    turned_end(out, by_customer ? "the customer wrote" : "an agent wrote");
    buf_fini(&facts);
    buf_fini(&named);
}

void mapping_transcript(struct mapping *m, struct turned *out, struct str text, struct str customer)
{
    struct said now = {0}, next;
    bool any = false;
    if (!text.n || !customer.n) {
        turned_ignore(out, "transcript: nothing stands for %s", text.n ? "customer" : "text");
        return;
    }
    while (text.n > 0) {
        const char *end = memchr(text.p, '\n', text.n);
        struct str line = {text.p, end ? (size_t)(end - text.p) : text.n};
        text = (struct str){text.p + line.n + (end != NULL), text.n - line.n - (end != NULL)};
        if (time_first(cut_blanks(line), m->tz, &next) || name_first(cut_blanks(line), m->tz, &next)) {
            if (any) {
                put_said(m, out, &now, customer);
            }
            any = true;
            now = next;
        } else if (any) { /* the message goes on: its text is one piece of the cell */
            const char *from = now.text.n ? now.text.p : line.p;
            now.text = (struct str){from, (size_t)(line.p + line.n - from)};
        }
    }
    if (any) {
        put_said(m, out, &now, customer);
    } else {
        turned_refuse(out, "transcript: expected lines such as \"2026-03-02 09:00:45 发送者：内容\"");
    }
}
