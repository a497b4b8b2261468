#include "crowd/people.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Velocities are taken over about a second: a step's sway and a box's jitter cancel, a turn is still seen. */
static const int64_t WINDOW_NS = 1050 * NS_PER_MS;
static const int64_t LEAST_SPAN_NS = 500 * NS_PER_MS;
static const int64_t SAMPLE_STEP_NS = 34 * NS_PER_MS;
static const double LEAST_JITTER_M = 0.02;
/* Errors of neighbouring pictures are alike, so that many samples say less than their number. */
static const double CORRELATION_FACTOR = 2;

struct people {
    struct person *records;
    size_t capacity, slots;
    size_t *free_slots;
    size_t free_count;
    size_t *buckets; /* slot + 1, 0 = empty */
    size_t bucket_count;
};

struct people *people_create(void)
{
    return calloc(1, sizeof(struct people));
}

void people_destroy(struct people **people)
{
    if (*people) {
        free((*people)->records);
        free((*people)->free_slots);
        free((*people)->buckets);
        free(*people);
        *people = NULL;
    }
}

static size_t hash(int64_t id)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(h ^ (h >> 29));
}

static void insert(struct people *p, size_t slot)
{
    size_t b = hash(p->records[slot].id) & (p->bucket_count - 1);
    while (p->buckets[b]) {
        b = (b + 1) & (p->bucket_count - 1);
    }
    p->buckets[b] = slot + 1;
}

static void rebuild(struct people *p)
{
    if (p->bucket_count) {
        memset(p->buckets, 0, p->bucket_count * sizeof(*p->buckets));
    }
    for (size_t i = 0; i < p->slots; i++) {
        if (p->records[i].used) {
            insert(p, i);
        }
    }
}

static bool grow(struct people *p)
{
    const size_t capacity = p->capacity ? p->capacity * 2 : 64;
    struct person *records = realloc(p->records, capacity * sizeof(*records));
    if (!records) {
        return false;
    }
    p->records = records;
    size_t *free_slots = realloc(p->free_slots, capacity * sizeof(*free_slots));
    if (!free_slots) {
        return false;
    }
    p->free_slots = free_slots;
    size_t *buckets = calloc(capacity * 2, sizeof(*buckets));
    if (!buckets) {
        return false;
    }
    free(p->buckets);
    p->buckets = buckets;
    p->bucket_count = capacity * 2;
    p->capacity = capacity;
    rebuild(p);
    return true;
}

static struct person *find(struct people *p, int64_t id, size_t *slot)
{
    if (!p->bucket_count) {
        return NULL;
    }
    for (size_t b = hash(id) & (p->bucket_count - 1); p->buckets[b]; b = (b + 1) & (p->bucket_count - 1)) {
        struct person *person = &p->records[p->buckets[b] - 1];
        if (person->id == id) {
            *slot = p->buckets[b] - 1;
            return person;
        }
    }
    return NULL;
}

struct person *people_touch(struct people *people, int64_t id, int64_t now_ns, size_t *slot)
{
    struct person *person = find(people, id, slot);
    if (person) {
        person->fresh = false;
        person->seen_ns = now_ns;
        return person;
    }
    if (!people->free_count && people->slots == people->capacity && !grow(people)) {
        return NULL;
    }
    *slot = people->free_count ? people->free_slots[--people->free_count] : people->slots++;
    person = &people->records[*slot];
    memset(person, 0, sizeof(*person));
    person->id = id;
    person->used = true;
    person->fresh = true;
    person->born_ns = now_ns;
    person->seen_ns = now_ns;
    insert(people, *slot);
    return person;
}

struct person *people_at(struct people *people, size_t slot)
{
    return &people->records[slot];
}

size_t people_slots(const struct people *people)
{
    return people->slots;
}

void people_forget(struct people *people, int64_t oldest_ns)
{
    bool gone = false;
    for (size_t i = 0; i < people->slots; i++) {
        struct person *p = &people->records[i];
        if (p->used && p->seen_ns < oldest_ns) {
            p->used = false;
            people->free_slots[people->free_count++] = i;
            gone = true;
        }
    }
    if (gone) {
        rebuild(people);
    }
}

struct line_fit {
    double n, t, tt, x, y, tx, ty, xx, yy;
    int64_t oldest_ns;
};

/* Sums over the samples of the window, times relative to now and places relative to the newest: no digits are
 * lost. */
static struct line_fit gather(const struct person *p, int64_t now_ns)
{
    struct line_fit f = {.oldest_ns = now_ns};
    const struct point o = p->samples[(p->head + PERSON_SAMPLES - 1) % PERSON_SAMPLES].position;
    for (unsigned k = 0; k < p->count; k++) {
        const unsigned i = (p->head + PERSON_SAMPLES - 1 - k) % PERSON_SAMPLES;
        if (p->samples[i].ns < now_ns - WINDOW_NS) {
            break;
        }
        const double t = (double)(p->samples[i].ns - now_ns) / 1e9;
        const double x = p->samples[i].position.x - o.x;
        const double y = p->samples[i].position.y - o.y;
        f.n += 1;
        f.t += t;
        f.tt += t * t;
        f.x += x;
        f.y += y;
        f.tx += t * x;
        f.ty += t * y;
        f.xx += x * x;
        f.yy += y * y;
        f.oldest_ns = p->samples[i].ns;
    }
    return f;
}

/* Least-squares line through the positions of the last second. */
static void fit_velocity(struct person *p, int64_t now_ns)
{
    const struct line_fit f = gather(p, now_ns);
    p->velocity_valid = false;
    if (f.n < 3 || now_ns - f.oldest_ns < LEAST_SPAN_NS) {
        return;
    }
    const double stt = f.tt - f.t * f.t / f.n;
    const double stx = f.tx - f.t * f.x / f.n;
    const double sty = f.ty - f.t * f.y / f.n;
    const double sxx = f.xx - f.x * f.x / f.n + f.yy - f.y * f.y / f.n;
    p->velocity = (struct point){stx / stt, sty / stt};
    const double residual = fmax(0, sxx - (stx * stx + sty * sty) / stt) / (2 * (f.n - 2));
    p->velocity_error = sqrt(CORRELATION_FACTOR * fmax(residual, LEAST_JITTER_M * LEAST_JITTER_M) / stt);
    p->velocity_valid = true;
}

void person_add_position(struct person *person, int64_t now_ns, struct point position)
{
    const unsigned last = (person->head + PERSON_SAMPLES - 1) % PERSON_SAMPLES;
    if (person->count && now_ns - person->samples[last].ns < SAMPLE_STEP_NS) {
        return; /* faster pictures than the ring can hold for a second */
    }
    person->samples[person->head].ns = now_ns;
    person->samples[person->head].position = position;
    person->head = (person->head + 1) % PERSON_SAMPLES;
    person->count += person->count < PERSON_SAMPLES;
    fit_velocity(person, now_ns);
}

void person_age(struct person *person, int64_t now_ns)
{
    const unsigned last = (person->head + PERSON_SAMPLES - 1) % PERSON_SAMPLES;
    if (!person->count || now_ns - person->samples[last].ns > NS_PER_S) {
        person->velocity_valid = false;
    }
}
