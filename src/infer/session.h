/*
 * A model session: named float tensors in, named float tensors out. The wrapper of ONNX Runtime.
 *
 * One session per model and process; `session_run` may be called from several threads at once. All runs must
 * have ended before `session_close`. Providers: the CPU; others say ERR_UNSUPPORTED when they are not there.
 */
#ifndef SCI_INFER_SESSION_H
#define SCI_INFER_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { TENSOR_RANK_MAX = 6, TENSOR_NAME_MAX = 128, SESSION_TENSORS_MAX = 16 };

struct tensor_info {
    char name[TENSOR_NAME_MAX];
    size_t rank;
    int64_t shape[TENSOR_RANK_MAX]; /* -1 = free */
};

struct tensor {
    size_t rank;
    int64_t shape[TENSOR_RANK_MAX];
    float *data; /* inputs: the caller's; outputs: lent until session_outputs_release */
};

struct session; /* opaque */

struct session_options {
    const char *path;
    int threads; /* intra-op threads per run, from 1; spinning is off */
};

struct session_outputs; /* opaque: what keeps the output tensors alive */

/* ERR_NOT_FOUND, ERR_FORMAT (not a model), ERR_UNSUPPORTED (types other than float, too many tensors), with
 * the path. */
int session_open(const struct session_options *options, struct session **session, struct error *error);
void session_close(struct session **session);
size_t session_input_count(const struct session *session);
size_t session_output_count(const struct session *session);
const struct tensor_info *session_input(const struct session *session, size_t index);
const struct tensor_info *session_output(const struct session *session, size_t index);
/* Inputs and outputs in the order of the model. `outputs` is filled with session_output_count tensors. */
int session_run(struct session *session, const struct tensor *inputs, struct tensor *outputs,
                struct session_outputs **hold, struct error *error);
void session_outputs_release(struct session_outputs **hold);
const char *session_runtime_version(void);

#endif
