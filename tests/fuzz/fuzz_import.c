/* Any bytes as a table, as a value, as a chat, and as a mapping: no crash, no endless loop, and the same table twice says the
 * same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/utf8.h"
#include "kefu/collectors/csv.h"
#include "kefu/collectors/mapping.h"
#include "kefu/collectors/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char map[] =
    "{\"name\":\"x\",\"events\":[{\"type\":\"transcript\",\"text\":\"a\",\"customer\":\"b\"},"
    "{\"type\":\"message\",\"conversation\":\"b\",\"from\":\"=agent\",\"agent\":\"b\",\"text\":\"a\",\"ts\":{\"column\":\"c\",\"plus\":\"d\"}},"
    "{\"type\":\"rating\",\"conversation\":\"b\",\"score\":\"d\",\"ts\":\"c\"},"
    "{\"type\":\"order\",\"order\":\"b\",\"agent\":\"a\",\"kind\":\"=cross\",\"state\":\"=paid\",\"amount_fen\":\"d\",\"ts\":\"c\"}]}";

static bool is_utf8(struct str s)
{
    for (const char *p = s.p, *end = s.p + s.n; p < end;) {
        size_t n = utf8_length(p, end);
        if (!n) {
            return false;
        }
        p += n;
    }
    return true;
}

static void read_table(struct mapping *m, struct str text)
{
    static struct str cells[CSV_COLUMNS_MAX];
    struct str head[] = {STR_LIT("a"), STR_LIT("b"), STR_LIT("c"), STR_LIT("d")};
    struct arena arena = {0};
    struct csv csv;
    struct err e;
    size_t n;
    if (mapping_head(m, head, 4, &e) < 0) {
        abort();
    }
    csv_begin(&csv, text, 0);
    while (csv_next(&csv, &arena, cells, &n, &e) > 0) {
        struct turned out;
        turned_init(&out, STR_LIT("x"), NULL);
        mapping_row(m, cells, n, &out);
        turned_fini(&out);
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static void read_values(struct str s, const struct tz *tz)
{
    int64_t v;
    if (value_is_none(s) != (value_duration(s, 1000, &v) == VALUE_NONE) ||
        value_is_none(s) != (value_time(s, tz, &v) == VALUE_NONE)) {
        abort();
    }
    value_milli(s, &v);
    value_share(s, &v);
    value_fen(s, &v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct mapping *m;
    static struct tz *tz;
    struct err e;
    struct str s = {(const char *)data, n};
    m = m ? m : mapping_read(STR_LIT(map), "map", &e);
    tz = tz ? tz : tz_load(STR_LIT("Asia/Shanghai"), &e);
    if (!m || !tz || !is_utf8(s)) {
        return 0;
    }
    read_values(s, tz);
    read_table(m, s);
    mapping_free(mapping_read(s, "fuzz", &e));
    return 0;
}
