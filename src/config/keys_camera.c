/* The key table's part of a camera: its calibration, zones, lines and the stream itself. */
#include <math.h>

#include "config/calibration.h"
#include "config/check.h"
#include "config/keys.h"

static const char *const kind_choices[] = {"moving", "standing", "exit", NULL};
static const char *const coordinates_choices[] = {"image", "ground", NULL};

#define HOMOGRAPHY(member) offsetof(struct homography_written, member)
static const struct config_key homography_keys[] = {
    {.name = "pairs",
     .type = KEY_ROWS,
     .offset = HOMOGRAPHY(pairs),
     .count_offset = HOMOGRAPHY(pair_count),
     .size = 4,
     .optional = true,
     .restarts = RESTARTS_CAMERA,
     .text = "At least four rows [px, py, X, Y]: a pixel of a picture of `size`, and where it is on the "
             "ground in metres. More are better: the residual shows a wrong one."},
    {.name = "matrix",
     .type = KEY_NUMBERS,
     .offset = HOMOGRAPHY(matrix),
     .size = 9,
     .optional = true,
     .restarts = RESTARTS_CAMERA,
     .text = "Instead of pairs: the nine numbers, row by row, of the matrix from pixels to metres."},
    {.name = "residual",
     .type = KEY_NUMBER,
     .offset = HOMOGRAPHY(residual_m),
     .least = 0,
     .most = 100,
     .unit = "m",
     .optional = true,
     .restarts = RESTARTS_CAMERA,
     .text =
         "With matrix: its root mean square error where it was fitted, if known. With pairs it is computed."},
};
static NEW_SECTION(section_homography, NULL, struct homography_written, homography_keys);

#define TSAI_KEY(key, unit_text, description)                                                                \
    {                                                                                                        \
        .name = #key, .type = KEY_NUMBER, .offset = offsetof(struct camera_tsai, key), .least = -INFINITY,   \
        .most = INFINITY, .unit = unit_text, .restarts = RESTARTS_CAMERA, .text = description                \
    }
static const struct config_key tsai_keys[] = {
    TSAI_KEY(ncx, "elements", "Sensor elements in a line."),
    TSAI_KEY(nfx, "pixels", "Pixels in a line."),
    TSAI_KEY(dx, "mm", "Distance of sensor elements, horizontally."),
    TSAI_KEY(dy, "mm", "Distance of sensor elements, vertically."),
    TSAI_KEY(dpx, "mm", "Distance of pixels, horizontally; this one is used."),
    TSAI_KEY(dpy, "mm", "Distance of pixels, vertically."),
    TSAI_KEY(focal, "mm", "Focal length."),
    TSAI_KEY(kappa1, "1/mm2", "Radial lens distortion."),
    TSAI_KEY(cx, "pixels", "Centre of distortion, horizontally."),
    TSAI_KEY(cy, "pixels", "Centre of distortion, vertically."),
    TSAI_KEY(sx, NULL, "Horizontal scale."),
    TSAI_KEY(tx, "mm", "Translation from the world to the camera."),
    TSAI_KEY(ty, "mm", "Translation."),
    TSAI_KEY(tz, "mm", "Translation."),
    TSAI_KEY(rx, "rad", "Rotation from the world to the camera about x."),
    TSAI_KEY(ry, "rad", "Rotation about y."),
    TSAI_KEY(rz, "rad", "Rotation about z."),
};
static NEW_SECTION(section_tsai, NULL, struct camera_tsai, tsai_keys);

#define PINHOLE_KEY(key, unit_text, default_text, description)                                               \
    {                                                                                                        \
        .name = #key, .type = KEY_NUMBER, .offset = offsetof(struct camera_pinhole, key),                    \
        .least = -INFINITY, .most = INFINITY, .unit = unit_text, .fallback = default_text,                   \
        .restarts = RESTARTS_CAMERA, .text = description                                                     \
    }
static const struct config_key pinhole_keys[] = {
    PINHOLE_KEY(fx, "pixels", NULL, "Focal length, horizontally."),
    PINHOLE_KEY(fy, "pixels", NULL, "Focal length, vertically."),
    PINHOLE_KEY(cx, "pixels", NULL, "Principal point, horizontally."),
    PINHOLE_KEY(cy, "pixels", NULL, "Principal point, vertically."),
    PINHOLE_KEY(k1, NULL, "0", "Radial lens distortion."),
    PINHOLE_KEY(k2, NULL, "0", "Radial lens distortion."),
    PINHOLE_KEY(p1, NULL, "0", "Tangential lens distortion."),
    PINHOLE_KEY(p2, NULL, "0", "Tangential lens distortion."),
    PINHOLE_KEY(k3, NULL, "0", "Radial lens distortion."),
    {.name = "rotation",
     .type = KEY_NUMBERS,
     .offset = offsetof(struct camera_pinhole, r),
     .size = 9,
     .restarts = RESTARTS_CAMERA,
     .text = "Nine numbers, row by row: rotation from the world to the camera."},
    {.name = "translation",
     .type = KEY_NUMBERS,
     .offset = offsetof(struct camera_pinhole, t),
     .size = 3,
     .unit = "m",
     .restarts = RESTARTS_CAMERA,
     .text = "Three numbers: translation from the world to the camera."},
};
static NEW_SECTION(section_pinhole, NULL, struct camera_pinhole, pinhole_keys);

#define CALIBRATION(member) offsetof(struct calibration_written, member)
static const struct config_key calibration_keys[] = {
    {.name = "size",
     .type = KEY_PICTURE_SIZE,
     .offset = CALIBRATION(width),
     .optional = true,
     .restarts = RESTARTS_CAMERA,
     .text = "WIDTHxHEIGHT of the picture that the numbers below belong to; other sizes of the same view are "
             "scaled. Needed unless file says it."},
    {.name = "file",
     .type = KEY_TEXT,
     .offset = CALIBRATION(file),
     .optional = true,
     .restarts = RESTARTS_CAMERA,
     .text = "File with Tsai's model in the XML of PETS 2009. One of file, homography, tsai and pinhole is "
             "given."},
    {.name = "homography",
     .type = KEY_SECTION,
     .offset = CALIBRATION(homography),
     .present_offset = CALIBRATION(has_homography),
     .section = &section_homography,
     .optional = true,
     .text = "A plane map, from pairs of points or a matrix."},
    {.name = "tsai",
     .type = KEY_SECTION,
     .offset = CALIBRATION(tsai),
     .present_offset = CALIBRATION(has_tsai),
     .section = &section_tsai,
     .optional = true,
     .text = "Tsai's camera model, with lens distortion."},
    {.name = "pinhole",
     .type = KEY_SECTION,
     .offset = CALIBRATION(pinhole),
     .present_offset = CALIBRATION(has_pinhole),
     .section = &section_pinhole,
     .optional = true,
     .text = "Intrinsics and extrinsics with lens distortion (Brown-Conrady)."},
};
NEW_SECTION(section_calibration, NULL, struct calibration_written, calibration_keys);
static const struct key_conversion camera_conversion = {
    sizeof(struct calibration_written), sizeof(struct camera_model), calibration_keep, calibration_write};

#define ZONE(member) offsetof(struct zone, member)
static const struct config_key zone_keys[] = {
    {.name = "id",
     .type = KEY_IDENTIFIER,
     .offset = ZONE(id),
     .restarts = RESTARTS_CAMERA,
     .text = "Name of the zone, unique among the stream's zones and lines. An alert belongs to it."},
    {.name = "polygon",
     .type = KEY_POINTS,
     .offset = ZONE(corners),
     .count_offset = ZONE(corner_count),
     .restarts = RESTARTS_CAMERA,
     .text =
         "Corners [[x, y], ...], at least three, of a polygon that does not cross itself; closed by itself."},
    {.name = "coordinates",
     .type = KEY_CHOICE,
     .offset = ZONE(coordinates),
     .choices = coordinates_choices,
     .fallback = "image",
     .restarts = RESTARTS_CAMERA,
     .text =
         "image: 0-1 of the picture, x right, y down. ground: metres on the ground; needs a calibration."},
    {.name = "kind",
     .type = KEY_CHOICE,
     .offset = ZONE(kind),
     .choices = kind_choices,
     .fallback = "moving",
     .restarts = RESTARTS_CAMERA,
     .text =
         "moving, standing or exit: what people do there. Chooses the thresholds of the built-in alerts."},
    {.name = "capacity",
     .type = KEY_NUMBER,
     .offset = ZONE(capacity),
     .fallback = "0",
     .least = 0,
     .most = 1e6,
     .unit = "people",
     .restarts = RESTARTS_CAMERA,
     .text = "People that may be in the zone; 0 = not stated. Occupancy is shown beside it."},
};
static NEW_SECTION(section_zone, "Zones", struct zone, zone_keys, .check = check_zone);

#define LINE(member) offsetof(struct line, member)
static const struct config_key line_keys[] = {
    {.name = "id",
     .type = KEY_IDENTIFIER,
     .offset = LINE(id),
     .restarts = RESTARTS_CAMERA,
     .text = "Name of the line, unique among the stream's zones and lines."},
    {.name = "points",
     .type = KEY_POINTS,
     .offset = LINE(points),
     .count_offset = LINE(point_count),
     .restarts = RESTARTS_CAMERA,
     .text = "At least two points [[x, y], ...]. In is from the left to the right side of who walks from the "
             "first to the last."},
    {.name = "coordinates",
     .type = KEY_CHOICE,
     .offset = LINE(coordinates),
     .choices = coordinates_choices,
     .fallback = "image",
     .restarts = RESTARTS_CAMERA,
     .text = "image or ground, as for zones."},
    {.name = "width_m",
     .type = KEY_NUMBER,
     .offset = LINE(width_m),
     .fallback = "0",
     .least = 0,
     .most = 1000,
     .unit = "m",
     .restarts = RESTARTS_CAMERA,
     .text = "Clear width of the exit; 0 = not stated."},
};
static NEW_SECTION(section_line, "Lines", struct line, line_keys, .check = check_line);

static const char *const source_choices[] = {"auto", "flow", "vectors", NULL};
static const char *const when_choices[] = {"dense", "always", "never", NULL};

#define MOTION(member) offsetof(struct motion_config, member)
static const struct config_key motion_keys[] = {
    {.name = "when",
     .type = KEY_CHOICE,
     .offset = MOTION(when),
     .choices = when_choices,
     .fallback = "dense",
     .restarts = RESTARTS_CAMERA,
     .text = "dense: while people are too close together to be found one by one. always and never are what "
             "they say. Optical flow, 1.5 to 4.5 ms of one core for a picture by its size, at most twelve a "
             "second. Needs a calibration, and a camera that stands still."},
    {.name = "source",
     .type = KEY_CHOICE,
     .offset = MOTION(source),
     .choices = source_choices,
     .fallback = "auto",
     .restarts = RESTARTS_CAMERA,
     .text = "flow: optical flow. vectors: what the video's coder found (H.264, MPEG-4; decoded by the "
             "processor), a third of the cost and of the places known, and less exact; where there is none, "
             "flow. auto: flow (measures.md)."},
};
static NEW_SECTION(section_motion, NULL, struct motion_config, motion_keys);

#define STREAM(member) offsetof(struct stream_config, member)
static const struct config_key stream_keys[] = {
    {.name = "stream_id",
     .type = KEY_IDENTIFIER,
     .offset = STREAM(stream_id),
     .restarts = RESTARTS_CAMERA,
     .text = "Name of the camera, unique."},
    {.name = "uri",
     .type = KEY_TEXT,
     .offset = STREAM(uri),
     .secret = true,
     .restarts = RESTARTS_CAMERA,
     .text =
         "rtsp://, rtsps://, http:// or https:// address, v4l2:///dev/video0, the path of a file or "
         "a folder of images, or a source without pictures (cameras.md). Credentials in it are never shown."},
    {.name = "location",
     .type = KEY_TEXT,
     .offset = STREAM(location),
     .fallback = "",
     .restarts = RESTARTS_NOTHING,
     .text = "Where the camera is, for people."},
    {.name = "enabled",
     .type = KEY_BOOL,
     .offset = STREAM(enabled),
     .fallback = "true",
     .restarts = RESTARTS_CAMERA,
     .text = "false: known, but not opened."},
    {.name = "loop",
     .type = KEY_BOOL,
     .offset = STREAM(loop),
     .fallback = "false",
     .restarts = RESTARTS_CAMERA,
     .text = "Files: begin again at the end."},
    {.name = "paced",
     .type = KEY_BOOL,
     .offset = STREAM(paced),
     .fallback = "true",
     .restarts = RESTARTS_CAMERA,
     .text = "Files: at the speed of life, not as fast as possible."},
    {.name = "record",
     .type = KEY_BOOL,
     .offset = STREAM(record),
     .fallback = "true",
     .restarts = RESTARTS_CAMERA,
     .text = "false: the recorder leaves this camera out, and its alerts have no clip."},
    {.name = "target_fps",
     .type = KEY_NUMBER,
     .offset = STREAM(target_fps),
     .fallback = "0",
     .least = 0,
     .most = 120,
     .unit = "pictures/s",
     .restarts = RESTARTS_CAMERA,
     .text = "Pictures analysed per second; 0 = as many as the camera gives, up to inference.max_fps."},
    {.name = "quiet_fps",
     .type = KEY_NUMBER,
     .offset = STREAM(quiet_fps),
     .fallback = "0",
     .least = 0,
     .most = 120,
     .unit = "pictures/s",
     .restarts = RESTARTS_CAMERA,
     .text = "Pictures analysed per second while nobody is in sight; the more people, and the faster they "
             "move, the nearer to target_fps. 0, or not below it: always target_fps."},
    {.name = "frame_rate",
     .type = KEY_NUMBER,
     .offset = STREAM(frame_rate),
     .fallback = "0",
     .least = 0,
     .most = 1000,
     .unit = "pictures/s",
     .restarts = RESTARTS_CAMERA,
     .text = "True rate of a file whose header is wrong; 0 = believe the header. Speeds depend on it."},
    {.name = "calibration",
     .type = KEY_CONVERTED,
     .offset = STREAM(camera),
     .section = &section_calibration,
     .conversion = &camera_conversion,
     .optional = true,
     .restarts = RESTARTS_CAMERA,
     .text = "From pixels to metres on the ground. Left out: uncalibrated, and nothing is said in metres."},
    {.name = "detection",
     .type = KEY_SECTION,
     .offset = STREAM(detection),
     .section = &section_detection,
     .inherits = true,
     .restarts = RESTARTS_CAMERA,
     .text = "Any key of detection, for this camera alone."},
    {.name = "counting",
     .type = KEY_SECTION,
     .offset = STREAM(counting),
     .section = &section_counting,
     .inherits = true,
     .restarts = RESTARTS_CAMERA,
     .text = "Any key of counting, for this camera alone."},
    {.name = "motion",
     .type = KEY_SECTION,
     .offset = STREAM(motion),
     .section = &section_motion,
     .restarts = RESTARTS_CAMERA,
     .text = "How the crowd moves on the ground (motion_speed and its kin), without following anybody."},
    {.name = "health",
     .type = KEY_SECTION,
     .offset = STREAM(health),
     .section = &section_health,
     .inherits = true,
     .restarts = RESTARTS_CAMERA,
     .text = "Any key of health, for this camera alone."},
    {.name = "zones",
     .type = KEY_LIST,
     .offset = STREAM(zones),
     .count_offset = STREAM(zone_count),
     .size = ZONES_MAX,
     .section = &section_zone,
     .restarts = RESTARTS_CAMERA,
     .text = "Places whose people are counted."},
    {.name = "lines",
     .type = KEY_LIST,
     .offset = STREAM(lines),
     .count_offset = STREAM(line_count),
     .size = LINES_MAX,
     .section = &section_line,
     .restarts = RESTARTS_CAMERA,
     .text = "Lines at which people are counted in and out."},
};
NEW_SECTION(section_stream, "Streams", struct stream_config, stream_keys, .begin = begin_stream,
            .check = check_stream);
