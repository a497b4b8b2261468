#include "api/auth.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"

#define FRESH_NS (2 * NS_PER_S)
#define GRACE_NS (600 * NS_PER_S)

enum { CACHE_SLOTS = 512 };

struct cached {
    struct identity who; /* credential empty: free */
    int64_t confirmed_ns;
};

struct auth {
    struct store_handle store;
    pthread_mutex_t lock;
    struct cached cache[CACHE_SLOTS]; /* by hash; a newcomer takes the place of who is there */
};

struct auth *auth_create(struct store_handle store)
{
    struct auth *auth = calloc(1, sizeof *auth);
    if (auth == NULL)
        return NULL;
    auth->store = store;
    pthread_mutex_init(&auth->lock, NULL);
    return auth;
}

void auth_destroy(struct auth *auth)
{
    if (auth == NULL)
        return;
    pthread_mutex_destroy(&auth->lock);
    free(auth);
}

static struct cached *slot_of(struct auth *auth, const char *credential)
{
    char head[9];
    text_copy(head, sizeof head, credential);
    return &auth->cache[strtoul(head, NULL, 16) % CACHE_SLOTS];
}

/* Confirmed within `age_ns`? */
static bool cache_find(struct auth *auth, const char *credential, int64_t age_ns, struct identity *who)
{
    pthread_mutex_lock(&auth->lock);
    const struct cached *slot = slot_of(auth, credential);
    bool found =
        secret_equal(slot->who.credential, credential) && clock_monotonic_ns() - slot->confirmed_ns <= age_ns;
    if (found)
        *who = slot->who;
    pthread_mutex_unlock(&auth->lock);
    return found;
}

static void cache_put(struct auth *auth, const struct identity *who)
{
    pthread_mutex_lock(&auth->lock);
    *slot_of(auth, who->credential) = (struct cached){.who = *who, .confirmed_ns = clock_monotonic_ns()};
    pthread_mutex_unlock(&auth->lock);
}

static void cache_drop(struct auth *auth, const char *credential)
{
    pthread_mutex_lock(&auth->lock);
    struct cached *slot = slot_of(auth, credential);
    if (secret_equal(slot->who.credential, credential))
        *slot = (struct cached){0};
    pthread_mutex_unlock(&auth->lock);
}

struct key_search {
    const struct session_row *session;
    struct api_key found;
};

static int match_key(void *user, const struct api_key *key)
{
    struct key_search *search = user;
    if (key->revoked_ns == 0 && strcmp(key->name, search->session->name) == 0)
        search->found = *key;
    return 0;
}

/* A session lives no longer than the key that it was opened with, and has the role that the key has now. */
static int look_up_session(struct auth *auth, const char *hash, struct identity *who, struct error *error)
{
    struct session_row session;
    int rc = auth->store.kind->find_session(auth->store.store, hash, clock_wall_ns(), &session, error);
    if (rc != 0)
        return rc;
    struct key_search search = {.session = &session};
    rc = auth->store.kind->read_keys(auth->store.store, match_key, &search, error);
    if (rc != 0)
        return rc;
    if (search.found.role == ROLE_NONE || search.found.created_ns > session.created_ns)
        return error_set(error, ERR_NOT_FOUND, "the key of this session was revoked");
    who->role = search.found.role;
    text_copy(who->name, sizeof who->name, session.name);
    return 0;
}

static int look_up_key(struct auth *auth, const char *hash, struct identity *who, struct error *error)
{
    struct api_key key;
    int rc = auth->store.kind->find_key(auth->store.store, hash, &key, error);
    if (rc != 0)
        return rc;
    who->role = key.role;
    text_copy(who->name, sizeof who->name, key.name);
    return 0;
}

static int look_up(struct auth *auth, const char *hash, bool is_session, struct identity *who,
                   struct error *error)
{
    if (cache_find(auth, hash, FRESH_NS, who) && who->by_cookie == is_session)
        return 0;
    struct identity found = {.by_cookie = is_session};
    text_copy(found.credential, sizeof found.credential, hash);
    int rc = is_session ? look_up_session(auth, hash, &found, error) : look_up_key(auth, hash, &found, error);
    if (rc == 0) {
        *who = found;
        cache_put(auth, who);
        return 0;
    }
    if (rc == ERR_NOT_FOUND) {
        cache_drop(auth, hash);
        return error_set(error, ERR_AUTH,
                         is_session ? "the session has ended" : "the key is not known, or was revoked");
    }
    if (cache_find(auth, hash, GRACE_NS, who) && who->by_cookie == is_session)
        return 0;
    (void)error_prefix(error, "the credentials cannot be checked now");
    return rc;
}

static const char *key_of(const struct request *request)
{
    const char *authorization = request->header.authorization;
    if (authorization != NULL && strncasecmp(authorization, "Bearer ", 7) == 0) {
        const char *key = authorization + 7;
        return key + strspn(key, " ");
    }
    return request->header.api_key;
}

static bool session_of(const struct request *request, char hash[SECRET_HASH_TEXT])
{
    char token[SESSION_TOKEN_TEXT];
    if (!cookie_value(request->header.cookie, SESSION_COOKIE, token, sizeof token) || token[0] == '\0')
        return false;
    secret_hash_key(token, hash);
    return true;
}

bool auth_has_credential(const struct request *request)
{
    char hash[SECRET_HASH_TEXT];
    return key_of(request) != NULL || request->header.authorization != NULL || session_of(request, hash);
}

static int check_origin(const struct request *request, bool strict, struct error *error)
{
    const char *origin = request->header.origin;
    if (origin == NULL && !strict)
        return 0;
    if (origin == NULL)
        return error_set(error, ERR_CONFLICT, "a session cookie counts here only with an Origin header");
    if (request->header.host == NULL || !origin_matches(origin, request->header.host))
        return error_set(error, ERR_CONFLICT, "origin %.80s is not this server", origin);
    return 0;
}

int auth_identify(struct auth *auth, const struct request *request, bool strict, struct identity *who,
                  struct error *error)
{
    char hash[SECRET_HASH_TEXT];
    const char *key = key_of(request);
    if (key != NULL)
        return auth_check_key(auth, key, who, error);
    if (request->header.authorization != NULL)
        return error_set(error, ERR_AUTH, "the Authorization header is not 'Bearer KEY'");
    if (!session_of(request, hash))
        return error_set(error, ERR_AUTH, "a key is needed: Authorization: Bearer KEY, or X-API-Key: KEY");
    int rc = check_origin(request, strict, error);
    return rc != 0 ? rc : look_up(auth, hash, true, who, error);
}

int auth_confirm(struct auth *auth, const struct identity *who, struct error *error)
{
    struct identity now;
    return look_up(auth, who->credential, who->by_cookie, &now, error);
}

int auth_check_key(struct auth *auth, const char *key, struct identity *who, struct error *error)
{
    char hash[SECRET_HASH_TEXT];
    secret_hash_key(key, hash);
    return look_up(auth, hash, false, who, error);
}

int auth_open_session(struct auth *auth, const struct identity *who, char token[SESSION_TOKEN_TEXT],
                      struct error *error)
{
    secret_random_hex(token, (SESSION_TOKEN_TEXT - 1) / 2);
    struct session_row session = {.role = who->role, .created_ns = clock_wall_ns()};
    session.expires_ns = session.created_ns + SESSION_LIFE_S * NS_PER_S;
    secret_hash_key(token, session.id_hash);
    text_copy(session.name, sizeof session.name, who->name);
    return auth->store.kind->put_session(auth->store.store, &session, error);
}

int auth_close_session(struct auth *auth, const struct request *request, struct error *error)
{
    char hash[SECRET_HASH_TEXT];
    if (!session_of(request, hash))
        return 0;
    int rc = check_origin(request, true, error);
    if (rc != 0)
        return rc;
    cache_drop(auth, hash);
    rc = auth->store.kind->delete_session(auth->store.store, hash, error);
    return rc == ERR_NOT_FOUND ? 0 : rc;
}

bool cookie_value(const char *cookies, const char *name, char *out, size_t out_size)
{
    size_t name_size = strlen(name);
    for (const char *at = cookies; at != NULL && *at != '\0';) {
        at += strspn(at, " \t;");
        size_t size = strcspn(at, ";");
        if (size > name_size && at[name_size] == '=' && strncmp(at, name, name_size) == 0) {
            const char *value = at + name_size + 1;
            size_t value_size = size - name_size - 1;
            while (value_size > 0 && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t'))
                value_size--;
            if (value_size >= out_size)
                return false;
            memcpy(out, value, value_size);
            out[value_size] = '\0';
            return true;
        }
        at += size;
    }
    return false;
}

static size_t without_port(const char *authority, const char *port)
{
    size_t size = strlen(authority), port_size = strlen(port);
    return size > port_size && strcmp(authority + size - port_size, port) == 0 ? size - port_size : size;
}

bool origin_matches(const char *origin, const char *host)
{
    const char *port = NULL;
    if (text_starts_with(origin, "https://"))
        port = ":443";
    else if (text_starts_with(origin, "http://"))
        port = ":80";
    else
        return false;
    const char *authority = strstr(origin, "://") + 3;
    size_t a = without_port(authority, port), b = without_port(host, port);
    return a == b && a > 0 && strncasecmp(authority, host, a) == 0;
}
