/* The model session on small models of our own (tests/data/models): what it reads, runs and refuses. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "infer/session.h"

static const char *model(const char *name)
{
    static char path[1024];
    const char *root = getenv("SCI_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/data/models/%s", root != NULL ? root : ".", name);
    return path;
}

static struct session *open_model(const char *name)
{
    struct error error = {0};
    struct session *session = NULL;
    struct session_options options = {.path = model(name), .threads = 1};
    if (session_open(&options, &session, &error) < 0)
        fail_msg("%s", error.text);
    return session;
}

static void test_describes_the_model(void **state)
{
    (void)state;
    struct session *s = open_model("affine.onnx");
    char text[TENSOR_SHAPE_TEXT];
    assert_int_equal(session_input_count(s), 1);
    assert_int_equal(session_output_count(s), 2);
    assert_string_equal(session_input(s, 0)->name, "x");
    assert_string_equal(session_output(s, 1)->name, "minus_y");
    assert_string_equal(tensor_shape_text(session_input(s, 0)->shape, session_input(s, 0)->rank, text),
                        "1x3x?x?");
    assert_string_equal(session_path(s), model("affine.onnx"));
    session_close(&s);
    assert_null(s);
    session_close(&s);
}

static void run_affine(struct session *s, int64_t height, int64_t width, float first)
{
    float values[3 * 8 * 8];
    size_t count = (size_t)(3 * height * width);
    for (size_t i = 0; i < count; i++)
        values[i] = first + (float)i;
    struct tensor in = {.rank = 4, .shape = {1, 3, height, width}, .data = values}, out[SESSION_TENSORS_MAX];
    struct session_outputs *hold = NULL;
    struct error error = {0};
    if (session_run(s, &in, out, &hold, &error) < 0)
        fail_msg("%s", error.text);
    for (int t = 0; t < 2; t++) {
        assert_int_equal(out[t].rank, 4);
        assert_int_equal(out[t].shape[2], height);
        assert_int_equal(out[t].shape[3], width);
        for (size_t i = 0; i < count; i++)
            assert_true(out[t].data[i] == (t == 0 ? 1.0F : -1.0F) * (2 * values[i] + 1));
    }
    session_outputs_release(&hold);
    assert_null(hold);
    session_outputs_release(&hold);
}

static void test_runs_with_any_free_size(void **state)
{
    (void)state;
    struct session *s = open_model("affine.onnx");
    run_affine(s, 2, 3, 0);
    run_affine(s, 8, 8, -7);
    run_affine(s, 1, 1, 0.5F);
    session_close(&s);
}

static void test_outputs_of_two_runs_live_together(void **state)
{
    (void)state;
    struct session *s = open_model("affine.onnx");
    struct tensor out[2][SESSION_TENSORS_MAX];
    struct session_outputs *hold[2];
    float values[2][3] = {{1, 2, 3}, {10, 20, 30}};
    for (int i = 0; i < 2; i++) {
        struct tensor in = {.rank = 4, .shape = {1, 3, 1, 1}, .data = values[i]};
        assert_int_equal(session_run(s, &in, out[i], &hold[i], NULL), 0);
    }
    assert_true(out[0][0].data[2] == 7 && out[1][0].data[2] == 61);
    session_outputs_release(&hold[0]);
    assert_true(out[1][0].data[0] == 21);
    session_outputs_release(&hold[1]);
    session_close(&s);
}

static void *run_many(void *session)
{
    for (int i = 0; i < 50; i++)
        run_affine(session, 1 + i % 8, 8, (float)i);
    return NULL;
}

static void test_runs_from_several_threads(void **state)
{
    (void)state;
    struct session *s = open_model("affine.onnx");
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, s), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    session_close(&s);
}

static void test_refuses_a_wrong_shape(void **state)
{
    (void)state;
    static const struct {
        size_t rank;
        int64_t shape[4];
        const char *found;
    } cases[] = {{4, {1, 4, 2, 2}, "1x4x2x2"}, {3, {3, 2, 2}, "3x2x2"}, {4, {1, 3, 0, 2}, "1x3x0x2"}};
    struct session *s = open_model("affine.onnx");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float values[64] = {0};
        struct tensor in = {.rank = cases[i].rank, .data = values}, out[SESSION_TENSORS_MAX];
        memcpy(in.shape, cases[i].shape, sizeof cases[i].shape);
        struct session_outputs *hold = NULL;
        struct error error = {0};
        assert_int_equal(session_run(s, &in, out, &hold, &error), ERR_INVALID);
        assert_null(hold);
        assert_non_null(strstr(error.text, cases[i].found));
        assert_non_null(strstr(error.text, "takes 1x3x?x?"));
        assert_non_null(strstr(error.text, "affine.onnx"));
    }
    session_close(&s);
}

static void expect_refused(const char *path, int threads, const char *provider, int code, const char *text)
{
    struct error error = {0};
    struct session *session = (struct session *)1;
    struct session_options options = {.path = path, .threads = threads, .provider = provider};
    int result = session_open(&options, &session, &error);
    if (result != code)
        fail_msg("%s: code %d, expected %d: %s", path, result, code, error.text);
    assert_null(session);
    assert_non_null(strstr(error.text, path));
    if (strstr(error.text, text) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, text);
    assert_null(strchr(error.text, '\n'));
}

/* Whatever the machine has: what runs is told, and why it is not what was wanted; results are the CPU's. */
static void test_providers_fall_back_and_agree(void **state)
{
    static const char *const wanted[] = {"auto", "cuda", "tensorrt"};
    (void)state;
    struct error error = {0};
    struct session *cpu = NULL;
    struct session_options options = {.path = model("tiny_nanodet.onnx"), .threads = 1};
    assert_int_equal(session_open(&options, &cpu, &error), 0);
    assert_string_equal(session_provider(cpu), "cpu");
    assert_string_equal(session_provider_reason(cpu), "");
    float input[3 * 64 * 64];
    for (size_t i = 0; i < 3 * 64 * 64; i++)
        input[i] = (float)(i * 7919 % 255) / 255;
    for (size_t i = 0; i < 3; i++) {
        struct session *other = NULL;
        struct tensor in = {.rank = 4, .shape = {1, 3, 64, 64}, .data = input}, a[SESSION_TENSORS_MAX],
                      b[SESSION_TENSORS_MAX];
        struct session_outputs *hold_a = NULL, *hold_b = NULL;
        options.provider = wanted[i];
        if (session_open(&options, &other, &error) < 0)
            fail_msg("%s: %s", wanted[i], error.text);
        bool fell_back = strcmp(session_provider(other), "cpu") == 0;
        print_message("# %s: %s %s\n", wanted[i], session_provider(other), session_provider_reason(other));
        if (fell_back)
            assert_true(session_provider_reason(other)[0] != '\0');
        if (session_run(cpu, &in, a, &hold_a, &error) < 0 || session_run(other, &in, b, &hold_b, &error) < 0)
            fail_msg("%s", error.text);
        for (size_t t = 0; t < session_output_count(cpu); t++) {
            size_t count = 1;
            for (size_t d = 0; d < a[t].rank; d++)
                count *= (size_t)a[t].shape[d];
            for (size_t k = 0; k < count; k++)
                assert_true(fabsf(a[t].data[k] - b[t].data[k]) <= 1e-3f * (1 + fabsf(a[t].data[k])));
        }
        session_outputs_release(&hold_a);
        session_outputs_release(&hold_b);
        session_close(&other);
    }
    session_close(&cpu);
}

static void test_refuses_what_is_no_model(void **state)
{
    (void)state;
    expect_refused(model("missing.onnx"), 1, NULL, ERR_NOT_FOUND, "No such file");
    expect_refused(model("make_models.py"), 1, NULL, ERR_FORMAT, "not a model");
    expect_refused(model(""), 1, NULL, ERR_FORMAT, "not a file");
    expect_refused("/dev/null", 1, NULL, ERR_FORMAT, "not a file");
    expect_refused(model("integers.onnx"), 1, NULL, ERR_UNSUPPORTED, "\"x\" has element type 7");
    expect_refused(model("many_outputs.onnx"), 1, NULL, ERR_UNSUPPORTED, "17 outputs");
    expect_refused(model("unknown_operator.onnx"), 1, NULL, ERR_FORMAT, "Sideways");
    expect_refused(model("affine.onnx"), 0, NULL, ERR_INVALID, "0 threads");
    expect_refused(model("affine.onnx"), 1, "abacus", ERR_UNSUPPORTED, "abacus");
}

/* Every length shorter than the whole is refused, or at least opens as a model and is closed again. */
static void test_refuses_a_truncated_model(void **state)
{
    (void)state;
    char bytes[8192], path[] = "/tmp/sci-session-XXXXXX";
    FILE *whole = fopen(model("tiny_nanodet.onnx"), "rb");
    assert_non_null(whole);
    size_t size = fread(bytes, 1, sizeof bytes, whole);
    fclose(whole);
    assert_true(size > 4000 && size < sizeof bytes);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    expect_refused(path, 1, NULL, ERR_FORMAT, "the file is empty");
    for (size_t length = 1; length < size; length += 397) {
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, bytes, length, 0), (ssize_t)length);
        expect_refused(path, 1, NULL, ERR_FORMAT, "not a model");
    }
    close(fd);
    unlink(path);
}

static void test_opens_again_after_the_last_close(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct session *a = open_model("affine.onnx"), *b = open_model("tiny_nanodet.onnx");
        run_affine(a, 2, 2, 1);
        session_close(&a);
        session_close(&b);
    }
    assert_non_null(strchr(session_runtime_version(), '.'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describes_the_model),
        cmocka_unit_test(test_runs_with_any_free_size),
        cmocka_unit_test(test_outputs_of_two_runs_live_together),
        cmocka_unit_test(test_runs_from_several_threads),
        cmocka_unit_test(test_refuses_a_wrong_shape),
        cmocka_unit_test(test_providers_fall_back_and_agree),
        cmocka_unit_test(test_refuses_what_is_no_model),
        cmocka_unit_test(test_refuses_a_truncated_model),
        cmocka_unit_test(test_opens_again_after_the_last_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
