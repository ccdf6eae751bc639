/* Steps on trees of files, always relative to open folders and never through a symbolic link: who can write below a run folder must not be
 * able to lead the daemon elsewhere. */
#ifndef HYPERDRIVED_TREE_H
#define HYPERDRIVED_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

enum { TREE_DEPTH_MAX = 100 };

/* The names in a folder, in byte order, without "." and "..". */
struct tree_names {
    char **list;
    size_t count;
};

/* All functions give 0 (or a descriptor) or the negative number of the system's error. */

int tree_list(int folder, struct tree_names *ret_names);
void tree_names_clear(struct tree_names *names);
int tree_open_folder(int folder, const char *name);
/* Opens the folder `name`, after making it (0700), also in the place of something that is no folder. */
int tree_make_folder(int folder, const char *name);
/* Copies the regular file (sharing its blocks where the file system can) in the place of whatever had this name. The copy has `mode` and
 * the original's time of modification. Gives the number of bytes. */
int64_t tree_copy_file(int from, const char *name, int to, mode_t mode);
/* Removes what `name` is, with all that is below it: closed folders too, and whatever depth they have. A missing one is no error; what
 * cannot be removed does not keep the rest. */
int tree_remove(int folder, const char *name);

#endif
