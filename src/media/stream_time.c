#include "media/stream_time.h"

#include <math.h>

#include "base/clock.h"

#define JUMP_BACK_NS NS_PER_S
#define JUMP_AHEAD_NS (10 * NS_PER_S)
#define CAMERA_JUMP_NS (200 * NS_PER_MS)
/* Stamps outside are nonsense, and sums with those inside cannot overflow. */
#define STAMP_MAX_NS (INT64_C(1) << 60)
enum { LEARNING = 16, STEPS_OF_A_JUMP = 5, TOO_CLOSE = 8 };

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t usual(const struct stream_time *time)
{
    return time->live && time->usual_ns > 0 ? time->usual_ns : time->duration_ns;
}

static void learn(struct stream_time *time, int64_t step)
{
    int64_t most = 4 * usual(time);

    step = step > most ? most : larger(step, 1);
    time->usual_ns = usual(time) + (step - usual(time)) / LEARNING;
    if (time->usual_ns < 1)
        time->usual_ns = 1;
}

/* How much time goes by when the stamps do not say. */
static int64_t plain_step(struct stream_time *time, int64_t arrival_ns)
{
    int64_t passed = larger(arrival_ns - time->arrival_ns, 0), step;

    if (!time->live)
        return time->duration_ns;
    step = larger(larger(passed - time->ahead_ns, usual(time) / 2), 1);
    time->ahead_ns = larger(time->ahead_ns + step - passed, 0);
    learn(time, passed);
    return step;
}

static bool is_cut(const struct stream_time *time, int64_t step, int64_t stamp_ns, int64_t arrival_ns)
{
    int64_t jump = larger(CAMERA_JUMP_NS, STEPS_OF_A_JUMP * usual(time));

    if (!time->live)
        return step <= -JUMP_BACK_NS || step > larger(JUMP_AHEAD_NS, STEPS_OF_A_JUMP * time->duration_ns);
    return step <= -jump || (step > jump && stamp_clock_is_future(&time->clock, stamp_ns, arrival_ns));
}

static bool is_disordered(const struct stream_time *time, int64_t step)
{
    return step <= (time->live ? usual(time) / TOO_CLOSE : 0);
}

static int64_t from_stamp(struct stream_time *time, int64_t stamp_ns, int64_t arrival_ns)
{
    int64_t step = stamp_ns + time->offset_ns - time->last_ns;
    bool cut = !time->anchor && is_cut(time, step, stamp_ns, arrival_ns);

    if (time->anchor || cut) {
        step = plain_step(time, arrival_ns);
        time->offset_ns = time->last_ns + step - stamp_ns;
        time->faults.jumps += cut;
        /* Stamps that stand still are no clock that was set: those are for the clock to judge. */
        if (cut && (stamp_ns < time->stamp_ns || stamp_ns > time->stamp_ns + CAMERA_JUMP_NS))
            stamp_clock_restart(&time->clock);
    } else if (is_disordered(time, step)) {
        time->faults.disordered++;
        step = larger(usual(time) / 2, 1);
    } else {
        time->ahead_ns = 0;
        learn(time, step);
    }
    time->anchor = false;
    return time->last_ns + step;
}

/* A camera's stamp; its pace is compared with that of the world. */
static int64_t from_camera(struct stream_time *time, int64_t stamp_ns, int64_t arrival_ns)
{
    bool wrong = time->clock.wrong;
    int64_t now =
        wrong ? time->last_ns + plain_step(time, arrival_ns) : from_stamp(time, stamp_ns, arrival_ns);

    time->late_ns = stamp_clock_look(&time->clock, stamp_ns, arrival_ns);
    time->faults.untrusted += !wrong && time->clock.wrong;
    if (time->clock.wrong || wrong)
        time->anchor = true;
    return now;
}

int64_t stream_time_next(struct stream_time *time, int64_t stamp_ns, int64_t arrival_ns)
{
    bool stamped = stamp_ns > -STAMP_MAX_NS && stamp_ns < STAMP_MAX_NS;
    int64_t now;

    time->late_ns = 0;
    time->faults.missing += !stamped && time->stamped;
    if (time->rate > 0) {
        now = llround((double)time->number / time->rate * (double)NS_PER_S);
    } else if (time->number == 0) {
        now = 0;
        time->offset_ns = stamped ? -stamp_ns : 0;
        time->anchor = !stamped;
        if (stamped)
            stamp_clock_look(&time->clock, stamp_ns, arrival_ns);
    } else if (!stamped) {
        now = time->last_ns + plain_step(time, arrival_ns);
    } else if (time->live) {
        now = from_camera(time, stamp_ns, arrival_ns);
    } else {
        now = from_stamp(time, stamp_ns, arrival_ns);
    }
    time->stamped |= stamped;
    if (stamped)
        time->stamp_ns = stamp_ns;
    time->faults.now_untrusted = time->clock.wrong;
    time->number++;
    time->last_ns = now;
    time->arrival_ns = arrival_ns;
    return now;
}

void stream_time_restart(struct stream_time *time)
{
    time->anchor = true;
}
