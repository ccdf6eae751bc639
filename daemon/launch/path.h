/* Paths as text, and folders made along them. */
#ifndef HYPERDRIVED_PATH_H
#define HYPERDRIVED_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* All functions that give an int: 0 (or a descriptor) or the negative number of the system's error. */

/* What `target` means in the folder `base` (absolute), without "." and "..". Looks at no file. */
int path_join(const char *base, const char *target, char *ret_path, size_t size);
/* True if `path` is `folder` or lies below it; both as path_join() gives them. */
bool path_is_below(const char *path, const char *folder);

/* Opens the folder `path` (absolute) after making what is missing (0700). The names of new folders are synced, but not that of the last:
 * its maker syncs that together with what it writes there. */
int path_make_folder(const char *path);
/* The same for the parent of `path`; `parent` keeps its text, and `ret_name` points to the last component of `path`. */
int path_make_parent(const char *path, char *parent, size_t size, const char **ret_name);

#endif
