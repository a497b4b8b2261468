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

/* What kind of thing keeps a stream from being live, for programs and for the words of a display. */
enum stream_cause {
    CAUSE_NONE,
    CAUSE_AUTHENTICATION, /* name or password are wrong or missing, or not allowed (401, 403) */
    CAUSE_NETWORK,        /* refused, closed, no route, no such host */
    CAUSE_TIMEOUT,        /* no answer, or no picture, in time */
    CAUSE_NOT_FOUND,      /* no such path, file or device */
    CAUSE_FORMAT,         /* what comes is not video, damaged, or not known to this build */
    CAUSE_OTHER,
    STREAM_CAUSE_COUNT
};

/* Upper bounds of the latency histogram (capture to published), seconds. */
#define STREAM_LATENCY_BOUNDS                                                                                \
    {                                                                                                        \
        0.01, 0.02, 0.035, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 1, 2, 5                                          \
    }

const char *stream_state_name(enum stream_state state); /* "connecting", ... */
const char *stream_cause_name(enum stream_cause cause); /* "authentication", ...; NULL for CAUSE_NONE */
/* Of an error (base/error.h) when opening or reading a source. */
enum stream_cause stream_cause_of(int error_code);

#endif
