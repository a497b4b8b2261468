/*
 * What the files of this folder share: the server's parts, lent to every handler. Everything here is set
 * before the first request and read-only afterwards; the parts lock for themselves.
 */
#ifndef SCI_API_API_H
#define SCI_API_API_H

#include <stdatomic.h>
#include <stdint.h>

#include "api/auth.h"
#include "api/limiter.h"
#include "api/server.h"
#include "api/watch.h"
#include "base/buffer.h"

struct hub;

struct api_counters {
    atomic_llong by_class[6]; /* answers by the first digit of their status */
};

struct api {
    const struct config *config;
    struct control control;
    struct store_handle store;
    struct bus_handle bus;
    struct auth *auth;
    struct limiter *limiter;
    struct watch *watch;
    struct hub *hub;       /* NULL in tests that have none */
    struct buffer openapi; /* the document, made once */
    struct buffer docs;    /* the page at /docs */
    atomic_bool stopping;
    struct api_counters counters;
};

#endif
