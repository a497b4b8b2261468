/*
 * convert: a picture into another size, format, range and colour matrix, for drawing, stills and recordings
 * (the networks have their own pre-processing). A converter keeps what it needs between calls: no allocation
 * while the shapes stay the same. One thread at a time.
 */
#ifndef SCI_MEDIA_CONVERT_H
#define SCI_MEDIA_CONVERT_H

#include "base/error.h"
#include "core/picture.h"

struct converter;

struct converter *converter_create(void); /* NULL without memory */
void converter_destroy(struct converter **converter);

/*
 * Fills the pixels of `out`, which the caller made (picture_create) and alone holds; its format, size, matrix
 * and range say what is wanted. Formats of `out`: PIXEL_I420 (even sides), PIXEL_RGB24. Its times are not
 * touched. ERR_UNSUPPORTED for what cannot be converted, ERR_NOMEM.
 */
int converter_run(struct converter *converter, const struct picture *in, struct picture *out,
                  struct error *error);

#endif
