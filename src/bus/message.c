#include "bus/bus.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct bus_message *bus_message_create(const char *topic, int64_t number, const void *bytes, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct bus_message) - 1)
        return NULL;
    struct bus_message *message = malloc(sizeof(struct bus_message) + size + 1);
    if (message == NULL)
        return NULL;
    atomic_init(&message->references, 1);
    text_copy(message->topic, sizeof message->topic, topic);
    message->number = number;
    message->size = size;
    if (size > 0)
        memcpy(message->bytes, bytes, size);
    message->bytes[size] = '\0';
    return message;
}

struct bus_message *bus_message_ref(struct bus_message *message)
{
    int before = atomic_fetch_add_explicit(&message->references, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
    return message;
}

void bus_message_unref(struct bus_message **message)
{
    struct bus_message *m = *message;
    *message = NULL;
    if (m == NULL)
        return;
    int before = atomic_fetch_sub_explicit(&m->references, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        free(m);
}
