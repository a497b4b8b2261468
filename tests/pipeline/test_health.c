/* Pictures that show nothing: what is said of them, and that nobody is counted in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "config/config.h"
#include "media/source.h"
#include "pipeline/path.h"
#include "vision/picture_health.h"

enum { WIDTH = 320, HEIGHT = 180 };

/* `level` with noise of `swing` around it, in what a limited range stores. */
static struct picture *make(int level, unsigned swing, uint64_t seed)
{
    struct picture *p = picture_create(PIXEL_I420, WIDTH, HEIGHT);
    struct random_state random;
    assert_non_null(p);
    random_seed(&random, seed);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            int noise = (int)(random_unit(&random) * swing) - (int)swing / 2;
            int value = level + noise;
            ((uint8_t *)p->planes[0])[y * p->strides[0] + x] = (uint8_t)(value < 0     ? 0
                                                                         : value > 255 ? 255
                                                                                       : value);
        }
    return p;
}

/* What is said of the picture itself. */
static enum health_flag fault_of(struct picture_health *health, const struct picture *p)
{
    struct picture_finding finding;
    picture_health_look(health, &picture_health_defaults, p, &finding);
    return finding.fault;
}

static struct picture_health *make_health(void)
{
    struct picture_health *health = calloc(1, sizeof *health);
    assert_non_null(health);
    return health;
}

static void black_and_plain_pictures(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int level;
        unsigned swing;
        enum health_flag fault;
    } cases[] = {
        {"black", 16, 0, HEALTH_BLACK},
        {"black with a sensor's noise", 20, 10, HEALTH_BLACK},
        {"a covered lens", 60, 4, HEALTH_PLAIN},
        {"white", 235, 0, HEALTH_PLAIN},
        {"a dark place with contrast", 40, 60, HEALTH_FLAG_COUNT},
        {"a place", 120, 160, HEALTH_FLAG_COUNT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture_health *health = make_health();
        struct picture *p = make(cases[i].level, cases[i].swing, i);
        if (fault_of(health, p) != cases[i].fault)
            fail_msg("%s", cases[i].what);
        picture_unref(&p);
        free(health);
    }
}

static void a_lamp_at_night_is_not_black(void **state)
{
    (void)state;
    struct picture_health *health = make_health();
    struct picture *p = make(18, 4, 1);
    for (int y = 40; y < 60; y++)
        memset((uint8_t *)p->planes[0] + y * p->strides[0] + 100, 200, 40);
    assert_int_equal(fault_of(health, p), HEALTH_FLAG_COUNT);
    picture_unref(&p);
    free(health);
}

static void frozen_after_ten_seconds_and_until_it_moves(void **state)
{
    (void)state;
    struct picture_health *health = make_health();
    struct picture *p = make(120, 160, 1);
    for (int s = 0; s < 15; s++) {
        p->stream_ns = s * NS_PER_S;
        assert_int_equal(fault_of(health, p), s < 10 ? HEALTH_FLAG_COUNT : HEALTH_FROZEN);
    }
    picture_unref(&p);
    p = make(120, 160, 2);
    p->stream_ns = 15 * NS_PER_S;
    assert_int_equal(fault_of(health, p), HEALTH_FLAG_COUNT);
    picture_unref(&p);
    free(health);
}

static void every_picture_of_the_clip_is_sound(void **state)
{
    (void)state;
    const char *root = getenv("SCI_SOURCE_ROOT");
    char clip[1024];
    struct error error = {0};
    struct source *source = NULL;
    int64_t pictures = 0;
    path_join(clip, sizeof clip, root ? root : ".", "var/sample/vtest.avi");
    if (!file_exists(clip))
        skip();
    struct picture_health *health = make_health();
    struct source_options options = {.uri = clip, .picture_limit = 4};
    assert_int_equal(source_kind_ffmpeg.open(&options, &source, &error), 0);
    for (struct observation o; source_kind_ffmpeg.read(source, &o, &error) == 0; pictures++) {
        assert_int_equal(fault_of(health, o.picture), HEALTH_FLAG_COUNT);
        observation_release(&o);
    }
    source_kind_ffmpeg.close(&source);
    free(health);
    assert_int_equal(pictures, 795);
}

static void look(struct camera_path *path, struct picture *p, int64_t ms, struct snapshot *snapshot)
{
    static const struct detection person = {.box = {100, 60, 30, 70}, .score = 0.9F};
    struct error error = {0};
    p->stream_ns = ms * NS_PER_MS;
    struct observation o = {.kind = OBSERVATION_PICTURE,
                            .picture = p,
                            .stream_ns = p->stream_ns,
                            .number = ms,
                            .width = WIDTH,
                            .height = HEIGHT};
    assert_int_equal(camera_path_measure(path, &o, &person, 1, snapshot, &error), 0);
}

static void nobody_is_counted_in_a_black_picture(void **state)
{
    (void)state;
    struct config *config;
    struct camera_path *path;
    struct snapshot snapshot;
    struct error error = {0};
    assert_int_equal(config_load(NULL, &config, NULL, &error), 0);
    struct stream_config *stream = stream_config_default(config, "gate", "none");
    assert_non_null(stream);
    assert_int_equal(camera_path_create(config, stream, PATH_VIDEO, &path, &error), 0);
    struct picture *sound = make(120, 160, 1), *black = make(16, 0, 1);
    const struct measure *people = &snapshot.measures.of[MEASURE_PEOPLE];
    for (int ms = 0; ms <= 1000; ms += 100)
        look(path, sound, ms, &snapshot);
    assert_true(people->valid && people->value == 1);
    assert_int_equal(snapshot.blind_ns, 0);
    for (int ms = 1100; ms <= 3000; ms += 100) {
        look(path, black, ms, &snapshot);
        assert_false(people->valid);
        assert_string_equal(people->reason, health_info(HEALTH_BLACK)->reason);
        assert_string_equal(snapshot.degraded, health_info(HEALTH_BLACK)->reason);
        assert_int_equal(snapshot.track_count, 0);
        assert_true(snapshot.blind_ns == (ms - 1000) * NS_PER_MS);
    }
    for (int ms = 3100; ms <= 4000; ms += 100)
        look(path, sound, ms, &snapshot);
    assert_true(people->valid && people->value == 1 && snapshot.degraded == NULL && snapshot.blind_ns == 0);
    picture_unref(&sound);
    picture_unref(&black);
    camera_path_destroy(&path);
    stream_config_free(&stream);
    config_unref(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(black_and_plain_pictures),
        cmocka_unit_test(a_lamp_at_night_is_not_black),
        cmocka_unit_test(frozen_after_ten_seconds_and_until_it_moves),
        cmocka_unit_test(every_picture_of_the_clip_is_sound),
        cmocka_unit_test(nobody_is_counted_in_a_black_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
