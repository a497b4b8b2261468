#include "media/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "media/address.h"
#include "media/catch_up.h"
#include "media/ffmpeg_error.h"
#include "media/frame_upright.h"
#include "media/hardware.h"
#include "media/stream_time.h"
#include "media/tap.h"
#include "media/vectors.h"
#include "media/webcam.h"

/* Containers that hold their own bytes and lead nowhere else; play lists and text are not among them. */
#define FILE_FORMATS                                                                                         \
    "mov,avi,matroska,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,ivf,h264,hevc,m4v,mjpeg,av1,obu,yuv4mpegpipe,"   \
    "dv,h263,h261,vc1,rm,nut,gif"
#define HTTP_FORMATS FILE_FORMATS ",hls,mpjpeg,aac,mp3,ac3,webvtt"

#define WEBCAM_LOOK_NS (4 * NS_PER_MS)
enum { ARRIVALS = 256 };      /* more than a decoder keeps back */
#define PIXELS_MAX "67108864" /* a larger picture is taken for an attack on memory */

/* What FFmpeg's interrupt callback looks at. */
struct guard {
    const atomic_bool *cancel;
    int64_t deadline_ns;
    bool expired, canceled;
};

struct reader {
    char shown[ADDRESS_SHOWN];
    enum address_type type;
    bool udp, live, stamped;
    struct guard guard;
    struct packet_tap *tap; /* once begun */
    struct hardware hardware;
    int64_t read_timeout_ns;
    const atomic_bool *vectors_wanted; /* NULL = never */
    struct vectors *vectors;           /* NULL while they are not wanted */
    enum AVDiscard unfiltered;         /* pictures that the decoder does not smooth */
    AVIOContext *connection;           /* of HTTP; NULL otherwise */
    AVFormatContext *format;
    AVCodecContext *decoder;
    AVStream *stream;
    AVPacket *packet;
    struct frame_upright *upright;
    struct instant arrivals[ARRIVALS];
    int64_t packets, pictures; /* read, decoded */
    int64_t heard_until_us;    /* end of the latest packet of any stream */
    int64_t damaged;           /* packets and pictures with errors */
    int64_t damaged_before;    /* the last picture */
    int64_t sound;             /* pictures before the first of them */
    bool follows;              /* a camera: what is long past is not decoded */
    struct catch_up catch_up;
    bool cut;             /* there should be more */
    bool ending, flushed; /* nothing comes any more, except what the decoder holds */
    struct error end;     /* why */
};

static int interrupted(void *opaque)
{
    struct guard *guard = opaque;

    if (guard->cancel && atomic_load_explicit(guard->cancel, memory_order_relaxed))
        guard->canceled = true;
    if (clock_monotonic_ns() >= guard->deadline_ns)
        guard->expired = true;
    return guard->canceled || guard->expired;
}

static void guard_arm(struct guard *guard, int64_t timeout_ns)
{
    guard->expired = false;
    guard->deadline_ns = timeout_ns > 0 ? clock_monotonic_ns() + timeout_ns : INT64_MAX;
}

/* The guard's word counts before FFmpeg's, which calls an interrupted read an end, bad data or success. */
static int guard_error(const struct guard *guard, const char *shown, const char *what, struct error *error)
{
    if (guard->canceled)
        return error_set(error, ERR_CANCELED, "%s: interrupted", shown);
    if (guard->expired)
        return error_set(error, ERR_TIMEOUT, "%s: %s", shown, what);
    return 0;
}

static int check_file(const char *path, const char *shown, struct error *error)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return error_set_errno(error, errno, "%s", shown);
    if (!S_ISREG(st.st_mode))
        return error_set(error, ERR_INVALID, "%s: not a file", shown);
    if (st.st_size == 0)
        return error_set(error, ERR_FORMAT, "%s: the file is empty", shown);
    return 0;
}

/* What FFmpeg is to open, and how. */
static int plan(struct reader *r, const char *uri, char url[ADDRESS_MAX + 8], AVDictionary **how,
                const AVInputFormat **format, struct error *error)
{
    char path[ADDRESS_MAX];
    int result;

    switch (r->type) {
    case ADDRESS_FILE:
        result = address_path(uri, path, error);
        if (!result)
            result = check_file(path, r->shown, error);
        snprintf(url, ADDRESS_MAX + 8, "file:%s", result ? "" : path);
        av_dict_set(how, "format_whitelist", FILE_FORMATS, 0);
        av_dict_set(how, "protocol_whitelist", "file", 0);
        return result;
    case ADDRESS_RTSP:
        result = address_rtsp(uri, url, &r->udp, error);
        av_dict_set(how, "rtsp_transport", r->udp ? "udp" : "tcp", 0);
        av_dict_set(how, "allowed_media_types", "video", 0);
        av_dict_set(how, "protocol_whitelist", "rtp,rtcp,udp,tcp,tls,crypto", 0);
        av_dict_set(how, "probesize", "32768", 0);
        av_dict_set(how, "analyzeduration", "0", 0);
        return result;
    case ADDRESS_WEBCAM:
        return webcam_plan(uri, r->shown, url, how, format, error);
    default:
        if (strlen(uri) >= ADDRESS_MAX)
            return error_set(error, ERR_INVALID, "%s: the address is too long", r->shown);
        snprintf(url, ADDRESS_MAX + 8, "%s", uri);
        av_dict_set(how, "format_whitelist", HTTP_FORMATS, 0);
        av_dict_set(how, "protocol_whitelist", "http,https,httpproxy,tcp,tls,crypto", 0);
        av_dict_set(how, "analyzeduration", "500000", 0);
        return 0;
    }
}

/* The code for a failed open: a file that "ends" is no video, a network peer that talks nonsense is not a
 * matter of files. */
static int open_failed(struct reader *r, int ret, const char *what, struct error *error)
{
    int code = guard_error(&r->guard, r->shown, "no answer in time", error);

    if (code)
        return code;
    if (r->type == ADDRESS_WEBCAM)
        return webcam_failed(r->shown, ret, error);
    if (ret == AVERROR_INVALIDDATA || ret == AVERROR(EINVAL) ||
        (r->type == ADDRESS_FILE && (ret == AVERROR_EOF || ret == AVERROR(EIO))))
        return error_set(error, ERR_FORMAT, "%s: not a video that can be read, or damaged", r->shown);
    if (ret == AVERROR_EOF)
        return error_set(error, ERR_IO, "%s: the connection was closed", r->shown);
    if (ret == AVERROR_HTTP_UNAUTHORIZED)
        return error_set(error, ERR_AUTH, "%s: a wrong name or password, or none (401)", r->shown);
    if (ret == AVERROR_HTTP_FORBIDDEN)
        return error_set(error, ERR_AUTH, "%s: not allowed with this name and password (403)", r->shown);
    return ffmpeg_error_set(error, ret, "%s: %s", r->shown, what);
}

/* Finds out what the streams are, which may take decoding some of it: within the limit of size. */
static int look_inside(AVFormatContext *format)
{
    unsigned count = format->nb_streams;
    AVDictionary **limits = calloc(count ? count : 1, sizeof *limits);
    int ret;

    if (!limits)
        return AVERROR(ENOMEM);
    for (unsigned i = 0; i < count; i++)
        av_dict_set(&limits[i], "max_pixels", PIXELS_MAX, 0);
    ret = avformat_find_stream_info(format, limits);
    for (unsigned i = 0; i < count; i++)
        av_dict_free(&limits[i]);
    free(limits);
    return ret;
}

/* FFmpeg takes an address that ends like a picture's file, were it in the query, for pictures on disk before
 * it has read a byte. Over HTTP the bytes say what it is; only play lists have to be named like one. */
static const char *name_to_probe(const char *url)
{
    static const char list[] = ".m3u8";
    size_t size = strcspn(url, "?#"), ending = sizeof list - 1;

    return size > ending && strncasecmp(url + size - ending, list, ending) == 0 ? list : "";
}

static int connect(struct reader *r, const char *url, const AVDictionary *how, const AVInputFormat **format)
{
    AVDictionary *io = NULL; /* what is taken from it here is needed once more for the parts of a play list */
    int ret = av_dict_copy(&io, how, 0);

    if (ret >= 0)
        ret = avio_open2(&r->connection, url, AVIO_FLAG_READ, &r->format->interrupt_callback, &io);
    av_dict_free(&io);
    if (ret >= 0)
        ret = av_probe_input_buffer2(r->connection, format, name_to_probe(url), NULL, 0, 0);
    r->format->pb = r->connection;
    r->format->flags |= AVFMT_FLAG_CUSTOM_IO; /* closed by us */
    return ret;
}

static int open_format(struct reader *r, const char *uri, struct error *error)
{
    char url[ADDRESS_MAX + 8];
    AVDictionary *how = NULL;
    const AVInputFormat *format = NULL;
    int ret, result = plan(r, uri, url, &how, &format, error);

    if (result)
        goto out;
    r->format = avformat_alloc_context();
    if (!r->format) {
        result = error_nomem(error, r->shown);
        goto out;
    }
    r->format->interrupt_callback = (AVIOInterruptCB){interrupted, &r->guard};
    if (r->type == ADDRESS_WEBCAM)
        r->format->flags |= AVFMT_FLAG_NONBLOCK; /* a device that hangs cannot be interrupted otherwise */
    ret = r->type == ADDRESS_HTTP ? connect(r, url, how, &format) : 0;
    if (ret >= 0)
        ret = avformat_open_input(&r->format, url, format, &how); /* frees the context when it fails */
    if (ret < 0)
        result = open_failed(r, ret, "cannot be opened", error);
    else if ((ret = look_inside(r->format)) < 0)
        result = open_failed(r, ret, "cannot be understood", error);
    else
        result = guard_error(&r->guard, r->shown, "no answer in time", error);
out:
    av_dict_free(&how);
    return result;
}

static int start_decoder(struct reader *r, const AVCodec *codec, struct error *error)
{
    AVDictionary *how = NULL;
    int ret;

    r->decoder = avcodec_alloc_context3(codec);
    if (!r->decoder)
        return error_nomem(error, r->shown);
    ret = avcodec_parameters_to_context(r->decoder, r->stream->codecpar);
    r->decoder->pkt_timebase = r->stream->time_base;
    r->decoder->thread_count = 1;
    r->decoder->skip_loop_filter = r->unfiltered;
    hardware_attach(&r->hardware, r->decoder, codec);
    av_dict_set(&how, "max_pixels", PIXELS_MAX, 0);
    if (ret >= 0)
        ret = avcodec_open2(r->decoder, codec, &how);
    av_dict_free(&how);
    return ret < 0 ? ffmpeg_error_set(error, ret, "%s: its %s video cannot be decoded", r->shown, codec->name)
                   : 0;
}

static int open_decoder(struct reader *r, struct error *error)
{
    const AVCodec *codec = NULL;
    int index = av_find_best_stream(r->format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);

    if (index < 0 && index != AVERROR_DECODER_NOT_FOUND)
        return error_set(error, ERR_FORMAT, "%s: there is no video in it", r->shown);
    if (index < 0 || !codec)
        return error_set(error, ERR_UNSUPPORTED, "%s: there is no decoder for its video", r->shown);
    r->stream = r->format->streams[index];
    if (r->stream->disposition & AV_DISPOSITION_ATTACHED_PIC)
        return error_set(error, ERR_FORMAT, "%s: there is no video in it, only a cover picture", r->shown);
    r->packet = av_packet_alloc();
    r->upright = frame_upright_create();
    if (!r->packet || !r->upright)
        return error_nomem(error, r->shown);
    return start_decoder(r, codec, error);
}

/* The device does not decode any more: the processor goes on, with the next key frame. */
static int leave_hardware(struct reader *r, struct error *error)
{
    const AVCodec *codec = r->decoder->codec;

    hardware_give_up(&r->hardware);
    avcodec_free_context(&r->decoder);
    return start_decoder(r, codec, error);
}

static bool format_is(const struct reader *r, const char *name)
{
    return strncmp(r->format->iformat->name, name, strlen(name)) == 0;
}

/* What only cameras are, what has no clock of its own, and which streams need not be read. */
static void classify(struct reader *r)
{
    bool endless = r->format->duration == AV_NOPTS_VALUE || r->format->duration <= 0;
    bool bare = format_is(r, "mpjpeg") || format_is(r, "mjpeg") || format_is(r, "jpeg_pipe") ||
                format_is(r, "png_pipe");

    r->live = r->type == ADDRESS_RTSP || r->type == ADDRESS_WEBCAM || (r->type == ADDRESS_HTTP && endless);
    r->stamped = !(bare && r->live);
    r->follows = r->live && !format_is(r, "hls");
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
    result = open_format(r, options->uri, error);
    if (!result)
        result = open_decoder(r, error);
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
        return format_is(r, "hls") ? "HLS" : "HTTP";
    }
}

void reader_facts(const struct reader *r, struct reader_facts *facts)
{
    const AVCodecParameters *p = r->stream->codecpar;
    AVRational aspect = av_guess_sample_aspect_ratio(r->format, r->stream, NULL);
    AVRational rate = r->stream->avg_frame_rate.num > 0 ? r->stream->avg_frame_rate : r->stream->r_frame_rate;

    *facts = (struct reader_facts){.live = r->live,
                                   .in_pieces = r->live && format_is(r, "hls"),
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

static void note_damage(struct reader *r)
{
    if (r->damaged++ == 0)
        r->sound = r->pictures;
}

/* How many pictures the container promises; 0 when it does not say. An edited MP4 has more than it shows: its
 * index counts. */
static int64_t promised(const struct reader *r)
{
    if (format_is(r, "mov"))
        return avformat_index_get_entries_count(r->stream);
    if (format_is(r, "avi"))
        return r->stream->nb_frames - r->stream->nb_frames / 100 - 1; /* leaves room for dropped pictures */
    return 0;
}

/* A file may stop in the middle without an error of the demuxer's: compare with what its head says. */
static void check_whole(struct reader *r)
{
    bool stated =
        r->format->duration_estimation_method == AVFMT_DURATION_FROM_STREAM && r->format->duration > 0;
    int64_t end_us =
        r->heard_until_us - (r->format->start_time == AV_NOPTS_VALUE ? 0 : r->format->start_time);

    if (r->packets < promised(r))
        r->cut = true;
    else if (stated && (format_is(r, "matroska") || format_is(r, "flv")) &&
             end_us < r->format->duration - r->format->duration / 50 - AV_TIME_BASE)
        r->cut = true;
}

/* Since the last picture something came, and could not be decoded. */
static bool comes_undecodable(const struct reader *r)
{
    return r->pictures > 0 ? r->damaged > r->damaged_before : r->packets > 0;
}

static void end_with(struct reader *r, int ret)
{
    struct error *end = &r->end;

    r->ending = true;
    if (r->guard.expired && !r->guard.canceled && r->live && comes_undecodable(r)) {
        r->flushed = true;
        error_set(end, ERR_FORMAT, "%s: its pictures cannot be decoded%s", r->shown,
                  r->pictures > 0 ? " any more" : "");
        return;
    }
    if (guard_error(&r->guard, r->shown, "no picture in time", end)) {
        r->flushed = true; /* what the decoder still holds may be half a picture */
        return;
    }
    if (r->live) {
        r->flushed = true;
        if (ret == AVERROR_EOF)
            error_set(end, ERR_IO, "%s: the camera closed the connection", r->shown);
        else
            ffmpeg_error_set(end, ret, "%s: the connection failed", r->shown);
        return;
    }
    if (ret != AVERROR_EOF && r->type == ADDRESS_FILE)
        r->cut = true;
    else if (ret != AVERROR_EOF)
        ffmpeg_error_set(end, ret, "%s: reading failed", r->shown);
    else
        check_whole(r);
}

/* The reason is final only when the decoder has given what it held. */
static int ended(struct reader *r, struct error *error)
{
    struct error *end = &r->end;

    if (end->code == 0 && r->pictures == 0)
        error_set(end, ERR_FORMAT, "%s: no picture in it could be decoded", r->shown);
    else if (end->code == 0 && r->cut)
        error_set(end, ERR_FORMAT, "%s: the file is cut off after %" PRId64 " pictures", r->shown,
                  r->pictures);
    else if (end->code == 0 && r->damaged > 0)
        error_set(end, ERR_FORMAT,
                  "%s: the file is damaged: %" PRId64 " errors, the first after %" PRId64 " of %" PRId64
                  " pictures",
                  r->shown, r->damaged, r->sound, r->pictures);
    else if (end->code == 0)
        error_set(end, ERR_END, "%s: end of the video", r->shown);
    if (error)
        *error = r->end;
    return r->end.code;
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

/* The decoder looks at this with every picture. */
static void ask_for_vectors(struct reader *r)
{
    bool wanted = r->vectors_wanted && atomic_load_explicit(r->vectors_wanted, memory_order_relaxed);

    if (wanted && !r->vectors)
        r->vectors = vectors_create();
    else if (!wanted && r->vectors)
        vectors_destroy(&r->vectors);
    if (r->vectors)
        r->decoder->export_side_data |= AV_CODEC_EXPORT_DATA_MVS;
    else
        r->decoder->export_side_data &= ~AV_CODEC_EXPORT_DATA_MVS;
}

/* Whether the packet is worth decoding. */
static bool worth_decoding(struct reader *r, const AVPacket *packet, int64_t waited_ns)
{
    struct catch_up_packet look = {.stamp_ns = CATCH_UP_NONE,
                                   .arrival_ns = clock_monotonic_ns(),
                                   .waited_ns = waited_ns,
                                   .key = packet->flags & AV_PKT_FLAG_KEY};
    enum catch_up_advice advice;

    if (!r->follows)
        return true;
    if (r->stamped && packet->dts != AV_NOPTS_VALUE)
        look.stamp_ns = av_rescale_q(packet->dts, r->stream->time_base, (AVRational){1, NS_PER_S});
    advice = catch_up_look(&r->catch_up, &look);
    if (advice == CATCH_UP_RESUME)
        avcodec_flush_buffers(r->decoder);
    else if (advice == CATCH_UP_SKIP)
        guard_arm(&r->guard, r->read_timeout_ns); /* something comes */
    return advice != CATCH_UP_SKIP;
}

static void decode(struct reader *r, int64_t waited_ns)
{
    AVPacket *packet = r->packet;
    int ret;

    r->arrivals[r->packets % ARRIVALS] = clock_now();
    if (r->tap)
        r->tap->put(r->tap, packet, &r->arrivals[r->packets % ARRIVALS]);
    r->packets++;
    if (!worth_decoding(r, packet, waited_ns))
        return;
    /* A short read. MPEG-TS marks lost packets so, which the decoder conceals. */
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) && !r->live && !format_is(r, "mpegts")) {
        note_damage(r);
        return;
    }
#if LIBAVCODEC_VERSION_MAJOR >= 60
    packet->opaque = (void *)(intptr_t)r->packets;
#else
    r->decoder->reordered_opaque = r->packets;
#endif
    ask_for_vectors(r);
    ret = avcodec_send_packet(r->decoder, packet);
    hardware_note(&r->hardware, ret);
    /* What comes before the first key frame of a recording cannot be decoded and is no damage. */
    if (ret < 0 && r->pictures > 0)
        note_damage(r);
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
        end_with(r, ret);
    } else {
        hear(r, r->packet);
        if (r->packet->stream_index == r->stream->index)
            decode(r, clock_monotonic_ns() - began);
    }
    av_packet_unref(r->packet);
}

static struct instant arrival_of(const struct reader *r, const AVFrame *frame)
{
#if LIBAVCODEC_VERSION_MAJOR >= 60
    int64_t packet = (int64_t)(intptr_t)frame->opaque;
#else
    int64_t packet = frame->reordered_opaque;
#endif
    if (packet < 1 || packet > r->packets || packet <= r->packets - ARRIVALS)
        packet = r->packets;
    return r->arrivals[(packet - 1) % ARRIVALS];
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
        note_damage(r);
    r->damaged_before = r->damaged;
    *stamp_ns = stamp_of(r, frame);
    *arrival = arrival_of(r, frame);
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
            return ended(r, error);
        if (!r->ending && interrupted(&r->guard))
            end_with(r, AVERROR_EXIT);
        ret = r->end.code && r->flushed ? AVERROR_EOF : avcodec_receive_frame(r->decoder, frame);
        if (ret == 0)
            ret = hardware_fetch(&r->hardware, frame);
        if (ret == 0)
            return deliver(r, frame, stamp_ns, arrival, error);
        hardware_note(&r->hardware, ret);
        if (r->hardware.failed && r->hardware.device && !r->ending) {
            int result = leave_hardware(r, error);

            if (result)
                return result;
            continue;
        }
        if (ret == AVERROR_EOF || (r->flushed && ret == AVERROR(EAGAIN)))
            return ended(r, error);
        if (ret == AVERROR(ENOMEM))
            return error_nomem(error, r->shown);
        if (ret == AVERROR(EAGAIN))
            feed(r);
        else if (r->pictures > 0)
            note_damage(r);
    }
}
