/* The hash table and the names in it, against a plain array as the second opinion. KEFU_SEED repeats a run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/intern.h"
#include "kefu/base/table.h"
#include "support_random.h"

static bool is_same(const void *arg, uint32_t value)
{
    return *(const uint32_t *)arg == value;
}

static uint64_t hash_of(uint32_t key)
{
    return table_hash((struct str){(const char *)&key, sizeof key}, 42);
}

/* Tags of a few values only, so that runs of slots are long and collide. */
static uint64_t poor_hash_of(uint32_t key)
{
    return (uint64_t)(key % 7) << 32;
}

/* The same at the other end, where runs stand behind the last home; an empty slot's own tag among them. */
static uint64_t high_hash_of(uint32_t key)
{
    return (uint64_t)(UINT32_MAX - key % 7) << 32;
}

static void agree(const struct table *t, const bool *in, uint32_t keys_n, uint64_t (*hash)(uint32_t))
{
    size_t n = 0;
    for (uint32_t k = 0; k < keys_n; k++) {
        assert_int_equal(table_find(t, hash(k), is_same, &k), in[k] ? k : TABLE_NONE);
        n += in[k];
    }
    assert_int_equal(t->n, n);
}

static void add_and_remove(uint64_t (*hash)(uint32_t), uint32_t keys_n, int steps)
{
    uint64_t random = random_start();
    struct table t = {0};
    bool *in = calloc(keys_n, sizeof *in);
    for (int step = 0; step < steps; step++) {
        uint32_t k = (uint32_t)(random_next(&random) % keys_n);
        if (in[k])
            assert_true(table_remove(&t, hash(k), k));
        else
            table_add(&t, hash(k), k);
        in[k] = !in[k];
        assert_int_equal(table_remove(&t, hash(k), keys_n + 1), false);
        if (step % (steps / 50) == 0)
            agree(&t, in, keys_n, hash);
        assert_true(t.n * 5 <= t.cap * 4);
    }
    for (uint32_t k = 0; k < keys_n; k++)
        assert_int_equal(table_remove(&t, hash(k), k), in[k]);
    assert_int_equal(t.n, 0);
    for (size_t i = 0; i < t.all_n; i++)
        assert_true(t.slots[i].value == TABLE_NONE); /* no graves */
    table_fini(&t);
    free(in);
}

static void what_was_added_is_found_until_removed(void **state)
{
    (void)state;
    add_and_remove(hash_of, 3000, 100000);
}

static void equal_tags_are_harmless(void **state)
{
    (void)state;
    add_and_remove(poor_hash_of, 200, 5000);
    add_and_remove(high_hash_of, 200, 5000);
}

static void an_empty_table_finds_nothing(void **state)
{
    (void)state;
    struct table t = {0};
    uint32_t k = 1;
    assert_int_equal(table_find(&t, hash_of(k), is_same, &k), TABLE_NONE);
    assert_false(table_remove(&t, hash_of(k), k));
    table_fini(&t);
}

static void hashes_depend_on_bytes_and_seed(void **state)
{
    (void)state;
    assert_true(table_hash(STR_LIT("a"), 1) != table_hash(STR_LIT("b"), 1));
    assert_true(table_hash(STR_LIT("a"), 1) != table_hash(STR_LIT("a"), 2));
    assert_true(table_hash(STR_LIT("a"), 1) == table_hash((struct str){"ab", 1}, 1));
    assert_true(table_hash((struct str){NULL, 0}, 1) == table_hash(STR_LIT(""), 1));
}

static void names_get_numbers_from_one(void **state)
{
    (void)state;
    struct intern t;
    intern_init(&t, 7);
    assert_int_equal(intern_count(&t), 0);
    assert_int_equal(intern_put(&t, (struct str){0}), 0);
    assert_int_equal(intern_find(&t, STR_LIT("li.na")), 0);
    assert_int_equal(intern_put(&t, STR_LIT("li.na")), 1);
    assert_int_equal(intern_put(&t, STR_LIT("wang")), 2);
    assert_int_equal(intern_put(&t, STR_LIT("li.na")), 1);
    assert_int_equal(intern_find(&t, STR_LIT("wang")), 2);
    assert_int_equal(intern_find(&t, STR_LIT("wan")), 0);
    assert_int_equal(intern_count(&t), 2);
    assert_int_equal(intern_name(&t, 0).n, 0);
    assert_string_equal(intern_name(&t, 0).p, "");
    intern_fini(&t);
}

static void a_name_never_moves_and_keeps_its_bytes(void **state)
{
    (void)state;
    struct intern t;
    char name[40];
    intern_init(&t, 7);
    assert_int_equal(intern_put(&t, (struct str){"a\0b", 3}), 1);
    assert_int_equal(intern_put(&t, (struct str){"a\0c", 3}), 2);
    const char *first = intern_name(&t, 1).p;
    for (int i = 0; i < 50000; i++) {
        snprintf(name, sizeof name, "conversation-%d", i);
        assert_int_equal(intern_put(&t, str_of(name)), i + 3);
        memset(name, 'x', sizeof name); /* the table has its own copy */
    }
    for (int i = 0; i < 50000; i++) {
        snprintf(name, sizeof name, "conversation-%d", i);
        assert_int_equal(intern_find(&t, str_of(name)), i + 3);
        assert_true(str_eq(intern_name(&t, (uint32_t)i + 3), str_of(name)));
    }
    assert_ptr_equal(intern_name(&t, 1).p, first);
    assert_true(str_eq(intern_name(&t, 1), (struct str){"a\0b", 3}));
    intern_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_added_is_found_until_removed),
        cmocka_unit_test(equal_tags_are_harmless),
        cmocka_unit_test(an_empty_table_finds_nothing),
        cmocka_unit_test(hashes_depend_on_bytes_and_seed),
        cmocka_unit_test(names_get_numbers_from_one),
        cmocka_unit_test(a_name_never_moves_and_keeps_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
