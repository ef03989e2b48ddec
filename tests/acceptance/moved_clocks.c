/* The clocks of one process, as a test moves them (see moved_clocks.py).

   Three numbers of nanoseconds, in a file that the test writes: by how much the wall clock was set, how long
   the machine slept, and how much time passed at once. The kernel's own waits go on in real time: absolute
   ones are told without what passed at once, and those of threads look now and then whether some has. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { SET, ASLEEP, PASSED, NUMBERS };
static const int64_t SECOND = 1000000000;
static int64_t still[NUMBERS];
static volatile int64_t *moved = still;

__attribute__((constructor)) static void find_numbers(void) {
    const char *path = getenv("MOVED_CLOCKS");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *found = mmap(NULL, sizeof still, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED)
        moved = found;
}

static int64_t moved_by(clockid_t clock) {
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        return moved[SET] + moved[ASLEEP] + moved[PASSED];
    case CLOCK_BOOTTIME:
        return moved[ASLEEP] + moved[PASSED];
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
        return moved[PASSED];
    default: /* the time that a process or a thread has used */
        return 0;
    }
}

static struct timespec plus(struct timespec at, int64_t by) {
    int64_t sum = at.tv_sec * SECOND + at.tv_nsec + by;
    int64_t rest = ((sum % SECOND) + SECOND) % SECOND;
    return (struct timespec){(sum - rest) / SECOND, rest};
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, at);
    if (result == 0)
        *at = plus(*at, moved_by(clock));
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return at ? (*at = now.tv_sec) : now.tv_sec;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
    static int (*real)(clockid_t, int, const struct timespec *, struct timespec *);
    if (!real)
        real = dlsym(RTLD_NEXT, "clock_nanosleep");
    struct timespec at = flags & TIMER_ABSTIME ? plus(*until, -moved_by(clock)) : *until;
    return real(clock, flags, &at, left);
}

int sem_clockwait(sem_t *restrict semaphore, clockid_t clock, const struct timespec *restrict until) {
    static int (*real)(sem_t *restrict, clockid_t, const struct timespec *restrict);
    if (!real)
        real = dlsym(RTLD_NEXT, "sem_clockwait");
    for (;;) {
        struct timespec at = plus(*until, -moved_by(clock)), soon;
        syscall(SYS_clock_gettime, clock, &soon);
        soon = plus(soon, SECOND / 10);
        int is_last = at.tv_sec < soon.tv_sec || (at.tv_sec == soon.tv_sec && at.tv_nsec <= soon.tv_nsec);
        int result = real(semaphore, clock, is_last ? &at : &soon);
        if (result == 0 || errno != ETIMEDOUT || is_last)
            return result;
    }
}
