/*
 * Collective oscillation of dense crowds: from about 4 people per m2 hundreds of people circle slowly
 * together (Gu et al., Nature 638, 112, 2025). Blocks of 4 m keep their mean velocity twice a second for two
 * minutes. A circling block has v_x and v_y a quarter period apart, so its velocity as a complex number v_x +
 * i v_y has one line in its rotary spectrum; it is looked for between 0.03 and 0.2 Hz, and must be there in a
 * neighbouring block too. Metres from the area's corner, m/s, stream time.
 */
#ifndef SCI_CROWD_OSCILLATION_H
#define SCI_CROWD_OSCILLATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/measure.h"
#include "geo/point.h"

struct oscillation; /* opaque */

int oscillation_create(double width_m, double height_m, struct oscillation **oscillation,
                       struct error *error);
void oscillation_destroy(struct oscillation **oscillation);
void oscillation_add(struct oscillation *oscillation, int64_t now_ns, struct point at, struct point velocity,
                     double density);
/* Amplitude of the strongest coherent circling, m/s. Evaluated every two seconds; in between the last answer
 * stands. */
struct measure oscillation_measure(struct oscillation *oscillation, int64_t now_ns);

#endif
