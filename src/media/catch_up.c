#include "media/catch_up.h"

#include "base/clock.h"

#define LATE_NS NS_PER_S
#define IN_TIME_NS (300 * NS_PER_MS)
#define KEY_GAP_MOST_NS (5 * NS_PER_S / 2)
#define PROOF_NS (500 * NS_PER_MS) /* after so long ... */
#define LESS_NS (250 * NS_PER_MS)  /* ... a queue is shorter by so much */
#define LONGEST_NS (3 * NS_PER_S)  /* ... and after so long it is gone */
#define QUIET_FIRST_NS (30 * NS_PER_S)
#define QUIET_MOST_NS (600 * NS_PER_S)
#define JUMP_NS (10 * NS_PER_S) /* no gap, but a clock that was set */
#define READY_NS NS_PER_MS
#define FLOOR_RISES 200 /* by one part in so many */
enum { READY_MOST = 10 };

static void begin(struct catch_up *c, const struct catch_up_packet *p)
{
    *c = (struct catch_up){.running = true,
                           .skipping = c->skipping,
                           .drained = true,
                           .floor_ns = p->arrival_ns - p->stamp_ns,
                           .quiet_until_ns = c->quiet_until_ns,
                           .quiet_ns = c->quiet_ns,
                           .skipped = c->skipped};
    c->key_stamp_ns = CATCH_UP_NONE;
}

/* How late it is; the clock begins anew where the stamps jump. */
static int64_t lateness(struct catch_up *c, const struct catch_up_packet *p)
{
    int64_t delay = p->arrival_ns - p->stamp_ns;

    if (!c->running || p->stamp_ns < c->stamp_ns || p->stamp_ns - c->stamp_ns > JUMP_NS) {
        begin(c, p);
    } else {
        c->floor_ns += (p->arrival_ns - c->arrival_ns) / FLOOR_RISES;
        if (delay < c->floor_ns)
            c->floor_ns = delay;
    }
    c->stamp_ns = p->stamp_ns;
    c->arrival_ns = p->arrival_ns;
    return delay - c->floor_ns;
}

static void note_key(struct catch_up *c, const struct catch_up_packet *p)
{
    if (!p->key)
        return;
    if (c->key_stamp_ns != CATCH_UP_NONE)
        c->key_gap_ns = p->stamp_ns - c->key_stamp_ns;
    c->key_stamp_ns = p->stamp_ns;
}

static bool may_begin(const struct catch_up *c, const struct catch_up_packet *p, int64_t late_ns)
{
    return late_ns > LATE_NS && c->key_gap_ns > 0 && c->key_gap_ns <= KEY_GAP_MOST_NS &&
           p->arrival_ns >= c->quiet_until_ns;
}

/* Not a queue: the delay is the usual one from now on. */
static void accept(struct catch_up *c, const struct catch_up_packet *p)
{
    c->floor_ns = p->arrival_ns - p->stamp_ns;
    c->quiet_ns = c->quiet_ns > 0 ? 2 * c->quiet_ns : QUIET_FIRST_NS;
    if (c->quiet_ns > QUIET_MOST_NS)
        c->quiet_ns = QUIET_MOST_NS;
    c->quiet_until_ns = p->arrival_ns + c->quiet_ns;
    c->drained = true;
}

static enum catch_up_advice skip(struct catch_up *c, const struct catch_up_packet *p, int64_t late_ns)
{
    int64_t took = p->arrival_ns - c->since_ns;

    if (!c->drained && late_ns < IN_TIME_NS) {
        c->drained = true;
        c->quiet_ns = 0;
    } else if (!c->drained && (took > LONGEST_NS || (took > PROOF_NS && c->late_ns - late_ns < LESS_NS))) {
        accept(c, p);
    }
    if (c->drained && p->key) {
        c->skipping = false;
        return CATCH_UP_RESUME;
    }
    c->skipped++;
    return CATCH_UP_SKIP;
}

/* Every packet is a picture, and nothing says when it is due. */
static enum catch_up_advice look_at_pictures(struct catch_up *c, const struct catch_up_packet *p)
{
    c->ready = p->key && p->waited_ns < READY_NS ? c->ready + 1 : 0;
    if (c->ready <= READY_MOST)
        return CATCH_UP_DECODE;
    c->skipped++;
    return CATCH_UP_SKIP;
}

enum catch_up_advice catch_up_look(struct catch_up *c, const struct catch_up_packet *p)
{
    int64_t late;

    if (p->stamp_ns == CATCH_UP_NONE)
        return c->running ? CATCH_UP_DECODE : look_at_pictures(c, p);
    late = lateness(c, p);
    note_key(c, p);
    if (!c->skipping && may_begin(c, p, late)) {
        c->skipping = true;
        c->drained = false;
        c->since_ns = p->arrival_ns;
        c->late_ns = late;
    }
    return c->skipping ? skip(c, p, late) : CATCH_UP_DECODE;
}
