/* RUN/exit.<attempt>: how an attempt ended, written by its monitor as its last act. Empty while the attempt runs: the name is made, and
 * made durable together with the claim, so that at the end only the file itself is to be synced. */
#ifndef HYPERDRIVED_RECORD_H
#define HYPERDRIVED_RECORD_H

#include <stdint.h>

#include "core/error.h"
#include "oom.h"

enum record_kind { RECORD_EXITED, RECORD_SIGNALED, RECORD_NOT_STARTED, RECORD_STOPPED_EARLY };

struct record {
    enum record_kind kind;
    int exit_code;      /* with RECORD_EXITED */
    int signal;         /* with RECORD_SIGNALED */
    int64_t started_us; /* 0 if the program never was executed */
    int64_t ended_us;
    int64_t peak_memory; /* bytes */
    int64_t cpu_us;
    enum oom oom;
    char reason[HD_ERROR_MESSAGE_SIZE]; /* with RECORD_NOT_STARTED: a sentence */
};

/* `folder` is a descriptor or AT_FDCWD; 0 or the negative number of the system's error. */
/* Makes the empty record: a descriptor for record_write(). */
int record_prepare(int folder, int attempt);
/* Durable. `file` is what record_prepare() gave; if the program has removed the record's name meanwhile, it is made again. */
int record_write(int folder, int attempt, int file, const struct record *record);
/* -ENOENT: there is none. -EPROTO: it is empty, or torn, or was not written by record_write(). */
int record_read(int folder, int attempt, struct record *ret_record);
int record_remove(int folder, int attempt);

#endif
