/*
 * A small service for the tests of the API: one configuration, the real bus and the real store, and a
 * `control` that does what it is told: two streams ("gate_a" live, "gate_f" written in the file), open alerts
 * in memory, an answer to be given next.
 */
#ifndef SCI_TESTS_API_DOUBLE_H
#define SCI_TESTS_API_DOUBLE_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/server.h"
#include "bus/bus.h"
#include "config/config.h"
#include "store/store.h"

enum { DOUBLE_ALERTS_MAX = 64 };

struct double_service {
    char folder[64];
    struct config *config;
    struct store_handle store;
    struct bus_handle bus;
    struct control control;
    char viewer[64], operator_[64], admin[64]; /* keys */

    pthread_mutex_t lock;
    struct alert alerts[DOUBLE_ALERTS_MAX];
    size_t alert_count;
    int fail_with; /* a negative code: what the next calls answer */
    bool sick;
    char added[65];     /* by POST /streams */
    char accepted[200]; /* by POST /streams/{id}/view/accept: "stream by who" */
    atomic_int watched;
};

/* `yaml`: the configuration; NULL: the defaults on a free port. Asserts that everything works. */
void double_open(struct double_service *d, const char *yaml);
void double_close(struct double_service *d);
void double_add_key(struct double_service *d, const char *name, enum role role, char key[64]);
struct alert double_alert(const char *id, const char *stream_id, int64_t raised_ns);
/* Publishes what a service would: an update, a picture, an alert. */
void double_publish_update(struct double_service *d, const char *stream_id, const char *epoch, int64_t seq);
void double_publish_picture(struct double_service *d, const char *stream_id, int64_t seq, size_t size);
void double_publish_alert(struct double_service *d, const struct alert *alert, int64_t version, int64_t seq);

#endif
