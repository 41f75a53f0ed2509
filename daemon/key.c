/* The file is written whole under another name first, so that a crash leaves either no key or a good one; the check value goes
 * into the store after it, and only then do events come in. */
#include "kefu/daemon/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kefu/base/buf.h"
#include "kefu/daemon/credential.h"

#define HEX_N    ((size_t)2 * DIGEST_KEY_BYTES)
#define CHECK_OF STR_LIT("kefu customer key")
#define CHECK    STR_LIT("customer_key_check")

static void put_hex(char *out, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static int parse_hex(const char *text, uint8_t key[DIGEST_KEY_BYTES])
{
    for (size_t i = 0; i < DIGEST_KEY_BYTES; i++) {
        int high = hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
        if (low < 0) {
            return -1;
        }
        key[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* Of a key that is handed over the manager has seen to who may read it, and shows it in ways of its own (an access list
 * makes the mode look like 0440). */
static int check_private(int fd, const char *path, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return err_set(e, path, "%s", strerror(errno));
    }
    if (!credential_is(path) && (st.st_mode & 077)) {
        return err_set(e, path, "found mode %04o, expected 0600: others may read the key; chmod 600 it",
                       (unsigned)(st.st_mode & 0777));
    }
    return 0;
}

static int read_key(int fd, const char *path, uint8_t key[DIGEST_KEY_BYTES], struct err *e)
{
    char text[HEX_N + 2] = {0};
    if (check_private(fd, path, e) < 0) {
        return -1;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n < (ssize_t)HEX_N || parse_hex(text, key) < 0) {
        return err_set(e, path, "found no key, expected %zu hexadecimal digits; restore the file from a backup", HEX_N);
    }
    return 0;
}

static int write_key(const char *path, const uint8_t key[DIGEST_KEY_BYTES], struct err *e)
{
    char fresh[4096 + 8], text[HEX_N + 2];
    int status = -1;
    snprintf(fresh, sizeof(fresh), "%.4095s.new", path);
    put_hex(text, key, DIGEST_KEY_BYTES);
    text[HEX_N] = '\n';
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_set(e, fresh, "cannot make it: %s", strerror(errno));
    }
    if (write(fd, text, HEX_N + 1) != HEX_N + 1 || fsync(fd) < 0 || rename(fresh, path) < 0) {
        err_set(e, fresh, "cannot write it: %s", strerror(errno));
        goto out;
    }
    status = 0;
out:
    close(fd);
    return status;
}

static int sync_dir_of(const char *path, struct err *e)
{
    char dir[4096];
    const char *slash = strrchr(path, '/');
    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0) {
        err_set(e, dir, "cannot sync it: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    close(fd);
    return 0;
}

static int make_key(const char *path, uint8_t key[DIGEST_KEY_BYTES], struct err *e)
{
    digest_random(key, DIGEST_KEY_BYTES);
    return write_key(path, key, e) < 0 ? -1 : sync_dir_of(path, e);
}

static int check_key(struct store *s, const char *path, const uint8_t key[DIGEST_KEY_BYTES], struct str known,
                     struct err *e)
{
    uint8_t check[DIGEST_KEYED_BYTES];
    char hex[2 * DIGEST_KEYED_BYTES + 1];
    digest_keyed(check, key, CHECK_OF);
    put_hex(hex, check, sizeof(check));
    if (known.n == 0) {
        return store_set(s, CHECK, str_of(hex), e);
    }
    if (!str_eq(known, str_of(hex))) {
        return err_set(e, path,
                       "this is not the key under which the store's customers were hashed; restore the right file");
    }
    return 0;
}

/* There is no file. */
static int make_if_new(struct store *s, const char *path, struct str known, uint8_t key[DIGEST_KEY_BYTES],
                       struct err *e)
{
    if (credential_is(path)) {
        return err_set(e, path, "there is no such credential; see LoadCredential= of the unit");
    }
    if (known.n || store_last_seq(s) > 0) {
        return err_set(e, path,
                       "the key is missing, but the store has events hashed under it; restore the file from a backup");
    }
    return make_key(path, key, e);
}

int key_load(const char *path, struct store *s, uint8_t key[DIGEST_KEY_BYTES], struct err *e)
{
    char file[PATH_MAX];
    struct str known;
    int status = -1;
    if (credential_file(path, file, e) < 0 || store_get(s, CHECK, &known, e) < 0) {
        return -1;
    }
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        status = read_key(fd, path, key, e);
        close(fd);
    } else if (errno != ENOENT) {
        err_set(e, path, "%s", strerror(errno));
    } else {
        status = make_if_new(s, path, known, key, e);
    }
    status = status < 0 ? -1 : check_key(s, path, key, known, e);
    free((char *)(uintptr_t)known.p);
    return status;
}
