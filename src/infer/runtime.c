/*
 * The API is a table of functions that only grows: we ask for an old version of the table (API_VERSION), so
 * that any library from 1.12 on will do, whatever the header's age. Each function returns a status to free,
 * or NULL. Nothing of the runtime's own log reaches standard error: what goes wrong comes back in the status.
 *
 * Memory: all sessions take theirs from one arena, so that the detector and the density network, which a
 * worker runs one after the other, use the same. Its first piece is large and asked for at once: pages that
 * nobody has written to cost nothing, and what is freed within one piece joins up again, so pictures and
 * inputs of many sizes do not leave holes of each size behind. A freed chunk is cut when more than
 * ARENA_DEAD_BYTES of it would lie idle (the runtime's own bound is 128 MB).
 */
#include "infer/runtime.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <onnxruntime_c_api.h>

#include "base/text.h"

enum { API_VERSION = 12, ARENA_FIRST_BYTES = 64 << 20, ARENA_DEAD_BYTES = 1 << 20, ARENA_DOUBLES = 0 };

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_REPORTED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_REPORTED
#endif

#ifdef LEAKS_ARE_REPORTED
/* The runtime leaves 14 bytes of its own start-up behind at exit. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libonnxruntime";
}
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const OrtApi *api; /* set once, under the lock, before the first session exists */
static OrtEnv *environment;
static size_t users;

static void swallow_log(void *param, OrtLoggingLevel severity, const char *category, const char *log_id,
                        const char *code_location, const char *message)
{
    (void)param, (void)severity, (void)category, (void)log_id, (void)code_location, (void)message;
}

static int code_of(OrtErrorCode ort)
{
    switch (ort) {
    case ORT_NO_SUCHFILE:
        return ERR_NOT_FOUND;
    case ORT_INVALID_PROTOBUF:
    case ORT_INVALID_GRAPH:
    case ORT_NO_MODEL:
        return ERR_FORMAT;
    case ORT_NOT_IMPLEMENTED:
        return ERR_UNSUPPORTED;
    default:
        return ERR_INTERNAL;
    }
}

int runtime_fail(struct OrtStatus *status, int fallback, struct error *error, const char *path,
                 const char *what)
{
    int code = code_of(api->GetErrorCode(status));
    if (code == ERR_INTERNAL)
        code = fallback;
    char reason[ERROR_TEXT_MAX];
    text_copy(reason, sizeof reason, api->GetErrorMessage(status));
    reason[strcspn(reason, "\n")] = '\0';
    api->ReleaseStatus(status);
    return error_set(error, code, "model %s: %s: %s", path, what, reason);
}

static OrtStatus *make_arena(void)
{
    static const char *const keys[] = {"arena_extend_strategy", "initial_chunk_size_bytes",
                                       "max_dead_bytes_per_chunk"};
    static const size_t values[] = {ARENA_DOUBLES, ARENA_FIRST_BYTES, ARENA_DEAD_BYTES};
    OrtMemoryInfo *memory = NULL;
    OrtArenaCfg *arena = NULL;
    OrtStatus *status = api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory);
    if (status == NULL)
        status = api->CreateArenaCfgV2(keys, values, sizeof values / sizeof *values, &arena);
    if (status == NULL)
        status = api->CreateAndRegisterAllocator(environment, memory, arena);
    if (arena != NULL)
        api->ReleaseArenaCfg(arena);
    if (memory != NULL)
        api->ReleaseMemoryInfo(memory);
    return status;
}

static int start(struct error *error)
{
    OrtStatus *status =
        api->CreateEnvWithCustomLogger(swallow_log, NULL, ORT_LOGGING_LEVEL_FATAL, "sci", &environment);
    if (status == NULL)
        status = make_arena();
    if (status == NULL)
        return 0;
    if (environment != NULL)
        api->ReleaseEnv(environment);
    environment = NULL;
    return runtime_fail(status, ERR_INTERNAL, error, "runtime", "cannot start");
}

int runtime_take(struct error *error)
{
    pthread_mutex_lock(&lock);
    int result = 0;
    if (api == NULL)
        api = OrtGetApiBase()->GetApi(API_VERSION);
    if (api == NULL)
        result = error_set(error, ERR_UNSUPPORTED, "ONNX Runtime %s is too old",
                           OrtGetApiBase()->GetVersionString());
    else if (users == 0)
        result = start(error);
    if (result == 0)
        users++;
    pthread_mutex_unlock(&lock);
    return result;
}

void runtime_give_back(void)
{
    pthread_mutex_lock(&lock);
    assert(users > 0);
    if (--users == 0) {
        api->ReleaseEnv(environment);
        environment = NULL;
    }
    pthread_mutex_unlock(&lock);
}

const struct OrtApi *runtime_api(void)
{
    return api;
}

struct OrtEnv *runtime_environment(void)
{
    return environment;
}
