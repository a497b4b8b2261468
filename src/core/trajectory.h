/*
 * Recorded trajectories: who was where in which frame. Read from text (bytes; nothing is opened here):
 *
 * - CSV with a header that names id, frame, x and y in any order; commas, semicolons, tabs or spaces; more
 * columns do no harm.
 * - Text of the Juelich laboratory, PeTrack and JuPedSim: `#` comments, rows `id frame x y [z ...]`. A
 * comment that names columns
 *   ("# id frame x/m y/m z/m", "#ID FR X Y") or a rate ("# framerate: 25") is understood.
 * - obsmat of ETH and UCY: rows of eight numbers, `frame id x z y vx vz vy`.
 *
 * Positions are given in metres. A number that is not finite, a row that is too short and a person who is
 * twice in one frame are refused with row and column. Rows may come in any order.
 */
#ifndef SCI_CORE_TRAJECTORY_H
#define SCI_CORE_TRAJECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "geo/point.h"

struct trajectory_options {
    double unit_m;       /* metres per unit of the file; 0 = as a comment says ("x/cm"), else metres */
    const char *columns; /* "id,frame,x,y" for text without a header in another order; NULL = find out */
};

struct trajectories {
    size_t count; /* rows, by frame, then by id */
    int64_t *id, *frame;
    struct point *position; /* metres */
    size_t frame_count;     /* frames with somebody in them */
    size_t *frame_start;    /* frame_count + 1: rows of the k-th frame */
    size_t *by_person;      /* rows, by id, then by frame */
    double frame_rate;      /* as a comment says; 0 = not said */
};

/* On failure nothing is owned. ERR_FORMAT or ERR_INVALID with row and column; ERR_NOMEM. No row at all is an
 * error. */
int trajectories_parse(const char *bytes, size_t size, const struct trajectory_options *options,
                       struct trajectories *trajectories, struct error *error);
void trajectories_free(struct trajectories *trajectories);

#endif
