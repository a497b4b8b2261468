#include "service/encoders.h"

#include <pthread.h>
#include <stdlib.h>

#include "media/jpeg.h"

enum { IDLE_MAX = 8 };

struct encoders {
    pthread_mutex_t lock;
    size_t idle_count;
    struct jpeg_encoder *idle[IDLE_MAX];
};

struct encoders *encoders_create(void)
{
    struct encoders *encoders = calloc(1, sizeof *encoders);
    if (encoders)
        pthread_mutex_init(&encoders->lock, NULL);
    return encoders;
}

void encoders_destroy(struct encoders *encoders)
{
    if (!encoders)
        return;
    for (size_t i = 0; i < encoders->idle_count; i++)
        jpeg_encoder_destroy(&encoders->idle[i]);
    pthread_mutex_destroy(&encoders->lock);
    free(encoders);
}

static struct jpeg_encoder *take(struct encoders *encoders)
{
    pthread_mutex_lock(&encoders->lock);
    struct jpeg_encoder *encoder = encoders->idle_count ? encoders->idle[--encoders->idle_count] : NULL;
    pthread_mutex_unlock(&encoders->lock);
    return encoder;
}

static void give_back(struct encoders *encoders, struct jpeg_encoder *encoder)
{
    pthread_mutex_lock(&encoders->lock);
    bool kept = encoders->idle_count < IDLE_MAX;
    if (kept)
        encoders->idle[encoders->idle_count++] = encoder;
    pthread_mutex_unlock(&encoders->lock);
    if (!kept)
        jpeg_encoder_destroy(&encoder);
}

int encoders_encode(struct encoders *encoders, const struct picture *picture, int most_width, int quality,
                    struct buffer *out, int *width, int *height, struct error *error)
{
    struct jpeg_encoder *encoder = take(encoders);
    int result = encoder ? 0 : jpeg_encoder_create(&encoder, error);
    if (result < 0)
        return result;
    jpeg_size(picture->width, picture->height, most_width, width, height);
    result = jpeg_encode(encoder, picture, most_width, quality, out, error);
    give_back(encoders, encoder);
    return result;
}
