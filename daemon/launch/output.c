#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/utf8.h"
#include "tree.h"

/* The program owns these names and may have put anything there: no link is followed, no FIFO waited for. */
static int open_log(int folder)
{
    int logs = tree_open_folder(folder, "user_logs");
    if (logs < 0)
        return logs;
    int file = openat(logs, "std_log.txt", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int number = errno;
    close(logs);
    return file < 0 ? -number : file;
}

static size_t read_tail(int file, char *buffer)
{
    struct stat info;
    if (fstat(file, &info) < 0 || !S_ISREG(info.st_mode))
        return 0;
    off_t offset = info.st_size > OUTPUT_TAIL ? info.st_size - OUTPUT_TAIL : 0;
    size_t length = 0;
    while (length < OUTPUT_TAIL) {
        ssize_t count = pread(file, buffer + length, OUTPUT_TAIL - length, offset + (off_t)length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        length += (size_t)count;
    }
    size_t cut = offset > 0 ? hd_utf8_rest_of_character(buffer, length) : 0;
    memmove(buffer, buffer + cut, length - cut);
    return length - cut;
}

/* Removes what stands in front of the attempt's own line, and that line; all stays when it is not there. */
static size_t cut_earlier(char *buffer, size_t length, int attempt)
{
    char line[sizeof OUTPUT_ATTEMPT + 16];
    int size = snprintf(line, sizeof line, OUTPUT_ATTEMPT, attempt);
    const char *found = memmem(buffer, length, line, (size_t)size);
    if (found == NULL)
        return length;
    size_t kept = length - (size_t)(found + size - buffer);
    memmove(buffer, found + size, kept);
    return kept;
}

char *output_tail(int folder, int attempt)
{
    char buffer[OUTPUT_TAIL];
    int file = open_log(folder);
    size_t length = file < 0 ? 0 : read_tail(file, buffer);
    if (attempt > 1)
        length = cut_earlier(buffer, length, attempt);
    if (file >= 0)
        close(file);
    struct hd_text text = {0};
    hd_utf8_add_clean(&text, buffer, length);
    char *tail = hd_text_take(&text);
    /* Replacing made it longer: cut the head again, at a character. */
    size_t size = tail == NULL ? 0 : strlen(tail);
    if (size > OUTPUT_TAIL) {
        char *kept = tail + size - OUTPUT_TAIL;
        kept += hd_utf8_rest_of_character(kept, OUTPUT_TAIL);
        memmove(tail, kept, strlen(kept) + 1);
    }
    return tail;
}
