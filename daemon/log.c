#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/instant.h"

enum { LINE_SIZE = 4096 };

/* Set once by log_open, before any other thread exists; from then on only the level may change, atomically. */
static struct {
    int level;
    bool journal;
} sink = {LOG_LEVEL_INFO, false};

/* JOURNAL_STREAM names the device and inode of the journal's socket. It is inherited by everything below a service, so it
 * counts only if it is our own stderr. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;
    if (stream == NULL || sscanf(stream, "%llu:%llu", &device, &inode) != 2 || fstat(STDERR_FILENO, &status) != 0)
        return false;
    return status.st_dev == (dev_t)device && status.st_ino == (ino_t)inode;
}

void log_open(int level)
{
    log_set_level(level);
    sink.journal = stderr_is_journal();
}

void log_set_level(int level)
{
    __atomic_store_n(&sink.level, level, __ATOMIC_RELAXED);
}

static const char *level_name(enum log_level level)
{
    return level <= LOG_LEVEL_ERROR ? "error" : level == LOG_LEVEL_WARNING ? "warning" : level == LOG_LEVEL_INFO ? "info" : "debug";
}

/* "<6>" for the journal, which knows the time itself; time and level for everybody else. */
static size_t print_prefix(enum log_level level, char *line)
{
    char instant[HD_INSTANT_SIZE];
    struct timespec now = {0};
    if (sink.journal)
        return (size_t)snprintf(line, LINE_SIZE, "<%d>", (int)level);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    hd_instant_text((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, instant);
    return (size_t)snprintf(line, LINE_SIZE, "%s %s: ", instant, level_name(level));
}

/* Text from outside must not forge lines of its own, nor speak to the terminal. U+0080 to U+009F are controls of two bytes. */
static void flatten(char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
        else if (i + 1 < length && (unsigned char)text[i] == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
            text[i] = text[i + 1] = ' ';
    }
}

/* A log that cannot be written has nowhere to be complained about. */
static void write_out(const char *line, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, line, length);
        if (written < 0 && errno != EINTR)
            return;
        if (written > 0) {
            line += written;
            length -= (size_t)written;
        }
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    if ((int)level > __atomic_load_n(&sink.level, __ATOMIC_RELAXED))
        return;
    size_t start = print_prefix(level, line);
    va_start(arguments, format);
    int printed = vsnprintf(line + start, sizeof line - start - 1, format, arguments); /* one byte is kept for the line's end */
    va_end(arguments);
    if (printed < 0)
        return;
    size_t length = start + (size_t)printed;
    if (length > sizeof line - 2) {
        length = sizeof line - 2;
        memset(line + length - 3, '.', 3);
    }
    flatten(line + start, length - start);
    line[length++] = '\n';
    write_out(line, length);
}
