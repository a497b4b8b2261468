#include "media/stamp_clock.h"

#include <math.h>

#include "base/clock.h"

#define WINDOW_NS (5 * NS_PER_S)
#define FUTURE_NS (100 * NS_PER_MS)
#define LATE_MOST_NS (8 * NS_PER_S)
#define FLOOR_RISES 200 /* by one part in so many */
#define PACE_MOST 0.01
#define LIKENESS 0.5

bool stamp_clock_is_future(const struct stamp_clock *clock, int64_t stamp_ns, int64_t arrival_ns)
{
    return clock->running && arrival_ns - stamp_ns < clock->floor_ns - FUTURE_NS;
}

void stamp_clock_restart(struct stamp_clock *clock)
{
    *clock = (struct stamp_clock){.wrong = clock->wrong};
}

static void judge(struct stamp_clock *clock)
{
    double least = INFINITY, most = -INFINITY, sum = 0;

    if (clock->windows <= STAMP_CLOCK_WINDOWS) /* the first has nothing to be compared with */
        return;
    for (int i = 0; i < STAMP_CLOCK_WINDOWS; i++) {
        least = fmin(least, clock->growth[i]);
        most = fmax(most, clock->growth[i]);
        sum += clock->growth[i];
    }
    if ((least > PACE_MOST || most < -PACE_MOST) && most - least < LIKENESS * fabs(sum) / STAMP_CLOCK_WINDOWS)
        clock->wrong = true;
    else if (least > -PACE_MOST && most < PACE_MOST)
        clock->wrong = false;
}

static void end_window(struct stamp_clock *clock, int64_t delay_ns, int64_t arrival_ns)
{
    double passed = (double)(arrival_ns - clock->began_ns);

    clock->growth[clock->windows % STAMP_CLOCK_WINDOWS] =
        (double)(clock->least_ns - clock->before_ns) / passed;
    clock->before_ns = clock->least_ns;
    clock->windows++;
    clock->began_ns = arrival_ns;
    clock->least_ns = delay_ns;
    judge(clock);
}

static void begin(struct stamp_clock *clock, int64_t delay_ns, int64_t arrival_ns)
{
    bool wrong = clock->wrong;

    *clock =
        (struct stamp_clock){.wrong = wrong, .running = true, .floor_ns = delay_ns, .last_ns = arrival_ns};
    clock->began_ns = arrival_ns;
    clock->least_ns = delay_ns;
}

int64_t stamp_clock_look(struct stamp_clock *clock, int64_t stamp_ns, int64_t arrival_ns)
{
    int64_t delay = arrival_ns - stamp_ns;

    if (!clock->running) {
        begin(clock, delay, arrival_ns);
        return 0;
    }
    clock->floor_ns += (arrival_ns - clock->last_ns) / FLOOR_RISES;
    clock->last_ns = arrival_ns;
    if (delay < clock->floor_ns || clock->wrong)
        clock->floor_ns = delay;
    if (delay < clock->least_ns)
        clock->least_ns = delay;
    if (arrival_ns - clock->began_ns >= WINDOW_NS)
        end_window(clock, delay, arrival_ns);
    if (delay - clock->floor_ns > LATE_MOST_NS) {
        begin(clock, delay, arrival_ns);
        clock->wrong = true;
    }
    return clock->wrong ? 0 : delay - clock->floor_ns;
}
