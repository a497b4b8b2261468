/* What the files of the engine share. Nobody else includes it. */
#ifndef SCI_ALERTING_ENGINE_INTERNAL_H
#define SCI_ALERTING_ENGINE_INTERNAL_H

#include <pthread.h>

#include "alerting/book.h"
#include "alerting/engine.h"
#include "alerting/ledger.h"

enum { BATCH_MAX = 32 };

struct slot { /* one stream's newest sample */
    char stream_id[ID_SIZE];
    struct sample *sample;
    struct picture *picture;
};

struct order; /* engine_orders.c */

struct alert_engine {
    struct alert_engine_options options;
    pthread_t thread;

    pthread_mutex_t mutex; /* of all down to `state` */
    pthread_cond_t changed, answered;
    bool stopping;
    size_t slot_count;
    struct slot *slots;
    bool has_sample;
    struct order *orders, **orders_end;
    size_t confirmed_count, confirmed_capacity;
    struct ledger_name *confirmed;
    struct alert_engine_state state;

    /* the thread's own */
    struct book *book;
    struct ledger *ledger;
    struct alert_event *restored; /* open at start */
    size_t restored_count;
    struct picture *picture; /* of the sample that is being looked at; lent */
    size_t batch_count;
    struct alert_event batch[BATCH_MAX];
    bool journal_failed;
};

/* engine.c: the thread */
void *engine_run(void *user);
/* A change of the book: into the ledger, and into the batch that is told once it is safe. */
void engine_on_change(void *user, const struct alert_event *event);
int engine_list_open(void *user, struct alert_event **events, size_t *count);
void engine_make_id(void *user, int64_t wall_ns, char out[ALERT_ID_SIZE]);
/* Makes what changed safe, then tells it. When it cannot be made safe it is told all the same. */
int engine_flush(struct alert_engine *engine, struct error *error);
/* With the mutex held. NULL: no such stream. */
struct slot *engine_find_slot(struct alert_engine *engine, const char *stream_id);
void engine_release_sample(struct sample *sample, struct picture *picture);

/* engine_orders.c: carries out what is there */
void engine_carry_out_orders(struct alert_engine *engine);

#endif
