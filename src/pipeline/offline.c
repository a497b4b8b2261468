/*
 * A ring of work items: the calling thread fills it from the source, workers take items in order of arrival
 * and may finish in any order, the calling thread measures the oldest once it is done. Nobody else touches an
 * item between these three hands.
 */
#include "pipeline/offline.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/counting.h"
#include "pipeline/density_look.h"

enum item_state { ITEM_FREE, ITEM_WAITING, ITEM_RUNNING, ITEM_DONE };

struct item {
    enum item_state state;
    struct observation observation;
    struct detection *detections; /* copied out of the worker's context */
    size_t count, capacity;
    bool wants_density; /* the density network is to look as well */
    struct counting density;
    int result;
    struct error error;
};

struct ring {
    const struct offline_options *options;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    bool stopping;
    int64_t density_due_ns;  /* the calling thread's: stream time of the density network's next picture */
    size_t size;             /* items */
    size_t head, used, next; /* oldest; how many are filled; next for a worker, counted from the oldest */
    struct item *items;
};

static int copy_detections(struct item *item, const struct detection *detections, size_t count,
                           struct error *error)
{
    if (count > item->capacity) {
        struct detection *grown = realloc(item->detections, (count + 32) * sizeof *grown);
        if (!grown)
            return error_nomem(error, "detections");
        item->detections = grown;
        item->capacity = count + 32;
    }
    if (count > 0)
        memcpy(item->detections, detections, count * sizeof *detections);
    item->count = count;
    return 0;
}

/* A worker's own scratch memory. */
struct scratch {
    struct network_context *network;
    struct density_context *density;
};

static int look_for_density(struct ring *ring, const struct scratch *scratch, struct item *item)
{
    const struct offline_options *o = ring->options;
    const struct density_eyes eyes = {o->density, scratch->density, scratch->network};
    struct count_reading reading;
    int rc = density_look(&eyes, o->path, item->observation.picture, &reading, &item->error);
    return rc != 0 ? rc : counting_take(&item->density, &reading, item->observation.stream_ns, &item->error);
}

static void infer_item(struct ring *ring, const struct scratch *scratch, struct item *item)
{
    const struct detection *detections = NULL;
    size_t count = 0;
    item->result = network_infer(ring->options->network, scratch->network, item->observation.picture,
                                 camera_path_view(ring->options->path), &detections, &count, &item->error);
    if (item->result == 0)
        item->result = copy_detections(item, detections, count, &item->error);
    if (item->result == 0 && item->wants_density)
        item->result = look_for_density(ring, scratch, item);
}

/* The next waiting item, or NULL when the run is over. */
static struct item *take_item(struct ring *ring)
{
    pthread_mutex_lock(&ring->lock);
    while (!ring->stopping && ring->next == ring->used)
        pthread_cond_wait(&ring->work, &ring->lock);
    struct item *item = NULL;
    if (!ring->stopping) {
        item = &ring->items[(ring->head + ring->next) % ring->size];
        item->state = ITEM_RUNNING;
        ring->next++;
    }
    pthread_mutex_unlock(&ring->lock);
    return item;
}

static void finish_item(struct ring *ring, struct item *item)
{
    pthread_mutex_lock(&ring->lock);
    item->state = ITEM_DONE;
    pthread_cond_signal(&ring->done);
    pthread_mutex_unlock(&ring->lock);
}

static void *worker_main(void *user)
{
    struct ring *ring = user;
    struct scratch scratch = {0};
    struct error error;
    int created =
        ring->options->network ? network_context_create(ring->options->network, &scratch.network, &error) : 0;
    if (created == 0 && ring->options->density)
        created = density_context_create(ring->options->density, &scratch.density, &error);
    for (struct item *item; (item = take_item(ring));) {
        if (created < 0) {
            item->result = created;
            item->error = error;
        } else if (item->observation.kind == OBSERVATION_PICTURE) {
            infer_item(ring, &scratch, item);
        }
        finish_item(ring, item);
    }
    if (scratch.network)
        network_context_destroy(&scratch.network);
    density_context_destroy(&scratch.density);
    return NULL;
}

/* By the stream's time alone: what was found in earlier pictures depends on how fast the workers are. */
static bool is_density_due(struct ring *ring, const struct observation *observation)
{
    const struct offline_options *o = ring->options;
    if (!o->density || observation->kind != OBSERVATION_PICTURE || !camera_path_density_view(o->path))
        return false;
    if (density_is_head(o->density))
        return true; /* it looks at every picture anyway */
    if (observation->stream_ns < ring->density_due_ns)
        return false;
    ring->density_due_ns = observation->stream_ns + camera_path_density_interval_ns(o->path);
    return true;
}

static int read_into_ring(struct ring *ring, struct error *error)
{
    const struct offline_options *o = ring->options;
    struct item *item = &ring->items[(ring->head + ring->used) % ring->size];
    int result = o->kind->read(o->source, &item->observation, error);
    if (result < 0)
        return result;
    item->result = 0;
    item->count = 0;
    item->wants_density = is_density_due(ring, &item->observation);
    pthread_mutex_lock(&ring->lock);
    item->state = ITEM_WAITING;
    ring->used++;
    pthread_cond_signal(&ring->work);
    pthread_mutex_unlock(&ring->lock);
    return 0;
}

static struct item *wait_for_oldest(struct ring *ring)
{
    struct item *item = &ring->items[ring->head];
    pthread_mutex_lock(&ring->lock);
    while (item->state != ITEM_DONE)
        pthread_cond_wait(&ring->done, &ring->lock);
    pthread_mutex_unlock(&ring->lock);
    return item;
}

static void release_oldest(struct ring *ring, struct item *item)
{
    observation_release(&item->observation);
    pthread_mutex_lock(&ring->lock);
    item->state = ITEM_FREE;
    ring->head = (ring->head + 1) % ring->size;
    ring->used--;
    ring->next--;
    pthread_mutex_unlock(&ring->lock);
}

static int measure_oldest(struct ring *ring, struct error *error)
{
    const struct offline_options *o = ring->options;
    struct item *item = wait_for_oldest(ring);
    int result = item->result;
    if (result < 0 && error)
        *error = item->error;
    if (result == 0) {
        struct snapshot snapshot;
        if (item->wants_density)
            result =
                camera_path_take_density(o->path, &item->density.reading, item->observation.stream_ns, error);
        if (result == 0)
            result = camera_path_measure(o->path, &item->observation, item->detections, item->count,
                                         &snapshot, error);
        if (result == 0)
            result = o->deliver(o->user, &snapshot, item->observation.picture, error);
        else if (result == ERR_INVALID)
            result = 0; /* a picture whose time did not advance says nothing new */
    }
    release_oldest(ring, item);
    return result;
}

static bool canceled(const struct offline_options *o)
{
    return o->cancel && atomic_load(o->cancel);
}

static int run_ring(struct ring *ring, struct error *error)
{
    int source_result = 0, result = 0;
    struct error source_error = {0};
    while (result == 0) {
        while (source_result == 0 && ring->used < ring->size) {
            source_result = canceled(ring->options) ? error_set(&source_error, ERR_CANCELED, "interrupted")
                                                    : read_into_ring(ring, &source_error);
        }
        if (ring->used == 0)
            break;
        result = measure_oldest(ring, error);
    }
    if (result < 0 || source_result == ERR_END)
        return result;
    if (error)
        *error = source_error;
    return source_result;
}

static void stop_workers(struct ring *ring, pthread_t *threads, int count)
{
    pthread_mutex_lock(&ring->lock);
    ring->stopping = true;
    pthread_cond_broadcast(&ring->work);
    pthread_mutex_unlock(&ring->lock);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static void free_items(struct ring *ring)
{
    for (size_t i = 0; i < ring->size; i++) {
        observation_release(&ring->items[i].observation);
        free(ring->items[i].detections);
        counting_free(&ring->items[i].density);
    }
    free(ring->items);
}

int offline_run(const struct offline_options *options, struct error *error)
{
    int workers = options->workers < 1 ? 1 : options->workers;
    struct ring ring = {.options = options, .size = (size_t)workers * 2 + 1};
    pthread_t *threads = calloc((size_t)workers, sizeof *threads);
    ring.items = calloc(ring.size, sizeof *ring.items);
    int result = threads && ring.items ? 0 : error_nomem(error, "analysis");
    int started = 0;
    pthread_mutex_init(&ring.lock, NULL);
    pthread_cond_init(&ring.work, NULL);
    pthread_cond_init(&ring.done, NULL);
    while (result == 0 && started < workers) {
        int failed = pthread_create(&threads[started], NULL, worker_main, &ring);
        if (failed)
            result = error_set_errno(error, failed, "cannot start a worker");
        else
            started++;
    }
    if (result == 0)
        result = run_ring(&ring, error);
    stop_workers(&ring, threads, started);
    pthread_cond_destroy(&ring.done);
    pthread_cond_destroy(&ring.work);
    pthread_mutex_destroy(&ring.lock);
    if (ring.items)
        free_items(&ring);
    free(threads);
    return result;
}
