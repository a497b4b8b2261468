#include "track/mot_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { COLUMNS = 6 + MOT_EXTRA, FIELD_MAX = 64 };

/* Whole numbers up to here are exact in a double. */
#define WHOLE_MAX 9007199254740992.0

struct reader {
    const char *name;
    size_t line;
    const char *at, *end; /* the rest of the line */
};

static int fail(const struct reader *r, int column, const char *what, struct error *error)
{
    return error_set(error, ERR_FORMAT, "%s:%zu: column %d: %s", r->name, r->line, column, what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && is_blank(*r->at)) {
        r->at++;
    }
}

/* One number and the separator after it. */
static int read_number(struct reader *r, int column, double *value, struct error *error)
{
    char field[FIELD_MAX];
    size_t n = 0;
    skip_blanks(r);
    while (r->at < r->end && *r->at != ',' && !is_blank(*r->at)) {
        if (n + 1 == sizeof field) {
            return fail(r, column, "too long for a number", error);
        }
        field[n++] = *r->at++;
    }
    field[n] = '\0';
    if (n == 0) {
        return fail(r, column, "empty", error);
    }
    if (memchr(field, '\0', n) != NULL || !text_to_double(field, value)) {
        return fail(r, column, "not a finite number", error);
    }
    skip_blanks(r);
    if (r->at < r->end && *r->at == ',') {
        r->at++;
        skip_blanks(r);
        if (r->at == r->end && column < COLUMNS) {
            return fail(r, column + 1, "empty", error);
        }
    }
    return 0;
}

static int read_row(struct reader *r, int columns, struct mot_row *row, struct error *error)
{
    double v[COLUMNS] = {0, 0, 0, 0, 0, 0, -1, -1, -1};
    int n = 0;
    while (n < COLUMNS && r->at < r->end) {
        int rc = read_number(r, n + 1, &v[n], error);
        if (rc != 0) {
            return rc;
        }
        n++;
    }
    if (n < columns) {
        return fail(r, n + 1, "missing", error);
    }
    for (int k = 0; k < 2; k++) {
        if (v[k] != trunc(v[k]) || fabs(v[k]) > WHOLE_MAX) {
            return fail(r, k + 1, "not a whole number", error);
        }
    }
    *row = (struct mot_row){(int64_t)v[0], (int64_t)v[1], v[2], v[3], v[4], v[5], {v[6], v[7], v[8]}};
    return 0;
}

static int push(struct mot_rows *out, size_t *capacity, const struct mot_row *row, struct error *error)
{
    if (out->count == *capacity) {
        size_t n = 2 * *capacity + 256;
        struct mot_row *rows = n > SIZE_MAX / sizeof *rows ? NULL : realloc(out->rows, n * sizeof *rows);
        if (rows == NULL) {
            return error_nomem(error, "rows");
        }
        out->rows = rows;
        *capacity = n;
    }
    out->rows[out->count++] = *row;
    return 0;
}

/* Stable by frame: merge sort; files are nearly always in order, which costs one look. */
static int sort_by_frame(struct mot_rows *r, struct error *error)
{
    bool sorted = true;
    for (size_t i = 1; i < r->count; i++) {
        sorted = sorted && r->rows[i - 1].frame <= r->rows[i].frame;
    }
    if (sorted) {
        return 0;
    }
    struct mot_row *from = r->rows, *to = malloc(r->count * sizeof *to);
    if (to == NULL) {
        return error_nomem(error, "rows");
    }
    for (size_t width = 1; width < r->count; width *= 2) {
        for (size_t begin = 0; begin < r->count; begin += 2 * width) {
            size_t middle = begin + width < r->count ? begin + width : r->count;
            size_t end = middle + width < r->count ? middle + width : r->count;
            for (size_t i = begin, j = middle, k = begin; k < end; k++) {
                bool left = i < middle && (j == end || from[i].frame <= from[j].frame);
                to[k] = left ? from[i++] : from[j++];
            }
        }
        struct mot_row *swap = from;
        from = to;
        to = swap;
    }
    r->rows = from;
    free(to);
    return 0;
}

int mot_rows_parse(const char *text, size_t size, const char *name, int columns, struct mot_rows *out,
                   struct error *error)
{
    struct reader r = {.name = name, .at = text};
    size_t capacity = 0;
    int rc = 0;
    *out = (struct mot_rows){0};
    for (const char *next = text, *end = text + size; rc == 0 && next < end; next = r.end + 1) {
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        r.at = next;
        r.end = newline != NULL ? newline : end;
        r.line++;
        skip_blanks(&r);
        if (r.at < r.end) {
            struct mot_row row;
            rc = read_row(&r, columns, &row, error);
            rc = rc != 0 ? rc : push(out, &capacity, &row, error);
        }
    }
    rc = rc != 0 ? rc : sort_by_frame(out, error);
    if (rc != 0) {
        mot_rows_free(out);
    }
    return rc;
}

void mot_rows_free(struct mot_rows *rows)
{
    free(rows->rows);
    *rows = (struct mot_rows){0};
}

size_t mot_rows_after(const struct mot_rows *rows, int64_t frame)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->rows[middle].frame <= frame) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void mot_row_write(struct buffer *out, const struct mot_row *row)
{
    buffer_printf(out, "%lld,%lld,%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1\n", (long long)row->frame,
                  (long long)row->id, row->x, row->y, row->w, row->h, row->extra[0]);
}
