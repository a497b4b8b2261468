/* Any bytes as a configuration: a configuration that can be written, read and compared, or an error with its
 * place. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read is written as JSON that reads back as JSON, and its streams read back to the same text. */
static void use(struct config *config)
{
    struct buffer text = {0};
    struct json_writer w = json_writer_on(&text);
    config_write_json(&w, config);
    struct json *root = NULL;
    if (json_parse(text.data, text.size, &root, NULL) != 0) {
        abort();
    }
    json_free(root);
    buffer_free(&text);
    for (size_t i = 0; i < config->stream_count; i++) {
        struct stream_config *copy = stream_config_copy(&config->streams[i]);
        stream_config_free(&copy);
    }
    if (config_diff(config, config, NULL, NULL) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = NULL;
    struct buffer report = {0};
    struct error error = {0};
    int rc = config_load_text((const char *)data, size, "f", &config, &report, &error);
    if ((rc == 0) != (config != NULL) || (rc != 0 && error.text[0] == '\0')) {
        abort();
    }
    if (config != NULL) {
        use(config);
        config_unref(&config);
    }
    buffer_free(&report);
    return 0;
}
