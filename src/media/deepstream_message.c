#include "media/deepstream_message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "base/text.h"
#include "media/detection_line.h"

enum { FIELDS_LEAST = 6, NUMBER_MAX = 48, MEMBERS_MOST = 64 };
static const char *const EDGES[] = {"left", "top", "right", "bottom"};
static const char *const CORNERS[] = {"topleftx", "toplefty", "bottomrightx", "bottomrighty"};

/* A confidence that is not above 0 says that the box comes from the application's tracker, not from its
 * detector. */
static float score_of(double confidence)
{
    return confidence > 0 ? (float)confidence : 1;
}

/* Corners to a box; false (and no error) for one below a pixel, which the schemas' whole numbers make of
 * somebody far away. */
static int make_box(const double edge[4], struct box *box, bool *whole, struct error *error)
{
    double w = edge[2] - edge[0], h = edge[3] - edge[1];
    if (w < 0 || h < 0)
        return error_set(error, ERR_INVALID, "%s is before %s", w < 0 ? "right" : "bottom",
                         w < 0 ? "left" : "top");
    *whole = w >= 1 && h >= 1;
    *box = (struct box){(float)edge[0], (float)edge[1], (float)w, (float)h};
    return *whole ? detection_check_box(edge[0], edge[1], w, h, error) : 0;
}

/* ---- minimal ---- */

/* Field `index` of text with bars between fields. False: there are fewer. */
static bool get_field(const char *text, size_t index, const char **begin, size_t *size)
{
    for (; index > 0; index--) {
        text = strchr(text, '|');
        if (!text)
            return false;
        text++;
    }
    *begin = text;
    *size = strcspn(text, "|");
    return true;
}

static bool field_number(const char *begin, size_t size, double *value)
{
    char number[NUMBER_MAX];
    if (size == 0 || size >= sizeof number)
        return false;
    memcpy(number, begin, size);
    number[size] = '\0';
    return text_to_double(number, value);
}

static bool field_is_person(const struct object_uri *uri, const char *begin, size_t size)
{
    char name[OBJECT_CLASS_MAX];
    if (size >= sizeof name)
        return false;
    memcpy(name, begin, size);
    name[size] = '\0';
    return detection_is_person(uri, name);
}

/* Behind the label there may be attributes; the last of them is the confidence, if it can be one. */
static float last_confidence(const char *object)
{
    const char *begin;
    size_t size;
    double value;
    if (!get_field(object, FIELDS_LEAST, &begin, &size))
        return 1;
    begin = strrchr(object, '|') + 1;
    return field_number(begin, strlen(begin), &value) && value > 0 && value <= 1 ? (float)value : 1;
}

/* *kept: it is a person's box. */
static int read_object(const char *object, const struct object_uri *uri, struct detection *d, bool *kept,
                       struct error *error)
{
    double edge[4];
    const char *begin;
    size_t size;
    *kept = false;
    if (!get_field(object, FIELDS_LEAST - 1, &begin, &size))
        return error_set(error, ERR_FORMAT, "fewer than %d fields (id|left|top|right|bottom|label)",
                         FIELDS_LEAST);
    if (!field_is_person(uri, begin, size))
        return 0;
    for (size_t i = 0; i < 4; i++) {
        get_field(object, i + 1, &begin, &size);
        if (!field_number(begin, size, &edge[i]))
            return error_set(error, ERR_FORMAT, "%s: '%.*s' is not a number", EDGES[i],
                             (int)(size < 40 ? size : 40), begin);
    }
    d->score = last_confidence(object);
    return make_box(edge, &d->box, kept, error);
}

static int read_minimal(const struct json *root, const struct object_uri *uri, struct deepstream_message *m,
                        struct error *error)
{
    const struct json *list = json_get(root, "objects");
    size_t count = json_size(list);
    if (json_kind(list) != JSON_IS_ARRAY)
        return error_set(error, ERR_FORMAT, "objects: expected a list, got %s", json_kind_name(list));
    if (count > DEEPSTREAM_OBJECTS_MAX)
        return error_set(error, ERR_INVALID, "objects: %zu; at most %d are possible", count,
                         DEEPSTREAM_OBJECTS_MAX);
    m->detections = calloc(count + 1, sizeof *m->detections);
    if (!m->detections)
        return error_nomem(error, "objects");
    for (size_t i = 0; i < count; i++) {
        bool kept = false;
        const char *object = json_as_string(json_at(list, i), NULL);
        int result = object ? read_object(object, uri, &m->detections[m->count], &kept, error)
                            : error_set(error, ERR_FORMAT, "expected a text, got %s",
                                        json_kind_name(json_at(list, i)));
        if (result < 0)
            return error_prefix(error, "objects[%zu]", i);
        m->count += kept;
    }
    return 0;
}

/* ---- full ---- */

/* An application that does not track gives every object one of these. */
static bool is_untracked(const char *id)
{
    return id[0] == '\0' || strcmp(id, "-1") == 0 || strcmp(id, "18446744073709551615") == 0;
}

static uint64_t hash(const char *text) /* FNV-1a */
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return h ? h : 1;
}

static bool text_of(const struct json *value, char *out, size_t size)
{
    if (json_kind(value) == JSON_IS_NUMBER)
        text_format(out, size, "%lld", (long long)json_as_int(value, -1));
    else if (json_kind(value) == JSON_IS_STRING)
        text_copy(out, size, json_as_string(value, ""));
    else
        return false;
    return out[0] != '\0';
}

/* The member of `object` that is named like a person. */
static const struct json *find_person(const struct json *object, const struct object_uri *uri,
                                      const char **name)
{
    const struct json *value;
    for (size_t i = 0; i < MEMBERS_MOST && json_entry(object, i, name, &value); i++)
        if (json_kind(value) == JSON_IS_OBJECT && detection_is_person(uri, *name))
            return value;
    return NULL;
}

static int read_person(const struct json *object, const struct json *person, const char *name,
                       struct detection *d, bool *kept, struct error *error)
{
    double edge[4];
    const struct json *bbox = json_get(object, "bbox"), *confidence = json_get(person, "confidence");
    for (size_t i = 0; i < 4; i++) {
        const struct json *value = json_get(bbox, CORNERS[i]);
        edge[i] = json_as_number(value, NAN);
        if (!isfinite(edge[i]))
            return error_set(error, ERR_FORMAT, "object.bbox.%s: %s%s", CORNERS[i],
                             value ? "expected a number, got " : "missing",
                             value ? json_kind_name(value) : "");
    }
    double score = json_as_number(confidence, confidence ? NAN : 1);
    if (!(score <= 1))
        return error_set(error, ERR_INVALID, "object.%s.confidence: expected a number of at most 1", name);
    d->score = score_of(score);
    int result = make_box(edge, &d->box, kept, error);
    return result < 0 ? error_prefix(error, "object.bbox") : 0;
}

static int read_full(const struct json *root, const struct object_uri *uri, struct deepstream_message *m,
                     struct error *error)
{
    char id[64];
    const char *name;
    bool kept = false;
    const struct json *object = json_get(root, "object");
    m->full = true;
    if (json_kind(object) != JSON_IS_OBJECT)
        return error_set(error, ERR_FORMAT, "object: expected an object, got %s", json_kind_name(object));
    if (text_of(json_get(object, "id"), id, sizeof id) && !is_untracked(id))
        m->object_id = hash(id);
    const struct json *person = find_person(object, uri, &name);
    m->detections = calloc(1, sizeof *m->detections);
    if (!m->detections)
        return error_nomem(error, "an object");
    int result = person ? read_person(object, person, name, m->detections, &kept, error) : 0;
    m->count = kept;
    return result;
}

/* ---- both ---- */

static int read_time(const struct json *root, struct deepstream_message *m, struct error *error)
{
    const struct json *time = json_get(root, "@timestamp");
    const char *text = json_as_string(time, NULL);
    if (!text)
        return error_set(error, ERR_FORMAT, "@timestamp: %s%s", time ? "expected a text, got " : "missing",
                         time ? json_kind_name(time) : "");
    int result = time_parse(text, &m->time_ns, error);
    return result < 0 ? error_prefix(error, "@timestamp") : 0;
}

static int read_sensor(const struct json *root, bool minimal, struct deepstream_message *m,
                       struct error *error)
{
    const struct json *id = minimal ? json_get(root, "sensorId") : json_get(json_get(root, "sensor"), "id");
    if (text_of(id, m->sensor, sizeof m->sensor))
        return 0;
    return error_set(error, ERR_FORMAT, "%s: missing", minimal ? "sensorId" : "sensor.id");
}

static int read_root(const struct json *root, const struct object_uri *uri, struct deepstream_message *m,
                     struct error *error)
{
    if (json_kind(root) != JSON_IS_OBJECT)
        return error_set(error, ERR_FORMAT, "expected an object, got %s", json_kind_name(root));
    bool minimal = json_get(root, "objects") != NULL;
    if (!minimal && !json_get(root, "object"))
        return error_set(error, ERR_FORMAT,
                         "object: missing, and objects too: neither of DeepStream's schemas");
    int result = read_sensor(root, minimal, m, error);
    if (result == 0 && uri->sensor[0] && strcmp(m->sensor, uri->sensor) != 0)
        return 1;
    if (result == 0)
        result = read_time(root, m, error);
    if (result == 0)
        result = minimal ? read_minimal(root, uri, m, error) : read_full(root, uri, m, error);
    return result;
}

int deepstream_message_parse(const char *text, size_t size, const struct object_uri *uri,
                             struct deepstream_message *message, struct error *error)
{
    struct json *root = NULL;
    *message = (struct deepstream_message){0};
    int result = size > DEEPSTREAM_BYTES_MAX
                     ? error_set(error, ERR_FULL, "longer than %d bytes", DEEPSTREAM_BYTES_MAX)
                     : json_parse(text, size, &root, error);
    if (result == 0)
        result = read_root(root, uri, message, error);
    json_free(root);
    if (result != 0) {
        free(message->detections);
        message->detections = NULL;
        message->count = 0;
    }
    return result;
}
