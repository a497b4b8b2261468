/*
 * A request and its answer, free of the HTTP library: handlers read the one and fill the other, tests and
 * fuzzers make them by hand. A request borrows its header texts and its body from whoever made it; what
 * `request_release` and `answer_release` free is said per field. One thread at a time.
 */
#ifndef SCI_API_REQUEST_H
#define SCI_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "api/target.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json_read.h"
#include "service/control.h"
#include "store/store.h"

enum http_method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_PATCH,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_OTHER
};

const char *method_name(enum http_method method); /* "GET"; "?" for METHOD_OTHER */
enum http_method method_parse(const char *name);

/* Who sent a request, as far as its credentials say. */
struct identity {
    enum role role;
    char name[ID_SIZE];
    char credential[65]; /* hash of the key or of the session: equal for equal credentials, useless to a thief
                          */
    bool by_cookie;
};

/* NULL where the client sent none. */
struct request_headers {
    const char *authorization, *api_key, *cookie, *origin, *host, *content_type, *if_none_match,
        *accept_encoding, *range;
    const char *forwarded_proto, *upgrade, *websocket_key, *websocket_version;
};

struct route;

struct request {
    enum http_method method;
    struct target target; /* owned */
    struct request_headers header;
    char remote[64]; /* address of the peer, as text */
    const char *body;
    size_t body_size;

    /* set by the router */
    const struct route *route;
    const char *id; /* value of {id} in the path */
    struct identity who;
    struct json *json;          /* the parsed body, or NULL; owned */
    struct control_image image; /* of ANSWER_LATER: what is to be analysed */
};

void request_release(struct request *request);

enum answer_kind {
    ANSWER_BYTES,
    ANSWER_LIVE,     /* the stream `request->id` as an endless multipart of pictures */
    ANSWER_LATER,    /* by images_answer, when request->image has been analysed */
    ANSWER_WEBSOCKET /* the connection becomes a WebSocket of `request->who` */
};

struct answer_header {
    const char *name; /* static text */
    char value[256];
};

struct answer {
    enum answer_kind kind;
    int status;
    const char *content_type; /* static text; NULL: no body */
    struct buffer body;       /* owned */
    const void *fixed;        /* instead of `body`: bytes that live as long as the program */
    size_t fixed_size;
    bool has_file; /* instead of both: bytes of a file; the descriptor is owned */
    int file;
    int64_t file_offset, file_size;
    struct buffer fields; /* owned: the entries of `errors` so far */
    size_t header_count;
    struct answer_header headers[10];
};

void answer_release(struct answer *answer);
void answer_header(struct answer *answer, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The body is JSON text that is in `answer->body` already; ERR_NOMEM when writing it had failed. */
int answer_json(struct answer *answer, int status, struct error *error);

#endif
