/* The table of docs/access.md is the one that is enforced: for every role, part and person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kefu/model/rights.h"

#define ME       STR_LIT("me")
#define MATE     STR_LIT("mate")
#define STRANGER STR_LIT("stranger")
#define OURS     STR_LIT("ours")
#define THEIRS   STR_LIT("theirs")

static FILE *open_document(void)
{
    char path[4096];
    const char *root = getenv("KEFU_ROOT");
    snprintf(path, sizeof path, "%s/docs/access.md", root ? root : ".");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    return f;
}

/* The words between the bars of a row. */
static size_t read_row(char *line, char *cells[], size_t max)
{
    size_t n = 0;
    for (char *p = strtok(line, "|\n"); p && n < max; p = strtok(NULL, "|\n")) {
        p += strspn(p, " ");
        p[strcspn(p, " ")] = 0;
        cells[n++] = p;
    }
    return n;
}

static enum part part_called(const char *word)
{
    for (int p = PART_NONE + 1; p < PART_N; p++)
        if (str_eq(part_name((enum part)p), str_of(word)))
            return (enum part)p;
    return PART_NONE;
}

static const struct str led[] = {STR_LIT("ours")};

static struct caller caller_of(enum role role, bool leaderboard)
{
    struct caller c = {.role = role, .leaderboard = leaderboard};
    if (role == ROLE_AGENT) {
        c.agent = ME;
        c.team = OURS;
    }
    if (role == ROLE_LEAD) {
        c.teams = led;
        c.teams_n = 1;
    }
    return c;
}

static bool meant(const char *reach, bool own, bool led_by_me, bool leaderboard)
{
    if (strcmp(reach, "all") == 0)
        return true;
    if (strcmp(reach, "teams") == 0)
        return led_by_me;
    return own && (strcmp(reach, "own") == 0 || (strcmp(reach, "setting") == 0 && leaderboard));
}

static void check_cell(enum part part, enum role role, const char *reach)
{
    static const struct {
        struct about whom;
        bool own, ours;
    } people[] = {
        {{ME, OURS}, true, true},        {{MATE, OURS}, false, true}, {{STRANGER, THEIRS}, false, false},
        {{STRANGER, {0}}, false, false}, {{{0}, OURS}, true, true},   {{{0}, THEIRS}, false, false},
    };
    for (size_t i = 0; i < sizeof people / sizeof *people; i++)
        for (int leaderboard = 0; leaderboard < 2; leaderboard++) {
            struct caller c = caller_of(role, leaderboard);
            bool own = people[i].own && role == ROLE_AGENT, ours = people[i].ours && role == ROLE_LEAD;
            if (rights_may(&c, part, &people[i].whom) != meant(reach, own, ours, leaderboard))
                fail_msg("%.*s of %.*s for person %zu is not \"%s\"", STR_ARG(part_name(part)),
                         STR_ARG(role_name(role)), i, reach);
        }
}

static void the_document_is_what_holds(void **state)
{
    char line[512], *cells[16];
    enum role roles[16] = {ROLE_NONE};
    size_t rows_n = 0;
    FILE *f = open_document();
    (void)state;
    while (fgets(line, sizeof line, f)) {
        size_t n = line[0] == '|' && line[2] != '-' ? read_row(line, cells, 16) : 0;
        for (size_t k = 1; k < n; k++)
            roles[k] = strcmp(cells[0], "part") == 0 ? role_find(str_of(cells[k])) : roles[k];
        if (n == 0 || strcmp(cells[0], "part") == 0)
            continue;
        assert_int_equal(n, ROLE_N); /* a word and every role */
        assert_int_not_equal(part_called(cells[0]), PART_NONE);
        for (size_t k = 1; k < n; k++)
            check_cell(part_called(cells[0]), roles[k], cells[k]);
        rows_n++;
    }
    assert_int_equal(rows_n, PART_N - 1);
    fclose(f);
}

static void nobody_sees_nothing(void **state)
{
    (void)state;
    for (int p = PART_NONE; p < PART_N; p++) {
        assert_false(rights_may(&(struct caller){0}, (enum part)p, &(struct about){ME, OURS}));
        assert_false(rights_may(&(struct caller){.role = ROLE_INGEST}, (enum part)p, &(struct about){ME, OURS}));
    }
    struct caller unnamed = {.role = ROLE_AGENT}; /* a token without a subject is of no agent, and of no team */
    assert_false(rights_may(&unnamed, PART_ME, &(struct about){{0}, {0}}));
    struct caller leads_none = {.role = ROLE_LEAD};
    assert_false(rights_may(&leads_none, PART_TEAMS, &(struct about){{0}, {0}}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_what_holds),
        cmocka_unit_test(nobody_sees_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
