/* Digests against published vectors, and the clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kefu/base/clock.h"
#include "kefu/base/digest.h"

static void sha256_of_the_standard(void **state)
{
    (void)state;
    char hex[DIGEST_SHA256_HEX];
    digest_sha256_hex(hex, STR_LIT("abc"));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256_hex(hex, (struct str){0});
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* The first and the second row of the 128-bit vectors of SipHash's reference: key 00 … 0f, input "" and 00. */
static void keyed_hash_of_the_reference(void **state)
{
    (void)state;
    static const uint8_t of_nothing[] = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
                                         0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93};
    static const uint8_t of_zero[] = {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44,
                                      0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45};
    uint8_t key[DIGEST_KEY_BYTES], out[DIGEST_KEYED_BYTES];
    for (uint8_t i = 0; i < DIGEST_KEY_BYTES; i++)
        key[i] = i;
    digest_keyed(out, key, (struct str){0});
    assert_memory_equal(out, of_nothing, sizeof out);
    digest_keyed(out, key, (struct str){"\0", 1});
    assert_memory_equal(out, of_zero, sizeof out);
}

static void a_checksum_sees_every_bit(void **state)
{
    (void)state;
    char record[300];
    memset(record, 'r', sizeof record);
    uint64_t whole = digest_checksum((struct str){record, sizeof record});
    for (size_t bit = 0; bit < sizeof record * 8; bit++) {
        record[bit / 8] = (char)(record[bit / 8] ^ (1 << (bit % 8)));
        assert_true(digest_checksum((struct str){record, sizeof record}) != whole);
        record[bit / 8] = (char)(record[bit / 8] ^ (1 << (bit % 8)));
    }
    assert_true(digest_checksum((struct str){0}) == 0x2d06800538d394c2u); /* XXH3's own: it is on disk */
}

static void random_bytes_differ(void **state)
{
    (void)state;
    uint8_t a[32] = {0}, b[32] = {0};
    digest_random(a, sizeof a);
    digest_random(b, sizeof b);
    assert_false(digest_same(a, b, sizeof a));
    assert_true(digest_same(a, a, sizeof a));
}

static void the_clocks_go(void **state)
{
    (void)state;
    struct clock c = clock_real();
    int64_t wall = clock_wall_ms(&c), mono = clock_mono_ms(&c);
    assert_true(wall > INT64_C(1700000000000)); /* milliseconds since 1970 */
    while (clock_mono_ms(&c) == mono)
        ;
    assert_true(clock_mono_ms(&c) > mono);
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
        cmocka_unit_test(sha256_of_the_standard),
        cmocka_unit_test(keyed_hash_of_the_reference),
        cmocka_unit_test(a_checksum_sees_every_bit),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(the_clocks_go),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
