#include "cli/analyze_video.h"

#include <stdlib.h>

#include "media/annotate.h"
#include "media/video_writer.h"

struct analyze_video {
    struct camera_model camera;
    double scale_x, scale_y; /* from the camera model's pixels to the picture's */
    struct annotator *annotator;
    struct video_writer *writer;
};

static bool ground_to_image(void *user, struct point ground, struct point *pixel)
{
    const struct analyze_video *v = user;

    if (!camera_to_image(&v->camera, ground, 0, pixel))
        return false;
    pixel->x *= v->scale_x;
    pixel->y *= v->scale_y;
    return true;
}

int analyze_video_open(const char *path, double rate, const struct camera_model *camera,
                       struct analyze_video **video, struct error *error)
{
    struct analyze_video *v = calloc(1, sizeof *v);
    struct annotate_options options = {.user = v};
    int result;

    *video = NULL;
    if (!v)
        return error_nomem(error, "an annotated video");
    v->camera = *camera;
    if (camera->kind != CAMERA_NONE)
        options.ground_to_image = ground_to_image;
    result = annotator_create(&options, &v->annotator, error);
    if (result == 0)
        result = video_writer_open(path, rate, &v->writer, error);
    if (result < 0) {
        annotator_destroy(&v->annotator);
        free(v);
        return result;
    }
    *video = v;
    return 0;
}

int analyze_video_add(struct analyze_video *v, const struct snapshot *snapshot, const struct picture *picture,
                      struct error *error)
{
    const struct picture *drawn;
    int result;

    v->scale_x = v->camera.width > 0 ? picture->width / v->camera.width : 1;
    v->scale_y = v->camera.height > 0 ? picture->height / v->camera.height : 1;
    result = annotator_draw(v->annotator, snapshot, picture, &drawn, error);
    return result < 0 ? result : video_writer_add(v->writer, drawn, snapshot->stream_ns, error);
}

int analyze_video_close(struct analyze_video **video, struct error *error)
{
    struct analyze_video *v = *video;
    int result;

    *video = NULL;
    if (!v)
        return 0;
    result = video_writer_close(&v->writer, error);
    annotator_destroy(&v->annotator);
    free(v);
    return result;
}
