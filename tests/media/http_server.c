#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/file.h"

enum { CONNECTIONS_MAX = 1024 };

struct http_server {
    char folder[512];
    int listener, port;
    atomic_bool stopping;
    pthread_t acceptor;
    int count;
    struct connection {
        struct http_server *server;
        int fd;
        pthread_t thread;
    } connections[CONNECTIONS_MAX];
};

static bool put(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        at += n, size -= (size_t)n;
    }
    return true;
}

static bool put_text(int fd, const char *text)
{
    return put(fd, text, strlen(text));
}

static void be_silent(const struct http_server *server)
{
    while (!atomic_load(&server->stopping))
        clock_sleep_ns(10 * NS_PER_MS);
}

static bool load(const struct http_server *server, const char *name, struct buffer *out)
{
    char path[1024];

    path_join(path, sizeof path, server->folder, name);
    return file_read(path, 1 << 26, out, NULL) == 0;
}

static void give_file(const struct http_server *server, int fd, char *name, const char *range)
{
    struct buffer file = {0};
    char head[256];
    size_t from = range ? strtoul(range + strlen("Range: bytes="), NULL, 10) : 0;

    name[strcspn(name, "?")] = '\0';
    if (!load(server, name, &file)) {
        put_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    }
    if (from > file.size)
        from = file.size;
    snprintf(
        head, sizeof head,
        "HTTP/1.1 %s\r\nContent-Length: %zu\r\nAccept-Ranges: bytes\r\nContent-Range: bytes %zu-%zu/%zu\r\n"
        "Connection: close\r\n\r\n",
        range ? "206 Partial Content" : "200 OK", file.size - from, from, file.size ? file.size - 1 : 0,
        file.size);
    if (put_text(fd, head) && file.size > from)
        put(fd, file.data + from, file.size - from);
    buffer_free(&file);
}

static bool give_part(int fd, const struct buffer *file)
{
    char head[128];

    snprintf(head, sizeof head, "--next\r\nContent-Type: image/jpeg\r\nContent-Length: %zu\r\n\r\n",
             file->size);
    if (!put_text(fd, head) || !put(fd, file->data, file->size) || !put_text(fd, "\r\n"))
        return false;
    clock_sleep_ns(20 * NS_PER_MS);
    return true;
}

static void give_stream(const struct http_server *server, int fd, char *name)
{
    struct buffer file = {0}, other = {0};
    char *query = strchr(name, '?');
    const char *then = query ? strstr(query, "then=") : NULL;
    long count = query && strstr(query, "count=") ? strtol(strstr(query, "count=") + 6, NULL, 10) : 1;
    bool more = true;

    if (query)
        *query = '\0';
    if (!load(server, name, &file))
        return;
    put_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\nConnection: "
                 "close\r\n\r\n");
    for (long i = 0; i < count && more; i++)
        more = give_part(fd, &file);
    buffer_free(&file);
    if (then && strcmp(then, "then=silence") == 0) {
        be_silent(server);
    } else if (then && load(server, then + strlen("then="), &other)) {
        while (more && !atomic_load(&server->stopping))
            more = give_part(fd, &other);
        buffer_free(&other);
    }
}

static void answer(const struct http_server *server, int fd, char *request)
{
    char *path = strchr(request, '/'), *end = path ? strchr(path, ' ') : NULL;
    const char *range = strstr(request, "Range: bytes=");
    char head[128];

    if (!end)
        return;
    *end = '\0';
    if (!strncmp(path, "/stream/", 8)) {
        give_stream(server, fd, path + 8);
    } else if (!strncmp(path, "/status/", 8)) {
        snprintf(head, sizeof head, "HTTP/1.1 %s No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                 path + 8);
        put_text(fd, head);
    } else if (!strcmp(path, "/silence")) {
        be_silent(server);
    } else if (!strcmp(path, "/redirect_file")) {
        put_text(fd, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\nConnection: "
                     "close\r\n\r\n");
    } else {
        give_file(server, fd, path + 1, range && strncmp(range, "Range: bytes=0-\r", 16) != 0 ? range : NULL);
    }
}

static void *serve(void *opaque)
{
    struct connection *c = opaque;
    char request[4096];
    size_t size = 0;

    while (size + 1 < sizeof request) {
        ssize_t n = recv(c->fd, request + size, sizeof request - 1 - size, 0);

        if (n <= 0)
            break;
        size += (size_t)n;
        request[size] = '\0';
        if (strstr(request, "\r\n\r\n")) {
            answer(c->server, c->fd, request);
            break;
        }
    }
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static void *accept_all(void *opaque)
{
    struct http_server *server = opaque;

    while (server->count < CONNECTIONS_MAX) {
        struct connection *c = &server->connections[server->count];

        c->server = server;
        c->fd = accept(server->listener, NULL, NULL);
        if (c->fd < 0)
            break;
        if (pthread_create(&c->thread, NULL, serve, c) != 0) {
            close(c->fd);
            break;
        }
        server->count++;
    }
    return NULL;
}

struct http_server *http_server_start(const char *folder)
{
    struct http_server *server = calloc(1, sizeof *server);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;

    assert_non_null(server);
    snprintf(server->folder, sizeof server->folder, "%s", folder);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&a, &size), 0);
    assert_int_equal(listen(server->listener, 16), 0);
    server->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&server->acceptor, NULL, accept_all, server), 0);
    return server;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

const char *http_server_uri(const struct http_server *server, const char *rest)
{
    static char uri[256];

    snprintf(uri, sizeof uri, "http://127.0.0.1:%d/%s", server->port, rest);
    return uri;
}

void http_server_stop(struct http_server *server)
{
    atomic_store(&server->stopping, true);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->acceptor, NULL);
    close(server->listener);
    for (int i = 0; i < server->count; i++) {
        shutdown(server->connections[i].fd, SHUT_RDWR);
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    free(server);
}
