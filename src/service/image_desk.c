#include "service/image_desk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/text.h"
#include "media/heatmap.h"
#include "media/image.h"
#include "pipeline/still.h"

enum { NICENESS = 5, MAP_QUALITY = 88, TITLE_TEXT = 96 };

static const char boxes_only[] =
    "counted by boxes only: no density model is installed, so dense crowds are under-counted";

struct order {
    struct control_image image;
    control_image_done *done;
    void *user;
    int64_t until_ns; /* monotonic: nobody waits for the answer any longer */
};

struct image_desk {
    struct encoders *encoders;
    bool has_density;
    struct still_analyst *analyst;
    struct queue *queue;
    pthread_t thread;
    atomic_bool canceled;
    atomic_llong analyzed, refused;
};

/* ---- the answer ---- */

static void write_boxes(struct json_writer *w, const struct still_result *r)
{
    json_key(w, "boxes");
    json_array_begin(w);
    for (size_t i = 0; i < r->box_count; i++) {
        json_object_begin(w);
        json_put_number(w, "x", (double)r->boxes[i].box.x, 2);
        json_put_number(w, "y", (double)r->boxes[i].box.y, 2);
        json_put_number(w, "w", (double)r->boxes[i].box.w, 2);
        json_put_number(w, "h", (double)r->boxes[i].box.h, 2);
        json_put_number(w, "score", (double)r->boxes[i].score, 3);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_map(struct json_writer *w, const struct count_map *map)
{
    json_key(w, "map");
    if (map == NULL) {
        json_null_value(w);
        return;
    }
    json_object_begin(w);
    json_put_int(w, "columns", map->columns);
    json_put_int(w, "rows", map->rows);
    json_put_number(w, "cell_width", map->cell_width, 4);
    json_put_number(w, "cell_height", map->cell_height, 4);
    json_key(w, "values");
    json_array_begin(w);
    for (size_t i = 0; i < (size_t)map->columns * (size_t)map->rows; i++)
        json_number(w, (double)map->people[i], 4);
    json_array_end(w);
    json_object_end(w);
}

static void write_result(struct buffer *body, const struct image_desk *desk, const struct order *order,
                         const struct picture *picture, const struct still_result *r)
{
    bool with_map = r->has_map && order->image.map == CONTROL_MAP_DATA;
    bool limited = !desk->has_density && order->image.mode == COUNTING_AUTO;
    struct json_writer w = json_writer_on(body);
    json_object_begin(&w);
    json_key(&w, "picture");
    json_object_begin(&w);
    json_put_int(&w, "width", picture->width);
    json_put_int(&w, "height", picture->height);
    json_object_end(&w);
    json_put_string(&w, "mode", counting_mode_name(order->image.mode));
    json_put_number(&w, "count", r->count, 2);
    json_put_number(&w, "low", r->low, 2);
    json_put_number(&w, "high", r->high, 2);
    json_put_string(&w, "regime", regime_name(r->regime));
    json_put_string(&w, "crowd", r->has_map ? crowd_class_name(r->crowd) : NULL);
    write_boxes(&w, r);
    write_map(&w, with_map ? &r->map : NULL);
    json_put_string(&w, "note", limited ? boxes_only : NULL);
    json_object_end(&w);
}

static int draw_map(struct image_desk *desk, const struct picture *picture, const struct still_result *r,
                    struct buffer *body, struct error *error)
{
    char title[TITLE_TEXT];
    struct picture *drawn = NULL;
    int width, height;
    if (!r->has_map)
        return error_set(error, ERR_UNSUPPORTED, "no map: %s", boxes_only);
    text_format(title, sizeof title, "%.0f people (90 %%: %.0f to %.0f), %s", r->count, r->low, r->high,
                regime_name(r->regime));
    int rc = heatmap_draw(picture, &r->map, title, &drawn, error);
    if (rc == 0)
        rc = encoders_encode(desk->encoders, drawn, 0, MAP_QUALITY, body, &width, &height, error);
    picture_unref(&drawn);
    return rc;
}

/* ---- the work ---- */

static int check_size(const struct picture *picture, struct error *error)
{
    if (picture->width <= IMAGE_DESK_SIDE_MAX && picture->height <= IMAGE_DESK_SIDE_MAX)
        return 0;
    return error_set(error, ERR_UNSUPPORTED, "picture: %d x %d pixels; at most %d a side are taken",
                     picture->width, picture->height, IMAGE_DESK_SIDE_MAX);
}

static int analyze(struct image_desk *desk, const struct order *order, struct buffer *body,
                   struct still_result *result, struct error *error)
{
    struct picture *picture = NULL;
    if (atomic_load(&desk->canceled))
        return error_set(error, ERR_CANCELED, "the service is stopping");
    if (clock_monotonic_ns() > order->until_ns)
        return error_set(error, ERR_TIMEOUT, "the picture waited for more than %d s: too much to do",
                         IMAGE_DESK_PATIENCE_S);
    int rc = image_decode(order->image.bytes, order->image.size, &picture, error);
    if (rc != 0)
        return error_prefix(error, "picture");
    rc = check_size(picture, error);
    rc = rc != 0 ? rc : still_analyse(desk->analyst, picture, order->image.mode, result, error);
    if (rc == 0 && order->image.map == CONTROL_MAP_JPEG)
        rc = draw_map(desk, picture, result, body, error);
    else if (rc == 0)
        write_result(body, desk, order, picture, result);
    picture_unref(&picture);
    return rc == 0 && body->failed ? error_nomem(error, "the answer") : rc;
}

static void serve(struct image_desk *desk, struct order *order)
{
    struct error error = {0};
    struct buffer body = {0};
    struct still_result r = {0};
    int rc = analyze(desk, order, &body, &r, &error);
    atomic_fetch_add(rc == 0 ? &desk->analyzed : &desk->refused, 1);
    struct control_image_result result = {
        .code = rc,
        .reason = error.text,
        .body = &body,
        .is_jpeg = order->image.map == CONTROL_MAP_JPEG,
        .count = r.count,
        .low = r.low,
        .high = r.high,
        .regime = regime_name(r.regime),
    };
    order->done(order->user, &result);
    buffer_free(&body);
    free(order);
}

static void *desk_main(void *user)
{
    struct image_desk *desk = user;
    /* Of this thread alone: cameras come first. */
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS) != 0)
        log_debug("service", "pictures that are sent in are as urgent as the cameras'");
    for (struct order *order; (order = queue_take(desk->queue, -1)) != NULL;)
        serve(desk, order);
    return NULL;
}

/* ---- life ---- */

static void cancel_order(void *item)
{
    struct order *order = item;
    order->done(order->user,
                &(struct control_image_result){.code = ERR_CANCELED, .reason = "the service is stopping"});
    free(order);
}

int image_desk_start(const struct config *config, struct network *network, struct density_network *density,
                     struct encoders *encoders, struct image_desk **desk, struct error *error)
{
    *desk = NULL;
    struct still_options options = {.detection = &config->detection,
                                    .network = network,
                                    .density = density,
                                    .long_side = config->counting.long_side};
    struct image_desk *d = calloc(1, sizeof *d);
    if (d == NULL)
        return error_nomem(error, "the pictures' desk");
    d->encoders = encoders;
    d->has_density = density != NULL;
    d->queue = queue_create(IMAGE_DESK_WAITING, cancel_order);
    int rc = d->queue != NULL ? 0 : error_nomem(error, "the pictures' desk");
    rc = rc != 0 ? rc : still_analyst_create(&options, &d->analyst, error);
    int failed = rc == 0 ? pthread_create(&d->thread, NULL, desk_main, d) : 0;
    if (failed != 0)
        rc = error_set_errno(error, failed, "cannot start the pictures' desk");
    if (rc != 0) {
        still_analyst_destroy(&d->analyst);
        if (d->queue != NULL)
            queue_destroy(d->queue);
        free(d);
        return rc;
    }
    *desk = d;
    return 0;
}

void image_desk_cancel(struct image_desk *desk)
{
    atomic_store(&desk->canceled, true);
}

void image_desk_stop(struct image_desk **desk)
{
    struct image_desk *d = *desk;
    *desk = NULL;
    if (d == NULL)
        return;
    image_desk_cancel(d);
    queue_close(d->queue);
    pthread_join(d->thread, NULL);
    queue_destroy(d->queue);
    still_analyst_destroy(&d->analyst);
    free(d);
}

int image_desk_put(struct image_desk *desk, const struct control_image *image, control_image_done *done,
                   void *user, struct error *error)
{
    struct order *order = malloc(sizeof *order);
    if (order == NULL)
        return error_nomem(error, "a picture");
    *order = (struct order){*image, done, user, clock_monotonic_ns() + IMAGE_DESK_PATIENCE_S * NS_PER_S};
    int rc = queue_try_put(desk->queue, order);
    if (rc == 0)
        return 0;
    free(order);
    atomic_fetch_add(&desk->refused, 1);
    if (rc == ERR_CLOSED)
        return error_set(error, rc, "the service is stopping");
    return error_set(error, rc, "%d pictures wait already", IMAGE_DESK_WAITING);
}

void image_desk_figures(struct image_desk *desk, int64_t *analyzed, int64_t *refused)
{
    *analyzed = atomic_load(&desk->analyzed);
    *refused = atomic_load(&desk->refused);
}
