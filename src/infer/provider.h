/*
 * provider: puts what computes a model into a session's options: NVIDIA's GPU through ONNX Runtime's CUDA or
 * TensorRT provider, or the processor. Two ways lead to a GPU: a runtime that was built with the provider,
 * and the provider as a library of its own (libonnxruntime_providers_cuda.so) beside any runtime from 1.22
 * on, which registers it. Private to infer: the one header that shows ONNX Runtime's.
 */
#ifndef SCI_INFER_PROVIDER_H
#define SCI_INFER_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>

struct OrtApi;
struct OrtEnv;
struct OrtSessionOptions;
struct OrtStatus;

enum provider { PROVIDER_AUTO, PROVIDER_CPU, PROVIDER_CUDA, PROVIDER_TENSORRT, PROVIDER_COUNT };

/* "auto", ...; NULL is PROVIDER_CPU. False: no such name. */
bool provider_parse(const char *name, enum provider *provider);
const char *provider_name(enum provider provider);

/* The ones to try, the best first, the processor last; returns how many. */
size_t provider_order(enum provider wanted, enum provider order[PROVIDER_COUNT]);

/* Puts CUDA or TensorRT into the options. NULL, or why not: a status to release. */
struct OrtStatus *provider_append(const struct OrtApi *api, struct OrtEnv *environment,
                                  struct OrtSessionOptions *options, enum provider provider);

#endif
