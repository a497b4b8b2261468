#include "vision/flow_settle.h"

#include <math.h>

enum { SWEEPS = 2 };

/* Neighbours (4 pixels apart) differ by 0.2 pixels in smooth motion; beyond a pixel they are different
 * things. */
static const float STIFFNESS = 25, BORDER = 1;
/* A patch that explains a cell to half a grey level explains it fully. */
static const float RESIDUAL_ENOUGH_SQUARED = 0.2F;
/*
 * Noise alone has slopes, too: 64 pixels of (doubled) slopes with variance 2 s^2 over a noise of at least
 * 4 * 2 * 0.8^2 * 2 s^2 make an information of 12.5 whatever s is. Only what is above tells anything.
 */
static const float INFORMATION_OF_NOISE = 12.5F;
static const float ERROR_MOST = 0.25F; /* pixels of the level; worse is not known */
/* Neither light nor noise leaves so much of a patch unexplained, grey levels. */
static const float RESIDUAL_MOST = 12;
/* What interpolation between pixels costs at best. */
static const float ERROR_LEAST = 0.03F;

static float coupling(struct flow_vector a, struct flow_vector b)
{
    float x = a.x - b.x, y = a.y - b.y;
    return STIFFNESS / (1 + (x * x + y * y) / (BORDER * BORDER));
}

static void settle_node(struct flow_node *node, const struct flow_node *const neighbours[4])
{
    float weight = 0, x = 0, y = 0;
    for (int k = 0; k < 4; k++) {
        float w = coupling(neighbours[k]->motion, node->motion);
        weight += w;
        x += w * neighbours[k]->motion.x;
        y += w * neighbours[k]->motion.y;
    }
    x += node->xx * node->measured.x + node->xy * node->measured.y;
    y += node->xy * node->measured.x + node->yy * node->measured.y;
    float xx = node->xx + weight, yy = node->yy + weight;
    float scale = 1 / (xx * yy - node->xy * node->xy);
    node->motion = (struct flow_vector){(yy * x - node->xy * y) * scale, (xx * y - node->xy * x) * scale};
}

void flow_settle(struct flow_node *nodes, int columns, int rows)
{
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < columns; c++) {
                int i = sweep & 1 ? columns - 1 - c : c, j = sweep & 1 ? rows - 1 - r : r;
                struct flow_node *n = &nodes[j * columns + i];
                const struct flow_node *const neighbours[4] = {i > 0 ? n - 1 : n, i < columns - 1 ? n + 1 : n,
                                                               j > 0 ? n - columns : n,
                                                               j < rows - 1 ? n + columns : n};
                settle_node(n, neighbours);
            }
        }
    }
}

/* One sigma of what the patches know together, or INFINITY. */
static float error_of(float xx, float xy, float yy, float spread, float residual)
{
    float half = 0.5F * (xx + yy), root = sqrtf(0.25F * (xx - yy) * (xx - yy) + xy * xy);
    float least = half - root - INFORMATION_OF_NOISE;
    if (residual > RESIDUAL_MOST || !(least > 0))
        return INFINITY;
    float error = sqrtf(1 / least + spread + ERROR_LEAST * ERROR_LEAST);
    return error <= ERROR_MOST ? error : INFINITY;
}

static struct motion_cell make_cell(const struct flow_node *const patches[4])
{
    float sum = 0, x = 0, y = 0, square = 0, xx = 0, xy = 0, yy = 0, residual = INFINITY;
    for (int k = 0; k < 4; k++) {
        const struct flow_node *n = patches[k];
        float r = n->residual[3 - k]; /* the upper left patch has the cell in its lower right quarter */
        float w = 1 / (RESIDUAL_ENOUGH_SQUARED + r * r);
        residual = r < residual ? r : residual;
        sum += w;
        x += w * n->motion.x;
        y += w * n->motion.y;
        square += w * (n->motion.x * n->motion.x + n->motion.y * n->motion.y);
        xx += w * n->xx;
        xy += w * n->xy;
        yy += w * n->yy;
    }
    float scale = 1 / sum;
    x *= scale;
    y *= scale;
    float spread = fmaxf(0, square * scale - x * x - y * y);
    return (struct motion_cell){x, y, error_of(xx * scale, xy * scale, yy * scale, spread, residual)};
}

void flow_make_cells(const struct flow_node *nodes, int columns, int rows, struct motion_cell *cells)
{
    for (int r = 0; r + 1 < rows; r++) {
        for (int c = 0; c + 1 < columns; c++) {
            const struct flow_node *n = &nodes[r * columns + c];
            const struct flow_node *const patches[4] = {n, n + 1, n + columns, n + columns + 1};
            *cells++ = make_cell(patches);
        }
    }
}
