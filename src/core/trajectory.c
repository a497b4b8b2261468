#include "core/trajectory.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COLUMNS_MAX = 64, TOKEN_MAX = 64, ROLES = 4 };
enum role { ROLE_ID, ROLE_FRAME, ROLE_X, ROLE_Y };
static const char *const ROLE_NAMES[ROLES] = {"id", "frame", "x", "y"};

struct raw_row {
    int64_t id, frame;
    struct point position;
    size_t line;
};

struct reader {
    const struct trajectory_options *options;
    size_t column[ROLES]; /* counted from 0; SIZE_MAX = not known yet */
    bool known;
    double unit_m, frame_rate;
    struct raw_row *rows;
    size_t count, capacity;
    size_t line;
    struct error *error;
};

struct tokens {
    char text[COLUMNS_MAX][TOKEN_MAX];
    size_t count;
};

static bool is_separator(char c)
{
    return c == ',' || c == ';' || isspace((unsigned char)c);
}

/* Commas and semicolons may stand between empty fields; spaces run together. */
static void split(const char *line, size_t size, struct tokens *t)
{
    t->count = 0;
    size_t i = 0;
    while (i < size && t->count < COLUMNS_MAX) {
        while (i < size && isspace((unsigned char)line[i])) {
            i++;
        }
        if (i == size) {
            return;
        }
        size_t n = 0;
        while (i < size && !is_separator(line[i])) {
            if (line[i] != '"' && n + 1 < TOKEN_MAX) {
                t->text[t->count][n++] = line[i];
            }
            i++;
        }
        t->text[t->count++][n] = '\0';
        while (i < size && isspace((unsigned char)line[i])) {
            i++;
        }
        if (i < size && (line[i] == ',' || line[i] == ';')) {
            i++;
        }
    }
}

/* "x", "X", "x/m", "x/cm", "x[m]", "x_m"; what follows the name is its unit. */
static bool names(const char *token, const char *name, double *unit_m)
{
    const size_t n = strlen(name);
    if (strncasecmp(token, name, n) != 0) {
        return false;
    }
    const char *rest = token + n;
    if (*rest && !strchr("/[(_", *rest)) {
        return false;
    }
    if (strncasecmp(rest + (*rest != 0), "cm", 2) == 0) {
        *unit_m = 0.01;
        return true;
    }
    return *rest == '\0' || strcasecmp(rest, "/m") == 0 || strcasecmp(rest, "[m]") == 0 ||
           strcasecmp(rest, "(m)") == 0 || strcasecmp(rest, "_m") == 0 || strcasecmp(rest, "/frame") == 0;
}

static const char *const ALIASES[ROLES][4] = {{"id", "ped_id", "person", "agent"},
                                              {"frame", "fr", "frameid", "framenumber"},
                                              {"x", "x_est", "pos_x", "px"},
                                              {"y", "y_est", "pos_y", "py"}};

/* True when all four columns are named. */
static bool read_names(struct reader *r, const struct tokens *t)
{
    size_t column[ROLES] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    double unit_m = 0;
    for (size_t i = 0; i < t->count; i++) {
        for (size_t role = 0; role < ROLES; role++) {
            for (size_t k = 0; k < 4; k++) {
                if (column[role] == SIZE_MAX && names(t->text[i], ALIASES[role][k], &unit_m)) {
                    column[role] = i;
                }
            }
        }
    }
    for (size_t role = 0; role < ROLES; role++) {
        if (column[role] == SIZE_MAX) {
            return false;
        }
    }
    memcpy(r->column, column, sizeof(column));
    r->known = true;
    r->unit_m = r->unit_m > 0 ? r->unit_m : unit_m;
    return true;
}

static void read_comment(struct reader *r, const char *line, size_t size)
{
    char text[512];
    const size_t n = size < sizeof(text) ? size : sizeof(text) - 1;
    memcpy(text, line, n);
    text[n] = '\0';
    const char *rate = strcasestr(text, "framerate:");
    if (rate && !(r->frame_rate > 0)) {
        r->frame_rate = strtod(rate + strlen("framerate:"), NULL);
        if (!(r->frame_rate > 0 && r->frame_rate < 1e6)) {
            r->frame_rate = 0;
        }
    }
    struct tokens t;
    split(text, n, &t);
    if (!r->known) {
        read_names(r, &t);
    }
}

static int read_value(const struct reader *r, const struct tokens *t, enum role role, double *value)
{
    const size_t c = r->column[role];
    if (c >= t->count) {
        return error_set(r->error, ERR_FORMAT, "row %zu has %zu columns, column %zu (%s) is missing", r->line,
                         t->count, c + 1, ROLE_NAMES[role]);
    }
    char *end = NULL;
    *value = strtod(t->text[c], &end);
    if (end == t->text[c] || *end || !isfinite(*value)) {
        return error_set(r->error, ERR_FORMAT, "row %zu, column %zu (%s): '%s' is not a finite number",
                         r->line, c + 1, ROLE_NAMES[role], t->text[c]);
    }
    return 0;
}

static int read_integer(const struct reader *r, const struct tokens *t, enum role role, int64_t *value)
{
    double number;
    const int rc = read_value(r, t, role, &number);
    if (rc) {
        return rc;
    }
    if (number != floor(number) || fabs(number) > 9e15) {
        return error_set(r->error, ERR_FORMAT, "row %zu, column %zu (%s): '%s' is not a whole number",
                         r->line, r->column[role] + 1, ROLE_NAMES[role], t->text[r->column[role]]);
    }
    *value = (int64_t)number;
    return 0;
}

static int add_row(struct reader *r, const struct tokens *t)
{
    if (r->count == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 1024;
        struct raw_row *rows = realloc(r->rows, capacity * sizeof(*rows));
        if (!rows) {
            return error_nomem(r->error, "the trajectories");
        }
        r->rows = rows;
        r->capacity = capacity;
    }
    struct raw_row *row = &r->rows[r->count];
    row->line = r->line;
    int rc = read_integer(r, t, ROLE_ID, &row->id);
    if (rc || (rc = read_integer(r, t, ROLE_FRAME, &row->frame)) ||
        (rc = read_value(r, t, ROLE_X, &row->position.x)) ||
        (rc = read_value(r, t, ROLE_Y, &row->position.y))) {
        return rc;
    }
    r->count++;
    return 0;
}

static bool is_number(const char *token)
{
    char *end = NULL;
    (void)strtod(token, &end);
    return end != token && *end == '\0';
}

static void set_columns(struct reader *r, size_t id, size_t frame, size_t x, size_t y)
{
    r->column[ROLE_ID] = id;
    r->column[ROLE_FRAME] = frame;
    r->column[ROLE_X] = x;
    r->column[ROLE_Y] = y;
    r->known = true;
}

/* The first row that is no comment: a header, or numbers whose meaning their count tells. Sets *is_header. */
static int first_row(struct reader *r, const struct tokens *t, bool *is_header)
{
    *is_header = false;
    for (size_t i = 0; i < t->count; i++) {
        *is_header |= !is_number(t->text[i]);
    }
    if (*is_header) {
        return r->known || read_names(r, t)
                   ? 0
                   : error_set(r->error, ERR_FORMAT,
                               "row %zu: a header must name the columns id, frame, x and y", r->line);
    }
    if (!r->known) {
        if (t->count == 8) {
            set_columns(r, 1, 0, 2, 4);
        } else {
            set_columns(r, 0, 1, 2, 3);
        }
    }
    return 0;
}

static int read_line(struct reader *r, const char *line, size_t size, bool *started)
{
    r->line++;
    size_t i = 0;
    while (i < size && isspace((unsigned char)line[i])) {
        i++;
    }
    if (i == size) {
        return 0;
    }
    if (line[i] == '#') {
        read_comment(r, line + i + 1, size - i - 1);
        return 0;
    }
    struct tokens t;
    split(line, size, &t);
    bool is_header = false;
    if (!*started) {
        *started = true;
        const int rc = first_row(r, &t, &is_header);
        if (rc || is_header) {
            return rc;
        }
    }
    return add_row(r, &t);
}

static int compare(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_frame(const void *a, const void *b)
{
    const struct raw_row *p = a;
    const struct raw_row *q = b;
    const int c = compare(p->frame, q->frame);
    return c                       ? c
           : compare(p->id, q->id) ? compare(p->id, q->id)
                                   : compare((int64_t)p->line, (int64_t)q->line);
}

static int check_twice(const struct reader *r)
{
    for (size_t i = 1; i < r->count; i++) {
        const struct raw_row *a = &r->rows[i - 1];
        const struct raw_row *b = &r->rows[i];
        if (a->frame == b->frame && a->id == b->id) {
            return error_set(r->error, ERR_INVALID, "rows %zu and %zu: person %lld is twice in frame %lld",
                             a->line, b->line, (long long)a->id, (long long)a->frame);
        }
    }
    return 0;
}

static int by_person(const void *a, const void *b, void *data)
{
    const struct trajectories *t = data;
    const size_t p = *(const size_t *)a;
    const size_t q = *(const size_t *)b;
    const int c = compare(t->id[p], t->id[q]);
    return c ? c : compare(t->frame[p], t->frame[q]);
}

static int build(struct reader *r, struct trajectories *t)
{
    const size_t n = r->count;
    t->id = calloc(n, sizeof(*t->id));
    t->frame = calloc(n, sizeof(*t->frame));
    t->position = calloc(n, sizeof(*t->position));
    t->frame_start = calloc(n + 1, sizeof(*t->frame_start));
    t->by_person = calloc(n, sizeof(*t->by_person));
    if (!t->id || !t->frame || !t->position || !t->frame_start || !t->by_person) {
        return error_nomem(r->error, "the trajectories");
    }
    const double asked = r->options ? r->options->unit_m : 0;
    const double unit = asked > 0 ? asked : r->unit_m > 0 ? r->unit_m : 1;
    for (size_t i = 0; i < n; i++) {
        t->id[i] = r->rows[i].id;
        t->frame[i] = r->rows[i].frame;
        t->position[i] = (struct point){r->rows[i].position.x * unit, r->rows[i].position.y * unit};
        t->by_person[i] = i;
        if (i == 0 || t->frame[i] != t->frame[i - 1]) {
            t->frame_start[t->frame_count++] = i;
        }
    }
    t->frame_start[t->frame_count] = n;
    t->count = n;
    t->frame_rate = r->frame_rate;
    qsort_r(t->by_person, n, sizeof(*t->by_person), by_person, t);
    return 0;
}

static int parse_columns(struct reader *r)
{
    struct tokens t;
    const char *columns = r->options ? r->options->columns : NULL;
    if (!columns) {
        return 0;
    }
    split(columns, strlen(columns), &t);
    return read_names(r, &t)
               ? 0
               : error_set(r->error, ERR_INVALID, "columns '%s' must name id, frame, x and y", columns);
}

static int read_all(struct reader *r, const char *bytes, size_t size)
{
    bool started = false;
    int rc = parse_columns(r);
    size_t at = 0;
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        at = 3;
    }
    while (rc == 0 && at < size) {
        const char *end = memchr(bytes + at, '\n', size - at);
        const size_t n = end ? (size_t)(end - bytes) - at : size - at;
        rc = read_line(r, bytes + at, n, &started);
        at += n + 1;
    }
    if (rc == 0 && r->count == 0) {
        rc = error_set(r->error, ERR_FORMAT, "there is no row with a position");
    }
    return rc;
}

int trajectories_parse(const char *bytes, size_t size, const struct trajectory_options *options,
                       struct trajectories *trajectories, struct error *error)
{
    *trajectories = (struct trajectories){0};
    struct reader r = {.options = options, .error = error};
    int rc = read_all(&r, bytes, size);
    if (rc == 0) {
        qsort(r.rows, r.count, sizeof(*r.rows), by_frame);
        rc = check_twice(&r);
    }
    if (rc == 0) {
        rc = build(&r, trajectories);
    }
    free(r.rows);
    if (rc) {
        trajectories_free(trajectories);
    }
    return rc;
}

void trajectories_free(struct trajectories *trajectories)
{
    free(trajectories->id);
    free(trajectories->frame);
    free(trajectories->position);
    free(trajectories->frame_start);
    free(trajectories->by_person);
    *trajectories = (struct trajectories){0};
}
