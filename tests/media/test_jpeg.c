#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/convert.h"
#include "media/image.h"
#include "media/jpeg.h"

struct rgb {
    int r, g, b;
};

static uint8_t *plane(struct picture *p, int i)
{
    return (uint8_t *)(uintptr_t)p->planes[i];
}

static uint8_t to_byte(double v)
{
    return (uint8_t)lround(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* The colour as the picture's matrix and range write it (BT.601, BT.709: the definition of Y, Cb, Cr). */
static void yuv_of(struct rgb c, const struct picture *p, uint8_t out[3])
{
    double kr = p->colour == COLOUR_BT709 ? 0.2126 : 0.299, kb = p->colour == COLOUR_BT709 ? 0.0722 : 0.114;
    double r = c.r / 255.0, g = c.g / 255.0, b = c.b / 255.0, y = kr * r + (1 - kr - kb) * g + kb * b;
    double cb = (b - y) / (2 * (1 - kb)), cr = (r - y) / (2 * (1 - kr));

    out[0] = to_byte(p->full_range ? 255 * y : 16 + 219 * y);
    out[1] = to_byte(128 + (p->full_range ? 255 : 224) * cb);
    out[2] = to_byte(128 + (p->full_range ? 255 : 224) * cr);
}

static void fill_row(uint8_t *row, int width, const uint8_t *bytes, size_t size)
{
    for (int x = 0; x < width; x++)
        memcpy(row + (size_t)x * size, bytes, size);
}

static void fill(struct picture *p, struct rgb c)
{
    uint8_t yuv[3], rgb[3] = {(uint8_t)c.r, (uint8_t)c.g, (uint8_t)c.b},
                    bgr[3] = {(uint8_t)c.b, (uint8_t)c.g, (uint8_t)c.r};

    yuv_of(c, p, yuv);
    for (int i = 0; i < picture_plane_count(p->format); i++) {
        int w, h;

        picture_plane_size(p->format, p->width, p->height, i, &w, &h);
        for (int y = 0; y < h; y++) {
            uint8_t *row = plane(p, i) + (ptrdiff_t)y * p->strides[i];

            if (p->format == PIXEL_RGB24 || p->format == PIXEL_BGR24)
                fill_row(row, w, p->format == PIXEL_RGB24 ? rgb : bgr, 3);
            else if (p->format == PIXEL_NV12 && i == 1)
                fill_row(row, w, yuv + 1, 2);
            else
                fill_row(row, w, yuv + i, 1);
        }
    }
}

static struct picture *make(enum pixel_format format, int width, int height, enum picture_colour colour,
                            int full)
{
    struct picture *p = picture_create(format, width, height);

    assert_non_null(p);
    p->colour = colour;
    p->full_range = full;
    return p;
}

static struct rgb centre_of(const struct picture *p)
{
    struct converter *converter = converter_create();
    struct picture *out = make(PIXEL_RGB24, p->width, p->height, COLOUR_BT601, 1);
    struct error error = {0};
    const uint8_t *at;
    struct rgb c;

    if (converter_run(converter, p, out, &error) != 0)
        fail_msg("%s", error.text);
    at = out->planes[0] + (ptrdiff_t)(p->height / 2) * out->strides[0] + p->width / 2 * 3;
    c = (struct rgb){at[0], at[1], at[2]};
    picture_unref(&out);
    converter_destroy(&converter);
    return c;
}

static void expect_near(struct rgb a, struct rgb b, int most, const char *what)
{
    if (abs(a.r - b.r) > most || abs(a.g - b.g) > most || abs(a.b - b.b) > most)
        fail_msg("%s: %d %d %d is not %d %d %d", what, a.r, a.g, a.b, b.r, b.g, b.b);
}

static const struct rgb colours[] = {{200, 40, 30},   {20, 180, 60},  {40, 50, 190},
                                     {128, 128, 128}, {250, 240, 20}, {8, 8, 8}};

/* Every format, matrix and range comes back with its colours. */
static void colours_survive(void **state)
{
    static const char *const names[] = {"I420", "NV12", "I422", "I444", "GRAY8", "RGB24", "BGR24"};
    struct jpeg_encoder *encoder;
    struct error error = {0};

    (void)state;
    assert_int_equal(jpeg_encoder_create(&encoder, &error), 0);
    for (int format = PIXEL_I420; format <= PIXEL_BGR24; format++)
        for (int way = 0; way < 4; way++)
            for (size_t c = 0; c < sizeof colours / sizeof *colours; c++) {
                struct picture *p = make((enum pixel_format)format, 64, 48,
                                         way & 1 ? COLOUR_BT709 : COLOUR_BT601, way >> 1),
                               *back;
                struct buffer file = {0};
                struct rgb want = colours[c];

                if (format == PIXEL_GRAY8 && want.r != want.g)
                    want = (struct rgb){100, 100, 100};
                fill(p, want);
                assert_int_equal(jpeg_encode(encoder, p, 0, 95, &file, &error), 0);
                if (jpeg_decode(file.data, file.size, &back, &error) != 0)
                    fail_msg("%s", error.text);
                assert_int_equal(back->width, 64);
                assert_int_equal(back->height, 48);
                expect_near(centre_of(back), want, 5, names[format]);
                picture_unref(&back);
                picture_unref(&p);
                buffer_free(&file);
            }
    jpeg_encoder_destroy(&encoder);
    assert_null(encoder);
}

static void sizes(void **state)
{
    static const struct {
        int width, height, most, out_width, out_height;
    } cases[] = {{1920, 1080, 640, 640, 360},
                 {768, 576, 0, 768, 576},
                 {768, 576, 2000, 768, 576},
                 {101, 75, 0, 100, 74},
                 {101, 75, 51, 50, 36},
                 {2000, 2, 100, 100, 2},
                 {2, 2, 1, 2, 2},
                 {1080, 1920, 641, 640, 1138}};
    struct jpeg_encoder *encoder;
    struct error error = {0};

    (void)state;
    assert_int_equal(jpeg_encoder_create(&encoder, &error), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct picture *p = make(PIXEL_I420, cases[i].width, cases[i].height, COLOUR_BT601, 0), *back;
        struct buffer file = {0};
        int w, h;

        jpeg_size(cases[i].width, cases[i].height, cases[i].most, &w, &h);
        assert_int_equal(w, cases[i].out_width);
        assert_int_equal(h, cases[i].out_height);
        fill(p, colours[0]);
        buffer_append_text(&file, "head");
        assert_int_equal(jpeg_encode(encoder, p, cases[i].most, 80, &file, &error), 0);
        assert_int_equal(jpeg_decode(file.data + 4, file.size - 4, &back, &error), 0);
        assert_int_equal(back->width, w);
        assert_int_equal(back->height, h);
        expect_near(centre_of(back), colours[0], 6, "scaled");
        picture_unref(&back);
        picture_unref(&p);
        buffer_free(&file);
    }
    jpeg_encoder_destroy(&encoder);
}

static void bad_arguments(void **state)
{
    struct jpeg_encoder *encoder;
    struct error error = {0};
    struct picture *thin = make(PIXEL_I420, 1, 8, COLOUR_BT601, 0),
                   *p = make(PIXEL_I420, 8, 8, COLOUR_BT601, 0);
    struct buffer file = {0};

    (void)state;
    assert_int_equal(jpeg_encoder_create(&encoder, &error), 0);
    assert_int_equal(jpeg_encode(encoder, thin, 0, 80, &file, &error), ERR_INVALID);
    assert_int_equal(jpeg_encode(encoder, p, 0, 0, &file, &error), ERR_INVALID);
    assert_int_equal(jpeg_encode(encoder, p, 0, 101, &file, &error), ERR_INVALID);
    assert_int_equal(file.size, 0);
    picture_unref(&thin);
    picture_unref(&p);
    buffer_free(&file);
    jpeg_encoder_destroy(&encoder);
}

static struct picture *noise(int width, int height)
{
    struct picture *p = make(PIXEL_I420, width, height, COLOUR_BT709, 0);
    uint32_t random = 1;

    for (int i = 0; i < 3; i++) {
        int w, h;

        picture_plane_size(p->format, width, height, i, &w, &h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                random = random * 1664525u + 1013904223u;
                plane(p, i)[(ptrdiff_t)y * p->strides[i] + x] = (uint8_t)(x + y + (int)(random >> 28));
            }
    }
    return p;
}

static void same_bytes_again_and_no_growth(void **state)
{
    struct jpeg_encoder *encoder;
    struct error error = {0};
    struct picture *p = noise(320, 240);
    struct buffer first = {0}, next = {0};
    struct mallinfo2 before, after;

    (void)state;
    assert_int_equal(jpeg_encoder_create(&encoder, &error), 0);
    assert_int_equal(jpeg_encode(encoder, p, 160, 80, &first, &error), 0);
    assert_int_equal(jpeg_encode(encoder, p, 160, 80, &next, &error), 0);
    before = mallinfo2();
    for (int i = 0; i < 50; i++) {
        buffer_clear(&next);
        assert_int_equal(jpeg_encode(encoder, p, 160, 80, &next, &error), 0);
    }
    after = mallinfo2();
    assert_int_equal(before.uordblks, after.uordblks);
    assert_int_equal(first.size, next.size);
    assert_memory_equal(first.data, next.data, first.size);
    picture_unref(&p);
    buffer_free(&first);
    buffer_free(&next);
    jpeg_encoder_destroy(&encoder);
}

/* Both decoders refuse every beginning of a file, and say so. */
static void cut_and_foreign_bytes_are_refused(void **state)
{
    struct jpeg_encoder *encoder;
    struct error error = {0};
    struct picture *p = noise(128, 96), *back;
    struct buffer file = {0};

    (void)state;
    assert_int_equal(jpeg_encoder_create(&encoder, &error), 0);
    assert_int_equal(jpeg_encode(encoder, p, 0, 80, &file, &error), 0);
    for (size_t size = 0; size + 2 < file.size; size += 97) {
        error.text[0] = '\0';
        if (jpeg_decode(file.data, size, &back, &error) != ERR_FORMAT)
            fail_msg("%zu of %zu bytes: %s", size, file.size, error.text);
        assert_null(back);
        assert_true(error.text[0]);
        if (image_decode(file.data, size, &back, &error) != ERR_FORMAT)
            fail_msg("%zu of %zu bytes are taken for an image", size, file.size);
        assert_null(back);
    }
    assert_int_equal(jpeg_decode("no picture at all", 17, &back, &error), ERR_FORMAT);
    assert_int_equal(image_decode("no picture at all", 17, &back, &error), ERR_FORMAT);
    picture_unref(&p);
    buffer_free(&file);
    jpeg_encoder_destroy(&encoder);
}

static void too_large_a_head_is_refused(void **state)
{
    struct jpeg_encoder *encoder;
    struct error error = {0};
    struct picture *p = noise(64, 64), *back;
    struct buffer file = {0};

    (void)state;
    assert_int_equal(jpeg_encoder_create(&encoder, &error), 0);
    assert_int_equal(jpeg_encode(encoder, p, 0, 80, &file, &error), 0);
    for (size_t i = 0; i + 9 < file.size; i++)
        if ((uint8_t)file.data[i] == 0xff && (uint8_t)file.data[i + 1] == 0xc0)
            memcpy(file.data + i + 5, "\x3f\xff\x3f\xff", 4); /* 16383 x 16383 */
    assert_int_equal(jpeg_decode(file.data, file.size, &back, &error), ERR_UNSUPPORTED);
    assert_int_equal(image_decode(file.data, file.size, &back, &error), ERR_FORMAT);
    picture_unref(&p);
    buffer_free(&file);
    jpeg_encoder_destroy(&encoder);
}

/* A file that says how it is to be turned: image_decode does, by each of the eight ways; its corner must come
 * out right. */
static void exif_orientation(void **state)
{
    /* Where the stored top-left corner is seen (x, y), and whether width and height change places; EXIF 2.3,
     * tag 0x112. */
    static const struct {
        int right, bottom, turned;
    } corner[] = {{0, 0, 0}, {1, 0, 0}, {1, 1, 0}, {0, 1, 0}, {0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {0, 1, 1}};
    struct jpeg_encoder *encoder;
    struct error error = {0};
    struct picture *p = make(PIXEL_GRAY8, 64, 32, COLOUR_BT601, 1);

    (void)state;
    for (int y = 0; y < 32; y++)
        memset(plane(p, 0) + (ptrdiff_t)y * p->strides[0], 20, 64);
    for (int y = 0; y < 8; y++)
        memset(plane(p, 0) + (ptrdiff_t)y * p->strides[0], 230, 8);
    assert_int_equal(jpeg_encoder_create(&encoder, &error), 0);
    for (int way = 1; way <= 8; way++) {
        uint8_t exif[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M',          0, 42, 0, 0, 0, 8,
                          0,    1,    1, 18, 0,   3,   0,   0,   0, 1, 0,   (uint8_t)way, 0, 0,  0, 0, 0, 0};
        struct buffer plain = {0}, file = {0};
        struct picture *back;
        int x, y;

        assert_int_equal(jpeg_encode(encoder, p, 0, 95, &plain, &error), 0);
        buffer_append(&file, plain.data, 2);
        buffer_append(&file, exif, sizeof exif);
        buffer_append(&file, plain.data + 2, plain.size - 2);
        if (image_decode(file.data, file.size, &back, &error) != 0)
            fail_msg("%s", error.text);
        assert_int_equal(back->width, corner[way - 1].turned ? 32 : 64);
        x = corner[way - 1].right ? back->width - 4 : 4;
        y = corner[way - 1].bottom ? back->height - 4 : 4;
        if (back->planes[0][(ptrdiff_t)y * back->strides[0] + x] < 200)
            fail_msg("orientation %d", way);
        picture_unref(&back);
        buffer_free(&plain);
        buffer_free(&file);
    }
    picture_unref(&p);
    jpeg_encoder_destroy(&encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(colours_survive),
                                       cmocka_unit_test(sizes),
                                       cmocka_unit_test(bad_arguments),
                                       cmocka_unit_test(same_bytes_again_and_no_growth),
                                       cmocka_unit_test(cut_and_foreign_bytes_are_refused),
                                       cmocka_unit_test(too_large_a_head_is_refused),
                                       cmocka_unit_test(exif_orientation)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
