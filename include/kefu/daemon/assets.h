/* The board's pages, compiled into the program: what the build found in web/dist, each as it is and squeezed.
 *
 * `/assets/…` names files; any other path without a dot in its last word is a page and gets index.html. Names of assets hold a
 * hash of what is in them, so they may be kept for ever; index.html is asked for anew each time. */
#ifndef KEFU_DAEMON_ASSETS_H
#define KEFU_DAEMON_ASSETS_H

#include <stddef.h>

#include "kefu/base/http.h"

struct asset {
    const char *path; /* "/index.html", "/assets/app-1a2b.js" */
    const char *type;
    const char *etag;              /* with its quotes */
    const char *plain, *gzip, *br; /* gzip and br: NULL if not smaller */
    size_t plain_n, gzip_n, br_n;
};

/* Made by scripts/embed-web. */
extern const struct asset assets[];
extern const size_t assets_n;

/* Answers a GET or HEAD of any path; 404, as everywhere, if it is none of ours. */
void assets_answer(struct http_request *r);

#endif
