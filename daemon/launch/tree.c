#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "durable.h"

enum { COPY_BLOCK = 128 * 1024 };

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct tree_names *names, size_t *capacity, const char *name)
{
    if (names->count == *capacity) {
        size_t larger = *capacity == 0 ? 32 : 2 * *capacity;
        char **list = reallocarray(names->list, larger, sizeof *list);
        if (list == NULL)
            return -ENOMEM;
        names->list = list;
        *capacity = larger;
    }
    names->list[names->count] = strdup(name);
    return names->list[names->count] == NULL ? -ENOMEM : (names->count++, 0);
}

int tree_list(int folder, struct tree_names *ret_names)
{
    int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0)
        return -errno;
    DIR *stream = fdopendir(own);
    if (stream == NULL) {
        int number = errno;
        close(own);
        return -number;
    }
    struct tree_names names = {0};
    size_t capacity = 0;
    int result = 0;
    struct dirent *entry;
    while (result == 0 && (errno = 0, entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = add_name(&names, &capacity, entry->d_name);
    }
    if (result == 0 && errno != 0)
        result = -errno;
    closedir(stream);
    if (result < 0) {
        tree_names_clear(&names);
        return result;
    }
    if (names.count > 1)
        qsort(names.list, names.count, sizeof *names.list, compare_names);
    *ret_names = names;
    return 0;
}

void tree_names_clear(struct tree_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i]);
    free(names->list);
    *names = (struct tree_names){0};
}

int tree_open_folder(int folder, const char *name)
{
    int opened = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return opened < 0 ? -errno : opened;
}

int tree_make_folder(int folder, const char *name)
{
    if (mkdirat(folder, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    int opened = tree_open_folder(folder, name);
    if (opened != -ENOTDIR && opened != -ELOOP)
        return opened;
    if (unlinkat(folder, name, 0) < 0 || mkdirat(folder, name, 0700) < 0)
        return -errno;
    return tree_open_folder(folder, name);
}

static int64_t copy_bytes(int from, int to)
{
    char *block = malloc(COPY_BLOCK);
    if (block == NULL)
        return -ENOMEM;
    int64_t total = 0;
    for (;;) {
        ssize_t count = read(from, block, COPY_BLOCK);
        if (count < 0 && errno == EINTR)
            continue;
        int result = count < 0 ? -errno : durable_write_all(to, block, (size_t)count);
        if (result < 0 || count == 0) {
            free(block);
            return result < 0 ? result : total;
        }
        total += count;
    }
}

static int64_t fill_copy(int from, int to, const struct stat *info, mode_t mode)
{
    int64_t size = info->st_size;
    if (size == 0 || ioctl(to, FICLONE, from) < 0)
        size = copy_bytes(from, to);
    struct timespec times[2] = {info->st_atim, info->st_mtim};
    if (size >= 0 && (fchmod(to, mode) < 0 || futimens(to, times) < 0))
        size = -errno;
    return size;
}

int64_t tree_copy_file(int from, const char *name, int to, mode_t mode)
{
    int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (source < 0)
        return -errno;
    struct stat info;
    int64_t result = fstat(source, &info) < 0 ? -errno : 0;
    if (result == 0 && !S_ISREG(info.st_mode))
        result = -EINVAL;
    if (result == 0)
        result = tree_remove(to, name);
    int target = result == 0 ? openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (result == 0 && target < 0)
        result = -errno;
    if (target >= 0) {
        result = fill_copy(source, target, &info, mode);
        if (close(target) < 0 && result >= 0)
            result = -errno;
    }
    close(source);
    return result;
}
