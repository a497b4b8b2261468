#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/http.h"
#include "api/http/live.h"
#include "api/hub.h"
#include "api/images.h"
#include "api/problem.h"
#include "api/router.h"
#include "base/log.h"
#include "base/text.h"

enum { CONNECTIONS_BESIDE_CLIENTS = 256, CONNECTION_MEMORY = 32 * 1024 };

struct http {
    struct api *api;
    struct MHD_Daemon *daemon;
    struct live *live;
    int listener; /* closed by us once the daemon does not listen any more */
    int port;
    pthread_mutex_t lock;
    pthread_cond_t none_waits;
    size_t waiting; /* (lock) suspended requests whose answer comes later */
};

/* One request under way. */
struct exchange {
    struct request request;
    struct answer answer;
    char *raw_target;
    bool begun, decided;
    struct buffer body;
    size_t thrown_away;
    struct http *http;
    struct MHD_Connection *connection;
};

static void *on_target(void *user, const char *target, struct MHD_Connection *connection)
{
    (void)user;
    (void)connection;
    struct exchange *x = calloc(1, sizeof *x);
    if (x == NULL)
        return NULL;
    x->raw_target = text_duplicate(target);
    if (x->raw_target == NULL) {
        free(x);
        return NULL;
    }
    return x;
}

static void on_completed(void *user, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode why)
{
    (void)user;
    (void)connection;
    (void)why;
    struct exchange *x = *context;
    *context = NULL;
    if (x == NULL)
        return;
    request_release(&x->request);
    answer_release(&x->answer);
    buffer_free(&x->body);
    free(x->raw_target);
    free(x);
}

/* The router decodes for itself: see target.h. */
static size_t do_not_unescape(void *user, struct MHD_Connection *connection, char *text)
{
    (void)user;
    (void)connection;
    return strlen(text);
}

static void log_library(void *user, const char *format, va_list args)
{
    (void)user;
    char line[512];
    (void)vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    log_debug("api", "http: %s", line);
}

static void read_peer(struct MHD_Connection *connection, char *out, size_t out_size)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    out[0] = '\0';
    if (info == NULL || info->client_addr == NULL)
        return;
    socklen_t size =
        info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (getnameinfo(info->client_addr, size, out, (socklen_t)out_size, NULL, 0, NI_NUMERICHOST) != 0)
        out[0] = '\0';
}

static const char *header_of(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void read_headers(struct MHD_Connection *connection, struct request_headers *h)
{
    h->authorization = header_of(connection, "Authorization");
    h->api_key = header_of(connection, "X-API-Key");
    h->cookie = header_of(connection, "Cookie");
    h->origin = header_of(connection, "Origin");
    h->host = header_of(connection, "Host");
    h->content_type = header_of(connection, "Content-Type");
    h->if_none_match = header_of(connection, "If-None-Match");
    h->accept_encoding = header_of(connection, "Accept-Encoding");
    h->range = header_of(connection, "Range");
    h->forwarded_proto = header_of(connection, "X-Forwarded-Proto");
    h->upgrade = header_of(connection, "Upgrade");
    h->websocket_key = header_of(connection, "Sec-WebSocket-Key");
    h->websocket_version = header_of(connection, "Sec-WebSocket-Version");
}

/* -1: not stated (no body, or chunks). */
static int64_t content_length(struct MHD_Connection *connection)
{
    int64_t length;
    const char *text = header_of(connection, "Content-Length");
    return text != NULL && text_to_int64(text, &length) && length >= 0 ? length : -1;
}

static bool asks_first(struct MHD_Connection *connection)
{
    const char *expect = header_of(connection, "Expect");
    return expect != NULL && strcasecmp(expect, "100-continue") == 0;
}

static void upgrade(void *user, struct MHD_Connection *connection, void *context, const char *early,
                    size_t early_size, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle);

static struct MHD_Response *create_response(struct http *http, struct MHD_Connection *connection,
                                            struct exchange *x)
{
    struct answer *answer = &x->answer;
    if (answer->kind == ANSWER_LIVE && x->request.method != METHOD_HEAD)
        return live_response(http->live, x->request.id, connection);
    if (answer->kind == ANSWER_WEBSOCKET)
        return MHD_create_response_for_upgrade(upgrade, http);
    if (answer->has_file) {
        struct MHD_Response *file = MHD_create_response_from_fd_at_offset64(
            (uint64_t)answer->file_size, answer->file, (uint64_t)answer->file_offset);
        answer->has_file = file == NULL; /* the library closes it */
        return file;
    }
    if (answer->fixed != NULL)
        return MHD_create_response_from_buffer(answer->fixed_size, (void *)(uintptr_t)answer->fixed,
                                               MHD_RESPMEM_PERSISTENT);
    size_t size = answer->body.size;
    char *bytes = size > 0 ? buffer_take(&answer->body) : NULL;
    if (bytes == NULL)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *response = MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(bytes);
    return response;
}

static bool has_header(const struct answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (strcasecmp(answer->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

static enum MHD_Result send_answer(struct http *http, struct MHD_Connection *connection, struct exchange *x)
{
    struct answer *answer = &x->answer;
    struct MHD_Response *response = create_response(http, connection, x);
    if (response == NULL)
        return MHD_NO;
    if (answer->content_type != NULL)
        MHD_add_response_header(response, "Content-Type", answer->content_type);
    for (size_t i = 0; i < answer->header_count; i++)
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    if (answer->kind != ANSWER_WEBSOCKET) {
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
        if (!has_header(answer, "Cache-Control"))
            MHD_add_response_header(response, "Cache-Control", "no-store");
    }
    atomic_fetch_add(&http->api->counters.by_class[answer->status / 100 % 6], 1);
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result begin(struct http *http, struct MHD_Connection *connection, const char *method,
                             struct exchange *x)
{
    x->begun = true;
    x->request.method = method_parse(method);
    read_peer(connection, x->request.remote, sizeof x->request.remote);
    read_headers(connection, &x->request.header);
    int64_t length = content_length(connection);
    x->decided = api_begin(http->api, &x->request, x->raw_target, length, &x->answer);
    if (x->decided && (length > HTTP_DRAIN_BYTES || (length != 0 && asks_first(connection))))
        return send_answer(http, connection, x);
    return MHD_YES;
}

static enum MHD_Result take_body(struct http *http, struct exchange *x, const char *bytes, size_t size)
{
    size_t limit = api_body_limit(http->api, &x->request);
    if (!x->decided && x->body.size + size > limit) {
        problem_write(&x->answer, 413, "the body has more than the %zu bytes that are taken", limit);
        x->decided = true;
        buffer_free(&x->body);
    }
    if (!x->decided) {
        buffer_append(&x->body, bytes, size);
        if (!x->body.failed)
            return MHD_YES;
        problem_write(&x->answer, 503, "not enough memory for the body");
        x->decided = true;
    }
    x->thrown_away += size;
    return x->thrown_away > HTTP_DRAIN_BYTES ? MHD_NO : MHD_YES;
}

/* ---- answers that come later ---- */

/* The exchange may be gone as soon as its connection goes on. */
static void on_image(void *user, const struct control_image_result *result)
{
    struct exchange *x = user;
    struct http *http = x->http;
    images_answer(&x->answer, result);
    MHD_resume_connection(x->connection);
    pthread_mutex_lock(&http->lock);
    http->waiting--;
    pthread_cond_broadcast(&http->none_waits);
    pthread_mutex_unlock(&http->lock);
}

/* Suspended first: the answer may be there before the service's function has returned. */
static void wait_for_image(struct http *http, struct MHD_Connection *connection, struct exchange *x)
{
    struct error error = {0};
    const struct control *control = &http->api->control;
    x->http = http;
    x->connection = connection;
    pthread_mutex_lock(&http->lock);
    http->waiting++;
    pthread_mutex_unlock(&http->lock);
    MHD_suspend_connection(connection);
    int rc = control->ops->image_analyze(control->self, &x->request.image, on_image, x, &error);
    if (rc != 0)
        on_image(x, &(struct control_image_result){.code = rc, .reason = error.text});
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *body,
                                  size_t *body_size, void **context)
{
    (void)url;
    (void)version;
    struct http *http = user;
    struct exchange *x = *context;
    if (x == NULL)
        return MHD_NO;
    if (!x->begun)
        return begin(http, connection, method, x);
    if (*body_size > 0) {
        size_t size = *body_size;
        *body_size = 0;
        return take_body(http, x, body, size);
    }
    if (!x->decided) {
        x->decided = true;
        x->request.body = x->body.data;
        x->request.body_size = x->body.size;
        api_finish(http->api, &x->request, &x->answer);
        if (x->answer.kind == ANSWER_LATER) {
            wait_for_image(http, connection, x);
            return MHD_YES;
        }
    }
    return send_answer(http, connection, x);
}

/* ---- WebSocket ---- */

static void close_upgraded(void *owner)
{
    (void)MHD_upgrade_action(owner, MHD_UPGRADE_ACTION_CLOSE);
}

static void upgrade(void *user, struct MHD_Connection *connection, void *context, const char *early,
                    size_t early_size, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
    (void)connection;
    struct http *http = user;
    const struct exchange *x = context;
    if (x == NULL) {
        close_upgraded(handle);
        return;
    }
    (void)hub_adopt(http->api->hub, fd, early, early_size, &x->request.who, close_upgraded, handle);
}

/* ---- life ---- */

static int open_one(const struct addrinfo *address, bool *in_use)
{
    int fd =
        socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->ai_protocol);
    if (fd < 0)
        return -1;
    int yes = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, 512) == 0)
        return fd;
    *in_use = errno == EADDRINUSE;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int open_listener(const char *bind_to, int port, int *fd, struct error *error)
{
    char service[16];
    text_format(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *found = NULL;
    int rc = getaddrinfo(bind_to, service, &hints, &found);
    if (rc != 0)
        return error_set(error, ERR_INVALID, "server.bind: %s: %s", bind_to, gai_strerror(rc));
    bool in_use = false;
    *fd = -1;
    for (const struct addrinfo *a = found; a != NULL && *fd < 0; a = a->ai_next)
        *fd = open_one(a, &in_use);
    int why = errno;
    freeaddrinfo(found);
    if (*fd >= 0)
        return 0;
    if (in_use)
        return error_set(error, ERR_CONFLICT, "port %d on %s is in use", port, bind_to);
    return error_set_errno(error, why, "port %d on %s", port, bind_to);
}

static int bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

static int start_daemon(struct http *http, struct error *error)
{
    const struct config *config = http->api->config;
    /* Not epoll: there MHD_quiesce_daemon and a pool's threads remove the listening socket both, and the
     * library aborts the process when a thread was first (libmicrohttpd 0.9.75). */
    unsigned flags =
        MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG;
    unsigned threads = config->server.threads > 0 ? (unsigned)config->server.threads : 2;
    unsigned connections = (unsigned)config->server.max_clients + CONNECTIONS_BESIDE_CLIENTS;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, http->listener,
        MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK, on_target,
        http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_UNESCAPE_CALLBACK, do_not_unescape,
        NULL, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 0,
        MHD_OPTION_END);
    return http->daemon != NULL ? 0 : error_set_errno(error, errno, "the HTTP server does not start");
}

int http_start(struct api *api, struct http **http, struct error *error)
{
    struct http *h = calloc(1, sizeof *h);
    if (h == NULL)
        return error_nomem(error, "HTTP server");
    h->api = api;
    h->listener = -1;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->none_waits, NULL);
    int rc = open_listener(api->config->server.bind, api->config->server.port, &h->listener, error);
    if (rc == 0)
        rc = live_create(api, &h->live, error);
    if (rc == 0) {
        h->port = bound_port(h->listener);
        rc = start_daemon(h, error);
    }
    if (rc != 0) {
        http_stop(&h);
        return rc;
    }
    *http = h;
    return 0;
}

void http_refuse(struct http *http)
{
    if (http->daemon == NULL || http->listener < 0)
        return;
    /* Open until the threads have ended, for they may still look at it, but nobody can connect any more. */
    if (MHD_quiesce_daemon(http->daemon) != MHD_INVALID_SOCKET)
        (void)shutdown(http->listener, SHUT_RDWR);
}

void http_stop(struct http **http)
{
    struct http *h = *http;
    *http = NULL;
    if (h == NULL)
        return;
    http_refuse(h);
    if (h->live != NULL)
        live_end(h->live);
    if (h->daemon != NULL)
        h->api->control.ops->image_cancel(h->api->control.self);
    pthread_mutex_lock(&h->lock);
    while (h->waiting > 0) /* the library aborts when it ends with suspended connections */
        pthread_cond_wait(&h->none_waits, &h->lock);
    pthread_mutex_unlock(&h->lock);
    if (h->daemon != NULL)
        MHD_stop_daemon(h->daemon);
    live_destroy(&h->live);
    if (h->listener >= 0)
        close(h->listener);
    pthread_cond_destroy(&h->none_waits);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

int http_port(const struct http *http)
{
    return http->port;
}

void http_tick(struct http *http)
{
    live_tick(http->live);
}
