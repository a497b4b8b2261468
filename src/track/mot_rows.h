/*
 * Rows of MOTChallenge text files: frame,id,x,y,w,h and up to three more numbers, whose meaning the reader of
 * the rows knows (detections and results: score; ground truth: flag, class, visibility). Boxes in pixels,
 * unshifted; frames as they are written.
 */
#ifndef SCI_TRACK_MOT_ROWS_H
#define SCI_TRACK_MOT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

enum { MOT_EXTRA = 3 };

struct mot_row {
    int64_t frame, id;
    double x, y, w, h;
    double extra[MOT_EXTRA]; /* -1 where the row ends earlier */
};

struct mot_rows {
    struct mot_row *rows; /* malloc'd */
    size_t count;
};

/*
 * Text to rows, ordered by frame, within a frame as in the text. Fields are separated by commas, spaces or
 * tabs; empty lines are skipped; columns after the ninth are ignored. Every row has at least `columns` (6 to
 * 9) numbers, all finite, frame and id whole. ERR_FORMAT reads "NAME:LINE: column N: ...". On failure `out`
 * is empty. Free with mot_rows_free.
 */
int mot_rows_parse(const char *text, size_t size, const char *name, int columns, struct mot_rows *out,
                   struct error *error);
void mot_rows_free(struct mot_rows *rows);

/* The largest i with rows[i].frame <= frame, plus one: where the rows after `frame` begin. */
size_t mot_rows_after(const struct mot_rows *rows, int64_t frame);

/* One result row: two decimals for the box, as many as the score needs at most four. */
void mot_row_write(struct buffer *out, const struct mot_row *row);

#endif
