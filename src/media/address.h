/* address: what a source's URI says. Pure functions; no URI leaves here without having its credentials
 * removed. */
#ifndef SCI_MEDIA_ADDRESS_H
#define SCI_MEDIA_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { ADDRESS_MAX = 4096 };

enum address_type { ADDRESS_FILE, ADDRESS_RTSP, ADDRESS_HTTP, ADDRESS_WEBCAM, ADDRESS_OTHER };

/* By scheme: none or "file" is a file; "rtsp", "rtsps"; "http", "https"; "v4l2". */
enum address_type address_type(const char *uri);

/* The path of a plain path or of "file:///path" (%XX decoded; host empty or localhost). ERR_INVALID with the
 * reason. */
int address_path(const char *uri, char out[ADDRESS_MAX], struct error *error);

/*
 * The camera's own address: without the fragment, which is ours. "rtsp://host/path#udp" asks for RTP over UDP
 * instead of TCP. ERR_INVALID for any other fragment of an RTSP address.
 */
int address_rtsp(const char *uri, char out[ADDRESS_MAX], bool *udp, struct error *error);

/* For messages: credentials removed, shortened. Returns `out`. */
enum { ADDRESS_SHOWN = 200 };
char *address_shown(const char *uri, char out[ADDRESS_SHOWN]);

#endif
