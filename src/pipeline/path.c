#include "pipeline/path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crowd/stage.h"
#include "pipeline/camera_health.h"
#include "pipeline/counting.h"
#include "pipeline/looks.h"
#include "pipeline/motion.h"
#include "pipeline/perspective.h"
#include "track/tracker.h"

struct camera_path {
    const struct stream_config *stream;
    enum path_use use;
    struct looks looks;
    struct counting counting;
    struct tracker *tracker;
    struct crowd_stage *stage;
    struct picture_motion motion;
    bool is_dense; /* the last picture's regime */
    struct camera_health *health;
    struct camera_pace pace;
    struct track *tracks; /* own copy: the stage fills in the ground */
    size_t track_capacity;
    struct detection *given; /* own copy of others' detections: the view chooses among them */
    size_t given_capacity;
};

static int make_tracker(const struct config *config, const struct detection_config *d, enum path_use use,
                        struct tracker **tracker, struct error *error)
{
    struct tracker_params params = tracker_default_params();
    params.high_score = d->confidence;
    params.low_score = d->confidence_low;
    params.new_score = config->tracking.new_score;
    params.iou_gate = config->tracking.iou_gate;
    params.confirm_hits = config->tracking.confirm_hits;
    params.coast_ns = config->tracking.coast_ns;
    params.lost_ns = config->tracking.lost_ns;
    if (use == PATH_STILL) {
        params.new_score = params.high_score;
        params.confirm_hits = 1;
    }
    return tracker_create(&params, tracker, error);
}

static int make_stage(const struct config *config, const struct stream_config *stream,
                      struct crowd_stage **stage, struct error *error)
{
    struct crowd_options options = {
        .camera = &stream->camera,
        .zones = stream->zones,
        .zone_count = stream->zone_count,
        .lines = stream->lines,
        .line_count = stream->line_count,
        .cell_m = config->density.cell_m,
        .sigma_m = config->density.sigma_m,
        .region = stream->detection.region_count ? stream->detection.region : NULL,
        .region_count = stream->detection.region_count,
    };
    return crowd_stage_create(&options, stage, error);
}

int camera_path_create(const struct config *config, const struct stream_config *stream, enum path_use use,
                       struct camera_path **path, struct error *error)
{
    struct camera_path *p = calloc(1, sizeof *p);
    *path = NULL;
    if (!p)
        return error_nomem(error, stream->stream_id);
    p->stream = stream;
    p->pace.target_fps = stream->target_fps;
    counting_init(&p->counting, &stream->counting);
    p->use = use;
    p->health = camera_health_create(&stream->health, use == PATH_LIVE);
    int result = p->health ? 0 : error_nomem(error, "camera health");
    if (result == 0)
        result = looks_make(&stream->detection, stream->counting.long_side, &p->looks, error);
    if (result == 0 && stream->counting.perspective)
        perspective_of(stream, &p->looks.density.person_far, &p->looks.density.person_near);
    if (result == 0)
        result = make_tracker(config, &stream->detection, use, &p->tracker, error);
    if (result == 0)
        result = make_stage(config, stream, &p->stage, error);
    if (result < 0) {
        camera_path_destroy(&p);
        return error_prefix(error, "stream %s", stream->stream_id);
    }
    *path = p;
    return 0;
}

void camera_path_destroy(struct camera_path **path)
{
    struct camera_path *p = *path;
    *path = NULL;
    if (!p)
        return;
    picture_motion_free(&p->motion);
    crowd_stage_destroy(&p->stage);
    tracker_destroy(&p->tracker);
    counting_free(&p->counting);
    looks_free(&p->looks);
    camera_health_destroy(&p->health);
    free(p->tracks);
    free(p->given);
    free(p);
}

bool camera_path_may_use_vectors(const struct stream_config *stream)
{
    return picture_motion_may_use_vectors(stream);
}

const atomic_bool *camera_path_vectors_wanted(const struct camera_path *path)
{
    return &path->motion.vectors_wanted;
}

void camera_path_set_pace(struct camera_path *path, const struct camera_pace *pace)
{
    path->pace = *pace;
}

void camera_path_accept_view(struct camera_path *path)
{
    camera_health_accept_view(path->health);
}

bool camera_path_remember_view(struct camera_path *path, int64_t now_ns, struct health_memory *memory)
{
    return camera_health_remember(path->health, now_ns, memory);
}

void camera_path_recall_view(struct camera_path *path, const struct health_memory *memory, bool recent)
{
    camera_health_recall(path->health, memory, recent);
}

const struct view *camera_path_view(const struct camera_path *path)
{
    return path->looks.view;
}

const struct density_view *camera_path_density_view(const struct camera_path *path)
{
    return path->stream->counting.mode == COUNTING_BOXES ? NULL : &path->looks.density;
}

bool camera_path_density_due(const struct camera_path *path, int64_t stream_ns)
{
    return counting_is_due(&path->counting, stream_ns);
}

int64_t camera_path_density_interval_ns(const struct camera_path *path)
{
    return path->stream->counting.interval_ns;
}

int camera_path_take_density(struct camera_path *path, const struct count_reading *reading, int64_t stream_ns,
                             struct error *error)
{
    return counting_take(&path->counting, reading, stream_ns, error);
}

static int reserve_tracks(struct camera_path *p, size_t count, struct error *error)
{
    if (count <= p->track_capacity)
        return 0;
    size_t capacity = count + count / 2 + 16;
    struct track *tracks = realloc(p->tracks, capacity * sizeof *tracks);
    if (!tracks)
        return error_nomem(error, "tracks");
    p->tracks = tracks;
    p->track_capacity = capacity;
    return 0;
}

static int track_detections(struct camera_path *p, const struct observation *o,
                            const struct detection *detections, size_t detection_count, size_t *count,
                            struct error *error)
{
    const struct track *tracks;
    struct tracker_input input = {
        .time_ns = o->stream_ns,
        .width = o->width,
        .height = o->height,
        .detections = detections,
        .detection_count = detection_count,
        .camera = p->stream->camera.kind == CAMERA_NONE ? NULL : &p->stream->camera,
    };
    int result = tracker_update(p->tracker, &input, &tracks, count, error);
    if (result == 0)
        result = reserve_tracks(p, *count, error);
    if (result == 0 && *count > 0)
        memcpy(p->tracks, tracks, *count * sizeof *tracks);
    return result;
}

/* Boxes that somebody else found: the region, the masks and the least size count for them as well. */
static int track_given(struct camera_path *p, const struct observation *o, size_t *count, struct error *error)
{
    if (o->detection_count > p->given_capacity) {
        size_t capacity = o->detection_count + o->detection_count / 2 + 16;
        struct detection *given = realloc(p->given, capacity * sizeof *given);
        if (!given)
            return error_nomem(error, "detections");
        p->given = given;
        p->given_capacity = capacity;
    }
    if (o->detection_count > 0)
        memcpy(p->given, o->detections, o->detection_count * sizeof *p->given);
    size_t kept = view_apply(p->looks.view, p->given, o->detection_count, o->width, o->height);
    return track_detections(p, o, p->given, kept, count, error);
}

/* Positions that somebody else measured, with their identities: tracks without boxes. */
static int take_positions(struct camera_path *p, const struct observation *o, struct error *error)
{
    int result = reserve_tracks(p, o->position_count, error);
    for (size_t i = 0; result == 0 && i < o->position_count; i++) {
        p->tracks[i] = (struct track){
            .track_id = o->positions[i].id,
            .score = 1,
            .ground = {.valid = true, .position = o->positions[i].position},
        };
    }
    return result;
}

static void begin_snapshot(const struct camera_path *p, const struct observation *o, struct snapshot *s)
{
    *s = (struct snapshot){.frame = o->number,
                           .stream_ns = o->stream_ns,
                           .capture = o->capture,
                           .width = o->width,
                           .height = o->height,
                           .regime = REGIME_BOXES};
    text_copy(s->stream_id, sizeof s->stream_id, p->stream->stream_id);
    measure_set_clear(&s->measures);
}

/* Positions come without a picture: the calibration's own counts, where there is one. */
static int view_side(const struct camera_path *p, const struct observation *o, int side, double calibrated)
{
    if (o->kind != OBSERVATION_POSITIONS)
        return side;
    return p->stream->camera.kind != CAMERA_NONE && calibrated >= 1 ? (int)calibrated : 1;
}

int camera_path_measure(struct camera_path *path, const struct observation *observation,
                        const struct detection *detections, size_t detection_count, struct snapshot *snapshot,
                        struct error *error)
{
    size_t count = 0;
    int result;
    begin_snapshot(path, observation, snapshot);
    const char *blind = camera_health_look(path->health, observation, &path->pace, snapshot);
    if (camera_health_shows_nothing(path->health))
        detection_count = 0;
    if (observation->kind == OBSERVATION_POSITIONS) {
        count = observation->position_count;
        result = take_positions(path, observation, error);
    } else if (observation->kind == OBSERVATION_DETECTIONS) {
        result = track_given(path, observation, &count, error);
    } else {
        result = track_detections(path, observation, detections, detection_count, &count, error);
    }
    const struct motion_field *motion = NULL;
    if (result == 0 && path->use != PATH_STILL)
        result = picture_motion_look(&path->motion, path->stream, observation, path->is_dense, blind != NULL,
                                     &motion, error);
    if (result < 0)
        return result;
    struct crowd_input input = {
        .stream_ns = observation->stream_ns,
        .width = view_side(path, observation, observation->width, path->stream->camera.width),
        .height = view_side(path, observation, observation->height, path->stream->camera.height),
        .tracks = path->tracks,
        .track_count = count,
        .ground_is_given = observation->kind == OBSERVATION_POSITIONS,
        .motion = motion,
        .reading = observation->kind == OBSERVATION_PICTURE
                       ? counting_reading(&path->counting, observation->stream_ns)
                       : NULL,
        .reading_ns = path->counting.taken_ns,
        .counting = path->stream->counting.mode,
        .blind = blind,
        .health = observation->kind == OBSERVATION_POSITIONS ? NULL : &snapshot->health,
    };
    result = crowd_stage_update(path->stage, &input, snapshot, error);
    if (result == 0)
        counting_note_share(&path->counting, crowd_stage_density_share(path->stage));
    path->is_dense = result == 0 && snapshot->regime != REGIME_BOXES;
    camera_health_measure(path->health, &snapshot->measures);
    return result;
}
