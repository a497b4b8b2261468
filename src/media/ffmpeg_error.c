#include "media/ffmpeg_error.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <libavutil/error.h>
#include <libavutil/log.h>

static void silence(void)
{
    av_log_set_level(AV_LOG_QUIET);
}

void ffmpeg_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, silence);
}

int ffmpeg_error_code(int averror)
{
    switch (averror) {
    case AVERROR_EOF:
        return ERR_END;
    case AVERROR_EXIT:
        return ERR_CANCELED;
    case AVERROR_INVALIDDATA:
    case AVERROR_STREAM_NOT_FOUND:
    case AVERROR_BUFFER_TOO_SMALL:
        return ERR_FORMAT;
    case AVERROR_HTTP_UNAUTHORIZED:
    case AVERROR_HTTP_FORBIDDEN:
        return ERR_AUTH;
    case AVERROR_HTTP_NOT_FOUND:
    case AVERROR(ENOENT):
        return ERR_NOT_FOUND;
    case AVERROR_PATCHWELCOME:
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_PROTOCOL_NOT_FOUND:
    case AVERROR_ENCODER_NOT_FOUND:
    case AVERROR(ENOSYS):
        return ERR_UNSUPPORTED;
    case AVERROR(ENOMEM):
        return ERR_NOMEM;
    case AVERROR(ETIMEDOUT):
        return ERR_TIMEOUT;
    case AVERROR(ENOSPC):
    case AVERROR(EDQUOT):
        return ERR_FULL;
    case AVERROR(EINVAL):
        return ERR_INVALID;
    case AVERROR_BUG:
    case AVERROR_BUG2:
        return ERR_INTERNAL;
    default:
        return ERR_IO;
    }
}

int ffmpeg_error_set(struct error *error, int averror, const char *format, ...)
{
    char what[ERROR_TEXT_MAX];
    char why[AV_ERROR_MAX_STRING_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (av_strerror(averror, why, sizeof why) < 0)
        snprintf(why, sizeof why, "error %d", averror);
    return error_set(error, ffmpeg_error_code(averror), "%s: %s", what, why);
}
