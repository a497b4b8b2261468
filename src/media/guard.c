#include "media/guard.h"

#include "base/clock.h"

void guard_arm(struct guard *guard, int64_t timeout_ns)
{
    guard->expired = false;
    guard->deadline_ns = timeout_ns > 0 ? clock_monotonic_ns() + timeout_ns : INT64_MAX;
}

int guard_interrupted(void *opaque)
{
    struct guard *guard = opaque;

    if (guard->cancel && atomic_load_explicit(guard->cancel, memory_order_relaxed))
        guard->canceled = true;
    if (clock_monotonic_ns() >= guard->deadline_ns)
        guard->expired = true;
    return guard->canceled || guard->expired;
}

int guard_error(const struct guard *guard, const char *shown, const char *what, struct error *error)
{
    if (guard->canceled)
        return error_set(error, ERR_CANCELED, "%s: interrupted", shown);
    if (guard->expired)
        return error_set(error, ERR_TIMEOUT, "%s: %s", shown, what);
    return 0;
}
