#include "cli/calibrate_heights.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "geo/projection.h"

enum { FIELDS = 10, LEAST_SEEN = 5, LEAST_PEOPLE_HALVES = 6 };
static const double LEAST_WAY_M = 2;
static const double EDGE_PX = 2;

struct seen {
    int64_t id;
    double height, distance;
    struct point ground;
};

struct sights {
    struct seen *items;
    size_t count, capacity;
};

struct layout {
    size_t id, box; /* columns; the box's four follow one another */
    double width, height;
};

/* Which columns a header names; without one they are those of MOTChallenge. */
static struct layout layout_of(const char *line, const struct camera_model *image)
{
    const bool analyze = strncmp(line, "frame,time_s,track_id,x,y,w,h", 29) == 0;
    return (struct layout){analyze ? 2 : 1, analyze ? 3 : 2, image->width, image->height};
}

static int add(struct sights *s, struct seen seen, struct error *error)
{
    if (s->count == s->capacity) {
        const size_t capacity = s->capacity ? 2 * s->capacity : 1024;
        struct seen *items = realloc(s->items, capacity * sizeof(*items));
        if (!items) {
            return error_nomem(error, "the people");
        }
        s->items = items;
        s->capacity = capacity;
    }
    s->items[s->count++] = seen;
    return 0;
}

static int see(struct sights *s, const struct layout *l, const double *field,
               const struct camera_model *image, const struct camera_model *upright, struct error *error)
{
    const double x = field[l->box];
    const double y = field[l->box + 1];
    const double w = field[l->box + 2];
    const double h = field[l->box + 3];
    const struct point foot = {x + w / 2, y + h};
    struct seen seen = {.id = (int64_t)field[l->id]};
    double at[3];
    const bool whole =
        x > EDGE_PX && y > EDGE_PX && x + w < l->width - EDGE_PX && y + h < l->height - EDGE_PX;
    if (!whole || !camera_to_ground(image, foot, &seen.ground) ||
        !person_height(upright, foot, y, &seen.height) || !camera_position(upright, at)) {
        return 0;
    }
    seen.distance = hypot(seen.ground.x - at[0], seen.ground.y - at[1]);
    return add(s, seen, error);
}

static size_t split(const char *line, size_t size, double *field)
{
    size_t n = 0;
    char copy[512];
    if (size >= sizeof(copy)) {
        return 0;
    }
    memcpy(copy, line, size);
    copy[size] = '\0';
    for (char *at = copy; n < FIELDS;) {
        char *end = NULL;
        field[n] = strtod(at, &end);
        if (end == at || !isfinite(field[n]) || (*end && *end != ',' && *end != '\r')) {
            return n;
        }
        n++;
        if (*end != ',') {
            break;
        }
        at = end + 1;
    }
    return n;
}

static int read_all(const char *text, size_t size, const struct camera_model *image,
                    const struct camera_model *upright, struct sights *sights, struct error *error)
{
    const struct layout layout = layout_of(text, image);
    size_t row = 0;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        const size_t n = end ? (size_t)(end - text) - at : size - at;
        double field[FIELDS];
        row++;
        const bool header = row == 1 && n > 0 && text[at] == 'f';
        if (n > 1 && !header) {
            if (split(text + at, n, field) < layout.box + 4) {
                return error_set(error, ERR_FORMAT,
                                 "row %zu is neither one of sci analyze's CSV nor of MOTChallenge", row);
            }
            const int rc = see(sights, &layout, field, image, upright, error);
            if (rc) {
                return rc;
            }
        }
        at += n + 1;
    }
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct seen *p = a;
    const struct seen *q = b;
    return p->id != q->id ? (p->id < q->id ? -1 : 1) : p->height < q->height ? -1 : p->height > q->height;
}

static int by_distance(const void *a, const void *b)
{
    const struct seen *p = a;
    const struct seen *q = b;
    return p->distance < q->distance ? -1 : p->distance > q->distance;
}

static int ascending(const void *a, const void *b)
{
    const double p = *(const double *)a;
    const double q = *(const double *)b;
    return p < q ? -1 : p > q;
}

static double median_height(const struct seen *s, size_t count, double *scratch)
{
    for (size_t i = 0; i < count; i++) {
        scratch[i] = s[i].height;
    }
    qsort(scratch, count, sizeof(*scratch), ascending);
    return count ? (scratch[(count - 1) / 2] + scratch[count / 2]) / 2 : (double)NAN;
}

static bool walked(const struct seen *s, size_t count)
{
    struct point least = s[0].ground;
    struct point most = s[0].ground;
    for (size_t i = 1; i < count; i++) {
        least = (struct point){fmin(least.x, s[i].ground.x), fmin(least.y, s[i].ground.y)};
        most = (struct point){fmax(most.x, s[i].ground.x), fmax(most.y, s[i].ground.y)};
    }
    return count >= LEAST_SEEN && hypot(most.x - least.x, most.y - least.y) >= LEAST_WAY_M;
}

/* Keeps those who walked, at the front; their medians go to `medians`. */
static size_t keep_walkers(struct sights *s, double *medians, double *scratch)
{
    size_t people = 0;
    size_t kept = 0;
    for (size_t from = 0, to; from < s->count; from = to) {
        for (to = from + 1; to < s->count && s->items[to].id == s->items[from].id; to++) {
        }
        if (walked(s->items + from, to - from)) {
            medians[people++] = median_height(s->items + from, to - from, scratch);
            memmove(s->items + kept, s->items + from, (to - from) * sizeof(*s->items));
            kept += to - from;
        }
    }
    s->count = kept;
    return people;
}

static void summarise(struct sights *s, double *medians, double *scratch, struct heights *h)
{
    qsort(medians, h->people, sizeof(*medians), ascending);
    const double n = (double)h->people;
    h->median = (medians[(h->people - 1) / 2] + medians[h->people / 2]) / 2;
    /* The median's interval by the ranks of a binomial distribution. */
    const double half = 1.645 * sqrt(n) / 2;
    h->low = medians[(size_t)fmax(0, floor((n - 1) / 2 - half))];
    h->high = medians[(size_t)fmin(n - 1, ceil((n - 1) / 2 + half))];
    if (h->people >= LEAST_PEOPLE_HALVES) {
        qsort(s->items, s->count, sizeof(*s->items), by_distance);
        h->near_median = median_height(s->items, s->count / 2, scratch);
        h->far_median = median_height(s->items + s->count / 2, s->count - s->count / 2, scratch);
    }
}

int heights_measure(const char *text, size_t size, const struct camera_model *image,
                    const struct camera_model *upright, struct heights *heights, struct error *error)
{
    struct sights sights = {0};
    *heights = (struct heights){0, NAN, NAN, NAN, NAN, NAN};
    int rc = size ? read_all(text, size, image, upright, &sights, error) : 0;
    double *scratch = calloc(2 * sights.count + 2, sizeof(*scratch));
    if (rc == 0 && !scratch) {
        rc = error_nomem(error, "the people's heights");
    }
    if (rc == 0) {
        double *medians = scratch + sights.count + 1;
        if (sights.count) {
            qsort(sights.items, sights.count, sizeof(*sights.items), by_id);
        }
        heights->people = keep_walkers(&sights, medians, scratch);
        if (heights->people) {
            summarise(&sights, medians, scratch, heights);
        }
    }
    free(scratch);
    free(sights.items);
    return rc;
}
