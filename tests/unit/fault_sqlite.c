#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"

static sqlite3_mem_methods real;

static void *allocate(int size)
{
    return fault_strikes(FAULT_MEMORY, "sqlite3_malloc") ? NULL : real.xMalloc(size);
}

static void *reallocate(void *block, int size)
{
    return fault_strikes(FAULT_MEMORY, "sqlite3_realloc") ? NULL : real.xRealloc(block, size);
}

/* What is wrapped at the link is called past that. */
int __real_open64(const char *path, int flags, ...);
int __real_fcntl64(int file, int command, ...);
int __real_fstat64(int file, struct stat *status);
int __real_ftruncate64(int file, off_t size);

#define CALL(type, name, real_name, parameters, arguments, failure, number)                                                                \
    static type call_##name parameters                                                                                                     \
    {                                                                                                                                      \
        if (!fault_strikes(FAULT_SYSTEM, "SQLite's " #name))                                                                               \
            return real_name arguments;                                                                                                    \
        errno = number;                                                                                                                    \
        return failure;                                                                                                                    \
    }

CALL(int, open, __real_open64, (const char *path, int flags, int mode), (path, flags, mode), -1, EMFILE)
CALL(int, fstat, __real_fstat64, (int file, struct stat *status), (file, status), -1, EIO)
CALL(int, ftruncate, __real_ftruncate64, (int file, off_t size), (file, size), -1, EIO)
CALL(ssize_t, pread, pread, (int file, void *bytes, size_t size, off_t at), (file, bytes, size, at), -1, EIO)
CALL(ssize_t, pwrite, pwrite, (int file, const void *bytes, size_t size, off_t at), (file, bytes, size, at), -1, ENOSPC)
CALL(void *, mmap, mmap, (void *address, size_t size, int protection, int flags, int file, off_t at),
     (address, size, protection, flags, file, at), MAP_FAILED, ENOMEM)

/* Letting go of a lock never fails. */
static int call_fcntl(int file, int command, ...)
{
    va_list arguments;
    void *argument;

    va_start(arguments, command);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if ((command == F_SETLK && ((struct flock *)argument)->l_type == F_UNLCK) || !fault_strikes(FAULT_SYSTEM, "SQLite's fcntl"))
        return __real_fcntl64(file, command, argument);
    errno = ENOLCK;
    return -1;
}

/* Which texts take memory when they are asked for depends on SQLite's version (in 3.40 none that a table has): here each may. */
const unsigned char *__real_sqlite3_column_text(sqlite3_stmt *statement, int column);
const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *statement, int column);

const unsigned char *__wrap_sqlite3_column_text(sqlite3_stmt *statement, int column)
{
    static _Thread_local const unsigned char *given[64]; /* what was given is there when it is asked for again */
    const unsigned char *text = __real_sqlite3_column_text(statement, column);

    if (text == NULL || text == given[column % 64])
        return text;
    given[column % 64] = fault_strikes(FAULT_MEMORY, "sqlite3_column_text") ? NULL : text;
    return given[column % 64];
}

static void hook_calls(void)
{
    static const struct {
        const char *name;
        sqlite3_syscall_ptr call;
    } CALLS[] = {
        {"open", (sqlite3_syscall_ptr)call_open},     {"fstat", (sqlite3_syscall_ptr)call_fstat},
        {"fcntl", (sqlite3_syscall_ptr)call_fcntl},   {"ftruncate", (sqlite3_syscall_ptr)call_ftruncate},
        {"pread", (sqlite3_syscall_ptr)call_pread},   {"pread64", (sqlite3_syscall_ptr)call_pread},
        {"pwrite", (sqlite3_syscall_ptr)call_pwrite}, {"pwrite64", (sqlite3_syscall_ptr)call_pwrite},
        {"mmap", (sqlite3_syscall_ptr)call_mmap},
    };
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    for (size_t i = 0; i < sizeof CALLS / sizeof CALLS[0]; i++)
        if (vfs->xGetSystemCall(vfs, CALLS[i].name) != NULL)
            (void)vfs->xSetSystemCall(vfs, CALLS[i].name, CALLS[i].call);
}

void fault_hook_sqlite(void)
{
    sqlite3_mem_methods methods;

    (void)sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
    methods = real;
    methods.xMalloc = allocate;
    methods.xRealloc = reallocate;
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    (void)sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* else small blocks come from a store of each connection, which never fails */
    hook_calls();
}
