/* Addresses of sources without pictures: any text is either an address or told why not. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/object_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct object_uri uri;
    struct error error = {0};
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (object_uri_parse(text, &uri, &error) < 0) {
        if (error.text[0] == '\0')
            abort();
    } else if (uri.path[0] == '\0' || uri.max_age_ns <= 0 || uri.class_count < 1 ||
               (uri.source == OBJECT_DEEPSTREAM && (uri.host[0] == '\0' || uri.width < 1 || uri.port < 1))) {
        abort();
    }
    free(text);
    return 0;
}
