/* Memory: arenas, growth, and the end when there is none. Errors and log lines, which must work without memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/base/log.h"
#include "kefu/base/mem.h"

/* A sanitizer's malloc then says NULL, as the C library's does. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1:allocator_release_to_os_interval_ms=-1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static volatile size_t far_too_much = SIZE_MAX / 2;

/* Runs `act` in a child with standard error in `text`; gives the exit status. */
static int child(void (*act)(void), char *text, size_t text_n)
{
    int fd[2];
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fd[1], STDERR_FILENO);
        close(fd[0]);
        act();
        _exit(0);
    }
    close(fd[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(fd[0], text + n, text_n - 1 - n)) > 0;)
        n += (size_t)got;
    text[n] = '\0';
    close(fd[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void ask_malloc(void)
{
    (void)!xmalloc(far_too_much);
}

static void ask_calloc(void)
{
    (void)!xcalloc(far_too_much, 16);
}

static void ask_realloc(void)
{
    static void *held; /* static: at the end of the child it is not lost */
    held = xmalloc(1);
    (void)!xrealloc(held, far_too_much);
}

static void ask_grow(void)
{
    char *p = NULL;
    size_t cap = 0;
    xgrow(&p, &cap, far_too_much, 4096);
}

static void without_memory_the_process_ends_with_a_reason(void **state)
{
    (void)state;
    void (*const acts[])(void) = {ask_malloc, ask_calloc, ask_realloc, ask_grow};
    for (size_t i = 0; i < 4; i++) {
        char text[8192];
        assert_int_equal(child(acts[i], text, sizeof text), 70);
        assert_non_null(strstr(text, "<3>evt=no_memory"));
    }
}

static void nothing_is_a_freeable_pointer(void **state)
{
    (void)state;
    void *p = xmalloc(0), *q = xcalloc(0, 8), *r = xrealloc(NULL, 0);
    assert_true(p && q && r);
    r = xrealloc(r, 0);
    assert_non_null(r);
    free(p);
    free(q);
    free(r);
    char *s = xstrndup("abc", 2);
    assert_string_equal(s, "ab");
    free(s);
    s = xstrndup("abc", 100);
    assert_string_equal(s, "abc");
    free(s);
}

static void growth_keeps_what_is_there(void **state)
{
    (void)state;
    uint32_t *list = NULL;
    size_t cap = 0, grown = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        size_t before = cap;
        xgrow(&list, &cap, i + 1, sizeof *list);
        grown += cap != before;
        list[i] = i;
    }
    assert_true(grown < 30);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(list[i], i);
    free(list);
}

/* Whatever its size; it grows, shrinks and goes like any other. */
static void a_large_block_begins_where_a_large_page_does(void **state)
{
    (void)state;
    const size_t large = (size_t)2 << 20;
    for (size_t n = large - 1; n <= 3 * large; n += large / 2 + 1) {
        unsigned char *p = xmalloc(n);
        assert_true(n < large || (uintptr_t)p % large == 0);
        memset(p, 7, n);
        p = xrealloc(p, n + large);
        assert_true(p[0] == 7 && p[n - 1] == 7);
        p = xrealloc(p, 100);
        assert_true(p[0] == 7 && p[99] == 7);
        free(p);
    }
}

static void mapped_memory_begins_at_a_large_page_and_is_zeros(void **state)
{
    (void)state;
    for (size_t n = MEM_LARGE_BYTES; n <= 3 * MEM_LARGE_BYTES; n += MEM_LARGE_BYTES) {
        unsigned char *p = mem_map(n);
        assert_int_equal((uintptr_t)p % MEM_LARGE_BYTES, 0);
        for (size_t i = 0; i < n; i += 1024)
            assert_int_equal(p[i], 0);
        memset(p, 7, n);
        mem_unmap(p, n);
    }
}

/* Whatever the heap does, looking ahead of it changes nothing that is held, and a heap that stays small is left alone. */
static void a_heap_that_grows_is_prepared_for(void **state)
{
    (void)state;
    enum { BLOCKS = 3000, BYTES = 20000 };
    struct mem_ahead heap = {0};
    unsigned char **blocks = xcalloc(BLOCKS, sizeof *blocks);
    const char *end = sbrk(0);
    mem_ahead(&heap);
    assert_null(heap.end);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = memset(xmalloc(BYTES), (int)(i % 251), BYTES);
        mem_ahead(&heap);
    }
    assert_true(heap.end || sbrk(0) == end); /* sanitizers have a heap of their own */
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_int_equal(blocks[i][0], i % 251);
        assert_int_equal(blocks[i][BYTES - 1], i % 251);
        free(blocks[i]);
    }
    free(blocks);
}

/* What is put behind memory is not seen: it holds what is written, be it little or much, and all can be given back. */
static void memory_that_was_expected_is_memory(void **state)
{
    (void)state;
    enum { BLOCKS = 2000 };
    unsigned char *p[BLOCKS];
    for (int round = 0; round < 2; round++) {
        mem_expect((size_t)(round ? 16 : 0) << 20);
        for (size_t i = 0; i < BLOCKS; i++) {
            p[i] = xmalloc(i * 8 + 1);
            memset(p[i], (int)(i & 0xff), i * 8 + 1);
        }
        unsigned char *large = xcalloc(3, (size_t)4 << 20); /* more than was expected is left */
        assert_int_equal(large[((size_t)12 << 20) - 1], 0);
        mem_settle();
        free(large);
        for (size_t i = 0; i < BLOCKS; i++) {
            assert_true(p[i][0] == (i & 0xff) && p[i][i * 8] == (i & 0xff));
            free(p[i]);
        }
    }
}

static void an_arena_hands_out_aligned_memory_that_stays(void **state)
{
    (void)state;
    struct arena a = {0};
    unsigned char *p[2000];
    for (size_t i = 0; i < 2000; i++) {
        p[i] = arena_alloc(&a, i);
        assert_int_equal((uintptr_t)p[i] % 16, 0);
        memset(p[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 2000; i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_equal(p[i][k], i & 0xff);
    }
    void *large = arena_alloc(&a, 5000000);
    memset(large, 1, 5000000);
    arena_reset(&a);
    assert_int_equal(a.total_n, 0);
    assert_null(a.block); /* one giant is not kept */
    (void)arena_alloc(&a, 100);
    arena_reset(&a);
    assert_non_null(a.block);
    arena_fini(&a);
    assert_null(a.block);
}

/* Bytes stand side by side, however long they are, and what is handed out next to them is aligned again. */
static void bytes_of_an_arena_have_no_gaps(void **state)
{
    (void)state;
    struct arena a = {0};
    char *before = arena_bytes(&a, 3);
    for (size_t n = 1; n < 80; n++) {
        char *p = arena_bytes(&a, n);
        assert_ptr_equal(p, before + (n == 1 ? 3 : n - 1));
        memset(p, (int)n, n);
        before = p;
    }
    assert_int_equal((uintptr_t)arena_alloc(&a, 1) % 16, 0);
    for (size_t i = 0; i < 79; i++)
        assert_int_equal(before[i], 79);
    char *large = arena_bytes(&a, 5000000); /* more than a block: one of its own */
    memset(large, 1, 5000000);
    assert_non_null(arena_bytes(&a, 0));
    arena_fini(&a);
}

static void a_copy_ends_in_zero_and_absent_stays_absent(void **state)
{
    (void)state;
    struct arena a = {0};
    struct str s = arena_copy(&a, (struct str){"a\0bc", 3});
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.p, "a\0b", 4);
    s = arena_copy(&a, (struct str){0});
    assert_null(s.p);
    assert_int_equal(s.n, 0);
    arena_fini(&a);
}

static void errors_are_cut_on_a_character(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 4; lead++) {
        char text[700] = "xxx";
        struct err e;
        size_t n = lead;
        while (n + 4 < sizeof text) {
            memcpy(text + n, "🌹", 4);
            n += 4;
        }
        text[n] = '\0';
        assert_int_equal(err_set(&e, text, "%s", text), -1);
        assert_true(strlen(e.where) > sizeof e.where - 5 && strlen(e.where) < sizeof e.where);
        assert_int_equal((strlen(e.where) - lead) % 4, 0);
        assert_true(strlen(e.what) > sizeof e.what - 5);
        assert_int_equal((strlen(e.what) - lead) % 4, 0);
    }
}

static void an_error_may_be_told_again_in_other_words(void **state)
{
    (void)state;
    struct err e;
    assert_int_equal(err_set(&e, "a.json:3", "found %d", -3), -1);
    assert_string_equal(e.where, "a.json:3");
    assert_string_equal(e.what, "found -3");
    err_set(&e, e.where, "weight: %s", e.what);
    assert_string_equal(e.where, "a.json:3");
    assert_string_equal(e.what, "weight: found -3");
    assert_int_equal(err_set(NULL, "", "x"), -1);
}

static void log_a_nasty_line(void)
{
    errno = EPIPE;
    log_line(LOG_LEVEL_WARN, "test", "a=%s n=%d", "x\ny\x1b[31m\xc2\x85 客服", 5);
    if (errno != EPIPE)
        _exit(9);
    log_line(LOG_LEVEL_DEBUG, "hidden", "x=1");
    log_set_level(LOG_LEVEL_DEBUG);
    log_line(LOG_LEVEL_DEBUG, "shown", "%s", "");
}

static void log_a_long_line(void)
{
    char text[5000];
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "客", 4);
    log_line(LOG_LEVEL_INFO, "long", "%s", text);
}

static void a_log_line_is_one_line(void **state)
{
    (void)state;
    char text[8192];
    assert_int_equal(child(log_a_nasty_line, text, sizeof text), 0);
    assert_string_equal(text, "<4>evt=test a=x?y?[31m?? 客服 n=5\n<7>evt=shown \n");
    assert_int_equal(child(log_a_long_line, text, sizeof text), 0);
    size_t n = strlen(text);
    assert_true(n <= 2048 && n > 2000);
    assert_int_equal(text[n - 1], '\n');
    assert_memory_equal(text + n - 4, "客", 3); /* cut on a character */
}

static void repeated_lines_are_counted_not_written(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    uint64_t suppressed = 99;
    assert_true(log_every(&limit, 5000, 1000, &suppressed));
    assert_int_equal(suppressed, 0);
    assert_false(log_every(&limit, 5001, 1000, &suppressed));
    assert_false(log_every(&limit, 5999, 1000, &suppressed));
    assert_true(log_every(&limit, 6000, 1000, &suppressed));
    assert_int_equal(suppressed, 2);
    assert_true(log_every(&limit, 9000, 1000, &suppressed));
    assert_int_equal(suppressed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_the_process_ends_with_a_reason),
        cmocka_unit_test(nothing_is_a_freeable_pointer),
        cmocka_unit_test(growth_keeps_what_is_there),
        cmocka_unit_test(a_large_block_begins_where_a_large_page_does),
        cmocka_unit_test(mapped_memory_begins_at_a_large_page_and_is_zeros),
        cmocka_unit_test(a_heap_that_grows_is_prepared_for),
        cmocka_unit_test(memory_that_was_expected_is_memory),
        cmocka_unit_test(an_arena_hands_out_aligned_memory_that_stays),
        cmocka_unit_test(bytes_of_an_arena_have_no_gaps),
        cmocka_unit_test(a_copy_ends_in_zero_and_absent_stays_absent),
        cmocka_unit_test(errors_are_cut_on_a_character),
        cmocka_unit_test(an_error_may_be_told_again_in_other_words),
        cmocka_unit_test(a_log_line_is_one_line),
        cmocka_unit_test(repeated_lines_are_counted_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
