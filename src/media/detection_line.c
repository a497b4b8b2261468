#include "media/detection_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "core/picture.h"

#define PIXELS_MOST 1e6
#define SECONDS_MOST 4e9 /* a hundred years: sums with it cannot overflow */

static int get_number(const struct json *object, const char *key, double *value, struct error *error)
{
    const struct json *found = json_get(object, key);
    if (!found)
        return error_set(error, ERR_FORMAT, "%s: missing", key);
    if (json_kind(found) != JSON_IS_NUMBER)
        return error_set(error, ERR_FORMAT, "%s: expected a number, got %s", key, json_kind_name(found));
    *value = json_as_number(found, NAN);
    return isfinite(*value) ? 0 : error_set(error, ERR_FORMAT, "%s: not a finite number", key);
}

int detection_check_box(double x, double y, double w, double h, struct error *error)
{
    if (!(fabs(x) <= PIXELS_MOST && fabs(y) <= PIXELS_MOST && w <= PIXELS_MOST && h <= PIXELS_MOST))
        return error_set(error, ERR_INVALID, "a box beyond a million pixels");
    if (!(w >= 1 && h >= 1))
        return error_set(
            error, ERR_INVALID,
            "a box of %g x %g: it has to be at least one pixel wide and high (pixels, not shares)", w, h);
    return 0;
}

bool detection_is_person(const struct object_uri *uri, const char *name)
{
    for (int i = 0; i < uri->class_count; i++)
        if (strcasecmp(name, uri->classes[i]) == 0)
            return true;
    return false;
}

static int read_score(const struct json *object, float *score, struct error *error)
{
    double value = 1;
    int result = json_get(object, "score") ? get_number(object, "score", &value, error) : 0;
    if (result == 0 && !(value >= 0 && value <= 1))
        result = error_set(error, ERR_INVALID, "score: %g is outside 0 to 1", value);
    *score = (float)value;
    return result;
}

/* Sets *person; the box of somebody or something else is checked all the same. */
static int read_detection(const struct json *object, const struct object_uri *uri, struct detection *d,
                          bool *person, struct error *error)
{
    double x, y, w, h;
    const struct json *class = json_get(object, "class");
    if (json_kind(object) != JSON_IS_OBJECT)
        return error_set(error, ERR_FORMAT, "expected an object, got %s", json_kind_name(object));
    if (class && json_kind(class) != JSON_IS_STRING)
        return error_set(error, ERR_FORMAT, "class: expected a text, got %s", json_kind_name(class));
    int result = get_number(object, "x", &x, error);
    if (result == 0)
        result = get_number(object, "y", &y, error);
    if (result == 0)
        result = get_number(object, "w", &w, error);
    if (result == 0)
        result = get_number(object, "h", &h, error);
    if (result == 0)
        result = detection_check_box(x, y, w, h, error);
    if (result == 0)
        result = read_score(object, &d->score, error);
    if (result == 0)
        d->box = (struct box){(float)x, (float)y, (float)w, (float)h};
    *person = !class || detection_is_person(uri, json_as_string(class, ""));
    return result;
}

static int read_detections(const struct json *list, const struct object_uri *uri, struct detection_line *line,
                           struct error *error)
{
    if (json_kind(list) != JSON_IS_ARRAY)
        return error_set(error, ERR_FORMAT, "detections: %s",
                         list ? "expected a list" : "missing (nobody is an empty list)");
    size_t count = json_size(list);
    if (count > DETECTIONS_MAX)
        return error_set(error, ERR_INVALID, "detections: %zu; at most %d are possible", count,
                         DETECTIONS_MAX);
    line->detections = calloc(count + 1, sizeof *line->detections);
    if (!line->detections)
        return error_nomem(error, "detections");
    for (size_t i = 0; i < count; i++) {
        bool person = false;
        int result = read_detection(json_at(list, i), uri, &line->detections[line->count], &person, error);
        if (result < 0) {
            error_prefix(error, "detections[%zu]", i);
            return result;
        }
        line->count += person;
    }
    return 0;
}

static int read_time(const struct json *object, struct detection_line *line, struct error *error)
{
    const struct json *time = json_get(object, "time");
    double seconds;
    if (time) {
        const char *text = json_as_string(time, NULL);
        line->has = LINE_HAS_WALL_TIME;
        if (!text)
            return error_set(error, ERR_FORMAT, "time: expected a text, got %s", json_kind_name(time));
        int result = time_parse(text, &line->time_ns, error);
        return result < 0 ? error_prefix(error, "time") : 0;
    }
    if (!json_get(object, "time_s"))
        return 0;
    int result = get_number(object, "time_s", &seconds, error);
    if (result == 0 && fabs(seconds) > SECONDS_MOST)
        result = error_set(error, ERR_INVALID, "time_s: %g is out of reach", seconds);
    if (result == 0) {
        line->has = LINE_HAS_STREAM_TIME;
        line->time_ns = llround(seconds * (double)NS_PER_S);
    }
    return result;
}

static int read_side(const struct json *object, const char *key, int *side, struct error *error)
{
    const struct json *value = json_get(object, key);
    int64_t pixels = json_as_int(value, 0);
    if (value && (pixels < 1 || pixels > PICTURE_SIDE_MAX))
        return error_set(error, ERR_INVALID, "%s: expected a whole number of pixels from 1 to %d", key,
                         PICTURE_SIDE_MAX);
    *side = (int)pixels;
    return 0;
}

static int read_line(const struct json *object, const struct object_uri *uri, struct detection_line *line,
                     struct error *error)
{
    if (json_kind(object) != JSON_IS_OBJECT)
        return error_set(error, ERR_FORMAT, "expected an object, got %s", json_kind_name(object));
    int result = read_time(object, line, error);
    if (result == 0)
        result = read_side(object, "width", &line->width, error);
    if (result == 0)
        result = read_side(object, "height", &line->height, error);
    if (result == 0 && (line->width == 0) != (line->height == 0))
        result = error_set(error, ERR_INVALID, "%s: missing", line->width ? "height" : "width");
    if (result == 0)
        result = read_detections(json_get(object, "detections"), uri, line, error);
    return result;
}

int detection_line_parse(const char *text, size_t size, const struct object_uri *uri,
                         struct detection_line *line, struct error *error)
{
    struct json *root = NULL;
    *line = (struct detection_line){0};
    int result = json_parse(text, size, &root, error);
    if (result == 0)
        result = read_line(root, uri, line, error);
    json_free(root);
    if (result < 0) {
        free(line->detections);
        *line = (struct detection_line){0};
    }
    return result;
}
