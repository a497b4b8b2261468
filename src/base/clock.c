#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

struct instant clock_now(void)
{
    return (struct instant){.wall_ns = clock_wall_ns(), .mono_ns = clock_monotonic_ns()};
}

void clock_sleep_ns(int64_t ns)
{
    if (ns <= 0)
        return;
    struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
        ;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return a % b < 0 ? q - 1 : q;
}

char *time_format(int64_t wall_ns, char out[TIME_TEXT_SIZE])
{
    int64_t ms = floor_div(wall_ns, NS_PER_MS);
    time_t seconds = (time_t)floor_div(ms, 1000);
    int rest = (int)(ms - (int64_t)seconds * 1000);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm) || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900) {
        strcpy(out, wall_ns < 0 ? "0000-01-01T00:00:00.000Z" : "9999-12-31T23:59:59.999Z");
        return out;
    }
    snprintf(out, TIME_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)(tm.tm_mon + 1) % 100u,
             (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u, (unsigned)tm.tm_min % 100u,
             (unsigned)tm.tm_sec % 100u, (unsigned)rest % 1000u);
    return out;
}

/* Reads `count` digits; -1 when one is missing. */
static int digits(const char **at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

static int literal(const char **at, char c)
{
    if (**at != c)
        return 0;
    (*at)++;
    return 1;
}

static int64_t fraction_ns(const char **at)
{
    int64_t ns = 0, unit = NS_PER_S / 10;
    for (; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
        ns += (**at - '0') * unit;
    return ns;
}

static int zone_offset(const char **at, int *seconds)
{
    *seconds = 0;
    if (literal(at, 'Z') || literal(at, 'z'))
        return 1;
    int sign = **at == '-' ? -1 : 1;
    if (!literal(at, '+') && !literal(at, '-'))
        return 0;
    int hours = digits(at, 2), minutes = literal(at, ':') ? digits(at, 2) : -1;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60;
}

int time_parse(const char *text, int64_t *wall_ns, struct error *error)
{
    const char *at = text;
    struct tm tm = {0};
    int64_t ns = 0;
    int offset = 0;
    int year = digits(&at, 4), ok = year >= 0 && literal(&at, '-');
    int month = ok ? digits(&at, 2) : -1;
    ok = month >= 1 && month <= 12 && literal(&at, '-');
    int day = ok ? digits(&at, 2) : -1;
    ok = day >= 1 && day <= 31 && (literal(&at, 'T') || literal(&at, 't') || literal(&at, ' '));
    int hour = ok ? digits(&at, 2) : -1;
    ok = hour >= 0 && hour < 24 && literal(&at, ':');
    int minute = ok ? digits(&at, 2) : -1;
    ok = minute >= 0 && minute < 60 && literal(&at, ':');
    int second = ok ? digits(&at, 2) : -1;
    ok = second >= 0 && second <= 60;
    if (ok && literal(&at, '.')) {
        ok = *at >= '0' && *at <= '9';
        ns = fraction_ns(&at);
    }
    ok = ok && zone_offset(&at, &offset) && *at == '\0';
    if (!ok)
        return error_set(error, ERR_FORMAT, "'%.40s' is not a time like 2026-05-01T18:03:07Z", text);
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = second;
    time_t t = timegm(&tm);
    if (tm.tm_mday != day || t > INT64_C(9000000000) || t < INT64_C(-9000000000))
        return error_set(error, ERR_FORMAT, "'%.40s' is not a date that exists", text);
    *wall_ns = ((int64_t)t - offset) * NS_PER_S + ns;
    return 0;
}
