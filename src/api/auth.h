/*
 * Who is asking. A key comes as `Authorization: Bearer` or `X-API-Key`; a session as the cookie
 * `sci_session`, which counts only when the `Origin` is our own (required wherever something changes, and for
 * WebSockets).
 *
 * Answers of the store are remembered for two seconds, so that a busy client costs no query per request and a
 * revoked key is refused within that time. While the store cannot answer, a credential that it confirmed
 * within the last ten minutes goes on being honoured: alerts can be acknowledged without a store. A
 * credential that has never been seen is ERR_IO or ERR_TIMEOUT then.
 *
 * Thread-safe.
 */
#ifndef SCI_API_AUTH_H
#define SCI_API_AUTH_H

#include <stdint.h>

#include "api/request.h"
#include "store/store.h"

enum { SESSION_TOKEN_TEXT = 65 };
#define SESSION_COOKIE "sci_session"
#define SESSION_LIFE_S 43200 /* a shift of twelve hours */

struct auth; /* opaque */

struct auth *auth_create(struct store_handle store); /* NULL without memory */
void auth_destroy(struct auth *auth);

/*
 * Fills `who`. ERR_AUTH: none or not valid (`error` says which). ERR_CONFLICT: a cookie from a foreign or
 * unknown origin. `strict`: the origin must be stated (the request changes something, or opens a WebSocket).
 */
int auth_identify(struct auth *auth, const struct request *request, bool strict, struct identity *who,
                  struct error *error);
/* The request carries a credential at all. */
bool auth_has_credential(const struct request *request);
/* Is this credential (of an identity) still valid? Looks it up like auth_identify does. */
int auth_confirm(struct auth *auth, const struct identity *who, struct error *error);

/* A key, as text, for POST /session. */
int auth_check_key(struct auth *auth, const char *key, struct identity *who, struct error *error);
/* Makes a session for `who`; `token` is what the cookie holds. */
int auth_open_session(struct auth *auth, const struct identity *who, char token[SESSION_TOKEN_TEXT],
                      struct error *error);
/* Ends the session of the request's cookie, if there is one. */
int auth_close_session(struct auth *auth, const struct request *request, struct error *error);

/* The value of a cookie; false when it is not there or does not fit. */
bool cookie_value(const char *cookies, const char *name, char *out, size_t out_size);
/* Does an Origin ("https://host:port") name the same host and port as a Host header? */
bool origin_matches(const char *origin, const char *host);

#endif
