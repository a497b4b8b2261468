/* Reading MOTChallenge rows, and the scores against values of the reference scorer (tools/score/motscore.py)
 * on made-up sequences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "track/motscore.h"

static void reads_rows(void **state)
{
    (void)state;
    static const char text[] =
        "2,5,1.5,2,3,4,0.5\r\n\n1 7 -1e1,+2 , 3\t4\n 2,6,0,0,1,1,1,7,0.25,99,what ever\n1,8,0,0,1,1";
    struct mot_rows r;
    assert_int_equal(mot_rows_parse(text, sizeof text - 1, "t", 6, &r, NULL), 0);
    assert_int_equal(r.count, 4);
    static const int64_t frames[] = {1, 1, 2, 2}, ids[] = {7, 8, 5, 6};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(r.rows[i].frame, frames[i]);
        assert_int_equal(r.rows[i].id, ids[i]);
    }
    assert_true(r.rows[0].x == -10 && r.rows[0].y == 2 && r.rows[0].w == 3 && r.rows[0].h == 4);
    assert_true(r.rows[0].extra[0] == -1 && r.rows[2].extra[0] == 0.5 && r.rows[2].extra[1] == -1);
    assert_true(r.rows[3].extra[1] == 7 && r.rows[3].extra[2] == 0.25);
    assert_int_equal(mot_rows_after(&r, 0), 0);
    assert_int_equal(mot_rows_after(&r, 1), 2);
    assert_int_equal(mot_rows_after(&r, 9), 4);
    mot_rows_free(&r);
}

static void refuses_rows_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"1,2,3,4,5,6,0.5\n1,2,nan,4,5,6,0.5\n", "t:2: column 3: not a finite number"},
        {"1,2,3,inf,5,6,0.5\n", "t:1: column 4: not a finite number"},
        {"1,2,3,4,-Infinity,6,0.5\n", "t:1: column 5: not a finite number"},
        {"\n\n1,2,3,4,5,1e999,0.5\n", "t:3: column 6: not a finite number"},
        {"1,2,3,4,5,6,x\n", "t:1: column 7: not a finite number"},
        {"1,2,3,4,5,6\n", "t:1: column 7: missing"},
        {"1,2,3,,5,6,1\n", "t:1: column 4: empty"},
        {"1,2,3,4,5,6,\n", "t:1: column 7: empty"},
        {"1.5,2,3,4,5,6,1\n", "t:1: column 1: not a whole number"},
        {"1,1e17,3,4,5,6,1\n", "t:1: column 2: not a whole number"},
        {"1,2,3,4,5,6,00000000000000000000000000000000000000000000000000000000000000000001\n",
         "t:1: column 7: too long for a number"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct mot_rows r;
        struct error error = {0};
        assert_int_equal(mot_rows_parse(cases[k].text, strlen(cases[k].text), "t", 7, &r, &error),
                         ERR_FORMAT);
        assert_string_equal(error.text, cases[k].message);
        assert_null(r.rows);
    }
}

static void written_rows_read_back(void **state)
{
    (void)state;
    struct mot_row row = {12, 3, 1.25, -2.5, 33.75, 80.5, {0.625, -1, -1}};
    struct buffer text = {0};
    struct mot_rows r;
    mot_row_write(&text, &row);
    assert_int_equal(mot_rows_parse(text.data, text.size, "t", 7, &r, NULL), 0);
    assert_int_equal(r.count, 1);
    assert_memory_equal(&r.rows[0], &row, sizeof row);
    mot_rows_free(&r);
    buffer_free(&text);
}

enum { ROWS_MAX = 4000 };

struct pair_of_files {
    struct mot_row truth[ROWS_MAX], results[ROWS_MAX];
    size_t truth_count, result_count;
};

/* Whole tenths, so that text and numbers are the same. */
static double tenths(double x)
{
    return round(x * 10) / 10;
}

/* People on slow curves, with ids that swap, boxes that are missing, wrong ones, distractors and ignored
 * rows. */
static void make_sequence(uint64_t seed, bool classes, struct pair_of_files *f)
{
    struct random_state r;
    random_seed(&r, seed);
    f->truth_count = f->result_count = 0;
    int64_t name[12];
    for (int i = 0; i < 12; i++) {
        name[i] = 100 + i;
    }
    for (int64_t frame = 1; frame <= 80; frame++) {
        if (random_below(&r, 6) == 0) {
            uint32_t a = random_below(&r, 12), b = random_below(&r, 12);
            int64_t swap = name[a];
            name[a] = name[b];
            name[b] = swap;
        }
        for (int i = 0; i < 12; i++) {
            double t = (double)frame / 20 + i, x = 300 + 200 * sin(t), y = 200 + 90 * cos(t * 0.7 + i),
                   h = 60 + 5 * i;
            if (frame == 40 || (frame + 7 * i) % 60 < 8) {
                continue;
            }
            double class = classes && i == 3 ? 7 : classes && i == 4 ? 12 : 1;
            struct mot_row g = {frame, i, tenths(x), tenths(y), tenths(h / 3), tenths(h), {i != 5, class, 1}};
            if (!classes) {
                g.extra[1] = g.extra[2] = -1;
            }
            f->truth[f->truth_count++] = g;
            double dx = tenths(4 * random_normal(&r)), dy = tenths(6 * random_normal(&r)),
                   luck = random_unit(&r);
            if (luck > 0.15) {
                f->results[f->result_count++] = (struct mot_row){
                    frame, name[i], tenths(g.x + dx), tenths(g.y + dy), g.w, g.h, {1, -1, -1}};
            }
            if (luck > 0.93) {
                f->results[f->result_count++] = (struct mot_row){
                    frame, 900 + i, tenths(g.x + 5 * dx), tenths(g.y + 40), g.w, g.h, {1, -1, -1}};
            }
        }
    }
}

static const struct {
    uint64_t seed;
    bool classes;
    enum mot_benchmark benchmark;
    double hota, deta, assa, mota, idf1;
    int64_t id_switches, fp, fn, truth;
} known[] = {
#include "motscore_table.h"
};

static void equals_the_reference(void **state)
{
    (void)state;
    static struct pair_of_files f;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        make_sequence(known[k].seed, known[k].classes, &f);
        struct mot_rows truth = {f.truth, f.truth_count}, results = {f.results, f.result_count};
        struct mot_counts c;
        assert_int_equal(motscore_guess(&truth), known[k].classes ? BENCHMARK_MOT17 : BENCHMARK_MOT15);
        assert_int_equal(motscore_sequence(&truth, &results, known[k].benchmark, &c, NULL), 0);
        struct mot_figures g = motscore_figures(&c);
        assert_true(fabs(g.hota - known[k].hota) < 1e-9);
        assert_true(fabs(g.deta - known[k].deta) < 1e-9);
        assert_true(fabs(g.assa - known[k].assa) < 1e-9);
        assert_true(fabs(g.mota - known[k].mota) < 1e-9);
        assert_true(fabs(g.idf1 - known[k].idf1) < 1e-9);
        assert_int_equal(c.id_switches, known[k].id_switches);
        assert_int_equal(c.fp, known[k].fp);
        assert_int_equal(c.fn, known[k].fn);
        assert_int_equal(c.truth, known[k].truth);
    }
}

static void perfect_and_empty_results(void **state)
{
    (void)state;
    static struct pair_of_files f;
    struct mot_counts c;
    make_sequence(1, false, &f);
    size_t n = 0;
    for (size_t i = 0; i < f.truth_count; i++) {
        if (f.truth[i].extra[0] != 0) {
            f.results[n++] = f.truth[i];
        }
    }
    struct mot_rows truth = {f.truth, f.truth_count}, results = {f.results, n}, none = {NULL, 0};
    assert_int_equal(motscore_sequence(&truth, &results, BENCHMARK_MOT15, &c, NULL), 0);
    struct mot_figures g = motscore_figures(&c);
    assert_true(fabs(g.hota - 100) < 1e-9 && fabs(g.mota - 100) < 1e-9 && fabs(g.idf1 - 100) < 1e-9);
    assert_int_equal(motscore_sequence(&truth, &none, BENCHMARK_MOT15, &c, NULL), 0);
    g = motscore_figures(&c);
    assert_true(g.hota == 0 && g.mota == 0 && g.idf1 == 0 && c.fn == c.truth);
    assert_int_equal(motscore_sequence(&none, &none, BENCHMARK_MOT17, &c, NULL), 0);
    assert_int_equal(c.frames, 0);
}

static void an_id_twice_in_a_frame_is_refused(void **state)
{
    (void)state;
    struct mot_row rows[2] = {{7, 3, 0, 0, 5, 5, {1, 1, 1}}, {7, 3, 9, 0, 5, 5, {1, 1, 1}}};
    struct mot_rows two = {rows, 2}, none = {NULL, 0};
    struct mot_counts c;
    struct error error = {0};
    assert_int_equal(motscore_sequence(&none, &two, BENCHMARK_MOT15, &c, &error), ERR_INVALID);
    assert_string_equal(error.text, "results: id 3 occurs twice in frame 7");
    assert_int_equal(motscore_sequence(&two, &none, BENCHMARK_MOT15, &c, &error), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rows),
        cmocka_unit_test(refuses_rows_with_their_place),
        cmocka_unit_test(written_rows_read_back),
        cmocka_unit_test(equals_the_reference),
        cmocka_unit_test(perfect_and_empty_results),
        cmocka_unit_test(an_id_twice_in_a_frame_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
