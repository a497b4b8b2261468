/*
 * Measurement health: what is wrong with a camera's pictures, one flag each, and what that does to the
 * measures. One table names them; the same code is used in snapshots, the API, metrics, events and
 * docs/cameras.md.
 *
 * What a flag takes away (`enum health_effect`): a measure is marked invalid only where the flag makes it
 * wrong. `reason` is then the measure's reason.
 */
#ifndef SCI_CORE_HEALTH_H
#define SCI_CORE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json_write.h"

enum health_effect {
    EFFECT_BLIND,    /* nothing of the picture counts: no measure but its age is valid */
    EFFECT_PLACES,   /* nothing where the view is covered, and nothing of the whole view */
    EFFECT_GROUND,   /* where things are: every measure but the people in the picture */
    EFFECT_MOVEMENT, /* speeds, flows, waits and what follows from them */
    EFFECT_NONE      /* every measure stays valid: it is said, no more */
};

/* id, code, effect, reason, what is said of it. In the order in which one stands for all. */
#define HEALTH_TABLE(X)                                                                                      \
    X(HEALTH_BLACK, "black", EFFECT_BLIND, "the picture is black", "The picture is black")                   \
    X(HEALTH_PLAIN, "plain", EFFECT_BLIND, "the picture shows nothing",                                      \
      "The picture is of one colour: the lens is covered or the signal is lost")                             \
    X(HEALTH_FROZEN, "frozen", EFFECT_BLIND, "the picture is frozen",                                        \
      "The picture does not change: the camera repeats an old one")                                          \
    X(HEALTH_DARK, "dark", EFFECT_BLIND, "the picture is too dark", "Too dark to see people")                \
    X(HEALTH_OVEREXPOSED, "overexposed", EFFECT_BLIND, "the picture is over-exposed",                        \
      "Over-exposed: too bright to see people")                                                              \
    X(HEALTH_BLURRED, "blurred", EFFECT_BLIND, "the picture is blurred",                                     \
      "Blurred: out of focus, or the lens is dirty or wet")                                                  \
    X(HEALTH_SPARSE, "sparse", EFFECT_BLIND, "too few pictures to count",                                    \
      "So few pictures a second that people are missed")                                                     \
    X(HEALTH_COVERED, "covered", EFFECT_PLACES, "the view is covered", "Part of the view is covered")        \
    X(HEALTH_MOVED, "moved", EFFECT_GROUND, "the camera has moved",                                          \
      "The camera has moved: its calibration, zones and lines no longer fit")                                \
    X(HEALTH_LOW_RATE, "low_rate", EFFECT_MOVEMENT, "too few pictures",                                      \
      "Too few pictures a second to follow people")                                                          \
    X(HEALTH_LATE, "late", EFFECT_NONE, "the pictures come late", "Pictures come late")                      \
    X(HEALTH_SLOW, "slow", EFFECT_NONE, "below the target rate", "Analysed less often than asked for")

#define HEALTH_ENUM(id, code, effect, reason, text) id,
enum health_flag { HEALTH_TABLE(HEALTH_ENUM) HEALTH_FLAG_COUNT };
#undef HEALTH_ENUM

struct health_info {
    const char *code;
    enum health_effect effect;
    const char *reason; /* static: stands in measures */
    const char *text;
};

/* The view is watched in tiles: HEALTH_TILE_COLUMNS x HEALTH_TILE_ROWS equal parts of the picture. */
enum {
    HEALTH_TILE_COLUMNS = 10,
    HEALTH_TILE_ROWS = 6,
    HEALTH_TILES = HEALTH_TILE_COLUMNS * HEALTH_TILE_ROWS
};

/* How a camera is, as published with a snapshot. */
struct health {
    unsigned flags;                           /* 1u << enum health_flag */
    unsigned changed;                         /* those that went up or down with this snapshot */
    int64_t since_wall_ns[HEALTH_FLAG_COUNT]; /* of the flags that are up */
    uint64_t covered;                         /* tiles that are covered, row by row, bit 0 at the top left */
};

const struct health_info *health_info(enum health_flag flag);

static inline bool health_has(const struct health *health, enum health_flag flag)
{
    return (health->flags >> flag & 1U) != 0;
}

/* The flag that stands for all; HEALTH_FLAG_COUNT when there is none. */
enum health_flag health_worst(unsigned flags);

/* [{"code", "text"}, ...], worst first; with `since` also when each went up. */
void health_write_json(struct json_writer *w, const struct health *health, bool since);

#endif
