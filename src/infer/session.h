/*
 * A model session: named float tensors in, named float tensors out. The wrapper of ONNX Runtime, whose header
 * is included in this folder and nowhere else.
 *
 * One session per model and process; `session_run` may be called from several threads at once. Every run must
 * have ended, and every thread that ran must have been joined, before `session_close` and before the process
 * exits: the runtime tears its own state down at exit and crashes when a run is still under way. Memory: all
 * sessions share an arena that grows to what the largest input and the most runs at once have needed, and
 * stays there until the last session is closed.
 *
 * Providers: "cpu", "cuda", "tensorrt" (which falls back to CUDA), and "auto": CUDA where it is there. What
 * is not there is no failure: the model runs on the CPU, and session_provider_reason says why.
 */
#ifndef SCI_INFER_SESSION_H
#define SCI_INFER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { TENSOR_RANK_MAX = 6, TENSOR_NAME_MAX = 128, SESSION_TENSORS_MAX = 16, TENSOR_SHAPE_TEXT = 96 };

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
    int threads; /* intra-op threads per run, from 1; spinning is off. 1 runs in the caller's thread alone */
    const char *provider; /* NULL is "cpu" */
};

struct session_outputs; /* opaque: what keeps the output tensors alive */

/* ERR_NOT_FOUND, ERR_IO, ERR_FORMAT (not a model, truncated, an operator or version that the runtime does not
 * know), ERR_UNSUPPORTED (types other than float, too many tensors, no such provider), ERR_INVALID (threads),
 * with the path. On failure *session is NULL. */
int session_open(const struct session_options *options, struct session **session, struct error *error);
void session_close(struct session **session); /* clears the pointer; NULL is fine */
size_t session_input_count(const struct session *session);
size_t session_output_count(const struct session *session);
const struct tensor_info *session_input(const struct session *session, size_t index);
const struct tensor_info *session_output(const struct session *session, size_t index);
const char *session_path(const struct session *session);
/*
 * Inputs and outputs in the order of the model. `outputs` is filled with session_output_count tensors that
 * live until
 * `*hold` is released. ERR_INVALID when an input's shape does not fit what the model declares (with both),
 * ERR_INTERNAL when the runtime fails. On failure *hold is NULL. Our own part allocates nothing once as many
 * runs have been made at a time as ever are.
 */
int session_run(struct session *session, const struct tensor *inputs, struct tensor *outputs,
                struct session_outputs **hold, struct error *error);
void session_outputs_release(struct session_outputs **hold); /* clears the pointer; NULL is fine */
const char *session_provider(const struct session *session); /* "cpu", "cuda", "tensorrt": what runs it */
/* Why it is not the one that was wanted; empty when it is. */
const char *session_provider_reason(const struct session *session);
const char *session_runtime_version(void);
/* Whether the runtime can be given "cuda" or "tensorrt" here; `why` is filled where not. What comes after
 * that (a model that the device refuses) session_open says. */
bool session_provider_is_there(const char *provider, char *why, size_t why_size);

/* "1x3x?x640": a free size is written "?". Returns `out`. */
char *tensor_shape_text(const int64_t *shape, size_t rank, char out[TENSOR_SHAPE_TEXT]);

#endif
