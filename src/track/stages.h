/* The matching stages of one picture and the state they work on; private to src/track. */
#ifndef SCI_TRACK_STAGES_H
#define SCI_TRACK_STAGES_H

#include <stddef.h>
#include <stdint.h>

#include "track/matching.h"
#include "track/person.h"
#include "track/tracker.h"

enum box_use { BOX_IGNORED, BOX_LOW, BOX_HIGH, BOX_TAKEN };

struct tracker {
    struct tracker_params params;
    struct matching *matching;
    int64_t time_ns; /* of the last picture; -1 before the first */
    double frame_s;  /* usual time between two pictures, smoothed */
    int64_t next_id;
    size_t person_count, person_capacity;
    struct person *people; /* in order of birth */
    size_t box_capacity;
    unsigned char *box_use;      /* enum box_use per detection */
    struct ground_place *places; /* per detection */
    int32_t *columns;            /* detections of the present stage */
    size_t row_capacity;
    int32_t *rows;  /* people of the present stage */
    double *shifts; /* 2 per person */
    size_t track_capacity;
    struct track *tracks; /* published */
    size_t feature_size;
    float *features; /* person_capacity x feature_size: mean appearance of each */
};

/* All stages, births and deaths; the people are predicted already. */
int stages_run(struct tracker *t, const struct tracker_input *input, struct error *error);
/* Shifts everybody by what most people did beyond their prediction: the camera moved. */
int stages_steady(struct tracker *t, const struct tracker_input *input, struct error *error);

#endif
