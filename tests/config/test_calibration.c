#include "load.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "config/calibration_xml.h"

#define GEOMETRY                                                                                             \
    "<Geometry width=\"768\" height=\"576\" ncx=\"795\" nfx=\"752\" dx=\"0.00485\" dy=\"0.00465\" "          \
    "dpx=\"0.0051273271277\" "                                                                               \
    "dpy=\"0.00465\"/>\n"
#define INTRINSIC                                                                                            \
    "<Intrinsic focal=\"5.5549183034\" kappa1=\"5.1113043639e-03\" cx=\"324.22149053\" cy=\"282.56650051\" " \
    "sx=\"1.0937855397\"/>\n"
#define EXTRINSIC                                                                                            \
    "<Extrinsic tx=\"828.73214225\" ty=\"-3175.4796051\" tz=\"35469.298547\" rx=\"2.0405458695\" "           \
    "ry=\"-0.89337703748\" "                                                                                 \
    "rz=\"-0.43056124791\"/>\n"
static const char pets[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Camera name=\"View_001\">\n" GEOMETRY INTRINSIC EXTRINSIC
    "</Camera>\n";

static void test_xml(void **state)
{
    (void)state;
    struct camera_tsai tsai;
    struct error error = {0};
    assert_int_equal(calibration_xml_parse(pets, strlen(pets), "c.xml", &tsai, &error), 0);
    assert_true(tsai.width == 768 && tsai.height == 576 && tsai.ncx == 795 &&
                tsai.kappa1 == 5.1113043639e-03);
    assert_true(tsai.rz == -0.43056124791 && tsai.tz == 35469.298547);
}

static void test_xml_that_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "c.xml:1:1: not XML: no element found"},
        {"<Camera>", "c.xml:1:9: not XML: no element found"},
        {"<Camera></Kamera>", "c.xml:1:11: not XML: mismatched tag"},
        {"<dataset/>",
         "c.xml:1:1: dataset: not a camera calibration: the outermost element has to be Camera"},
        {"<Camera>" GEOMETRY INTRINSIC "</Camera>", "c.xml: the attribute tx of Extrinsic is missing"},
        {"<Camera>\n  <Geometry width=\"wide\"/></Camera>", "c.xml:2:3: width: expected a number"},
        {"<Camera>\n<Geometry width=\"nan\"/></Camera>", "c.xml:2:1: width: expected a number"},
        {"<Camera>\n<Geometry width=\"1\"/>\n<Geometry width=\"1\"/></Camera>",
         "c.xml:3:1: width: given twice"},
        {"<!DOCTYPE Camera [<!ENTITY a \"b\">]><Camera/>",
         "c.xml:1:18: Camera: a document type declaration is not accepted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct camera_tsai tsai;
        struct error error = {0};
        assert_int_equal(calibration_xml_parse(cases[i].text, strlen(cases[i].text), "c.xml", &tsai, &error),
                         ERR_FORMAT);
        assert_string_equal(error.text, cases[i].message);
    }
}

#define CAMERA "streams:\n  - stream_id: a\n    uri: rtsp://h/x\n    calibration:\n"

static void test_calibrations_that_are_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *text, *report;
    } cases[] = {
        {"      size: 768x576\n",
         "t.yaml:5:7: streams[0].calibration: one of file, homography, tsai and pinhole has to be given\n"},
        {"      size: 768x576\n      homography: {matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\n      file: x.xml\n",
         "t.yaml:5:7: streams[0].calibration: only one of file, homography, tsai and pinhole has to be "
         "given\n"},
        {"      homography: {matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\n",
         "t.yaml:5:7: streams[0].calibration.size: missing: the numbers belong to a picture of some "
         "WIDTHxHEIGHT\n"},
        {"      size: 768x576\n      homography: {}\n",
         "t.yaml:6:19: streams[0].calibration.homography: either pairs or matrix has to be given\n"},
        {"      size: 768x576\n      homography: {matrix: [1, 0, 0]}\n",
         "t.yaml:6:28: streams[0].calibration.homography.matrix: expected a list of 9 numbers, got 3 "
         "values\n"},
        {"      size: 768x576\n      homography: {pairs: [[1, 2, 3]]}\n",
         "t.yaml:6:27: streams[0].calibration.homography.pairs: row 1: expected a list of 4 numbers, got 3 "
         "values\n"},
        {"      size: 768\n      homography: {matrix: [1, 0, 0, 0, 1, 0, 0, 0, 1]}\n",
         "t.yaml:5:13: streams[0].calibration.size: expected a size WIDTHxHEIGHT such as 640x480, got "
         "'768'\n"},
        {"      file: /nowhere/c.xml\n",
         "t.yaml:5:13: streams[0].calibration.file: /nowhere/c.xml: No such file or directory\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buffer text = {0};
        buffer_printf(&text, CAMERA "%s", cases[i].text);
        assert_report(text.data, cases[i].report);
        buffer_free(&text);
    }
    struct config *config = NULL;
    struct error error = {0};
    /* Four points, three of them in a line: the reason is geo's, the place ours. */
    static const char line[] =
        CAMERA "      size: 768x576\n      homography: {pairs: [[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 2, 2], "
               "[3, 0, 3, 0]]}\n";
    assert_int_equal(config_load_text(line, strlen(line), "t.yaml", &config, NULL, &error), ERR_INVALID);
    assert_memory_equal(error.text, "t.yaml:6:27: streams[0].calibration.homography.pairs: ", 54);
}

static struct point to_ground(const struct camera_model *camera, double x, double y)
{
    struct point ground = {NAN, NAN};
    assert_true(camera_to_ground(camera, (struct point){x, y}, &ground));
    return ground;
}

static void test_homography_and_pinhole(void **state)
{
    (void)state;
    struct config *config = load_right(
        CAMERA
        "      size: 1000x500\n"
        "      homography: {pairs: [[0, 500, 0, 0], [1000, 500, 10, 0], [1000, 0, 10, 5], [0, 0, 0, 5]]}\n"
        "  - stream_id: b\n"
        "    uri: rtsp://h/y\n"
        "    calibration: {size: 1000x500, homography: {matrix: [0.01, 0, 0, 0, -0.01, 5, 0, 0, 1], "
        "residual: 0.25}}\n"
        "  - stream_id: c\n" /* looks straight down from 10 m, image up is the ground's +y */
        "    uri: rtsp://h/z\n"
        "    calibration: {size: 1000x500, pinhole: {fx: 1000, fy: 1000, cx: 500, cy: 250,\n"
        "      rotation: [1, 0, 0, 0, -1, 0, 0, 0, -1], translation: [0, 0, 10]}}\n");
    assert_true(config->streams[0].camera.residual_m < 1e-9);
    assert_true(config->streams[1].camera.residual_m == 0.25);
    assert_true(isnan(config->streams[2].camera.residual_m));
    for (size_t i = 0; i < 2; i++) {
        struct point ground = to_ground(&config->streams[i].camera, 250, 100);
        assert_true(fabs(ground.x - 2.5) < 1e-9 && fabs(ground.y - 4) < 1e-9);
    }
    struct point ground = to_ground(&config->streams[2].camera, 600, 150);
    assert_true(fabs(ground.x - 1) < 1e-9 && fabs(ground.y - 1) < 1e-9);
    config_unref(&config);
}

/* The same camera as XML, as YAML in a file of its own, and in the configuration. */
static void test_files(void **state)
{
    (void)state;
    static const char yaml[] =
        "size: 768x576\ntsai: {ncx: 795, nfx: 752, dx: 0.00485, dy: 0.00465, dpx: 0.0051273271277, dpy: "
        "0.00465,\n"
        "  focal: 5.5549183034, kappa1: 0.0051113043639, cx: 324.22149053, cy: 282.56650051, sx: "
        "1.0937855397,\n"
        "  tx: 828.73214225, ty: -3175.4796051, tz: 35469.298547, rx: 2.0405458695, ry: -0.89337703748,\n"
        "  rz: -0.43056124791}\n";
    static const char loop[] = "file: x.xml\n";
    char folder[] = "/tmp/sci_config_XXXXXX", path[3][64];
    const char *texts[] = {pets, yaml, loop};
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path[i], sizeof path[i], "%s/%zu", folder, i);
        assert_int_equal(file_write_atomic(path[i], texts[i], strlen(texts[i]), NULL), 0);
    }
    struct buffer text = {0};
    buffer_printf(&text, CAMERA "      file: %s\n", path[0]);
    struct config *config = load_right(text.data);
    struct camera_model camera;
    struct error error = {0};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(calibration_load(path[i], &camera, &error), 0);
        assert_int_equal(camera.kind, CAMERA_TSAI);
        assert_memory_equal(&camera.u.tsai, &config->streams[0].camera.u.tsai, sizeof camera.u.tsai);
        struct point a = to_ground(&camera, 400, 300), b = to_ground(&config->streams[0].camera, 400, 300);
        assert_true(a.x == b.x && a.y == b.y);
    }
    assert_int_equal(calibration_load(path[2], &camera, &error), ERR_INVALID);
    assert_non_null(strstr(error.text, ":1:7: file: a calibration file cannot name another one"));
    config_unref(&config);
    buffer_free(&text);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(unlink(path[i]), 0);
    }
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xml),
        cmocka_unit_test(test_xml_that_is_refused),
        cmocka_unit_test(test_calibrations_that_are_wrong),
        cmocka_unit_test(test_homography_and_pinhole),
        cmocka_unit_test(test_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
