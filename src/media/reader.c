#include "media/reader.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "media/ffmpeg_error.h"
#include "media/frame_upright.h"
#include "media/reader_internal.h"
#include "media/stream_time.h"
#include "media/tap.h"
#include "media/vectors.h"

#define WEBCAM_LOOK_NS (4 * NS_PER_MS)

/* What only cameras are, what has no clock of its own, and which streams need not be read. */
static void classify(struct reader *r)
{
    bool endless = r->format->duration == AV_NOPTS_VALUE || r->format->duration <= 0;
    bool bare = reader_format_is(r, "mpjpeg") || reader_format_is(r, "mjpeg") ||
                reader_format_is(r, "jpeg_pipe") || reader_format_is(r, "png_pipe");

    r->live = r->type == ADDRESS_RTSP || r->type == ADDRESS_WEBCAM || (r->type == ADDRESS_HTTP && endless);
    r->stamped = !(bare && r->live);
    r->follows = r->live && !reader_format_is(r, "hls");
    for (unsigned i = 0; i < r->format->nb_streams; i++) {
        AVStream *s = r->format->streams[i];
        bool heard = !r->live && s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;

        s->discard = s == r->stream || heard ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
}

static enum AVDiscard unfiltered_by(const char *loop_filter)
{
    if (!loop_filter || strcmp(loop_filter, "all") == 0)
        return AVDISCARD_DEFAULT;
    return strcmp(loop_filter, "referenced") == 0 ? AVDISCARD_NONREF : AVDISCARD_ALL;
}

int reader_open(const struct reader_options *options, struct reader **reader, struct error *error)
{
    struct reader *r = calloc(1, sizeof *r);
    int result;

    ffmpeg_init();
    *reader = NULL;
    if (!r)
        return error_nomem(error, "a video reader");
    address_shown(options->uri, r->shown);
    r->type = address_type(options->uri);
    r->guard.cancel = options->cancel;
    r->hardware.wanted = options->decoder;
    r->read_timeout_ns = options->read_timeout_ns;
    r->unfiltered = unfiltered_by(options->loop_filter);
    r->vectors_wanted = options->vectors;
    guard_arm(&r->guard, options->open_timeout_ns);
    result = reader_open_format(r, options->uri, error);
    if (!result)
        result = reader_open_decoder(r, error);
    if (result) {
        reader_close(&r);
        return result;
    }
    classify(r);
    r->tap = options->tap;
    if (r->tap)
        r->tap->begin(r->tap, r->stream);
    *reader = r;
    return 0;
}

void reader_close(struct reader **reader)
{
    struct reader *r = *reader;

    *reader = NULL;
    if (!r)
        return;
    if (r->tap)
        r->tap->end(r->tap);
    /* Saying good-bye to a camera must not take long. */
    guard_arm(&r->guard, NS_PER_S / 2);
    avcodec_free_context(&r->decoder);
    hardware_release(&r->hardware);
    avformat_close_input(&r->format);
    avio_closep(&r->connection);
    av_packet_free(&r->packet);
    frame_upright_destroy(&r->upright);
    vectors_destroy(&r->vectors);
    free(r);
}

static const int32_t *container_matrix(const struct reader *r)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const AVCodecParameters *p = r->stream->codecpar;
    const AVPacketSideData *side =
        av_packet_side_data_get(p->coded_side_data, p->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);

    return side && side->size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)side->data : NULL;
#else
    size_t size = 0;
    const uint8_t *side = av_stream_get_side_data(r->stream, AV_PKT_DATA_DISPLAYMATRIX, &size);

    return side && size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)side : NULL;
#endif
}

static const char *transport_of(const struct reader *r)
{
    switch (r->type) {
    case ADDRESS_FILE:
        return "file";
    case ADDRESS_RTSP:
        return r->udp ? "RTSP over UDP" : "RTSP over TCP";
    case ADDRESS_WEBCAM:
        return "webcam";
    default:
        return reader_format_is(r, "hls") ? "HLS" : "HTTP";
    }
}

void reader_facts(const struct reader *r, struct reader_facts *facts)
{
    const AVCodecParameters *p = r->stream->codecpar;
    AVRational aspect = av_guess_sample_aspect_ratio(r->format, r->stream, NULL);
    AVRational rate = r->stream->avg_frame_rate.num > 0 ? r->stream->avg_frame_rate : r->stream->r_frame_rate;

    *facts = (struct reader_facts){.live = r->live,
                                   .in_pieces = r->live && reader_format_is(r, "hls"),
                                   .has_stamps = r->stamped,
                                   .codec = avcodec_get_name(p->codec_id)};
    facts->transport = transport_of(r);
    if (rate.num > 0 && rate.den > 0)
        facts->frame_rate = av_q2d(rate);
    if (r->stream->nb_frames > 0 && !r->live)
        facts->frame_count = r->stream->nb_frames;
    if (p->width > 0 && p->height > 0)
        displayed_size(p->width, p->height, aspect.num, aspect.den,
                       orientation_from_matrix(container_matrix(r)), &facts->width, &facts->height);
}

static void hear(struct reader *r, const AVPacket *packet)
{
    const AVStream *s = r->format->streams[packet->stream_index];

    if (packet->pts == AV_NOPTS_VALUE)
        return;
    int64_t end = av_rescale_q(packet->pts + (packet->duration > 0 ? packet->duration : 0), s->time_base,
                               AV_TIME_BASE_Q);
    if (end > r->heard_until_us)
        r->heard_until_us = end;
}

/* Reads one packet and gives it to the decoder; at the end, flushes the decoder. */
static void feed(struct reader *r)
{
    int64_t began = clock_monotonic_ns();
    int ret;

    if (r->ending) {
        r->flushed = true;
        avcodec_send_packet(r->decoder, NULL);
        return;
    }
    ret = av_read_frame(r->format, r->packet);
    if (ret == AVERROR(EAGAIN) && r->type == ADDRESS_WEBCAM) {
        clock_sleep_ns(WEBCAM_LOOK_NS);
        return;
    }
    if (ret < 0 || r->guard.expired || r->guard.canceled) {
        reader_end_with(r, ret);
    } else {
        hear(r, r->packet);
        if (r->packet->stream_index == r->stream->index)
            reader_decode(r, clock_monotonic_ns() - began);
    }
    av_packet_unref(r->packet);
}

static int64_t stamp_of(const struct reader *r, const AVFrame *frame)
{
    if (!r->stamped || frame->best_effort_timestamp == AV_NOPTS_VALUE)
        return STREAM_TIME_NONE;
    return av_rescale_q(frame->best_effort_timestamp, r->stream->time_base, (AVRational){1, 1000000000});
}

static int deliver(struct reader *r, AVFrame *frame, int64_t *stamp_ns, struct instant *arrival,
                   struct error *error)
{
    AVRational aspect = av_guess_sample_aspect_ratio(r->format, r->stream, frame);
    int result;

    r->pictures++;
    if (frame->decode_error_flags)
        reader_note_damage(r);
    r->damaged_before = r->damaged;
    *stamp_ns = stamp_of(r, frame);
    *arrival = reader_arrival_of(r, frame);
    if (r->vectors &&
        !vectors_add(r->vectors, frame, frame_is_upright(frame, container_matrix(r), aspect.num, aspect.den)))
        vectors_destroy(&r->vectors);
    av_frame_remove_side_data(frame, AV_FRAME_DATA_MOTION_VECTORS);
    result = frame_upright_apply(r->upright, frame, container_matrix(r), aspect.num, aspect.den, error);
    return result ? error_prefix(error, "%s", r->shown) : 0;
}

struct motion_sum *reader_motion(const struct reader *r)
{
    return r->vectors ? vectors_copy(r->vectors) : NULL;
}

void reader_losses(const struct reader *r, int64_t *damaged, int64_t *skipped)
{
    *damaged = r->damaged;
    *skipped = r->catch_up.skipped;
}

const char *reader_decoder(const struct reader *r, const char **why)
{
    *why = r->hardware.why;
    return r->hardware.name;
}

int reader_next(struct reader *r, AVFrame *frame, int64_t *stamp_ns, struct instant *arrival,
                struct error *error)
{
    av_frame_unref(frame);
    if (!r->ending)
        guard_arm(&r->guard, r->read_timeout_ns);
    for (;;) {
        int ret;

        if (r->ending && r->flushed && r->end.code)
            return reader_ended(r, error);
        if (!r->ending && guard_interrupted(&r->guard))
            reader_end_with(r, AVERROR_EXIT);
        ret = r->end.code && r->flushed ? AVERROR_EOF : avcodec_receive_frame(r->decoder, frame);
        if (ret == 0)
            ret = hardware_fetch(&r->hardware, frame);
        if (ret == 0)
            return deliver(r, frame, stamp_ns, arrival, error);
        hardware_note(&r->hardware, ret);
        if (r->hardware.failed && r->hardware.device && !r->ending) {
            int result = reader_leave_hardware(r, error);

            if (result)
                return result;
            continue;
        }
        if (ret == AVERROR_EOF || (r->flushed && ret == AVERROR(EAGAIN)))
            return reader_ended(r, error);
        if (ret == AVERROR(ENOMEM))
            return error_nomem(error, r->shown);
        if (ret == AVERROR(EAGAIN))
            feed(r);
        else if (r->pictures > 0)
            reader_note_damage(r);
    }
}
