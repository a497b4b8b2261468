#include "api/server.h"

#include <stdlib.h>

#include "api/http/http.h"
#include "api/hub.h"
#include "api/router.h"

enum { RATE_BUCKETS = 4096 };

struct api_server {
    struct api api;
    struct http *http;
};

static int make_parts(struct api *api, struct error *error)
{
    api->auth = auth_create(api->store);
    api->limiter = limiter_create(RATE_BUCKETS);
    api->watch = watch_create(api->control);
    if (api->auth == NULL || api->limiter == NULL || api->watch == NULL)
        return error_nomem(error, "API server");
    int rc = openapi_write(&api->openapi, error);
    if (rc == 0)
        rc = docs_write(&api->docs, error);
    return rc;
}

int api_server_start(const struct api_server_options *options, struct api_server **server,
                     struct error *error)
{
    struct api_server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_nomem(error, "API server");
    s->api.config = options->config;
    s->api.control = options->control;
    s->api.store = options->store;
    s->api.bus = options->bus;
    int rc = make_parts(&s->api, error);
    if (rc == 0)
        rc = hub_start(&s->api, &s->api.hub, error);
    if (rc == 0)
        rc = http_start(&s->api, &s->http, error);
    if (rc != 0) {
        api_server_stop(&s);
        return rc;
    }
    hub_set_tick(s->api.hub, http_tick, s->http);
    *server = s;
    return 0;
}

void api_server_stop(struct api_server **server)
{
    struct api_server *s = *server;
    *server = NULL;
    if (s == NULL)
        return;
    atomic_store(&s->api.stopping, true);
    if (s->http != NULL)
        http_refuse(s->http);
    if (s->api.hub != NULL)
        hub_set_tick(s->api.hub, NULL, NULL);
    hub_end(s->api.hub);
    http_stop(&s->http);
    hub_destroy(&s->api.hub);
    auth_destroy(s->api.auth);
    limiter_destroy(s->api.limiter);
    watch_destroy(s->api.watch);
    buffer_free(&s->api.openapi);
    buffer_free(&s->api.docs);
    free(s);
}

int api_server_port(const struct api_server *server)
{
    return http_port(server->http);
}
