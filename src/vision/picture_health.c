#include "vision/picture_health.h"

#include <math.h>
#include <string.h>

#include "core/measure.h"

enum { SAMPLES = HEALTH_ROWS * HEALTH_COLUMNS, DARK = 32, BRIGHT_SAMPLES_OF_BLACK = SAMPLES / 200 };

static const double BLACK_DEVIATION = 8, PLAIN_DEVIATION = 5;

/* Luma, as stored; green stands in for it where there is none. */
static void take_samples(const struct picture *picture, uint8_t samples[SAMPLES])
{
    bool packed = picture->format == PIXEL_RGB24 || picture->format == PIXEL_BGR24;
    size_t step = packed ? 3 : 1, first = packed ? 1 : 0;
    for (int r = 0; r < HEALTH_ROWS; r++) {
        int y = (int)(((int64_t)2 * r + 1) * picture->height / (2 * HEALTH_ROWS));
        const uint8_t *row = picture->planes[0] + (size_t)y * (size_t)picture->strides[0];
        for (int c = 0; c < HEALTH_COLUMNS; c++) {
            int x = (int)(((int64_t)2 * c + 1) * picture->width / (2 * HEALTH_COLUMNS));
            *samples++ = row[(size_t)x * step + first];
        }
    }
}

static bool has_limited_range(const struct picture *picture)
{
    bool rgb = picture->format == PIXEL_RGB24 || picture->format == PIXEL_BGR24;
    return !rgb && !picture->full_range;
}

static enum picture_fault judge(const uint8_t samples[SAMPLES], bool limited)
{
    double scale = limited ? 255.0 / 219 : 1, sum = 0, squares = 0;
    int dark = limited ? 16 + DARK * 219 / 255 : DARK, bright = 0;
    for (int i = 0; i < SAMPLES; i++) {
        sum += samples[i];
        squares += (double)samples[i] * samples[i];
        bright += samples[i] >= dark;
    }
    double mean = sum / SAMPLES;
    double deviation = scale * sqrt(fmax(0, squares / SAMPLES - mean * mean));
    if (bright <= BRIGHT_SAMPLES_OF_BLACK && deviation < BLACK_DEVIATION)
        return PICTURE_BLACK;
    return deviation < PLAIN_DEVIATION ? PICTURE_PLAIN : PICTURE_SOUND;
}

enum picture_fault picture_health_look(struct picture_health *health, const struct picture *picture)
{
    uint8_t samples[SAMPLES];
    take_samples(picture, samples);
    bool same = health->seen && picture->stream_ns >= health->changed_ns &&
                memcmp(samples, health->samples, sizeof samples) == 0;
    if (!same) {
        memcpy(health->samples, samples, sizeof samples);
        health->changed_ns = picture->stream_ns;
        health->seen = true;
    }
    enum picture_fault fault = judge(samples, has_limited_range(picture));
    if (fault == PICTURE_SOUND && picture->stream_ns - health->changed_ns >= PICTURE_FROZEN_NS)
        return PICTURE_FROZEN;
    return fault;
}

const char *picture_fault_reason(enum picture_fault fault)
{
    switch (fault) {
    case PICTURE_BLACK:
        return REASON_BLACK;
    case PICTURE_PLAIN:
        return REASON_PLAIN;
    case PICTURE_FROZEN:
        return REASON_FROZEN;
    default:
        return NULL;
    }
}
