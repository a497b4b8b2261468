/*
 * ONNX Runtime through its C API. runtime.h has what all sessions share.
 *
 * The plan that the runtime makes for the memory of a run at a given input size is off: it puts all of a run
 * into one piece, beside what it took before it had the plan, and so needs twice as much.
 */
#include "infer/session.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <onnxruntime_c_api.h>

#include "base/text.h"
#include "infer/provider.h"
#include "infer/runtime.h"

enum { REASON_MAX = 256 };

struct session_outputs {
    struct session *session;
    struct session_outputs *next_free;
    OrtValue *values[SESSION_TENSORS_MAX];
};

struct session {
    char *path;
    OrtSession *ort;
    enum provider provider;
    char reason[REASON_MAX]; /* why it is not the one that was wanted */
    OrtMemoryInfo *memory;
    size_t input_count, output_count;
    struct tensor_info inputs[SESSION_TENSORS_MAX];
    struct tensor_info outputs[SESSION_TENSORS_MAX];
    const char *input_names[SESSION_TENSORS_MAX];
    const char *output_names[SESSION_TENSORS_MAX];
    pthread_mutex_t lock;
    struct session_outputs *free_outputs; /* under lock */
    size_t outputs_out;                   /* under lock: lent and not yet released */
};

/* The runtime's messages for these are about protobuf; ours are about files. */
static int check_file(const char *path, struct error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "model %s", path);
    struct stat st;
    int failed = fstat(fd, &st);
    int saved = errno;
    close(fd);
    if (failed)
        return error_set_errno(error, saved, "model %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(error, ERR_FORMAT, "model %s: not a file", path);
    if (st.st_size == 0)
        return error_set(error, ERR_FORMAT, "model %s: the file is empty", path);
    return 0;
}

static OrtStatus *set_options(OrtSessionOptions *o, int threads)
{
    OrtStatus *status = runtime_api()->SetIntraOpNumThreads(o, threads);
    if (status == NULL)
        status = runtime_api()->SetInterOpNumThreads(o, 1);
    if (status == NULL)
        status = runtime_api()->SetSessionExecutionMode(o, ORT_SEQUENTIAL);
    if (status == NULL)
        status = runtime_api()->SetSessionGraphOptimizationLevel(o, ORT_ENABLE_ALL);
    if (status == NULL)
        status = runtime_api()->AddSessionConfigEntry(o, "session.intra_op.allow_spinning", "0");
    if (status == NULL)
        status = runtime_api()->AddSessionConfigEntry(o, "session.inter_op.allow_spinning", "0");
    if (status == NULL)
        status = runtime_api()->AddSessionConfigEntry(o, "session.use_env_allocators", "1");
    if (status == NULL)
        status = runtime_api()->DisableMemPattern(o);
    if (status == NULL)
        status = runtime_api()->SetSessionLogSeverityLevel(o, ORT_LOGGING_LEVEL_FATAL);
    return status;
}

/* Takes the status: the first line of why a provider is not used, after what is known of others. */
static void note_reason(struct session *s, enum provider provider, OrtStatus *status)
{
    size_t used = strlen(s->reason);
    text_format(s->reason + used, sizeof s->reason - used, "%s%s: %s", used ? "; " : "",
                provider_name(provider), runtime_api()->GetErrorMessage(status));
    s->reason[used + strcspn(s->reason + used, "\n")] = '\0';
    runtime_api()->ReleaseStatus(status);
}

/* One provider's session. Returns true when it is done, for good or ill; false: another one may do. */
static bool open_with(struct session *s, enum provider provider, int threads, int *result,
                      struct error *error)
{
    OrtSessionOptions *o = NULL;
    OrtStatus *status = runtime_api()->CreateSessionOptions(&o);
    if (status == NULL)
        status = set_options(o, threads);
    if (status != NULL) {
        *result = runtime_fail(status, ERR_INTERNAL, error, s->path, "cannot prepare");
    } else {
        if (provider != PROVIDER_CPU)
            status = provider_append(runtime_api(), runtime_environment(), o, provider);
        if (status == NULL)
            status = runtime_api()->CreateSession(runtime_environment(), s->path, o, &s->ort);
        *result = 0;
        if (status != NULL && provider == PROVIDER_CPU)
            *result = runtime_fail(status, ERR_FORMAT, error, s->path, "not a model that can be run");
        else if (status != NULL)
            note_reason(s, provider, status);
    }
    if (o != NULL)
        runtime_api()->ReleaseSessionOptions(o);
    s->provider = provider;
    return *result < 0 || s->ort != NULL;
}

static int open_ort(struct session *s, enum provider wanted, int threads, struct error *error)
{
    enum provider order[PROVIDER_COUNT];
    size_t count = provider_order(wanted, order);
    int result = 0;
    OrtStatus *status = runtime_api()->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &s->memory);
    if (status != NULL)
        return runtime_fail(status, ERR_INTERNAL, error, s->path, "cannot prepare");
    for (size_t i = 0; i < count; i++)
        if (open_with(s, order[i], threads, &result, error))
            break;
    return result;
}

static int read_shape(const OrtTensorTypeAndShapeInfo *shape, size_t *rank, int64_t *sizes,
                      OrtStatus **status)
{
    *status = runtime_api()->GetDimensionsCount(shape, rank);
    if (*status != NULL || *rank > TENSOR_RANK_MAX)
        return -1;
    *status = runtime_api()->GetDimensions(shape, sizes, *rank);
    return *status == NULL ? 0 : -1;
}

static int read_type(const struct session *s, const OrtTypeInfo *type, const char *which,
                     struct tensor_info *info, struct error *error)
{
    const OrtTensorTypeAndShapeInfo *shape = NULL;
    OrtStatus *status = runtime_api()->CastTypeInfoToTensorInfo(type, &shape);
    if (status != NULL)
        return runtime_fail(status, ERR_INTERNAL, error, s->path, info->name);
    if (shape == NULL)
        return error_set(error, ERR_UNSUPPORTED, "model %s: %s \"%s\" is not a tensor", s->path, which,
                         info->name);
    ONNXTensorElementDataType element;
    status = runtime_api()->GetTensorElementType(shape, &element);
    if (status != NULL)
        return runtime_fail(status, ERR_INTERNAL, error, s->path, info->name);
    if (element != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT)
        return error_set(error, ERR_UNSUPPORTED,
                         "model %s: %s \"%s\" has element type %d, needed is float32 (1)", s->path, which,
                         info->name, (int)element);
    if (read_shape(shape, &info->rank, info->shape, &status) == 0)
        return 0;
    if (status != NULL)
        return runtime_fail(status, ERR_INTERNAL, error, s->path, info->name);
    return error_set(error, ERR_UNSUPPORTED,
                     "model %s: %s \"%s\" has %zu dimensions, at most %d are possible", s->path, which,
                     info->name, info->rank, TENSOR_RANK_MAX);
}

static int read_name(const struct session *s, bool input, size_t index, char name[TENSOR_NAME_MAX],
                     struct error *error)
{
    OrtAllocator *allocator = NULL;
    char *text = NULL;
    OrtStatus *status = runtime_api()->GetAllocatorWithDefaultOptions(&allocator);
    if (status == NULL)
        status = input ? runtime_api()->SessionGetInputName(s->ort, index, allocator, &text)
                       : runtime_api()->SessionGetOutputName(s->ort, index, allocator, &text);
    if (status != NULL)
        return runtime_fail(status, ERR_INTERNAL, error, s->path, "cannot read a tensor's name");
    /* A name that does not fit would not be found again by the runtime. */
    size_t length = strlen(text);
    int result = 0;
    if (length >= TENSOR_NAME_MAX)
        result = error_set(error, ERR_UNSUPPORTED, "model %s: a tensor's name has %zu characters", s->path,
                           length);
    else
        memcpy(name, text, length + 1);
    status = runtime_api()->AllocatorFree(allocator, text);
    if (status != NULL)
        runtime_api()->ReleaseStatus(status);
    return result;
}

static int read_tensor(const struct session *s, bool input, size_t index, struct tensor_info *info,
                       struct error *error)
{
    int result = read_name(s, input, index, info->name, error);
    if (result < 0)
        return result;
    OrtTypeInfo *type = NULL;
    OrtStatus *status = input ? runtime_api()->SessionGetInputTypeInfo(s->ort, index, &type)
                              : runtime_api()->SessionGetOutputTypeInfo(s->ort, index, &type);
    if (status != NULL)
        return runtime_fail(status, ERR_INTERNAL, error, s->path, info->name);
    result = read_type(s, type, input ? "input" : "output", info, error);
    runtime_api()->ReleaseTypeInfo(type);
    return result;
}

static int read_tensors(struct session *s, struct error *error)
{
    OrtStatus *status = runtime_api()->SessionGetInputCount(s->ort, &s->input_count);
    if (status == NULL)
        status = runtime_api()->SessionGetOutputCount(s->ort, &s->output_count);
    if (status != NULL)
        return runtime_fail(status, ERR_INTERNAL, error, s->path, "cannot count the tensors");
    if (s->input_count > SESSION_TENSORS_MAX || s->output_count > SESSION_TENSORS_MAX)
        return error_set(error, ERR_UNSUPPORTED,
                         "model %s: %zu inputs and %zu outputs, at most %d of each are possible", s->path,
                         s->input_count, s->output_count, SESSION_TENSORS_MAX);
    int result = 0;
    for (size_t i = 0; i < s->input_count && result == 0; i++) {
        result = read_tensor(s, true, i, &s->inputs[i], error);
        s->input_names[i] = s->inputs[i].name;
    }
    for (size_t i = 0; i < s->output_count && result == 0; i++) {
        result = read_tensor(s, false, i, &s->outputs[i], error);
        s->output_names[i] = s->outputs[i].name;
    }
    return result;
}

int session_open(const struct session_options *options, struct session **session, struct error *error)
{
    *session = NULL;
    enum provider wanted;
    if (!provider_parse(options->provider, &wanted))
        return error_set(error, ERR_UNSUPPORTED,
                         "model %s: there is no provider \"%s\", but auto, cpu, cuda and tensorrt",
                         options->path, options->provider);
    if (options->threads < 1 || options->threads > 256)
        return error_set(error, ERR_INVALID, "model %s: %d threads; 1 to 256 are possible", options->path,
                         options->threads);
    int result = check_file(options->path, error);
    if (result < 0)
        return result;
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_nomem(error, "a model session");
    pthread_mutex_init(&s->lock, NULL);
    s->path = text_duplicate(options->path);
    result = s->path == NULL ? error_nomem(error, "a model session") : runtime_take(error);
    if (result < 0) {
        free(s->path);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return result;
    }
    result = open_ort(s, wanted, options->threads, error);
    if (result == 0)
        result = read_tensors(s, error);
    /* Reading and optimising the graph leaves megabytes of freed memory in the heap. */
    malloc_trim(0);
    if (result < 0) {
        session_close(&s);
        return result;
    }
    *session = s;
    return 0;
}

void session_close(struct session **session)
{
    struct session *s = *session;
    *session = NULL;
    if (s == NULL)
        return;
    assert(s->outputs_out == 0);
    while (s->free_outputs != NULL) {
        struct session_outputs *next = s->free_outputs->next_free;
        free(s->free_outputs);
        s->free_outputs = next;
    }
    if (s->ort != NULL)
        runtime_api()->ReleaseSession(s->ort);
    if (s->memory != NULL)
        runtime_api()->ReleaseMemoryInfo(s->memory);
    runtime_give_back();
    pthread_mutex_destroy(&s->lock);
    free(s->path);
    free(s);
}

static struct session_outputs *outputs_take(struct session *s)
{
    pthread_mutex_lock(&s->lock);
    struct session_outputs *o = s->free_outputs;
    if (o != NULL)
        s->free_outputs = o->next_free;
    else
        o = malloc(sizeof *o);
    if (o != NULL) {
        *o = (struct session_outputs){.session = s};
        s->outputs_out++;
    }
    pthread_mutex_unlock(&s->lock);
    return o;
}

void session_outputs_release(struct session_outputs **hold)
{
    struct session_outputs *o = *hold;
    *hold = NULL;
    if (o == NULL)
        return;
    struct session *s = o->session;
    for (size_t i = 0; i < s->output_count; i++)
        if (o->values[i] != NULL)
            runtime_api()->ReleaseValue(o->values[i]);
    pthread_mutex_lock(&s->lock);
    o->next_free = s->free_outputs;
    s->free_outputs = o;
    s->outputs_out--;
    pthread_mutex_unlock(&s->lock);
}

static bool shape_fits(const struct tensor_info *info, const struct tensor *tensor)
{
    if (info->rank != tensor->rank)
        return false;
    for (size_t i = 0; i < info->rank; i++)
        if (tensor->shape[i] < 1 || (info->shape[i] >= 0 && info->shape[i] != tensor->shape[i]))
            return false;
    return true;
}

static int wrap_input(struct session *s, size_t index, const struct tensor *tensor, OrtValue **value,
                      struct error *error)
{
    const struct tensor_info *info = &s->inputs[index];
    if (!shape_fits(info, tensor)) {
        char found[TENSOR_SHAPE_TEXT], needed[TENSOR_SHAPE_TEXT];
        return error_set(error, ERR_INVALID, "model %s: input \"%s\" was given %s and takes %s", s->path,
                         info->name, tensor_shape_text(tensor->shape, tensor->rank, found),
                         tensor_shape_text(info->shape, info->rank, needed));
    }
    size_t bytes = sizeof(float);
    for (size_t i = 0; i < tensor->rank; i++)
        if (__builtin_mul_overflow(bytes, (size_t)tensor->shape[i], &bytes))
            return error_set(error, ERR_INVALID, "model %s: input \"%s\" is too large", s->path, info->name);
    OrtStatus *status = runtime_api()->CreateTensorWithDataAsOrtValue(
        s->memory, tensor->data, bytes, tensor->shape, tensor->rank, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT,
        value);
    return status == NULL ? 0 : runtime_fail(status, ERR_INTERNAL, error, s->path, info->name);
}

static int describe_output(struct session *s, size_t index, OrtValue *value, struct tensor *tensor,
                           struct error *error)
{
    OrtTensorTypeAndShapeInfo *shape = NULL;
    void *data = NULL;
    OrtStatus *status = runtime_api()->GetTensorTypeAndShape(value, &shape);
    if (status == NULL && read_shape(shape, &tensor->rank, tensor->shape, &status) < 0 && status == NULL)
        status = runtime_api()->CreateStatus(ORT_FAIL, "too many dimensions");
    if (status == NULL)
        status = runtime_api()->GetTensorMutableData(value, &data);
    if (shape != NULL)
        runtime_api()->ReleaseTensorTypeAndShapeInfo(shape);
    tensor->data = data;
    return status == NULL ? 0 : runtime_fail(status, ERR_INTERNAL, error, s->path, s->outputs[index].name);
}

int session_run(struct session *session, const struct tensor *inputs, struct tensor *outputs,
                struct session_outputs **hold, struct error *error)
{
    OrtValue *values[SESSION_TENSORS_MAX] = {NULL};
    struct session_outputs *o = outputs_take(session);
    *hold = NULL;
    if (o == NULL)
        return error_nomem(error, "a model's outputs");
    int result = 0;
    for (size_t i = 0; i < session->input_count && result == 0; i++)
        result = wrap_input(session, i, &inputs[i], &values[i], error);
    if (result == 0) {
        OrtStatus *status =
            runtime_api()->Run(session->ort, NULL, session->input_names, (const OrtValue *const *)values,
                               session->input_count, session->output_names, session->output_count, o->values);
        if (status != NULL)
            result = runtime_fail(status, ERR_INTERNAL, error, session->path, "the run failed");
    }
    for (size_t i = 0; i < session->output_count && result == 0; i++)
        result = describe_output(session, i, o->values[i], &outputs[i], error);
    for (size_t i = 0; i < session->input_count; i++)
        if (values[i] != NULL)
            runtime_api()->ReleaseValue(values[i]);
    if (result < 0)
        session_outputs_release(&o);
    *hold = o;
    return result;
}

size_t session_input_count(const struct session *session)
{
    return session->input_count;
}

size_t session_output_count(const struct session *session)
{
    return session->output_count;
}

const struct tensor_info *session_input(const struct session *session, size_t index)
{
    assert(index < session->input_count);
    return &session->inputs[index];
}

const struct tensor_info *session_output(const struct session *session, size_t index)
{
    assert(index < session->output_count);
    return &session->outputs[index];
}

const char *session_path(const struct session *session)
{
    return session->path;
}

const char *session_provider(const struct session *session)
{
    return provider_name(session->provider);
}

const char *session_provider_reason(const struct session *session)
{
    return session->reason;
}

bool session_provider_is_there(const char *name, char *why, size_t why_size)
{
    enum provider provider;
    struct error error = {0};
    OrtSessionOptions *options = NULL;
    if (!provider_parse(name, &provider) || provider == PROVIDER_AUTO || runtime_take(&error) < 0) {
        text_copy(why, why_size, error.text[0] ? error.text : "there is no such provider");
        return false;
    }
    OrtStatus *status = runtime_api()->CreateSessionOptions(&options);
    if (status == NULL && provider != PROVIDER_CPU)
        status = provider_append(runtime_api(), runtime_environment(), options, provider);
    bool there = status == NULL;
    text_copy(why, why_size, there ? "" : runtime_api()->GetErrorMessage(status));
    why[strcspn(why, "\n")] = '\0';
    if (status != NULL)
        runtime_api()->ReleaseStatus(status);
    if (options != NULL)
        runtime_api()->ReleaseSessionOptions(options);
    runtime_give_back();
    return there;
}

const char *session_runtime_version(void)
{
    return OrtGetApiBase()->GetVersionString();
}

char *tensor_shape_text(const int64_t *shape, size_t rank, char out[TENSOR_SHAPE_TEXT])
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < rank && used < TENSOR_SHAPE_TEXT - 1; i++) {
        const char *separator = i == 0 ? "" : "x";
        if (shape[i] < 0)
            text_format(out + used, TENSOR_SHAPE_TEXT - used, "%s?", separator);
        else
            text_format(out + used, TENSOR_SHAPE_TEXT - used, "%s%lld", separator, (long long)shape[i]);
        used += strlen(out + used);
    }
    return out;
}
