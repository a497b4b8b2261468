#include "vision/view_watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEARN_LOOKS = 20,
    FOUND_SHARE = 35, /* per cent of the known tiles that make a comparison */
    LOST_SHARE = 15,  /* fewer are chance */
    GOOD_SHARE = 50,
    LEAST_TILES = 6,
    SUDDEN_LOOKS = 15, /* a lost view was good so few looks ago */
    LOST_LOOKS = 20,
    STEADY_LOOKS = 5,
    COARSE_EVERY = 3,
    RELEARN_LOOKS = 600,
    OBSCURED_LOOKS = 6
};
#define FOUND_SCORE 0.55F

static bool enough(int found, int known, int share)
{
    return found >= LEAST_TILES && found * 100 >= share * known;
}

static uint8_t least(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static uint8_t most(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

/* The median of five, as the middle of the best of the lower and the least of the upper pairs. */
static uint8_t median_of_five(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint8_t e)
{
    uint8_t f = most(least(a, b), least(c, d)), g = least(most(a, b), most(c, d));
    return most(least(f, g), least(most(f, g), e));
}

static void take_background(struct view_watch *w, const uint8_t thumb[THUMB_CELLS])
{
    memcpy(w->ring[w->ring_at], thumb, THUMB_CELLS);
    w->ring_at = (w->ring_at + 1) % VIEW_MEDIAN;
    if (w->ring_count < VIEW_MEDIAN) {
        for (int i = w->ring_count; i < VIEW_MEDIAN; i++)
            memcpy(w->ring[i], thumb, THUMB_CELLS);
        w->ring_count++;
    }
    for (int i = 0; i < THUMB_CELLS; i++)
        w->background[i] =
            median_of_five(w->ring[0][i], w->ring[1][i], w->ring[2][i], w->ring[3][i], w->ring[4][i]);
    detail_make(w->background, w->detail);
}

static double tile_spread(const uint8_t cells[THUMB_CELLS], int tile)
{
    int column = tile % HEALTH_TILE_COLUMNS * THUMB_TILE, row = tile / HEALTH_TILE_COLUMNS * THUMB_TILE;
    int sum = 0, squares = 0, n = THUMB_TILE * THUMB_TILE;
    for (int r = 0; r < THUMB_TILE; r++)
        for (int c = 0; c < THUMB_TILE; c++) {
            int v = cells[(row + r) * THUMB_COLUMNS + column + c];
            sum += v;
            squares += v * v;
        }
    double mean = (double)sum / n;
    return sqrt(fmax(0, (double)squares / n - mean * mean));
}

static void copy_tile(struct view_watch *w, int tile)
{
    int column = tile % HEALTH_TILE_COLUMNS * THUMB_TILE, row = tile / HEALTH_TILE_COLUMNS * THUMB_TILE;
    for (int r = 0; r < THUMB_TILE; r++)
        memcpy(w->reference + (row + r) * THUMB_COLUMNS + column,
               w->detail + (row + r) * THUMB_COLUMNS + column, THUMB_TILE);
    w->spread[tile] = (uint8_t)tile_spread(w->background, tile);
    w->missing[tile] = 0;
}

/* Whether enough of the tiles of `then` are where they were. */
static bool stands(const uint8_t then[THUMB_CELLS], const uint8_t now[THUMB_CELLS])
{
    int known = 0, same = 0;
    for (int t = 0; t < HEALTH_TILES; t++) {
        struct tile_match m;
        view_match_tile(then, now, t, 0, 0, &m);
        bool near = fabsf(m.dx) < 0.8F && fabsf(m.dy) < 0.8F;
        known += m.known;
        same += m.known && near && m.score >= FOUND_SCORE;
    }
    return enough(same, known, GOOD_SHARE);
}

/* A mean of the first backgrounds: who stands about for a while fades. A view that is still being set is
 * begun again. */
static void learn(struct view_watch *w)
{
    if (w->looks >= VIEW_MEDIAN && !stands(w->reference, w->detail))
        w->looks = 0;
    int n = w->looks + 1;
    for (int i = 0; i < THUMB_CELLS; i++)
        w->learning[i] = (uint8_t)(((n - 1) * w->learning[i] + w->background[i] + n / 2) / n);
    detail_make(w->learning, w->reference);
    for (int t = 0; t < HEALTH_TILES; t++)
        w->spread[t] = (uint8_t)tile_spread(w->learning, t);
}

void view_watch_accept(struct view_watch *w)
{
    unsigned learnt = w->learnt;
    memset(w, 0, sizeof *w);
    w->learnt = learnt;
}

bool view_watch_reference(const struct view_watch *w, struct view_reference *reference)
{
    if (w->looks < LEARN_LOOKS)
        return false;
    memcpy(reference->detail, w->reference, sizeof reference->detail);
    memcpy(reference->spread, w->spread, sizeof reference->spread);
    return true;
}

void view_watch_recall(struct view_watch *w, const struct view_reference *reference, bool recent)
{
    view_watch_accept(w);
    memcpy(w->reference, reference->detail, sizeof w->reference);
    memcpy(w->spread, reference->spread, sizeof w->spread);
    w->looks = LEARN_LOOKS;
    w->good_ago = recent ? 0 : RELEARN_LOOKS;
}

static void match_all(struct view_watch *w, int guess_x, int guess_y, struct view_finding *f)
{
    f->known = f->found = 0;
    for (int t = 0; t < HEALTH_TILES; t++) {
        view_match_tile(w->reference, w->detail, t, guess_x, guess_y, &w->matches[t]);
        f->known += w->matches[t].known;
        f->found += w->matches[t].known && w->matches[t].score >= FOUND_SCORE;
    }
}

/* The tiles around a guess, and what they agree on. */
static void try_guess(struct view_watch *w, int guess_x, int guess_y, double aspect, struct view_finding *f,
                      struct view_fit *fit)
{
    match_all(w, guess_x, guess_y, f);
    view_fit(w->matches, FOUND_SCORE, aspect, fit);
    f->compared = enough(f->found, f->known, LOST_SHARE) && fit->agreeing * 10 >= fit->used * 6 &&
                  fit->agreeing >= LEAST_TILES;
    f->shift = f->compared ? fit->shift : 0;
}

/* Likewise around another guess, unless fewer agree there: less than `share` per cent of those before. */
static void try_again(struct view_watch *w, int guess_x, int guess_y, double aspect, int share,
                      struct view_finding *f, struct view_fit *fit)
{
    struct tile_match kept[HEALTH_TILES];
    struct view_finding before = *f;
    struct view_fit fit_before = *fit;
    memcpy(kept, w->matches, sizeof kept);
    try_guess(w, guess_x, guess_y, aspect, f, fit);
    if (f->compared >= before.compared && 100 * fit->agreeing >= share * fit_before.agreeing)
        return;
    memcpy(w->matches, kept, sizeof kept);
    *f = before;
    *fit = fit_before;
}

static int middle(const struct tile_match matches[HEALTH_TILES], bool along_x)
{
    int counts[2 * VIEW_REACH + 1] = {0}, total = 0, seen = 0;
    for (int t = 0; t < HEALTH_TILES; t++) {
        long d = lroundf(along_x ? matches[t].dx : matches[t].dy);
        if (matches[t].known && matches[t].score >= FOUND_SCORE && labs(d) <= VIEW_REACH) {
            counts[d + VIEW_REACH]++;
            total++;
        }
    }
    for (int d = -VIEW_REACH; d <= VIEW_REACH; d++) {
        seen += counts[d + VIEW_REACH];
        if (2 * seen > total)
            return d;
    }
    return 0;
}

/* The tiles near their places, or else around one shift of the whole view. Along a wall or a kerb many tiles
 * look alike: what counts is what they agree on. */
static void compare(struct view_watch *w, double aspect, struct view_finding *f)
{
    struct view_fit fit;
    try_guess(w, 0, 0, aspect, f, &fit);
    if (f->compared && enough(f->found, f->known, FOUND_SHARE)) {
        int x = middle(w->matches, true), y = middle(w->matches, false);
        if (abs(x) > 1 ||
            abs(y) > 1) /* near the end of the reach the shift is not told to a part of a cell */
            try_again(w, x, y, aspect, 75, f, &fit);
        return;
    }
    if (w->coarse_wait-- <= 0) {
        view_match_coarse(w->reference, w->detail, &w->coarse_x, &w->coarse_y);
        w->coarse_wait = COARSE_EVERY - 1;
    }
    try_again(w, w->coarse_x, w->coarse_y, aspect, 100, f, &fit);
}

static void remember_before(struct view_watch *w)
{
    if (++w->before_age < STEADY_LOOKS)
        return;
    memcpy(w->before, w->detail, THUMB_CELLS);
    w->before_age = 0;
}

static void note_lost(struct view_watch *w, struct view_finding *f)
{
    bool gone = f->known >= LEAST_TILES && !enough(f->found, f->known, LOST_SHARE);
    if (f->compared || enough(f->found, f->known, FOUND_SHARE)) {
        w->lost = false;
        w->unfound = 0;
        w->standing = 0;
    } else {
        w->unfound++;
    }
    if (enough(f->found, f->known, GOOD_SHARE))
        w->good_ago = 0;
    else if (w->good_ago < RELEARN_LOOKS)
        w->good_ago++;
    if (gone && w->standing == 0 && w->good_ago <= SUDDEN_LOOKS)
        w->standing = 1;
    else if (gone && w->standing > 0)
        w->standing = stands(w->before, w->detail) ? w->standing + 1 : 1;
    w->lost = w->lost || w->standing >= LOST_LOOKS;
    f->lost = w->lost;
}

static void note_obscured(struct view_watch *w, struct view_finding *f)
{
    double now = 0, then = 0;
    for (int t = 0; t < HEALTH_TILES; t++) {
        now += fmin(tile_spread(w->background, t), 40);
        then += fmin(w->spread[t], 40);
    }
    double contrast = then > 0 ? fmin(1, now / then) : 1; /* less light is not a cover */
    for (int t = 0; t < HEALTH_TILES; t++) {
        bool missing = w->matches[t].known ? w->matches[t].score < FOUND_SCORE : w->spread[t] >= 6;
        if (!missing)
            w->missing[t] = 0;
        else if (w->missing[t] < UINT16_MAX)
            w->missing[t]++;
        if (w->missing[t] >= OBSCURED_LOOKS)
            f->missing |= UINT64_C(1) << t;
        if (w->missing[t] >= OBSCURED_LOOKS && w->spread[t] >= 6 &&
            tile_spread(w->background, t) < 0.3 * contrast * w->spread[t])
            f->obscured |= UINT64_C(1) << t;
    }
}

/* What stands while a tile is missing for long was changed there. */
static void refresh(struct view_watch *w, const struct view_finding *f, bool in_place)
{
    if (w->unfound >= RELEARN_LOOKS && !w->lost && f->obscured == 0) {
        view_watch_accept(w);
        return;
    }
    for (int t = 0; in_place && t < HEALTH_TILES; t++)
        if (w->missing[t] >= RELEARN_LOOKS && !(f->obscured >> t & 1U)) {
            copy_tile(w, t);
            w->learnt++;
        }
}

void view_watch_look(struct view_watch *w, const uint8_t thumb[THUMB_CELLS], double aspect,
                     struct view_finding *finding)
{
    *finding = (struct view_finding){0};
    take_background(w, thumb);
    if (w->looks < LEARN_LOOKS) {
        if (w->ring_count >= VIEW_MEDIAN || w->looks == 0)
            learn(w);
        if (++w->looks == LEARN_LOOKS)
            w->learnt++;
        remember_before(w);
        return;
    }
    compare(w, aspect, finding);
    note_lost(w, finding);
    note_obscured(w, finding);
    refresh(w, finding, finding->compared && finding->shift < 0.0025);
    remember_before(w);
}
