#include "media/source.h"

#include <stddef.h>

#include "base/uri.h"
#include "media/address.h"

static const struct source_kind *const kinds[] = {&source_kind_detections, &source_kind_trajectories,
                                                  &source_kind_images, &source_kind_ffmpeg};

const struct source_kind *source_kind_for(const char *uri, struct error *error)
{
    char scheme[32];

    if (!uri || !*uri) {
        error_set(error, ERR_INVALID, "the address of the source is empty");
        return NULL;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i]->accepts(uri))
            return kinds[i];
    uri_scheme(uri, scheme, sizeof scheme);
    error_set(error, ERR_UNSUPPORTED,
              "there is no source for \"%s://\" (known: a path, file, rtsp, rtsps, http, https, detections, "
              "trajectories, v4l2)",
              scheme);
    return NULL;
}
