/* Real files whose time stamps are damaged: every picture comes, and time goes on evenly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "fixture.h"
#include "media/source.h"

#define MS NS_PER_MS
#define CLIP "-f lavfi -i testsrc2=size=160x120:rate=25:duration=4 -c:v libx264 -g 25 -pix_fmt yuv420p "

static const struct source_kind *const kind = &source_kind_ffmpeg;

struct seen {
    int64_t pictures, shortest_ns, longest_ns, last_ns;
    struct source_faults faults;
};

static struct seen play(const char *name)
{
    struct source_options options = {.uri = fixture_path(name)};
    struct seen seen = {.shortest_ns = INT64_MAX};
    struct source_info info;
    struct source *source = fixture_open(kind, &options);
    struct observation o;
    struct error error = {0};
    int code;

    while ((code = kind->read(source, &o, &error)) == 0) {
        int64_t step = o.stream_ns - seen.last_ns;

        if (seen.pictures++ > 0) {
            assert_true(step > 0);
            seen.shortest_ns = step < seen.shortest_ns ? step : seen.shortest_ns;
            seen.longest_ns = step > seen.longest_ns ? step : seen.longest_ns;
        }
        seen.last_ns = o.stream_ns;
        observation_release(&o);
    }
    if (code != ERR_END)
        fail_msg("%s: %s", name, error.text);
    kind->info(source, &info);
    seen.faults = info.faults;
    kind->close(&source);
    return seen;
}

/* 33 bits at 90 kHz wrap at 95443.7 s. */
static const struct {
    const char *name, *make;
    int64_t pictures, shortest_ms, longest_ms;
    int64_t disordered, jumps;
} cases[] = {
    {"plain.ts", CLIP, 100, 40, 40, 0, 0},
    {"wraps.ts", CLIP "-output_ts_offset 95441.5", 100, 40, 40, 0, 0},
    {"wraps_b.ts", CLIP "-bf 2 -output_ts_offset 95441.5", 100, 40, 40, 0, 0},
    {"gap.ts", CLIP "-bf 0 -bsf:v setts=ts='TS+gte(N\\,50)*3*90000'", 100, 40, 3040, 0, 0},
    {"ahead.ts", CLIP "-bf 0 -bsf:v setts=ts='TS+gte(N\\,50)*3000*90000'", 100, 40, 40, 0, 1},
    {"repeated.mkv",
     CLIP "-bf 0 -bsf:v setts=pts='PTS-40*eq(mod(N\\,10)\\,5)':dts='DTS-40*eq(mod(N\\,10)\\,5)'", 100, 20, 60,
     10, 0},
    {"bare.h264", CLIP "-bf 0", 100, 40, 40, 0, 0},
};

static void damaged_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct seen seen;

        fixture_ffmpeg("%s %s", cases[i].make, cases[i].name);
        seen = play(cases[i].name);
        if (seen.pictures != cases[i].pictures || (seen.shortest_ns + MS / 2) / MS != cases[i].shortest_ms ||
            (seen.longest_ns + MS / 2) / MS != cases[i].longest_ms || seen.faults.jumps != cases[i].jumps ||
            seen.faults.disordered != cases[i].disordered)
            fail_msg("%s: %d pictures, steps of %.2f to %.2f ms, %d disordered, %d jumps", cases[i].name,
                     (int)seen.pictures, (double)seen.shortest_ns / 1e6, (double)seen.longest_ns / 1e6,
                     (int)seen.faults.disordered, (int)seen.faults.jumps);
    }
}

/* Two recordings one after the other, as cameras' cards have them: the clock goes back in the middle. */
static void joined_recordings(void **state)
{
    struct buffer both = {0};
    struct seen seen;

    (void)state;
    fixture_ffmpeg(CLIP "-bf 0 -output_ts_offset 500 a.ts");
    fixture_ffmpeg(CLIP "-bf 0 b.ts");
    assert_int_equal(file_read(fixture_path("a.ts"), 1 << 26, &both, NULL), 0);
    assert_int_equal(file_read(fixture_path("b.ts"), 1 << 26, &both, NULL), 0);
    fixture_write("joined.ts", both.data, both.size);
    buffer_free(&both);
    seen = play("joined.ts");
    assert_int_equal(seen.pictures, 200);
    assert_int_equal(seen.faults.jumps, 1);
    assert_in_range(seen.longest_ns, 39 * MS, 41 * MS);
    assert_in_range(seen.last_ns, 199 * 40 * MS - MS, 199 * 40 * MS + MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {FIXTURE_TEST(damaged_files), FIXTURE_TEST(joined_recordings)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
