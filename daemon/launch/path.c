#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"

/* Appends the components of `text` to the path of `length` bytes in `path`; -1 if it does not fit. */
static int append(char *path, size_t size, size_t *length, const char *text)
{
    while (*text != '\0') {
        size_t component = strcspn(text, "/");
        bool parent = component == 2 && memcmp(text, "..", 2) == 0;
        bool nothing = component == 0 || (component == 1 && *text == '.');
        if (parent) {
            while (*length > 0 && path[--*length] != '/')
                ;
        } else if (!nothing) {
            if (*length + 1 + component + 1 > size)
                return -ENAMETOOLONG;
            path[(*length)++] = '/';
            memcpy(path + *length, text, component);
            *length += component;
        }
        text += component + (text[component] == '/');
    }
    return 0;
}

int path_join(const char *base, const char *target, char *ret_path, size_t size)
{
    size_t length = 0;
    int result = *target == '/' ? 0 : append(ret_path, size, &length, base);
    if (result == 0)
        result = append(ret_path, size, &length, target);
    if (result == 0 && length == 0)
        ret_path[length++] = '/';
    if (result == 0)
        ret_path[length] = '\0';
    return result;
}

bool path_is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    if (length == 1)
        return true;
    return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static int open_folder(const char *path)
{
    int opened = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return opened < 0 ? -errno : opened;
}

int path_make_folder(const char *path)
{
    int opened = open_folder(path);
    if (opened != -ENOENT)
        return opened;
    char parent[PATH_MAX];
    const char *name;
    int above = path_make_parent(path, parent, sizeof parent, &name);
    if (above < 0)
        return above;
    opened = tree_make_folder(above, name);
    close(above);
    return opened;
}

int path_make_parent(const char *path, char *parent, size_t size, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    if (*path != '/' || slash[1] == '\0')
        return -EINVAL;
    size_t length = slash == path ? 1 : (size_t)(slash - path);
    if (length >= size)
        return -ENAMETOOLONG;
    memcpy(parent, path, length);
    parent[length] = '\0';
    *ret_name = slash + 1;
    int opened = open_folder(parent);
    if (opened != -ENOENT)
        return opened;
    opened = path_make_folder(parent);
    if (opened < 0)
        return opened;
    int above = openat(opened, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = above < 0 || fsync(above) < 0 ? -errno : 0;
    if (above >= 0)
        close(above);
    if (result < 0)
        close(opened);
    return result < 0 ? result : opened;
}
