/* Any bytes as the file of tokens: refused with place and reason, or tokens that print as a text which reads as the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/base/digest.h"
#include "kefu/model/access.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    digest_start();
    return 0;
}

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void check_token(const struct token *a, const struct token *b)
{
    must(a->role != ROLE_NONE && a->role < ROLE_N && a->sha256.n == DIGEST_SHA256_HEX - 1 && a->id.n > 0);
    must(a->role == b->role && str_eq(a->id, b->id) && str_eq(a->sha256, b->sha256) && str_eq(a->subject, b->subject));
    must(a->added_at == b->added_at && a->expires_at == b->expires_at && a->sources_n == b->sources_n);
    for (size_t i = 0; i < a->sources_n; i++) {
        must(str_eq(a->sources[i], b->sources[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct tokens t, again;
    struct err e = {0};
    struct buf text = {0};
    if (access_read(&t, (struct str){(const char *)data, n}, "fuzz", &e) != 0) {
        must(e.what[0] != '\0' && strncmp(e.where, "fuzz", 4) == 0 && t.n == 0);
        return 0;
    }
    access_print(&t, &text);
    must(access_read(&again, buf_str(&text), "printed", &e) == 0 && again.n == t.n);
    for (size_t i = 0; i < t.n; i++) {
        check_token(&t.list[i], &again.list[i]);
    }
    (void)access_check(&t, STR_LIT("kefu_no_such_token"), 0);
    access_fini(&again);
    access_fini(&t);
    buf_fini(&text);
    return 0;
}
