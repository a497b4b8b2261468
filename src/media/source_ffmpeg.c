/*
 * Video files, RTSP and HTTP as a source. The reader decodes; this file gives each picture its times, waits
 * until a paced one is due, starts a looped file again, and keeps the number of pictures that are out within
 * its limit.
 *
 * Pacing: a picture is due at (instant of the first picture) + (its stream time), so errors do not add up. A
 * consumer that is late gets the overdue pictures at once and with the times at which they were due; the
 * schedule stays. Only a standstill of more than a minute (a machine that slept) starts the schedule anew.
 *
 * A camera's picture is taken for captured as much before its arrival as it is late (stamp_clock.h); one of
 * HLS when it is due, since seconds of it arrive at once and are played at the speed of life.
 *
 * When `picture_limit` pictures are out, a camera or a paced file drops what it decodes (the newest picture
 * counts, and a camera does not wait; `number` goes on, so that the gap can be seen); a file as fast as
 * possible waits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/frame.h>

#include "base/text.h"
#include "core/observation.h"
#include "media/address.h"
#include "media/frame_picture.h"
#include "media/pace.h"
#include "media/reader.h"
#include "media/slots.h"
#include "media/source.h"
#include "media/stream_time.h"

enum { PICTURES_OUT = 8, DESCRIPTION_SIZE = 96 };

struct source {
    char *uri;
    char shown[ADDRESS_SHOWN];
    struct source_options options; /* its uri is the one above */
    struct reader *reader;
    struct reader_facts facts;
    char description[DESCRIPTION_SIZE];
    bool decoder_told;
    AVFrame *frame;
    struct slots *slots;
    struct stream_time time;
    struct pace pace;
    int64_t number, pass_began; /* pictures so far, and when this pass over the file began */
    int width, height;
    int64_t skipped_told; /* of those that were not decoded */
    int64_t captured_ns;  /* monotonic: the last picture's capture */
};

static bool accepts(const char *uri)
{
    return address_type(uri) != ADDRESS_OTHER;
}

static int open_reader(struct source *s, struct error *error)
{
    struct reader_options options = {.uri = s->uri,
                                     .cancel = s->options.cancel,
                                     .open_timeout_ns = s->options.open_timeout_ns,
                                     .read_timeout_ns = s->options.read_timeout_ns,
                                     .decoder = s->options.decoder,
                                     .loop_filter = s->options.loop_filter,
                                     .vectors = s->options.vectors};

    /* A local file answers or fails; how long its next picture takes is the decoder's affair. */
    if (address_type(s->uri) == ADDRESS_FILE)
        options.read_timeout_ns = 0;
    /* What comes as fast as possible has no place in the time of a recording. */
    if (s->options.paced || address_type(s->uri) != ADDRESS_FILE)
        options.tap = s->options.tap;
    return reader_open(&options, &s->reader, error);
}

static void learn(struct source *s)
{
    char size[32] = "";
    const char *why, *decoder = reader_decoder(s->reader, &why);

    reader_facts(s->reader, &s->facts);
    s->width = s->facts.width, s->height = s->facts.height;
    s->time.live = s->facts.live && !s->facts.in_pieces;
    s->time.rate = s->facts.live ? 0 : s->options.frame_rate;
    s->time.duration_ns =
        (int64_t)((double)NS_PER_S / (s->facts.frame_rate > 0 ? s->facts.frame_rate : 25.0));
    if (s->time.duration_ns < 1)
        s->time.duration_ns = 1;
    if (s->width > 0)
        snprintf(size, sizeof size, " %dx%d", s->width, s->height);
    text_format(s->description, sizeof s->description, "%s%s, %s%s%s", s->facts.codec, size,
                s->facts.transport, strcmp(decoder, "CPU") != 0 ? ", decoded by " : "",
                strcmp(decoder, "CPU") != 0 ? decoder : "");
}

static void source_close(struct source **source)
{
    struct source *s = *source;

    *source = NULL;
    if (!s)
        return;
    reader_close(&s->reader);
    av_frame_free(&s->frame);
    slots_release(&s->slots);
    free(s->uri);
    free(s);
}

static int source_open(const struct source_options *options, struct source **source, struct error *error)
{
    struct source *s = calloc(1, sizeof *s);
    int result;

    *source = NULL;
    if (!s)
        return error_nomem(error, "a video source");
    s->options = *options;
    s->options.uri = s->uri = text_duplicate(options->uri);
    address_shown(options->uri, s->shown);
    s->frame = av_frame_alloc();
    s->slots = slots_create(options->picture_limit ? options->picture_limit : PICTURES_OUT);
    if (!s->uri || !s->frame || !s->slots)
        result = error_nomem(error, "a video source");
    else
        result = open_reader(s, error);
    if (result) {
        source_close(&s);
        return result;
    }
    learn(s);
    *source = s;
    return 0;
}

/* Opened anew for every pass: each is the same, whatever can or cannot be sought in. */
static int start_again(struct source *s, struct error *error)
{
    int result;

    reader_close(&s->reader);
    result = open_reader(s, error);
    if (result)
        return result;
    stream_time_restart(&s->time);
    s->pass_began = s->number;
    return 0;
}

/* The next frame, over the end of a looped file. */
static int next_frame(struct source *s, int64_t *stamp_ns, struct instant *arrival, struct error *error)
{
    for (;;) {
        int result = s->reader ? reader_next(s->reader, s->frame, stamp_ns, arrival, error) : ERR_END;

        if (result != ERR_END || !s->options.loop || s->facts.live ||
            (s->reader && s->number == s->pass_began))
            return result;
        result = start_again(s, error);
        if (result)
            return result;
    }
}

/* A device that does not decode is told once per opening; the pictures go on. */
static void tell_decoder(struct source *s)
{
    const char *why, *name = reader_decoder(s->reader, &why);
    char text[256];

    if (s->decoder_told || !why[0])
        return;
    s->decoder_told = true;
    text_format(text, sizeof text, "decoded by the %s: %s", name, why);
    if (s->options.on_note)
        s->options.on_note(s->options.note_user, SOURCE_REMARK, text);
}

/* Said once per time that it fell behind. */
static void tell_skipped(struct source *s)
{
    int64_t damaged, skipped;
    char text[128];

    reader_losses(s->reader, &damaged, &skipped);
    if (skipped == s->skipped_told)
        return;
    text_format(text, sizeof text, "the processor had fallen behind; pictures not decoded: %lld",
                (long long)(skipped - s->skipped_told));
    s->skipped_told = skipped;
    if (s->options.on_note)
        s->options.on_note(s->options.note_user, SOURCE_REMARK, text);
}

static int give(struct source *s, struct observation *observation, int64_t stream_ns, struct instant capture,
                struct error *error)
{
    struct motion_sum *motion = reader_motion(s->reader);
    struct picture *picture = frame_picture_wrap(s->frame, s->slots, motion);

    tell_decoder(s);
    tell_skipped(s);
    if (!picture) {
        free(motion);
        slots_give_back(s->slots);
        return error_nomem(error, s->shown);
    }
    picture->capture = capture;
    picture->stream_ns = stream_ns;
    picture->number = s->number;
    *observation = (struct observation){.kind = OBSERVATION_PICTURE,
                                        .picture = picture,
                                        .capture = capture,
                                        .stream_ns = stream_ns,
                                        .number = s->number,
                                        .width = picture->width,
                                        .height = picture->height};
    s->width = picture->width, s->height = picture->height;
    return 0;
}

/* When the picture was taken, as far as can be known; waits until it is due where it has to be paced. */
static int time_capture(struct source *s, int64_t stream_ns, struct instant *capture)
{
    int64_t late_ns = s->time.late_ns;

    if (s->facts.in_pieces)
        return pace_follow(&s->pace, stream_ns, s->options.cancel, capture);
    if (s->options.paced && !s->facts.live)
        return pace_wait(&s->pace, stream_ns, s->options.cancel, capture);
    if (late_ns > capture->mono_ns - s->captured_ns)
        late_ns = capture->mono_ns - s->captured_ns; /* never before the last one */
    if (late_ns > 0) {
        capture->mono_ns -= late_ns;
        capture->wall_ns -= late_ns;
    }
    s->captured_ns = capture->mono_ns;
    return 0;
}

static int source_read(struct source *s, struct observation *observation, struct error *error)
{
    bool newest_counts = s->options.paced || s->facts.live;
    int64_t deadline_ns =
        s->options.read_timeout_ns > 0 ? clock_monotonic_ns() + s->options.read_timeout_ns : INT64_MAX;

    memset(observation, 0, sizeof *observation);
    for (;;) {
        int64_t stamp_ns = STREAM_TIME_NONE, stream_ns;
        struct instant capture;
        int result = next_frame(s, &stamp_ns, &capture, error);

        if (result)
            return result;
        stream_ns = stream_time_next(&s->time, stamp_ns, capture.mono_ns);
        s->number++;
        if (time_capture(s, stream_ns, &capture) != 0)
            return error_set(error, ERR_CANCELED, "%s: interrupted", s->shown);
        result = slots_admit(s->slots, newest_counts, deadline_ns, s->options.cancel, s->shown, error);
        if (result < 0)
            return result;
        if (result == 0)
            return give(s, observation, stream_ns, capture, error);
    }
}

static void source_info(const struct source *s, struct source_info *info)
{
    struct source_faults faults = s->time.faults;

    if (s->reader)
        reader_losses(s->reader, &faults.damaged, &faults.skipped);
    *info = (struct source_info){.width = s->width,
                                 .height = s->height,
                                 .frame_rate = s->time.rate > 0 ? s->time.rate : s->facts.frame_rate,
                                 .frame_count = s->facts.frame_count,
                                 .live = s->facts.live,
                                 .late_s = (double)s->time.late_ns / (double)NS_PER_S,
                                 .faults = faults,
                                 .description = s->description};
}

const struct source_kind source_kind_ffmpeg = {.name = "video",
                                               .accepts = accepts,
                                               .open = source_open,
                                               .read = source_read,
                                               .info = source_info,
                                               .close = source_close};
