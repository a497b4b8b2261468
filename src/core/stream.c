#include "core/stream.h"

const char *stream_state_name(enum stream_state state)
{
    static const char *const names[STREAM_STATE_COUNT] = {"connecting", "live",  "stalled",
                                                          "failed",     "ended", "disabled"};
    return names[state];
}
