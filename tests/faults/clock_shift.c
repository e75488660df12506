/* Shifts the wall clock of the processes that it is preloaded into: LD_PRELOAD=... CLOCK_JUMPS=FILE.
 *
 * FILE holds pairs of 64-bit numbers, up to the first zero pair: the true time of a jump in
 * nanoseconds since 1970, and how far ahead the clock is from then on. Files keep the time that
 * the clock showed when they were written, as they would on a machine whose clock jumps.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST 256
#define SECOND INT64_C(1000000000)

static const volatile int64_t (*jumps)[2];

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("CLOCK_JUMPS");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *found = mmap(NULL, MOST * sizeof *jumps, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED)
        jumps = found;
}

static void shift(struct timespec *time)
{
    int64_t now = time->tv_sec * SECOND + time->tv_nsec, ahead = 0;
    for (int i = 0; jumps && i < MOST && jumps[i][0] && jumps[i][0] <= now; i++)
        ahead = jumps[i][1];
    now += ahead;
    time->tv_sec = now / SECOND;
    time->tv_nsec = now % SECOND;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    static int (*true_one)(clockid_t, struct timespec *);
    if (!true_one)
        true_one = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = true_one(clock, time);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        shift(time);
    return failed;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now))
        return -1;
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *place)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    if (place)
        *place = now.tv_sec;
    return now.tv_sec;
}

#define STAT(name, parameters, arguments)                                   \
    int name parameters                                                     \
    {                                                                       \
        static int(*true_one) parameters;                                   \
        if (!true_one)                                                      \
            true_one = dlsym(RTLD_NEXT, #name);                             \
        int failed = true_one arguments;                                    \
        if (!failed)                                                        \
            shift(&found->st_mtim);                                         \
        return failed;                                                      \
    }

#define ALL_STATS(suffix)                                                                        \
    STAT(stat##suffix, (const char *restrict path, struct stat##suffix *restrict found),         \
         (path, found))                                                                          \
    STAT(lstat##suffix, (const char *restrict path, struct stat##suffix *restrict found),        \
         (path, found))                                                                          \
    STAT(fstat##suffix, (int file, struct stat##suffix *found), (file, found))                   \
    STAT(fstatat##suffix,                                                                        \
         (int at, const char *restrict path, struct stat##suffix *restrict found, int flags),    \
         (at, path, found, flags))

ALL_STATS()
ALL_STATS(64)
