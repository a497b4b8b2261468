/*
 * What is remembered about each person of one camera: recent ground positions, from which the velocity comes.
 * Records are found by the track's identity and keep their slot number while they live, so that others can
 * keep arrays beside them. No allocation once the greatest number of people has been seen. Not thread-safe.
 */
#ifndef SCI_CROWD_PEOPLE_H
#define SCI_CROWD_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "geo/point.h"

enum { PERSON_SAMPLES = 32 };

struct person {
    int64_t id;
    int64_t seen_ns; /* last time in the picture */
    int64_t born_ns;
    bool used;
    bool fresh;           /* made in this picture */
    unsigned head, count; /* ring of samples: `head` is the next to be written */
    struct {
        int64_t ns;
        struct point position;
    } samples[PERSON_SAMPLES];
    bool velocity_valid;
    struct point velocity; /* m/s */
    double velocity_error; /* one sigma per axis, m/s */
};

struct people; /* opaque */

struct people *people_create(void); /* NULL without memory */
void people_destroy(struct people **people);
/* The record of `id`, made when there is none. Its slot is at *slot. NULL without memory. A record's address
 * changes when the table grows. */
struct person *people_touch(struct people *people, int64_t id, int64_t now_ns, size_t *slot);
struct person *people_at(struct people *people, size_t slot);
size_t people_slots(const struct people *people); /* slots in use are below this */
/* Forgets whoever was last seen before `oldest_ns`. Call once a picture, before people_touch. */
void people_forget(struct people *people, int64_t oldest_ns);

/* Adds a measured position and fits the velocity to those of the last second. */
void person_add_position(struct person *person, int64_t now_ns, struct point position);
/* The velocity expires when no position was added for a second. */
void person_age(struct person *person, int64_t now_ns);

#endif
