#include "media/deinterlace.h"

/* Product of the two differences: about ten grey levels each. */
enum { COMB = 100 };

static void mend_row(uint8_t *restrict row, const uint8_t *restrict above, const uint8_t *restrict below,
                     int width)
{
    for (int x = 0; x < width; x++) {
        int up = row[x] - above[x], down = row[x] - below[x];

        row[x] = up * down > COMB ? (uint8_t)((above[x] + below[x] + 1) / 2) : row[x];
    }
}

void deinterlace_plane(uint8_t *plane, ptrdiff_t stride, int width, int height)
{
    for (int y = 1; y + 1 < height; y += 2)
        mend_row(plane + y * stride, plane + (y - 1) * stride, plane + (y + 1) * stride, width);
}
