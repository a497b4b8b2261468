#include "vision/preprocess.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vision/preprocess_kernels.h"

/* One channel or plane's way: from `samples` wide rows of `row_samples` bytes to content. */
struct preprocess {
    const struct preprocess_kernels *kernels;
    struct axis_cache axes;
    int16_t *column;      /* one row of a plane, resampled down the columns; interleaved planes as they are */
    int16_t *split[3];    /* its channels */
    int16_t *channels[3]; /* one row of the content */
    size_t column_size, row_size;
    double *crossings;
    size_t crossings_size;
};

struct preprocess *preprocess_create(enum preprocess_path path)
{
    const struct preprocess_kernels *fast = path == PREPROCESS_SCALAR ? NULL : preprocess_avx2();
    if (path == PREPROCESS_AVX2 && fast == NULL)
        return NULL;
    struct preprocess *p = calloc(1, sizeof *p);
    if (p != NULL)
        p->kernels = fast != NULL ? fast : &preprocess_scalar;
    return p;
}

void preprocess_destroy(struct preprocess **preprocess)
{
    struct preprocess *p = *preprocess;
    *preprocess = NULL;
    if (p == NULL)
        return;
    axis_cache_clear(&p->axes);
    free(p->column);
    for (size_t c = 0; c < 3; c++) {
        free(p->split[c]);
        free(p->channels[c]);
    }
    free(p->crossings);
    free(p);
}

struct placement placement_fit(int picture_width, int picture_height, int input_width, int input_height,
                               bool top_left)
{
    double across = (double)input_width / picture_width, down = (double)input_height / picture_height;
    double scale = fmin(across, down);
    struct placement p = {.input_width = input_width, .input_height = input_height};
    p.width = (int)fmin(input_width, fmax(1, round(picture_width * scale)));
    p.height = (int)fmin(input_height, fmax(1, round(picture_height * scale)));
    p.scale_x = (double)p.width / picture_width;
    p.scale_y = (double)p.height / picture_height;
    if (!top_left) {
        p.x = (input_width - p.width) / 2;
        p.y = (input_height - p.height) / 2;
    }
    return p;
}

void placement_choose_size(int picture_width, int picture_height, int pixels, int step, int *input_width,
                           int *input_height)
{
    double best = -1;
    int best_area = 0;
    for (int w = step; w <= pixels / step; w += step) {
        int h = pixels / w / step * step;
        double scale = fmin((double)w / picture_width, (double)h / picture_height);
        /* Shrink the side that the picture does not fill. */
        int needed_w = (int)ceil(picture_width * scale / step - 1e-6) * step;
        int needed_h = (int)ceil(picture_height * scale / step - 1e-6) * step;
        if (needed_w < step)
            needed_w = step;
        if (needed_h < step)
            needed_h = step;
        int area = needed_w * needed_h;
        if (scale > best * 1.0001 || (scale > best * 0.9999 && area < best_area)) {
            best = scale;
            best_area = area;
            *input_width = needed_w;
            *input_height = needed_h;
        }
    }
}

static int grow(int16_t **memory, size_t samples)
{
    int16_t *bigger = realloc(*memory, samples * sizeof **memory);
    if (bigger == NULL)
        return -1;
    /* Kernels may read the slack with weight 0. */
    memset(bigger, 0, samples * sizeof *bigger);
    *memory = bigger;
    return 0;
}

static int ensure_rows(struct preprocess *p, size_t column, size_t row)
{
    if (column > p->column_size) {
        if (grow(&p->column, column + ROW_SLACK) < 0)
            return -1;
        for (size_t c = 0; c < 3; c++)
            if (grow(&p->split[c], column + ROW_SLACK) < 0)
                return -1;
        p->column_size = column;
    }
    if (row > p->row_size) {
        for (size_t c = 0; c < 3; c++)
            if (grow(&p->channels[c], row + ROW_SLACK) < 0)
                return -1;
        p->row_size = row;
    }
    return 0;
}

/* ITU-R BT.601-7 and BT.709-6: R = Y + 2 (1 - Kr) Cr, B = Y + 2 (1 - Kb) Cb, G from Y = Kr R + Kg G + Kb B.
 */
static struct yuv_matrix matrix_of(const struct picture *picture)
{
    double kr = picture->colour == COLOUR_BT709 ? 0.2126 : 0.299;
    double kb = picture->colour == COLOUR_BT709 ? 0.0722 : 0.114;
    double kg = 1 - kr - kb;
    double luma = picture->full_range ? 1 : 255.0 / 219, chroma = picture->full_range ? 1 : 255.0 / 224;
    double one = 1 << MATRIX_BITS;
    return (struct yuv_matrix){.black = picture->full_range ? 0 : 16 << SAMPLE_BITS,
                               .y = (int16_t)lround(luma * one),
                               .rv = (int16_t)lround(2 * (1 - kr) * chroma * one),
                               .gu = (int16_t)lround(-2 * (1 - kb) * kb / kg * chroma * one),
                               .gv = (int16_t)lround(-2 * (1 - kr) * kr / kg * chroma * one),
                               .bu = (int16_t)lround(2 * (1 - kb) * chroma * one)};
}

/* A plane's part of the work: `channels` interleaved channels of `across->samples` samples, to
 * channels[first_channel...]. */
struct plane {
    const uint8_t *bytes;
    size_t stride;
    int channels, first_channel;
    const struct axis *across, *down;
};

struct plan {
    int plane_count;
    struct plane planes[3];
    bool yuv;
};

static int plan_plane(struct preprocess *p, const struct picture *picture, int index,
                      const struct placement *placement, int shift_x, int shift_y, struct plane *plane)
{
    int width = (picture->width + shift_x) >> shift_x, height = (picture->height + shift_y) >> shift_y;
    plane->bytes = picture->planes[index];
    plane->stride = (size_t)picture->strides[index];
    plane->across =
        axis_cache_get(&p->axes, width, picture->width / (double)(1 << shift_x), placement->width);
    plane->down =
        axis_cache_get(&p->axes, height, picture->height / (double)(1 << shift_y), placement->height);
    return plane->across == NULL || plane->down == NULL ? -1 : 0;
}

static int make_plan(struct preprocess *p, const struct picture *picture, const struct placement *placement,
                     struct plan *plan)
{
    static const struct {
        int planes, channels[3], shift_x, shift_y;
    } formats[] = {[PIXEL_I420] = {3, {1, 1, 1}, 1, 1}, [PIXEL_NV12] = {2, {1, 2}, 1, 1},
                   [PIXEL_I422] = {3, {1, 1, 1}, 1, 0}, [PIXEL_I444] = {3, {1, 1, 1}, 0, 0},
                   [PIXEL_GRAY8] = {1, {1}, 0, 0},      [PIXEL_RGB24] = {1, {3}, 0, 0},
                   [PIXEL_BGR24] = {1, {3}, 0, 0}};
    *plan = (struct plan){.plane_count = formats[picture->format].planes};
    plan->yuv = plan->plane_count > 1;
    size_t widest = 0;
    for (int i = 0, channel = 0; i < plan->plane_count; i++) {
        struct plane *plane = &plan->planes[i];
        plane->channels = formats[picture->format].channels[i];
        plane->first_channel = channel;
        channel += plane->channels;
        int shift_x = i > 0 ? formats[picture->format].shift_x : 0,
            shift_y = i > 0 ? formats[picture->format].shift_y : 0;
        if (plan_plane(p, picture, i, placement, shift_x, shift_y, plane) < 0)
            return -1;
        size_t row = (size_t)plane->channels * (size_t)plane->across->samples;
        widest = row > widest ? row : widest;
    }
    return ensure_rows(p, widest, (size_t)placement->width);
}

static void split3(const int16_t *in, int16_t *const out[3], size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            out[c][i] = in[3 * i + c];
}

/* One row of the content, of all channels of one plane. */
static void resample_row(struct preprocess *p, const struct plane *plane, int row)
{
    const struct axis *down = plane->down;
    const uint8_t *rows = plane->bytes + (size_t)down->first[row] * plane->stride;
    const int16_t *weights = down->weights + (size_t)row * (size_t)down->stride;
    size_t samples = (size_t)plane->across->samples;
    p->kernels->vertical(rows, plane->stride, weights, down->taps, p->column,
                         samples * (size_t)plane->channels);
    if (plane->channels == 1) {
        p->kernels->horizontal(p->column, plane->across, p->channels[plane->first_channel]);
        return;
    }
    if (plane->channels == 2)
        p->kernels->split2(p->column, p->split[0], p->split[1], samples);
    else
        split3(p->column, p->split, samples);
    for (int c = 0; c < plane->channels; c++)
        p->kernels->horizontal(p->split[c], plane->across, p->channels[plane->first_channel + c]);
}

static void fill(float *out, size_t count, float value)
{
    for (size_t i = 0; i < count; i++)
        out[i] = value;
}

struct job {
    struct preprocess *p;
    const struct input_format *format;
    const struct placement *placement;
    const struct mask_set *masks;
    float *out;
    size_t channel_size; /* floats */
    float grey[3];
    int channel_of[3]; /* R, G, B's place in the output */
};

static void sort_doubles(double *v, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        double x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

/* Where the polygon's edges cross the horizontal line through `y`, from left to right. */
static size_t find_crossings(const struct point *corners, size_t count, double y, double *crossings)
{
    size_t found = 0;
    for (size_t i = 0, j = count - 1; i < count; j = i++) {
        struct point a = corners[j], b = corners[i];
        if ((a.y > y) != (b.y > y))
            crossings[found++] = a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
    }
    sort_doubles(crossings, found);
    return found;
}

static int first_centre_after(double x, int width)
{
    double column = ceil(x * width - 0.5);
    return column < 0 ? 0 : column > width ? width : (int)column;
}

static void mask_row(const struct job *job, int row)
{
    const struct placement *pl = job->placement;
    for (size_t m = 0; m < job->masks->count; m++) {
        double *crossings = job->p->crossings;
        size_t found = find_crossings(job->masks->polygons[m], job->masks->corner_counts[m],
                                      (row + 0.5) / pl->height, crossings);
        for (size_t i = 0; i + 1 < found; i += 2) {
            int begin = first_centre_after(crossings[i], pl->width),
                end = first_centre_after(crossings[i + 1], pl->width);
            for (size_t c = 0; c < 3 && begin < end; c++) {
                size_t at = (size_t)(pl->y + row) * (size_t)pl->input_width + (size_t)(pl->x + begin);
                fill(job->out + c * job->channel_size + at, (size_t)(end - begin), job->grey[c]);
            }
        }
    }
}

/* p->channels hold the content's row as R, G, B. */
static void write_row(const struct job *job, bool gray, int row)
{
    const struct placement *pl = job->placement;
    size_t at = (size_t)(pl->y + row) * (size_t)pl->input_width;
    size_t left = (size_t)pl->x, width = (size_t)pl->width, right = (size_t)pl->input_width - left - width;
    for (int c = 0; c < 3; c++) {
        size_t place = (size_t)job->channel_of[c];
        float *out = job->out + place * job->channel_size + at;
        fill(out, left, job->grey[place]);
        job->p->kernels->normalise(job->p->channels[gray ? 0 : c],
                                   job->format->scale[place] / (1 << SAMPLE_BITS), job->format->offset[place],
                                   out + left, width);
        fill(out + left + width, right, job->grey[place]);
    }
    if (job->masks != NULL && job->masks->count > 0)
        mask_row(job, row);
}

static void fill_above_and_below(const struct job *job)
{
    const struct placement *pl = job->placement;
    size_t width = (size_t)pl->input_width, above = (size_t)pl->y * width;
    size_t end = (size_t)(pl->y + pl->height) * width;
    for (size_t c = 0; c < 3; c++) {
        fill(job->out + c * job->channel_size, above, job->grey[c]);
        fill(job->out + c * job->channel_size + end, job->channel_size - end, job->grey[c]);
    }
}

static int check_picture(const struct picture *picture, struct error *error)
{
    if ((unsigned)picture->format > PIXEL_BGR24)
        return error_set(error, ERR_INVALID, "picture: unknown pixel format %d", (int)picture->format);
    if (picture->width < 1 || picture->height < 1 || picture->width > PICTURE_SIDE_MAX ||
        picture->height > PICTURE_SIDE_MAX)
        return error_set(error, ERR_INVALID, "picture: size %dx%d is outside 1x1 to %dx%d", picture->width,
                         picture->height, PICTURE_SIDE_MAX, PICTURE_SIDE_MAX);
    for (int i = 0; i < picture_plane_count(picture->format); i++) {
        int width, height;
        picture_plane_size(picture->format, picture->width, picture->height, i, &width, &height);
        int bytes = picture->format == PIXEL_RGB24 || picture->format == PIXEL_BGR24 ? 3 * width
                    : picture->format == PIXEL_NV12 && i == 1                        ? 2 * width
                                                                                     : width;
        if (picture->planes[i] == NULL || picture->strides[i] < bytes)
            return error_set(error, ERR_INVALID,
                             "picture: plane %d has a row distance of %d bytes and rows of %d", i,
                             picture->strides[i], bytes);
    }
    return 0;
}

static int ensure_crossings(struct preprocess *p, const struct mask_set *masks)
{
    size_t most = 0;
    for (size_t m = 0; masks != NULL && m < masks->count; m++)
        most = masks->corner_counts[m] > most ? masks->corner_counts[m] : most;
    if (most <= p->crossings_size)
        return 0;
    double *bigger = realloc(p->crossings, most * sizeof *bigger);
    if (bigger == NULL)
        return -1;
    p->crossings = bigger;
    p->crossings_size = most;
    return 0;
}

int preprocess_run(struct preprocess *p, const struct picture *picture, const struct input_format *format,
                   const struct placement *placement, const struct mask_set *masks, float *out,
                   struct error *error)
{
    int result = check_picture(picture, error);
    if (result < 0)
        return result;
    struct plan plan;
    if (make_plan(p, picture, placement, &plan) < 0 || ensure_crossings(p, masks) < 0)
        return error_nomem(error, "scaling tables");
    struct job job = {.p = p, .format = format, .placement = placement, .masks = masks, .out = out};
    job.channel_size = (size_t)placement->input_width * (size_t)placement->input_height;
    bool swap = format->bgr != (picture->format == PIXEL_BGR24);
    for (int c = 0; c < 3; c++) {
        job.grey[c] = format->grey * format->scale[c] + format->offset[c];
        job.channel_of[c] = swap ? 2 - c : c;
    }
    struct yuv_matrix matrix = matrix_of(picture);
    fill_above_and_below(&job);
    for (int row = 0; row < placement->height; row++) {
        for (int i = 0; i < plan.plane_count; i++)
            resample_row(p, &plan.planes[i], row);
        if (plan.yuv)
            p->kernels->yuv_to_rgb(p->channels[0], p->channels[1], p->channels[2], &matrix,
                                   (size_t)placement->width);
        write_row(&job, picture->format == PIXEL_GRAY8, row);
    }
    return 0;
}
