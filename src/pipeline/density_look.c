#include "pipeline/density_look.h"

int density_look(const struct density_eyes *eyes, const struct camera_path *path,
                 const struct picture *picture, struct count_reading *reading, struct error *error)
{
    struct density_result result;
    int rc = density_is_head(eyes->network)
                 ? network_density(eyes->pass, camera_path_view(path), &result, error)
                 : density_infer(eyes->network, eyes->context, picture, camera_path_density_view(path),
                                 &result, error);
    if (rc == 0)
        *reading = density_reading(&result);
    return rc;
}
