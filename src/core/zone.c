#include "core/zone.h"

const char *zone_kind_name(enum zone_kind kind)
{
    static const char *const names[] = {"moving", "standing", "exit"};
    return names[kind];
}
