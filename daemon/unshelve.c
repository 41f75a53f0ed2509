/* From the shelf into an empty site: head, totals, filters, rows. Refuses what is damaged, and changes nothing on the disk but what
 * a crash has left half done. */
#include "kefu/daemon/unshelve.h"

#include <stdlib.h>

#include "kefu/base/buf.h"
#include "kefu/base/log.h"
#include "kefu/state/freeze.h"
#include "kefu/store/let_go.h"
#include "kefu/store/shelf.h"

struct loading {
    struct site *site;
    struct sources *sources;
    struct unshelved *out;
};

static int load_row(void *arg, const struct shelf_row *row, struct err *e)
{
    struct loading *l = arg;
    if (site_thaw_row(l->site, row, l->out->anew, e) < 0) {
        return -1;
    }
    if (row->cold && !l->out->anew) {
        site_forget_again(l->site, row->key);
    }
    return 0;
}

static int load_total(void *arg, const struct shelf_total *total, struct err *e)
{
    struct loading *l = arg;
    return site_thaw_total(l->site, total, l->out->anew, e);
}

static int load_filter(void *arg, const struct shelf_work *part, struct err *e)
{
    struct loading *l = arg;
    if (part->filter < 0 || part->filter > 1 ||
        bloom_put_part(site_filter(l->site, part->filter), (size_t)part->part, part->bytes, part->hashes_n) < 0) {
        return err_set(e, "shelf filter", "its parts do not fit together; put the latest backup in its place");
    }
    return 0;
}

static int load_head(struct loading *l, struct str head, struct err *e)
{
    struct cursor in = cursor_of(head);
    uint64_t fingerprint = cursor_uvar(&in);
    struct str site_head = cursor_bytes(&in, (size_t)cursor_uvar(&in));
    if (site_thaw_head(l->site, site_head, e) < 0 || sources_decode(l->sources, &in, e) < 0) {
        return -1;
    }
    l->out->flying_n = in.p < in.end ? cursor_uvar(&in) : UINT64_MAX / 2; /* an older kefud did not say */
    sources_decode_heard(l->sources, &in);
    l->out->anew = fingerprint != site_fingerprint(l->site);
    if (l->out->anew) {
        log_line(LOG_LEVEL_NOTE, "recount",
                 "reason=\"the rulebooks or the zone are not those of the last checkpoint\"");
    }
    return 0;
}

int unshelve(struct store *store, struct site *site, struct sources *sources, struct unshelved *out, struct err *e)
{
    struct loading l = {site, sources, out};
    struct shelf_reading r = {load_row, load_total, load_filter, &l};
    struct str head;
    int64_t until;
    if (shelf_recover(store, e) < 0 || shelf_head(store, &out->seq, &head, e) < 0) {
        return -1;
    }
    if (!head.n) {
        return 0;
    }
    int bad = load_head(&l, head, e) < 0 || shelf_until(store, &until, e) < 0 || shelf_each_total(store, &r, e) < 0 ||
              shelf_each_filter(store, &r, e) < 0 ||
              shelf_each_row(store, out->anew || site_shows_more(site), &r, e) < 0 ||
              let_go_done(store, &out->gone, e) < 0;
    free((void *)(uintptr_t)head.p);
    if (bad) {
        return -1;
    }
    site_set_cold_until(site, until);
    return 0;
}
