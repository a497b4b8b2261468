#include "config/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "config/calibration_xml.h"
#include "config/check.h"

enum { CALIBRATION_FILE_MAX = 1 << 20 };

static int complain(struct config_reader *reader, const struct node *node, const char *key,
                    const struct error *error)
{
    if (error->code == ERR_NOMEM) {
        return ERR_NOMEM;
    }
    reader_complain(reader, node, key, "%s", error->text);
    return 0;
}

static int keep_pairs(const struct homography_written *written, struct camera_model *camera,
                      struct error *error)
{
    size_t count = written->pair_count;
    struct point *points = calloc(count > 0 ? 2 * count : 1, sizeof *points);
    if (points == NULL) {
        return error_nomem(error, "calibration");
    }
    for (size_t i = 0; i < count; i++) {
        const double *row = &written->pairs[4 * i];
        points[i] = (struct point){row[0], row[1]};
        points[count + i] = (struct point){row[2], row[3]};
    }
    struct homography_fit fit = {0};
    int rc = homography_fit(points, points + count, count, &fit, error);
    free(points);
    camera->u.to_ground = fit.map;
    camera->residual_m = fit.rms;
    return rc;
}

static int keep_homography(struct config_reader *reader, const struct node *node,
                           const struct homography_written *written, struct camera_model *camera)
{
    bool has_matrix = !isnan(written->matrix[0]);
    struct error error = {0};
    camera->kind = CAMERA_HOMOGRAPHY;
    if (has_matrix == (written->pair_count > 0)) {
        reader_complain(reader, node_get(node, "homography"), "homography",
                        "either pairs or matrix has to be given");
        return 0;
    }
    if (has_matrix) {
        memcpy(camera->u.to_ground.h, written->matrix, sizeof written->matrix);
        camera->residual_m = written->residual_m;
        return 0;
    }
    int rc = keep_pairs(written, camera, &error);
    return rc == 0 ? 0
                   : complain(reader, node_get(node_get(node, "homography"), "pairs"), "homography.pairs",
                              &error);
}

static int keep_file(struct config_reader *reader, const struct node *node, const char *path,
                     struct camera_model *camera)
{
    struct error error = {0};
    const struct node *place = node_get(node, "file");
    if (!reader->trusted && !path_is_allowed(reader->config, path)) {
        reader_complain(reader, place, "file", "outside the folders of media.allowed_dirs");
        return 0;
    }
    if (reader->in_calibration_file) {
        reader_complain(reader, place, "file", "a calibration file cannot name another one");
        return 0;
    }
    return calibration_load(path, camera, &error) == 0 ? 0 : complain(reader, place, "file", &error);
}

static int keep_chosen(struct config_reader *reader, const struct node *node,
                       const struct calibration_written *written, struct camera_model *camera)
{
    if (written->file != NULL) {
        return keep_file(reader, node, written->file, camera);
    }
    camera->width = written->width;
    camera->height = written->height;
    if (written->width == 0) {
        reader_complain(reader, node, "size",
                        "missing: the numbers belong to a picture of some WIDTHxHEIGHT");
        return 0;
    }
    if (written->has_homography) {
        return keep_homography(reader, node, &written->homography, camera);
    }
    if (written->has_tsai) {
        camera->kind = CAMERA_TSAI;
        camera->u.tsai = written->tsai;
        camera->u.tsai.width = camera->width;
        camera->u.tsai.height = camera->height;
        return 0;
    }
    camera->kind = CAMERA_PINHOLE;
    camera->u.pinhole = written->pinhole;
    camera->u.pinhole.width = camera->width;
    camera->u.pinhole.height = camera->height;
    return 0;
}

int calibration_keep(struct config_reader *reader, const struct node *node, const void *written_as,
                     void *kept)
{
    const struct calibration_written *written = written_as;
    struct camera_model *camera = kept;
    int given = (written->file != NULL) + written->has_homography + written->has_tsai + written->has_pinhole;
    if (given != 1) {
        reader_complain(reader, node, NULL, "%s of file, homography, tsai and pinhole has to be given",
                        given == 0 ? "one" : "only one");
        return 0;
    }
    camera->residual_m = NAN;
    size_t before = reader->report->total;
    int rc = keep_chosen(reader, node, written, camera);
    if (rc != 0 || reader->report->total != before || written->file != NULL) {
        return rc;
    }
    struct error error = {0};
    return camera_prepare(camera, &error) == 0 ? 0 : complain(reader, node, NULL, &error);
}

static void set_absent(struct calibration_written *written)
{
    written->homography.matrix[0] = NAN;
    written->homography.residual_m = NAN;
}

bool calibration_write(const void *kept, void *written_as)
{
    const struct camera_model *camera = kept;
    struct calibration_written *written = written_as;
    set_absent(written);
    written->width = (int)camera->width;
    written->height = (int)camera->height;
    switch (camera->kind) {
    case CAMERA_HOMOGRAPHY:
        written->has_homography = true;
        memcpy(written->homography.matrix, camera->u.to_ground.h, sizeof written->homography.matrix);
        written->homography.residual_m = camera->residual_m;
        return true;
    case CAMERA_TSAI:
        written->has_tsai = true;
        written->tsai = camera->u.tsai;
        return true;
    case CAMERA_PINHOLE:
        written->has_pinhole = true;
        written->pinhole = camera->u.pinhole;
        return true;
    default:
        return false;
    }
}

static int load_xml(const struct buffer *text, const char *path, struct camera_model *camera,
                    struct error *error)
{
    camera->kind = CAMERA_TSAI;
    camera->residual_m = NAN;
    int rc = calibration_xml_parse(text->data, text->size, path, &camera->u.tsai, error);
    if (rc != 0) {
        return rc;
    }
    camera->width = camera->u.tsai.width;
    camera->height = camera->u.tsai.height;
    rc = camera_prepare(camera, error);
    return rc == 0 ? 0 : error_prefix(error, "%s", path);
}

static int read_yaml(struct config_reader *reader, const struct node *root, struct camera_model *camera)
{
    struct calibration_written written = {0};
    int rc = section_read(reader, &section_calibration, root, &written, false);
    if (rc == 0 && reader->report->total == 0) {
        rc = calibration_keep(reader, root, &written, camera);
    }
    section_release(&section_calibration, &written);
    return rc;
}

static int load_yaml(const struct buffer *text, const char *path, struct camera_model *camera,
                     struct error *error)
{
    const struct node *root = NULL;
    struct arena *arena = arena_create(4096);
    struct config_report *report = calloc(1, sizeof *report);
    int rc = arena == NULL || report == NULL ? error_nomem(error, path) : 0;
    if (rc == 0) {
        rc = node_from_yaml(text->data, text->size, path, arena, &root, error);
    }
    if (rc == 0) {
        report->name = path;
        struct config_reader reader = {.report = report, .trusted = true, .in_calibration_file = true};
        rc = read_yaml(&reader, root, camera);
        rc = rc == 0 ? report_finish(report, NULL, error) : error_nomem(error, path);
    }
    free(report);
    arena_destroy(arena);
    return rc;
}

int calibration_load(const char *path, struct camera_model *camera, struct error *error)
{
    struct buffer text = {0};
    *camera = (struct camera_model){0};
    int rc = file_read(path, CALIBRATION_FILE_MAX, &text, error);
    if (rc == 0) {
        size_t blank = text.data != NULL ? strspn(text.data, " \t\r\n\xef\xbb\xbf") : 0;
        bool is_xml = text.data != NULL && text.data[blank] == '<';
        rc = is_xml ? load_xml(&text, path, camera, error) : load_yaml(&text, path, camera, error);
    }
    buffer_free(&text);
    return rc;
}
