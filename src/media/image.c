#include "media/image.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <libavcodec/avcodec.h>

#include "media/ffmpeg_error.h"
#include "media/frame_picture.h"
#include "media/frame_upright.h"

enum { PIXELS_MAX = 64 * 1024 * 1024 };

bool image_has_name(const char *path)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".bmp", ".webp",
                                          ".tif", ".tiff", ".ppm", ".pgm"};
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

static enum AVCodecID codec_of(const uint8_t *bytes, size_t size)
{
    static const struct {
        const char *magic;
        size_t size;
        enum AVCodecID codec;
    } kinds[] = {
        {"\xff\xd8\xff", 3, AV_CODEC_ID_MJPEG},
        {"\x89PNG\r\n\x1a\n", 8, AV_CODEC_ID_PNG},
        {"BM", 2, AV_CODEC_ID_BMP},
        {"II*\0", 4, AV_CODEC_ID_TIFF},
        {"MM\0*", 4, AV_CODEC_ID_TIFF},
        {"P5", 2, AV_CODEC_ID_PGM},
        {"P6", 2, AV_CODEC_ID_PPM},
    };

    if (size >= 12 && !memcmp(bytes, "RIFF", 4) && !memcmp(bytes + 8, "WEBP", 4))
        return AV_CODEC_ID_WEBP;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (size >= kinds[i].size && !memcmp(bytes, kinds[i].magic, kinds[i].size))
            return kinds[i].codec;
    return AV_CODEC_ID_NONE;
}

static int open_decoder(enum AVCodecID id, AVCodecContext **decoder)
{
    const AVCodec *codec = avcodec_find_decoder(id);
    AVCodecContext *c;

    if (!codec)
        return AVERROR_DECODER_NOT_FOUND;
    c = *decoder = avcodec_alloc_context3(codec);
    if (!c)
        return AVERROR(ENOMEM);
    c->thread_count = 1;
    c->max_pixels = PIXELS_MAX;
    /* Half an image is no image. TIFF's decoder notices a missing end by itself, and otherwise refuses whole
     * files. */
    c->err_recognition = id == AV_CODEC_ID_TIFF ? AV_EF_CRCCHECK : AV_EF_EXPLODE | AV_EF_CRCCHECK;
    return avcodec_open2(c, codec, NULL);
}

static int decode(AVCodecContext *decoder, const void *bytes, size_t size, AVFrame *frame)
{
    AVPacket *packet = av_packet_alloc();
    int ret = packet ? av_new_packet(packet, (int)size) : AVERROR(ENOMEM);

    if (ret >= 0) {
        memcpy(packet->data, bytes, size);
        ret = avcodec_send_packet(decoder, packet);
    }
    if (ret >= 0)
        ret = avcodec_send_packet(decoder, NULL);
    if (ret >= 0)
        ret = avcodec_receive_frame(decoder, frame);
    av_packet_free(&packet);
    return ret;
}

static int upright(AVFrame *frame, struct error *error)
{
    struct frame_upright *upright = frame_upright_create();
    int result;

    if (!upright)
        return error_nomem(error, "an image");
    result = frame_upright_apply(upright, frame, NULL, 0, 1, error);
    frame_upright_destroy(&upright);
    return result;
}

static int decode_frame(enum AVCodecID id, const void *bytes, size_t size, AVFrame *frame,
                        struct error *error)
{
    AVCodecContext *decoder = NULL;
    int ret = open_decoder(id, &decoder);

    if (ret >= 0)
        ret = decode(decoder, bytes, size, frame);
    if (ret == AVERROR(ENOMEM))
        error_nomem(error, "an image");
    else if (ret == AVERROR_DECODER_NOT_FOUND)
        error_set(error, ERR_UNSUPPORTED, "%s images cannot be decoded here", avcodec_get_name(id));
    else if (ret < 0)
        error_set(error, ERR_FORMAT, "the %s image is damaged, cut off, or larger than 64 million pixels",
                  avcodec_get_name(id));
    avcodec_free_context(&decoder);
    return ret < 0 ? -1 : 0;
}

int image_decode(const void *bytes, size_t size, struct picture **picture, struct error *error)
{
    return image_decode_in_slot(bytes, size, NULL, picture, error);
}

int image_decode_in_slot(const void *bytes, size_t size, struct slots *slots, struct picture **picture,
                         struct error *error)
{
    struct error own;
    enum AVCodecID id = codec_of(bytes, size);
    AVFrame *frame;
    int result = 0;

    ffmpeg_init();
    *picture = NULL;
    if (!error)
        error = &own;
    if (size > IMAGE_BYTES_MAX)
        return error_set(error, ERR_UNSUPPORTED, "an image of %zu bytes is too large", size);
    if (id == AV_CODEC_ID_NONE)
        return error_set(error, ERR_FORMAT, "not an image of a known kind");
    frame = av_frame_alloc();
    if (!frame)
        return error_nomem(error, "an image");
    if (decode_frame(id, bytes, size, frame, error) != 0)
        result = error->code;
    if (!result)
        result = upright(frame, error);
    if (!result) {
        *picture = frame_picture_wrap(frame, slots, NULL);
        if (!*picture)
            result = error_nomem(error, "an image");
    }
    av_frame_free(&frame);
    return result;
}
