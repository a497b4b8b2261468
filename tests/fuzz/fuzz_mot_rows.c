/* MOTChallenge text: accepted rows are finite and in order of frames, and what is written reads back. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "track/mot_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mot_rows *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct mot_row *row = &r->rows[i];
        if (!isfinite(row->x) || !isfinite(row->y) || !isfinite(row->w) || !isfinite(row->h) ||
            (i > 0 && row->frame < r->rows[i - 1].frame)) {
            abort();
        }
        for (int k = 0; k < MOT_EXTRA; k++) {
            if (!isfinite(row->extra[k])) {
                abort();
            }
        }
    }
    if (r->count > 0 && (mot_rows_after(r, r->rows[r->count - 1].frame) != r->count ||
                         mot_rows_after(r, r->rows[0].frame - 1) != 0)) {
        abort();
    }
}

static void write_and_read(const struct mot_rows *r)
{
    struct buffer text = {0};
    struct mot_rows again;
    struct error error;
    for (size_t i = 0; i < r->count; i++) {
        const struct mot_row *row = &r->rows[i];
        /* numbers of more digits than a field holds are refused; the tracker writes none */
        if (fabs(row->x) + fabs(row->y) + fabs(row->w) + fabs(row->h) + fabs(row->extra[0]) < 1e30) {
            mot_row_write(&text, row);
        }
    }
    if (!text.failed && text.size > 0) {
        if (mot_rows_parse(text.data, text.size, "written", 7, &again, &error) != 0) {
            abort();
        }
        check(&again);
        mot_rows_free(&again);
    }
    buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mot_rows r;
    struct error error;
    if (size == 0) {
        return 0;
    }
    /* the first byte chooses how many columns there must be */
    if (mot_rows_parse((const char *)data + 1, size - 1, "fuzz", 6 + data[0] % 4, &r, &error) != 0) {
        if (r.rows != NULL || r.count != 0) {
            abort();
        }
        return 0;
    }
    check(&r);
    write_and_read(&r);
    mot_rows_free(&r);
    return 0;
}
