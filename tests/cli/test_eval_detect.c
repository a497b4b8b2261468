/* sci eval detect through the program: figures of a small case, a clip on which the answer is known, and what
 * it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/text.h"

static char folder[] = "/tmp/sci-eval-XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[4][512];
    static size_t next;
    char *path = paths[next++ % 4];
    text_format(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    assert_int_equal(file_write_atomic(in_folder(name), text, strlen(text), NULL), 0);
}

/* Runs in the source's root, where the default model is; standard error is kept with the output. */
static int run(const char *arguments, struct buffer *output)
{
    char command[4096];
    const char *binary = getenv("SCI_BINARY"), *root = getenv("SCI_SOURCE_ROOT");
    assert_true(binary != NULL && root != NULL);
    text_format(command, sizeof command, "cd '%s' && '%s' eval detect %s 2>&1", root, binary, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    buffer_clear(output);
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, pipe)) > 0;)
        buffer_append(output, block, n);
    assert_false(output->failed);
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    put("truth.txt",
        "1,1,0,0,10,20,1,-1,-1\n1,2,100,0,10,20,1,-1,-1\n2,1,0,0,10,20,1,-1,-1\n3,1,50,0,10,20,0,-1,-1\n");
    put("det.txt", "1,-1,1,0,10,20,0.9\n1,-1,300,0,10,20,0.8\n2,-1,1,0,10,20,0.7\n3,-1,50,0,10,20,0.6\n");
    put("bad.txt", "1,-1,1,0,10,20,0.9\n1,-1,x,0,10,20,0.8\n");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    const char *names[] = {"truth.txt", "det.txt", "bad.txt", "out.json", "one.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_folder(names[i]));
    return rmdir(folder);
}

static double number_of(const struct json *json, const char *key)
{
    assert_non_null(json_get(json, key));
    return json_as_number(json_get(json, key), -1);
}

static void test_figures_of_a_file(void **state)
{
    (void)state;
    struct buffer output = {0}, text = {0};
    struct json *json = NULL;
    char arguments[2048];
    text_format(arguments, sizeof arguments, "--truth %s --det %s --threshold 0.75 --json %s",
                in_folder("truth.txt"), in_folder("det.txt"), in_folder("out.json"));
    assert_int_equal(run(arguments, &output), 0);
    assert_non_null(strstr(output.data, "labelled boxes 3, detections 4"));
    assert_int_equal(file_read(in_folder("out.json"), 1 << 20, &text, NULL), 0);
    assert_int_equal(json_parse(text.data, text.size, &json, NULL), 0);
    assert_true(number_of(json, "right") == 1 && number_of(json, "wrong") == 1 &&
                number_of(json, "missed") == 2);
    assert_true(number_of(json, "precision") == 0.5 && number_of(json, "truth") == 3);
    /* recall 1/3 at precision 1, 2/3 at 2/3: AP = 1/3 + 2/9 */
    assert_true(number_of(json, "average_precision") == 0.555556);
    assert_true(number_of(json, "best_f1") == 0.666667);
    json_free(json);
    text_format(arguments, sizeof arguments, "--truth %s --det %s --frames 2-3 --all", in_folder("truth.txt"),
                in_folder("det.txt"));
    assert_int_equal(run(arguments, &output), 0);
    assert_non_null(strstr(output.data, "labelled boxes 2, detections 2"));
    assert_non_null(strstr(output.data, "at score 0.50  F1 1.0000"));
    buffer_free(&text);
    buffer_free(&output);
}

static void test_figures_of_a_clip(void **state)
{
    (void)state;
    const char *root = getenv("SCI_SOURCE_ROOT");
    char path[1024], arguments[2048];
    path_join(path, sizeof path, root, "var/sample/vtest.avi");
    int have_clip = file_exists(path);
    path_join(path, sizeof path, root, "var/models/nanodet_g_int8.onnx");
    if (!have_clip || !file_exists(path))
        skip();
    /* One of the six people of frame 300, read off the picture: the others count as wrong. */
    put("truth.txt", "1,1,317,210,32,86,1\n"); /* another frame */
    struct buffer output = {0};
    text_format(arguments, sizeof arguments, "--truth %s --video var/sample/vtest.avi --frames 300-300",
                in_folder("truth.txt"));
    assert_int_equal(run(arguments, &output), 0);
    assert_non_null(strstr(output.data, "labelled boxes 0"));
    put("truth.txt", "300,1,317,210,32,86,1\n");
    assert_int_equal(run(arguments, &output), 0);
    assert_non_null(strstr(output.data, "right 1, wrong 5, missed 0"));
    assert_non_null(strstr(output.data, "ms_per_frame="));
    buffer_free(&output);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"", 2, "give --truth and either --det or --video"},
        {"--truth a --det b --video c", 2, "either --det or --video"},
        {"--truth a --det b --iou 0", 2, "above 0"},
        {"--truth a --det b --threshold 7", 2, "0 to 1"},
        {"--truth a --det b --size 512", 2, "WIDTHxHEIGHT"},
        {"--truth a --det b --frames 9-3", 2, "FIRST-LAST"},
        {"--truth a --det b --nonsense", 2, "nonsense"},
        {"--truth a --det b extra", 2, "unexpected argument 'extra'"},
        {"--help", 0, "Example: sci eval detect"},
        {"--truth /nowhere --det b", 1, "sci: /nowhere: No such file"},
        {"--truth TRUTH --det /nowhere", 1, "/nowhere"},
        {"--truth TRUTH --det BAD", 1, "bad.txt:2"},
        {"--truth TRUTH --video /nowhere --model tests/data/models/tiny_nanodet.onnx", 1, "/nowhere"},
        {"--truth TRUTH --video BAD --model tests/data/models/affine.onnx", 1, "no known family"},
        {"--truth TRUTH --video BAD --model tests/data/models/tiny_nanodet.onnx --family yolox", 1,
         "family yolox needs"}};
    struct buffer output = {0};
    put("truth.txt", "1,1,0,0,10,20,1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arguments[2048] = "", *out = arguments;
        for (const char *at = cases[i].arguments; *at != '\0';) {
            const char *name = text_starts_with(at, "TRUTH") ? "truth.txt"
                               : text_starts_with(at, "BAD") ? "bad.txt"
                                                             : NULL;
            if (name != NULL) {
                out = stpcpy(out, in_folder(name));
                at += strcspn(at, " ");
            } else {
                *out++ = *at++;
            }
        }
        *out = '\0';
        int code = run(arguments, &output);
        if (code != cases[i].code || strstr(output.data, cases[i].says) == NULL)
            fail_msg("%s: code %d, output: %s", arguments, code, output.data);
    }
    buffer_free(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_of_a_file),
        cmocka_unit_test(test_figures_of_a_clip),
        cmocka_unit_test(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
