/* Orders: from any thread, carried out by the alert thread, answered to the one who waits. */
#include "alerting/engine_internal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/text.h"

#define ORDER_LIMIT_NS (2 * NS_PER_S)

enum order_kind {
    ORDER_ACKNOWLEDGE,
    ORDER_RESOLVE,
    ORDER_COMMENT,
    ORDER_TEST,
    ORDER_ADD,
    ORDER_REMOVE,
    ORDER_LIST
};

/* Shared by the one who waits and the alert thread; the last of the two frees it. */
struct order {
    atomic_int holders;
    enum order_kind kind;
    char id[ID_SIZE]; /* alert or stream */
    char who[ALERT_WHO_MAX];
    char comment[ALERT_COMMENT_MAX];
    bool done;
    int code;
    struct error error;
    struct alert_event result;
    struct alert_event *list;
    size_t list_count;
    struct order *next;
};

static void release_order(struct order *order)
{
    if (atomic_fetch_sub(&order->holders, 1) > 1)
        return;
    free(order->list);
    free(order);
}

static int add_slot(struct alert_engine *engine, const char *stream_id)
{
    int code = 0;
    pthread_mutex_lock(&engine->mutex);
    struct slot *grown = realloc(engine->slots, (engine->slot_count + 1) * sizeof *grown);
    if (grown) {
        engine->slots = grown;
        struct slot *slot = &grown[engine->slot_count++];
        *slot = (struct slot){0};
        text_copy(slot->stream_id, sizeof slot->stream_id, stream_id);
    } else {
        code = ERR_NOMEM;
    }
    pthread_mutex_unlock(&engine->mutex);
    return code;
}

static void remove_slot(struct alert_engine *engine, const char *stream_id)
{
    struct slot gone = {0};
    pthread_mutex_lock(&engine->mutex);
    struct slot *slot = engine_find_slot(engine, stream_id);
    if (slot) {
        gone = *slot;
        *slot = engine->slots[--engine->slot_count];
    }
    pthread_mutex_unlock(&engine->mutex);
    engine_release_sample(gone.sample, gone.picture);
}

static int add_stream(struct alert_engine *engine, const char *stream_id, struct instant now,
                      struct error *error)
{
    int code = book_add_stream(engine->book, stream_id, now, error);
    if (code == 0 && add_slot(engine, stream_id) < 0) {
        (void)book_remove_stream(engine->book, stream_id, now, NULL);
        code = error_nomem(error, "alerts");
    }
    return code;
}

static int remove_stream(struct alert_engine *engine, const char *stream_id, struct instant now,
                         struct error *error)
{
    remove_slot(engine, stream_id);
    return book_remove_stream(engine->book, stream_id, now, error);
}

static void carry_out(struct alert_engine *engine, struct order *o)
{
    struct instant now = clock_now();
    switch (o->kind) {
    case ORDER_ACKNOWLEDGE:
        o->code = book_acknowledge(engine->book, o->id, o->who, o->comment, now, &o->result, &o->error);
        break;
    case ORDER_RESOLVE:
        o->code = book_resolve(engine->book, o->id, o->who, o->comment, now, &o->result, &o->error);
        break;
    case ORDER_COMMENT:
        o->code = book_comment(engine->book, o->id, o->who, o->comment, now, &o->result, &o->error);
        break;
    case ORDER_TEST:
        o->code = book_raise_test(engine->book, o->who, now, &o->result, &o->error);
        break;
    case ORDER_ADD:
        o->code = add_stream(engine, o->id, now, &o->error);
        break;
    case ORDER_REMOVE:
        o->code = remove_stream(engine, o->id, now, &o->error);
        break;
    case ORDER_LIST:
        o->code = book_list(engine->book, &o->list, &o->list_count);
        if (o->code < 0)
            (void)error_nomem(&o->error, "alerts");
        break;
    }
}

static void answer_order(struct alert_engine *engine, struct order *order)
{
    pthread_mutex_lock(&engine->mutex);
    order->done = true;
    pthread_cond_broadcast(&engine->answered);
    pthread_mutex_unlock(&engine->mutex);
    release_order(order);
}

static struct order *take_order(struct alert_engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    struct order *order = engine->orders;
    if (order && !(engine->orders = order->next))
        engine->orders_end = &engine->orders;
    pthread_mutex_unlock(&engine->mutex);
    return order;
}

/* Somebody relies on it. A camera that comes or goes is not kept in the journal, and must not fail for it. */
static bool is_promise(enum order_kind kind)
{
    return kind == ORDER_ACKNOWLEDGE || kind == ORDER_RESOLVE || kind == ORDER_COMMENT || kind == ORDER_TEST;
}

void engine_carry_out_orders(struct alert_engine *engine)
{
    struct order *order;
    while ((order = take_order(engine))) {
        struct error why;
        carry_out(engine, order);
        if (engine_flush(engine, &why) < 0 && order->code == 0 && is_promise(order->kind)) {
            order->code = why.code;
            (void)error_set(&order->error, why.code, "done, but not safe from a crash: %s", why.text);
        }
        answer_order(engine, order);
    }
}

static struct order *new_order(enum order_kind kind, const char *id, const char *who, const char *comment)
{
    struct order *order = calloc(1, sizeof *order);
    if (!order)
        return NULL;
    atomic_init(&order->holders, 2);
    order->kind = kind;
    text_copy(order->id, sizeof order->id, id ? id : "");
    text_copy(order->who, sizeof order->who, who ? who : "");
    text_copy(order->comment, sizeof order->comment, comment ? comment : "");
    return order;
}

/* Hands the order over and waits; what the caller has to look at afterwards is in it. */
static int give_order(struct alert_engine *engine, struct order *order, struct error *error)
{
    int64_t until = clock_monotonic_ns() + ORDER_LIMIT_NS;
    struct timespec at = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
    pthread_mutex_lock(&engine->mutex);
    bool refused = engine->stopping;
    if (!refused) {
        *engine->orders_end = order;
        engine->orders_end = &order->next;
        pthread_cond_signal(&engine->changed);
    }
    bool late = false;
    while (!refused && !order->done && !late)
        late = pthread_cond_timedwait(&engine->answered, &engine->mutex, &at) == ETIMEDOUT;
    bool done = order->done;
    pthread_mutex_unlock(&engine->mutex);
    if (refused) {
        release_order(order); /* the alert thread's share */
        return error_set(error, ERR_CLOSED, "alerts: the service is stopping");
    }
    if (!done)
        return error_set(error, ERR_TIMEOUT, "alerts: no answer within 2 s; it may still be carried out");
    if (order->code < 0 && error)
        *error = order->error;
    return order->code;
}

static int order_and_wait(struct alert_engine *engine, struct order *order, struct alert_event *result,
                          struct error *error)
{
    if (!order)
        return error_nomem(error, "alerts");
    int code = give_order(engine, order, error);
    if (result && code == 0)
        *result = order->result;
    release_order(order);
    return code;
}

int alert_engine_add_stream(struct alert_engine *engine, const char *stream_id, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_ADD, stream_id, NULL, NULL), NULL, error);
}

int alert_engine_remove_stream(struct alert_engine *engine, const char *stream_id, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_REMOVE, stream_id, NULL, NULL), NULL, error);
}

int alert_engine_acknowledge(struct alert_engine *engine, const char *alert_id, const char *who,
                             const char *comment, struct alert_event *result, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_ACKNOWLEDGE, alert_id, who, comment), result, error);
}

int alert_engine_resolve(struct alert_engine *engine, const char *alert_id, const char *who,
                         const char *comment, struct alert_event *result, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_RESOLVE, alert_id, who, comment), result, error);
}

int alert_engine_comment(struct alert_engine *engine, const char *alert_id, const char *who,
                         const char *comment, struct alert_event *result, struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_COMMENT, alert_id, who, comment), result, error);
}

int alert_engine_raise_test(struct alert_engine *engine, const char *who, struct alert_event *result,
                            struct error *error)
{
    return order_and_wait(engine, new_order(ORDER_TEST, NULL, who, NULL), result, error);
}

static int copy_list(const struct order *order, struct alert **alerts, size_t *count, struct error *error)
{
    *alerts = malloc((order->list_count + 1) * sizeof **alerts);
    if (!*alerts)
        return error_nomem(error, "alerts");
    for (size_t i = 0; i < order->list_count; i++)
        (*alerts)[i] = order->list[i].alert;
    *count = order->list_count;
    return 0;
}

int alert_engine_list(struct alert_engine *engine, struct alert **alerts, size_t *count, struct error *error)
{
    *alerts = NULL;
    *count = 0;
    struct order *order = new_order(ORDER_LIST, NULL, NULL, NULL);
    if (!order)
        return error_nomem(error, "alerts");
    int code = give_order(engine, order, error);
    if (code == 0)
        code = copy_list(order, alerts, count, error);
    release_order(order);
    return code;
}
