/* The way from kefuctl to the running daemon: where its sockets are, and one question at a time over the control socket
 * (include/kefu/daemon/control.h). */
#ifndef KEFU_CTL_REACH_H
#define KEFU_CTL_REACH_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "kefu/base/buf.h"
#include "kefu/base/err.h"
#include "kefu/base/str.h"
#include "kefu/ctl/cli.h"

#define REACH_PATH_MAX 256

/* The folder of the daemon's sockets: --state DIR; else what -c FILE says ("run_dir", by default its "state_dir"); else
 * $KEFU_STATE; else what ./kefud.json or /etc/kefud/kefud.json says. -1 with e: none of these, or the file is not well. */
int reach_folder(const struct cli *c, char *out, size_t out_n, struct err *e);
/* The folder of its store: what -c FILE says ("state_dir"), otherwise as above. */
int reach_state(const struct cli *c, char *out, size_t out_n, struct err *e);
/* Connects to the unix socket `name` in that folder. Returns its descriptor; -1 with e (who should be running, and how to
 * say where). */
int reach_connect(const struct cli *c, const char *name, struct err *e);

struct reach {
    int fd;
    struct buf in; /* the last line, and what came behind it */
    size_t read_n; /* bytes of it that were taken */
};

int reach_open(struct reach *r, const struct cli *c, struct err *e);
void reach_close(struct reach *r);
/* Sends one request (a line, without its line feed) and waits for the answer. Returns its tree, the caller's, whose "ok" is
 * true; *raw, if asked for, is the text of the answer (borrowed until the next question). NULL with e: no answer, or the
 * daemon said no (then e->what is its reason). */
cJSON *reach_ask(struct reach *r, struct str request, struct str *raw, struct err *e);
/* The same of what may take long and says so: `progress` is handed each line {"progress": {…}} before the answer, as that object
 * (borrowed for the call); the daemon is given up when no line came for a minute, not before. */
struct reach_progress {
    void (*each)(void *arg, const cJSON *progress);
    void *arg;
};
cJSON *reach_await(struct reach *r, struct str request, const struct reach_progress *progress, struct str *raw,
                   struct err *e);

#endif
