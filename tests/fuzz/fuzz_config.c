/* Any bytes as kefud.json: refused with place and reason, or a configuration whose every option is inside its bounds and whose
 * paths are whole. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kefu/model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void text_within(struct str s, size_t least, size_t most)
{
    must(s.n >= least && s.n <= most && s.p[s.n] == '\0');
}

/* A path may have grown by the folder of the file. */
static void path_whole(struct str s, size_t least)
{
    must(s.n >= least && (s.n == 0 || s.p[0] == '/'));
    must(s.n == 0 || s.p[s.n] == '\0');
}

static void check(const struct config *c)
{
#define TEXT(name, def, least, most, change, help)  text_within(c->name, sizeof(def) > 1 ? (least) : 0, most);
#define PATH(name, def, least, change, help)        path_whole(c->name, least);
#define WHOLE(name, def, least, most, change, help) must(c->name >= (least) && c->name <= (most));
#define TRUTH(name, def, change, help)
    CONFIG_ROWS(TEXT, PATH, WHOLE, TRUTH)
#undef TEXT
#undef PATH
#undef WHOLE
#undef TRUTH
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct config c;
    struct err e = {0};
    char host[64];
    uint16_t port;
    if (config_read(&c, (struct str){(const char *)data, n}, "/etc/kefud/fuzz.json", &e) != 0) {
        must(e.what[0] != '\0' && e.where[0] != '\0');
        return 0;
    }
    check(&c);
    (void)config_listen(c.http_listen, host, &port);
    config_fini(&c);
    return 0;
}
