/* The people of the simulated shop. Keeps true: what a member does depends on the member, the time and the dice alone. */
#include "kefu/ctl/team.h"

#include <inttypes.h>
#include <stdio.h>

#define DAY_MIN 1440
#define NIGHT   1380

static const struct habits people[] = {
    /* name, team, think, late, forgets, praised, solves, resolves, polite, sells, rounds, shift */
    {"林晓雯", "售前组", 9000, 200, 10, 8600, 9600, 9700, 9500, 130, 40, 540, 540},
    {"陈思远", "售前组", 13000, 500, 30, 7900, 9300, 9200, 8000, 110, 40, 540, 540},
    {"王丽娜", "售前组", 16000, 900, 50, 7400, 9200, 8900, 7000, 190, 40, 840, 540},
    {"赵一鸣", "售前组", 8000, 700, 60, 5600, 8700, 9000, 3000, 150, 40, 840, 540},
    {"刘佳怡", "售后组", 14000, 400, 20, 8200, 9500, 9500, 9000, 60, 44, 480, 540},
    {"孙浩", "售后组", 24000, 1800, 150, 5800, 8400, 8000, 4000, 30, 46, 480, 540},
    {"周敏", "售后组", 12000, 600, 30, 7000, 9100, 9300, 7500, 80, 40, 780, 570},
    {"吴志强", "售后组", 19000, 1500, 100, 6600, 8900, 8500, 5000, 50, 42, 840, 540},
    {"郑雨桐", "售后组", 15000, 800, 60, 7700, 9000, 9100, 8500, 90, 40, NIGHT, 600},
    {"何俊杰", "会员组", 21000, 1300, 90, 7200, 9000, 8700, 6500, 120, 42, 600, 540},
    {"高欣", "会员组", 11000, 300, 20, 8000, 9400, 9600, 9000, 100, 42, 780, 570},
    {"马小龙", "会员组", 28000, 2400, 250, 5000, 8200, 7400, 3500, 20, 44, NIGHT, 600},
};
#define PEOPLE_N (sizeof people / sizeof *people)

/* A value a little off: 80 % … 120 %. */
static int32_t near(struct dice *d, int32_t value, int32_t max)
{
    int64_t v = (int64_t)value * dice_between(d, 800, 1200) / 1000;
    return v > max ? max : (int32_t)v;
}

void team_member(struct teammate *out, uint32_t i, uint64_t seed, bool short_ids)
{
    struct dice d = {seed ^ (UINT64_C(0x7465616d) + i)};
    *out = (struct teammate){.is = people[i % PEOPLE_N], .status = STATUS_OFFLINE};
    if (short_ids)
        snprintf(out->id, sizeof out->id, "a%015" PRIu32, i);
    else
        snprintf(out->id, sizeof out->id, "kefu%02" PRIu32, i + 1);
    out->off_phase = (int32_t)(i % 2 + i / 2 * 3) % 7;
    if (i >= PEOPLE_N) {
        struct habits *h = &out->is;
        h->think_ms = near(&d, h->think_ms, 60000);
        h->late = near(&d, h->late, 5000);
        h->praised = near(&d, h->praised, 9500);
        h->solves = near(&d, h->solves, 9900);
        h->start_min = (h->start_min + (int32_t)dice_below(&d, 4) * 30) % DAY_MIN;
    }
}

/* The two of the night share it, one free night each in turn; the others have two free days in seven. */
static bool is_free(const struct teammate *t, int64_t day)
{
    if (t->is.start_min >= NIGHT)
        return (day + t->off_phase) % 2 == 0;
    return (day + t->off_phase) % 7 < 2;
}

enum event_how team_duty(const struct teammate *t, int64_t at_ms)
{
    int64_t local_min = (at_ms + TEAM_OFFSET_MS) / 60000;
    int64_t day = local_min / DAY_MIN;
    int32_t into = (int32_t)(local_min % DAY_MIN) - t->is.start_min;
    if (into < 0) {
        into += DAY_MIN;
        day--;
    }
    if (into >= t->is.length_min || is_free(t, day))
        return STATUS_OFFLINE;
    int32_t meal = 180 + (t->off_phase % 3) * 30;
    return into >= meal && into < meal + 45 ? STATUS_AWAY : STATUS_ONLINE;
}

int64_t team_think_ms(const struct teammate *t, struct dice *d)
{
    int64_t usual =
        1500 + dice_wait(d, t->is.think_ms / 2) / 2 + dice_wait(d, t->is.think_ms / 2) / 2 + t->is.think_ms / 4;
    if (t->mood > 0)
        return usual / 2;
    int64_t late = t->mood < 0 ? 6000 : t->is.late;
    return dice_chance(d, late) ? usual + dice_between(d, 25000, 110000) : usual;
}

int team_stars(const struct teammate *t, struct dice *d, int slow_n)
{
    if (t->mood != 0)
        return t->mood > 0 ? 5 : (int)dice_between(d, 1, 2);
    int64_t praised = t->is.praised - 900 * slow_n;
    if (dice_chance(d, praised))
        return 5;
    return dice_chance(d, 5000) ? 4 : (int)dice_between(d, 1, 3);
}
