/* Files by which the kernel tells and is told: of /proc and of control groups. Their size is not known before. */
#ifndef HYPERDRIVED_KERNEL_FILE_H
#define HYPERDRIVED_KERNEL_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/text.h"

/* All functions give 0 or the negative number of the system's error. */

/* Appends the whole file. */
int kernel_file_read(const char *path, struct hd_text *text);
/* The number behind `key` in a file of lines "key number": memory.events, /proc/vmstat. -ENODATA: there is no such line. */
int kernel_file_number(const char *path, const char *key, int64_t *ret_number);
/* Is `word` among those of the file, which are parted by blanks? No, if it cannot be read. */
bool kernel_file_has_word(const char *path, const char *word);
/* Allocates nothing. A file that is missing is made, which the kernel allows in folders only that are none of its own. */
int kernel_file_write(const char *path, const char *value);

#endif
