#include "infer/provider.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <onnxruntime_c_api.h>

#include "base/text.h"

/* The first version of the runtime's table of functions that registers a provider from a library. */
#define PLUGIN_VERSION 22

static const char *const names[PROVIDER_COUNT] = {"auto", "cpu", "cuda", "tensorrt"};

bool provider_parse(const char *name, enum provider *provider)
{
    *provider = PROVIDER_CPU;
    if (name == NULL)
        return true;
    for (int i = 0; i < PROVIDER_COUNT; i++)
        if (strcmp(name, names[i]) == 0) {
            *provider = (enum provider)i;
            return true;
        }
    return false;
}

const char *provider_name(enum provider provider)
{
    return names[provider];
}

size_t provider_order(enum provider wanted, enum provider order[PROVIDER_COUNT])
{
    size_t count = 0;
    /* Not by itself: TensorRT takes minutes to build its engine for every size of picture. */
    if (wanted == PROVIDER_TENSORRT)
        order[count++] = PROVIDER_TENSORRT;
    if (wanted != PROVIDER_CPU)
        order[count++] = PROVIDER_CUDA;
    order[count++] = PROVIDER_CPU;
    return count;
}

/* ---- a runtime that was built with it ---- */

static OrtStatus *append_built_in_cuda(const OrtApi *api, OrtSessionOptions *options)
{
    /* Pictures come in several shapes: a full search for the best convolution would take seconds for each. */
    static const char *const keys[] = {"cudnn_conv_algo_search", "arena_extend_strategy"};
    static const char *const values[] = {"HEURISTIC", "kSameAsRequested"};
    OrtCUDAProviderOptionsV2 *cuda = NULL;
    OrtStatus *status = api->CreateCUDAProviderOptions(&cuda);
    if (status == NULL)
        status = api->UpdateCUDAProviderOptions(cuda, keys, values, 2);
    if (status == NULL)
        status = api->SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda);
    if (cuda != NULL)
        api->ReleaseCUDAProviderOptions(cuda);
    return status;
}

static OrtStatus *append_built_in_tensorrt(const OrtApi *api, OrtSessionOptions *options)
{
    OrtTensorRTProviderOptionsV2 *tensorrt = NULL;
    OrtStatus *status = api->CreateTensorRTProviderOptions(&tensorrt);
    if (status == NULL)
        status = api->SessionOptionsAppendExecutionProvider_TensorRT_V2(options, tensorrt);
    if (tensorrt != NULL)
        api->ReleaseTensorRTProviderOptions(tensorrt);
    return status;
}

static bool is_built_in(const OrtApi *api, const char *ort_name)
{
    char **available = NULL;
    int count = 0;
    bool found = false;
    OrtStatus *status = api->GetAvailableProviders(&available, &count);
    if (status != NULL) {
        api->ReleaseStatus(status);
        return false;
    }
    for (int i = 0; i < count; i++)
        found = found || strcmp(available[i], ort_name) == 0;
    status = api->ReleaseAvailableProviders(available, count);
    if (status != NULL)
        api->ReleaseStatus(status);
    return found;
}

/* ---- a library of its own ---- */

#if ORT_API_VERSION >= PLUGIN_VERSION
/* Beside the runtime's own file. */
static bool library_path(const char *file, char *path, size_t size)
{
    Dl_info info;
    char runtime[PATH_MAX];
    if (dladdr((const void *)(uintptr_t)OrtGetApiBase, &info) == 0 || info.dli_fname == NULL ||
        realpath(info.dli_fname, runtime) == NULL)
        return false;
    char *slash = strrchr(runtime, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    text_format(path, size, "%s/%s", runtime, file);
    return true;
}

/* The runtime keeps what is registered until its environment ends; a second time is an error. */
static OrtStatus *append_plugin(OrtEnv *environment, OrtSessionOptions *options, const char *ort_name,
                                const char *file)
{
    const OrtApi *api = OrtGetApiBase()->GetApi(PLUGIN_VERSION);
    const OrtEpDevice *const *devices = NULL;
    const OrtEpDevice *ours[1];
    size_t count = 0, found = 0;
    char path[PATH_MAX + 64];
    if (api == NULL)
        return NULL;
    OrtStatus *registered = NULL;
    if (library_path(file, path, sizeof path))
        registered = api->RegisterExecutionProviderLibrary(environment, ort_name, path);
    OrtStatus *status = api->GetEpDevices(environment, &devices, &count);
    for (size_t i = 0; status == NULL && i < count && found == 0; i++)
        if (strcmp(api->EpDevice_EpName(devices[i]), ort_name) == 0)
            ours[found++] = devices[i];
    if (status == NULL && found > 0)
        status =
            api->SessionOptionsAppendExecutionProvider_V2(options, environment, ours, found, NULL, NULL, 0);
    else if (status == NULL && registered == NULL)
        status = api->CreateStatus(ORT_FAIL, "there is no device for it");
    if (registered != NULL && found == 0 && status == NULL)
        return registered;
    if (registered != NULL)
        api->ReleaseStatus(registered);
    return status;
}
#endif

OrtStatus *provider_append(const OrtApi *api, OrtEnv *environment, OrtSessionOptions *options,
                           enum provider provider)
{
    bool cuda = provider == PROVIDER_CUDA;
    const char *ort_name = cuda ? "CUDAExecutionProvider" : "TensorrtExecutionProvider";
    if (is_built_in(api, ort_name))
        return cuda ? append_built_in_cuda(api, options) : append_built_in_tensorrt(api, options);
#if ORT_API_VERSION >= PLUGIN_VERSION
    if (OrtGetApiBase()->GetApi(PLUGIN_VERSION) != NULL)
        return append_plugin(environment, options, ort_name,
                             cuda ? "libonnxruntime_providers_cuda.so"
                                  : "libonnxruntime_providers_tensorrt.so");
#endif
    return api->CreateStatus(ORT_NOT_IMPLEMENTED, "this ONNX Runtime was built without it");
}
