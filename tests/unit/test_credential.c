/* Which file a path of the configuration means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kefu/daemon/credential.h"

static struct err e;
static char file[PATH_MAX];

static void a_credential_is_in_the_managers_folder(void **state)
{
    (void)state;
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/k", 1);
    assert_int_equal(credential_file("credential:redis-password", file, &e), 0);
    assert_string_equal(file, "/run/credentials/k/redis-password");
}

static void any_other_path_is_itself(void **state)
{
    (void)state;
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(credential_file("/etc/kefud/credential:x", file, &e), 0);
    assert_string_equal(file, "/etc/kefud/credential:x");
}

static void a_name_leads_nowhere_else(void **state)
{
    static const char *const bad[] = {"credential:", "credential:..", "credential:../shadow", "credential:a/b"};
    (void)state;
    setenv("CREDENTIALS_DIRECTORY", "/run/credentials/k", 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(credential_file(bad[i], file, &e), -1);
        assert_string_equal(e.where, bad[i]);
    }
}

static void without_a_folder_it_is_said_what_to_do(void **state)
{
    (void)state;
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_false(credentials_are_here());
    assert_int_equal(credential_file("credential:x", file, &e), -1);
    assert_non_null(strstr(e.what, "start kefud by its unit"));
    setenv("CREDENTIALS_DIRECTORY", "", 1);
    assert_false(credentials_are_here());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_is_in_the_managers_folder),
        cmocka_unit_test(any_other_path_is_itself),
        cmocka_unit_test(a_name_leads_nowhere_else),
        cmocka_unit_test(without_a_folder_it_is_said_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
