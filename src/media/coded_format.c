#include "media/coded_format.h"

#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>

int coded_format_init(struct coded_format *format, const AVStream *stream)
{
    format->time_base_num = stream->time_base.num;
    format->time_base_den = stream->time_base.den;
    format->parameters = avcodec_parameters_alloc();
    if (format->parameters && avcodec_parameters_copy(format->parameters, stream->codecpar) >= 0)
        return 0;
    avcodec_parameters_free(&format->parameters);
    return ERR_NOMEM;
}

void coded_format_release(struct coded_format *format)
{
    avcodec_parameters_free(&format->parameters);
}

static bool needs_extradata(const AVCodecParameters *p)
{
    return p->extradata_size == 0 && (p->codec_id == AV_CODEC_ID_H264 || p->codec_id == AV_CODEC_ID_HEVC ||
                                      p->codec_id == AV_CODEC_ID_MPEG4);
}

static int take_extradata(AVCodecParameters *p, const AVPacket *packet)
{
    size_t size = 0;
    const uint8_t *found = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);

    if (!found || size == 0 || size > 1 << 20)
        return AVERROR_INVALIDDATA;
    p->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!p->extradata)
        return AVERROR(ENOMEM);
    memcpy(p->extradata, found, size);
    p->extradata_size = (int)size;
    return 0;
}

/* The parameter sets that stand before a key frame's picture. */
static int extract_extradata(AVCodecParameters *p, const AVPacket *key_frame)
{
    AVBSFContext *filter = NULL;
    AVPacket *packet = av_packet_clone(key_frame);
    int ret = av_bsf_alloc(av_bsf_get_by_name("extract_extradata"), &filter);

    if (ret >= 0)
        ret = avcodec_parameters_copy(filter->par_in, p);
    if (ret >= 0)
        ret = packet ? av_bsf_init(filter) : AVERROR(ENOMEM);
    if (ret >= 0)
        ret = av_bsf_send_packet(filter, packet);
    if (ret >= 0)
        ret = av_bsf_receive_packet(filter, packet);
    if (ret >= 0)
        ret = take_extradata(p, packet);
    av_packet_free(&packet);
    av_bsf_free(&filter);
    return ret;
}

static int find_size(AVCodecParameters *p, const AVPacket *key_frame)
{
    AVCodecParserContext *parser = av_parser_init((int)p->codec_id);
    AVCodecContext *context = avcodec_alloc_context3(NULL);
    uint8_t *out = NULL;
    int size = 0, ret = parser && context ? avcodec_parameters_to_context(context, p) : AVERROR_INVALIDDATA;

    if (ret >= 0) {
        parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
        av_parser_parse2(parser, context, &out, &size, key_frame->data, key_frame->size, AV_NOPTS_VALUE,
                         AV_NOPTS_VALUE, 0);
        p->width = parser->width > 0 ? parser->width : context->width;
        p->height = parser->height > 0 ? parser->height : context->height;
    }
    if (parser)
        av_parser_close(parser);
    avcodec_free_context(&context);
    return p->width > 0 && p->height > 0 ? 0 : AVERROR_INVALIDDATA;
}

int coded_format_complete(struct coded_format *format, const AVPacket *key_frame, struct error *error)
{
    AVCodecParameters *p = format->parameters;

    if (needs_extradata(p) && extract_extradata(p, key_frame) < 0)
        return error_set(error, ERR_FORMAT, "its %s video does not say how it is coded",
                         avcodec_get_name(p->codec_id));
    if ((p->width <= 0 || p->height <= 0) && find_size(p, key_frame) < 0)
        return error_set(error, ERR_FORMAT, "its %s video does not say how large it is",
                         avcodec_get_name(p->codec_id));
    return 0;
}

bool coded_format_equal(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a->codec_id == b->codec_id && a->width == b->width && a->height == b->height &&
           a->extradata_size == b->extradata_size &&
           (a->extradata_size == 0 || memcmp(a->extradata, b->extradata, (size_t)a->extradata_size) == 0);
}
