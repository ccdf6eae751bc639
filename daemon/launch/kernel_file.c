#include "kernel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int kernel_file_read(const char *path, struct hd_text *text)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -errno;
    char buffer[4096];
    ssize_t count;
    while ((count = read(file, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR)) {
        if (count > 0)
            hd_text_add(text, buffer, (size_t)count);
    }
    int result = count < 0 ? -errno : text->failed ? -ENOMEM : 0;
    close(file);
    return result;
}

int kernel_file_number(const char *path, const char *key, int64_t *ret_number)
{
    struct hd_text text = {0};
    int result = kernel_file_read(path, &text);
    char *saved = NULL;
    char *line = result == 0 && text.data != NULL ? strtok_r(text.data, "\n", &saved) : NULL;
    size_t length = strlen(key);
    while (line != NULL && (strncmp(line, key, length) != 0 || line[length] != ' '))
        line = strtok_r(NULL, "\n", &saved);
    if (line != NULL)
        *ret_number = strtoll(line + length, NULL, 10);
    else if (result == 0)
        result = -ENODATA;
    hd_text_clear(&text);
    return result;
}

bool kernel_file_has_word(const char *path, const char *word)
{
    struct hd_text text = {0};
    bool found = false;
    if (kernel_file_read(path, &text) == 0 && text.data != NULL) {
        char *saved = NULL;
        for (char *at = strtok_r(text.data, " \n", &saved); at != NULL && !found; at = strtok_r(NULL, " \n", &saved))
            found = strcmp(at, word) == 0;
    }
    hd_text_clear(&text);
    return found;
}

int kernel_file_write(const char *path, const char *value)
{
    int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    size_t length = strlen(value);
    ssize_t count;
    do
        count = write(file, value, length);
    while (count < 0 && errno == EINTR);
    int result = count < 0 ? -errno : (size_t)count < length ? -EIO : 0;
    close(file);
    return result;
}
