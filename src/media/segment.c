#include "media/segment.h"

#include <stdlib.h>

#include <libavformat/avformat.h>
#include <libavutil/opt.h>

#include "base/clock.h"
#include "base/text.h"
#include "media/ffmpeg_error.h"

/* The muxer wants decoding times that rise and are not after the presentation times, and writes none of them:
 * they start so far back, and rise by one, that both holds for any order of the pictures. */
#define DECODING_START (-(INT64_C(1) << 40))

struct segment {
    char *path;
    AVFormatContext *format;
    AVPacket *packet;
    int64_t decoding;
    bool begun;
};

static int failed(const struct segment *s, int ret, struct error *error)
{
    return ffmpeg_error_set(error, ret, "%s", s->path);
}

static void destroy(struct segment *s)
{
    if (s->format)
        avio_closep(&s->format->pb);
    avformat_free_context(s->format);
    av_packet_free(&s->packet);
    free(s->path);
    free(s);
}

static int begin(struct segment *s, const struct coded_format *format)
{
    AVDictionary *how = NULL;
    AVStream *stream = avformat_new_stream(s->format, NULL);
    char url[4200];
    int ret = stream ? avcodec_parameters_copy(stream->codecpar, format->parameters) : AVERROR(ENOMEM);

    if (ret < 0)
        return ret;
    stream->codecpar->codec_tag = 0; /* of the container it came from */
    stream->time_base = (AVRational){1, 1000};
    s->format->avoid_negative_ts = AVFMT_AVOID_NEG_TS_DISABLED;
    s->format->flags |= AVFMT_FLAG_BITEXACT;
    text_format(url, sizeof url, "file:%s", s->path);
    ret = avio_open(&s->format->pb, url, AVIO_FLAG_WRITE);
    /* A cluster is what is gathered in memory, and what a kill costs. */
    av_dict_set(&how, "cluster_time_limit", "1000", 0);
    av_dict_set(&how, "cluster_size_limit", "32768", 0);
    if (ret >= 0)
        ret = avformat_write_header(s->format, &how);
    av_dict_free(&how);
    s->begun = ret >= 0;
    return ret < 0 ? ret : s->format->pb->error;
}

int segment_open(const char *path, const struct coded_format *format, struct segment **segment,
                 struct error *error)
{
    struct segment *s = calloc(1, sizeof *s);
    int ret;

    ffmpeg_init();
    *segment = NULL;
    if (!s)
        return error_nomem(error, path);
    s->decoding = DECODING_START;
    s->path = text_duplicate(path);
    s->packet = av_packet_alloc();
    ret = s->path && s->packet ? avformat_alloc_output_context2(&s->format, NULL, "matroska", path)
                               : AVERROR(ENOMEM);
    if (ret >= 0)
        ret = begin(s, format);
    if (ret < 0) {
        int result = ffmpeg_error_set(error, ret, "%s", path);

        destroy(s);
        return result;
    }
    *segment = s;
    return 0;
}

int segment_put(struct segment *s, const AVPacket *packet, int64_t time_ns, struct error *error)
{
    int ret = av_packet_ref(s->packet, packet);

    if (ret < 0)
        return failed(s, ret, error);
    s->packet->stream_index = 0;
    s->packet->pts = time_ns / NS_PER_MS;
    s->packet->dts = s->decoding++;
    s->packet->duration = 0;
    ret = av_write_frame(s->format, s->packet);
    av_packet_unref(s->packet);
    if (ret >= 0)
        ret = s->format->pb->error;
    return ret < 0 ? failed(s, ret, error) : 0;
}

int segment_flush(struct segment *s, struct error *error)
{
    int ret = av_write_frame(s->format, NULL);

    avio_flush(s->format->pb);
    if (ret >= 0)
        ret = s->format->pb->error;
    return ret < 0 ? failed(s, ret, error) : 0;
}

int64_t segment_bytes(const struct segment *s)
{
    return avio_tell(s->format->pb);
}

int segment_close(struct segment **segment, struct error *error)
{
    struct segment *s = *segment;
    int ret, closed, result = 0;

    *segment = NULL;
    if (!s)
        return 0;
    ret = av_write_trailer(s->format);
    if (ret >= 0)
        ret = s->format->pb->error;
    closed = avio_closep(&s->format->pb);
    if (ret >= 0)
        ret = closed;
    if (ret < 0)
        result = failed(s, ret, error);
    destroy(s);
    return result;
}
