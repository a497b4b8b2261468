#include "vision/density_tiles.h"

enum { CORE = 768 };

int density_tile_count(int side, bool tiled)
{
    return tiled ? (side + CORE - 1) / CORE : 1;
}

struct density_stretch density_tile_stretch(int side, int count, int index, int margin)
{
    int core = count == 1 ? side : CORE;
    struct density_stretch s = {.begin = index * core, .end = (index + 1) * core};
    s.end = s.end < side ? s.end : side;
    s.from = s.begin > margin ? s.begin - margin : 0;
    s.to = s.end + margin < side ? s.end + margin : side;
    return s;
}
