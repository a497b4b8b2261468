/* About once a second: whether edges are as sharp as they were, in the whole picture and tile by tile. */
#include <math.h>

#include "vision/picture_health_internal.h"

enum {
    EDGES_LEAST = 6, /* of a tile whose sharpness can be told */
    SOFT_LOOKS = 6
};
/* Sharpness of a picture that is blurred whatever it shows. */
static const double BLURRED_SHARPNESS = 0.30;
/* Of the tiles that had edges: when so many have lost them the whole picture is blurred. */
static const double BLURRED_SHARE = 0.7;
/* Less than this of a blurred tile's sharpness: something is before the lens there. */
#define PAINTED_SHARE 0.6F

/* The camera's own best, tile by tile: quick to learn, slow to forget. */
static void learn_edges(struct picture_health *h, const struct tile_edges *edges)
{
    bool first = h->edge_looks < HEALTH_EDGE_LOOKS;
    h->edge_looks += first;
    for (int t = 0; t < HEALTH_TILES; t++) {
        float sharper = edges->sharpness[t] - h->sharpness[t],
              more = (float)edges->count[t] - h->edge_count[t];
        float share = 1.0F / (float)h->edge_looks;
        h->sharpness[t] += sharper * (first ? share : sharper > 0 ? 1.0F / 60 : 1.0F / 7200);
        h->edge_count[t] += more * (first ? share : 1.0F / 300);
    }
}

static double mean_sharpness(const struct tile_edges *edges)
{
    double sum = 0;
    int tiles = 0;
    for (int t = 0; t < HEALTH_TILES; t++)
        if (edges->count[t] >= EDGES_LEAST) {
            sum += (double)edges->sharpness[t];
            tiles++;
        }
    return tiles >= HEALTH_TILES_LEAST ? sum / tiles : 0;
}

/* The share of the tiles with edges that have lost them or their sharpness; those in which next to nothing is
 * left of it. */
static uint64_t find_blurred(const struct picture_health *h, const struct tile_edges *edges,
                             double blur_share, double *share)
{
    uint64_t away = 0;
    int had = 0, lost = 0;
    for (int t = 0; h->edge_looks >= HEALTH_EDGE_LOOKS && t < HEALTH_TILES; t++) {
        if (h->edge_count[t] < EDGES_LEAST)
            continue;
        bool soft = edges->count[t] >= 3 && edges->sharpness[t] < (float)blur_share * h->sharpness[t];
        bool gone = (float)edges->count[t] < 0.15F * h->edge_count[t];
        had++;
        bool painted = soft && edges->sharpness[t] < PAINTED_SHARE * (float)blur_share * h->sharpness[t];
        lost += soft || gone;
        away |= painted || gone ? UINT64_C(1) << t : 0;
    }
    *share = had >= HEALTH_TILES_LEAST ? (double)lost / had : 0;
    return away;
}

static void note_soft(struct picture_health *h, uint64_t away)
{
    for (int t = 0; t < HEALTH_TILES; t++)
        if (!(away >> t & 1U))
            h->soft_looks[t] = 0;
        else if (h->soft_looks[t] < SOFT_LOOKS)
            h->soft_looks[t]++;
}

bool picture_sharpness_look(struct picture_health *h, const struct picture_health_options *o,
                            const struct picture *picture, double deviation)
{
    struct tile_edges edges;
    int least_range = (int)fmax(16, 0.6 * deviation);
    edges_measure(picture, least_range, &edges);
    h->last.sharpness = mean_sharpness(&edges);
    if (h->last.sharpness == 0) { /* a strong blur leaves no edges of that range within a piece */
        struct tile_edges soft;
        edges_measure(picture, least_range / 2, &soft);
        h->last.sharpness = mean_sharpness(&soft);
    }
    note_soft(h, find_blurred(h, &edges, o->blur_share, &h->last.blurred_share));
    bool never_sharp = h->last.sharpness > 0 && h->last.sharpness < BLURRED_SHARPNESS;
    bool blurred = h->last.blurred_share >= BLURRED_SHARE || never_sharp;
    if (h->last.blurred_share < 0.3 && !never_sharp)
        learn_edges(h, &edges);
    return blurred;
}

uint64_t picture_sharpness_painted(const struct picture_health *h)
{
    uint64_t painted = 0;
    for (int t = 0; h->last.blurred_share < BLURRED_SHARE && t < HEALTH_TILES; t++)
        painted |= h->soft_looks[t] >= SOFT_LOOKS ? UINT64_C(1) << t : 0;
    int lost = picture_count_bits(painted & h->last.view.missing);
    return lost >= 3 && lost * 4 >= picture_count_bits(painted) ? painted : 0;
}
