#include "config/check_objects.h"

#include "config/check.h"
#include "core/object_uri.h"

void check_object_uri(struct config_reader *reader, const struct node *place, const char *uri)
{
    struct object_uri parsed;
    struct error error;
    if (object_uri_parse(uri, &parsed, &error) < 0) {
        reader_complain(reader, place, "uri", "%s", error.text);
    } else if (parsed.source != OBJECT_DEEPSTREAM && !reader->trusted &&
               !path_is_allowed(reader->config, parsed.path)) {
        reader_complain(reader, place, "uri", "the file is outside the folders of media.allowed_dirs");
    }
}
