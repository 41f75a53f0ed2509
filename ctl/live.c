/* The simulated team against a running demo daemon.
 *
 * Keeps true: nothing is sent to a daemon that does not call itself a demo; no event is stamped ahead of the clock. Scores
 * are watched through the control socket, as anybody could, and a few members pushed towards a tier's border. */
#include "kefu/ctl/live.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kefu/base/clock.h"
#include "kefu/base/fix.h"
#include "kefu/base/json.h"
#include "kefu/base/mem.h"
#include "kefu/ctl/feed.h"
#include "kefu/ctl/reach.h"

#define DAY_MS        INT64_C(86400000)
#define LOOK_EVERY_MS INT64_C(3000)
#define SALE_EVERY_MS INT64_C(12000)
#define NEAR_MILLI    INT64_C(4000)
#define STEERED_MAX   4
#define NO_SCORE      INT64_MIN
#define SAID_MAX      4

/* A member as last seen outside. */
struct watched {
    int64_t score; /* milli-points; NO_SCORE: none */
    char tier[64];
};

struct live {
    const struct cli *cli;
    const struct live_options *o;
    struct clock clock;
    struct simulation *team;
    struct feed feed;
    struct buf lines;
    struct watched *watched; /* owned; of each member */
    int64_t *scores;         /* owned; the same scores side by side */
    int *moods;              /* owned */
    int64_t look_mono_ms, sale_mono_ms;
    uint64_t told_n; /* events told of so far */
    int said_n;      /* scores told of in this line */
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static int64_t distance(int64_t score)
{
    static const int64_t borders[] = {70000, 80000, 90000};
    int64_t best = INT64_MAX;
    for (size_t i = 0; i < sizeof borders / sizeof *borders; i++) {
        int64_t d = score - borders[i];
        if (best == INT64_MAX || llabs(d) < llabs(best))
            best = d;
    }
    return best;
}

void live_steer(const int64_t *score_milli, size_t n, int *moods)
{
    memset(moods, 0, n * sizeof *moods);
    for (int k = 0; k < STEERED_MAX; k++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++) {
            if (score_milli[i] == NO_SCORE || moods[i] != 0 || llabs(distance(score_milli[i])) > NEAR_MILLI)
                continue;
            if (best == n || llabs(distance(score_milli[i])) < llabs(distance(score_milli[best])))
                best = i;
        }
        if (best < n)
            moods[best] = distance(score_milli[best]) < 0 ? 1 : -1;
    }
}

static int check_demo(const struct cli *c, struct err *e)
{
    struct reach r;
    if (reach_open(&r, c, e) != 0)
        return CLI_UNREACHABLE;
    cJSON *answer = reach_ask(&r, STR_LIT("{\"do\":\"status\"}"), NULL, e);
    int status = answer ? CLI_OK : CLI_FAILED;
    if (answer && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "demo"))) {
        err_set(e, "",
                "this daemon is no demo; invented events are refused. Its kefud.json would have to say \"demo\": true");
        status = CLI_FAILED;
    }
    cJSON_Delete(answer);
    reach_close(&r);
    return status;
}

/* Lets everything happen that is due, and hands it to the feed. */
static void step_until(struct live *l, int64_t now_ms)
{
    l->lines.n = 0;
    size_t n = 0;
    while (simulation_next_ms(l->team) <= now_ms && l->lines.n < FEED_WINDOW_BYTES)
        n += simulation_step(l->team, &l->lines);
    feed_put(&l->feed, buf_str(&l->lines), n);
}

static int load_past(struct live *l, int64_t now_ms, struct err *e)
{
    int64_t began = clock_mono_ms(&l->clock);
    while (!stopped && (simulation_next_ms(l->team) <= now_ms || l->feed.acked_n < l->feed.lines_n)) {
        if (feed_wants(&l->feed))
            step_until(l, now_ms);
        if (feed_turn(&l->feed, clock_mono_ms(&l->clock), 10, e) != 0)
            return -1;
    }
    int64_t spent_ms = clock_mono_ms(&l->clock) - began;
    printf("The past %" PRId64 " days: %" PRIu64 " events, loaded in %" PRId64 ".%" PRId64 " s.\n", l->o->days,
           l->feed.acked_n, spent_ms / 1000, spent_ms % 1000 / 100);
    fflush(stdout);
    l->told_n = l->feed.acked_n;
    return 0;
}

/* The score of an agent's snapshot in milli-points: a number or a text such as "87.431". */
static int64_t score_of(const cJSON *agent)
{
    const cJSON *score = cJSON_GetObjectItemCaseSensitive(agent, "score");
    char literal[40];
    int64_t milli;
    struct str text = {NULL, 0};
    if (cJSON_IsNumber(score))
        text = json_literal(score, literal, sizeof literal);
    else if (cJSON_IsString(score))
        text = str_of(score->valuestring);
    return text.n > 0 && fix_parse_milli(text, &milli) == 0 ? milli : NO_SCORE;
}

static const char *word(const cJSON *object, const char *key, const char *otherwise)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(s) ? s->valuestring : otherwise;
}

/* Tells a score that moved, as it is shown (cut to two places), and a tier that changed; remembers both. */
static void say_moved(struct live *l, const cJSON *agent, struct watched *w)
{
    int64_t before = w->score, now = score_of(agent);
    const char *tier = word(agent, "tier", "-");
    bool other_tier = strcmp(w->tier, tier) != 0;
    bool known = before != NO_SCORE && now != NO_SCORE;
    w->score = now;
    if (known && (other_tier || (before / 10 != now / 10 && l->said_n < SAID_MAX))) {
        printf("%s%s ", l->said_n++ ? "  " : "", word(agent, "name", word(agent, "agent", "")));
        if (before / 10 != now / 10)
            printf("%" PRId64 ".%02" PRId64 "→", before / 1000, before % 1000 / 10);
        printf("%" PRId64 ".%02" PRId64, now / 1000, now % 1000 / 10);
        if (other_tier)
            printf(" (%s→%s)", w->tier, tier);
    }
    snprintf(w->tier, sizeof w->tier, "%s", tier);
}

static void say_time_and_events(struct live *l)
{
    char clock[16];
    struct tm local;
    time_t now = (time_t)(clock_wall_ms(&l->clock) / 1000);
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &local));
    printf("%s  +%" PRIu64 " events  ", clock, l->feed.acked_n - l->told_n);
    l->told_n = l->feed.acked_n;
    l->said_n = 0;
}

static void look_at(struct live *l, const cJSON *agents)
{
    const cJSON *agent;
    say_time_and_events(l);
    cJSON_ArrayForEach(agent, agents)
    {
        const char *id = word(agent, "agent", "");
        for (uint32_t i = 0; i < l->o->team.agents_n; i++) {
            if (strcmp(id, simulation_agent_id(l->team, i)) == 0)
                say_moved(l, agent, &l->watched[i]);
        }
    }
    puts(l->said_n ? "" : "(no score moved)");
    fflush(stdout);
}

/* Asks for all scores and sets the moods by them. A daemon that does not answer is asked again later. */
static void look(struct live *l)
{
    struct reach r;
    if (reach_open(&r, l->cli, NULL) != 0)
        return;
    cJSON *answer = reach_ask(&r, STR_LIT("{\"do\":\"agents\"}"), NULL, NULL);
    if (answer)
        look_at(l, cJSON_GetObjectItemCaseSensitive(answer, "agents"));
    cJSON_Delete(answer);
    reach_close(&r);
    for (uint32_t i = 0; i < l->o->team.agents_n; i++)
        l->scores[i] = l->watched[i].score;
    live_steer(l->scores, l->o->team.agents_n, l->moods);
    for (uint32_t i = 0; i < l->o->team.agents_n; i++)
        simulation_set_mood(l->team, i, l->moods[i]);
}

/* The quickest way over a border: a cross-sale, or its refund, of the steered member nearest to it. */
static void sell(struct live *l, int64_t now_ms)
{
    uint32_t best = l->o->team.agents_n;
    for (uint32_t i = 0; i < l->o->team.agents_n; i++) {
        if (l->moods[i] &&
            (best == l->o->team.agents_n || llabs(distance(l->scores[i])) < llabs(distance(l->scores[best]))))
            best = i;
    }
    if (best == l->o->team.agents_n)
        return;
    l->lines.n = 0;
    if (simulation_cross_sale(l->team, best, now_ms, l->moods[best] < 0, &l->lines))
        feed_put(&l->feed, buf_str(&l->lines), 1);
}

static int play(struct live *l, struct err *e)
{
    int64_t mono_ms = clock_mono_ms(&l->clock);
    l->look_mono_ms = mono_ms + 1000; /* by then the tiers have followed the past month */
    int64_t end = l->o->seconds ? mono_ms + l->o->seconds * 1000 : INT64_MAX;
    while (!stopped && mono_ms < end) {
        int64_t now_ms = clock_wall_ms(&l->clock);
        if (feed_wants(&l->feed))
            step_until(l, now_ms);
        if (mono_ms >= l->look_mono_ms) {
            l->look_mono_ms = mono_ms + LOOK_EVERY_MS;
            look(l);
        }
        if (mono_ms >= l->sale_mono_ms) {
            l->sale_mono_ms = mono_ms + SALE_EVERY_MS;
            sell(l, now_ms);
        }
        int64_t pause = simulation_next_ms(l->team) - now_ms;
        if (feed_turn(&l->feed, mono_ms, pause < 20 ? 20 : pause > 200 ? 200 : (int)pause, e) != 0)
            return -1;
        mono_ms = clock_mono_ms(&l->clock);
    }
    return 0;
}

static enum cli_exit run(struct live *l)
{
    struct err e;
    int64_t now_ms = clock_wall_ms(&l->clock);
    struct simulation_options team = l->o->team;
    team.start_ms = now_ms - l->o->days * DAY_MS;
    team.end_ms = INT64_MAX;
    team.conversations_max = 0;
    l->team = simulation_new(&team);
    int status = load_past(l, now_ms, &e);
    if (status == 0 && !stopped) {
        simulation_go_live(l->team, clock_wall_ms(&l->clock), l->o->team.agents_n * 3, l->o->speed_percent);
        status = play(l, &e);
    }
    simulation_free(l->team);
    if (status == 0)
        return CLI_OK;
    cli_say_err(l->cli, &e);
    return l->feed.fd < 0 ? CLI_UNREACHABLE : CLI_FAILED;
}

enum cli_exit live_run(const struct cli *c, const struct live_options *o)
{
    struct err e;
    struct live l = {.cli = c, .o = o, .clock = clock_real()};
    int refused = check_demo(c, &e);
    if (!refused && feed_open(&l.feed, c, &e) != 0)
        refused = CLI_UNREACHABLE;
    if (refused) {
        cli_say_err(c, &e);
        return (enum cli_exit)refused;
    }
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    l.watched = xcalloc(o->team.agents_n, sizeof *l.watched);
    l.scores = xcalloc(o->team.agents_n, sizeof *l.scores);
    l.moods = xcalloc(o->team.agents_n, sizeof *l.moods);
    for (uint32_t i = 0; i < o->team.agents_n; i++)
        l.watched[i].score = l.scores[i] = NO_SCORE;
    enum cli_exit status = run(&l);
    feed_close(&l.feed);
    buf_fini(&l.lines);
    free(l.watched);
    free(l.scores);
    free(l.moods);
    return status;
}
