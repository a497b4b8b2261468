/*
 * Boxes that somebody else found, as JSON lines: a file, played like a video, or a named pipe, read as it
 * comes.
 *
 * A line that does not fit is refused, counted and said (source_options.on_note), and the next one is read;
 * only a file read as fast as possible (sci analyze) ends at it, so that a result is never silently
 * incomplete.
 *
 * A pipe's line has the capture time that it says, unless it says none or is not believed (clock=arrival):
 * then it was captured when it arrived. A line older than `max_age` is a backlog, or a clock that is wrong;
 * nobody can tell, so it is skipped and said, never told as live.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "core/observation.h"
#include "media/address.h"
#include "media/detection_line.h"
#include "media/line_reader.h"
#include "media/pace.h"
#include "media/source.h"
#include "media/stream_time.h"

#define AHEAD_NS NS_PER_S            /* clocks differ by so much without a word */
#define DURATION_NS (40 * NS_PER_MS) /* of a frame whose file says nothing, over the end of a loop */

struct source {
    struct object_uri uri;
    struct source_options options; /* its uri is not used */
    char shown[ADDRESS_SHOWN];
    int fd;
    bool pipe;
    struct line_reader lines;
    struct stream_time time;
    struct pace pace;
    int64_t number, pass_began; /* observations so far, and when this pass over the file began */
    int width, height;
    bool stamped;          /* last_stamp_ns is one */
    int64_t last_stamp_ns; /* of the last line that was used */
};

static bool accepts(const char *uri)
{
    return object_uri_source(uri) == OBJECT_DETECTIONS;
}

static void source_close(struct source **source)
{
    struct source *s = *source;
    *source = NULL;
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    line_reader_free(&s->lines);
    free(s);
}

static int open_file(struct source *s, struct error *error)
{
    struct stat st;
    s->fd = open(s->uri.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) != 0)
        return error_set_errno(error, errno, "%s", s->shown);
    if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
        return error_set(error, ERR_INVALID, "%s: neither a file nor a named pipe", s->shown);
    s->pipe = S_ISFIFO(st.st_mode);
    int result =
        line_reader_init(&s->lines, s->fd, s->pipe, DETECTION_LINE_BYTES_MAX, s->options.cancel, error);
    s->lines.patient = s->options.cancel != NULL; /* nobody else could end the waiting */
    return result;
}

static int source_open(const struct source_options *options, struct source **source, struct error *error)
{
    *source = NULL;
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(error, "a source of detections");
    s->fd = -1;
    s->options = *options;
    s->options.uri = NULL;
    address_shown(options->uri, s->shown);
    int result = object_uri_parse(options->uri, &s->uri, error);
    if (result == 0)
        result = open_file(s, error);
    s->time.live = s->pipe;
    s->time.rate = s->pipe ? 0 : options->frame_rate;
    s->time.duration_ns = DURATION_NS;
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

/* ---- a line ---- */

static int check_order(const struct source *s, const struct detection_line *line, struct error *error)
{
    int64_t back = s->last_stamp_ns - line->time_ns;
    if (line->has == LINE_HAS_NO_TIME || !s->stamped || back < 0)
        return 0;
    if (s->pipe && back >= NS_PER_S) /* its clock was set, or it began again */
        return 0;
    return error_set(error, ERR_INVALID, "%s: not after the line before",
                     line->has == LINE_HAS_WALL_TIME ? "time" : "time_s");
}

static int check_line(const struct source *s, const struct detection_line *line, struct error *error)
{
    int width = line->width ? line->width : s->width, height = line->height ? line->height : s->height;
    if (width == 0)
        return error_set(error, ERR_INVALID, "width: missing: the first line says the size of the pictures");
    if (!s->pipe && line->has == LINE_HAS_NO_TIME && !(s->time.rate > 0))
        return error_set(error, ERR_INVALID, "time_s: missing: give it, or time, or set frame_rate");
    for (size_t i = 0; i < line->count; i++) {
        struct box b = line->detections[i].box;
        if (b.x >= (float)width || b.y >= (float)height || b.x + b.w <= 0 || b.y + b.h <= 0)
            return error_set(error, ERR_INVALID, "detections[%zu]: outside the picture of %dx%d", i, width,
                             height);
    }
    return check_order(s, line, error);
}

/* When a pipe's line was captured. False: it is too old to be told. */
static bool capture_live(const struct source *s, const struct detection_line *line, struct instant now,
                         struct instant *capture)
{
    char text[160];
    *capture = now;
    if (line->has != LINE_HAS_WALL_TIME || s->uri.arrival_clock)
        return true;
    int64_t age = now.wall_ns - line->time_ns;
    if (age > s->uri.max_age_ns) {
        text_format(text, sizeof text,
                    "line %lld is %.1f s old: a backlog, or the writer's clock is behind (clock=arrival)",
                    (long long)s->lines.line, (double)age / 1e9);
        note(s, SOURCE_SKIPPED, text);
        return false;
    }
    if (age < -AHEAD_NS) {
        text_format(text, sizeof text, "the writer's clock is %.1f s ahead: the arrival counts",
                    (double)-age / 1e9);
        note(s, SOURCE_REMARK, text);
    }
    if (age > 0) {
        capture->wall_ns -= age;
        capture->mono_ns -= age;
    }
    return true;
}

static int64_t stamp_of(const struct detection_line *line)
{
    return line->has == LINE_HAS_NO_TIME ? STREAM_TIME_NONE : line->time_ns;
}

/* 0 and an observation; 1: the line is skipped. Takes the line's detections over. */
static int use_line(struct source *s, struct detection_line *line, struct observation *o, struct error *error)
{
    struct instant capture = clock_now();
    if (s->pipe && !capture_live(s, line, capture, &capture)) {
        free(line->detections);
        return 1;
    }
    int64_t stream_ns = stream_time_next(&s->time, stamp_of(line), clock_monotonic_ns());
    s->stamped = line->has != LINE_HAS_NO_TIME;
    s->last_stamp_ns = line->time_ns;
    s->width = line->width ? line->width : s->width;
    s->height = line->height ? line->height : s->height;
    if (!s->pipe && s->options.paced && pace_wait(&s->pace, stream_ns, s->options.cancel, &capture) != 0) {
        free(line->detections);
        return error_set(error, ERR_CANCELED, "%s: interrupted", s->shown);
    }
    *o = (struct observation){.kind = OBSERVATION_DETECTIONS,
                              .capture = capture,
                              .stream_ns = stream_ns,
                              .number = ++s->number,
                              .width = s->width,
                              .height = s->height,
                              .detection_count = line->count,
                              .detections = line->detections};
    return 0;
}

static bool is_blank(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\r", text[i]) || text[i] == '\0')
            return false;
    return true;
}

/* As use_line; ERR_FORMAT or ERR_INVALID for a line that has to be refused. */
static int try_line(struct source *s, const char *text, size_t size, struct observation *o,
                    struct error *error)
{
    struct detection_line line;
    if (is_blank(text, size))
        return 1;
    int result = detection_line_parse(text, size, &s->uri, &line, error);
    if (result < 0)
        return result;
    result = check_line(s, &line, error);
    if (result < 0) {
        free(line.detections);
        return result;
    }
    return use_line(s, &line, o, error);
}

/* 1: refused, go on. */
static int refuse(struct source *s, struct error *error)
{
    error_prefix(error, "line %lld", (long long)s->lines.line);
    if (!s->pipe && !s->options.paced) {
        error_prefix(error, "%s", s->shown);
        return error->code;
    }
    note(s, SOURCE_REFUSED, error->text);
    return 1;
}

/* The end of a file: 1 when it begins again. */
static int at_end(struct source *s, struct error *error)
{
    if (s->number == s->pass_began)
        return error_set(error, ERR_FORMAT, "%s: there is no line that can be used", s->shown);
    if (!s->options.loop)
        return error_set(error, ERR_END, "%s: end of the file", s->shown);
    if (lseek(s->fd, 0, SEEK_SET) != 0)
        return error_set_errno(error, errno, "%s", s->shown);
    line_reader_restart(&s->lines);
    stream_time_restart(&s->time);
    s->pass_began = s->number;
    s->stamped = false;
    return 1;
}

static int source_read(struct source *s, struct observation *observation, struct error *error)
{
    memset(observation, 0, sizeof *observation);
    int64_t deadline_ns =
        s->options.read_timeout_ns > 0 ? clock_monotonic_ns() + s->options.read_timeout_ns : INT64_MAX;
    int result = 1;
    while (result == 1) {
        const char *text;
        size_t size;
        if (s->options.cancel && atomic_load(s->options.cancel))
            return error_set(error, ERR_CANCELED, "%s: interrupted", s->shown);
        result = line_reader_next(&s->lines, deadline_ns, &text, &size, error);
        if (result == 0)
            result = try_line(s, text, size, observation, error);
        if (result == ERR_FORMAT || result == ERR_INVALID || result == ERR_FULL)
            result = refuse(s, error);
        else if (result == ERR_END)
            result = at_end(s, error);
        else if (result < 0)
            error_prefix(error, "%s", s->shown);
    }
    return result;
}

static void source_info(const struct source *s, struct source_info *info)
{
    *info = (struct source_info){.width = s->width,
                                 .height = s->height,
                                 .frame_rate = s->time.rate,
                                 .live = s->pipe,
                                 .gives = OBSERVATION_DETECTIONS,
                                 .description = s->pipe ? "detections, JSON lines from a pipe"
                                                        : "detections, JSON lines from a file"};
}

const struct source_kind source_kind_detections = {.name = "detections",
                                                   .accepts = accepts,
                                                   .open = source_open,
                                                   .read = source_read,
                                                   .info = source_info,
                                                   .close = source_close};
