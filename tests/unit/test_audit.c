/* The audit log is a chain: whatever is done to its rows by hand shows, however whole each row is in itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/store/audit.h"
#include "kefu/store/reader.h"
#include "support_store.h"

static int set_up(void **state)
{
    digest_start();
    log_set_level(LOG_LEVEL_ERROR);
    *state = test_dir_new();
    return 0;
}

static int tear_down(void **state)
{
    test_dir_free(*state);
    return 0;
}

static void write_lines(const char *dir, int from, int n, char head[DIGEST_SHA256_HEX])
{
    struct err e;
    struct store *s = store_open(dir, &e);
    assert_non_null(s);
    for (int i = from; i < from + n; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"did\":\"pay.read\",\"i\":%d}", i);
        struct str lines[2] = {str_of(text), STR_LIT("{\"did\":\"other\"}")};
        struct commit c = {.audit = lines, .audit_n = 2, .audit_head = head}, *list[] = {&c};
        store_write(s, list, 1);
        assert_int_equal(c.result, COMMIT_DONE);
    }
    store_close(s);
}

static int verify(const char *dir, int64_t *n, char head[DIGEST_SHA256_HEX], struct err *e)
{
    char path[4096];
    struct reader r;
    snprintf(path, sizeof path, "%s/kefu.db", dir);
    assert_int_equal(reader_open(&r, path, e), 0);
    int bad = audit_verify(&r.db, n, head, e);
    reader_close(&r);
    return bad;
}

static void lines_are_a_chain_over_restarts(void **state)
{
    char head[DIGEST_SHA256_HEX], found[DIGEST_SHA256_HEX], expected[DIGEST_SHA256_HEX];
    int64_t n;
    struct err e = {0};
    write_lines(*state, 0, 1, head);
    audit_hash(expected, STR_LIT(AUDIT_START), STR_LIT("{\"did\":\"pay.read\",\"i\":0}"));
    audit_hash(expected, str_of(expected), STR_LIT("{\"did\":\"other\"}"));
    assert_string_equal(head, expected);
    write_lines(*state, 1, 3, head);
    assert_int_equal(verify(*state, &n, found, &e), 0);
    assert_int_equal(n, 8);
    assert_string_equal(found, head);
}

static void an_empty_log_is_whole(void **state)
{
    char head[DIGEST_SHA256_HEX];
    int64_t n;
    struct err e = {0};
    write_lines(*state, 0, 0, head);
    assert_int_equal(verify(*state, &n, head, &e), 0);
    assert_int_equal(n, 0);
    assert_string_equal(head, AUDIT_START);
}

/* Rows that are moved or taken out keep their own checksums, which are over line and hash and number alone. */
static void what_is_done_by_hand_shows(void **state)
{
    static const char *const done[] = {
        "DELETE FROM audit WHERE number = 1",
        "DELETE FROM audit WHERE number = 4",
        "UPDATE audit SET number = 9 WHERE number = 8",
        "UPDATE audit SET line = '{\"did\":\"nothing\"}' WHERE number = 5",
        "UPDATE audit SET hash = (SELECT hash FROM audit WHERE number = 2) WHERE number = 3",
        "INSERT INTO audit(number, site, line, hash, checksum) SELECT 9, site, line, hash, checksum FROM audit WHERE number = 8",
    };
    for (size_t i = 0; i < sizeof done / sizeof *done; i++) {
        char *dir = test_dir_new(), head[DIGEST_SHA256_HEX];
        int64_t n;
        struct err e = {0};
        (void)state;
        write_lines(dir, 0, 4, head);
        test_sql(dir, done[i]);
        assert_int_equal(verify(dir, &n, head, &e), -1);
        assert_true(e.what[0]);
        test_dir_free(dir);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_a_chain_over_restarts),
        TEST(an_empty_log_is_whole),
        TEST(what_is_done_by_hand_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
