/*
 * Recorded positions of people as a source: played at their rate like a video, with the identities they came
 * with.
 *
 * Stream time is (frame - first frame) / rate, so a file that lists every tenth frame is told right. A frame
 * in which nobody is has no row: where frames are missing that the file's own step makes expect, an empty one
 * is given. In each pass over a looped file everybody is somebody new.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/text.h"
#include "core/object_uri.h"
#include "core/observation.h"
#include "core/trajectory.h"
#include "media/address.h"
#include "media/pace.h"
#include "media/source.h"

enum { FILE_BYTES_MAX = 256 << 20, FRAMES_MAX = 10000000 };
#define ID_MOST (INT64_C(1) << 40) /* so that many passes stay below 2^53 */

struct source {
    struct object_uri uri;
    struct source_options options; /* its uri is not used */
    char shown[ADDRESS_SHOWN], description[96];
    struct trajectories people;
    double rate;
    int64_t step;          /* from one frame of the file to the next */
    int64_t first, last;   /* frames */
    int64_t least_id, ids; /* ids are least_id to least_id + ids - 1 */
    int64_t frame;         /* to be given next */
    size_t next;           /* index of the file's frame at or after it */
    int64_t pass, pass_ns; /* and the stream time at which it began */
    int64_t number;
    struct pace pace;
};

static bool accepts(const char *uri)
{
    return object_uri_source(uri) == OBJECT_TRAJECTORIES;
}

static void source_close(struct source **source)
{
    struct source *s = *source;
    *source = NULL;
    if (!s)
        return;
    trajectories_free(&s->people);
    free(s);
}

static int64_t frame_at(const struct source *s, size_t index)
{
    return s->people.frame[s->people.frame_start[index]];
}

static int compare_steps(const void *a, const void *b)
{
    const int64_t p = *(const int64_t *)a, q = *(const int64_t *)b;
    return p < q ? -1 : p > q;
}

/* The usual one: the median of all steps. */
static int find_step(struct source *s, struct error *error)
{
    size_t count = s->people.frame_count - 1;
    s->step = 1;
    if (count == 0)
        return 0;
    int64_t *steps = calloc(count, sizeof *steps);
    if (!steps)
        return error_nomem(error, s->shown);
    for (size_t i = 0; i < count; i++)
        steps[i] = frame_at(s, i + 1) - frame_at(s, i);
    qsort(steps, count, sizeof *steps, compare_steps);
    s->step = steps[count / 2];
    free(steps);
    return 0;
}

static int find_frames(struct source *s, struct error *error)
{
    s->first = frame_at(s, 0);
    s->last = frame_at(s, s->people.frame_count - 1);
    int result = find_step(s, error);
    if (result == 0 && (s->last - s->first) / s->step >= FRAMES_MAX)
        result =
            error_set(error, ERR_INVALID, "frame: from %lld to %lld in steps of %lld are more than %d frames",
                      (long long)s->first, (long long)s->last, (long long)s->step, FRAMES_MAX);
    s->frame = s->first;
    return result;
}

static int find_ids(struct source *s, struct error *error)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (size_t i = 0; i < s->people.count; i++) {
        least = s->people.id[i] < least ? s->people.id[i] : least;
        most = s->people.id[i] > most ? s->people.id[i] : most;
    }
    s->least_id = least;
    s->ids = most - least + 1;
    return s->ids <= ID_MOST && most <= ID_MOST
               ? 0
               : error_set(error, ERR_INVALID, "id: from %lld to %lld: too far apart", (long long)least,
                           (long long)most);
}

static int find_rate(struct source *s, struct error *error)
{
    s->rate = s->options.frame_rate > 0 ? s->options.frame_rate : s->people.frame_rate;
    return s->rate > 0 ? 0
                       : error_set(error, ERR_INVALID,
                                   "frame_rate: the file does not say how many of its frames are a second");
}

static int load(struct source *s, struct error *error)
{
    struct buffer bytes = {0};
    struct trajectory_options options = {.unit_m = s->uri.unit_m,
                                         .columns = s->uri.columns[0] ? s->uri.columns : NULL};
    int result = file_read(s->uri.path, FILE_BYTES_MAX, &bytes, error);
    if (result == 0)
        result = trajectories_parse(bytes.data ? bytes.data : "", bytes.size, &options, &s->people, error);
    buffer_free(&bytes);
    if (result == 0)
        result = find_rate(s, error);
    if (result == 0)
        result = find_ids(s, error);
    if (result == 0)
        result = find_frames(s, error);
    return result < 0 ? error_prefix(error, "%s", s->shown) : 0;
}

static int source_open(const struct source_options *options, struct source **source, struct error *error)
{
    *source = NULL;
    struct source *s = calloc(1, sizeof *s);
    if (!s)
        return error_nomem(error, "a source of trajectories");
    s->options = *options;
    s->options.uri = NULL;
    address_shown(options->uri, s->shown);
    int result = object_uri_parse(options->uri, &s->uri, error);
    if (result == 0)
        result = load(s, error);
    if (result < 0) {
        source_close(&s);
        return result;
    }
    text_format(s->description, sizeof s->description, "trajectories, %g frames/s",
                s->rate / (double)s->step);
    *source = s;
    return 0;
}

/* ---- playing ---- */

static int64_t time_of(const struct source *s, int64_t frame)
{
    return llround((double)(frame - s->first) / s->rate * (double)NS_PER_S);
}

static void begin_again(struct source *s)
{
    s->pass_ns += time_of(s, s->last + s->step);
    s->pass++;
    s->frame = s->first;
    s->next = 0;
}

/* In the first pass the file's own, unless they do not begin at 1 or above. */
static int64_t id_of(const struct source *s, int64_t id)
{
    int64_t up = s->least_id < 1 ? 1 - s->least_id : 0;
    return id + up + s->pass * s->ids;
}

static int put_people(struct source *s, struct observation *o, struct error *error)
{
    if (s->next >= s->people.frame_count || frame_at(s, s->next) != s->frame)
        return 0;
    size_t begin = s->people.frame_start[s->next], count = s->people.frame_start[s->next + 1] - begin;
    o->positions = calloc(count, sizeof *o->positions);
    if (!o->positions)
        return error_nomem(error, s->shown);
    for (size_t i = 0; i < count; i++)
        o->positions[i] =
            (struct ground_position){id_of(s, s->people.id[begin + i]), s->people.position[begin + i]};
    o->position_count = count;
    return 0;
}

/* The file's next frame, or an empty one where its step lets one expect it. */
static void advance(struct source *s)
{
    if (s->next < s->people.frame_count && frame_at(s, s->next) == s->frame)
        s->next++;
    int64_t after = s->frame + s->step;
    bool none = s->next >= s->people.frame_count;
    s->frame = none || after < frame_at(s, s->next) ? after : frame_at(s, s->next);
}

static int source_read(struct source *s, struct observation *o, struct error *error)
{
    memset(o, 0, sizeof *o);
    if (s->options.cancel && atomic_load(s->options.cancel))
        return error_set(error, ERR_CANCELED, "%s: interrupted", s->shown);
    if (s->frame > s->last && !s->options.loop)
        return error_set(error, ERR_END, "%s: end of the file", s->shown);
    if (s->frame > s->last)
        begin_again(s);
    o->kind = OBSERVATION_POSITIONS;
    o->stream_ns = s->pass_ns + time_of(s, s->frame);
    o->capture = clock_now();
    if (s->options.paced && pace_wait(&s->pace, o->stream_ns, s->options.cancel, &o->capture) != 0)
        return error_set(error, ERR_CANCELED, "%s: interrupted", s->shown);
    int result = put_people(s, o, error);
    o->number = ++s->number;
    advance(s);
    return result;
}

static void source_info(const struct source *s, struct source_info *info)
{
    *info = (struct source_info){.frame_rate = s->rate / (double)s->step,
                                 .frame_count = (s->last - s->first) / s->step + 1,
                                 .gives = OBSERVATION_POSITIONS,
                                 .description = s->description};
}

const struct source_kind source_kind_trajectories = {.name = "trajectories",
                                                     .accepts = accepts,
                                                     .open = source_open,
                                                     .read = source_read,
                                                     .info = source_info,
                                                     .close = source_close};
