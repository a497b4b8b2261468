/* What FFmpeg may open for an address and how, and why it could not. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <libavformat/avformat.h>

#include "media/ffmpeg_error.h"
#include "media/reader_internal.h"
#include "media/webcam.h"

/* Containers that hold their own bytes and lead nowhere else; play lists and text are not among them. */
#define FILE_FORMATS                                                                                         \
    "mov,avi,matroska,mpegts,mpeg,mpegvideo,flv,asf,ogg,mxf,ivf,h264,hevc,m4v,mjpeg,av1,obu,yuv4mpegpipe,"   \
    "dv,h263,h261,vc1,rm,nut,gif"
#define HTTP_FORMATS FILE_FORMATS ",hls,mpjpeg,aac,mp3,ac3,webvtt"

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
        av_dict_set(&limits[i], "max_pixels", READER_PIXELS_MAX, 0);
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

int reader_open_format(struct reader *r, const char *uri, struct error *error)
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
    r->format->interrupt_callback = (AVIOInterruptCB){guard_interrupted, &r->guard};
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

bool reader_format_is(const struct reader *r, const char *name)
{
    return strncmp(r->format->iformat->name, name, strlen(name)) == 0;
}
