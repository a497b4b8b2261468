/*
 * An NVIDIA DeepStream application's objects, from a Redis stream.
 *
 * How old a message is, Redis tells (bus/redis_stream.h): what is older than `max_age` when it is read is a
 * backlog, skipped and said. The application's own time stamp is the capture time, unless it is ahead of
 * Redis or more than CLOCK_TOLERANCE behind: then its clock is off, which is said, and the arrival counts.
 *
 * Silence: in the full schema a frame without objects sends nothing, and a dead application neither. So
 * silence is no empty frame: the camera stalls and its measures are not valid. `empty_for` says for how long
 * it may be taken for an empty place instead, while Redis answers; empty frames are then made at half the
 * usual rate.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/uri.h"
#include "bus/redis_stream.h"
#include "core/object_uri.h"
#include "media/deepstream_frame.h"
#include "media/source.h"
#include "media/stream_time.h"
#include "service/sources.h"

#define LOOK_NS (100 * NS_PER_MS)  /* how often the cancel flag is looked at */
#define GATHER_NS (40 * NS_PER_MS) /* a frame is whole when nothing was added for so long */
#define AHEAD_NS NS_PER_S          /* clocks differ by so much without a word */
#define CLOCK_TOLERANCE_NS (5 * NS_PER_S)
#define DURATION_NS (100 * NS_PER_MS) /* between frames, until it is known */
#define QUIET_LEAST_NS (200 * NS_PER_MS)
#define PAUSE_NS NS_PER_S

struct source {
    struct object_uri uri;
    struct source_options options; /* its uri is not used */
    bool sensor_given;
    struct redis_stream *redis;
    const struct redis_entry *entries;
    size_t count, next;
    int64_t fetched_ns;                /* monotonic: when entries were asked for last */
    struct deepstream_message message; /* parsed, waits for the frame before it to be given */
    struct instant arrival;
    bool waiting;
    struct deepstream_frame *frame;
    struct stream_time time;
    int64_t number;
    bool stamped;
    int64_t last_stamp_ns;               /* of the last frame that was given */
    int64_t interval_ns;                 /* usual, between frames */
    int64_t last_real_ns, last_given_ns; /* monotonic; 0 = none */
};

static bool accepts(const char *uri)
{
    return object_uri_source(uri) == OBJECT_DEEPSTREAM;
}

static void source_close(struct source **source)
{
    struct source *s = *source;
    *source = NULL;
    if (!s)
        return;
    redis_stream_close(&s->redis);
    free(s->message.detections);
    free(s->frame);
    free(s);
}

static int connect_to(struct source *s, struct error *error)
{
    struct redis_stream_options options = {.host = s->uri.host,
                                           .port = s->uri.port,
                                           .user = s->uri.user,
                                           .password = s->uri.password,
                                           .key = s->uri.path,
                                           .field = s->uri.field,
                                           .timeout_ns = s->options.open_timeout_ns,
                                           .age_ns = s->uri.max_age_ns};
    return redis_stream_open(&options, &s->redis, error);
}

static int source_open(const struct source_options *options, struct source **source, struct error *error)
{
    *source = NULL;
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(error, "a DeepStream source");
    s->options = *options;
    s->options.uri = NULL;
    s->time = (struct stream_time){.live = true, .duration_ns = DURATION_NS};
    s->interval_ns = DURATION_NS;
    s->frame = calloc(1, sizeof *s->frame);
    int result = s->frame ? object_uri_parse(options->uri, &s->uri, error) : error_nomem(error, "a frame");
    s->sensor_given = s->uri.sensor[0] != '\0';
    if (result == 0)
        result = connect_to(s, error);
    if (result < 0)
        source_close(&s);
    *source = s;
    return result;
}

static void note(const struct source *s, enum source_note kind, const char *text)
{
    if (s->options.on_note)
        s->options.on_note(s->options.note_user, kind, text);
}

/* ---- messages ---- */

/* A stream may hold many sensors: what cannot be this one's is not parsed. */
static bool may_be_ours(const struct source *s, const struct redis_entry *entry)
{
    size_t plain =
        strspn(s->uri.sensor, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:@ ");
    return s->uri.sensor[plain] != '\0' || memmem(entry->bytes, entry->size, s->uri.sensor, plain) != NULL;
}

static int check_message(const struct source *s, const struct deepstream_message *m, struct error *error)
{
    for (size_t i = 0; i < m->count; i++) {
        struct box b = m->detections[i].box;
        if (b.x >= (float)s->uri.width || b.y >= (float)s->uri.height || b.x + b.w <= 0 || b.y + b.h <= 0)
            return error_set(error, ERR_INVALID, "%s: a box at %g, %g is outside the picture of %dx%d (size)",
                             m->full ? "object.bbox" : "objects", (double)b.x, (double)b.y, s->uri.width,
                             s->uri.height);
    }
    return 0;
}

static void say_other_sensor(struct source *s)
{
    char text[OBJECT_TEXT_MAX + 100];
    if (s->sensor_given)
        return;
    text_format(text, sizeof text, "the stream has messages of sensor %.100s as well: say which with sensor=",
                s->message.sensor);
    note(s, SOURCE_REMARK, text);
}

/* Parses the entry into s->message, or refuses it. */
static void take_message(struct source *s, const struct redis_entry *entry)
{
    struct error error = {0};
    int result = entry->bytes
                     ? deepstream_message_parse(entry->bytes, entry->size, &s->uri, &s->message, &error)
                     : error_set(&error, ERR_FORMAT, "the entry has no field '%s'", s->uri.field);
    if (result == 0)
        result = check_message(s, &s->message, &error);
    if (result == 0) {
        s->waiting = true;
        s->arrival = entry->arrival;
        text_copy(s->uri.sensor, sizeof s->uri.sensor, s->message.sensor);
        return;
    }
    if (result < 0)
        note(s, SOURCE_REFUSED, error.text);
    else
        say_other_sensor(s);
    free(s->message.detections);
    s->message.detections = NULL;
}

static void take_entry(struct source *s)
{
    char text[200];
    const struct redis_entry *entry = &s->entries[s->next++];
    int64_t age = clock_monotonic_ns() - entry->arrival.mono_ns;
    if (entry->bytes && !may_be_ours(s, entry))
        return;
    if (age <= s->uri.max_age_ns) {
        take_message(s, entry);
        return;
    }
    text_format(text, sizeof text, "a message waited in Redis for %.1f s before it was read",
                (double)age / 1e9);
    note(s, SOURCE_SKIPPED, text);
}

/* ---- frames ---- */

static struct instant capture_of(const struct source *s)
{
    char text[200];
    struct instant capture = s->frame->arrival;
    int64_t behind = capture.wall_ns - s->frame->time_ns;
    if (behind < -AHEAD_NS || behind > CLOCK_TOLERANCE_NS) {
        text_format(text, sizeof text,
                    "time stamps are %.1f s %s Redis: that clock is off, the arrival counts",
                    fabs((double)behind) / 1e9, behind < 0 ? "ahead of" : "behind");
        note(s, SOURCE_REMARK, text);
    } else if (behind > 0) {
        capture.wall_ns -= behind;
        capture.mono_ns -= behind;
    }
    return capture;
}

static void learn_interval(struct source *s)
{
    int64_t step = s->frame->time_ns - s->last_stamp_ns;
    if (s->stamped && step > 0 && step < 2 * NS_PER_S)
        s->interval_ns += (step - s->interval_ns) / 8;
}

static int give(struct source *s, int64_t stamp_ns, struct instant capture, struct observation *o,
                struct error *error)
{
    size_t count = s->frame->count;
    *o = (struct observation){.kind = OBSERVATION_DETECTIONS,
                              .capture = capture,
                              .width = s->uri.width,
                              .height = s->uri.height,
                              .detection_count = count};
    o->detections = calloc(count + 1, sizeof *o->detections);
    if (!o->detections)
        return error_nomem(error, "detections");
    if (count > 0)
        memcpy(o->detections, s->frame->detections, count * sizeof *o->detections);
    s->last_given_ns = clock_monotonic_ns();
    o->stream_ns = stream_time_next(&s->time, stamp_ns, s->last_given_ns);
    o->number = ++s->number;
    return 0;
}

static int give_frame(struct source *s, struct observation *o, struct error *error)
{
    learn_interval(s);
    s->stamped = true;
    s->last_stamp_ns = s->frame->latest_ns;
    int result = give(s, s->frame->time_ns, capture_of(s), o, error);
    s->last_real_ns = s->last_given_ns;
    deepstream_frame_clear(s->frame);
    return result;
}

static bool is_empty_by_silence(const struct source *s, int64_t now_ns)
{
    int64_t quiet = 2 * s->interval_ns > QUIET_LEAST_NS ? 2 * s->interval_ns : QUIET_LEAST_NS;
    return s->last_real_ns != 0 && now_ns - s->last_real_ns <= s->uri.empty_for_ns &&
           now_ns - s->last_given_ns >= quiet;
}

/* A straggler of a frame that was given, or a message out of order. A jump back of a second or more is a
 * clock that was set. */
static bool is_late(const struct source *s, const struct deepstream_message *m)
{
    int64_t back = s->last_stamp_ns - m->time_ns;
    return s->stamped && back < NS_PER_S && back >= (m->full ? -DEEPSTREAM_TOGETHER_NS : 0);
}

/* The message goes into the frame, unless another frame has to be given first: then it waits. */
static void use_message(struct source *s)
{
    if (!s->waiting || (s->frame->open && !deepstream_frame_takes(s->frame, &s->message)))
        return;
    if (is_late(s, &s->message))
        note(s, SOURCE_REFUSED, "@timestamp: not after the frame before");
    else
        deepstream_frame_add(s->frame, &s->message, s->arrival, clock_monotonic_ns());
    free(s->message.detections);
    s->message.detections = NULL;
    s->waiting = false;
}

static bool frame_is_whole(const struct source *s, int64_t now_ns)
{
    return s->frame->open && (s->frame->whole || s->waiting ||
                              (s->next == s->count && now_ns - s->frame->last_ns >= GATHER_NS));
}

/* More entries. After a pause of our own the stream may have been trimmed beyond what was read. */
static int fetch(struct source *s, int64_t now_ns, struct error *error)
{
    bool paused = s->fetched_ns != 0 && now_ns - s->fetched_ns > PAUSE_NS;
    s->fetched_ns = now_ns;
    if (paused && redis_stream_was_trimmed(s->redis))
        note(s, SOURCE_SKIPPED, "the stream was trimmed while nobody read it here: messages are lost");
    s->next = 0;
    return redis_stream_read(s->redis, s->frame->open ? GATHER_NS / 2 : LOOK_NS, &s->entries, &s->count,
                             error);
}

static int source_read(struct source *s, struct observation *o, struct error *error)
{
    int64_t begun = clock_monotonic_ns();
    memset(o, 0, sizeof *o);
    for (;;) {
        int64_t now = clock_monotonic_ns();
        if (s->options.cancel && atomic_load(s->options.cancel))
            return error_set(error, ERR_CANCELED, "interrupted");
        if (!s->options.cancel && s->options.read_timeout_ns > 0 && now - begun > s->options.read_timeout_ns)
            return error_set(error, ERR_TIMEOUT, "no message of sensor %s in time",
                             s->uri.sensor[0] ? s->uri.sensor : "(any)");
        use_message(s);
        if (frame_is_whole(s, now))
            return give_frame(s, o, error);
        if (s->next < s->count) {
            take_entry(s);
            continue;
        }
        if (!s->frame->open && is_empty_by_silence(s, now))
            return give(s, STREAM_TIME_NONE, clock_now(), o, error);
        int result = fetch(s, now, error);
        if (result < 0)
            return result;
    }
}

static void source_info(const struct source *s, struct source_info *info)
{
    *info = (struct source_info){.width = s->uri.width,
                                 .height = s->uri.height,
                                 .live = true,
                                 .gives = OBSERVATION_DETECTIONS,
                                 .description = "objects of NVIDIA DeepStream, from Redis"};
}

const struct source_kind source_kind_deepstream = {.name = "deepstream",
                                                   .accepts = accepts,
                                                   .open = source_open,
                                                   .read = source_read,
                                                   .info = source_info,
                                                   .close = source_close};

const struct source_kind *service_source_kind(const char *uri, struct error *error)
{
    return accepts(uri) ? &source_kind_deepstream : source_kind_for(uri, error);
}
