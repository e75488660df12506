/* Makes a disk hang in the processes that this is preloaded into: LD_PRELOAD=... HANG=FILE.
 *
 * While FILE exists, whoever opens or enters a path that ends with ".hang" waits, as for a server that is
 * gone; no signal but SIGKILL ends that.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void hang(const char *path)
{
    const char *file = getenv("HANG");
    size_t length = strlen(path);
    struct timespec moment = {0, 20 * 1000 * 1000};
    if (!file || length < 5 || strcmp(path + length - 5, ".hang"))
        return;
    while (access(file, F_OK) == 0)
        nanosleep(&moment, NULL);
}

int chdir(const char *path)
{
    static int (*true_one)(const char *);
    if (!true_one)
        true_one = dlsym(RTLD_NEXT, "chdir");
    hang(path);
    return true_one(path);
}

#define OPENAT(name)                                                            \
    int name(int directory, const char *path, int flags, ...)                   \
    {                                                                           \
        static int (*true_one)(int, const char *, int, ...);                    \
        va_list arguments;                                                      \
        int mode;                                                               \
        va_start(arguments, flags);                                             \
        mode = va_arg(arguments, int);                                          \
        va_end(arguments);                                                      \
        if (!true_one)                                                          \
            true_one = dlsym(RTLD_NEXT, #name);                                 \
        hang(path);                                                             \
        return true_one(directory, path, flags, mode);                          \
    }
OPENAT(openat)
OPENAT(openat64)

#define OPEN(name)                                                              \
    int name(const char *path, int flags, ...)                                  \
    {                                                                           \
        static int (*true_one)(const char *, int, ...);                         \
        va_list arguments;                                                      \
        int mode;                                                               \
        va_start(arguments, flags);                                             \
        mode = va_arg(arguments, int);                                          \
        va_end(arguments);                                                      \
        if (!true_one)                                                          \
            true_one = dlsym(RTLD_NEXT, #name);                                 \
        hang(path);                                                             \
        return true_one(path, flags, mode);                                     \
    }
OPEN(open)
OPEN(open64)
