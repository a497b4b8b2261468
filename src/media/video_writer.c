#include "media/video_writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>

#include "base/clock.h"
#include "base/text.h"
#include "media/convert.h"
#include "media/ffmpeg_error.h"

enum {
    TICKS = 60000, /* a second; MPEG-4 has 16 bits for it */
    THREADS = 2,   /* fixed: the bytes depend on it */
    KEY_FRAME_EVERY = 60
};

struct video_writer {
    char *path;
    double rate;
    AVFormatContext *format;
    AVCodecContext *encoder;
    AVStream *stream;
    AVFrame *frame;
    AVPacket *packet;
    struct converter *converter;
    struct picture *converted; /* I420 of the video's size */
    int64_t last_tick;
    bool header_written, begun;
};

static int failed(const struct video_writer *w, int ret, const char *what, struct error *error)
{
    return ffmpeg_error_set(error, ret, "%s: %s", w->path, what);
}

static void destroy(struct video_writer *w)
{
    avcodec_free_context(&w->encoder);
    if (w->format)
        avio_closep(&w->format->pb);
    avformat_free_context(w->format);
    av_frame_free(&w->frame);
    av_packet_free(&w->packet);
    converter_destroy(&w->converter);
    picture_unref(&w->converted);
    free(w->path);
    free(w);
}

static int open_file(struct video_writer *w, struct error *error)
{
    char url[4200];
    int ret;

    if (!text_ends_with(w->path, ".mp4") && !text_ends_with(w->path, ".mkv"))
        return error_set(error, ERR_INVALID, "%s: a video's name ends in .mp4 or .mkv", w->path);
    ret = avformat_alloc_output_context2(&w->format, NULL,
                                         text_ends_with(w->path, ".mp4") ? "mp4" : "matroska", w->path);
    if (ret < 0)
        return failed(w, ret, "no video can be made", error);
    w->format->flags |= AVFMT_FLAG_BITEXACT;
    text_format(url, sizeof url, "file:%s", w->path);
    ret = avio_open(&w->format->pb, url, AVIO_FLAG_WRITE);
    return ret < 0 ? failed(w, ret, "cannot be written", error) : 0;
}

int video_writer_open(const char *path, double rate, struct video_writer **writer, struct error *error)
{
    struct video_writer *w = calloc(1, sizeof *w);
    int result;

    ffmpeg_init();
    *writer = NULL;
    if (!w)
        return error_nomem(error, "a video writer");
    w->path = text_duplicate(path);
    w->rate = rate > 0 && rate < 1000 ? rate : 25;
    w->last_tick = -1;
    w->frame = av_frame_alloc();
    w->packet = av_packet_alloc();
    w->converter = converter_create();
    if (!w->path || !w->frame || !w->packet || !w->converter)
        result = error_nomem(error, "a video writer");
    else
        result = open_file(w, error);
    if (result) {
        destroy(w);
        return result;
    }
    *writer = w;
    return 0;
}

static int open_encoder(struct video_writer *w, const AVCodec *codec, int width, int height)
{
    AVCodecContext *c = w->encoder = avcodec_alloc_context3(codec);

    if (!c)
        return AVERROR(ENOMEM);
    c->width = width, c->height = height;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = (AVRational){1, TICKS};
    c->framerate = av_d2q(w->rate, 1000);
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->colorspace = AVCOL_SPC_BT709;
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    c->color_range = AVCOL_RANGE_MPEG;
    c->gop_size = KEY_FRAME_EVERY;
    c->thread_count = THREADS;
    c->flags |= AV_CODEC_FLAG_BITEXACT;
    if (w->format->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if (codec->id == AV_CODEC_ID_H264) {
        av_opt_set(c->priv_data, "preset", "veryfast", 0);
        av_opt_set(c->priv_data, "crf", "23", 0);
    } else {
        c->flags |= AV_CODEC_FLAG_QSCALE;
        c->global_quality = 4 * FF_QP2LAMBDA;
    }
    return avcodec_open2(c, codec, NULL);
}

/* A Debian without libx264 has MPEG-4 in any case. */
static const AVCodec *find_encoder(void)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("libx264");

    return codec ? codec : avcodec_find_encoder(AV_CODEC_ID_MPEG4);
}

static int begin(struct video_writer *w, const struct picture *picture, struct error *error)
{
    const AVCodec *codec = find_encoder();
    int width = picture->width & ~1, height = picture->height & ~1, ret;

    if (width < 2 || height < 2)
        return error_set(error, ERR_INVALID, "%s: a picture of %dx%d is too small", w->path, picture->width,
                         picture->height);
    if (!codec)
        return error_set(error, ERR_UNSUPPORTED, "%s: FFmpeg has no encoder for it", w->path);
    w->converted = picture_create(PIXEL_I420, width, height);
    w->stream = avformat_new_stream(w->format, NULL);
    if (!w->converted || !w->stream)
        return error_nomem(error, w->path);
    w->converted->colour = COLOUR_BT709;
    ret = open_encoder(w, codec, width, height);
    if (ret < 0)
        return failed(w, ret, "the encoder does not open", error);
    w->stream->time_base = w->encoder->time_base;
    w->stream->avg_frame_rate = w->encoder->framerate;
    ret = avcodec_parameters_from_context(w->stream->codecpar, w->encoder);
    if (ret >= 0)
        ret = avformat_write_header(w->format, NULL);
    if (ret < 0)
        return failed(w, ret, "cannot be written", error);
    w->header_written = true;
    return 0;
}

/* Hands a frame (NULL = the end) to the encoder and what comes out of it to the file. */
static int encode(struct video_writer *w, const AVFrame *frame, struct error *error)
{
    int ret = avcodec_send_frame(w->encoder, frame);

    while (ret >= 0) {
        ret = avcodec_receive_packet(w->encoder, w->packet);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return 0;
        if (ret < 0)
            break;
        av_packet_rescale_ts(w->packet, w->encoder->time_base, w->stream->time_base);
        w->packet->stream_index = w->stream->index;
        ret = av_interleaved_write_frame(w->format, w->packet);
    }
    return failed(w, ret, "writing failed", error);
}

static int fill_frame(struct video_writer *w, int64_t tick, struct error *error)
{
    AVFrame *f = w->frame;
    int ret;

    av_frame_unref(f);
    f->format = AV_PIX_FMT_YUV420P;
    f->width = w->converted->width, f->height = w->converted->height;
    f->pts = tick;
    ret = av_frame_get_buffer(f, 0);
    if (ret < 0)
        return failed(w, ret, "a picture", error);
    for (int p = 0; p < 3; p++)
        for (int y = 0, rows = p ? f->height / 2 : f->height; y < rows; y++)
            memcpy(f->data[p] + (ptrdiff_t)y * f->linesize[p],
                   w->converted->planes[p] + (ptrdiff_t)y * w->converted->strides[p],
                   (size_t)(p ? f->width / 2 : f->width));
    return 0;
}

int video_writer_add(struct video_writer *w, const struct picture *picture, int64_t stream_ns,
                     struct error *error)
{
    struct picture view = picture_view(picture); /* without an odd side's last column or row */
    int64_t tick = av_rescale(stream_ns, TICKS, NS_PER_S);
    int result = 0;

    if (w->begun && !w->header_written)
        return error_set(error, ERR_CONFLICT, "%s: the video could not be begun", w->path);
    if (!w->begun)
        result = begin(w, picture, error);
    w->begun = true;
    if (result)
        return result;
    if (picture->width == w->converted->width + 1)
        view.width--;
    if (picture->height == w->converted->height + 1)
        view.height--;
    if (tick <= w->last_tick)
        tick = w->last_tick + 1;
    result = converter_run(w->converter, &view, w->converted, error);
    if (!result)
        result = fill_frame(w, tick, error);
    if (!result)
        result = encode(w, w->frame, error);
    w->last_tick = tick;
    return result;
}

int video_writer_close(struct video_writer **writer, struct error *error)
{
    struct video_writer *w = *writer;
    int result = 0, ret = 0;

    *writer = NULL;
    if (!w)
        return 0;
    if (w->header_written) {
        result = encode(w, NULL, error);
        ret = av_write_trailer(w->format);
        if (ret >= 0)
            ret = w->format->pb->error;
        if (!result && ret < 0)
            result = failed(w, ret, "the file could not be ended", error);
    } else {
        unlink(w->path);
    }
    ret = avio_closep(&w->format->pb);
    if (!result && ret < 0)
        result = failed(w, ret, "the file could not be ended", error);
    destroy(w);
    return result;
}
