#include "config/check.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/uri.h"
#include "config/check_objects.h"
#include "config/rules.h"
#include "core/object_uri.h"
#include "geo/polygon.h"

int check_server(struct config_reader *reader, const struct node *node, void *base)
{
    const char *bind = *(char *const *)((const char *)base + offsetof(struct config, server.bind) -
                                        offsetof(struct config, server));
    unsigned char address[16];
    if (bind != NULL && inet_pton(AF_INET, bind, address) != 1 && inet_pton(AF_INET6, bind, address) != 1) {
        reader_complain(reader, node_get(node, "bind"), "bind",
                        "expected an IP address such as 127.0.0.1, got '%.60s'", bind);
    }
    return 0;
}

int check_recorder(struct config_reader *reader, const struct node *node, void *base)
{
    const struct config *config =
        (const struct config *)(const void *)((const char *)base - offsetof(struct config, recorder));
    int64_t clip_ns = config->recorder.clip_before_ns + config->recorder.clip_after_ns;
    if (config->recorder.keep_ns < clip_ns + 2 * config->recorder.segment_ns) {
        const struct node *keep = node_get(node, "keep");
        reader_complain(reader, keep != NULL ? keep : node, "keep",
                        "shorter than clip_before, clip_after and two segments together");
    }
    return 0;
}

int check_inference(struct config_reader *reader, const struct node *node, void *base)
{
    const struct config *config =
        (const struct config *)(const void *)((const char *)base - offsetof(struct config, inference));
    const char *model = config->inference.density_model;
    if (model != NULL && strcmp(model, DENSITY_MODEL_DETECTOR) == 0 &&
        config->inference.density_ensemble_count > 0)
        reader_complain(reader, node_get(node, "density_ensemble"), "density_ensemble",
                        "counts together with a density model of its own, not with the detector's head");
    return 0;
}

static bool in_unit_square(const struct point *points, size_t count, size_t *first_outside)
{
    for (size_t i = 0; i < count; i++) {
        if (!(points[i].x >= 0 && points[i].x <= 1 && points[i].y >= 0 && points[i].y <= 1)) {
            *first_outside = i;
            return false;
        }
    }
    return true;
}

static bool check_in_picture(struct config_reader *reader, const struct node *place, const char *key,
                             const struct point *points, size_t count)
{
    size_t index = 0;
    if (in_unit_square(points, count, &index)) {
        return true;
    }
    reader_complain(reader, place, key,
                    "point %zu (%g, %g) is outside the picture: image coordinates are 0 to 1", index + 1,
                    points[index].x, points[index].y);
    return false;
}

static void check_polygon(struct config_reader *reader, const struct node *place, const char *key,
                          const struct point *corners, size_t count)
{
    struct error error;
    if (polygon_check_simple(corners, count, &error) != 0) {
        reader_complain(reader, place, key, "%s", error.text);
    }
}

static void check_masks(struct config_reader *reader, const struct node *node,
                        const struct detection_config *detection)
{
    const struct node *masks = node_get(node, "masks");
    for (size_t i = 0; i < detection->mask_count; i++) {
        const struct mask_polygon *mask = &detection->masks[i];
        const struct node *place = masks != NULL && i < masks->count ? masks->entries[i].value : NULL;
        char key[32];
        text_format(key, sizeof key, "masks[%zu]", i);
        if (check_in_picture(reader, place, key, mask->corners, mask->corner_count)) {
            check_polygon(reader, place, key, mask->corners, mask->corner_count);
        }
    }
}

int check_detection(struct config_reader *reader, const struct node *node, void *base)
{
    const struct detection_config *detection = base;
    if (detection->confidence_low > detection->confidence) {
        const struct node *low = node_get(node, "confidence_low");
        reader_complain(reader, low != NULL ? low : node_get(node, "confidence"), "confidence_low",
                        "%g is above confidence (%g)", detection->confidence_low, detection->confidence);
    }
    if (detection->input_width % 32 != 0 || detection->input_height % 32 != 0) {
        reader_complain(reader, node_get(node, "input_size"), "input_size",
                        "%dx%d: both sides have to be multiples of 32", detection->input_width,
                        detection->input_height);
    }
    const struct node *region = node_get(node, "region");
    if (detection->region_count > 0 && !node_is_absent(region) &&
        check_in_picture(reader, region, "region", detection->region, detection->region_count)) {
        check_polygon(reader, region, "region", detection->region, detection->region_count);
    }
    if (!node_is_absent(node_get(node, "masks"))) {
        check_masks(reader, node, detection);
    }
    return 0;
}

int check_counting(struct config_reader *reader, const struct node *node, void *base)
{
    const struct counting_config *counting = base;
    if (counting->interval_ns > counting->idle_interval_ns) {
        const struct node *idle = node_get(node, "idle_interval");
        reader_complain(reader, idle != NULL ? idle : node_get(node, "interval"), "idle_interval",
                        "shorter than interval");
    }
    return 0;
}

int check_tracking(struct config_reader *reader, const struct node *node, void *base)
{
    const struct tracking_config *tracking = base;
    if (tracking->coast_ns > tracking->lost_ns) {
        const struct node *coast = node_get(node, "coast");
        reader_complain(reader, coast != NULL ? coast : node_get(node, "lost"), "coast", "longer than lost");
    }
    return 0;
}

int check_zone(struct config_reader *reader, const struct node *node, void *base)
{
    const struct zone *zone = base;
    const struct node *place = node_get(node, "polygon");
    if (node_is_absent(place) || place->kind != NODE_LIST || place->count != zone->corner_count) {
        return 0;
    }
    if (zone->coordinates == COORDINATES_GROUND ||
        check_in_picture(reader, place, "polygon", zone->corners, zone->corner_count)) {
        check_polygon(reader, place, "polygon", zone->corners, zone->corner_count);
    }
    return 0;
}

int check_line(struct config_reader *reader, const struct node *node, void *base)
{
    const struct line *line = base;
    const struct node *place = node_get(node, "points");
    if (node_is_absent(place) || place->kind != NODE_LIST || place->count != line->point_count) {
        return 0;
    }
    if (line->coordinates == COORDINATES_IMAGE &&
        !check_in_picture(reader, place, "points", line->points, line->point_count)) {
        return 0;
    }
    if (line->point_count < 2) {
        reader_complain(reader, place, "points", "%zu points: a line has at least two", line->point_count);
        return 0;
    }
    for (size_t i = 1; i < line->point_count; i++) {
        if (line->points[i].x == line->points[i - 1].x && line->points[i].y == line->points[i - 1].y) {
            reader_complain(reader, place, "points", "points %zu and %zu are the same", i, i + 1);
            return 0;
        }
    }
    return 0;
}

int begin_stream(struct config_reader *reader, void *base)
{
    struct stream_config *stream = base;
    stream->counting = reader->config->counting;
    stream->health = reader->config->health;
    return section_copy(&section_detection, &stream->detection, &reader->config->detection);
}

/* The path with every link followed; of what does not exist, the part that does, and the rest as written. */
static bool resolve_path(const char *path, char out[PATH_MAX])
{
    char rest[PATH_MAX] = "", head[PATH_MAX];
    if (strlen(path) >= sizeof head || strstr(path, "/../") != NULL || text_starts_with(path, "../") ||
        text_ends_with(path, "/..") || strcmp(path, "..") == 0) {
        return false;
    }
    text_copy(head, sizeof head, path);
    while (realpath(head[0] != '\0' ? head : ".", out) == NULL) {
        char *slash = strrchr(head, '/');
        char tail[PATH_MAX];
        text_format(tail, sizeof tail, "/%s%s", slash != NULL ? slash + 1 : head, rest);
        text_copy(rest, sizeof rest, tail);
        if (slash == head && head[1] != '\0') {
            head[1] = '\0';
        } else if (slash != NULL && slash != head) {
            *slash = '\0';
        } else if (slash == NULL && head[0] != '\0') {
            head[0] = '\0';
        } else {
            return false;
        }
    }
    size_t length = strlen(out);
    if (length + strlen(rest) >= PATH_MAX) {
        return false;
    }
    text_copy(out + length, PATH_MAX - length, rest);
    return true;
}

bool path_is_allowed(const struct config *config, const char *path)
{
    char resolved[PATH_MAX], folder[PATH_MAX];
    if (!resolve_path(path, resolved)) {
        return false;
    }
    for (size_t i = 0; i < config->media.allowed_count; i++) {
        if (realpath(config->media.allowed_dirs[i], folder) == NULL) {
            continue;
        }
        size_t length = strlen(folder);
        if (strncmp(resolved, folder, length) == 0 &&
            (resolved[length] == '/' || resolved[length] == '\0' || folder[length - 1] == '/')) {
            return true;
        }
    }
    return false;
}

static bool scheme_is_known(const char *scheme)
{
    static const char *const known[] = {"",      "file", "rtsp",       "rtsps",        "http",
                                        "https", "v4l2", "detections", "trajectories", "deepstream"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(scheme, known[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* "concat:a|b" is no path for FFmpeg, so a colon before the first slash counts as a scheme. */
static void scheme_of(const char *uri, char *out, size_t out_size)
{
    uri_scheme(uri, out, out_size);
    size_t length = strcspn(uri, ":/");
    if (out[0] == '\0' && uri[length] == ':') {
        text_format(out, out_size, "%.*s", (int)(length < 32 ? length : 32), uri);
        if (!scheme_is_known(out) && strchr(uri, '@') != NULL) {
            text_copy(out, out_size, "***"); /* perhaps no scheme, but somebody's name */
        }
    }
}

/* The path of a plain path or of file:///path; NULL for what cannot be compared with a folder: another host,
 * escapes. */
static const char *path_of(const char *uri)
{
    if (!text_starts_with(uri, "file://")) {
        return uri;
    }
    uri += strlen("file://");
    if (text_starts_with(uri, "localhost/")) {
        uri += strlen("localhost");
    }
    return uri[0] == '/' && strchr(uri, '%') == NULL ? uri : NULL;
}

static void check_file(struct config_reader *reader, const struct node *place, const char *uri)
{
    const char *path = path_of(uri);
    if (!reader->trusted && (path == NULL || !path_is_allowed(reader->config, path))) {
        reader_complain(reader, place, "uri", "the file is outside the folders of media.allowed_dirs");
    }
}

/* Whoever may add cameras over the API may not open whatever device there is. */
static void check_webcam(struct config_reader *reader, const struct node *place, const char *path)
{
    bool video = text_starts_with(path, "/dev/video") || text_starts_with(path, "/dev/v4l/");
    if (path[0] != '/' || (!reader->trusted && (!video || strstr(path, "..") != NULL))) {
        reader_complain(reader, place, "uri", "a webcam's address is v4l2:///dev/video0");
    }
}

static void check_uri(struct config_reader *reader, const struct node *node, const char *uri)
{
    char scheme[40];
    const struct node *place = node_get(node, "uri");
    scheme_of(uri, scheme, sizeof scheme);
    if (uri[0] == '\0') {
        reader_complain(reader, place, "uri", "empty");
    } else if (!reader->trusted && uri_is_redacted(uri)) {
        reader_complain(reader, place, "uri", "stars stand for what is never shown: write the whole address");
    } else if (!scheme_is_known(scheme)) {
        reader_complain(reader, place, "uri",
                        "unknown scheme '%s': known are rtsp, rtsps, http, https, v4l2, file, detections, "
                        "trajectories, deepstream, and the path of a file or folder",
                        scheme);
    } else if (scheme[0] != '\0' && strncmp(uri + strlen(scheme), "://", 3) != 0) {
        reader_complain(reader, place, "uri", "'%s' is followed by ://", scheme);
    } else if (scheme[0] == '\0' || strcmp(scheme, "file") == 0) {
        check_file(reader, place, uri);
    } else if (object_uri_source(uri) != OBJECT_NONE) {
        check_object_uri(reader, place, uri);
    } else if (strcmp(scheme, "v4l2") == 0) {
        check_webcam(reader, place, uri + strlen("v4l2://"));
    } else if (uri[strlen(scheme) + 3] == '\0') {
        reader_complain(reader, place, "uri", "there is no host in it");
    }
}

static void complain_repeated(struct config_reader *reader, const struct node *node, const char *list,
                              size_t index, const char *id, const char *first_list, size_t first)
{
    char key[48];
    const struct node *item = node_item(node, list, index);
    const struct node *place = node_get(item, "id");
    text_format(key, sizeof key, "%s[%zu].id", list, index);
    reader_complain(reader, place != NULL ? place : item, key, "'%s' is repeated: %s[%zu] has this id", id,
                    first_list, first);
}

/* Zones and lines share their names: a rule, an alert and a row of history say "zone" for both. */
static void check_place_ids(struct config_reader *reader, const struct node *node,
                            const struct stream_config *stream)
{
    size_t total = stream->zone_count + stream->line_count;
    for (size_t i = 0; i < total; i++) {
        bool is_zone = i < stream->zone_count;
        const char *id = is_zone ? stream->zones[i].id : stream->lines[i - stream->zone_count].id;
        for (size_t j = 0; j < i && id[0] != '\0'; j++) {
            bool first_is_zone = j < stream->zone_count;
            const char *other =
                first_is_zone ? stream->zones[j].id : stream->lines[j - stream->zone_count].id;
            if (strcmp(id, other) == 0) {
                complain_repeated(reader, node, is_zone ? "zones" : "lines",
                                  is_zone ? i : i - stream->zone_count, id, first_is_zone ? "zones" : "lines",
                                  first_is_zone ? j : j - stream->zone_count);
                break;
            }
        }
    }
}

int check_stream(struct config_reader *reader, const struct node *node, void *base)
{
    const struct stream_config *stream = base;
    if (stream->uri != NULL) {
        check_uri(reader, node, stream->uri);
    }
    check_place_ids(reader, node, stream);
    check_place_coordinates(reader, node, stream);
    return 0;
}

static void check_stream_ids(struct config_reader *reader, const struct node *streams,
                             const struct config *config)
{
    for (size_t i = 0; i < config->stream_count; i++) {
        const char *id = config->streams[i].stream_id;
        for (size_t j = 0; j < i && id[0] != '\0'; j++) {
            if (strcmp(id, config->streams[j].stream_id) == 0) {
                char key[48];
                const struct node *item =
                    streams != NULL && i < streams->count ? streams->entries[i].value : NULL;
                const struct node *place = node_get(item, "stream_id");
                text_format(key, sizeof key, "streams[%zu].stream_id", i);
                reader_complain(reader, place != NULL ? place : item, key,
                                "'%s' is repeated: streams[%zu] has this id", id, j);
                break;
            }
        }
    }
}

int check_config(struct config_reader *reader, const struct node *node, void *base)
{
    struct config *config = base;
    check_stream_ids(reader, node_get(node, "streams"), config);
    for (size_t i = 0; i < config->stream_count; i++) {
        config->streams[i].from_file = true;
    }
    return rules_finish(reader, node_get(node, "alerts"), config);
}
