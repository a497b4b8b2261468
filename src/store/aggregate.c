#include "store/aggregate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct sum {
    double total, min, max;
    int64_t valid, samples;
};

struct place {
    char zone_id[ID_SIZE];
    struct sum sums[MEASURE_COUNT];
};

/* The second of one stream that is under way. */
struct bucket {
    char stream_id[ID_SIZE];
    bool open;
    int64_t start_ns, opened_mono_ns;
    int64_t closed_start_ns; /* of the one before; 0 = none */
    size_t place_count, place_capacity;
    struct place *places;
};

struct aggregator {
    void (*emit)(void *user, const struct analytics_row *row);
    void *user;
    size_t bucket_count;
    struct bucket *buckets;
};

struct aggregator *aggregator_create(void (*emit)(void *user, const struct analytics_row *row), void *user)
{
    struct aggregator *aggregator = calloc(1, sizeof *aggregator);
    if (aggregator)
        *aggregator = (struct aggregator){.emit = emit, .user = user};
    return aggregator;
}

void aggregator_destroy(struct aggregator *aggregator)
{
    if (!aggregator)
        return;
    for (size_t i = 0; i < aggregator->bucket_count; i++)
        free(aggregator->buckets[i].places);
    free(aggregator->buckets);
    free(aggregator);
}

static void emit_row(struct aggregator *aggregator, const struct bucket *bucket, const struct place *place,
                     enum measure_id measure)
{
    const struct sum *sum = &place->sums[measure];
    struct analytics_row row = {
        .measure = measure,
        .step = STEP_1S,
        .start_ns = bucket->start_ns,
        .mean = NAN,
        .min = NAN,
        .max = NAN,
        .valid_share = (double)sum->valid / (double)sum->samples,
        .samples = sum->samples,
    };
    if (sum->valid > 0) {
        row.mean = sum->total / (double)sum->valid;
        row.min = sum->min;
        row.max = sum->max;
    }
    text_copy(row.stream_id, sizeof row.stream_id, bucket->stream_id);
    text_copy(row.zone_id, sizeof row.zone_id, place->zone_id);
    aggregator->emit(aggregator->user, &row);
}

static void close_bucket(struct aggregator *aggregator, struct bucket *bucket)
{
    if (!bucket->open)
        return;
    for (size_t i = 0; i < bucket->place_count; i++)
        for (int measure = 0; measure < MEASURE_COUNT; measure++)
            if (bucket->places[i].sums[measure].samples > 0)
                emit_row(aggregator, bucket, &bucket->places[i], (enum measure_id)measure);
    bucket->open = false;
    bucket->closed_start_ns = bucket->start_ns;
    bucket->place_count = 0;
}

/* The stream's bucket, or one that nobody has used for a minute and more, or a new one. */
static struct bucket *find_bucket(struct aggregator *aggregator, const char *stream_id, int64_t now_mono_ns)
{
    struct bucket *unused = NULL;
    for (size_t i = 0; i < aggregator->bucket_count; i++) {
        struct bucket *bucket = &aggregator->buckets[i];
        if (strcmp(bucket->stream_id, stream_id) == 0)
            return bucket;
        if (!bucket->open && now_mono_ns - bucket->opened_mono_ns > 60 * NS_PER_S)
            unused = bucket;
    }
    if (!unused) {
        struct bucket *grown =
            realloc(aggregator->buckets, (aggregator->bucket_count + 1) * sizeof *aggregator->buckets);
        if (!grown)
            return NULL;
        aggregator->buckets = grown;
        unused = &grown[aggregator->bucket_count++];
        *unused = (struct bucket){0};
    }
    unused->closed_start_ns = 0;
    text_copy(unused->stream_id, sizeof unused->stream_id, stream_id);
    return unused;
}

static struct place *find_place(struct bucket *bucket, const char *zone_id)
{
    for (size_t i = 0; i < bucket->place_count; i++)
        if (strcmp(bucket->places[i].zone_id, zone_id) == 0)
            return &bucket->places[i];
    if (bucket->place_count == bucket->place_capacity) {
        size_t capacity = bucket->place_capacity ? 2 * bucket->place_capacity : 4;
        struct place *grown = realloc(bucket->places, capacity * sizeof *grown);
        if (!grown)
            return NULL;
        bucket->places = grown;
        bucket->place_capacity = capacity;
    }
    struct place *place = &bucket->places[bucket->place_count++];
    *place = (struct place){0};
    text_copy(place->zone_id, sizeof place->zone_id, zone_id);
    return place;
}

static void add_value(struct sum *sum, double value)
{
    sum->total += value;
    sum->min = sum->valid == 0 || value < sum->min ? value : sum->min;
    sum->max = sum->valid == 0 || value > sum->max ? value : sum->max;
    sum->valid++;
}

static int add_place(struct bucket *bucket, const char *zone_id, const struct measure_set *measures)
{
    struct place *place = find_place(bucket, zone_id);
    if (!place)
        return ERR_NOMEM;
    for (int i = 0; i < MEASURE_COUNT; i++) {
        const struct measure *measure = &measures->of[i];
        if (!measure->valid && measure->reason && strcmp(measure->reason, REASON_NOT_MEASURED) == 0)
            continue;
        place->sums[i].samples++;
        if (measure->valid && isfinite(measure->value))
            add_value(&place->sums[i], measure->value);
    }
    return 0;
}

static int add_places(struct bucket *bucket, const struct snapshot *snapshot)
{
    int code = add_place(bucket, "", &snapshot->measures);
    for (size_t i = 0; i < snapshot->zone_count && code == 0; i++)
        code = add_place(bucket, snapshot->zones[i].zone->id, &snapshot->zones[i].measures);
    for (size_t i = 0; i < snapshot->line_count && code == 0; i++)
        code = add_place(bucket, snapshot->lines[i].line->id, &snapshot->lines[i].measures);
    return code;
}

static int64_t second_of(int64_t wall_ns)
{
    int64_t rest = wall_ns % NS_PER_S;
    return wall_ns - (rest < 0 ? rest + NS_PER_S : rest);
}

int aggregator_add(struct aggregator *aggregator, const struct snapshot *snapshot, int64_t now_mono_ns)
{
    struct bucket *bucket = find_bucket(aggregator, snapshot->stream_id, now_mono_ns);
    if (!bucket)
        return ERR_NOMEM;
    int64_t start_ns = second_of(snapshot->capture.wall_ns);
    if (bucket->open && bucket->start_ns != start_ns)
        close_bucket(aggregator, bucket);
    if (!bucket->open) {
        if (bucket->closed_start_ns == start_ns)
            return 0;
        bucket->open = true;
        bucket->start_ns = start_ns;
        bucket->opened_mono_ns = now_mono_ns;
    }
    return add_places(bucket, snapshot);
}

void aggregator_tick(struct aggregator *aggregator, int64_t now_mono_ns)
{
    for (size_t i = 0; i < aggregator->bucket_count; i++)
        if (now_mono_ns - aggregator->buckets[i].opened_mono_ns >= 2 * NS_PER_S)
            close_bucket(aggregator, &aggregator->buckets[i]);
}

void aggregator_close_all(struct aggregator *aggregator)
{
    for (size_t i = 0; i < aggregator->bucket_count; i++)
        close_bucket(aggregator, &aggregator->buckets[i]);
}
