/* Makes fsync slow in the processes that it is preloaded into: LD_PRELOAD=... SLOW_FSYNC=FILE.
 *
 * FILE holds the seconds that each call takes; without the file nothing is slow.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void delay(void)
{
    const char *path = getenv("SLOW_FSYNC");
    FILE *file = path ? fopen(path, "re") : NULL;
    unsigned seconds = 0;
    if (!file)
        return;
    if (fscanf(file, "%u", &seconds) == 1)
        sleep(seconds);
    fclose(file);
}

int fsync(int descriptor)
{
    static int (*true_one)(int);
    if (!true_one)
        true_one = dlsym(RTLD_NEXT, "fsync");
    delay();
    return true_one(descriptor);
}

int fdatasync(int descriptor)
{
    static int (*true_one)(int);
    if (!true_one)
        true_one = dlsym(RTLD_NEXT, "fdatasync");
    delay();
    return true_one(descriptor);
}
