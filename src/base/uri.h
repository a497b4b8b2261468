/*
 * uri: what a camera's address says, and how it may be shown. No secret in an address may reach a log, an
 * answer, an event, a metric or an error's text: everything that shows an address passes it through
 * uri_redact first. Pure.
 */
#ifndef SCI_BASE_URI_H
#define SCI_BASE_URI_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The address with what may be a secret replaced by three stars; truncated to out_size. Returns `out`.
 *
 *  - User information: stars and an @ stand for it. A password may hold characters that it should not (an @,
 * a slash, a question mark; or the scheme is misspelt): when in doubt, all up to the last @ is taken for
 *    credentials.
 *  - Values of parameters that sound like a name, a password or a key, wherever cameras have them: in the
 *    query, and in the path ("/user=X", "/cam;password=X").
 */
char *uri_redact(const char *uri, char *out, size_t out_size);

/* Whether the address holds the stars of uri_redact: somebody gives back what was shown to him. */
bool uri_is_redacted(const char *uri);

/* "rtsp" for "rtsp://..."; an empty text for a plain path. */
void uri_scheme(const char *uri, char *out, size_t out_size);

#endif
