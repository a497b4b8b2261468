/* Any bytes as an alert journal. What is read can be written again, and is then the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alerting/alert_record.h"
#include "alerting/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check_event(void *user, const struct alert_event *event)
{
    struct buffer bytes = {0}, again = {0};
    struct alert_event copy;
    struct error error;
    ++*(size_t *)user;
    alert_record_encode(event, &bytes);
    if (bytes.failed || bytes.size > ALERT_RECORD_MAX ||
        alert_record_decode(bytes.data, bytes.size, &copy, &error) < 0)
        abort();
    alert_record_encode(&copy, &again);
    if (again.failed || again.size != bytes.size || memcmp(again.data, bytes.data, bytes.size) != 0)
        abort();
    buffer_free(&bytes);
    buffer_free(&again);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_place place;
    struct error error = {0};
    size_t count = 0;
    int code = journal_parse(data, size, check_event, &count, &place, &error);
    if ((code < 0) != (error.text[0] != '\0') || place.used > size)
        abort();
    struct alert_event event; /* the records themselves, which a CRC would keep the fuzzer from */
    if (alert_record_decode(data, size, &event, &error) == 0)
        (void)check_event(&count, &event);
    return 0;
}
