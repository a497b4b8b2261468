/* Why there is no further picture, and what of it was damaged or is missing. */
#include <inttypes.h>

#include <libavformat/avformat.h>

#include "media/ffmpeg_error.h"
#include "media/reader_internal.h"

void reader_note_damage(struct reader *r)
{
    if (r->damaged++ == 0)
        r->sound = r->pictures;
}

/* How many pictures the container promises; 0 when it does not say. An edited MP4 has more than it shows: its
 * index counts. */
static int64_t promised(const struct reader *r)
{
    if (reader_format_is(r, "mov"))
        return avformat_index_get_entries_count(r->stream);
    if (reader_format_is(r, "avi"))
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
    else if (stated && (reader_format_is(r, "matroska") || reader_format_is(r, "flv")) &&
             end_us < r->format->duration - r->format->duration / 50 - AV_TIME_BASE)
        r->cut = true;
}

/* Since the last picture something came, and could not be decoded. */
static bool comes_undecodable(const struct reader *r)
{
    return r->pictures > 0 ? r->damaged > r->damaged_before : r->packets > 0;
}

void reader_end_with(struct reader *r, int ret)
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

int reader_ended(struct reader *r, struct error *error)
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
