/* Who may take a path: nobody's, or a dead listener's; never a living one's, never a file's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kefu/base/unix_socket.h"
#include "support_store.h"

static struct err e;
static char path[128];

static int set_up(void **state)
{
    *state = test_dir_new();
    snprintf(path, sizeof(path), "%.100s/a.sock", (char *)*state);
    return 0;
}

static int tear_down(void **state)
{
    test_dir_free(*state);
    return 0;
}

static void the_file_has_its_mode_whatever_the_umask(void **state)
{
    static const mode_t umasks[] = {0, 022, 077};
    struct stat st;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mode_t was = umask(umasks[i]);
        int fd = unix_listen(path, 0660, &e);
        umask(was);
        assert_true(fd >= 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0660);
        close(fd); /* and what a dead one left is replaced */
    }
}

static void a_living_listener_keeps_its_path(void **state)
{
    (void)state;
    int fd = unix_listen(path, 0600, &e);
    assert_true(fd >= 0);
    assert_int_equal(unix_listen(path, 0600, &e), -1);
    assert_non_null(strstr(e.what, "already"));
    close(fd);
}

static void a_file_is_not_removed(void **state)
{
    struct stat st;
    (void)state;
    fclose(fopen(path, "w"));
    assert_int_equal(unix_listen(path, 0600, &e), -1);
    assert_non_null(strstr(e.what, "no socket"));
    assert_int_equal(stat(path, &st), 0);
}

static void a_path_that_is_too_long_is_named(void **state)
{
    char longer[200];
    (void)state;
    memset(longer, 'a', sizeof(longer));
    longer[199] = 0;
    assert_int_equal(unix_listen(longer, 0600, &e), -1);
    assert_non_null(strstr(e.what, "longer than 107"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_file_has_its_mode_whatever_the_umask, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_living_listener_keeps_its_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_is_not_removed, set_up, tear_down),
        cmocka_unit_test(a_path_that_is_too_long_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
