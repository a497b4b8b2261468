/* What the files of the key table (keys*.c) are written with. Nobody else needs it. */
#ifndef SCI_CONFIG_KEYS_H
#define SCI_CONFIG_KEYS_H

#include <stddef.h>

#include "config/key.h"

#define NEW_SECTION(variable, heading, type, rows, ...)                                                      \
    const struct config_section variable = {.title = heading,                                                \
                                            .struct_size = sizeof(type),                                     \
                                            .keys = rows,                                                    \
                                            .key_count = sizeof rows / sizeof rows[0],                       \
                                            __VA_ARGS__}
/* Where a member of one of the nameless structs of `struct config` lies in its own struct. */
#define IN(part, member) (offsetof(struct config, part.member) - offsetof(struct config, part))
#define PART(part) __typeof__(((struct config *)NULL)->part)

#endif
