#include "fault_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#define FAULT_VFS_NAME "faults"

/* The methods of a file: the real layer's with some replaced. */
struct methods {
    sqlite3_io_methods ours; /* first: a file's pMethods leads back to this */
    const sqlite3_io_methods *real;
};

/* A test can have one layer only: SQLite's own registry of them is one for the process, too. */
static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t mutex;     /* guards methods */
    struct methods methods[4]; /* the real layer has some for databases, and some for files that need no locks */
    const char *control;
    atomic_int count;
} layer = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static const sqlite3_io_methods *real_of(const sqlite3_file *file)
{
    return ((const struct methods *)file->pMethods)->real;
}

enum { CONTROL_SIZE = 512, SLICE_MS = 10 };

static bool read_control(char text[CONTROL_SIZE])
{
    int file = open(layer.control, O_RDONLY | O_CLOEXEC);
    ssize_t length;

    if (file < 0)
        return false;
    length = read(file, text, CONTROL_SIZE - 1);
    (void)close(file);
    text[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* Whether this operation is to fail so. `ret_number` is what stands behind it, 0 for nothing. */
static bool has_fault(const char *control, const char *operation, const char *fault, int *ret_number)
{
    char line[64];
    const char *found;

    snprintf(line, sizeof line, "%s %s", operation, fault);
    found = strstr(control, line);
    if (found == NULL)
        return false;
    *ret_number = atoi(found + strlen(line));
    return true;
}

static bool fails(const char *control, const char *operation, const char *fault)
{
    int number = 0;

    return has_fault(control, operation, fault, &number) && (number == 0 || number == atomic_load(&layer.count));
}

static void be_slow(const char *control, const char *operation)
{
    char now[CONTROL_SIZE];
    int milliseconds = 0;

    if (!has_fault(control, operation, "slow", &milliseconds))
        return;
    for (int passed = 0; passed < milliseconds && read_control(now); passed += SLICE_MS)
        (void)usleep(SLICE_MS * 1000);
}

static int read_file(sqlite3_file *file, void *buffer, int amount, sqlite3_int64 offset)
{
    char control[CONTROL_SIZE] = "";
    int result;

    atomic_fetch_add(&layer.count, 1);
    (void)read_control(control);
    if (fails(control, "read", "io")) {
        errno = EIO;
        return SQLITE_IOERR_READ;
    }
    result = real_of(file)->xRead(file, buffer, amount, offset);
    if (result != SQLITE_OK || !fails(control, "read", "short"))
        return result;
    memset((char *)buffer + amount / 2, 0, (size_t)(amount - amount / 2));
    return SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *file, const void *buffer, int amount, sqlite3_int64 offset)
{
    char control[CONTROL_SIZE] = "";

    atomic_fetch_add(&layer.count, 1);
    (void)read_control(control);
    be_slow(control, "write");
    if (fails(control, "write", "io")) {
        errno = EIO;
        return SQLITE_IOERR_WRITE;
    }
    if (fails(control, "write", "read_only")) {
        errno = EROFS;
        return SQLITE_IOERR_WRITE;
    }
    if (fails(control, "write", "short")) {
        (void)real_of(file)->xWrite(file, buffer, amount / 2, offset);
        return SQLITE_FULL;
    }
    if (fails(control, "write", "full"))
        return SQLITE_FULL;
    /* In two steps, so that a death in between leaves it torn. */
    (void)real_of(file)->xWrite(file, buffer, amount / 2, offset);
    fault_point("in_write");
    return real_of(file)->xWrite(file, buffer, amount, offset);
}

static int sync_file(sqlite3_file *file, int flags)
{
    char control[CONTROL_SIZE] = "";

    atomic_fetch_add(&layer.count, 1);
    fault_point("in_sync");
    (void)read_control(control);
    be_slow(control, "sync");
    if (fails(control, "sync", "io")) {
        errno = EIO;
        return SQLITE_IOERR_FSYNC;
    }
    return real_of(file)->xSync(file, flags);
}

/* Ours for those of the real layer; made when they are met first. */
static const sqlite3_io_methods *replace(const sqlite3_io_methods *real)
{
    struct methods *methods = layer.methods, *end = methods + sizeof layer.methods / sizeof layer.methods[0];

    pthread_mutex_lock(&layer.mutex);
    while (methods < end && methods->real != NULL && methods->real != real)
        methods++;
    if (methods == end)
        abort(); /* a test without its faults would show nothing */
    if (methods->real == NULL) {
        methods->ours = *real;
        methods->ours.xRead = read_file;
        methods->ours.xWrite = write_file;
        methods->ours.xSync = sync_file;
        methods->real = real;
    }
    pthread_mutex_unlock(&layer.mutex);
    return &methods->ours;
}

/* The file is the real layer's but for its methods: so nothing has to be handed on. */
static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    int result = layer.real->xOpen(layer.real, name, file, flags, out_flags);

    (void)vfs;
    if (file->pMethods != NULL)
        file->pMethods = replace(file->pMethods);
    return result;
}

const char *fault_vfs_register(const char *control)
{
    if (control == NULL)
        return NULL;
    layer.control = control;
    if (layer.real != NULL)
        return FAULT_VFS_NAME;
    layer.real = sqlite3_vfs_find(NULL);
    if (layer.real == NULL)
        abort();
    layer.vfs = *layer.real;
    layer.vfs.zName = FAULT_VFS_NAME;
    layer.vfs.xOpen = open_file;
    layer.vfs.pNext = NULL;
    if (sqlite3_vfs_register(&layer.vfs, 0) != SQLITE_OK)
        abort();
    return FAULT_VFS_NAME;
}

int fault_vfs_count(void)
{
    return atomic_exchange(&layer.count, 0);
}
