#include "config/check_objects.h"

#include "base/text.h"
#include "config/check.h"
#include "core/object_uri.h"

void check_object_uri(struct config_reader *reader, const struct node *place, const char *uri)
{
    struct object_uri parsed;
    struct error error;
    if (object_uri_parse(uri, &parsed, &error) < 0) {
        reader_complain(reader, place, "uri", "%s", error.text);
    } else if (parsed.source != OBJECT_DEEPSTREAM && !reader->trusted &&
               !path_is_allowed(reader->config, parsed.path)) {
        reader_complain(reader, place, "uri", "the file is outside the folders of media.allowed_dirs");
    }
}

static void check_coordinates(struct config_reader *reader, const struct node *node, const char *list,
                              size_t index, enum zone_coordinates has, enum zone_coordinates wrong)
{
    char key[48];
    if (has != wrong)
        return;
    text_format(key, sizeof key, "%s[%zu].coordinates", list, index);
    reader_complain(reader, node_get(node_item(node, list, index), "coordinates"), key,
                    wrong == COORDINATES_GROUND
                        ? "ground needs a calibration of the stream"
                        : "positions have no picture: write ground, or give the calibration "
                          "of a camera that sees them");
}

void check_place_coordinates(struct config_reader *reader, const struct node *node,
                             const struct stream_config *stream)
{
    bool wrong_calibration = !node_is_absent(node_get(node, "calibration"));
    if (stream->camera.kind != CAMERA_NONE || wrong_calibration)
        return;
    bool on_ground = stream->uri != NULL && object_uri_source(stream->uri) == OBJECT_TRAJECTORIES;
    enum zone_coordinates wrong = on_ground ? COORDINATES_IMAGE : COORDINATES_GROUND;
    for (size_t i = 0; i < stream->zone_count; i++)
        check_coordinates(reader, node, "zones", i, stream->zones[i].coordinates, wrong);
    for (size_t i = 0; i < stream->line_count; i++)
        check_coordinates(reader, node, "lines", i, stream->lines[i].coordinates, wrong);
}
