/* analyze_video: the annotated video of `sci analyze --video`: every picture with what was measured in it.
 * One thread. */
#ifndef SCI_CLI_ANALYZE_VIDEO_H
#define SCI_CLI_ANALYZE_VIDEO_H

#include "base/error.h"
#include "core/picture.h"
#include "core/snapshot.h"
#include "geo/camera.h"

struct analyze_video;

/* Creates the file. `rate` is nominal (0 = unknown); `camera` is copied. */
int analyze_video_open(const char *path, double rate, const struct camera_model *camera,
                       struct analyze_video **video, struct error *error);
int analyze_video_add(struct analyze_video *video, const struct snapshot *snapshot,
                      const struct picture *picture, struct error *error);
/* Ends the file and frees, also when it fails. Clears the pointer; NULL is fine. */
int analyze_video_close(struct analyze_video **video, struct error *error);

#endif
