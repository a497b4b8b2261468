#include "media/hardware.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <libavutil/hwcontext.h>

#include <libavcodec/avcodec.h>

#include "base/clock.h"
#include "base/text.h"
#include "media/ffmpeg_error.h"

#define TRY_AGAIN_NS (60 * NS_PER_S)
enum { FAILURES_MAX = 16 }; /* a camera may send so many damaged pictures in a row, a device may not */

static struct device {
    const char *wanted, *name;
    enum AVHWDeviceType type;
    AVBufferRef *context; /* NULL: not open */
    int failure;          /* an AVERROR: why not */
    int64_t tried_ns;     /* 0 = never */
} devices[] = {
    {"cuda", "CUDA", AV_HWDEVICE_TYPE_CUDA, NULL, 0, 0},
    {"vaapi", "VA-API", AV_HWDEVICE_TYPE_VAAPI, NULL, 0, 0},
};
enum { DEVICES = sizeof devices / sizeof *devices };
static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;

/* A reference to the shared device, or NULL and the AVERROR. */
static AVBufferRef *take_device(struct device *device, int *failure)
{
    AVBufferRef *reference = NULL;
    int64_t now = clock_monotonic_ns();

    pthread_mutex_lock(&devices_lock);
    if (!device->context && (device->tried_ns == 0 || now - device->tried_ns > TRY_AGAIN_NS)) {
        device->tried_ns = now;
        device->failure = av_hwdevice_ctx_create(&device->context, device->type, NULL, NULL, 0);
    }
    if (device->context)
        reference = av_buffer_ref(device->context);
    *failure = device->context ? AVERROR(ENOMEM) : device->failure;
    pthread_mutex_unlock(&devices_lock);
    return reference;
}

/* Whoever comes next opens it anew, after a while. */
static void forget_device(const char *name)
{
    pthread_mutex_lock(&devices_lock);
    for (int i = 0; i < DEVICES; i++)
        if (strcmp(devices[i].name, name) == 0 && devices[i].context) {
            av_buffer_unref(&devices[i].context);
            devices[i].failure = AVERROR_EXTERNAL;
            devices[i].tried_ns = clock_monotonic_ns();
        }
    pthread_mutex_unlock(&devices_lock);
}

static enum AVPixelFormat device_format(const AVCodec *codec, enum AVHWDeviceType type)
{
    const AVCodecHWConfig *config;

    for (int i = 0; (config = avcodec_get_hw_config(codec, i)); i++)
        if (config->device_type == type && (config->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX))
            return config->pix_fmt;
    return AV_PIX_FMT_NONE;
}

/* FFmpeg asks when it has read what is coded: the device's format is offered when it knows the profile. */
static enum AVPixelFormat choose_format(AVCodecContext *decoder, const enum AVPixelFormat *offered)
{
    struct hardware *h = decoder->opaque;

    for (const enum AVPixelFormat *f = offered; *f != AV_PIX_FMT_NONE; f++)
        if (*f == h->format)
            return *f;
    text_format(h->why, sizeof h->why, "%s does not know this profile of %s", h->name,
                avcodec_get_name(decoder->codec_id));
    h->name = "CPU";
    return avcodec_default_get_format(decoder, offered);
}

static bool try_device(struct hardware *h, struct device *device, AVCodecContext *decoder,
                       const AVCodec *codec)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    int failure;

    h->format = device_format(codec, device->type);
    if (h->format == AV_PIX_FMT_NONE) {
        text_format(h->why, sizeof h->why, "%s does not decode %s", device->name, codec->name);
        return false;
    }
    h->device = take_device(device, &failure);
    if (!h->device) {
        av_strerror(failure, text, sizeof text);
        text_format(h->why, sizeof h->why, "there is no %s device: %s", device->name, text);
        return false;
    }
    h->name = device->name;
    h->why[0] = '\0';
    decoder->hw_device_ctx = av_buffer_ref(h->device);
    decoder->get_format = choose_format;
    decoder->opaque = h;
    return decoder->hw_device_ctx != NULL;
}

void hardware_attach(struct hardware *h, AVCodecContext *decoder, const AVCodec *codec)
{
    bool any = h->wanted && strcmp(h->wanted, "auto") == 0;

    h->name = "CPU";
    h->format = AV_PIX_FMT_NONE;
    if (h->failed || !h->wanted)
        return;
    for (int i = 0; i < DEVICES; i++)
        if ((any || strcmp(h->wanted, devices[i].wanted) == 0) && try_device(h, &devices[i], decoder, codec))
            return;
    if (any)
        h->why[0] = '\0'; /* nothing in particular was wanted */
}

void hardware_note(struct hardware *h, int averror)
{
    if (!h->device || averror == AVERROR(EAGAIN) || averror == AVERROR_EOF)
        return;
    h->failures = averror < 0 ? h->failures + 1 : 0;
    if (averror == AVERROR_EXTERNAL || averror == AVERROR(EIO) || averror == AVERROR(ENODEV) ||
        averror == AVERROR(ENOSYS) || averror == AVERROR(ENOMEM) || h->failures >= FAILURES_MAX) {
        char text[AV_ERROR_MAX_STRING_SIZE] = "";

        av_strerror(averror, text, sizeof text);
        text_format(h->why, sizeof h->why, "%s failed: %s", h->name, text);
        h->failed = true;
    }
}

int hardware_fetch(struct hardware *h, AVFrame *frame)
{
    AVFrame *fetched;
    int ret;

    if (!frame->hw_frames_ctx)
        return 0;
    fetched = av_frame_alloc();
    ret = fetched ? av_hwframe_transfer_data(fetched, frame, 0) : AVERROR(ENOMEM);
    if (ret >= 0)
        ret = av_frame_copy_props(fetched, frame);
    av_frame_unref(frame);
    if (ret >= 0)
        av_frame_move_ref(frame, fetched);
    av_frame_free(&fetched);
    hardware_note(h, ret < 0 ? ret : 0);
    return ret < 0 ? ret : 0;
}

void hardware_give_up(struct hardware *h)
{
    forget_device(h->name);
    av_buffer_unref(&h->device);
    h->failed = true;
}

void hardware_release(struct hardware *h)
{
    av_buffer_unref(&h->device);
}

bool hardware_look(int index, struct hardware_device *device)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    int failure;

    if (index < 0 || index >= DEVICES)
        return false;
    ffmpeg_init();
    AVBufferRef *reference = take_device(&devices[index], &failure);
    *device = (struct hardware_device){
        .wanted = devices[index].wanted, .name = devices[index].name, .found = reference != NULL};
    if (!reference) {
        av_strerror(failure, text, sizeof text);
        text_copy(device->why, sizeof device->why, text);
    }
    av_buffer_unref(&reference);
    return true;
}
