/* Tokens: who may do what. Kept as SHA-256 only; the clear text is shown once, when a token is made.
 *
 * tokens.json: {"tokens": [{"id", "sha256", "role", "subject"?, "teams"? [..], "login"?, "sources"? [..], "expires_at"? ms,
 * "added_at"? ms}]}.
 * A right is never read out of a mistake: a field that is unknown (but "x_…", a note), of a wrong kind, empty or out of
 * bounds, and an id or hash given twice, refuse the whole file. */
#ifndef KEFU_MODEL_ACCESS_H
#define KEFU_MODEL_ACCESS_H

#include <stddef.h>
#include <stdint.h>

#include "kefu/base/arena.h"
#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"

/* X(NAME, "word in tokens.json") */
#define ACCESS_ROLES(X)                                                                                                \
    X(AGENT, "agent")                                                                                                  \
    X(LEAD, "lead")                                                                                                    \
    X(PAYROLL, "payroll")                                                                                              \
    X(HR, "hr")                                                                                                        \
    X(INGEST, "ingest")                                                                                                \
    X(ADMIN, "admin")

enum role {
    ROLE_NONE = 0,
#define X(name, word) ROLE_##name,
    ACCESS_ROLES(X)
#undef X
        ROLE_N
};

struct token {
    struct str id;     /* short, for lists and revoking; no secret */
    struct str sha256; /* of the clear text, 64 hexadecimal digits */
    enum role role;
    struct str subject;  /* agent: the agent's id; others: a note of whose it is; absent: none */
    struct str *sources; /* ingest: the sources it may write; none named: all */
    size_t sources_n;
    struct str *teams; /* lead: the teams it sees */
    size_t teams_n;
    struct str login; /* the person's name at a proxy for single sign-on; absent: none */
    int64_t added_at;
    int64_t expires_at; /* INT64_MAX: never */
};

struct tokens {
    struct token *list; /* owned */
    size_t n;
    size_t cap;
    struct arena arena; /* their strings */
};

#define ACCESS_NAME_BYTES  128 /* longest id, subject or source */
#define ACCESS_TOKEN_BYTES 49  /* "kefu_", 43 characters, a zero byte */

struct str role_name(enum role r); /* "" for ROLE_NONE */
enum role role_find(struct str name);

/* Reads the text of a tokens file, with comments. -1 with e: where = "file:line tokens[i].field"; t is then empty. Texts are
 * of 1 to 128 bytes; sha256 is 64 lower-case digits; sources, for role ingest alone, are 1 to 64; times are whole
 * milliseconds from 1970 on. */
int access_read(struct tokens *t, struct str text, const char *file, struct err *e);
/* Writes the text that access_read reads (notes and comments are not kept). */
void access_print(const struct tokens *t, struct buf *out);
void access_fini(struct tokens *t);

/* Makes a token, which must be one that access_read takes: fills `clear` with the secret, adds `like` (role, subject, sources, expires_at, added_at; copied) under a
 * new id, which is returned. */
struct str access_add(struct tokens *t, const struct token *like, char clear[ACCESS_TOKEN_BYTES]);
/* Takes out the token with this id; -1: there is none. */
int access_revoke(struct tokens *t, struct str id);
/* The token whose clear text is presented, if it has not expired at now_ms; NULL otherwise. Looks at every token and
 * compares hashes in constant time. */
const struct token *access_check(const struct tokens *t, struct str presented, int64_t now_ms);
/* By id, and by login: the same rules. */
const struct token *access_find(const struct tokens *t, struct str id, int64_t now_ms);
const struct token *access_find_login(const struct tokens *t, struct str login, int64_t now_ms);

#endif
