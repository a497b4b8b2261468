#include "crowd/hotspots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const double TIME_CONSTANT_S = 5;
static const int64_t READY_NS = 10 * NS_PER_S;
/* A place smaller than that is one person's kernel, not a crowd. */
static const double LEAST_AREA_M2 = 1;

struct found {
    struct hotspot spot;
    int64_t since_ns;
};

struct hotspots {
    const struct ground_area *area;
    int64_t first_ns, last_ns;
    bool started;
    float *lasting;
    int *label, *before; /* per cell: index + 1 into found, 0 = none */
    int *stack;
    struct found found[HOTSPOTS_MAX], old[HOTSPOTS_MAX];
    struct hotspot list[HOTSPOTS_MAX];
    size_t count, old_count;
    int64_t next_id;
};

static size_t cells_of(const struct hotspots *h)
{
    return (size_t)h->area->columns * (size_t)h->area->rows;
}

int hotspots_create(const struct ground_area *area, struct hotspots **hotspots, struct error *error)
{
    struct hotspots *h = calloc(1, sizeof(*h));
    *hotspots = h;
    if (!h) {
        return error_nomem(error, "the hotspots");
    }
    h->area = area;
    h->next_id = 1;
    const size_t n = cells_of(h) + 1;
    h->lasting = calloc(n, sizeof(*h->lasting));
    h->label = calloc(n, sizeof(*h->label));
    h->before = calloc(n, sizeof(*h->before));
    h->stack = calloc(n, sizeof(*h->stack));
    if (!h->lasting || !h->label || !h->before || !h->stack) {
        hotspots_destroy(hotspots);
        return error_nomem(error, "the hotspots");
    }
    return 0;
}

void hotspots_destroy(struct hotspots **hotspots)
{
    if (*hotspots) {
        free((*hotspots)->lasting);
        free((*hotspots)->label);
        free((*hotspots)->before);
        free((*hotspots)->stack);
        free(*hotspots);
        *hotspots = NULL;
    }
}

static bool is_high(const struct hotspots *h, int cell)
{
    return h->area->share[cell] > 0 && (double)h->lasting[cell] >= HOTSPOT_LEVEL;
}

/* Adds the cell to the place and puts its four neighbours on the stack. */
static int spread_from(struct hotspots *h, int cell, int label, struct hotspot *spot, int depth)
{
    const struct ground_area *a = h->area;
    const double m2 = (double)a->share[cell] * a->cell_m * a->cell_m;
    const double density = (double)h->lasting[cell];
    spot->area_m2 += m2;
    spot->people += density * m2;
    if (density > spot->peak) {
        spot->peak = density;
        spot->peak_at = (struct point){a->origin_x + (cell % a->columns + 0.5) * a->cell_m,
                                       a->origin_y + (cell / a->columns + 0.5) * a->cell_m};
    }
    const int column = cell % a->columns;
    const int beside[4] = {column > 0 ? cell - 1 : -1, column < a->columns - 1 ? cell + 1 : -1,
                           cell - a->columns, cell + a->columns};
    for (int i = 0; i < 4; i++) {
        if (beside[i] >= 0 && beside[i] < (int)cells_of(h) && !h->label[beside[i]] && is_high(h, beside[i])) {
            h->label[beside[i]] = label;
            h->stack[depth++] = beside[i];
        }
    }
    return depth;
}

/* The place that had most of these cells before lends its identity, once. */
static void inherit(struct hotspots *h, int label, struct found *now, int64_t now_ns,
                    bool taken[HOTSPOTS_MAX])
{
    int votes[HOTSPOTS_MAX + 1] = {0};
    for (size_t i = 0; i < cells_of(h); i++) {
        votes[h->before[i]] += h->label[i] == label;
    }
    int best = 0;
    for (int i = 1; i <= (int)h->old_count; i++) {
        best = votes[i] > 0 && !taken[i - 1] && (best == 0 || votes[i] > votes[best]) ? i : best;
    }
    now->since_ns = best ? h->old[best - 1].since_ns : now_ns;
    now->spot.id = best ? h->old[best - 1].spot.id : h->next_id++;
    if (best) {
        taken[best - 1] = true;
    }
    now->spot.age_s = (double)(now_ns - now->since_ns) / 1e9;
}

static void unlabel(struct hotspots *h, int label)
{
    for (size_t i = 0; i < cells_of(h); i++) {
        h->label[i] = h->label[i] == label ? -1 : h->label[i];
    }
}

static void find_places(struct hotspots *h, int64_t now_ns)
{
    bool taken[HOTSPOTS_MAX] = {false};
    memcpy(h->old, h->found, sizeof(h->old));
    h->old_count = h->count;
    h->count = 0;
    int *t = h->before;
    h->before = h->label;
    h->label = t;
    memset(h->label, 0, cells_of(h) * sizeof(*h->label));
    for (int i = 0; i < (int)cells_of(h) && h->count < HOTSPOTS_MAX; i++) {
        if (h->label[i] || !is_high(h, i)) {
            continue;
        }
        const int label = (int)h->count + 1;
        struct found *now = &h->found[h->count];
        *now = (struct found){0};
        int depth = 0;
        h->label[i] = label;
        h->stack[depth++] = i;
        while (depth > 0) {
            depth = spread_from(h, h->stack[depth - 1], label, &now->spot, depth - 1);
        }
        if (now->spot.area_m2 < LEAST_AREA_M2) {
            unlabel(h, label);
            continue;
        }
        inherit(h, label, now, now_ns, taken);
        h->count++;
    }
    for (size_t i = 0; i < cells_of(h); i++) {
        h->label[i] = h->label[i] < 0 ? 0 : h->label[i];
    }
}

static int by_peak(const void *a, const void *b)
{
    const struct hotspot *p = a;
    const struct hotspot *q = b;
    return p->peak > q->peak ? -1 : p->peak < q->peak ? 1 : p->id < q->id ? -1 : p->id > q->id;
}

void hotspots_update(struct hotspots *hotspots, int64_t now_ns, const float *values)
{
    struct hotspots *h = hotspots;
    const double dt = h->started ? (double)(now_ns - h->last_ns) / 1e9 : 0;
    const float gain = h->started ? (float)(1 - exp(-dt / TIME_CONSTANT_S)) : 1;
    h->first_ns = h->started ? h->first_ns : now_ns;
    h->started = true;
    h->last_ns = now_ns;
    for (size_t i = 0; i < cells_of(h); i++) {
        if (h->area->share[i] > 0) {
            h->lasting[i] += gain * (values[i] - h->lasting[i]);
        }
    }
    find_places(h, now_ns);
    for (size_t i = 0; i < h->count; i++) {
        h->list[i] = h->found[i].spot;
    }
    qsort(h->list, h->count, sizeof(h->list[0]), by_peak);
}

bool hotspots_ready(const struct hotspots *hotspots)
{
    return hotspots->started && hotspots->last_ns - hotspots->first_ns >= READY_NS;
}

const float *hotspots_lasting(const struct hotspots *hotspots)
{
    return hotspots->lasting;
}

const struct hotspot *hotspots_list(const struct hotspots *hotspots, size_t *count)
{
    *count = hotspots->count;
    return hotspots->list;
}
