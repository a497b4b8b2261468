#include "media/clip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libavformat/avformat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "media/clip_index.h"
#include "media/ffmpeg_error.h"

#define STEP_NS (20 * INT64_C(1000)) /* more than a tick of the MP4's clock */

struct writer {
    const struct clip_request *request;
    const struct clip_index *index;
    char path[1300]; /* until it is whole */
    AVFormatContext *format;
    AVStream *stream;
    AVPacket *packet;
    int64_t *presentation, *decoding, *scratch; /* of the clip's packets; ns from its first picture */
    size_t count, next;
};

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

void clip_decoding_times(int64_t *presentation, size_t count, int64_t *decoding, int64_t *scratch)
{
    int64_t delay = 0, last = INT64_MIN / 2;

    for (size_t i = 0; i < count; i++)
        scratch[i] = presentation[i];
    qsort(scratch, count, sizeof *scratch, compare_times);
    for (size_t i = 0; i < count; i++)
        if (scratch[i] - presentation[i] > delay)
            delay = scratch[i] - presentation[i];
    for (size_t i = 0; i < count; i++) {
        decoding[i] = scratch[i] - delay;
        if (decoding[i] < last + STEP_NS) /* two pictures of one time */
            decoding[i] = last + STEP_NS;
        last = decoding[i];
        if (presentation[i] < last)
            presentation[i] = last;
    }
}

static int prepare_times(struct writer *w)
{
    const struct clip_index *index = w->index;
    int64_t first = INT64_MAX;

    w->count = index->last - index->first + 1;
    w->presentation = malloc(w->count * sizeof *w->presentation);
    w->decoding = malloc(w->count * sizeof *w->decoding);
    w->scratch = malloc(w->count * sizeof *w->scratch);
    if (!w->presentation || !w->decoding || !w->scratch)
        return AVERROR(ENOMEM);
    for (size_t i = 0; i < w->count; i++) {
        w->presentation[i] = index->packets[index->first + i].time_ns;
        if (w->presentation[i] < first)
            first = w->presentation[i];
    }
    for (size_t i = 0; i < w->count; i++)
        w->presentation[i] -= first;
    clip_decoding_times(w->presentation, w->count, w->decoding, w->scratch);
    return 0;
}

static int begin(struct writer *w)
{
    AVDictionary *how = NULL;
    const AVCodecParameters *p = w->index->segments[w->index->first_segment].parameters;
    char url[1400], time[TIME_TEXT_SIZE];
    int ret;

    text_format(url, sizeof url, "file:%s", w->path);
    ret = avformat_alloc_output_context2(&w->format, NULL, "mp4", url);
    if (ret < 0)
        return ret;
    w->stream = avformat_new_stream(w->format, NULL);
    ret = w->stream ? avcodec_parameters_copy(w->stream->codecpar, p) : AVERROR(ENOMEM);
    if (ret < 0)
        return ret;
    /* The tag with which Apple's players take HEVC; the others are chosen by the muxer. */
    w->stream->codecpar->codec_tag = p->codec_id == AV_CODEC_ID_HEVC ? MKTAG('h', 'v', 'c', '1') : 0;
    w->stream->time_base = (AVRational){1, 90000};
    av_dict_set(&w->format->metadata, "creation_time",
                time_format(w->index->packets[w->index->first].time_ns, time), 0);
    ret = avio_open(&w->format->pb, url, AVIO_FLAG_WRITE);
    /* The index in front, so that a browser plays while it loads. */
    av_dict_set(&how, "movflags", "+faststart", 0);
    if (ret >= 0)
        ret = avformat_write_header(w->format, &how);
    av_dict_free(&how);
    return ret;
}

static int64_t ticks(const struct writer *w, int64_t ns)
{
    return av_rescale_q(ns, (AVRational){1, 1000000000}, w->stream->time_base);
}

static int write_packet(struct writer *w)
{
    size_t at = w->next++;
    int64_t following = at + 1 < w->count ? w->decoding[at + 1] : w->decoding[at] + 40 * NS_PER_MS;

    w->packet->stream_index = 0;
    w->packet->pts = ticks(w, w->presentation[at]);
    w->packet->dts = ticks(w, w->decoding[at]);
    w->packet->duration = ticks(w, following - w->decoding[at]);
    int ret = av_write_frame(w->format, w->packet);

    return ret < 0 ? ret : w->format->pb->error;
}

/* The packets that the first pass has chosen; a segment that is still written has more by now. */
static int copy_segment(struct writer *w, const struct clip_segment *segment)
{
    AVFormatContext *from;
    int ret = clip_open_segment(w->request->parts[segment->part].path, &from);

    if (ret < 0)
        return ret;
    for (size_t i = segment->first; ret >= 0 && i < segment->first + segment->count; i++) {
        ret = av_read_frame(from, w->packet);
        if (ret >= 0 && i >= w->index->first && i <= w->index->last)
            ret = write_packet(w);
        av_packet_unref(w->packet);
    }
    avformat_close_input(&from);
    return ret == AVERROR_EOF ? AVERROR_INVALIDDATA : ret;
}

static int write_all(struct writer *w)
{
    int ret = prepare_times(w), closed;

    w->packet = av_packet_alloc();
    if (ret >= 0)
        ret = w->packet ? begin(w) : AVERROR(ENOMEM);

    bool begun = ret >= 0;

    for (size_t i = w->index->first_segment; ret >= 0 && i <= w->index->last_segment; i++)
        ret = copy_segment(w, &w->index->segments[i]);
    if (begun) {
        int ended = av_write_trailer(w->format);

        if (ret >= 0)
            ret = ended < 0 ? ended : w->format->pb->error;
    }
    if (w->format) {
        closed = avio_closep(&w->format->pb);
        if (ret >= 0)
            ret = closed;
    }
    return ret;
}

/* On disk before it gets its name. */
static int put_in_place(const struct writer *w, struct error *error)
{
    int fd = open(w->path, O_RDWR | O_CLOEXEC), failed = fd < 0 || fsync(fd) != 0 ? errno : 0;

    if (fd >= 0)
        close(fd);
    if (!failed && rename(w->path, w->request->path) != 0)
        failed = errno;
    return failed ? error_set_errno(error, failed, "%s", w->request->path) : 0;
}

static int make(const struct clip_request *request, const struct clip_index *index, struct error *error)
{
    struct writer w = {.request = request, .index = index};

    text_format(w.path, sizeof w.path, "%s.part", request->path);
    int ret = write_all(&w);
    int result = ret < 0 ? ffmpeg_error_set(error, ret, "%s", request->path) : put_in_place(&w, error);

    if (ret == AVERROR(EINVAL))
        result = error_set(error, ERR_UNSUPPORTED, "%s video cannot be kept as MP4",
                           avcodec_get_name(index->segments[index->first_segment].parameters->codec_id));
    if (result < 0)
        unlink(w.path);
    avformat_free_context(w.format);
    av_packet_free(&w.packet);
    free(w.presentation);
    free(w.decoding);
    free(w.scratch);
    return result;
}

int clip_write(const struct clip_request *request, struct clip_facts *facts, struct error *error)
{
    struct clip_index index;
    int result = clip_index_read(&index, request);

    ffmpeg_init();
    if (result < 0)
        error_nomem(error, request->path);
    else if (!clip_index_choose(&index, request))
        result = error_set(error, ERR_NOT_FOUND, "nothing was recorded at that time");
    else
        result = make(request, &index, error);
    if (result == 0 && facts)
        *facts = (struct clip_facts){.from_ns = index.packets[index.first].time_ns,
                                     .to_ns = index.packets[index.last].time_ns,
                                     .pictures = index.last - index.first + 1,
                                     .bytes = file_size(request->path)};
    clip_index_release(&index);
    return result;
}
