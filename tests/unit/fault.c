#include "fault.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

static atomic_long left[2] = {-1, -1}; /* calls of each kind until one fails; negative: none will */
static long left_over[2];
static _Atomic(const char *) failed;

bool fault_strikes(enum fault_kind kind, const char *name)
{
    if (atomic_load(&left[kind]) < 0 || atomic_fetch_sub(&left[kind], 1) != 0)
        return false;
    atomic_store(&failed, name);
    return true;
}

void fault_arm(enum fault_kind kind, long nth)
{
    atomic_store(&failed, NULL);
    atomic_store(&left[kind], nth);
}

const char *fault_disarm(void)
{
    for (int kind = 0; kind < 2; kind++)
        left_over[kind] = atomic_exchange(&left[kind], -1);
    return atomic_load(&failed);
}

long fault_left(enum fault_kind kind)
{
    return left_over[kind];
}

int fault_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder != NULL && readdir(folder) != NULL)
        count++;
    if (folder != NULL)
        (void)closedir(folder);
    return count;
}

/* `call` in the place of `type name parameters`, unless it fails with `number` and gives `failure`. */
#define WRAP(kind, type, name, parameters, arguments, failure, number)                                                                     \
    type __real_##name parameters;                                                                                                         \
    type __wrap_##name parameters;                                                                                                         \
    type __wrap_##name parameters                                                                                                          \
    {                                                                                                                                      \
        if (!fault_strikes(kind, #name))                                                                                                   \
            return __real_##name arguments;                                                                                                \
        errno = number;                                                                                                                    \
        return failure;                                                                                                                    \
    }

WRAP(FAULT_MEMORY, void *, malloc, (size_t size), (size), NULL, ENOMEM)
WRAP(FAULT_MEMORY, void *, calloc, (size_t count, size_t size), (count, size), NULL, ENOMEM)
WRAP(FAULT_MEMORY, void *, realloc, (void *block, size_t size), (block, size), NULL, ENOMEM)
WRAP(FAULT_MEMORY, void *, reallocarray, (void *block, size_t count, size_t size), (block, count, size), NULL, ENOMEM)
WRAP(FAULT_MEMORY, char *, strdup, (const char *string), (string), NULL, ENOMEM)
WRAP(FAULT_MEMORY, char *, strndup, (const char *string, size_t length), (string, length), NULL, ENOMEM)

int __real_vasprintf(char **ret_text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
int __wrap_asprintf(char **ret_text, const char *format, ...) __attribute__((format(printf, 2, 3)));

int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments)
{
    return fault_strikes(FAULT_MEMORY, "vasprintf") ? -1 : __real_vasprintf(ret_text, format, arguments);
}

int __wrap_asprintf(char **ret_text, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = __wrap_vasprintf(ret_text, format, arguments);
    va_end(arguments);
    return length;
}

#define WRAP_SYSTEM(name, parameters, arguments, number) WRAP(FAULT_SYSTEM, int, name, parameters, arguments, -1, number)

/* Those with a last argument that may be missing read one that is not there, as the C library does. */
static mode_t mode_of(va_list arguments)
{
    return va_arg(arguments, mode_t);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...);
int __real_fcntl64(int file, int command, ...);
int __wrap_fcntl64(int file, int command, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

int __wrap_open64(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = mode_of(arguments);
    va_end(arguments);
    if (!fault_strikes(FAULT_SYSTEM, "open"))
        return __real_open64(path, flags, mode);
    errno = EMFILE;
    return -1;
}

int __wrap_openat64(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = mode_of(arguments);
    va_end(arguments);
    if (!fault_strikes(FAULT_SYSTEM, "openat"))
        return __real_openat64(folder, path, flags, mode);
    errno = EMFILE;
    return -1;
}

int __wrap_fcntl64(int file, int command, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (!fault_strikes(FAULT_SYSTEM, "fcntl"))
        return __real_fcntl64(file, command, argument);
    errno = EBADF;
    return -1;
}

long __wrap_syscall(long number, ...)
{
    va_list list;
    long arguments[6];

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    /* A signal always arrives, if there is somebody to get it. */
    if (number == SYS_pidfd_send_signal || !fault_strikes(FAULT_SYSTEM, "syscall"))
        return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    errno = EMFILE;
    return -1;
}

WRAP(FAULT_SYSTEM, ssize_t, read, (int file, void *bytes, size_t size), (file, bytes, size), -1, EIO)
WRAP(FAULT_SYSTEM, ssize_t, write, (int file, const void *bytes, size_t size), (file, bytes, size), -1, ENOSPC)
WRAP(FAULT_SYSTEM, ssize_t, readlink, (const char *path, char *text, size_t size), (path, text, size), -1, EIO)
WRAP(FAULT_SYSTEM, ssize_t, readlinkat, (int folder, const char *path, char *text, size_t size), (folder, path, text, size), -1, EIO)
WRAP(FAULT_SYSTEM, DIR *, opendir, (const char *path), (path), NULL, EMFILE)
WRAP(FAULT_SYSTEM, struct dirent64 *, readdir64, (DIR * folder), (folder), NULL, EIO)
WRAP(FAULT_SYSTEM, DIR *, fdopendir, (int file), (file), NULL, ENOMEM)
WRAP_SYSTEM(fsync, (int file), (file), EIO)
WRAP_SYSTEM(dup, (int file), (file), EMFILE)
WRAP_SYSTEM(pipe2, (int ends[2], int flags), (ends, flags), EMFILE)
WRAP_SYSTEM(flock, (int file, int operation), (file, operation), ENOLCK)
WRAP_SYSTEM(mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode), ENOSPC)
WRAP_SYSTEM(unlink, (const char *path), (path), EIO)
WRAP_SYSTEM(unlinkat, (int folder, const char *path, int flags), (folder, path, flags), EIO)
WRAP_SYSTEM(symlinkat, (const char *target, int folder, const char *path), (target, folder, path), ENOSPC)
WRAP_SYSTEM(renameat, (int from, const char *old, int to, const char *new), (from, old, to, new), ENOSPC)
WRAP_SYSTEM(fstat64, (int file, struct stat64 *status), (file, status), EIO)
WRAP_SYSTEM(fstatat64, (int folder, const char *path, struct stat64 *status, int flags), (folder, path, status, flags), EIO)
WRAP_SYSTEM(fchmod, (int file, mode_t mode), (file, mode), EPERM)
WRAP_SYSTEM(fchmodat, (int folder, const char *path, mode_t mode, int flags), (folder, path, mode, flags), EPERM)
WRAP_SYSTEM(ftruncate64, (int file, off64_t size), (file, size), EIO)
WRAP_SYSTEM(futimens, (int file, const struct timespec times[2]), (file, times), EPERM)
WRAP_SYSTEM(chdir, (const char *path), (path), EIO)

/* These give the system's number. */
WRAP(FAULT_SYSTEM, int, posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const argv[],
      char *const environment[]),
     (pid, path, actions, attributes, argv, environment), EAGAIN, EAGAIN)
WRAP(FAULT_SYSTEM, int, uv_poll_init, (uv_loop_t * loop, uv_poll_t *handle, int file), (loop, handle, file), UV_ENOMEM, ENOMEM)
WRAP(FAULT_SYSTEM, int, uv_async_init, (uv_loop_t * loop, uv_async_t *handle, uv_async_cb call), (loop, handle, call), UV_EMFILE, EMFILE)
WRAP(FAULT_SYSTEM, int, uv_mutex_init, (uv_mutex_t * mutex), (mutex), UV_ENOMEM, ENOMEM)
WRAP(FAULT_SYSTEM, int, uv_cond_init, (uv_cond_t * condition), (condition), UV_ENOMEM, ENOMEM)
WRAP(FAULT_SYSTEM, int, uv_thread_create, (uv_thread_t * thread, uv_thread_cb entry, void *data), (thread, entry, data), UV_EAGAIN, EAGAIN)

static void *cjson_malloc(size_t size)
{
    return __wrap_malloc(size);
}

void fault_hook_cjson(void)
{
    cJSON_Hooks hooks = {cjson_malloc, free};

    cJSON_InitHooks(&hooks);
}
