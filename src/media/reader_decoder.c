/* From a packet to the decoder: which are worth decoding, when each came, and which decoder it is. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "media/ffmpeg_error.h"
#include "media/frame_upright.h"
#include "media/reader_internal.h"
#include "media/tap.h"
#include "media/vectors.h"

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
    av_dict_set(&how, "max_pixels", READER_PIXELS_MAX, 0);
    if (ret >= 0)
        ret = avcodec_open2(r->decoder, codec, &how);
    av_dict_free(&how);
    return ret < 0 ? ffmpeg_error_set(error, ret, "%s: its %s video cannot be decoded", r->shown, codec->name)
                   : 0;
}

int reader_open_decoder(struct reader *r, struct error *error)
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

int reader_leave_hardware(struct reader *r, struct error *error)
{
    const AVCodec *codec = r->decoder->codec;

    hardware_give_up(&r->hardware);
    avcodec_free_context(&r->decoder);
    return start_decoder(r, codec, error);
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

void reader_decode(struct reader *r, int64_t waited_ns)
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
    if ((packet->flags & AV_PKT_FLAG_CORRUPT) && !r->live && !reader_format_is(r, "mpegts")) {
        reader_note_damage(r);
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
        reader_note_damage(r);
}

struct instant reader_arrival_of(const struct reader *r, const AVFrame *frame)
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
