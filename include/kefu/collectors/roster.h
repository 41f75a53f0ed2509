/* collectors.json: which platforms a site listens to, an array of objects, comments allowed.
 *
 *   {"name": "cw7", "platform": "chatwoot", "secret_file": "credential:cw7-secret", "url": "https://chat.example.com"}
 *
 * name (1 … 32 of a–z, 0–9, - and _, once) is the prefix of all ids that come from there, the source of its events and the
 * last part of its address, /v1/hooks/NAME. Which other fields a platform needs, and which it may have, its descriptor says.
 * Secrets are never in the file: secret_file, key_file and token_file name files (relative to its folder) or credentials of
 * the service manager, whose first line is read by whoever loads the file (daemon/settings.h). */
#ifndef KEFU_COLLECTORS_ROSTER_H
#define KEFU_COLLECTORS_ROSTER_H

#include "kefu/base/arena.h"
#include "kefu/base/err.h"
#include "kefu/collectors/platform.h"

#define ROSTER_MAX       64
#define ROSTER_NAME_MAX  32
#define ROSTER_EVERY_MIN 10
#define ROSTER_EVERY_MAX 86400

struct roster {
    struct collector *list; /* in the arena */
    size_t n;
    struct arena arena; /* owns all strings */
};

/* Reads the text of a file, replacing *r. Secrets stay absent. -1 with e: where = "file:line [n].field". */
int roster_read(struct roster *r, struct str text, const char *file, struct err *e);
void roster_fini(struct roster *r);
/* NULL: there is no such collector. */
const struct collector *roster_find(const struct roster *r, struct str name);
/* Each file of a secret that collector i has: its field's name, its path, and where its first line goes. `each` returns 0 to
 * go on; else roster_secrets ends with that. */
int roster_secrets(struct collector *c, int (*each)(void *arg, const char *field, struct str path, struct str *secret),
                   void *arg);

#endif
