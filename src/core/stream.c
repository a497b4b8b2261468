#include "core/stream.h"

#include <stddef.h>

#include "base/error.h"

const char *stream_state_name(enum stream_state state)
{
    static const char *const names[STREAM_STATE_COUNT] = {"connecting", "live",  "stalled",
                                                          "failed",     "ended", "disabled"};
    return names[state];
}

const char *stream_cause_name(enum stream_cause cause)
{
    static const char *const names[STREAM_CAUSE_COUNT] = {NULL,        "authentication", "network", "timeout",
                                                          "not_found", "format",         "other"};
    return names[cause];
}

enum stream_cause stream_cause_of(int error_code)
{
    switch (error_code) {
    case ERR_OK:
    case ERR_CANCELED:
        return CAUSE_NONE;
    case ERR_AUTH:
        return CAUSE_AUTHENTICATION;
    case ERR_IO:
    case ERR_CLOSED:
    case ERR_END:
        return CAUSE_NETWORK;
    case ERR_TIMEOUT:
        return CAUSE_TIMEOUT;
    case ERR_NOT_FOUND:
        return CAUSE_NOT_FOUND;
    case ERR_FORMAT:
    case ERR_UNSUPPORTED:
        return CAUSE_FORMAT;
    default:
        return CAUSE_OTHER;
    }
}
