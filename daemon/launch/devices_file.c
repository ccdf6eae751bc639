/* Small files of /proc and /sys: bounded reads of what may hold anything. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices_parts.h"

static bool below(const char *root, const char *path, char buffer[PATH_MAX])
{
    bool whole = strcmp(root, "/") == 0;

    return snprintf(buffer, PATH_MAX, "%s%s", whole ? "" : root, path) < PATH_MAX;
}

void devices_path(char ret_path[PATH_MAX], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (vsnprintf(ret_path, PATH_MAX, format, arguments) >= PATH_MAX)
        ret_path[0] = '\0';
    va_end(arguments);
}

bool devices_read(const char *root, const char *path, char buffer[DEVICES_FILE_SIZE])
{
    char whole[PATH_MAX];
    size_t length = 0;
    ssize_t count = 0;
    int file = below(root, path, whole) ? open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    if (file < 0)
        return false;
    while (length < DEVICES_FILE_SIZE - 1 &&
           ((count = read(file, buffer + length, DEVICES_FILE_SIZE - 1 - length)) > 0 || (count < 0 && errno == EINTR)))
        length += count > 0 ? (size_t)count : 0;
    (void)close(file);
    buffer[length] = '\0';
    return count >= 0;
}

bool devices_exists(const char *root, const char *path)
{
    char whole[PATH_MAX];

    return below(root, path, whole) && access(whole, F_OK) == 0;
}

static int by_version(const void *a, const void *b)
{
    return strverscmp(a, b);
}

int devices_list(const char *root, const char *path, char names[][DEVICES_NAME_SIZE], int most)
{
    char whole[PATH_MAX];
    DIR *folder = below(root, path, whole) ? opendir(whole) : NULL;
    struct dirent *entry;
    int count = 0;

    if (folder == NULL)
        return 0;
    while (count < most && (entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.' && strlen(entry->d_name) < DEVICES_NAME_SIZE)
            memcpy(names[count++], entry->d_name, strlen(entry->d_name) + 1);
    (void)closedir(folder);
    qsort(names, (size_t)count, DEVICES_NAME_SIZE, by_version);
    return count;
}

void devices_copy_printable(char *to, size_t size, const char *from, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length && count + 1 < size; i++)
        if (from[i] >= ' ' && from[i] <= '~')
            to[count++] = from[i];
    to[count] = '\0';
}

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && isspace((unsigned char)**text)) {
        ++*text;
        --*length;
    }
    while (*length > 0 && isspace((unsigned char)(*text)[*length - 1]))
        --*length;
}

bool devices_value(const char *text, const char *key, char separator, char *ret_value, size_t size)
{
    size_t key_length = strlen(key);

    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");

        if (length > key_length && strncmp(line, key, key_length) == 0 && line[key_length] == separator) {
            const char *value = line + key_length + 1;
            size_t value_length = length - key_length - 1;

            trim(&value, &value_length);
            devices_copy_printable(ret_value, size, value, value_length);
            return ret_value[0] != '\0';
        }
        line += length + (line[length] == '\n');
    }
    return false;
}

uint64_t devices_number(const char *text, const char *key, char separator)
{
    char value[32], *end;
    unsigned long long number;

    if (!devices_value(text, key, separator, value, sizeof value) || !isdigit((unsigned char)value[0]))
        return 0;
    errno = 0;
    number = strtoull(value, &end, 0);
    return errno == 0 && *end == '\0' ? number : 0;
}

bool devices_pci(const char *text, char ret_pci[32])
{
    unsigned domain, bus, device, function;
    int end = 0;

    /* sscanf() takes signs and spaces for parts of numbers too. */
    if (text[strspn(text, "0123456789abcdefABCDEF:.")] != '\0' ||
        sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) != 4 || text[end] != '\0')
        return false;
    snprintf(ret_pci, 32, "%04x:%02x:%02x.%x", domain, bus, device, function);
    return true;
}

bool devices_is_uuid(const char *text)
{
    static const char letters[] = "0123456789abcdefABCDEF-";

    return strncmp(text, "GPU-", 4) == 0 && strlen(text) >= 12 && strlen(text) < sizeof((struct gpu *)NULL)->uuid &&
           text[4 + strspn(text + 4, letters)] == '\0';
}
