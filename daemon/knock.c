/* A fixed number of places by hash of the address. Two addresses in one place share a count: nobody but who knocks wrongly in the
 * same minute ever notices, and memory is bounded whatever comes. */
#include "kefu/daemon/knock.h"

#include <stdlib.h>

#include "kefu/base/digest.h"
#include "kefu/base/mem.h"

#define PLACES    4096
#define MINUTE_MS 60000

struct place {
    int64_t since_ms; /* monotonic: when this minute began */
    int wrong_n;
};

struct knocks {
    int most;
    struct place places[PLACES];
};

struct knocks *knocks_new(int most_a_minute)
{
    struct knocks *k = xcalloc(1, sizeof(*k));
    k->most = most_a_minute;
    return k;
}

void knocks_free(struct knocks *k)
{
    free(k);
}

static size_t place_of(struct str address)
{
    return digest_checksum(address) % PLACES;
}

int knock_wait_s(const struct knocks *k, struct str address, int64_t mono_ms)
{
    const struct place *p = &k->places[place_of(address)];
    int64_t left_ms = p->since_ms + MINUTE_MS - mono_ms;
    return p->wrong_n >= k->most && left_ms > 0 ? (int)(left_ms / 1000) + 1 : 0;
}

void knock_wrong(struct knocks *k, struct str address, int64_t mono_ms)
{
    struct place *p = &k->places[place_of(address)];
    if (p->wrong_n == 0 || mono_ms >= p->since_ms + MINUTE_MS) {
        *p = (struct place){.since_ms = mono_ms};
    }
    p->wrong_n++;
}
