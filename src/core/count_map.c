#include "core/count_map.h"

#include <assert.h>

const char *counting_mode_name(enum counting_mode mode)
{
    static const char *const names[] = {"auto", "boxes", "density"};
    assert((int)mode >= COUNTING_AUTO && mode <= COUNTING_DENSITY);
    return names[mode];
}
