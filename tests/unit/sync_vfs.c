#include "sync_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool hold, fail;
    int held, count;
} control = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* A file of ours: the methods we change, then the real file. */
struct file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct file *)file)->real;
}

#define FORWARD(name, parameters, ...)                                                                                                     \
    static int name parameters                                                                                                             \
    {                                                                                                                                      \
        return real_of(file)->pMethods->name(real_of(file), __VA_ARGS__);                                                                  \
    }
#define FORWARD_PLAIN(name)                                                                                                                \
    static int name(sqlite3_file *file)                                                                                                    \
    {                                                                                                                                      \
        return real_of(file)->pMethods->name(real_of(file));                                                                               \
    }

FORWARD(xRead, (sqlite3_file * file, void *buffer, int amount, sqlite3_int64 offset), buffer, amount, offset)
FORWARD(xWrite, (sqlite3_file * file, const void *buffer, int amount, sqlite3_int64 offset), buffer, amount, offset)
FORWARD(xTruncate, (sqlite3_file * file, sqlite3_int64 size), size)
FORWARD(xFileSize, (sqlite3_file * file, sqlite3_int64 *size), size)
FORWARD(xLock, (sqlite3_file * file, int level), level)
FORWARD(xUnlock, (sqlite3_file * file, int level), level)
FORWARD(xCheckReservedLock, (sqlite3_file * file, int *result), result)
FORWARD(xFileControl, (sqlite3_file * file, int operation, void *argument), operation, argument)
FORWARD(xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **result), page, size, extend, result)
FORWARD(xShmLock, (sqlite3_file * file, int offset, int count, int flags), offset, count, flags)
FORWARD(xShmUnmap, (sqlite3_file * file, int remove), remove)
FORWARD_PLAIN(xSectorSize)
FORWARD_PLAIN(xDeviceCharacteristics)

static void xShmBarrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int xClose(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}

static int xSync(sqlite3_file *file, int flags)
{
    bool fail;

    pthread_mutex_lock(&control.mutex);
    control.count++;
    while (control.hold) {
        control.held++;
        pthread_cond_broadcast(&control.changed);
        pthread_cond_wait(&control.changed, &control.mutex);
        control.held--;
    }
    fail = control.fail;
    pthread_mutex_unlock(&control.mutex);
    return fail ? SQLITE_IOERR_FSYNC : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *opened, int flags, int *out_flags)
{
    struct file *file = (struct file *)opened;
    int result;

    (void)vfs;
    file->real = (sqlite3_file *)(file + 1);
    result = control.real->xOpen(control.real, name, file->real, flags, out_flags);
    file->base.pMethods = NULL;
    if (file->real->pMethods == NULL)
        return result;
    file->methods = (sqlite3_io_methods){
        .iVersion = 2, /* without memory mapping */
        .xClose = xClose,
        .xRead = xRead,
        .xWrite = xWrite,
        .xTruncate = xTruncate,
        .xSync = xSync,
        .xFileSize = xFileSize,
        .xLock = xLock,
        .xUnlock = xUnlock,
        .xCheckReservedLock = xCheckReservedLock,
        .xFileControl = xFileControl,
        .xSectorSize = xSectorSize,
        .xDeviceCharacteristics = xDeviceCharacteristics,
        .xShmMap = xShmMap,
        .xShmLock = xShmLock,
        .xShmBarrier = xShmBarrier,
        .xShmUnmap = xShmUnmap,
    };
    file->base.pMethods = &file->methods;
    return result;
}

void sync_vfs_register(void)
{
    control.real = sqlite3_vfs_find(NULL);
    control.vfs = *control.real;
    control.vfs.zName = SYNC_VFS_NAME;
    control.vfs.szOsFile = (int)sizeof(struct file) + control.real->szOsFile;
    control.vfs.xOpen = open_file;
    control.vfs.pNext = NULL;
    sqlite3_vfs_register(&control.vfs, 0);
}

static void set(bool *flag, bool value)
{
    pthread_mutex_lock(&control.mutex);
    *flag = value;
    pthread_cond_broadcast(&control.changed);
    pthread_mutex_unlock(&control.mutex);
}

void sync_vfs_hold(void)
{
    set(&control.hold, true);
}

void sync_vfs_release(void)
{
    set(&control.hold, false);
}

void sync_vfs_fail(bool fail)
{
    set(&control.fail, fail);
}

void sync_vfs_wait_held(void)
{
    pthread_mutex_lock(&control.mutex);
    while (control.held == 0)
        pthread_cond_wait(&control.changed, &control.mutex);
    pthread_mutex_unlock(&control.mutex);
}

int sync_vfs_count(void)
{
    int count;

    pthread_mutex_lock(&control.mutex);
    count = control.count;
    pthread_mutex_unlock(&control.mutex);
    return count;
}
