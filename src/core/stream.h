/* The state of a stream, as everybody names it (contracts: names others rely on). */
#ifndef SCI_CORE_STREAM_H
#define SCI_CORE_STREAM_H

enum stream_state {
    STREAM_CONNECTING, /* first try */
    STREAM_LIVE,
    STREAM_STALLED,  /* connected, no pictures */
    STREAM_FAILED,   /* the last try failed; still trying */
    STREAM_ENDED,    /* a file played once */
    STREAM_DISABLED, /* switched off in the configuration */
    STREAM_STATE_COUNT
};

/* Upper bounds of the latency histogram (capture to published), seconds. */
#define STREAM_LATENCY_BOUNDS                                                                                \
    {                                                                                                        \
        0.01, 0.02, 0.035, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 1, 2, 5                                          \
    }

const char *stream_state_name(enum stream_state state); /* "connecting", ... */

#endif
