/* Events as bytes on disk, and as JSON for people.
 *
 * Record, version 1: version byte; length of the rest; type; how; flags; ts (signed); a mask of what is not absent or 0
 * (first the four numbers, then the strings in the order of EVENT_STRS); source, id, subject; then what the mask names.
 * Strings are length and bytes. What is absent costs nothing but its bit. The length lets a reader step over versions it
 * does not know. A record that has a bit no writer of ours sets is damage, and is refused. */
#include "kefu/model/event.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "kefu/model/event_table.h"

#define VERSION   1
#define BODY_MAX  (1 << 14) /* what two bytes of length can say; a full event is under 4,000 */
#define FLAGS_ALL ((uint32_t)(EVENT_PLACEHOLDER << 1) - 1)

/* The numbers that only some types have, in the order of their bits. On disk: append only. */
#define NUMBERS 4
static const size_t number_at[NUMBERS] = {
    offsetof(struct event, text_bytes),
    offsetof(struct event, amount_fen),
    offsetof(struct event, score_milli),
    offsetof(struct event, scale),
};

static int64_t number_get(const struct event *e, int i)
{
    int64_t v;
    memcpy(&v, (const char *)e + number_at[i], sizeof v);
    return v;
}

static void number_set(struct event *e, int i, int64_t v)
{
    memcpy((char *)e + number_at[i], &v, sizeof v);
}

static uint32_t mask_of(const struct event *e)
{
    uint32_t mask = 0;
    for (int i = 0; i < NUMBERS; i++) {
        mask |= (uint32_t)(number_get(e, i) != 0) << i;
    }
    for (int i = 0; i < EVENT_STR_N; i++) {
        mask |= (uint32_t)(e->strs[i].n != 0) << (NUMBERS + i);
    }
    return mask;
}

static void put_counted(struct buf *out, struct str s)
{
    buf_put_uvar(out, s.n);
    buf_put_str(out, s);
}

static void put_body(struct buf *out, const struct event *e)
{
    uint32_t mask = mask_of(e);
    buf_put_byte(out, (uint8_t)e->type);
    buf_put_byte(out, (uint8_t)e->how);
    buf_put_uvar(out, e->flags);
    buf_put_svar(out, e->ts);
    buf_put_uvar(out, mask);
    put_counted(out, e->source);
    put_counted(out, e->id);
    put_counted(out, e->subject);
    for (int i = 0; i < NUMBERS; i++) {
        if (mask & 1U << i) {
            buf_put_svar(out, number_get(e, i));
        }
    }
    for (int i = 0; i < EVENT_STR_N; i++) {
        if (mask & 1U << (NUMBERS + i)) {
            put_counted(out, e->strs[i]);
        }
    }
}

void event_encode(struct buf *out, const struct event *e)
{
    buf_put_byte(out, VERSION);
    size_t length_at = out->n;
    buf_put_byte(out, 0);
    put_body(out, e);
    size_t n = out->n - length_at - 1;
    assert(n < BODY_MAX);
    if (n < 0x80) {
        out->p[length_at] = (char)n;
        return;
    }
    buf_put_byte(out, 0); /* room for the second byte of the length */
    memmove(out->p + length_at + 2, out->p + length_at + 1, n);
    out->p[length_at] = (char)(0x80 | (n & 0x7F));
    out->p[length_at + 1] = (char)(n >> 7);
}

static struct str take_counted(struct cursor *in)
{
    uint64_t n = cursor_uvar(in);
    return cursor_bytes(in, n);
}

static void take_body(struct cursor *in, struct event *e)
{
    *e = (struct event){0};
    uint8_t type = cursor_byte(in);
    uint8_t how = cursor_byte(in);
    uint64_t flags = cursor_uvar(in);
    e->ts = cursor_svar(in);
    uint64_t mask = cursor_uvar(in);
    e->source = take_counted(in);
    e->id = take_counted(in);
    e->subject = take_counted(in);
    in->bad |= !event_row((enum event_type)type) || how >= EVENT_HOWS || flags > FLAGS_ALL ||
               mask >> (NUMBERS + EVENT_STR_N) != 0 || e->source.n == 0 || e->id.n == 0 || e->subject.n == 0;
    e->type = (enum event_type)type;
    e->how = (enum event_how)how;
    e->flags = (uint32_t)flags;
    for (int i = 0; i < NUMBERS; i++) {
        if (mask & 1U << i) {
            int64_t v = cursor_svar(in);
            in->bad |= v == 0;
            number_set(e, i, v);
        }
    }
    for (int i = 0; i < EVENT_STR_N; i++) {
        if (mask & 1U << (NUMBERS + i)) {
            e->strs[i] = take_counted(in);
            in->bad |= e->strs[i].n == 0;
        }
    }
}

int event_decode(struct cursor *in, struct event *e, struct err *err)
{
    uint8_t version = cursor_byte(in);
    struct str bytes = take_counted(in);
    *e = (struct event){0};
    if (in->bad) {
        return err_set(err, "event record", "found the end, expected the whole record: it is damaged");
    }
    if (version != VERSION) {
        return err_set(err, "event record",
                       "found version %d, expected %d: was it written by a newer kefud? Then run that one", version,
                       VERSION);
    }
    struct cursor body = cursor_of(bytes);
    take_body(&body, e);
    if (body.bad || body.p != body.end) {
        *e = (struct event){0};
        return err_set(err, "event record", "found bytes that are no event: the record is damaged");
    }
    return 0;
}

static void print_decimal(struct buf *out, int64_t milli)
{
    buf_printf(out, "%" PRId64, milli / 1000);
    int part = (int)(milli % 1000);
    if (part) {
        char digits[16];
        int n = snprintf(digits, sizeof digits, "%03d", part);
        while (digits[n - 1] == '0') {
            n--;
        }
        buf_printf(out, ".%.*s", n, digits);
    }
}

static void print_hex(struct buf *out, struct str s)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        buf_printf(out, "%02x", (unsigned char)s.p[i]);
    }
    buf_put_byte(out, '"');
}

static bool field_is_there(const struct event_field *f, const struct event *e)
{
    if (f->only_for != HOW_NONE && f->only_for != e->how) {
        return false;
    }
    switch (f->kind) {
    case FIELD_STR:
    case FIELD_CUSTOMER:
    case FIELD_DATE: return e->strs[f->which].n != 0;
    case FIELD_FLAG: return (e->flags & (uint32_t)f->which) != 0;
    case FIELD_CLOSING: return (e->flags & (EVENT_CLOSING_TRUE | EVENT_CLOSING_FALSE)) != 0;
    case FIELD_TEXT: return (e->flags & EVENT_HAS_TEXT) != 0;
    default: return true;
    }
}

static void print_str_or_null(struct buf *out, struct str s)
{
    if (s.n) {
        buf_put_json(out, s);
    } else {
        buf_put_str(out, STR_LIT("null"));
    }
}

static void print_value(struct buf *out, const struct event_field *f, const struct event *e)
{
    switch (f->kind) {
    case FIELD_NONE: break;
    case FIELD_SUBJECT: buf_put_json(out, e->subject); break;
    case FIELD_STR:
    case FIELD_DATE: buf_put_json(out, e->strs[f->which]); break;
    case FIELD_STR_OR_NULL: print_str_or_null(out, e->strs[f->which]); break;
    case FIELD_CUSTOMER: print_hex(out, e->strs[f->which]); break;
    case FIELD_WORD: buf_put_json(out, event_how_name(e->how)); break;
    case FIELD_CROSS: buf_put_json(out, e->flags & EVENT_CROSS ? STR_LIT("cross") : STR_LIT("main")); break;
    case FIELD_FLAG: buf_put_str(out, STR_LIT("true")); break;
    case FIELD_CLOSING: buf_put_str(out, e->flags & EVENT_CLOSING_TRUE ? STR_LIT("true") : STR_LIT("false")); break;
    case FIELD_TEXT: buf_printf(out, "%" PRId64, e->text_bytes); break;
    case FIELD_FEN: buf_printf(out, "%" PRId64, e->amount_fen); break;
    case FIELD_SCORE: print_decimal(out, e->score_milli); break;
    case FIELD_SCALE: buf_printf(out, "%" PRId64, e->scale); break;
    }
}

void event_print_json(struct buf *out, const struct event *e)
{
    buf_put_str(out, STR_LIT("{\"id\":"));
    buf_put_json(out, e->id);
    buf_put_str(out, STR_LIT(",\"source\":"));
    buf_put_json(out, e->source);
    buf_printf(out, ",\"ts\":%" PRId64 ",\"type\":", e->ts);
    buf_put_json(out, event_type_name(e->type));
    const struct event_row *row = event_row(e->type);
    for (const struct event_field *f = row ? row->fields : NULL; f && f->kind != FIELD_NONE; f++) {
        if (field_is_there(f, e)) {
            /* Of a text only its length is known; the name says so. */
            struct str name = f->kind == FIELD_TEXT ? STR_LIT("text_bytes") : f->name;
            buf_printf(out, ",\"%.*s\":", STR_ARG(name));
            print_value(out, f, e);
        }
    }
    buf_put_byte(out, '}');
}
