/*
 * ONNX Runtime itself: its table of functions, and the environment that all sessions of the process share.
 * For this folder alone.
 *
 * The environment is one per process by the runtime's design. It is made by the first session and freed with
 * the last one, so a program that closes its sessions leaves nothing behind at exit. Any thread.
 */
#ifndef SCI_INFER_RUNTIME_H
#define SCI_INFER_RUNTIME_H

#include "base/error.h"

struct OrtApi;
struct OrtEnv;
struct OrtStatus;

/* ERR_UNSUPPORTED when the library is too old, else as runtime_fail. */
int runtime_take(struct error *error);
void runtime_give_back(void);

/* Between the two. */
const struct OrtApi *runtime_api(void);
struct OrtEnv *runtime_environment(void);

/* Frees the status. `fallback` is the code for the runtime's own "fail", which says nothing about whose fault
 * it is. */
int runtime_fail(struct OrtStatus *status, int fallback, struct error *error, const char *path,
                 const char *what);

#endif
