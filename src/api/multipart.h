/*
 * The file in a body of multipart/form-data (RFC 7578), as a browser's form or `curl -F picture=@x.jpg` sends
 * it. Pure; nothing is copied.
 */
#ifndef SCI_API_MULTIPART_H
#define SCI_API_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Does a Content-Type say that it is one? */
bool multipart_is(const char *content_type);
/* The bytes of the first part that has a file name, else of the first part. ERR_FORMAT: no boundary in the
 * type, no such boundary in the body, a part without end. */
int multipart_find_file(const char *content_type, const char *body, size_t size, const char **bytes,
                        size_t *byte_count, struct error *error);

#endif
