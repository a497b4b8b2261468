/*
 * heatmap: a density map drawn on its picture, with a legend. The colours say people per 100 x 100 pixels of
 * the displayed picture: without a calibration nothing is said in metres.
 */
#ifndef SCI_MEDIA_HEATMAP_H
#define SCI_MEDIA_HEATMAP_H

#include "base/error.h"
#include "core/count_map.h"
#include "core/picture.h"

/* A copy in RGB with the map over it (one reference). `title` is written in the upper left corner; NULL =
 * none. The colour scale ends at the greatest density there is, at least one person per 100 x 100 pixels, so
 * that noise in an empty picture stays pale. ERR_NOMEM, ERR_UNSUPPORTED. On failure *result is NULL. */
int heatmap_draw(const struct picture *picture, const struct count_map *map, const char *title,
                 struct picture **result, struct error *error);

#endif
