/* The daemon's log: stderr, with `<N>` level prefixes when systemd's journal reads it. Only the outermost function logs, once. */
#ifndef HYPERDRIVED_LOG_H
#define HYPERDRIVED_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

void log_open(int level); /* reads JOURNAL_STREAM */
/* Any thread, at any time. */
void log_set_level(int level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
