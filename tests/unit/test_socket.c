/* The unix socket's door before an ingest of the test's own, which keeps batches as long as the test likes: the order of
 * acknowledgements, batches that found no room, peers that leave, and how much a peer can make the door hold.
 * Nothing sleeps: the loop runs until what is awaited is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "kefu/base/buf.h"
#include "kefu/base/digest.h"
#include "kefu/base/log.h"
#include "kefu/collectors/socket.h"
#include "kefu/model/rulebook.h"
#include "kefu/rules/seed.h"

#define HELD_MAX 100
#define LINE     "{\"type\": \"conversation.opened\", \"id\": \"e\", \"ts\": 1767225600000, \"conversation\": \"c\"}\n"

struct fixture {
    struct ingest ingest; /* first: the door holds its address */
    struct event_base *base;
    struct socket_door *door;
    struct rulebook *seed;
    struct batch *held[HELD_MAX]; /* as they came */
    size_t held_n;
    size_t lines_n, most_lines_n; /* of those that are held */
    bool full;                    /* takes none */
    int fd;                       /* the peer's */
};

static int submit(struct ingest *in, struct batch *b)
{
    struct fixture *f = (struct fixture *)in;
    if (f->full || f->held_n == HELD_MAX)
        return -1;
    f->held[f->held_n++] = b;
    f->lines_n += b->inputs_n;
    f->most_lines_n = f->lines_n > f->most_lines_n ? f->lines_n : f->most_lines_n;
    return 0;
}

static int64_t now_ms(struct ingest *in)
{
    (void)in;
    return INT64_C(1767225600000);
}

static const struct rulebook *rulebook(struct ingest *in)
{
    return ((struct fixture *)in)->seed;
}

static void turn(struct fixture *f)
{
    event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void dial(struct fixture *f)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", socket_path(f->door));
    f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(f->fd, (struct sockaddr *)&to, sizeof to), 0);
    fcntl(f->fd, F_SETFL, O_NONBLOCK);
    turn(f);
}

static int set_up(void **state)
{
    static const uint8_t key[DIGEST_KEY_BYTES];
    struct fixture *f = calloc(1, sizeof *f);
    struct err e;
    char path[100];
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/test_socket.%d", tmp ? tmp : "/tmp", (int)getpid());
    f->ingest = (struct ingest){submit, now_ms, rulebook, key};
    f->seed = rulebook_read((struct str){seed_json, seed_json_n}, "seed", NULL, &e);
    assert_non_null(f->seed);
    f->base = event_base_new();
    f->door = socket_open(f->base, path, -1, &f->ingest, &e);
    assert_non_null(f->door);
    dial(f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    if (f->fd >= 0)
        close(f->fd);
    socket_free(f->door);
    for (size_t i = 0; i < f->held_n; i++)
        if (f->held[i])
            f->held[i]->done(f->held[i]); /* to nobody */
    event_base_free(f->base);
    rulebook_free(f->seed);
    free(f);
    return 0;
}

/* As many lines, in a batch of their own. */
static void say(struct fixture *f, size_t n)
{
    size_t was_n = f->held_n;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(send(f->fd, LINE, sizeof LINE - 1, MSG_NOSIGNAL), sizeof LINE - 1);
    for (int i = 0; !f->full && f->held_n == was_n && i < 1000; i++)
        turn(f);
    turn(f);
}

static void give_back(struct fixture *f, size_t i, enum batch_result result)
{
    struct batch *b = f->held[i];
    f->held[i] = NULL;
    f->lines_n -= b->inputs_n;
    b->result = result;
    for (size_t k = 0; k < b->events_n; k++)
        b->verdicts[k] = VERDICT_ACCEPTED;
    b->done(b);
}

/* What the peer has been told since. */
static void assert_told(struct fixture *f, const char *expected)
{
    char text[4096];
    size_t n = 0;
    for (int i = 0; i < 100 && n < strlen(expected); i++) {
        turn(f);
        ssize_t got = read(f->fd, text + n, sizeof text - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    turn(f);
    ssize_t more = read(f->fd, text + n, sizeof text - 1 - n);
    text[n + (more > 0 ? (size_t)more : 0)] = '\0';
    assert_string_equal(text, expected);
}

static void batches_are_acknowledged_in_the_order_of_lines_whichever_comes_back_first(void **state)
{
    struct fixture *f = *state;
    say(f, 2);
    say(f, 1);
    say(f, 3);
    assert_int_equal(f->held_n, 3);
    give_back(f, 2, BATCH_STORED);
    give_back(f, 1, BATCH_STORED);
    assert_told(f, "");
    give_back(f, 0, BATCH_STORED);
    assert_told(f, "{\"ack\": 2, \"accepted\": 2, \"duplicate\": 0, \"rejected\": []}\n"
                   "{\"ack\": 3, \"accepted\": 1, \"duplicate\": 0, \"rejected\": []}\n"
                   "{\"ack\": 6, \"accepted\": 3, \"duplicate\": 0, \"rejected\": []}\n");
    say(f, 1); /* in the room of an earlier one, of which nothing is left */
    assert_int_equal(f->held[3]->events_n, 1);
    give_back(f, 3, BATCH_STORED);
    assert_told(f, "{\"ack\": 7, \"accepted\": 1, \"duplicate\": 0, \"rejected\": []}\n");
}

static void what_found_no_room_goes_again_the_same_and_in_its_place(void **state)
{
    struct fixture *f = *state;
    say(f, 2);
    say(f, 1);
    struct batch *again = f->held[0];
    give_back(f, 0, BATCH_FULL);
    give_back(f, 1, BATCH_STORED);
    assert_told(f, "");
    for (int i = 0; f->held_n == 2 && i < 100; i++)
        event_base_loop(f->base, EVLOOP_ONCE); /* after a pause */
    assert_ptr_equal(f->held[2], again);
    assert_int_equal(again->events_n, 2);
    give_back(f, 2, BATCH_STORED);
    assert_told(f, "{\"ack\": 2, \"accepted\": 2, \"duplicate\": 0, \"rejected\": []}\n"
                   "{\"ack\": 3, \"accepted\": 1, \"duplicate\": 0, \"rejected\": []}\n");
}

static void who_leaves_is_not_told_and_the_next_one_begins_anew(void **state)
{
    struct fixture *f = *state;
    say(f, 2);
    say(f, 1);
    say(f, 1);
    give_back(f, 0, BATCH_STORED);
    turn(f);
    close(f->fd); /* over an unread answer: a reset */
    for (int i = 0; i < 10; i++)
        turn(f);
    give_back(f, 2, BATCH_STORED);
    give_back(f, 1, BATCH_FULL);
    dial(f);
    say(f, 1);
    give_back(f, 3, BATCH_STORED);
    assert_told(f, "{\"ack\": 1, \"accepted\": 1, \"duplicate\": 0, \"rejected\": []}\n");
}

static void a_door_that_is_stopped_still_acknowledges_and_reads_no_more(void **state)
{
    struct fixture *f = *state;
    say(f, 2);
    socket_stop(f->door);
    f->full = true; /* no new batch is awaited */
    say(f, 1);
    f->full = false;
    give_back(f, 0, BATCH_STORED);
    assert_told(f, "{\"ack\": 2, \"accepted\": 2, \"duplicate\": 0, \"rejected\": []}\n");
    assert_int_equal(f->held_n, 1);
}

/* Sends until the door reads no more. */
static void rush(struct fixture *f, struct str line)
{
    struct buf text = {0};
    while (text.n < 1 << 20)
        buf_put_str(&text, line);
    size_t at = 0;
    for (int still = 0; still < 20; still++) {
        ssize_t n = send(f->fd, text.p + at, text.n - at, MSG_NOSIGNAL);
        at = n > 0 ? (at + (size_t)n) % text.n : at;
        still = n > 0 ? -1 : still;
        turn(f);
    }
    buf_fini(&text);
}

static void of_short_lines_too_only_so_many_are_under_way(void **state)
{
    struct fixture *f = *state;
    rush(f, STR_LIT("x\n"));
    assert_true(f->held_n > 0);
    assert_true(f->most_lines_n < 100000 + (256 << 10)); /* and those of one read, at most */
    size_t held_n = f->held_n;
    give_back(f, 0, BATCH_STORED);
    assert_int_equal(f->held_n, held_n);
}

/* Bytes; under a sanitizer nobody counts them. */
static size_t in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void give_back_but(struct fixture *f, size_t kept_n)
{
    for (size_t i = 0; i + kept_n < f->held_n; i++)
        give_back(f, i, BATCH_STORED);
}

/* Reads and throws away all that the door has to say. */
static void hear_all(struct fixture *f)
{
    char text[4096];
    for (int still = 0; still < 20; still++) {
        still = read(f->fd, text, sizeof text) > 0 ? -1 : still;
        turn(f);
    }
}

/* Room that is kept for the next batch is that of usual ones. */
static void rubbish_leaves_no_large_room_behind(void **state)
{
    struct fixture *f = *state;
    size_t before = in_use();
    rush(f, STR_LIT("x\n"));
    socket_stop(f->door); /* no more comes */
    give_back_but(f, 0);
    hear_all(f);
    assert_true(in_use() < before + (4 << 20)); /* with what is read already */
}

static void the_room_of_a_rush_goes_when_the_peer_left_before_its_end(void **state)
{
    struct fixture *f = *state;
    struct timeval soon = {1, 500000};
    size_t before = in_use();
    rush(f, STR_LIT(LINE));
    socket_stop(f->door);
    give_back_but(f, 1);
    close(f->fd);
    turn(f);
    give_back(f, f->held_n - 1, BATCH_STORED);
    event_base_loopexit(f->base, &soon); /* longer than a rush pauses */
    event_base_loop(f->base, 0);
    assert_true(in_use() < before + (1 << 20));
    f->fd = -1;
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(batches_are_acknowledged_in_the_order_of_lines_whichever_comes_back_first),
        T(what_found_no_room_goes_again_the_same_and_in_its_place),
        T(who_leaves_is_not_told_and_the_next_one_begins_anew),
        T(a_door_that_is_stopped_still_acknowledges_and_reads_no_more),
        T(of_short_lines_too_only_so_many_are_under_way),
        T(rubbish_leaves_no_large_room_behind),
        T(the_room_of_a_rush_goes_when_the_peer_left_before_its_end),
    };
    log_set_level(LOG_LEVEL_ERROR);
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
