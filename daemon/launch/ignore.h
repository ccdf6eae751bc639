/* The patterns of .amlignore and .gitignore. */
#ifndef HYPERDRIVED_IGNORE_H
#define HYPERDRIVED_IGNORE_H

#include <stdbool.h>
#include <stddef.h>

struct ignore;

/* `text` as in gitignore(5): one pattern in a line; empty lines and those that begin with # say nothing; ! takes something in again; a
 * slash at the end: folders only; a slash elsewhere: from the root, else at any depth; * ? [...] do not match a slash, ** as a whole
 * component does. The last pattern that matches decides. NULL when memory is short. */
struct ignore *ignore_open(const char *text, size_t length);
void ignore_close(struct ignore *ignore);
/* `path` is relative to the root, without a slash at either end. What is below a folder that is left out is not to be asked for. */
bool ignore_matches(const struct ignore *ignore, const char *path, bool is_folder);

#endif
