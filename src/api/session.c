/* /session: a key is traded for a cookie, because a picture tag and a browser's WebSocket cannot send
 * headers. */
#include <string.h>

#include "api/problem.h"
#include "api/resources.h"
#include "base/clock.h"

static int write_identity(const struct identity *who, int status, struct answer *answer, struct error *error)
{
    struct json_writer w = json_writer_on(&answer->body);
    json_object_begin(&w);
    json_put_string(&w, "name", who->name);
    json_put_string(&w, "role", role_name(who->role));
    json_put_string(&w, "by", who->by_cookie ? "session" : "key");
    json_object_end(&w);
    return answer_json(answer, status, error);
}

int session_get(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    (void)api;
    return write_identity(&request->who, 200, answer, error);
}

/* Behind a proxy that ends TLS the cookie travels over TLS only. */
static void put_cookie(const struct request *request, struct answer *answer, const char *token, int life_s)
{
    const char *proto = request->header.forwarded_proto;
    bool secure = proto != NULL && strcmp(proto, "https") == 0;
    answer_header(answer, "Set-Cookie", "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
                  SESSION_COOKIE, token, life_s, secure ? "; Secure" : "");
}

static bool refuse_guesses(struct api *api, const struct request *request, struct answer *answer)
{
    int retry_after_s = 0;
    if (limiter_take(api->limiter, request->remote, 5, 100, clock_monotonic_ns(), &retry_after_s))
        return false;
    problem_write(answer, 429, "too many wrong keys: try again in %d s", retry_after_s);
    answer_header(answer, "Retry-After", "%d", retry_after_s);
    return true;
}

int session_create(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    const char *key = json_as_string(json_get(request->json, "key"), NULL);
    if (key == NULL) {
        problem_add_field(answer, "key", "expected the text of a key");
        return error_set(error, ERR_INVALID, "a key is needed to open a session");
    }
    int rc = body_known(request, answer, "key", error);
    if (rc != 0)
        return rc;
    if (request->header.origin != NULL &&
        (request->header.host == NULL || !origin_matches(request->header.origin, request->header.host))) {
        problem_write(answer, 403, "origin %.80s is not this server", request->header.origin);
        return 0;
    }
    struct identity who;
    char token[SESSION_TOKEN_TEXT];
    rc = auth_check_key(api->auth, key, &who, error);
    if (rc == ERR_AUTH && refuse_guesses(api, request, answer))
        return 0;
    if (rc == 0)
        rc = auth_open_session(api->auth, &who, token, error);
    if (rc != 0)
        return rc;
    put_cookie(request, answer, token, SESSION_LIFE_S);
    who.by_cookie = true;
    return write_identity(&who, 201, answer, error);
}

int session_delete(struct api *api, struct request *request, struct answer *answer, struct error *error)
{
    int rc = auth_close_session(api->auth, request, error);
    if (rc == ERR_CONFLICT) {
        problem_write(answer, 403, "%s", error->text);
        return 0;
    }
    if (rc != 0)
        return rc;
    put_cookie(request, answer, "", 0);
    answer->status = 204;
    return 0;
}
