#include "vision/hog.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vision/hog_features.h"
#include "vision/hog_group.h"
#include "vision/hog_model.h"

/* Eight scales to an octave; the last one shows people 30 times as high as the first. */
enum { LEVELS_MAX = 40, WINDOWS_MAX = 8192, WINDOW_WIDTH = HOG_WINDOW_COLUMNS * HOG_CELL };
static const double level_step = 0.91700404320467;

struct hog {
    struct preprocess *preprocess;
    float *channels; /* [3][height][width], 0-255 */
    uint8_t *grey;
    size_t pixels;
    struct axis_cache axes[LEVELS_MAX]; /* two of each size of picture that is looked at */
    struct hog_features features;
    struct detection *windows, *people;
    size_t count; /* of windows */
};

struct hog *hog_create(bool fast)
{
    struct hog *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->preprocess = preprocess_create(fast ? PREPROCESS_AUTO : PREPROCESS_SCALAR);
    h->windows = malloc(WINDOWS_MAX * sizeof *h->windows);
    h->people = malloc(WINDOWS_MAX * sizeof *h->people);
    bool made = hog_features_init(&h->features, fast);
    if (!made || h->preprocess == NULL || h->windows == NULL || h->people == NULL)
        hog_destroy(&h);
    return h;
}

void hog_destroy(struct hog **hog)
{
    struct hog *h = *hog;
    *hog = NULL;
    if (h == NULL)
        return;
    preprocess_destroy(&h->preprocess);
    for (size_t i = 0; i < LEVELS_MAX; i++)
        axis_cache_clear(&h->axes[i]);
    hog_features_free(&h->features);
    free(h->channels);
    free(h->grey);
    free(h->windows);
    free(h->people);
    free(h);
}

static int ensure_pixels(struct hog *h, size_t pixels)
{
    if (pixels <= h->pixels)
        return 0;
    free(h->channels);
    free(h->grey);
    h->pixels = 0;
    h->channels = malloc(3 * pixels * sizeof *h->channels);
    h->grey = malloc(pixels);
    if (h->channels == NULL || h->grey == NULL)
        return -1;
    h->pixels = pixels;
    return 0;
}

/* --- grey at working size --- */

/* Luma where the picture has it: black level and contrast are nothing to normalised gradients. */
static struct picture luma_only(const struct picture *picture)
{
    struct picture view = picture_view(picture);
    if (picture_plane_count(view.format) > 1)
        view.format = PIXEL_GRAY8;
    return view;
}

static uint8_t to_byte(float value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5F);
}

static int make_grey(struct hog *h, const struct picture *picture, const struct placement *placement,
                     const struct mask_set *masks, struct error *error)
{
    static const struct input_format format = {.scale = {1, 1, 1}, .grey = 114};
    size_t pixels = (size_t)placement->input_width * (size_t)placement->input_height;
    if (ensure_pixels(h, pixels) < 0)
        return error_nomem(error, "a picture at working size");
    struct picture view = luma_only(picture);
    int result = preprocess_run(h->preprocess, &view, &format, placement, masks, h->channels, error);
    if (result < 0)
        return result;
    const float *r = h->channels, *g = r + pixels, *b = g + pixels;
    if (view.format == PIXEL_GRAY8)
        for (size_t i = 0; i < pixels; i++)
            h->grey[i] = to_byte(r[i]);
    else
        for (size_t i = 0; i < pixels; i++)
            h->grey[i] = to_byte(0.299F * r[i] + 0.587F * g[i] + 0.114F * b[i]);
    return 0;
}

/* --- one level --- */

struct level {
    double scale_x, scale_y; /* level pixels per pixel of the picture */
    double x, y;             /* the picture's corner in level pixels */
    int32_t least;           /* sum of products from which on a window is a person */
};

static void add_window(struct hog *h, const struct level *level, int x, int y, int32_t sum)
{
    if (h->count == WINDOWS_MAX)
        return;
    double w = (double)hog_model.person_width, t = (double)hog_model.person_height;
    double left = (x - HOG_PAD) * HOG_CELL + (HOG_WINDOW_COLUMNS * HOG_CELL - w) / 2 - level->x;
    double top = (y - HOG_PAD) * HOG_CELL + (HOG_WINDOW_ROWS * HOG_CELL - t) / 2 - level->y;
    double margin = sum * (double)hog_model.scale + (double)hog_model.bias;
    h->windows[h->count++] =
        (struct detection){{(float)(left / level->scale_x), (float)(top / level->scale_y),
                            (float)(w / level->scale_x), (float)(t / level->scale_y)},
                           (float)(1 / (1 + exp(-margin)))};
}

/* Sum of products of the window whose first cell is `cells`, or INT32_MIN if it was given up. */
static int32_t sum_window(const struct hog_features *f, const int16_t *cells)
{
    size_t row_values = (size_t)f->cells_x * HOG_FEATURES;
    int32_t sum = 0;
    for (int stage = 0, i = 0; stage < HOG_STAGES; stage++) {
        for (int end = i + HOG_STAGE_ROWS; i < end; i++) {
            int row = hog_model.order[i];
            sum += f->kernels->dot(cells + (size_t)row * row_values, hog_model.weights[row], HOG_ROW_VALUES);
        }
        if (stage < HOG_STAGES - 1 && sum < hog_model.least[stage])
            return INT32_MIN;
    }
    return sum;
}

static void scan(struct hog *h, const struct level *level)
{
    const struct hog_features *f = &h->features;
    for (int y = 0; y + HOG_WINDOW_ROWS <= f->cells_y; y++) {
        const int16_t *cells = f->features + (size_t)y * (size_t)f->cells_x * HOG_FEATURES;
        for (int x = 0; x + HOG_WINDOW_COLUMNS <= f->cells_x; x++, cells += HOG_FEATURES) {
            int32_t sum = sum_window(f, cells);
            if (sum >= level->least)
                add_window(h, level, x, y, sum);
        }
    }
}

static int32_t sum_of_score(float threshold)
{
    double p = fmin(fmax((double)threshold, 1e-4), 1 - 1e-4);
    double sum = (log(p / (1 - p)) - (double)hog_model.bias) / (double)hog_model.scale;
    return (int32_t)fmin(fmax(sum, INT32_MIN + 1), INT32_MAX);
}

int hog_run(struct hog *h, const struct picture *picture, const struct placement *placement,
            const struct mask_set *masks, float threshold, struct detection **people, size_t *count,
            struct error *error)
{
    int result = make_grey(h, picture, placement, masks, error);
    if (result < 0)
        return result;
    h->count = 0;
    struct level level = {.least = sum_of_score(threshold)};
    int width = placement->input_width, height = placement->input_height;
    double scale = 1;
    for (int i = 0; i < LEVELS_MAX; i++, scale *= level_step) {
        int w = (int)lround(width * scale), t = (int)lround(height * scale);
        if (w + 2 * HOG_PAD * HOG_CELL < WINDOW_WIDTH ||
            t + 2 * HOG_PAD * HOG_CELL < HOG_WINDOW_ROWS * HOG_CELL)
            break;
        const struct axis *across = axis_cache_get(&h->axes[i], width, width, w);
        const struct axis *down = axis_cache_get(&h->axes[i], height, height, t);
        if (across == NULL || down == NULL ||
            hog_features_compute(&h->features, h->grey, (size_t)width, across, down) < 0)
            return error_nomem(error, "gradients");
        level.x = placement->x * (double)w / width;
        level.y = placement->y * (double)t / height;
        level.scale_x = placement->scale_x * w / width;
        level.scale_y = placement->scale_y * t / height;
        scan(h, &level);
    }
    *count = hog_group(h->windows, h->count, h->people);
    *people = h->people;
    return 0;
}
