/* Prints lines that tell their number and when they were printed, as long as a file is there:
   ticker FILE LINES_PER_SECOND. The last figure tells whether the others belong together. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void sleep_until(long long moment)
{
    struct timespec time = {moment / SECOND, moment % SECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL))
        ;
}

int main(int count, char **words)
{
    char line[100];
    long rate = count > 2 ? atol(words[2]) : 0;
    if (rate < 1)
        return 2;
    long long interval = SECOND / rate;
    long long next = now() + getpid() * 7919LL % 1000 * interval / 1000;
    for (long number = 0; access(words[1], F_OK) == 0; number++, next += interval) {
        sleep_until(next);
        long long moment = now();
        int size = snprintf(line, sizeof line, "tick %07ld at %019lld check %04lld\n", number,
                            moment, (moment + number) % 9973);
        if (write(1, line, size) != size)
            return 1;
    }
    return 0;
}
