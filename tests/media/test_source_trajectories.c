/* Recorded positions played as a source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "media/source.h"

static const struct source_kind *const kind = &source_kind_trajectories;

static int try_open(const char *text, const char *query, struct source_options options,
                    struct source **source, struct error *error)
{
    char uri[700];
    fixture_write("t.txt", text, strlen(text));
    snprintf(uri, sizeof uri, "trajectories://%s%s", fixture_path("t.txt"), query);
    options.uri = uri;
    assert_ptr_equal(source_kind_for(uri, error), kind);
    return kind->open(&options, source, error);
}

static struct source *opened(const char *text, const char *query, struct source_options options)
{
    struct source *source;
    struct error error;
    if (try_open(text, query, options, &source, &error) < 0)
        fail_msg("%s", error.text);
    return source;
}

/* The next observation: at this time, these people (ids; 0 ends the list), the first of them at x. */
static void assert_next(struct source *source, int64_t stream_ms, const int64_t *ids, double x)
{
    struct observation o;
    struct error error = {0};
    if (kind->read(source, &o, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(o.kind, OBSERVATION_POSITIONS);
    assert_int_equal(o.stream_ns / NS_PER_MS, stream_ms);
    size_t count = 0;
    for (; ids[count]; count++) {
        assert_true(count < o.position_count);
        assert_int_equal(o.positions[count].id, ids[count]);
    }
    assert_int_equal(o.position_count, count);
    if (count > 0)
        assert_true(o.positions[0].position.x == x);
    observation_release(&o);
}

#define IDS(...) ((const int64_t[]){__VA_ARGS__, 0})
#define NOBODY ((const int64_t[]){0})

static void frames_by_their_numbers(void **state)
{
    /* every tenth frame; nobody in frame 30; rows in any order */
    static const char text[] = "# framerate: 25\n# id frame x/cm y/cm\n1 0 100 0\n2 10 300 0\n1 10 200 0\n"
                               "2 20 400 0\n2 40 500 0\n";
    struct source *source = opened(text, "", (struct source_options){0});
    struct source_info info;
    struct observation o;
    struct error error;
    (void)state;
    kind->info(source, &info);
    assert_false(info.live);
    assert_int_equal(info.gives, OBSERVATION_POSITIONS);
    assert_int_equal(info.frame_count, 5);
    assert_true(info.frame_rate == 2.5);
    assert_next(source, 0, IDS(1), 1);
    assert_next(source, 400, IDS(1, 2), 2);
    assert_next(source, 800, IDS(2), 4);
    assert_next(source, 1200, NOBODY, 0);
    assert_next(source, 1600, IDS(2), 5);
    assert_int_equal(kind->read(source, &o, &error), ERR_END);
    kind->close(&source);
    assert_null(source);
}

static void looped_with_new_people(void **state)
{
    static const char text[] = "id,frame,x,y\n0,7,1.5,2\n3,8,2,2\n";
    struct source *source = opened(text, "", (struct source_options){.frame_rate = 10, .loop = true});
    (void)state;
    for (int64_t pass = 0; pass < 3; pass++) {
        assert_next(source, 200 * pass, IDS(1 + 4 * pass), 1.5);
        assert_next(source, 200 * pass + 100, IDS(4 + 4 * pass), 2);
    }
    kind->close(&source);
}

static void units_and_columns(void **state)
{
    struct source *source =
        opened("5 1 250 0\n", "?unit=cm&columns=frame,id,x,y", (struct source_options){.frame_rate = 16});
    (void)state;
    assert_next(source, 0, IDS(1), 2.5);
    kind->close(&source);
}

static void what_cannot_be_played(void **state)
{
    static const struct {
        const char *text, *why;
        double rate;
    } cases[] = {
        {"1 1 0 0\n", "frame_rate: the file does not say", 0},
        {"", "there is no row with a position", 25},
        {"1 1 0\n", "row 1 has 3 columns, column 4 (y) is missing", 25},
        {"1 1 0 0\n1 2 0 0\n1 3 0 0\n1 9000000000 0 0\n", "in steps of 1 are more than 10000000 frames", 25},
        {"1 1 0 0\n9000000000000 2 0 0\n", "id: from 1 to 9000000000000: too far apart", 25},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct source *source = (void *)1;
        struct error error;
        assert_true(try_open(cases[i].text, "", (struct source_options){.frame_rate = cases[i].rate}, &source,
                             &error) < 0);
        assert_null(source);
        assert_non_null(strstr(error.text, "t.txt: "));
        if (!strstr(error.text, cases[i].why))
            fail_msg("%s", error.text);
    }
}

static void paced_and_canceled(void **state)
{
    atomic_bool cancel = false;
    struct source *source =
        opened("1 0 0 0\n1 1 0 0\n1 2 0 0\n", "",
               (struct source_options){.frame_rate = 20, .paced = true, .cancel = &cancel});
    struct observation o, next;
    struct error error;
    (void)state;
    assert_int_equal(kind->read(source, &o, &error), 0);
    assert_int_equal(kind->read(source, &next, &error), 0);
    assert_int_equal(next.capture.mono_ns - o.capture.mono_ns, 50 * NS_PER_MS);
    observation_release(&o);
    observation_release(&next);
    atomic_store(&cancel, true);
    assert_int_equal(kind->read(source, &o, &error), ERR_CANCELED);
    kind->close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(frames_by_their_numbers),
                                       FIXTURE_TEST(looped_with_new_people), FIXTURE_TEST(units_and_columns),
                                       FIXTURE_TEST(what_cannot_be_played), FIXTURE_TEST(paced_and_canceled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
