// Loaded before libc (LD_PRELOAD): counts the calls that change files under one folder and lets one of them fail.
//
// FAULT_UNDER  the folder; other files, standard output among them, are left alone
// FAULT_LOG    a file outside of it, which gets one line for each call: its number from 1, its kind, its path
// FAULT_AT     the number of the call that fails; 0 or unset: none does
// FAULT_HOW    an error number: the call fails with it and does nothing
//              short: a write takes only a part of the bytes, as it may
//              torn:  a write takes only a part of the bytes, and the process is killed; other calls: like kill
//              kill:  the process is killed before the call
//              back:  nothing fails, but the clock goes back a day
// FAULT_KIND   the only kind that fails (open, write, sync, rename, make, remove, resize, lock); unset: any
// FAULT_LASTS  set: all later calls (of that kind) fail too
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static atomic_long calls;
static atomic_int is_back;
static char under[PATH_MAX];
static const char *how, *only;
static long at, lasts;
static int log_file = -1;

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("FAULT_UNDER"), *log = getenv("FAULT_LOG"), *number = getenv("FAULT_AT");
    // Links in the path of a temporary folder would hide it. The folder itself need not exist.
    if (folder && !realpath(folder, under))
        snprintf(under, sizeof under, "%s", folder);
    how = getenv("FAULT_HOW");
    only = getenv("FAULT_KIND");
    at = number ? atol(number) : 0;
    lasts = getenv("FAULT_LASTS") != NULL;
    if (log)
        log_file = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int is_under(const char *path) {
    size_t length = strlen(under);
    return length && !strncmp(path, under, length) && (path[length] == '/' || !path[length]);
}

// The absolute path of an open file, as it is now.
static int path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return 1;
}

// The absolute path of a name in a folder; the tests have no `..` and no links below the folder.
static void absolute(int folder, const char *name, char *path) {
    char above[PATH_MAX] = "";
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return;
    }
    if (folder == AT_FDCWD ? !getcwd(above, sizeof above) : !path_of(folder, above))
        above[0] = 0;
    if (!strncmp(name, "./", 2))
        name += 2;
    if (snprintf(path, PATH_MAX, "%s/%s", above, name) >= PATH_MAX)
        path[0] = 0;
}

static void end(void) {
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

enum { FINE, FAILS, SHORT, TORN };

// Counts a call and decides its fate.
static int fate(const char *kind, const char *path) {
    if (!is_under(path))
        return FINE;
    long number = atomic_fetch_add(&calls, 1) + 1;
    if (log_file >= 0) {
        char line[PATH_MAX + 64];
        int length = snprintf(line, sizeof line, "%ld %s %s\n", number, kind, path);
        if (syscall(SYS_write, log_file, line, (size_t)length) != length)
            end();
    }
    if (!at || !how || (only && strcmp(only, kind)))
        return FINE;
    if (lasts ? number < at : number != at)
        return FINE;
    if (!strcmp(how, "back")) {
        is_back = 1;
        return FINE;
    }
    int is_write = !strcmp(kind, "write");
    if (!strcmp(how, "short"))
        return is_write ? SHORT : FINE;
    if (!strcmp(how, "torn") && is_write)
        return TORN;
    if (!strcmp(how, "kill") || !strcmp(how, "torn"))
        end();
    errno = atoi(how);
    return FAILS;
}

static int fate_of_name(const char *kind, int folder, const char *name) {
    char path[PATH_MAX];
    int before = errno;
    absolute(folder, name, path);
    errno = before;
    return fate(kind, path);
}

static int fate_of_file(const char *kind, int file) {
    char path[PATH_MAX];
    int before = errno;
    int is_known = path_of(file, path);
    errno = before;
    return is_known ? fate(kind, path) : FINE;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// --- open

static int is_for_writing(int flags) {
    return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
}

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                                            \
        va_end(rest);                                                                                                  \
        if (is_for_writing(flags) && fate_of_name("open", AT_FDCWD, path))                                             \
            return -1;                                                                                                 \
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);                                                  \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                                                   \
    int name(int folder, const char *path, int flags, ...) {                                                           \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = va_arg(rest, mode_t);                                                                            \
        va_end(rest);                                                                                                  \
        if (is_for_writing(flags) && fate_of_name("open", folder, path))                                               \
            return -1;                                                                                                 \
        return (int)syscall(SYS_openat, folder, path, flags, mode);                                                    \
    }
OPENAT(openat)
OPENAT(openat64)

// --- write

ssize_t write(int file, const void *bytes, size_t count) {
    int is = fate_of_file("write", file);
    if (is == FAILS)
        return -1;
    if (is != FINE)
        count = count > 1 ? count / 2 : count;
    ssize_t written = syscall(SYS_write, file, bytes, count);
    if (is == TORN)
        end();
    return written;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    int is = fate_of_file("write", file);
    if (is == FAILS)
        return -1;
    if (is != FINE && count > 1)
        count /= 2;
    ssize_t written = syscall(SYS_writev, file, parts, count);
    if (is == TORN)
        end();
    return written;
}

#define PWRITE(name)                                                                                                   \
    ssize_t name(int file, const void *bytes, size_t count, off_t offset) {                                            \
        int is = fate_of_file("write", file);                                                                          \
        if (is == FAILS)                                                                                               \
            return -1;                                                                                                 \
        if (is != FINE)                                                                                                \
            count = count > 1 ? count / 2 : count;                                                                     \
        ssize_t written = syscall(SYS_pwrite64, file, bytes, count, offset);                                           \
        if (is == TORN)                                                                                                \
            end();                                                                                                     \
        return written;                                                                                                \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t count, unsigned flags) {
    if (fate_of_file("write", to) == FAILS)
        return -1;
    return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, count, flags);
}

// --- sync

int fsync(int file) {
    return fate_of_file("sync", file) ? -1 : (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
    return fate_of_file("sync", file) ? -1 : (int)syscall(SYS_fdatasync, file);
}

// --- names

int rename(const char *from, const char *to) {
    if (fate_of_name("rename", AT_FDCWD, to))
        return -1;
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    if (fate_of_name("rename", to_folder, to))
        return -1;
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, 0);
}

int mkdir(const char *path, mode_t mode) {
    return fate_of_name("make", AT_FDCWD, path) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int unlink(const char *path) {
    return fate_of_name("remove", AT_FDCWD, path) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rmdir(const char *path) {
    return fate_of_name("remove", AT_FDCWD, path) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

int unlinkat(int folder, const char *path, int flags) {
    return fate_of_name("remove", folder, path) ? -1 : (int)syscall(SYS_unlinkat, folder, path, flags);
}

// --- the rest

#define RESIZE(name)                                                                                                   \
    int name(int file, off_t length) {                                                                                 \
        return fate_of_file("resize", file) ? -1 : (int)syscall(SYS_ftruncate, file, length);                          \
    }
RESIZE(ftruncate)
RESIZE(ftruncate64)

int flock(int file, int operation) {
    return fate_of_file("lock", file) ? -1 : (int)syscall(SYS_flock, file, operation);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int is = REAL(clock_gettime)(clock, time);
    if (clock == CLOCK_REALTIME && is_back)
        time->tv_sec -= 24 * 60 * 60;
    return is;
}
