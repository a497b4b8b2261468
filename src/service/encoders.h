/* JPEG encoders that keep their memory, lent to whichever thread needs one. Thread-safe. */
#ifndef SCI_SERVICE_ENCODERS_H
#define SCI_SERVICE_ENCODERS_H

#include "base/buffer.h"
#include "base/error.h"
#include "core/picture.h"

struct encoders; /* opaque */

struct encoders *encoders_create(void); /* NULL without memory */
void encoders_destroy(struct encoders *encoders);
/* Appends the picture as JPEG, at most `most_width` wide (0 = as it is); `width` and `height` receive the
 * still's size. */
int encoders_encode(struct encoders *encoders, const struct picture *picture, int most_width, int quality,
                    struct buffer *out, int *width, int *height, struct error *error);

#endif
