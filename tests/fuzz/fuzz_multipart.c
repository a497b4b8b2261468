/* The form that a picture may come in: the first line is the Content-Type, the rest the body. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = memchr(data, '\n', size);
    if (end == NULL)
        return 0;
    size_t type_size = (size_t)(end - data), body_size = size - type_size - 1;
    char *type = strndup((const char *)data, type_size);
    char *body = malloc(body_size + 1);
    const char *bytes = NULL;
    size_t count = 0;
    if (type == NULL || body == NULL)
        abort();
    memcpy(body, end + 1, body_size);
    if (multipart_is(type) && multipart_find_file(type, body, body_size, &bytes, &count, NULL) == 0 &&
        (bytes < body || count > body_size || (size_t)(bytes - body) > body_size - count))
        abort();
    free(type);
    free(body);
    return 0;
}
