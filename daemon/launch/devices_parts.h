/* What the files that look for devices share. Internal to them. */
#ifndef HYPERDRIVED_DEVICES_PARTS_H
#define HYPERDRIVED_DEVICES_PARTS_H

#include <limits.h>

#include "core/text.h"
#include "devices.h"

enum { DEVICES_FILE_SIZE = 16384, DEVICES_NAME_SIZE = 64 };

/* devices_file.c: small files of /proc and /sys. */
/* Makes a path; "" (which names nothing) if it is too long. */
void devices_path(char ret_path[PATH_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
/* False if `path` (below root) cannot be read. What is longer than DEVICES_FILE_SIZE is cut. */
bool devices_read(const char *root, const char *path, char buffer[DEVICES_FILE_SIZE]);
/* The names in a folder, in the order of strverscmp(); 0 if it cannot be read. */
int devices_list(const char *root, const char *path, char names[][DEVICES_NAME_SIZE], int most);
bool devices_exists(const char *root, const char *path);
/* The value behind `key` and `separator` at the beginning of a line, trimmed and printable; false if there is none. */
bool devices_value(const char *text, const char *key, char separator, char *ret_value, size_t size);
/* The same as a number without sign, in decimal or as 0x; 0 if there is none. */
uint64_t devices_number(const char *text, const char *key, char separator);
/* Copies what is printable ASCII. */
void devices_copy_printable(char *to, size_t size, const char *from, size_t length);
/* "00000000:01:00.0" -> "0000:01:00.0"; false for what is none. */
bool devices_pci(const char *text, char ret_pci[32]);
/* A GPU's UUID as its driver knows it; without question marks, which stand there before the driver knows. */
bool devices_is_uuid(const char *text);

/* Adds a sentence to the notes. */
void devices_note(struct devices_found *found, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* devices_nvidia.c, devices_amd.c: append what they find, in the order in which the vendor's libraries count. */
void devices_find_nvidia(const struct devices_settings *settings, const atomic_bool *stop, struct devices_found *found);
void devices_find_amd(const struct devices_settings *settings, struct devices_found *found);
/* devices_smi.c: what nvidia-smi prints, "index, uuid, name, memory, pci" in lines. False, after a note, when it fails or hangs. */
bool devices_ask_smi(const char *program, const atomic_bool *stop, struct devices_found *found, struct hd_text *ret_output);
/* devices_smi_line.c: uuid, name, memory and pci of one of these lines, which is cut up on the way. False if it tells of no GPU. */
bool devices_smi_line(char *line, struct gpu *ret_gpu);
/* devices_choice.c: leaves only what settings and environment allow. */
void devices_choose(const struct devices_settings *settings, struct devices_found *found);

#endif
