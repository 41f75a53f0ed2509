/* Blocks of whole lines out of files: nothing lost at their borders, numbers right, what is no NDJSON refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kefu/base/mem.h"
#include "kefu/ctl/lines.h"

static char path[64];

static void write_file(const char *p, size_t n)
{
    strcpy(path, "/tmp/kefu-lines-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    close(fd);
}

static int forget_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void the_last_line_gets_its_line_feed(void **state)
{
    (void)state;
    struct lines l;
    struct str block;
    struct err e;
    write_file("one\n\nthree", 10);
    assert_int_equal(lines_open(&l, path, &e), 0);
    assert_int_equal(l.size_bytes, 10);
    struct buf all = {0};
    uint64_t expected = 1;
    while (lines_next(&l, &block, &e) == 1) {
        assert_int_equal(l.line, expected);
        expected = l.next_line;
        buf_put_str(&all, block);
    }
    assert_int_equal(l.next_line, 4);
    assert_int_equal(lines_next(&l, &block, &e), 0);
    assert_true(str_eq(buf_str(&all), STR_LIT("one\n\nthree\n")));
    buf_fini(&all);
    lines_close(&l);
}

static void an_empty_file_has_no_line(void **state)
{
    (void)state;
    struct lines l;
    struct str block;
    struct err e;
    write_file("", 0);
    assert_int_equal(lines_open(&l, path, &e), 0);
    assert_int_equal(lines_next(&l, &block, &e), 0);
    lines_close(&l);
}

static void blocks_of_a_large_file_put_together_are_the_file(void **state)
{
    (void)state;
    struct buf whole = {0}, all = {0};
    struct lines l;
    struct str block;
    struct err e;
    for (int i = 0; i < 60000; i++)
        buf_printf(&whole, "%0*d\n", 1 + i % 37, i);
    write_file(whole.p, whole.n);
    assert_int_equal(lines_open(&l, path, &e), 0);
    int blocks = 0;
    while (lines_next(&l, &block, &e) == 1) {
        assert_true(block.n == 0 || block.p[block.n - 1] == '\n');
        buf_put_str(&all, block);
        blocks++;
    }
    assert_true(blocks > 2);
    assert_int_equal(l.next_line, 60001);
    assert_true(str_eq(buf_str(&whole), buf_str(&all)));
    buf_fini(&whole);
    buf_fini(&all);
    lines_close(&l);
}

static void gzip_is_refused_with_the_command_that_mends_it(void **state)
{
    (void)state;
    struct lines l;
    struct str block;
    struct err e;
    write_file("\x1f\x8b\x08\x00xxxx\n", 9);
    assert_int_equal(lines_open(&l, path, &e), 0);
    assert_int_equal(lines_next(&l, &block, &e), -1);
    assert_non_null(strstr(e.what, "zcat"));
    lines_close(&l);
}

static void a_line_longer_than_any_event_is_refused_by_number(void **state)
{
    (void)state;
    struct lines l;
    struct str block;
    struct err e;
    size_t n = LINES_LINE_MAX + 2 * LINES_BLOCK_BYTES;
    char *text = xmalloc(n);
    memset(text, 'x', n);
    memcpy(text, "ok\n", 3);
    write_file(text, n);
    assert_int_equal(lines_open(&l, path, &e), 0);
    int more, blocks = 0;
    while ((more = lines_next(&l, &block, &e)) > 0)
        blocks += block.n > 0;
    assert_int_equal(more, -1);
    assert_int_equal(blocks, 1);
    assert_non_null(strstr(e.what, "line 2 "));
    lines_close(&l);
    free(text);
}

static void a_missing_file_and_a_directory_are_told(void **state)
{
    (void)state;
    struct lines l;
    struct str block;
    struct err e;
    write_file("", 0);
    assert_int_equal(lines_open(&l, "/nonexistent/file", &e), -1);
    assert_string_equal(e.where, "/nonexistent/file");
    assert_int_equal(lines_open(&l, "/tmp", &e), 0);
    assert_int_equal(lines_next(&l, &block, &e), -1);
    lines_close(&l);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, forget_file)
    const struct CMUnitTest tests[] = {
        TEST(the_last_line_gets_its_line_feed),
        TEST(an_empty_file_has_no_line),
        TEST(blocks_of_a_large_file_put_together_are_the_file),
        TEST(gzip_is_refused_with_the_command_that_mends_it),
        TEST(a_line_longer_than_any_event_is_refused_by_number),
        TEST(a_missing_file_and_a_directory_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
